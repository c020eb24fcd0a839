"""Draw a report's plot: bars side by side, each a stack of values.

Days stand upright from left to right, other things lie one below the other. The report's table below has the numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..core.rules import DAY
from ..service.admin.reports import Plot, Report, Row
from .chart import round_up

WIDTH, HEIGHT = 600, 160
GAP = 0.25
"""The share of a day's place that stays empty beside its bar."""
MOST_PARTS = 6
"""Parts of a stack that are told apart; all others are the last one."""
REST = "rest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A piece of a stack: its number in the legend, its place, its size, its value.

    Place and size are in percent of the axis.
    """

    number: int
    start: float
    size: float
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar: the value of its column, its place, its parts and their total.

    ``x`` and ``width`` are parts of ``WIDTH``.
    """

    across: int | str
    x: float
    width: float
    parts: tuple[Part, ...]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """A plot.

    ``kind`` is that of the column of the bars. ``legend`` names the parts, "" for a plot with one; ``legend_kind`` says
    how a name is written (``title``: as the head of a column). ``ticks`` are (value, percent from the top). ``highest`` is the
    bar with the largest total.
    """

    title: str
    kind: str
    bars: tuple[Bar, ...]
    legend: tuple[str, ...]
    legend_kind: str
    ticks: tuple[tuple[int, float], ...]
    most: int
    total: int
    highest: Bar
    width: int = WIDTH
    height: int = HEIGHT


def bars_of(report: Report, plot: Plot, rows: Sequence[Row]) -> Bars | None:
    """Draw a plot of the rows; None where there is nothing to see."""
    kinds = {column.name: column.kind for column in report.columns}
    stacks: dict[int | str, dict[str, int]] = {}
    for row in rows:
        across = row[plot.across]
        if isinstance(across, tuple) or not str(across).startswith(plot.only):
            continue
        stack = stacks.setdefault(across, {})
        for name in plot.values:
            part = str(row[plot.by]) if plot.by else name
            stack[part] = stack.get(part, 0) + _number(row[name])
    totals = {part: sum(stack.get(part, 0) for stack in stacks.values()) for stack in stacks.values() for part in stack}
    if not any(totals.values()):
        return None
    named = [
        part
        for part in (sorted(totals, key=lambda one: (-totals[one], one)) if plot.by else plot.values)
        if totals[part]
    ]
    if len(named) > MOST_PARTS:
        named = [*named[: MOST_PARTS - 1], REST]
    places = _days(stacks) if kinds[plot.across] == "day" else list(stacks)
    most = round_up(max(sum(stack.values()) for stack in stacks.values()))
    step = WIDTH / len(places)
    bars = tuple(
        _bar(place, stacks.get(place, {}), named, most, x=number * step + step * GAP / 2, width=step * (1 - GAP))
        for number, place in enumerate(places)
    )
    return Bars(
        title=plot.title,
        kind=kinds[plot.across],
        bars=bars,
        legend=tuple(named) if len(named) > 1 or plot.by else (),
        legend_kind=kinds[plot.by] if plot.by else "title",
        ticks=tuple((value, round(100 - 100 * value / most, 1)) for value in (most, most // 2, 0)),
        most=most,
        total=sum(totals.values()),
        highest=max(bars, key=lambda bar: bar.total),
    )


def _bar(place: int | str, stack: dict[str, int], named: Sequence[str], most: int, *, x: float, width: float) -> Bar:
    parts, reached = list[Part](), 0
    values = [stack.get(name, 0) for name in named]
    if named[-1] == REST:
        values[-1] = sum(value for name, value in stack.items() if name not in named)
    for number, value in enumerate(values):
        if value:
            size = round(100 * value / most, 2)
            parts.append(Part(number=number, start=round(100 * reached / most, 2), size=size, value=value))
            reached += value
    return Bar(across=place, x=round(x, 1), width=round(width, 1), parts=tuple(parts), total=reached)


def _days(stacks: dict[int | str, dict[str, int]]) -> list[int | str]:
    """List every day from the first to the last: a day without anything is seen as one."""
    days = [place for place in stacks if isinstance(place, int)]
    return list(range(min(days), max(days) + DAY, DAY))


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
