"""The shape of a report: its name, words and columns, and the reader of its rows.

Page, JSON call, command, CSV and the mail to the owner are made from it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from ....core.roles import Right
from ....core.rules import DAY
from ...accounts import Engine
from ..daily_counts import DailyCounts
from ..people import TenantPeople
from ..reviews import Reviews

Kind = Literal[
    "text", "id", "number", "percent", "time", "day", "factor", "factors", "state", "event", "cause", "measure"
]
Value = str | int | tuple[str, ...]
Row = Mapping[str, Value]
DAYS = 30
"""The days of a report that has a row a day."""


@dataclass(frozen=True, slots=True)
class Sources:
    """The parts that a report reads."""

    engine: Engine
    people: TenantPeople
    reviews: Reviews
    daily: DailyCounts

    def last_days(self) -> range:
        """Return the last days (UTC, counted since 1970), the newest first."""
        today = self.engine.now() // DAY
        return range(today, today - DAYS, -1)


@dataclass(frozen=True, slots=True)
class Column:
    """A column.

    ``name`` is its member in JSON and its head in CSV, ``title`` its head on the page (English).

    ``kind`` says how a page writes the values: times are UTC seconds and 0 for none.
    """

    name: str
    title: str
    kind: Kind = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A plot of a report's rows: bars side by side, each a stack.

    ``across`` is the column of the bars: a day, or a measure of which only those that begin with ``only`` are drawn.
    ``values`` are the columns that make the stack; with ``by``, the values of that column make it. ``title`` is English.
    """

    title: str
    across: str
    values: tuple[str, ...]
    by: str = ""
    only: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A report. ``title`` and ``about`` are English and are translated.

    ``right`` is the one that its reader needs. ``rows`` yields the rows of a tenant. ``plots`` are drawn above the table.
    """

    name: str
    title: str
    about: str
    right: Right
    columns: tuple[Column, ...]
    rows: Callable[[Sources, str], AsyncIterator[Row]]
    plots: tuple[Plot, ...] = ()
