"""The audit trail of a tenant, for its administrators and the operator.

An administrator needs the right ``audit``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from ...core.events import Event
from ...core.evidence import UPSTREAM
from ...core.model import SubjectKey
from ...core.reasons import Refusal
from ...core.trail_search import Search, require_known_factor, search_of
from ...storage import EventPage, FindsLines, Trail
from ..accounts import Engine
from ..turns import AT_ONCE, give_way
from .rights import Actor, Rights

Some = Callable[[str, int], Awaitable[EventPage]]

MAX_PAGE = 200
MAX_LOOKED_AT = 20_000
"""Lines that one search looks at. A page with fewer lines than asked for then has a cursor to go on from."""


class TrailDesk:
    """Use cases of readers of the trail."""

    def __init__(self, engine: Engine, rights: Rights) -> None:
        self.engine = engine
        self.rights = rights

    def search_of(self, words: Mapping[str, str]) -> Search:
        """Read the filters of a search. Raises ``BadFilter``."""
        search = search_of(words)
        require_known_factor(search.words, (*self.engine.factors, UPSTREAM))
        return search

    async def events(
        self, actor: Actor, tenant: str, search: Search, *, after: str = "", limit: int = 50
    ) -> EventPage | Refusal:
        """Return lines of a tenant's trail that fit ``search``, newest first.

        There are at most ``MAX_PAGE``.

        For the operator, the tenant "" means every tenant. A page that is not full and has a cursor has looked at
        ``MAX_LOOKED_AT`` lines: the search goes on behind them.
        """
        if tenant or not actor.is_operator:
            refusal = await self.rights.permit(actor, "audit", SubjectKey(tenant, ""), changing=False)
            if refusal is not None:
                return refusal
        return await search_trail(self.engine.store, tenant, search, after=after, limit=max(1, min(limit, MAX_PAGE)))


async def search_trail(trail: Trail, tenant: str, search: Search, *, after: str, limit: int) -> EventPage:
    """Find lines in pieces, so that no other request waits for a long search."""
    found, looked_at, some = list[Event](), 0, _source(trail, tenant, search)
    while True:
        size = limit - len(found) if search.is_indexed else min(AT_ONCE, limit * 20)
        page = await some(after, size)
        for place, event in enumerate(page.items):
            if not search.fits(event):
                continue
            found.append(event)
            if len(found) == limit:
                if place + 1 < len(page.items):  # the cursor stands behind the last line that was given
                    part = await some(after, place + 1)
                    return EventPage(items=tuple(found), next=part.next)
                return EventPage(items=tuple(found), next=page.next)
        looked_at, after = looked_at + len(page.items), page.next
        if page.items and all(map(search.is_before, page.items)):
            after = ""  # a whole piece is older than what is asked for
        if not after or looked_at >= MAX_LOOKED_AT:
            return EventPage(items=tuple(found), next=after)
        await give_way()


def _source(trail: Trail, tenant: str, search: Search) -> Some:
    """Return the reader of the lines among which the search looks.

    These are the lines that an index gives, else all of the account or the tenant. It takes a cursor and a number of lines.
    """
    exact = search.exact
    if tenant and exact is not None and isinstance(trail, FindsLines):
        return lambda after, limit: trail.lines_with(tenant, *exact, after=after, limit=limit)
    return lambda after, limit: trail.events(tenant, account=search.account, kind=search.kind, after=after, limit=limit)
