"""Plot enrollment over time: an area, a line, their axes, and a short table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..core.rules import DAY
from ..service.admin.chart import Count

WIDTH, HEIGHT, HEAD = 600, 160, 12
"""The box of the plot, and the room that is left above the highest point."""
MAX_ROWS = 12
FEWEST = 3
"""Days under which nothing is drawn: the sentence says all."""
APART = 12.0
"""Percent of the height by which the two labels at the end stand apart at least."""
STEPS = (1, 2, 5, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A plot and its table.

    ``enrolled`` and ``people`` are the points of the two lines, ``area`` those of the area below the first, in a box of
    ``WIDTH`` by ``HEIGHT``. ``ticks`` are (value, percent from the top) of the vertical axis. ``ends`` are the percents from
    the top of the labels at the end of the two lines, ``now`` the counts there. ``required`` is the day from which it is
    required with its percent from the left, None outside of the plot. ``week`` is how many more have set it up than a week
    ago, ``done_at`` the day (UTC seconds) on which all will have at this pace, 0 for none. ``rows`` are (UTC seconds,
    enrolled, people), at most a dozen, the newest first.
    """

    enrolled: str
    people: str
    area: str
    ticks: tuple[tuple[int, float], ...]
    ends: tuple[float, float]
    now: tuple[int, int]
    rows: tuple[tuple[int, int, int], ...]
    most: int
    is_drawn: bool
    required: tuple[int, float] | None = None
    week: int = 0
    done_at: int = 0
    width: int = WIDTH
    height: int = HEIGHT


def chart_of(history: Sequence[Count], *, required_from: int | None = None) -> Chart | None:
    """Plot a history, oldest day first; None where there is nothing to plot.

    ``required_from`` is UTC seconds.
    """
    if not history:
        return None
    first, last, newest = history[0].day, history[-1].day, history[-1]
    top = round_up(max(row.people for row in history))

    def across(day: float) -> float:
        return (day - first) / (last - first) if last > first else 1.0

    def down(value: float) -> float:
        return HEIGHT - value / top * (HEIGHT - HEAD)

    enrolled = [(across(row.day) * WIDTH, down(row.enrolled)) for row in history]
    people = [(across(row.day) * WIDTH, down(row.people)) for row in history]
    corners = [(enrolled[0][0] if len(history) > 1 else 0.0, float(HEIGHT)), *enrolled, (float(WIDTH), float(HEIGHT))]
    day = required_from // DAY if required_from is not None else -1
    week, done_at = _pace(history)
    return Chart(
        enrolled=_line(enrolled),
        people=_line(people),
        area=_line(corners),
        ticks=tuple((value, _percent(down(value))) for value in (top, top // 2, 0)),
        ends=_ends(_percent(down(newest.enrolled)), _percent(down(newest.people))),
        now=(newest.enrolled, newest.people),
        rows=tuple((row.day * DAY, row.enrolled, row.people) for row in _some(history)),
        most=top,
        is_drawn=len(history) >= FEWEST,
        required=(day * DAY, round(100 * across(day), 1)) if first < day < last else None,
        week=week,
        done_at=done_at,
    )


def round_up(most: int) -> int:
    """Return the smallest round even number from ``most`` on, for the top of the axis."""
    unit = 1
    while unit * 10 < most:
        unit *= 10
    step = next(unit * step for step in STEPS if unit * step * 10 >= most) if most > 10 else 2
    top = -(-most // step) * step
    return top + top % 2


def _pace(history: Sequence[Count]) -> tuple[int, int]:
    """Tell how many more there are than a week ago, and when all will have it at this pace."""
    newest = history[-1]
    before = [row for row in history if row.day <= newest.day - 7]
    if not before:
        return 0, 0
    more, days = newest.enrolled - before[-1].enrolled, newest.day - before[-1].day
    left = newest.people - newest.enrolled
    if more <= 0 or left <= 0:
        return more, 0
    wait = -(-left * days // more)
    return more, (newest.day + wait) * DAY if wait <= 730 else 0


def _ends(enrolled: float, people: float) -> tuple[float, float]:
    """Move the label of the upper line up where the two would touch.

    Both move down where there is no room above.
    """
    people = min(people, enrolled - APART)
    under = max(0.0, APART / 2 - people)
    return round(enrolled + under, 1), round(people + under, 1)


def _percent(y: float) -> float:
    return round(100 * y / HEIGHT, 1)


def _line(points: Sequence[tuple[float, float]]) -> str:
    """Write a line through the points.

    A single point becomes a level line, so that there is something to see.
    """
    if len(points) == 1:
        points = [(0.0, points[0][1]), points[0]]
    return " ".join(f"{round(x, 1):g},{round(y, 1):g}" for x, y in points)


def _some(history: Sequence[Count]) -> list[Count]:
    """Choose at most a dozen days, evenly apart, the newest first.

    The first day and the last are among them.
    """
    if len(history) <= MAX_ROWS:
        return list(history)[::-1]
    places = {round(step * (len(history) - 1) / (MAX_ROWS - 1)) for step in range(MAX_ROWS)}
    return [history[place] for place in sorted(places, reverse=True)]
