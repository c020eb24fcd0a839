"""Give a finished gate other parts for the length of a block: clock, senders, store."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from ..service.store_checks import check_canary
from .loops import run
from .stores import KitStore

if TYPE_CHECKING:
    from ..gate import MFAGate
    from ..ports import Clock, Senders

__all__ = ["take_over"]

log = logging.getLogger("mfa_gate")


@contextmanager
def take_over(gate: MFAGate, *, clock: Clock, senders: Senders, keep_store: bool) -> Iterator[None]:
    """Let ``gate`` work with other parts in this block: ``clock``, ``senders``, a store.

    The store is in memory, or the gate's own with ``keep_store``. The gate may be open or not, before the block and after it:
    its own store is not touched meanwhile.
    """
    engine = gate.service.engine
    before = engine.wiring
    if keep_store:
        engine.use_wiring(replace(before, clock=clock, senders=senders))
        try:
            yield
        finally:
            engine.use_wiring(before)
        return
    store, was_open = KitStore(), gate.web.lifespan.opened
    engine.use_wiring(replace(before, clock=clock, senders=senders, store=store))
    if was_open:
        run(lambda: _prepare(gate))
    try:
        yield
    finally:
        _give_back(gate, was_open=was_open)
        engine.use_wiring(before)
        if was_open and not gate.web.lifespan.opened:
            _close(gate)


async def _prepare(gate: MFAGate) -> None:
    """Do with the store in memory what opening the gate has done with its own store."""
    engine = gate.service.engine
    await engine.store.open()
    await check_canary(engine.store, engine.keyring, engine.wiring.entropy, serves=True)
    await gate.service.outbox.begin()


def _give_back(gate: MFAGate, *, was_open: bool) -> None:
    """Finish in the store in memory, so that nothing of the test is written elsewhere later."""
    store, lifespan = gate.service.engine.store, gate.web.lifespan
    if lifespan.opened:
        run(gate.service.outbox.flush)
    if lifespan.opened and not was_open:
        gate.service.worker.stop()
        lifespan.forget()
    run(store.aclose)


def _close(gate: MFAGate) -> None:
    """Close the gate's own store.

    The app has ended within the block, and has closed the store in memory instead.
    """
    try:
        run(gate.service.engine.store.aclose)
    except Exception as error:
        log.warning("mfa_gate: the store of a gate that a test had taken over could not be closed: %r", error)
