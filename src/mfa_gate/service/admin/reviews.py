"""Reviews: the people of a tenant, filtered, sorted, a page at a time or as a stream.

Page, JSON call, command, CSV and reports ask here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest

from ...core.model import SubjectKey
from ...core.people_search import PeopleSearch, search_of
from ...core.person_line import PersonLine, Strength, absent_line, line_from, line_of
from ...core.reasons import Refusal
from ...core.trail_search import require_known_factor
from ..accounts import Engine
from ..directory import NoDirectory
from ..turns import AT_ONCE
from .people import PeopleCounts, TenantPeople
from .people_order import NEEDS, REST, Cursor, Order, cursor_of, order_of
from .recent_states import people_in
from .rights import Actor, Rights

MAX_PAGE = 200
MAX_LOOKED_AT = 20_000
"""People that one page looks at. A page with fewer people than asked for then has a cursor to go on from."""
MAX_SORTED = 200_000
"""People who can be sorted by something else than their id. Of a larger tenant, pages come by id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeoplePage:
    """Some people. ``counts`` are those of the tenant, if the caller asked for them.

    A page that is not full and has a cursor has looked at ``MAX_LOOKED_AT`` people: the search goes on behind them.
    """

    rows: tuple[PersonLine, ...]
    next: str
    counts: PeopleCounts | None = None


class Reviews:
    """Use cases of reviews of people."""

    def __init__(self, engine: Engine, rights: Rights, people: TenantPeople) -> None:
        self.engine = engine
        self.rights = rights
        self.people = people

    def search_of(self, words: Mapping[str, str]) -> PeopleSearch:
        """Read the filters of a search. Raises ``BadFilter``."""
        search = search_of(words)
        require_known_factor(search.words, self.engine.factors)
        return search

    async def page(
        self,
        actor: Actor,
        tenant: str,
        search: PeopleSearch,
        *,
        sort: str = "id",
        after: str = "",
        limit: int = 50,
        counted: bool = False,
    ) -> PeoplePage | Refusal:
        """Return a page of a tenant's people, at most ``MAX_PAGE``.

        ``sort`` is one of ``SORTS``, or "" for those first who need somebody.
        """
        refusal = await self.rights.permit(actor, "look", SubjectKey(tenant, ""), changing=False)
        if refusal is not None:
            return refusal
        size, order = max(1, min(limit, MAX_PAGE)), order_of(sort)
        counts = await self.people.counts(tenant) if counted or order.key is not None else None
        if order.key is not None and counts is not None and sum(counts.states.values()) > MAX_SORTED:
            order = order_of("id")
        if search.left_by or order.key is not None:
            lines, rest = await self._sorted_page(tenant, search, order, cursor_of(after), size)
        else:
            lines, rest = await self._page(tenant, search, order, cursor_of(after), size)
        return PeoplePage(rows=tuple(lines), next=rest, counts=counts if counted else None)

    async def stream(
        self, actor: Actor, tenant: str, search: PeopleSearch, *, whole: bool = True
    ) -> AsyncIterator[PersonLine] | Refusal:
        """Return all people who fit, one after the other, by id.

        People without an account come last. ``whole``: with the members that only their accounts have.
        """
        refusal = await self.rights.permit(actor, "look", SubjectKey(tenant, ""), changing=False)
        return refusal if refusal is not None else self.lines(tenant, search, whole=whole)

    async def lines(self, tenant: str, search: PeopleSearch, *, whole: bool = True) -> AsyncIterator[PersonLine]:
        """Yield all people who fit. ``whole``: with the members that only their accounts have."""
        async for piece in self._pieces(tenant, search, whole=whole):
            for line in piece:
                yield line
        async for line in self._absent(tenant, search):
            yield line

    @property
    def strength(self) -> Strength:
        """Tell the kinds of factors by their strength."""
        traits = self.engine.factors.traits
        return Strength(
            resistant=frozenset(kind for kind, one in traits.items() if one.phishing_resistant),
            backup=frozenset(kind for kind, one in traits.items() if one.backup),
            texts=frozenset(kind for kind, one in traits.items() if one.contact == "phone"),
        )

    async def whole(self, lines: Sequence[PersonLine]) -> list[PersonLine]:
        """Add the members that only the accounts have."""
        strength, now = self.strength, self.engine.now()
        return [line if line.is_whole else line_of(await self.engine.load(line.key), strength, now) for line in lines]

    async def _page(
        self, tenant: str, search: PeopleSearch, order: Order, cursor: Cursor, size: int
    ) -> tuple[list[PersonLine], str]:
        """Fill a page from the groups of ``order``, each by id.

        Returns it, and the cursor for more.
        """
        found, looked_at = list[PersonLine](), 0
        groups = order.groups(search.status)
        for number in range(cursor.group, len(groups)):
            after = cursor.after if number == cursor.group else ""
            while groups[number] != "absent":
                wanted = size + 1 - len(found) if search.is_plain else AT_ONCE
                rest = await self._some(tenant, search, groups[number], after, wanted, found)
                looked_at, after = looked_at + wanted, rest
                if len(found) > size:
                    return found[:size], order.cursor(groups, found[size - 1])
                if not after:
                    break
                if looked_at >= MAX_LOOKED_AT:
                    return found, Cursor(group=number, after=after).text
            if groups[number] == "absent":
                found += await self._absent_page(tenant, search, after, size + 1 - len(found))
                if len(found) > size:
                    return found[:size], order.cursor(groups, found[size - 1])
        return found, ""

    async def _some(
        self, tenant: str, search: PeopleSearch, status: str, after: str, limit: int, found: list[PersonLine]
    ) -> str:
        """Add the fitting ones of the next ``limit`` people to ``found``.

        Returns the id to go on behind.
        """
        asked = "" if status == REST else status
        page = await self.engine.store.page(tenant, status=asked, query=search.query, after=after, limit=limit)
        strength, now = self.strength, self.engine.now()
        short = [line_from(one, strength) for one in page.items if status != REST or one.status not in NEEDS]
        fitting = [line for line in short if search.fits(line, now)]
        if search.needs_account:
            fitting = [line for line in await self.whole(fitting) if search.fits(line, now)]
        found += fitting
        return page.next

    async def _pieces(self, tenant: str, search: PeopleSearch, *, whole: bool) -> AsyncIterator[list[PersonLine]]:
        """Yield the people with an account who fit, in pieces, by id."""
        if search.left_by:
            yield await self._recent(tenant, search)
            return
        after = ""
        while True:
            found = list[PersonLine]()
            after = await self._some(tenant, search, search.status, after, AT_ONCE, found)
            yield await self.whole(found) if whole else found
            if not after:
                return

    async def _recent(self, tenant: str, search: PeopleSearch) -> list[PersonLine]:
        strength, now, found = self.strength, self.engine.now(), list[PersonLine]()
        for key in await people_in(self.engine, tenant, search.left_by):
            account = await self.engine.load(key)
            line = line_of(account, strength, now)
            if not account.is_unknown and search.fits(line, now):
                found.append(line)
        return found

    async def _sorted_page(
        self, tenant: str, search: PeopleSearch, order: Order, cursor: Cursor, size: int
    ) -> tuple[list[PersonLine], str]:
        """Keep the first lines behind the cursor, while all lines pass by."""
        best, key = list[PersonLine](), order.key or (lambda line: (line.id,))
        piece = list[PersonLine]()
        async for line in self.lines(tenant, search, whole=False):
            if cursor.is_before(key(line), turned=order.turned):
                piece.append(line)
            if len(piece) >= AT_ONCE:
                best, piece = order.first([*best, *piece], size + 1), []
        best = order.first([*best, *piece], size + 1)
        rest = Cursor(key=key(best[size - 1])).text if len(best) > size else ""
        return best[:size], rest

    async def _absent(self, tenant: str, search: PeopleSearch) -> AsyncIterator[PersonLine]:
        """Yield the people of the directory without an account who fit, and are not exempt."""
        if self.engine.wiring.directory is None or search.status not in ("", "not_enrolled") or search.left_by:
            return
        now = self.engine.now()
        try:
            async for subject, contacts, summary in self.people.listed(tenant):
                if summary is None and not self.people.exemption(subject):
                    line = absent_line(subject.key, contacts.name)
                    if search.fits(line, now):
                        yield line
        except NoDirectory:
            return

    async def _absent_page(self, tenant: str, search: PeopleSearch, after: str, limit: int) -> list[PersonLine]:
        best = list[PersonLine]()
        async for line in self._absent(tenant, search):
            if line.id > after:
                best.append(line)
            if len(best) >= AT_ONCE + limit:
                best = nsmallest(limit, best, key=lambda line: line.id)
        return nsmallest(limit, best, key=lambda line: line.id)
