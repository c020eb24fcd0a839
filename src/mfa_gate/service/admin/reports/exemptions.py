"""The report ``exemptions``: the exemptions of the policy, their ends and their use."""

from __future__ import annotations

from collections.abc import AsyncIterator

from ....core.messages.letter import N_
from .report import Column, Report, Row, Sources


async def rows(sources: Sources, tenant: str) -> AsyncIterator[Row]:
    """Yield a row an exemption: those of paths, then those of people."""
    engine, now = sources.engine, sources.engine.now()
    rules, counts = engine.rules(tenant), await sources.people.counts(tenant)
    uses = await engine.exemption_uses.read(tenant)
    for path in rules.exempt:
        for_whom = " ".join([*path.methods, *(rule.text for rule in path.paths)])
        yield _row("paths", path.name, for_whom, path.reason, path.expires_at, now, "", uses)
    for group in rules.exempt_subjects:
        for_whom = ", ".join([*group.groups_any, *(f"not {name}" for name in group.groups_none)])
        people = str(counts.exempt_by.get(group.name, 0)) if counts.is_listed else ""
        yield _row("people", group.name, for_whom, group.reason, group.expires_at, now, people, uses)


def _row(
    kind: str, name: str, for_whom: str, reason: str, ends: int | None, now: int, people: str, uses: dict[str, int]
) -> Row:
    state = "permanent" if ends is None else "over" if ends <= now else "open"
    return {
        "name": name,
        "kind": kind,
        "for": for_whom,
        "reason": reason,
        "state": state,
        "ends_at": ends or 0,
        "people": people,
        "last_used_at": uses.get(name, 0),
    }


REPORT = Report(
    name="exemptions",
    title=N_("Exemptions"),
    about=N_("What the policy exempts, until when, and whether it is used."),
    right="look",
    columns=(
        Column("name", N_("Name")),
        Column("kind", N_("Kind"), "measure"),
        Column("for", N_("Paths or groups"), "id"),
        Column("reason", N_("Reason")),
        Column("state", N_("State"), "measure"),
        Column("ends_at", N_("Ends"), "time"),
        Column("people", N_("People")),
        Column("last_used_at", N_("Last used"), "time"),
    ),
    rows=rows,
)
