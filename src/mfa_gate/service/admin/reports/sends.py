"""The report ``sends``: the messages of 30 days by day and factor, with their price."""

from __future__ import annotations

from collections.abc import AsyncIterator

from ....core.messages.letter import N_
from ....core.rules import DAY
from .report import Column, Plot, Report, Row, Sources

NAMES = ("sent", "failed", "refused")


async def rows(sources: Sources, tenant: str) -> AsyncIterator[Row]:
    """Yield a row a day and factor, newest day first. Days are those of UTC."""
    engine, daily = sources.engine, await sources.daily.of(tenant)
    prices, traits = engine.rules(tenant).sends.price, engine.factors.traits
    for day in sources.last_days():
        for factor in daily.parts(day, *NAMES):
            found = {name: daily.number(day, name, factor) for name in NAMES}
            price = int(getattr(prices, traits[factor].sends, 0)) if factor in traits and traits[factor].sends else 0
            yield {"day": day * DAY, "factor": factor, **found, "cost": found["sent"] * price}


REPORT = Report(
    name="sends",
    title=N_("Messages and their price"),
    about=N_("Codes and requests of the last 30 days by day and method, as the policy prices them."),
    right="audit",
    columns=(
        Column("day", N_("Day"), "day"),
        Column("factor", N_("Sign-in method"), "factor"),
        Column("sent", N_("Sent"), "number"),
        Column("failed", N_("Failed"), "number"),
        Column("refused", N_("Refused"), "number"),
        Column("cost", N_("Price"), "number"),
    ),
    rows=rows,
    plots=(
        Plot(title=N_("Messages a day, by sign-in method"), across="day", values=("sent",), by="factor"),
        Plot(title=N_("Price a day, by sign-in method"), across="day", values=("cost",), by="factor"),
    ),
)
