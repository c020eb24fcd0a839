"""Write people and reports as JSON and CSV, for calls, pages and commands alike."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator, Iterable, Sequence

from ..core.person_line import MEMBERS, TIMES, PersonLine
from ..core.text_safety import no_formula
from ..service.admin.report_desk import OpenReport
from ..service.admin.reports import Column, Row, Value
from ..service.turns import AT_ONCE
from .responses import stamp


def json_value(column: Column, value: Value) -> object:
    """Write one value of a report.

    Times are RFC 3339 or null, days are dates, several words are a list.
    """
    if column.kind == "time":
        return stamp(value) if isinstance(value, int) and value else None
    if column.kind == "day":
        return stamp(value)[:10] if isinstance(value, int) else None
    return list(value) if isinstance(value, tuple) else value


def json_row(columns: Sequence[Column], row: Row) -> dict[str, object]:
    """Write one row of a report."""
    return {column.name: json_value(column, row[column.name]) for column in columns}


def person_json(line: PersonLine) -> dict[str, object]:
    """Write one person of a review, with all members."""
    found: dict[str, object] = {}
    for name in MEMBERS:
        value = getattr(line, name)
        found[name] = (
            (stamp(value) if value else None) if name in TIMES else list(value) if name == "factors" else value
        )
    return found


def csv_lines(rows: Iterable[Iterable[object]]) -> str:
    """Write rows as CSV (RFC 4180).

    A text that a spreadsheet would take for a formula gets an apostrophe.
    """
    text = io.StringIO()
    csv.writer(text).writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, list):
        value = " ".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return ""
    return no_formula(value) if isinstance(value, str) else value


async def people_csv(lines: AsyncIterator[PersonLine]) -> AsyncIterator[str]:
    """Write people as CSV, with a head, in pieces."""
    async for piece in _csv(MEMBERS, (person_json(line).values() async for line in lines)):
        yield piece


async def report_csv(found: OpenReport) -> AsyncIterator[str]:
    """Write a report as CSV, with a head, in pieces."""
    columns = found.report.columns
    rows = (json_row(columns, row).values() async for row in found.rows)
    async for piece in _csv([column.name for column in columns], rows):
        yield piece


async def _csv(head: Iterable[object], rows: AsyncIterator[Iterable[object]]) -> AsyncIterator[str]:
    piece = [head]
    async for row in rows:
        piece.append(row)
        if len(piece) >= AT_ONCE:
            yield csv_lines(piece)
            piece = []
    yield csv_lines(piece)


async def report_json(found: OpenReport) -> AsyncIterator[str]:
    """Write a report as one JSON object, in pieces."""
    columns = found.report.columns
    head = {
        "name": found.report.name,
        "tenant": found.tenant,
        "at": stamp(found.at),
        "columns": [column.name for column in columns],
    }
    yield json.dumps(head)[:-1] + ', "rows": ['
    piece, between = list[str](), ""
    async for row in found.rows:
        piece.append(json.dumps(json_row(columns, row)))
        if len(piece) >= AT_ONCE:
            yield between + ", ".join(piece)
            piece, between = [], ", "
    yield (between if piece else "") + ", ".join(piece) + "]}"
