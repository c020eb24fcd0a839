"""Collect every verdict on a gate, in the order in which they are printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import app_policy, app_stack
from .live_senders import senders_of
from .live_store import store_of
from .tenants import tenants_of
from .verdicts import Line

if TYPE_CHECKING:
    from ...gate import MFAGate


async def examine(app: Any, gate: MFAGate) -> list[Line]:
    """Collect every verdict on ``gate``.

    The store is read, never written. A file that is not there yet is not made.
    """
    lines = [
        *app_stack.order(app, gate),
        *app_stack.cookies(app, gate),
        *app_stack.sessions(gate),
        *app_stack.secrets_of(app, gate),
        *app_stack.proxies(app, gate),
        *app_stack.keys(gate),
    ]
    lines += [line async for line in store_of(gate)]
    lines += [line async for line in senders_of(gate)]
    lines += [
        *app_policy.policy(app, gate),
        *app_policy.endpoints(app, gate),
        *app_policy.accents(gate),
        *app_policy.brands(gate),
    ]
    lines += [line async for line in tenants_of(gate)]
    return lines
