"""Let the host's sign-out pass, and end everything that was bound to the sign-in."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from ..core.model import Caller, Subject
from ..service import Service
from .callers import Callers
from .types import Scope, Send

log = logging.getLogger("mfa_gate")

REFUSALS = frozenset((400, 403, 405, 409, 415, 422, 429))
"""Status codes by which a host says that it has signed nobody out: another method, another site's form."""
PATIENCE = 5.0
"""Seconds that a sign-out waits for the store."""


@dataclass(slots=True)
class SignOutForm:
    """The form of the host's sign-out on our pages.

    ``posts`` says that the host takes it by POST alone: then it is a form with a button, else a link.
    """

    posts: bool = False


class Leaving:
    """One call of the app's sign-out: the proofs end before its answer (S-26).

    Nothing ends where the host refuses: a request of another site must not have an effect here that it does not have
    there. A fault of ours stops nobody from signing out. ``end`` ends the proofs. ``form`` learns that the host refuses a
    link.
    """

    def __init__(self, scope: Scope, send: Send, end: Callable[[], Awaitable[None]], form: SignOutForm) -> None:
        self._method = scope["method"]
        self._send = send
        self._end = end
        self._form = form
        self._answered = False

    async def send(self, message: Any) -> None:
        """Pass on a message of the app, and end the proofs before its answer."""
        if message["type"] == "http.response.start" and not self._answered:
            self._answered = True
            if message["status"] == 405 and self._method == "GET":
                self._form.posts = True
            if message["status"] not in REFUSALS:
                await self._end()
        await self._send(message)

    async def finish(self) -> None:
        """End the proofs of a sign-out without an answer."""
        if not self._answered:
            await self._end()


class SignOut:
    """The host's sign-out, together with the end of that sign-in's proofs.

    Its open connections end with the change of the account. ``open`` opens the store. ``form`` learns that the host
    refuses a link.
    """

    def __init__(
        self,
        *,
        service: Service,
        callers: Callers,
        open: Callable[[], Awaitable[None]],
        form: SignOutForm,
    ) -> None:
        self._service = service
        self._callers = callers
        self._open = open
        self._form = form

    async def __call__(self, scope: Scope, send: Send) -> Leaving | None:
        """Find the sign-in that the app's sign-out is about to end; None for nobody."""
        caller = await self._caller(scope)
        return None if caller is None else Leaving(scope, send, lambda: self._end(caller), self._form)

    async def _caller(self, scope: Scope) -> Caller | None:
        """Find the caller who signs out; None for nobody, or for a fault, which is logged."""
        try:
            subject = await self._callers.subject(scope)
            return None if subject is None else self._known(scope, subject)
        except Exception:
            log.exception("mfa_gate: a sign-out ended no proof, because nobody could tell who signed out")
            return None

    async def _end(self, caller: Caller) -> None:
        task = asyncio.create_task(self._ended(caller))
        try:
            async with asyncio.timeout(PATIENCE):
                await asyncio.shield(task)
        except Exception as error:
            log.error(
                "mfa_gate: a sign-out could not end the proofs of its sign-in: %s: %s", type(error).__name__, error
            )

    async def _ended(self, caller: Caller) -> None:
        await self._open()
        await self._service.self_service.sign_out(caller)

    def _known(self, scope: Scope, subject: Subject) -> Caller:
        return self._callers.known(scope, subject, self._callers.address(scope)).caller
