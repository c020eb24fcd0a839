"""The report ``sends``: the messages of 30 days by day and factor, with their price."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator

from ....core.messages.letter import N_
from ....core.rules import DAY
from .report import Column, Report, Row, Sources

DAYS = 30
PIECE = 500
KINDS = {"challenge.sent": "sent", "challenge.send_failed": "failed", "challenge.refused": "refused"}
"""The events that are counted, with their columns."""


async def rows(sources: Sources, tenant: str) -> AsyncIterator[Row]:
    """Yield a row a day and factor, newest day first. Days are those of UTC."""
    engine, found = sources.engine, Counter[tuple[int, str, str]]()
    since = (engine.now() // DAY - DAYS + 1) * DAY
    for kind, column in KINDS.items():
        after = ""
        while True:
            page = await engine.store.events(tenant, kind=kind, after=after, limit=PIECE)
            for event in page.items:
                if event.at >= since:
                    found[event.at // DAY, event.factor, column] += 1
            after = page.next
            if not after or page.items[-1].at < since:
                break
    prices, traits = engine.rules(tenant).sends.price, engine.factors.traits
    for day, factor in sorted({(day, factor) for day, factor, _ in found}, key=lambda one: (-one[0], one[1])):
        sent = found[day, factor, "sent"]
        price = int(getattr(prices, traits[factor].sends, 0)) if factor in traits and traits[factor].sends else 0
        yield {
            "day": day * DAY,
            "factor": factor,
            **{column: found[day, factor, column] for column in KINDS.values()},
            "cost": sent * price,
        }


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
)
