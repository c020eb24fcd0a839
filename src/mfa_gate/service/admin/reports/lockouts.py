"""The report ``lockouts``: the accounts that are locked now, by whom and why."""

from __future__ import annotations

from collections.abc import AsyncIterator

from ....core.events import Event
from ....core.messages.letter import N_
from ....core.people_search import PeopleSearch
from .report import Column, Report, Row, Sources


async def rows(sources: Sources, tenant: str) -> AsyncIterator[Row]:
    """Yield a row a locked account, by id. The reason and the address come from the trail."""
    async for line in sources.reviews.lines(tenant, PeopleSearch(words={"status": "locked"})):
        page = await sources.engine.store.events(tenant, account=line.id, kind="account.locked", limit=1)
        event: Event | None = next((one for one in page.items if one.id == line.lock_ref), None)
        yield {
            "id": line.id,
            "name": line.name,
            "locked_at": line.locked_at,
            "lock_cause": line.lock_cause,
            "locked_by": line.locked_by,
            "reason": event.reason if event and event.reason != line.lock_cause else "",
            "address": event.address if event else "",
            "ref": line.lock_ref,
        }


REPORT = Report(
    name="lockouts",
    title=N_("Locked accounts"),
    about=N_("Accounts that are locked now, since when, by whom and why."),
    right="audit",
    columns=(
        Column("id", N_("ID"), "id"),
        Column("name", N_("Name")),
        Column("locked_at", N_("Locked"), "time"),
        Column("lock_cause", N_("Cause"), "cause"),
        Column("locked_by", N_("Who")),
        Column("reason", N_("Reason")),
        Column("address", N_("Address")),
        Column("ref", N_("Reference")),
    ),
    rows=rows,
)
