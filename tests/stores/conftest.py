"""What the stores' tests share."""

from __future__ import annotations

import pytest

from mfa_gate.stores.redis import checks, store, wire
from mfa_gate.stores.sqlite import lane


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Longer limits, for tests of what a store does and not of how soon: a busy machine is no fault of the store's.

    The tests of faults keep the real ones.
    """
    for module in (wire, checks):
        monkeypatch.setattr(module, "CONNECT_WITHIN", 5.0)
        monkeypatch.setattr(module, "COMMAND_WITHIN", 5.0)
    monkeypatch.setattr(wire, "ANSWER_WITHIN", 8.0)
    monkeypatch.setattr(store, "_START_WITHIN", 15.0)
    monkeypatch.setattr(lane, "ANSWER_WITHIN", 8.0)
    monkeypatch.setattr(lane, "LOCK_PATIENCE", 7.0)
