"""Offer fixtures for apps with a gate: the pytest plugin (entry point ``pytest11``)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ..gate import MFAGate
    from .clock import FixedClock
    from .kit import Kit
    from .outbox import Outbox

__all__ = ["mfa_clock", "mfa_gate_kit", "mfa_outbox", "mfa_routes"]


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
def mfa_gate_kit(mfa_clock: FixedClock, mfa_outbox: Outbox) -> Iterator[Callable[[MFAGate], Kit]]:
    """Make the kit of a gate: ``kit = mfa_gate_kit(gate)``.

    The gate runs on ``mfa_clock`` and sends to ``mfa_outbox`` until the test ends.
    """
    from .kit import Kit

    with ExitStack() as stack:

        def take_over(gate: MFAGate) -> Kit:
            return stack.enter_context(Kit(gate).taken_over(mfa_clock, mfa_outbox))

        yield take_over


@pytest.fixture
def mfa_routes() -> Callable[..., object]:
    """List the routes of an app: ``mfa_routes(app, gate, open=["/healthz"])``.

    It fails if a route is open that ``open`` does not name.
    """
    from .routes import assert_all_covered

    return assert_all_covered
