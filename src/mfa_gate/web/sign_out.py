"""Let the host's sign-out pass, and end what was bound to the sign-in."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from ..core.model import Caller
from .callers import Scope

if TYPE_CHECKING:
    from .gate import Guard

log = logging.getLogger("mfa_gate")

Send = Callable[[Any], Awaitable[None]]

REFUSALS = frozenset((400, 403, 405, 409, 415, 422, 429))
"""Answers by which a host says that it has signed nobody out: another method, another site's form."""
PATIENCE = 5.0
"""Seconds that a sign-out waits for the store."""


async def leave(guard: Guard, scope: Scope, send: Send, enter: Callable[[Send], Awaitable[None]]) -> None:
    """Call the app's sign-out by ``enter``, and end the sign-in's proofs before its answer leaves (S-26).

    Nothing ends where the host refuses, so that no other site's request has an effect here that it has not there. A fault
    of ours stops nobody from signing out.
    """
    caller = await _caller(guard, scope)
    if caller is None:
        return await enter(send)
    answered = False

    async def watched(message: Any) -> None:
        nonlocal answered
        if message["type"] == "http.response.start" and not answered:
            answered = True
            if message["status"] not in REFUSALS:
                await _end(guard, caller)
        await send(message)

    try:
        return await enter(watched)
    finally:
        if not answered:
            await _end(guard, caller)


async def _caller(guard: Guard, scope: Scope) -> Caller | None:
    """Find the caller who signs out; None for nobody, or for a fault, which is logged."""
    try:
        subject = await guard.who(scope)
        return None if subject is None else guard.known(scope, subject, guard.address(scope))[2]
    except Exception:
        log.exception("mfa_gate: a sign-out ended no proof, because nobody could tell who signed out")
        return None


async def _end(guard: Guard, caller: Caller) -> None:
    task = asyncio.create_task(_ended(guard, caller))
    try:
        async with asyncio.timeout(PATIENCE):
            await asyncio.shield(task)
    except Exception as error:
        log.error("mfa_gate: a sign-out could not end the proofs of its sign-in: %s: %s", type(error).__name__, error)


async def _ended(guard: Guard, caller: Caller) -> None:
    await guard.open()
    await guard.service.self_service.sign_out(caller)
