"""The values of adapters are read as they are, and never guessed."""

from __future__ import annotations

from typing import Any

import pytest

from mfa_gate.core.model import Upstream
from mfa_gate.identity.values import as_text, dig, upstream_of


@pytest.mark.parametrize(("value", "text"), [("ann", "ann"), ("0", "0"), (7, "7"), (0, "0"), (-1, "-1")])
def test_an_id(value: object, text: str) -> None:
    """A text as it stands, and a whole number in its decimal form."""
    assert as_text(value, "id") == text


@pytest.mark.parametrize("value", ["", None, True, False, 1.5, ["ann"], b"ann"], ids=repr)
def test_no_id(value: object) -> None:
    """Anything else would be one id for several people; the fault names the key and the type."""
    with pytest.raises(ValueError, match=f"user.sub must be a non-empty str or an int, not {type(value).__name__}"):
        as_text(value, "user.sub")


@pytest.mark.parametrize(
    ("path", "value"),
    [("a", {"b": {"c": 1}}), ("a.b.c", 1), ("a.b", {"c": 1}), ("a.x", None), ("a.b.c.d", None), ("", None)],
)
def test_a_dotted_path(path: str, value: object) -> None:
    """A part that is missing, or no mapping, is None."""
    assert dig({"a": {"b": {"c": 1}}}, path) == value


@pytest.mark.parametrize(
    ("amr", "acr", "at", "found"),
    [
        (["otp", 7, "pwd"], None, 9, (("otp", "pwd"), "", 9)),
        (("otp",), "gold", 9.7, (("otp",), "gold", 9)),
        ("otp", None, 1, (("otp",), "", 1)),
        (None, "gold", 9, ((), "gold", 9)),
        (7, "gold", 9, ((), "gold", 9)),
        (["otp"], 7, 9, (("otp",), "", 9)),
        (None, None, 9, None),
        ([7], 7, 9, None),
        (["otp"], None, 0, None),
        (["otp"], None, -1, None),
        (["otp"], None, True, None),
        (["otp"], None, "9", None),
        (["otp"], None, None, None),
        (["otp"], None, float("nan"), None),
        (["otp"], None, float("inf"), None),
        (["otp"], None, 2**53 - 1, (("otp",), "", 2**53 - 1)),
        (["otp"], None, 2**53, None),
    ],
)
def test_the_word_of_a_provider(amr: object, acr: object, at: object, found: Any) -> None:
    """The parts of it that can be read; without a time or a word it counts for nothing."""
    expected = None if found is None else Upstream(amr=found[0], acr=found[1], auth_time=found[2])
    assert upstream_of(amr, acr, at) == expected
