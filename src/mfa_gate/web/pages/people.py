"""Show ``/admin/accounts``: the people of a tenant, as a table and as a file."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from ...core.people_search import SORTS, WORDS, PeopleSearch, search_of
from ...core.person_line import PersonLine
from ...core.reasons import Refusal
from ...core.trail_search import BadFilter
from ...service.admin.many import IDLE
from ...service.admin.people import MAX_REMINDED, PeopleCounts
from ...service.admin.reviews import PeoplePage
from ..request import PageRequest
from ..responses import Answer
from ..streamed import Streamed
from ..tables import people_csv
from ..views import Notice, Problem
from ..views.people import AdminAccounts, Head, PersonRow, Tab
from . import many
from .admin import account_url
from .common import not_found, problem_from
from .desk import actor_of, desk_of, refused

PAGE = 50
PLACE = "/admin/accounts"
OWN_WORDS = ("tenant", "after", "lang", "sort", "format")
"""Words of the query that are no filters."""
TABS = ("", "not_enrolled", "locked", "recovery", "verified")
FIRST = {"id": "id", "name": "name", "last": "-last"}
"""The order of a column when it is chosen first: the newest confirmation comes first."""


async def accounts(request: PageRequest) -> Answer:
    """Show ``GET /admin/accounts``; with ``format=csv``, all people who fit as a file."""
    query, wrong = request.query, ""
    typed = {name: value for name, value in query.items() if name not in OWN_WORDS}
    try:
        search = request.service.reviews.search_of(typed)
    except BadFilter as error:
        search, wrong = search_of({}), error.name
    sort = query.get("sort", "")
    if sort and sort not in SORTS:
        wrong = wrong or "sort"
    if query.get("format") == "csv" and not wrong:
        return await _csv(request, search)
    await request.judgement()
    return await _page(request, search, typed, sort="" if wrong else sort, wrong=wrong)


async def _csv(request: PageRequest, search: PeopleSearch) -> Answer:
    await request.judgement()
    desk = desk_of(request, "accounts")
    found = await request.service.reviews.stream(actor_of(request), desk.tenant, search)
    if isinstance(found, Refusal):
        return refused(request, found, f"{PLACE}{desk.query}")
    answer = Streamed(people_csv(found), media="text/csv; charset=utf-8", file=f"people-{desk.tenant}.csv")
    await answer.begin()
    return answer


async def _page(
    request: PageRequest,
    search: PeopleSearch,
    typed: Mapping[str, str],
    *,
    sort: str = "",
    wrong: str = "",
    problem: Problem | None = None,
) -> Answer:
    """Draw the list. ``problem`` is that of an act on it."""
    desk, after = desk_of(request, "accounts"), request.query.get("after", "")
    found = await request.service.reviews.page(
        actor_of(request), desk.tenant, search, sort=sort, after=after, limit=PAGE, counted=True
    )
    if isinstance(found, Refusal):
        return refused(request, found, f"{PLACE}{desk.query}")
    rows = () if wrong else tuple(await request.service.reviews.whole(found.rows))
    here, chosen = request.own(PLACE), {word: typed.get(word, "") for word in WORDS}
    kept = {"tenant": desk.tenant if desk.query else "", **chosen, "sort": sort}
    may_remind = "tenant" in desk.rights and request.service.tenant_messages.can_remind
    acts = (*(("remind",) if may_remind else ()), *request.service.many_desk.offered(actor_of(request), desk.tenant))

    def url(**changes: str) -> str:
        words = {name: value for name, value in (kept | changes).items() if value}
        return f"{here}?{urlencode(words)}" if words else here

    page = AdminAccounts(
        desk=desk,
        people=tuple(_row(request, line, acts) for line in rows),
        tabs=tuple(
            Tab(word=word, url=url(status=word), count=count, current=word == chosen["status"])
            for word, count in _tab_counts(found)
            if count or word in ("", chosen["status"])
        ),
        heads={name: Head(name=name, url=url(sort=_turned(name, sort)), order=_order(name, sort)) for name in FIRST},
        counts=tuple(found.counts.states.items()) if found.counts else (),
        query=chosen["q"],
        status=chosen["status"],
        words=chosen,
        kinds=tuple(request.factors.traits),
        more_filters=any(value for word, value in chosen.items() if word not in ("status", "q")),
        hidden=tuple((name, kept[name]) for name in ("tenant", "status", "sort") if kept[name]),
        wrong=wrong,
        may_remind=may_remind and any(row.status == "not_enrolled" for row in rows),
        acts=acts if rows else (),
        filter=urlencode({word: value for word, value in chosen.items() if value}),
        url=url(),
        csv_url=url(format="csv", sort=""),
        next_url=url(after=found.next) if found.next and not wrong else "",
        first_url=url() if after else "",
        looked_at=bool(found.next) and not wrong and len(rows) < PAGE,
        exempt=found.counts.exempt if found.counts else 0,
    )
    return request.show(page, status=422 if wrong or problem else 200, problems=[problem] if problem else ())


async def act(request: PageRequest) -> Answer:
    """Answer ``POST /admin/accounts``: remind people, or show the plan of another act.

    They are those who are ticked, or everybody who fits the filters.
    """
    form, desk = request.form, desk_of(request, "accounts")
    await request.judgement()
    try:
        chosen = many.chosen_in(request)
    except BadFilter:
        chosen = None
    if form.get("action") not in (*IDLE, "remind") or chosen is None:
        return not_found(request)
    if chosen.search is None and not chosen.ids:
        return await _page(request, search_of({}), {}, problem=Problem(reason="people_missing"))
    if form["action"] in IDLE:
        return await many.plan(request, chosen)
    ids = chosen.ids
    if chosen.search is not None:
        found = await request.service.reviews.stream(actor_of(request), desk.tenant, chosen.search, whole=False)
        if isinstance(found, Refusal):
            return refused(request, found, f"{PLACE}{desk.query}")
        ids = tuple([line.id async for line in found if line.status == "not_enrolled"][:MAX_REMINDED])
    told = await request.service.tenant_messages.remind(actor_of(request), desk.tenant, ids=ids)
    if not isinstance(told, Refusal):
        return request.go(f"{request.own(PLACE)}{desk.query}", notice=Notice(word="tenant_remind", count=told))
    if told.reason in ("too_soon", "no_contact", "malformed"):
        return await _page(request, search_of({}), {}, problem=problem_from(told, ""))
    return refused(request, told, f"{PLACE}{desk.query}")


def _row(request: PageRequest, line: PersonLine, acts: tuple[str, ...]) -> PersonRow:
    return PersonRow(
        line=line,
        url=account_url(request, line.key) if line.is_met else "",
        can_be_picked=bool(acts) and line.key != request.subject.key,
    )


def _tab_counts(found: PeoplePage) -> list[tuple[str, int]]:
    counts = found.counts or PeopleCounts(known=0, set_up=0, missing=0, states={}, exempt_by={})
    numbers = {
        **counts.states,
        "": counts.known - counts.exempt + counts.unlisted,
        "not_enrolled": counts.missing + counts.unlisted_missing,
    }
    return [(word, numbers.get(word, 0)) for word in TABS]


def _order(name: str, sort: str) -> str:
    return "" if sort.removeprefix("-") != name else "down" if sort.startswith("-") else "up"


def _turned(name: str, sort: str) -> str:
    """Return the order that a press on a column's head asks for.

    It is the first one of the column, then the other way round.
    """
    first = FIRST[name]
    if sort != first:
        return first
    return name if first.startswith("-") else f"-{name}"
