"""The commands about the audit trail: list, follow, export, verify, prune."""

from __future__ import annotations

import argparse
import asyncio
import csv
import io
import json
import sys
import unicodedata
from collections import deque
from itertools import takewhile
from urllib.parse import quote

from ..core.events import Event
from ..core.reasons import Refusal
from ..service import Actor, Service
from ..service.admin.trail import MAX_PAGE
from ..storage import EventPage
from ..web.api.admin import event_json
from .context import DONE, NO, add_actor, add_parts, operator_name, running, tell
from .terminal import json_text, one_line, plain_lines

READER = Actor(name="operator")
"""The operator, who reads every trail."""
EVERY = 1.0
MOST = 1000
"""Lines that ``audit list`` prints at most."""
PLAIN = "@:/+,"
"""Characters that are not quoted, besides letters, digits, dots, hyphens and low lines; others are, as in an address."""
FORMULA = ("=", "+", "-", "@", "|", "%")
COLUMNS = ("at", "kind", "tenant", "account", "actor", "app", "factor", "network", "reason", "ticket", "ref", "policy")


def add_commands(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``audit`` with its commands to the program's parser."""
    audit = sub.add_parser("audit", help="read, follow and verify the audit trail")
    commands = audit.add_subparsers(dest="audit_command", required=True, metavar="COMMAND")
    for name, work, help_text in (
        ("list", list_events, "the newest events, newest first"),
        ("follow", follow, "print events as they come, for a log shipper or fail2ban"),
        ("export", export, "the whole trail as JSON lines or CSV, oldest first"),
        ("verify", verify, "check that no line was removed, moved or altered"),
        ("prune", prune, "remove what is older than the policy's [audit] retention; the rest verifies as before"),
    ):
        command = commands.add_parser(name, help=help_text)
        add_parts(command)
        command.add_argument("--tenant", default="", help="one tenant; all where it is left out")
        if name in ("list", "follow", "export"):
            command.add_argument("--account", default="", metavar="ID")
            command.add_argument("--kind", default="")
        if name == "prune":
            add_actor(command, reason=False)
        if name == "list":
            command.add_argument("--limit", type=int, default=50)
        if name == "export":
            command.add_argument("--format", choices=("jsonl", "csv"), default="jsonl")
        command.set_defaults(run=running(work))


def text_of(event: Event) -> str:
    """Write one line that people and fail2ban can read.

    Names given by the host or a person are quoted, so they stay names.
    """
    parts = [f"{event_json(event)['at']} mfa_gate {event.kind}"]
    for name in ("tenant", "account", "actor", "network"):
        parts.append(f"{name}={quote(getattr(event, name), safe=PLAIN) or '-'}")
    for name in ("factor", "reason", "ticket", "app"):
        value = getattr(event, name)
        if value:
            parts.append(f"{name}={json.dumps(value)}")
    return " ".join([*parts, f"ref={event.id}"])


async def _page(args: argparse.Namespace, service: Service, *, after: str = "", limit: int = MAX_PAGE) -> EventPage:
    page = await service.trail_desk.events(
        READER, args.tenant, account=args.account, kind=args.kind, after=after, limit=limit
    )
    # The operator may read every trail, and the name of the tenant was checked before the store was opened.
    return EventPage(items=(), next="") if isinstance(page, Refusal) else page


async def _all(args: argparse.Namespace, service: Service) -> list[Event]:
    found: list[Event] = []
    after = ""
    while True:
        page = await _page(args, service, after=after)
        found += page.items
        after = page.next
        if not after:
            return found


async def list_events(args: argparse.Namespace, service: Service) -> int:
    """Run ``audit list``."""
    wanted, found, after = max(1, min(args.limit, MOST)), list[Event](), ""
    while len(found) < wanted:
        page = await _page(args, service, after=after, limit=wanted - len(found))
        found += page.items
        after = page.next
        if not after:
            break
    documents = [event_json(event) for event in found]
    tell(args, {"events": documents, "next": after or None}, "\n".join(map(text_of, found)) or "nothing")
    return DONE


async def follow(args: argparse.Namespace, service: Service) -> int:
    """Run ``audit follow``: print every new event until the command is stopped."""
    newest = await _page(args, service)
    told = deque((_name(event) for event in reversed(newest.items)), maxlen=MAX_PAGE)
    print("following the trail; stop with Ctrl-C", file=sys.stderr, flush=True)
    while True:
        await asyncio.sleep(EVERY)
        for event in await _since(args, service, frozenset(told)):
            print(json_text(event_json(event)) if args.json else plain_lines(text_of(event)), flush=True)
            told.append(_name(event))


def _name(event: Event) -> tuple[str, str, str]:
    return (event.id, event.kind, event.account)


async def _since(args: argparse.Namespace, service: Service, told: frozenset[tuple[str, str, str]]) -> list[Event]:
    """Return the events that were not printed yet, oldest first, however many there are."""
    found: list[Event] = []
    after = ""
    while True:
        page = await _page(args, service, after=after)
        fresh = list(takewhile(lambda event: _name(event) not in told, page.items))
        found += fresh
        after = page.next
        if not after or len(fresh) < len(page.items):
            return found[::-1]


async def export(args: argparse.Namespace, service: Service) -> int:
    """Run ``audit export``."""
    events = reversed(await _all(args, service))
    if args.format == "jsonl":
        for event in events:
            print(json_text(event_json(event)))
        return DONE
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, COLUMNS, extrasaction="ignore")
    writer.writeheader()
    for event in events:
        document = event_json(event)
        writer.writerow({name: _cell(document[name]) for name in COLUMNS})
    sys.stdout.write(buffer.getvalue())
    return DONE


def _cell(value: object) -> str:
    """Write a cell that no spreadsheet takes for a formula, also behind a line end or a blank."""
    text = one_line(value)
    return f"'{text}" if unicodedata.normalize("NFKC", text).lstrip()[:1] in FORMULA else text


async def verify(args: argparse.Namespace, service: Service) -> int:
    """Run ``audit verify``: exit 1, with the first broken line, if a trail is broken."""
    broken, anchors = await service.retention.verify(args.tenant)
    lines = [f"{tenant}: broken at line {line + 1}" for tenant, line in broken.items()] or ["every trail is whole"]
    lines += [
        f"{tenant}: verified from line {anchor.lines + 1} on, pruned before it" for tenant, anchor in anchors.items()
    ]
    document = {
        "whole": not broken,
        "broken": {tenant: line + 1 for tenant, line in broken.items()},
        "pruned": {tenant: anchor.lines for tenant, anchor in anchors.items()},
    }
    tell(args, document, "\n".join(lines))
    return NO if broken else DONE


async def prune(args: argparse.Namespace, service: Service) -> int:
    """Run ``audit prune``: exit 1 where the policy keeps every line for good."""
    if await service.retention.keeps_all(args.tenant):
        tell(args, {"pruned": {}, "retention": None}, "the policy names no [audit] retention: every line is kept")
        return NO
    found = await service.retention.prune(tenant=args.tenant, actor=operator_name(args))
    text = "\n".join(f"{tenant}: {count} lines removed" for tenant, count in found.items()) or "nothing is old enough"
    tell(args, {"pruned": found}, text)
    return DONE
