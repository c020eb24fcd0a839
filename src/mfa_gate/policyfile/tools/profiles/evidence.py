"""The evidence sheet for an auditor, with date and digest, as Markdown or CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ....core.rules import Exemption, Policy, Rules, SubjectExemption
from .assessment import Assessment


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """The people of one tenant, counted by their factors.

    ``resistant`` have a phishing-resistant one, ``other`` have others only, ``without`` have none.
    """

    resistant: int = 0
    other: int = 0
    without: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """The facts of a sheet, as of ``now`` (UTC seconds).

    ``people`` is by tenant, None where no store was asked.
    """

    profile: str
    policy: Policy
    assessment: Assessment
    now: int
    people: Mapping[str, People] | None


Table = tuple[str, Sequence[str], list[Sequence[str]]]
"""A title, the heads of the columns, and the rows."""


def tables_of(sheet: Sheet) -> Iterator[Table]:
    """Lay the facts out as tables."""
    policy = sheet.policy
    made = datetime.fromtimestamp(sheet.now, UTC).isoformat()
    facts = [("made at", made), ("profile", sheet.profile), ("policy", policy.name), ("SHA-256", policy.digest)]
    yield "Policy", ("fact", "value"), list(facts)
    departures = [(one.clause, one.path, one.text, str(one.line)) for one in sheet.assessment.deviations]
    yield "Departures", ("clause", "key", "difference", "line"), list(departures)
    yield "Met", ("clause", "how"), [(one.clause, one.text) for one in sheet.assessment.met]
    ends = [*_exemptions("", policy.base, ())]
    for tenant, rules in policy.tenants.items():
        ends += _exemptions(tenant, rules, (*policy.base.exempt, *policy.base.exempt_subjects))
    yield "Exemptions", ("tenant", "rule", "for", "reason", "end"), list(ends)
    heads = ("tenant", "phishing-resistant factor", "other factors only", "no factor")
    counts = [
        (tenant, str(one.resistant), str(one.other), str(one.without)) for tenant, one in (sheet.people or {}).items()
    ]
    counted = "People" if sheet.people is not None else "People (not counted: no store was given)"
    yield counted, heads, list(counts)


def markdown(sheet: Sheet) -> str:
    """Write the sheet as Markdown."""
    parts = [f"# Evidence: {sheet.profile}"]
    for title, heads, rows in tables_of(sheet):
        lines = [_line(heads), _line("---" for _ in heads), *(_line(row) for row in rows)]
        parts.append(f"## {title}\n\n" + ("\n".join(lines) if rows else "none"))
    return "\n\n".join(parts) + "\n"


def as_csv(sheet: Sheet) -> str:
    """Write the sheet as CSV: the title of the table is the first column of each row.

    A cell that a spreadsheet would take for a formula begins with an apostrophe.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for title, heads, rows in tables_of(sheet):
        writer.writerows([title, *map(_safe, row)] for row in (heads, *rows))
    return text.getvalue()


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _safe(cell: str) -> str:
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@") else cell


def _exemptions(
    tenant: str, rules: Rules, known: tuple[Exemption | SubjectExemption, ...]
) -> Iterator[tuple[str, str, str, str, str]]:
    """List the exemptions of one tenant, without those that the file has for everybody."""
    for rule in rules.exempt:
        if rule not in known:
            what = f"{', '.join(rule.methods)} {', '.join(path.text for path in rule.paths)}"
            yield tenant or "(all)", rule.name, what, rule.reason, _end(rule.expires_at)
    for subjects in rules.exempt_subjects:
        if subjects not in known:
            besides = f", not {', '.join(subjects.groups_none)}" if subjects.groups_none else ""
            who = f"people in {', '.join(subjects.groups_any)}{besides}"
            yield tenant or "(all)", subjects.name, who, subjects.reason, _end(subjects.expires_at)


def _end(at: int | None) -> str:
    return "never" if at is None else datetime.fromtimestamp(at, UTC).isoformat()
