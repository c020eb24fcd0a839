"""Longer limits, for tests of what a store does and not of how soon: a busy machine is no fault of the store's."""

from __future__ import annotations

from collections.abc import Callable

from mfa_gate.stores.redis import first_open, pipeline, store
from mfa_gate.stores.sqlite import worker_thread


def be_patient(put: Callable[[object, str, float], None] = setattr) -> None:
    """From now on in this process; ``put`` may be what takes it back after a test."""
    for module in (pipeline, first_open):
        put(module, "CONNECT_WITHIN", 5.0)
        put(module, "COMMAND_WITHIN", 5.0)
    put(pipeline, "ANSWER_WITHIN", 8.0)
    put(store, "_START_WITHIN", 15.0)
    put(worker_thread, "ANSWER_WITHIN", 8.0)
    put(worker_thread, "LOCK_PATIENCE", 7.0)
