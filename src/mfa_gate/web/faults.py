"""Turn errors into answers, in one place (S-11).

An unknown error is answered with 503, and never lets a request pass.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from html import escape

from ..core.model import SubjectKey
from ..core.reasons import REASONS, Refusal
from ..errors import MFAGateError, StoreContention, StoreUnavailable
from ..identity.credentials import Refused, Unreadable
from .cookies import cookie_value
from .deny import deny_websocket, send_answer
from .interruption import MARK
from .responses import Answer, Header, page, problem, redirect
from .scope import app_path, caller_kind, has_bearer, is_rooted, own_place, sign_in_place
from .site import Site
from .types import Receive, Scope, Send
from .views import Fault
from .views.frame import direction

log = logging.getLogger("mfa_gate")

INVALID_REQUEST = b'Bearer error="invalid_request", error_description="The credential cannot be read"'
INVALID_TOKEN = b'Bearer error="invalid_token"'
AGAIN = b"mfa-sign-in"
"""Cookie of some seconds. It says that this browser was sent to the sign-in because its credential could not be read."""
MAX_REASONS = 50


def bare_page(title: str, text: str, ref: str, *, lang: str) -> bytes:
    """Write a page of nothing but words."""
    title, text = escape(title), escape(text)
    head = f'<!doctype html><html lang="{lang}" dir="{direction(lang)}"><meta charset=utf-8><title>{title}</title>'
    return f"{head}<h1>{title}</h1><p>{text} ({ref})".encode()


class Faults:
    """The answers to requests that could not be judged."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._refused: set[str] = set()

    async def answer(self, scope: Scope, receive: Receive, send: Send, error: Exception) -> None:
        """Answer ``error``: 401 for a credential that cannot be read, else 503."""
        if isinstance(error, Unreadable):
            return await self._unreadable(scope, receive, send, error)
        is_away = isinstance(error, (StoreUnavailable, StoreContention))
        ref = self._report(error)
        if is_away:
            log.error("mfa_gate: the store is not available: %s (ref %s)", error, ref)
        elif isinstance(error, MFAGateError):
            log.error("mfa_gate: %s (ref %s)", error, ref)
        else:
            log.error("mfa_gate: a fault refused a request (ref %s)", ref, exc_info=error)
        refusal = Refusal(reason="store_unavailable" if is_away else "fault", ref=ref, retry_after=1)
        self._observe(refusal)
        return await send_answer(scope, receive, send, self.told(scope, refusal), site=self._site)

    def told(self, scope: Scope, refusal: Refusal) -> Answer:
        """Tell a refusal as its caller reads it: by a page, or by a problem document."""
        return self.page(scope, refusal) if self.reads_pages(scope) else problem(refusal)

    def reads_pages(self, scope: Scope) -> bool:
        """Tell if a person reads the answer.

        Nobody does at the JSON calls: a program may say that it takes HTML as well, as Java does by itself.
        """
        path, prefix = app_path(scope), self._site.prefix
        if path.startswith(carried := prefix + MARK):
            path = f"{prefix}/{path.removeprefix(carried).partition('/')[2]}"
        return caller_kind(scope) == "page" and not path.startswith(f"{prefix}/api/")

    def page(self, scope: Scope, refusal: Refusal, *, back: str = "", headers: Iterable[Header] = ()) -> Answer:
        """Draw a page that needs no store, in the reader's language (F-36).

        It leads ``back``, or lets the person try again. If drawing fails as well, the page is plain text in HTML.
        """
        row = REASONS[refusal.reason]
        more = [(b"retry-after", b"1")] if row.status == 503 else []
        try:
            body = self._drawn(scope, refusal, back) if is_rooted(scope) else self._bare(scope, refusal)
        except Exception:
            log.exception("mfa_gate: the error page could not be rendered")
            body = bare_page(row.title, row.text, refusal.ref, lang="en")
        return page(body, status=row.status, headers=[*headers, *more])

    def _drawn(self, scope: Scope, refusal: Refusal, back: str) -> bytes:
        frame = self._site.plain_frame(scope, self._site.service.engine.policy.base)
        retry = "" if back else own_place(scope)
        status = REASONS[refusal.reason].status
        view = Fault(reason=refusal.reason, status=status, ref=refusal.ref, retry_url=retry, back=back)
        return self._site.renderer.render(view, frame)

    def _bare(self, scope: Scope, refusal: Refusal) -> bytes:
        """Draw a page without any address, below a root with which none can be built."""
        row, lang = REASONS[refusal.reason], self._site.languages.of(scope)
        say = self._site.languages.words(lang).gettext
        return bare_page(say(row.title), say(row.text), refusal.ref, lang=lang)

    async def _unreadable(self, scope: Scope, receive: Receive, send: Send, error: Unreadable) -> None:
        """Refuse a credential that cannot be read (RFC 6750, 3.1).

        A person is led to sign in anew, where that can help.
        """
        self._log_once(str(error))
        refusal = Refusal(reason="unreadable")
        self._observe(refusal)
        challenge = INVALID_TOKEN if isinstance(error, Refused) else INVALID_REQUEST
        headers = [(b"www-authenticate", challenge)] if has_bearer(scope) else []
        answer = problem(refusal, headers=headers)
        if scope["type"] == "websocket":
            return await deny_websocket(scope, receive, send, answer, site=self._site)
        if self.reads_pages(scope):
            answer = self._sign_in_again(scope, refusal)
        return await answer.send(scope, send)

    def _sign_in_again(self, scope: Scope, refusal: Refusal) -> Answer:
        """Lead a page load to the sign-in.

        A second one at once, or the sign-in itself, gets a page instead of going in a circle.
        """
        at_sign_in = self._site.sign_in.partition("?")[0] == app_path(scope)
        if at_sign_in or cookie_value(scope, AGAIN):
            return self.page(scope, refusal)
        secure = b"; Secure" if scope.get("scheme") == "https" else b""
        mark = AGAIN + b"=1; Path=/; HttpOnly; SameSite=Lax; Max-Age=20" + secure
        return redirect(sign_in_place(self._site.sign_in, scope), [(b"set-cookie", mark)])

    def _log_once(self, text: str) -> None:
        """Log the reason of a refused credential, and each reason once as a warning.

        Anybody can send such requests, so a repeated reason is logged as information only.
        """
        new = text not in self._refused and len(self._refused) < MAX_REASONS
        if new:
            self._refused.add(text)
        log.log(logging.WARNING if new else logging.INFO, "mfa_gate: a request was refused (401): %s", text)

    def _observe(self, refusal: Refusal) -> None:
        observer = self._site.service.engine.effects.observer
        if observer is not None:
            observer.refused(refusal.reason, "")

    def _report(self, error: Exception) -> str:
        """Report the event of a fault, and return its reference.

        Returns "" where the clock or the source of randomness itself has failed.
        """
        engine = self._site.service.engine
        try:
            event = engine.moment().event("gate.fault", SubjectKey("", ""), reason="fault", error=type(error).__name__)
        except Exception:
            return ""
        engine.effects.tell(event)
        return event.id
