"""The reports of 30 days by day: challenges by outcome, and locks by cause."""

from __future__ import annotations

from collections.abc import AsyncIterator

from ....core.messages.letter import N_
from ....core.rules import DAY
from .report import Column, Plot, Report, Row, Sources

OUTCOMES = ("granted", "wrong", "stopped", "denied")
CAUSES = ("attempts", "rolling", "administrator")


async def challenges(sources: Sources, tenant: str) -> AsyncIterator[Row]:
    """Yield a row a day with an answer, the newest day first. Days are those of UTC."""
    daily = await sources.daily.of(tenant)
    for day in sources.last_days():
        found = {name: daily.number(day, name) for name in OUTCOMES}
        if any(found.values()):
            yield {"day": day * DAY, **found}


async def locks(sources: Sources, tenant: str) -> AsyncIterator[Row]:
    """Yield a row a day on which somebody was locked or unlocked, the newest day first."""
    daily = await sources.daily.of(tenant)
    for day in sources.last_days():
        found = {name: daily.number(day, "locked", name) for name in CAUSES}
        unlocked = daily.number(day, "unlocked")
        if unlocked or any(found.values()):
            yield {"day": day * DAY, **found, "unlocked": unlocked}


CHALLENGES = Report(
    name="challenges",
    title=N_("Challenges by outcome"),
    about=N_("Answers of the last 30 days: confirmed, wrong, or refused."),
    right="audit",
    columns=(
        Column("day", N_("Day"), "day"),
        Column("granted", N_("Confirmed"), "number"),
        Column("wrong", N_("Wrong"), "number"),
        Column("stopped", N_("Refused"), "number"),
        Column("denied", N_("Denied on the phone"), "number"),
    ),
    rows=challenges,
    plots=(Plot(title=N_("Answers a day, by outcome"), across="day", values=OUTCOMES),),
)
LOCKS = Report(
    name="locks",
    title=N_("Locks a day"),
    about=N_("Accounts that were locked and unlocked in the last 30 days."),
    right="audit",
    columns=(
        Column("day", N_("Day"), "day"),
        Column("attempts", N_("Wrong codes"), "number"),
        Column("rolling", N_("Wrong codes within a month"), "number"),
        Column("administrator", N_("An administrator"), "number"),
        Column("unlocked", N_("Unlocked"), "number"),
    ),
    rows=locks,
    plots=(Plot(title=N_("Locked accounts a day, by cause"), across="day", values=CAUSES),),
)
