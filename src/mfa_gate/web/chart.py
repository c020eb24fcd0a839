"""Plot enrollment over time: two lines in a box, and the same as a short table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..core.rules import DAY
from ..service.admin.chart import Count

WIDTH, HEIGHT, EDGE = 600, 160, 4
MAX_ROWS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A plot of two lines, and its table.

    ``enrolled`` and ``people`` are the points of the two lines, in a box of ``WIDTH`` by ``HEIGHT``. ``dot`` is the
    end of the line ``enrolled``. ``rows`` are (UTC seconds, enrolled, people), at most a dozen, the newest first.
    """

    enrolled: str
    people: str
    dot: tuple[float, float]
    rows: tuple[tuple[int, int, int], ...]
    most: int
    width: int = WIDTH
    height: int = HEIGHT


def chart_of(history: Sequence[Count]) -> Chart | None:
    """Plot a history, oldest day first; None where there is nothing to plot."""
    if not history:
        return None
    first, last = history[0].day, history[-1].day
    most = max(row.people for row in history)

    def point(row: Count, value: int) -> tuple[float, float]:
        across = (row.day - first) / (last - first) if last > first else 1.0
        x = EDGE + across * (WIDTH - 2 * EDGE)
        y = HEIGHT - EDGE - value / most * (HEIGHT - 2 * EDGE)
        return round(x, 1), round(y, 1)

    return Chart(
        enrolled=_line([point(row, row.enrolled) for row in history]),
        people=_line([point(row, row.people) for row in history]),
        dot=point(history[-1], history[-1].enrolled),
        rows=tuple((row.day * DAY, row.enrolled, row.people) for row in _some(history)),
        most=most,
    )


def _line(points: Sequence[tuple[float, float]]) -> str:
    """Write a line through the points.

    A single point becomes a level line, so that there is something to see.
    """
    if len(points) == 1:
        points = [(float(EDGE), points[0][1]), points[0]]
    return " ".join(f"{x:g},{y:g}" for x, y in points)


def _some(history: Sequence[Count]) -> list[Count]:
    """Choose at most a dozen days, evenly apart, the newest first.

    The first day and the last are among them.
    """
    if len(history) <= MAX_ROWS:
        return list(history)[::-1]
    places = {round(step * (len(history) - 1) / (MAX_ROWS - 1)) for step in range(MAX_ROWS)}
    return [history[place] for place in sorted(places, reverse=True)]
