"""``replace`` gives the same record as ``dataclasses.replace``.

This holds for every record of an account.
"""

from __future__ import annotations

import dataclasses

import pytest

from mfa_gate.core import model
from mfa_gate.core.model import Account, Attempts, Subject, SubjectKey, replace

from .builders import account


def test_as_the_standard_library_does() -> None:
    """The same record, part by part, and the one it was made of is as it was."""
    before = account()
    after = replace(before, seen_at=77, name="Ann", attempts=Attempts(used=3))
    assert after == dataclasses.replace(before, seen_at=77, name="Ann", attempts=Attempts(used=3))
    assert before.seen_at != 77
    assert dataclasses.asdict(replace(before)) == dataclasses.asdict(before)


def test_every_record_has_slots() -> None:
    """Every record of the model has slots.

    ``replace`` would copy a record without slots wrongly.
    """
    for cls in vars(model).values():
        if isinstance(cls, type) and dataclasses.is_dataclass(cls):
            assert hasattr(cls, "__slots__"), cls


def test_a_record_of_two_parts() -> None:
    """The smallest record that can be copied in the quick way."""

    @dataclasses.dataclass(frozen=True, slots=True)
    class Two:
        one: int
        other: int

    assert replace(Two(1, 2), other=3) == Two(1, 3)


def test_what_is_no_part() -> None:
    """A wrong name is an error, and so is a class that checks its values."""
    with pytest.raises(AttributeError):
        replace(Account(key=SubjectKey("t", "a")), nothing=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="dataclasses"):
        replace(Subject("ann"), id="\0")
