"""Longer limits, for tests of what a store does and not of how soon: a busy machine is no fault of the store's."""

from __future__ import annotations

from collections.abc import Callable

from mfa_gate.stores.redis import checks, store, wire
from mfa_gate.stores.sqlite import lane


def be_patient(put: Callable[[object, str, float], None] = setattr) -> None:
    """From now on in this process; ``put`` may be what takes it back after a test."""
    for module in (wire, checks):
        put(module, "CONNECT_WITHIN", 5.0)
        put(module, "COMMAND_WITHIN", 5.0)
    put(wire, "ANSWER_WITHIN", 8.0)
    put(store, "_START_WITHIN", 15.0)
    put(lane, "ANSWER_WITHIN", 8.0)
    put(lane, "LOCK_PATIENCE", 7.0)
