"""The bounds and the usual values of what a policy may say about each factor.

They are promises to its writers.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

import pytest

from mfa_gate.core.options import KEY
from mfa_gate.factors import BUILT_IN

NUMBERS: dict[str, tuple[int, int, int, str]] = {
    "push.digits": (2, 2, 6, "higher"),
    "push.ttl": (60, 15, 600, "lower"),
    "totp.digits": (6, 6, 8, "higher"),
    "totp.period": (30, 15, 120, "lower"),
    "totp.drift_steps": (1, 0, 1, "lower"),
    "backup-code.count": (10, 1, 20, "lower"),
    "backup-code.warn_at": (3, 0, 20, "higher"),
}
"""The usual value of a number, its smallest and its largest, and the direction of the safer ones."""
CODE: dict[str, Any] = {"code": {"digits": 6, "ttl": 600, "live": 5}}
RESEND: dict[str, Any] = {"resend": {"wait": 30, "per_hour": 5, "per_day": 10}}
PARTS: dict[str, dict[str, Any]] = {
    "push": {"max_per": {"count": 3, "window": 900}},
    "sms": {**CODE, **RESEND},
    "voice": {**CODE, **RESEND},
    "email": {**CODE, **RESEND},
}
"""The usual values of the tables."""


def options(kind: str) -> Any:
    found = BUILT_IN[kind].options
    assert found is not None
    return found


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number(name: str) -> None:
    """Both ends may be said, and nothing beyond them."""
    usual, low, high, stricter = NUMBERS[name]
    kind, _, option = name.partition(".")
    field = next(one for one in fields(options(kind)) if one.name == option)
    bounds = field.metadata[KEY]
    assert (field.default, bounds.low, bounds.high, bounds.stricter) == (usual, low, high, stricter)
    assert [bounds.holds(value) for value in (low - 1, low, usual, high, high + 1)] == [False, True, True, True, False]


def test_every_number_is_listed() -> None:
    """A new one is a promise as well."""
    found = {
        f"{kind}.{field.name}"
        for kind in BUILT_IN
        for field in fields(options(kind))
        if field.metadata[KEY].low is not None or field.metadata[KEY].high is not None
    }
    assert found == set(NUMBERS)


@pytest.mark.parametrize("kind", PARTS)
def test_the_usual_values_of_a_table(kind: str) -> None:
    """A policy that says nothing has these."""
    for name, wanted in PARTS[kind].items():
        part = next(field.default for field in fields(options(kind)) if field.name == name)
        assert is_dataclass(part)
        assert {field.name: getattr(part, field.name) for field in fields(part)} == wanted
