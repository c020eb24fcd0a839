"""Let the host's sign-out pass, and end what was bound to the sign-in."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from ..core.model import Caller
from .callers import Scope

if TYPE_CHECKING:
    from .gate import Gate

log = logging.getLogger("mfa_gate")

Send = Callable[[Any], Awaitable[None]]

REFUSALS = frozenset((400, 403, 405, 409, 415, 422, 429))
"""Answers by which a host says that it has signed nobody out: another method, another site's form."""
PATIENCE = 5.0
"""Seconds that a sign-out waits for the store."""


async def leave(gate: Gate, scope: Scope, send: Send, enter: Callable[[Send], Awaitable[None]]) -> None:
    """Call the app's sign-out by ``enter``, and end the sign-in's proofs before its answer leaves (S-26).

    Nothing ends where the host refuses, so that no other site's request has an effect here that it has not there. A fault
    of ours stops nobody from signing out.
    """
    caller = await _caller(gate, scope)
    if caller is None:
        return await enter(send)
    answered = False

    async def watched(message: Any) -> None:
        nonlocal answered
        if message["type"] == "http.response.start" and not answered:
            answered = True
            if message["status"] not in REFUSALS:
                await _end(gate, caller)
        await send(message)

    try:
        return await enter(watched)
    finally:
        if not answered:
            await _end(gate, caller)


async def _caller(gate: Gate, scope: Scope) -> Caller | None:
    """Find the caller who signs out; None for nobody, or for a fault, which is logged."""
    try:
        subject = await gate.who(scope)
        return None if subject is None else gate.known(scope, subject, gate.address(scope))[2]
    except Exception:
        log.exception("mfa_gate: a sign-out ended no proof, because nobody could tell who signed out")
        return None


async def _end(gate: Gate, caller: Caller) -> None:
    task = asyncio.create_task(_ended(gate, caller))
    try:
        async with asyncio.timeout(PATIENCE):
            await asyncio.shield(task)
    except Exception as error:
        log.error("mfa_gate: a sign-out could not end the proofs of its sign-in: %s: %s", type(error).__name__, error)


async def _ended(gate: Gate, caller: Caller) -> None:
    _end_connections(gate, caller)
    await gate.open()
    await gate.service.self_service.sign_out(caller)


def _end_connections(gate: Gate, caller: Caller) -> None:
    """End the websockets and event streams of this sign-in: of its session, or of its browser where it names none."""
    subject = caller.subject
    for connection in tuple(gate.connections.open):
        passed = connection.passed
        if isinstance(passed, str) or passed.subject.key != subject.key or not connection.is_live:
            continue
        asked = connection.as_judged()
        handle = gate.known(asked, passed.subject, gate.address(asked))[2].handle
        if passed.subject.session == subject.session and (subject.session or handle == caller.handle):
            gate.connections.end(connection)
