"""Show ``/admin/reports/impact``.

Who would be asked under the policy, from the records of report-only.
"""

from __future__ import annotations

from urllib.parse import quote

from ...core.model import SubjectKey
from ...core.reasons import Refusal
from ...service.admin.chart import Count
from ...service.impact import Replay, people, people_csv, table, total, unknown
from ..chart import Chart, chart_of
from ..request import PageRequest
from ..responses import NO_STORE, Answer
from ..views.impact import AdminImpact, WalledOut
from .desk import actor_of, desk_of, refused

PLACE = "/admin/reports/impact"
TABLES = ("rule", "route", "group", "browser", "application")
MOST = 100
"""Lines that a table shows. The file has all people."""


async def impact(request: PageRequest) -> Answer:
    """Show ``GET /admin/reports/impact``; with ``format=csv``, the list of people as a file."""
    await request.judgement()
    desk = desk_of(request, "reports")
    read = await request.service.impact_desk.read(actor_of(request), desk.tenant)
    if isinstance(read, Refusal):
        return refused(request, read, f"{PLACE}{desk.query}")
    found = read.found
    if request.query.get("format") == "csv":
        named = (b"content-disposition", b'attachment; filename="impact.csv"')
        safe = (b"x-content-type-options", b"nosniff")
        return Answer(200, people_csv(found).encode(), (*NO_STORE, safe, named), media="text/csv; charset=utf-8")
    stopped = people(found)
    own = "" if desk.tenant == request.subject.tenant else f"&tenant={quote(desk.tenant)}"
    return request.show(
        AdminImpact(
            desk=desk,
            numbers=total(found),
            first=found.first,
            last=found.last,
            chart=_chart(found),
            tables=tuple((name, tuple(table(found, name)[:MOST])) for name in TABLES),
            walled_out=tuple(
                WalledOut(
                    id=line.id,
                    why=line.walled_out,
                    rules=line.rules,
                    url=request.own(f"/admin/accounts/{quote(line.id, safe='')}{desk.query}"),
                )
                for line in stopped
                if line.walled_out
            )[:MOST],
            unknown=tuple(unknown(found)),
            csv_url=request.own(f"{PLACE}?format=csv{own}"),
        )
    )


def _chart(found: Replay) -> Chart | None:
    """Plot the people who would be stopped, and all who came, day by day."""
    stopped: dict[int, set[SubjectKey]] = {}
    came: dict[int, set[SubjectKey]] = {}
    for stop in found.stops:
        stopped.setdefault(stop.at // 86_400, set()).add(stop.key)
    for _, _, _, _, day, key in found.traffic:
        came.setdefault(day, set()).add(key)
    counts = [Count(day=day, enrolled=len(stopped.get(day, ())), people=len(came[day])) for day in sorted(came)]
    return chart_of(counts)
