"""List lines of the audit trail: ``audit list``."""

from __future__ import annotations

import argparse
import json
from urllib.parse import quote

from ...core.events import Event
from ...core.reasons import Refusal
from ...core.trail_search import WORDS, BadFilter, Search
from ...errors import SettingsError
from ...service import Actor, Service
from ...service.admin.trail import MAX_PAGE
from ...storage import EventPage
from ...web.api.admin import event_json
from ..context import DONE, tell

READER = Actor(name="operator")
"""The operator, who reads every trail."""
MOST = 1000
"""Lines that ``audit list`` prints at most."""
PLAIN = "@:/+,"
"""Characters that are not quoted, besides letters, digits, dots, hyphens and low lines; others are, as in an address."""


def text_of(event: Event) -> str:
    """Write one line that people and fail2ban can read.

    Names given by the host or a person are quoted, so they stay names.
    """
    parts = [f"{event_json(event)['at']} mfa_gate {event.kind}"]
    for name in ("tenant", "account", "actor", "network"):
        parts.append(f"{name}={quote(getattr(event, name), safe=PLAIN) or '-'}")
    for name in ("factor", "reason", "ticket", "app", "address", "browser", "agent", "session", "request"):
        value = getattr(event, name)
        if value:
            parts.append(f"{name}={json.dumps(value)}")
    if event.detail:
        parts.append(f"detail={json.dumps(json.dumps(dict(event.detail), sort_keys=True))}")
    return " ".join([*parts, f"ref={event.id}"])


def search_from(args: argparse.Namespace, service: Service) -> Search:
    """Read the filters of a command. Raises ``SettingsError``."""
    try:
        return service.trail_desk.search_of({word: getattr(args, f"word_{word}") for word in WORDS})
    except BadFilter as error:
        raise SettingsError(f"--{error.name}: {error.text}") from error


async def list_events(args: argparse.Namespace, service: Service) -> int:
    """Run ``audit list``."""
    search = search_from(args, service)
    wanted, found, after = max(1, min(args.limit, MOST)), list[Event](), ""
    while len(found) < wanted:
        size = min(wanted - len(found), MAX_PAGE)
        page = await service.trail_desk.events(READER, args.tenant, search, after=after, limit=size)
        # The operator may read every trail, and the name of the tenant was checked before the store was opened.
        page = EventPage(items=()) if isinstance(page, Refusal) else page
        found += page.items
        after = page.next
        if not after:
            break
    documents = [event_json(event) for event in found]
    tell(args, {"events": documents, "next": after or None}, "\n".join(map(text_of, found)) or "nothing")
    return DONE
