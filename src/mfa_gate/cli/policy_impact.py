"""Tell the impact of a policy: ``policy impact``, from the store or from an exported file."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.model import Contacts, SubjectKey
from .application import WrongUse
from .context import service_of
from .factors import add_app, gate_for, registry_of
from .policy_args import add_file, moment, policy_of, words
from .policy_output import print_json, print_table

if TYPE_CHECKING:
    from ..core.report import Part
    from ..core.rules import Policy
    from ..service.impact import Replay

DONE = 0
MOST_LINES = 30
"""Lines of a table on a terminal; --json and --csv have all."""


def add_impact(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    from ..service.impact import DIMENSIONS

    add_file(parser)
    add_app(parser, help="the app, or its factory: its gate's factors count, and its directory's contacts")
    parser.add_argument("--store", metavar="URL", help="the store with the records of report-only (MFA_GATE_STORE)")
    parser.add_argument("--keys-file", metavar="FILE", help="the keys of the store (MFA_GATE_KEYS_FILE)")
    parser.add_argument(
        "--events", metavar="FILE", help="exported records, or the audit trail, one JSON object a line; - is stdin"
    )
    parser.add_argument("--tenant", default="", help="only this tenant")
    parser.add_argument("--from", type=moment, metavar="TIME", dest="since", help="RFC 3339; default: all that is kept")
    parser.add_argument("--to", type=moment, metavar="TIME", dest="until", help="RFC 3339; default: now")
    parser.add_argument(
        "--by", type=words, default=("rule", "tenant"), metavar="A,B", help=f"tables: {', '.join(DIMENSIONS)}, or all"
    )
    parser.add_argument("--csv", metavar="FILE", help="write the list of people as CSV; - is standard output")
    parser.add_argument("--export", metavar="FILE", help="write the records for --events; - is standard output")


def impact_of_policy(args: argparse.Namespace) -> int:
    """Run ``policy impact``: who would be asked, sent to enroll or walled out, and how often."""
    from ..service.impact import DIMENSIONS, replay

    wrong = [name for name in args.by if name not in (*DIMENSIONS, "all")]
    if wrong:
        raise WrongUse(f"--by {wrong[0]}: there are {', '.join(DIMENSIONS)}, and all")
    policy = args.loaded_policy = policy_of(args)
    if args.events is not None:
        lines = _lines(args.events)
        first = next((line for line in lines if line.strip()), "")
        if not _is_record(first):
            return _of_trail(args, policy, lines)
        named, contacts = _read(args, lines), None
    else:
        named, contacts = asyncio.run(_stored(args))
    if args.export:
        _write(args.export, "".join(f"{line}\n" for line in _exported(named)))
        return DONE
    parts = [part for _, part in named]
    found = replay(policy, parts, factors=registry_of(args), contacts=contacts)
    _print(args, policy, found, parts)
    return DONE


def _lines(name: str) -> list[str]:
    try:
        return sys.stdin.readlines() if name == "-" else Path(name).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUse(f"{name}: {error}") from None


def _is_record(line: str) -> bool:
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and "report" in document


def _read(args: argparse.Namespace, lines: list[str]) -> list[tuple[str, Part]]:
    from ..service.report_archive import read_line

    found = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            tenant, part = read_line(line)
        except (ValueError, KeyError) as error:
            raise WrongUse(f"{args.events}: line {number} is no record of report-only: {error}") from None
        if args.tenant in ("", tenant) and _in_time(args, part):
            found.append((tenant, part))
    return found


def _in_time(args: argparse.Namespace, part: Part) -> bool:
    hour = 3600
    return (args.since or 0) // hour <= part.hour and (args.until is None or part.hour <= args.until // hour)


async def _stored(args: argparse.Namespace) -> tuple[list[tuple[str, Part]], dict[SubjectKey, Contacts] | None]:
    """Read the records of the store, and the contacts of the app's directory, if there is one."""
    from ..service.directory import people_of

    gate = gate_for(args)
    directory = gate.service.engine.wiring.directory if gate is not None else None
    contacts: dict[SubjectKey, Contacts] | None = None if directory is None else {}
    found = []
    tenant, args.tenant = args.tenant, args.tenant or "default"
    async with service_of(args) as service:
        for name in [tenant] if tenant else await service.report.tenants():
            parts = await service.report.parts(name, since=args.since or 0, until=args.until)
            found += [(name, part) for part in parts]
            if contacts is not None:
                people = await people_of(directory, name) or ()
                contacts |= {subject.key: mine for subject, mine in people}
    return found, contacts


def _exported(named: list[tuple[str, Part]]) -> Iterator[str]:
    from ..service.report_archive import export_lines

    for tenant, part in named:
        yield from export_lines(tenant, [part])


def _write(name: str, text: str) -> None:
    if name == "-":
        sys.stdout.write(text)
        return
    try:
        Path(name).write_text(text, "utf-8", newline="")
    except OSError as error:
        raise WrongUse(f"{name}: {error}") from None


def _print(args: argparse.Namespace, policy: Policy, found: Replay, parts: list[Part]) -> None:
    from ..service.impact import DIMENSIONS, document, people, people_csv, table, total, unknown
    from ..web.responses import stamp

    if args.csv:
        _write(args.csv, people_csv(found))
        if args.csv == "-":
            return
    if args.json:
        print_json(document(policy, found, parts))
        return
    everybody = total(found)
    if not found.people:
        print("there are no records of report-only here: nothing can be said")
    else:
        print(f'policy "{policy.name}", {stamp(found.first)} to {stamp(found.last)}')
        print(f"{everybody.people} people made {everybody.requests} requests")
        print(f"asked:      {everybody.asked} people, held up {everybody.stops} times with enrollments and agreements")
        print(f"enroll:     {everybody.enroll} people")
        print(f"walled out: {everybody.walled_out} people, with {everybody.held} requests")
    for dimension in DIMENSIONS if "all" in args.by else args.by:
        lines = table(found, dimension)[:MOST_LINES]
        if lines:
            print()
            head = (dimension, "asked", "times", "enroll", "walled out", "people", "requests")
            print_table([head, *(tuple(_cells(line)) for line in lines)])
    walled = [line for line in people(found) if line.walled_out]
    if walled:
        print("\nwalled out:")
        print_table([(f"  {one.tenant}/{one.id}", ", ".join(one.rules), one.helps) for one in walled[:MOST_LINES]])
        if len(walled) > MOST_LINES:
            print(f"  and {len(walled) - MOST_LINES} more: --csv lists all")
    for what, count in unknown(found):
        print(f"not known: {count} {what}")


def _cells(line: Any) -> Iterator[str]:
    yield line.name
    for count in (line.asked, line.stops, line.enroll, line.walled_out, line.people, line.requests):
        yield str(count or "-")


def _of_trail(args: argparse.Namespace, policy: Policy, lines: list[str]) -> int:
    """Judge the events of a trail: people who were really asked, as far as its lines tell."""
    from ..policyfile.tools.impact import replay

    result = replay(policy, lines, factors=registry_of(args))
    if args.json:
        print_json(dataclasses.asdict(result))
        return DONE
    if result.impacts:
        counts = [(i.before, "->", i.after, str(i.events), str(i.accounts)) for i in result.impacts]
        print_table([("then", "", "under this policy", "events", "accounts"), *counts])
    print(f"{result.decided} of {result.read} events were decisions; {result.unreadable} lines could not be read")
    for what, count in result.unknown.items():
        print(f"not known: {count} {what}")
    return DONE
