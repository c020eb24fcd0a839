"""Each direction of a key, and each pair of stages of the enrollment."""

from __future__ import annotations

from typing import Any

import pytest

from mfa_gate.core.options import Key
from mfa_gate.core.rules import EnrollmentRules
from mfa_gate.policyfile.strictness import compare_by, compare_stages, stage_word

OPPOSITE = {"stricter": "looser", "looser": "stricter", "both": "both", "neutral": "neutral", "same": "same"}


@pytest.mark.parametrize(
    ("row", "old", "new", "change"),
    [
        (Key(stricter="lower"), 8, 7, "stricter"),
        (Key(stricter="lower"), None, 7, "stricter"),  # an end instead of none
        (Key(stricter="higher"), 7, 8, "stricter"),
        (Key(stricter="higher"), 0, 8, "stricter"),
        (Key(stricter="zero or higher"), 8, 0, "stricter"),  # zero is never
        (Key(stricter="zero or higher"), 7, 8, "stricter"),
        (Key(stricter="fewer"), ("a", "b"), ("b",), "stricter"),
        (Key(stricter="fewer"), None, ("b",), "stricter"),  # None is all there are
        (Key(stricter="fewer"), ("a", "b"), ("b", "a"), "same"),
        (Key(stricter="fewer"), ("a", "b"), ("b", "c"), "both"),
        (Key(stricter="more"), ("a",), ("a", "b"), "stricter"),
        (Key(stricter="more"), ("a",), ("b",), "both"),
        (Key(stricter="none"), "a", "b", "neutral"),
        (Key(stricter="either"), "a", "b", "both"),
        (Key(weakest_first=("a", "b", "c")), "a", "c", "stricter"),
        (Key(weakest_first=(False, True)), False, True, "stricter"),
    ],
)
def test_a_value_has_a_direction(row: Key, old: Any, new: Any, change: str) -> None:
    """A change is the opposite of the one back, and no change is none."""
    assert compare_by(row, old, new) == change
    assert compare_by(row, new, old) == OPPOSITE[change]
    assert compare_by(row, old, old) == "same"


DATED = EnrollmentRules(stage="off", optional_from=1_000, required_from=2_000)


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        (EnrollmentRules(stage="off"), EnrollmentRules(stage="optional"), "stricter"),
        (EnrollmentRules(stage="off"), EnrollmentRules(stage="admin"), "stricter"),
        (EnrollmentRules(stage="optional"), EnrollmentRules(stage="required"), "stricter"),
        (EnrollmentRules(stage="admin"), EnrollmentRules(stage="required"), "stricter"),
        (EnrollmentRules(stage="admin"), EnrollmentRules(stage="optional"), "both"),
        (EnrollmentRules(stage="off"), DATED, "stricter"),
        (DATED, EnrollmentRules(stage="required"), "stricter"),
        (DATED, EnrollmentRules(stage="optional"), "both"),
        (DATED, EnrollmentRules(stage="off", optional_from=1_000, required_from=1_999), "stricter"),
        (DATED, EnrollmentRules(stage="off", optional_from=999, required_from=1_999), "stricter"),
        (DATED, EnrollmentRules(stage="off", optional_from=999, required_from=2_001), "both"),
        (DATED, EnrollmentRules(stage="off", optional_from=1_000), "looser"),  # it is never required
    ],
)
def test_a_stage_has_a_direction(old: EnrollmentRules, new: EnrollmentRules, change: str) -> None:
    """Stages that cannot be ranked are looser and stricter at once: no tenant slips through."""
    assert compare_stages(old, new) == change
    assert compare_stages(new, old) == OPPOSITE[change]
    assert compare_stages(old, old) == "same"


def test_one_date_makes_a_calendar() -> None:
    """The stage counts for nothing as soon as there is a date."""
    assert stage_word(EnrollmentRules(stage="admin")) == "admin"
    assert stage_word(EnrollmentRules(stage="admin", optional_from=0)) == "calendar"
    assert stage_word(EnrollmentRules(stage="admin", required_from=0)) == "calendar"
