"""The reports of a tenant, for its administrators and the operator."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from ...core.model import SubjectKey
from ...core.reasons import Refusal
from ...core.roles import Right
from .reports import REPORTS, Report, Row, Sources
from .rights import Actor, Rights


@dataclass(frozen=True, slots=True)
class OpenReport:
    """A report that its reader may see. ``rows`` are read as they are consumed."""

    report: Report
    tenant: str
    at: int
    rows: AsyncIterator[Row]


class ReportDesk:
    """Use cases of readers of reports."""

    def __init__(self, rights: Rights, sources: Sources) -> None:
        self.rights = rights
        self.sources = sources

    async def listed(self, actor: Actor, tenant: str) -> tuple[Report, ...] | Refusal:
        """List the reports that an actor may read."""
        right: Right = "look" if self.rights.has(actor, "look", tenant) else "audit"
        refusal = await self.rights.permit(actor, right, SubjectKey(tenant, ""), changing=False)
        if refusal is not None:
            return refusal
        return tuple(row for row in REPORTS.values() if self.rights.has(actor, row.right, tenant))

    async def open(self, actor: Actor, tenant: str, name: str) -> OpenReport | Refusal:
        """Open a report. A name without a row is refused (404)."""
        report = REPORTS.get(name)
        if report is None:
            return Refusal(reason="not_found")
        refusal = await self.rights.permit(actor, report.right, SubjectKey(tenant, ""), changing=False)
        if refusal is not None:
            return refusal
        return OpenReport(report, tenant, self.sources.engine.now(), report.rows(self.sources, tenant))
