"""Let the host's sign-out pass, and end everything that was bound to the sign-in.

Any site can send a browser to any address of the app. So nothing ends by a request that has signed nobody out: the answer of
the app decides, and where it can be read in two ways, the sign-in itself does (see ``Leaving``).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from ..core.model import Caller, Subject
from ..core.rules import plain_path
from ..service import Service
from .callers import Callers
from .cookies import cookie_value
from .responses import Header
from .scope import app_path, header, header_in, own_place
from .types import Scope, Send

log = logging.getLogger("mfa_gate")

MOVES = frozenset((301, 307, 308))
"""Status codes by which routers lead on from another spelling of a path. Frameworks also use them for any redirect."""
LOST = b"max-age=0", b"01 jan 1970"
"""Parts of a ``Set-Cookie``, in lower case, by which a browser forgets the cookie."""
PATIENCE = 5.0
"""Seconds that a sign-out waits for the store."""


@dataclass(slots=True)
class SignOutForm:
    """The form of the host's sign-out on our pages.

    ``posts`` says that the host takes it by POST alone: then it is a form with a button, else a link. ``takes_post`` says
    that a route of the host is known that takes it by POST.
    """

    posts: bool = False
    takes_post: bool = False


class Leaving:
    """One call of the app's sign-out: the proofs end before its answer (S-26).

    ``path`` is the host's ``sign_out``; the request is for it, or for another spelling of it. ``end`` ends the proofs.
    ``is_gone`` tells if the host knows this sign-in no more. ``form`` learns that the host refuses a link.

    1. An answer of 4xx has signed nobody out: another method, another site's form, no such page. 401 is none of these.
    2. An answer that can be read in two ways counts where the sign-in is gone. It is gone if the host knows the subject no
       more, or drops a cookie of this request. These are a redirect to another spelling of the page, any move from another
       spelling, a page that GET shows while POST signs out, and most of what another site can ask for.
    3. Every other answer is a sign-out.
    """

    def __init__(
        self,
        scope: Scope,
        send: Send,
        *,
        path: str,
        end: Callable[[], Awaitable[None]],
        is_gone: Callable[[], Awaitable[bool]],
        form: SignOutForm,
    ) -> None:
        self._scope = scope
        self._send = send
        self._end = end
        self._is_gone = is_gone
        self._form = form
        self._is_exact = app_path(scope) == path
        self._is_foreign = header(scope, b"sec-fetch-site") == b"cross-site"
        self._only_reads = scope["method"] in ("GET", "HEAD")
        self._answered = False

    async def send(self, message: Any) -> None:
        """Pass on a message of the app, and end the proofs before its answer."""
        if message["type"] == "http.response.start" and not self._answered:
            self._answered = True
            headers = [*message.get("headers", ())]
            message = {**message, "headers": headers}
            if message["status"] == 405 and self._scope["method"] == "GET" and self._is_exact:
                self._form.posts = True
            await self._look(message["status"], headers)
        await self._send(message)

    async def finish(self) -> None:
        """End the proofs of a sign-out without an answer, which counts as a fault of the app."""
        if not self._answered:
            await self._look(500, [])

    async def _look(self, status: int, headers: list[Header]) -> None:
        """End the proofs if an answer with this status has signed somebody out."""
        if 400 <= status < 500 and status != 401:
            return
        if self._is_sure(status, headers) or self._drops_cookie(headers) or await self._is_gone():
            await self._end()

    def _is_sure(self, status: int, headers: list[Header]) -> bool:
        if self._is_foreign and (status >= 500 or not self._is_exact):
            return False
        if status in MOVES and not self._is_exact:
            return False
        if 300 <= status < 400:
            return not self._leads_back(header_in(headers, b"location"))
        return not (status < 300 and self._only_reads and (self._is_foreign or self._form.takes_post))

    def _leads_back(self, location: bytes) -> bool:
        """Tell if a redirect leads to this very page, in any spelling: to its slash, to https."""
        if not location:
            return False
        asked = own_place(self._scope)
        try:
            place = urlsplit(urljoin(asked, location.decode("latin-1")))
            host = urlsplit(b"//" + (header(self._scope, b"host") or b"")).hostname or b""
            is_here = not place.netloc or place.hostname == host.decode("latin-1")
        except ValueError:
            return False
        own = {plain_path(path) for path in (unquote(asked), self._scope["path"], app_path(self._scope))}
        return is_here and plain_path(unquote(place.path)) in own

    def _drops_cookie(self, headers: list[Header]) -> bool:
        """Tell if the browser is to forget a cookie that it has sent.

        Hosts do so where the sign-in is in the cookie.
        """
        dropped = [value for key, value in headers if key.lower() == b"set-cookie" and _is_lost(value.lower())]
        return any(cookie_value(self._scope, value.partition(b"=")[0].strip()) for value in dropped)


def _is_lost(cookie: bytes) -> bool:
    return any(part in cookie for part in LOST)


class SignOut:
    """The host's sign-out, together with the end of that sign-in's proofs.

    Its open connections end with the change of the account. ``path`` is the host's ``sign_out``. ``open`` opens the store.
    ``form`` learns that the host refuses a link. ``waits`` tells if the answer waits for the end of a person's proofs.
    """

    def __init__(
        self,
        *,
        service: Service,
        callers: Callers,
        path: str,
        open: Callable[[], Awaitable[None]],
        form: SignOutForm,
        waits: Callable[[Subject], bool],
    ) -> None:
        self._waits = waits
        self._service = service
        self._callers = callers
        self._path = path
        self._open = open
        self._form = form

    async def __call__(self, scope: Scope, send: Send) -> Leaving | None:
        """Find the sign-in that the app's sign-out is about to end; None for nobody."""
        try:
            subject = await self._callers.subject(scope)
            if subject is None:
                return None
            caller = self._callers.known(scope, subject, self._callers.address(scope)).caller
        except Exception:
            log.exception("mfa_gate: a sign-out ended no proof, because nobody could tell who signed out")
            return None
        return Leaving(
            scope,
            send,
            path=self._path,
            end=lambda: self._end(caller, waits=self._waits(subject)),
            is_gone=lambda: self._is_gone(scope, subject),
            form=self._form,
        )

    async def _end(self, caller: Caller, *, waits: bool) -> None:
        if not waits:
            self._service.engine.effects.later(self._end(caller, waits=True))
            return
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

    async def _is_gone(self, scope: Scope, before: Subject) -> bool:
        """Tell if the host knows the sign-in no more, or can no longer tell."""
        try:
            now = await self._callers.subject(scope)
        except Exception:
            log.exception("mfa_gate: nobody could tell who is signed in after a sign-out, so its proofs end")
            return True
        return now is None or (now.key, now.session, now.actor) != (before.key, before.session, before.actor)
