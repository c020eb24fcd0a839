"""Offer fixtures for apps with a gate: the pytest plugin (entry point ``pytest11``)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Protocol

import pytest

if TYPE_CHECKING:
    from ..gate import MFAGate
    from .clock import FixedClock
    from .kit import Kit
    from .outbox import Outbox

__all__ = ["MakesKit", "mfa_clock", "mfa_gate_kit", "mfa_outbox", "mfa_routes"]


class MakesKit(Protocol):
    """Declare the fixture ``mfa_gate_kit``: ``kit = mfa_gate_kit(gate)``."""

    def __call__(self, gate: MFAGate, *, keep_store: bool = False) -> Kit:
        """Make the kit of ``gate``, once a test."""


@pytest.fixture
def mfa_clock() -> FixedClock:
    """Give a clock that stands still until it is advanced."""
    from .clock import FixedClock

    return FixedClock()


@pytest.fixture
def mfa_outbox() -> Outbox:
    """Give an outbox in place of real senders."""
    from .outbox import Outbox

    return Outbox()


@pytest.fixture
def mfa_gate_kit(mfa_clock: FixedClock, mfa_outbox: Outbox) -> Iterator[MakesKit]:
    """Make the kit of a gate: ``kit = mfa_gate_kit(gate)``.

    The gate runs on ``mfa_clock``, sends to ``mfa_outbox`` and keeps its accounts in memory until the test ends.
    ``mfa_gate_kit(gate, keep_store=True)`` leaves its store, which must then be the test's own.
    """
    from .kit import Kit

    with ExitStack() as stack:
        made: dict[int, Kit] = {}

        def make(gate: MFAGate, *, keep_store: bool = False) -> Kit:
            if id(gate) not in made:
                kit = Kit(gate, keep_store=keep_store)
                made[id(gate)] = stack.enter_context(kit.taken_over(mfa_clock, mfa_outbox))
            return made[id(gate)]

        yield make


@pytest.fixture
def mfa_routes() -> Callable[..., object]:
    """List the routes of an app: ``mfa_routes(app, gate, open=["/healthz"])``.

    It fails if a route is open that ``open`` does not name.
    """
    from .routes import assert_all_covered

    return assert_all_covered
