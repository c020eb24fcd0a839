"""Keep what a test arranges out of every store that outlives the test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..stores.memory import MemoryStore

if TYPE_CHECKING:
    from ..gate import MFAGate
    from ..storage import Store

__all__ = ["KitStore", "keep_store", "require_test_store"]

_KEPT: list[Store] = []


class KitStore(MemoryStore):
    """A memory store for one test.

    The processes of a parallel run are no workers of one server, so each has its own.
    """

    async def open(self, *, make: bool = True) -> None:
        """Open without a look at other processes."""
        self._open = True


def keep_store(gate: MFAGate) -> None:
    """Allow the helpers to write into the store of ``gate``: it was made for the tests."""
    _KEPT.append(gate.service.engine.store)


def require_test_store(gate: MFAGate) -> None:
    """Raise ``RuntimeError`` if the gate's store would outlive the test.

    A person who is enrolled by a test holds a factor that nobody has: in the store of an app that person is locked out.
    """
    store = gate.service.engine.store
    if isinstance(store, MemoryStore) or any(kept is store for kept in _KEPT):
        return
    raise RuntimeError(
        f"the gate keeps its accounts in {type(store).__name__}, which outlives the test: nothing is written there. Use the "
        "fixture, kit = mfa_gate_kit(gate), or with Kit(gate).taken_over() as kit: both give the gate a store in memory "
        "until the test ends. If the store was made for this test, say so: Kit(gate, keep_store=True)"
    )
