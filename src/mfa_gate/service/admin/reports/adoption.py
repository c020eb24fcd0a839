"""The report ``adoption``: how many people have set it up, and with what."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator

from ....core.messages.letter import N_
from ....core.people_search import PeopleSearch
from .report import Column, Plot, Report, Row, Sources

MEASURES = (
    "known",
    "set_up",
    "missing",
    "exempt",
    "locked",
    "recovery",
    "phishing_resistant",
    "texts_only",
    "unlisted",
)
"""The measures that are no kind of factor, in their order. ``web/templates/admin/_cells.html`` has their words."""


async def rows(sources: Sources, tenant: str) -> AsyncIterator[Row]:
    """Yield a row a measure: people of a state, of a strength, and of each kind of factor."""
    counts, found, kinds = await sources.people.counts(tenant), Counter[str](), Counter[str]()
    async for line in sources.reviews.lines(tenant, PeopleSearch(words={}), whole=False):
        found["phishing_resistant"] += line.phishing_resistant
        found["texts_only"] += line.texts_only
        kinds.update(line.factors)
    found |= Counter(known=counts.known, set_up=counts.set_up, missing=counts.missing)
    found["locked"], found["recovery"] = counts.states.get("locked", 0), counts.states.get("recovery", 0)
    if counts.is_listed:
        found["exempt"], found["unlisted"] = counts.exempt, counts.unlisted
    for name in MEASURES:
        if name not in ("exempt", "unlisted") or counts.is_listed:
            yield _row(name, found[name], counts.known)
    for kind, number in sorted(kinds.items(), key=lambda item: (-item[1], item[0])):
        yield _row(f"factor:{kind}", number, counts.known)


def _row(measure: str, people: int, known: int) -> Row:
    return {"measure": measure, "people": people, "percent": round(100 * people / known) if known else 0}


REPORT = Report(
    name="adoption",
    title=N_("Adoption"),
    about=N_("How many people have set up two-step sign-in, and with what."),
    right="look",
    columns=(
        Column("measure", N_("What"), "measure"),
        Column("people", N_("People"), "number"),
        Column("percent", N_("Share"), "percent"),
    ),
    rows=rows,
    plots=(Plot(title=N_("People by sign-in method"), across="measure", values=("people",), only="factor:"),),
)
