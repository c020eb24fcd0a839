"""The plot of enrollment over time: one row a day, drawn on the server, with a table.

No view of the page counts people.
"""

from __future__ import annotations

import pytest

from mfa_gate.core.rules import DAY
from mfa_gate.service.admin.chart import Count
from mfa_gate.web.chart import HEAD, HEIGHT, MAX_ROWS, WIDTH, chart_of
from tests.harness import World, make_world, running


async def day(world: World, *ids: str) -> None:
    """Some more people set it up, and the day is written down."""
    for id in ids:
        await world.enrolled(id)
    await world.gate.service.chart.note()
    world.clock.advance(DAY)


async def test_a_row_a_day() -> None:
    """Each day keeps its own count, and a second count on a day replaces the first.

    Today has the numbers of now. The page and JSON show the same.
    """
    async with running(make_world()) as world:
        await day(world, "ann")
        await day(world, "bob", "eve")
        boss = await world.enrolled("boss", groups=["admin"])
        desk = (await boss.api("GET", "admin/tenant")).json()
        assert [(row["enrolled"], row["people"]) for row in desk["history"]] == [(1, 1), (3, 3), (4, 4)]
        chart = world.gate.service.chart
        await chart.note()
        await chart.note()
        page = (await boss.page("/mfa/admin/tenant")).text
        assert page.count("<polyline") == 2
        assert page.count('<th scope="row">') == 3
        assert "<script" not in page.split("<svg viewBox", 1)[1].split("</figure>")[0]
        await boss.api("POST", "admin/accounts/ann/reset", {"ticket": "T", "reason": "new phone"})
        history = (await boss.api("GET", "admin/tenant")).json()["history"]
        assert [(row["enrolled"], row["people"]) for row in history] == [(1, 1), (3, 3), (3, 4)]


async def test_it_is_bounded_and_of_one_tenant() -> None:
    """The newest days are kept; another tenant has its own; nobody at all is no plot."""
    async with running(make_world()) as world:
        chart = world.gate.service.chart
        assert await chart.history("alpha", await world.gate.service.people.counts("alpha")) == ()
        assert chart_of(()) is None
        await world.enrolled("ann")
        for _ in range(400 + 5):
            await chart.note()
            world.clock.advance(DAY)
        kept = await chart.history("alpha", await world.gate.service.people.counts("alpha"))
        assert len(kept) == 400
        assert [row.day for row in kept] == sorted({row.day for row in kept})
        assert await chart.history("beta", await world.gate.service.people.counts("beta")) == ()


@pytest.mark.parametrize("length", [1, 2, 12, 13, 400])
def test_every_point_is_in_the_box(length: int) -> None:
    """The lines of any history stay inside the box and go from left to right.

    The table is short and has both ends of the history.
    """
    history = [Count(day=20_000 + 3 * number, enrolled=number % 7, people=7 + number) for number in range(length)]
    chart = chart_of(history)
    assert chart is not None
    for line in (chart.enrolled, chart.people):
        points = [tuple(map(float, point.split(","))) for point in line.split()]
        assert len(points) == max(2, length)
        assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)
        assert [x for x, _ in points] == sorted(x for x, _ in points)
    assert len(chart.rows) == min(length, MAX_ROWS)
    assert (chart.rows[0][0], chart.rows[-1][0]) == (history[-1].day * DAY, history[0].day * DAY)


def test_the_places_of_the_points() -> None:
    """A day stands at its share of the time, and a number at its share of the axis."""
    history = [Count(day=day, enrolled=enrolled, people=10) for day, enrolled in ((100, 0), (105, 5), (120, 10))]
    chart = chart_of(history)
    assert chart is not None
    enrolled, people = (
        [tuple(map(float, point.split(","))) for point in line.split()] for line in (chart.enrolled, chart.people)
    )
    assert [x for x, _ in enrolled] == [x for x, _ in people] == [0, WIDTH / 4, WIDTH]
    assert [y for _, y in enrolled] == [HEIGHT, (HEIGHT + HEAD) / 2, HEAD]
    assert [y for _, y in people] == [HEAD] * 3
