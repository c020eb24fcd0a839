"""The check of a listener that remembers the latest operations."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mfa_gate.core.model import SubjectKey
from mfa_gate.storage import Changed
from mfa_gate.stores.common import change_log


def remembers_the_latest(
    confirm: Callable[[SubjectKey | None, str], None], told: Callable[[], Changed], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Let five operations be heard where three are remembered.

    The latest are known, an earlier one is news again.
    """
    monkeypatch.setattr(change_log, "REMEMBERED", 3)
    keys = [SubjectKey("t", str(number)) for number in range(5)]
    for number in range(5):
        confirm(keys[number], f"op{number}")
    assert told() == frozenset(keys)
    for number in (4, 3, 2):
        confirm(keys[number], f"op{number}")
    assert told() == frozenset()
    confirm(keys[1], "op1")
    assert told() == frozenset({keys[1]})
