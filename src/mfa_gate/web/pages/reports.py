"""Show ``/admin/reports``: the reports of a tenant, each as a table and as a file."""

from __future__ import annotations

from ...core.model import SubjectKey
from ...core.reasons import Refusal
from ...service.admin.report_desk import OpenReport
from ...service.admin.reports import Row
from ..bars import bars_of
from ..request import PageRequest
from ..responses import Answer
from ..streamed import Streamed
from ..tables import report_csv
from ..views.start import AdminReport, AdminReports
from .admin import account_url
from .desk import actor_of, desk_of, refused

MOST = 500
"""Rows that a page shows. The file has all of them."""
PLACE = "/admin/reports"


async def reports(request: PageRequest) -> Answer:
    """Show ``GET /admin/reports``: the list of reports."""
    await request.judgement()
    desk = desk_of(request, "reports")
    found = await request.service.report_desk.listed(actor_of(request), desk.tenant)
    if isinstance(found, Refusal):
        return refused(request, found, f"{PLACE}{desk.query}")
    return request.show(AdminReports(desk=desk, reports=found))


async def report(request: PageRequest, name: str) -> Answer:
    """Show ``GET /admin/reports/{name}``; with ``format=csv``, the whole report as a file."""
    await request.judgement()
    desk = desk_of(request, "reports")
    found = await request.service.report_desk.open(actor_of(request), desk.tenant, name)
    if isinstance(found, Refusal):
        return refused(request, found, f"{PLACE}/{name}{desk.query}")
    if request.query.get("format") == "csv":
        answer = Streamed(report_csv(found), media="text/csv; charset=utf-8", file=f"{name}-{desk.tenant}.csv")
        await answer.begin()
        return answer
    return request.show(await _drawn(request, found))


async def _drawn(request: PageRequest, found: OpenReport) -> AdminReport:
    desk, rows, is_cut = desk_of(request, "reports"), list[Row](), False
    async for row in found.rows:
        if len(rows) == MOST:
            is_cut = True
            break
        rows.append(row)
    with_person = "look" in desk.rights and any(column.name == "id" for column in found.report.columns)
    return AdminReport(
        desk=desk,
        report=found.report,
        at=found.at,
        rows=tuple(rows),
        is_cut=is_cut,
        urls=tuple(account_url(request, SubjectKey(desk.tenant, str(row["id"]))) for row in rows)
        if with_person
        else ("",) * len(rows),
        csv_url=request.own(f"{PLACE}/{found.report.name}{desk.more}format=csv"),
        back=request.own(f"{PLACE}{desk.query}"),
        plots=tuple(drawn for plot in found.report.plots if (drawn := bars_of(found.report, plot, rows))),
    )
