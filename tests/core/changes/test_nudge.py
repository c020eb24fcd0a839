"""The offer of a stronger factor: to whom, after what, how often."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mfa_gate.core.changes.nudge import is_due, nudge
from mfa_gate.core.model import Account, Authenticator, SubjectKey
from mfa_gate.core.rules import DAY, NudgeRules

from ..builders import moment

RULES = NudgeRules(to="key", after=("app", "text"), every=30 * DAY, max=2)  # type: ignore[arg-type]
NOW = 1_750_000_000
ANN = Account(key=SubjectKey("clinic", "ann"), seen_at=NOW)
KEY = Authenticator(id="k", factor="key", label="Key", created_at=NOW)


@pytest.mark.parametrize(
    ("rules", "account", "groups", "proven", "due"),
    [
        (RULES, ANN, (), "app", True),
        (RULES, ANN, (), "text", True),
        (RULES, ANN, (), "call", False),
        (RULES, replace(ANN, authenticators=(KEY,)), (), "app", False),
        (replace(RULES, to=""), ANN, (), "app", False),
        (replace(RULES, max=0), ANN, (), "app", False),
        (RULES, replace(ANN, nudges=1, nudged_at=NOW - 30 * DAY), (), "app", True),
        (RULES, replace(ANN, nudges=1, nudged_at=NOW - 30 * DAY + 1), (), "app", False),
        (RULES, replace(ANN, nudges=2, nudged_at=NOW - 90 * DAY), (), "app", False),
        (replace(RULES, groups_any=("staff",)), ANN, (), "app", False),
        (replace(RULES, groups_any=("staff",)), ANN, ("staff", "night"), "app", True),
        (replace(RULES, groups_none=("kiosk",)), ANN, ("staff", "kiosk"), "app", False),
        (replace(RULES, groups_none=("kiosk",)), ANN, ("staff",), "app", True),
    ],
)
def test_when_an_offer_is_due(
    rules: NudgeRules, account: Account, groups: tuple[str, ...], proven: str, due: bool
) -> None:
    """The policy's kinds, groups, cadence and count decide, and the factors that a person has."""
    assert is_due(account, rules, frozenset(groups), proven=proven, now=NOW) is due


def test_an_offer_is_counted_once() -> None:
    """An offer that was made a moment ago is not made again by another tab."""
    first = nudge(ANN, moment(now=NOW), RULES, frozenset(), proven="app")
    assert first.answer is True
    assert (first.account.nudges, first.account.nudged_at) == (1, NOW)
    assert [(event.kind, event.factor, event.detail["count"]) for event in first.events] == [
        ("enrollment.offered", "key", 1)
    ]
    again = nudge(first.account, moment(now=NOW), RULES, frozenset(), proven="app")
    assert (again.answer, again.events, again.account) == (False, (), first.account)
