"""Answer the calls of lists: ``admin/accounts`` and ``admin/reports/{name}``."""

from __future__ import annotations

from ...core.people_search import SORTS, WORDS
from ...core.person_line import line_from
from ...core.reasons import Refusal
from ...core.trail_search import BadFilter
from ..members import Body, wrong
from ..request import PageRequest
from ..responses import Answer, as_json, problem
from ..streamed import Streamed
from ..tables import person_json, report_json
from .admin import actor_of
from .queries import query_of

QUERY = (*WORDS, "sort", "after", "limit", "tenant")
"""The query parameters of the list of people."""


async def accounts(request: PageRequest, body: Body, name: str) -> Answer:
    """List the accounts of a tenant: ``GET admin/accounts``."""
    query = query_of(request, QUERY)
    try:
        search = request.service.reviews.search_of({word: query[word] for word in WORDS if word in query})
    except BadFilter as error:
        raise wrong(error.name, WORDS[error.name]) from error
    if query.get("sort", "id") not in SORTS:
        raise wrong("sort", f"one of {', '.join(SORTS)}")
    found = await request.service.reviews.page(
        actor_of(request),
        query.get("tenant") or request.subject.tenant,
        search,
        sort=query.get("sort", "id"),
        after=query.get("after", ""),
        limit=int(query.get("limit", "50")),
    )
    if isinstance(found, Refusal):
        return problem(found)
    rows = await request.service.reviews.whole(found.rows)
    return as_json({"accounts": [person_json(row) for row in rows], "next": found.next or None})


async def leavers(request: PageRequest, body: Body, name: str) -> Answer:
    """List people whom the host's directory no longer knows: ``GET admin/leavers``."""
    query = query_of(request, ("after", "limit", "tenant"))
    found = await request.service.person_desk.leavers(
        actor_of(request),
        query.get("tenant") or request.subject.tenant,
        after=query.get("after", ""),
        limit=int(query.get("limit", "50")),
    )
    if isinstance(found, Refusal):
        return problem(found)
    reviews = request.service.reviews
    rows = await reviews.whole([line_from(row, reviews.strength) for row in found.rows])
    return as_json({"accounts": [person_json(row) for row in rows], "next": found.next or None})


async def report(request: PageRequest, body: Body, name: str) -> Answer:
    """Read a report: ``GET admin/reports/{name}``."""
    tenant = query_of(request, ("tenant",)).get("tenant") or request.subject.tenant
    found = await request.service.report_desk.open(actor_of(request), tenant, name)
    if isinstance(found, Refusal):
        return problem(found)
    answer = Streamed(report_json(found), media="application/json")
    await answer.begin()
    return answer
