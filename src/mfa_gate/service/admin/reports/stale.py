"""The report ``stale``: people who have set it up and confirmed nothing for 90 days."""

from __future__ import annotations

from collections.abc import AsyncIterator

from ....core.messages.letter import N_
from ....core.people_search import PeopleSearch
from .report import Column, Report, Row, Sources

DAYS = 90


async def rows(sources: Sources, tenant: str) -> AsyncIterator[Row]:
    """Yield a row a person, by id. Their factors may be gone, and so may they."""
    async for line in sources.reviews.lines(tenant, PeopleSearch(words={"unused": str(DAYS)}), whole=False):
        if line.factors:
            yield {
                "id": line.id,
                "name": line.name,
                "status": line.status,
                "factors": line.factors,
                "last_proof_at": line.last_proof_at,
            }


REPORT = Report(
    name="stale",
    title=N_("Not used for 90 days"),
    about=N_("People who have set up two-step sign-in and have not confirmed for 90 days."),
    right="look",
    columns=(
        Column("id", N_("ID"), "id"),
        Column("name", N_("Name")),
        Column("status", N_("State"), "state"),
        Column("factors", N_("Sign-in methods"), "factors"),
        Column("last_proof_at", N_("Last confirmed"), "time"),
    ),
    rows=rows,
)
