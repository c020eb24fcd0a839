"""The plots of reports: bars whose parts add up, and days that are all there."""

from __future__ import annotations

from mfa_gate.core.rules import DAY
from mfa_gate.service.admin.reports import REPORTS, Row
from mfa_gate.web.bars import MOST_PARTS, REST, WIDTH, Bars, bars_of

SENDS, ADOPTION, CHALLENGES = REPORTS["sends"], REPORTS["adoption"], REPORTS["challenges"]


def send(day: int, factor: str, sent: int, cost: int = 0) -> Row:
    """Return a row of the report of messages."""
    return {"day": day * DAY, "factor": factor, "sent": sent, "failed": 0, "refused": 0, "cost": cost}


def drawn(rows: list[Row], number: int = 0, name: str = "sends") -> Bars:
    """Draw a plot."""
    found = bars_of(REPORTS[name], REPORTS[name].plots[number], rows)
    assert found is not None
    return found


def test_a_bar_a_day_with_its_parts() -> None:
    """A day without anything is a day; the parts stand on each other, the largest below."""
    bars = drawn([send(103, "sms", 6), send(101, "sms", 2), send(101, "email", 4)])
    assert [bar.across for bar in bars.bars] == [101 * DAY, 102 * DAY, 103 * DAY]
    assert bars.legend == ("sms", "email")
    assert [bar.total for bar in bars.bars] == [6, 0, 6]
    first = bars.bars[0].parts
    assert [(part.number, part.value) for part in first] == [(0, 2), (1, 4)]
    assert first[1].start == first[0].size
    assert all(part.start + part.size <= 100 for bar in bars.bars for part in bar.parts)
    assert all(0 <= bar.x <= bar.x + bar.width <= WIDTH for bar in bars.bars)
    assert (bars.total, bars.highest.across) == (12, 101 * DAY)


def test_places_are_written_short() -> None:
    """A seventh of the width has no end: one digit behind the point is enough for a browser."""
    bars = drawn([send(1, "sms", 1), send(7, "sms", 1)])
    assert [(bar.x, bar.width) for bar in bars.bars][:3] == [(10.7, 64.3), (96.4, 64.3), (182.1, 64.3)]


def test_nothing_is_drawn_of_nothing() -> None:
    """A report without rows, or with zeros only, has no plot."""
    assert bars_of(SENDS, SENDS.plots[0], []) is None
    assert bars_of(SENDS, SENDS.plots[1], [send(1, "email", 5, cost=0)]) is None


def test_many_kinds_are_few_parts() -> None:
    """The smallest ones are drawn as one part, and nothing is lost."""
    bars = drawn([send(1, f"kind{number}", 10 - number) for number in range(9)])
    assert len(bars.legend) == MOST_PARTS
    assert bars.legend[-1] == REST
    assert sum(part.value for part in bars.bars[0].parts) == sum(10 - number for number in range(9)) == bars.total


def test_only_the_factors_of_the_adoption() -> None:
    """The mix of factors is drawn, not the numbers of people beside it."""
    rows: list[Row] = [
        {"measure": "known", "people": 50, "percent": 100},
        {"measure": "factor:totp", "people": 30, "percent": 60},
        {"measure": "factor:webauthn", "people": 20, "percent": 40},
    ]
    bars = drawn(rows, name="adoption")
    assert [(bar.across, bar.total) for bar in bars.bars] == [("factor:totp", 30), ("factor:webauthn", 20)]
    assert bars.legend == ()


def test_a_column_a_part() -> None:
    """Columns without a number are left out of the legend."""
    bars = drawn([{"day": DAY, "granted": 9, "wrong": 3, "stopped": 0, "denied": 1}], name="challenges")
    assert bars.legend == ("granted", "wrong", "denied")
    assert bars.most >= 13
