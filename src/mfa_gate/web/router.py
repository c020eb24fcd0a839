"""Requests to our own addresses: who may come in, in which form, and what a fault looks like."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from ..core.model import SubjectKey
from ..core.reasons import REASONS, Refusal
from ..errors import MFAGateError, StoreContention, StoreUnavailable
from ..identity.credentials import Unreadable
from .callers import Scope, app_path, caller_kind, has_bearer, is_rooted, own_place, root_of
from .cookies import cookie_value
from .forms import BadBody, is_early, read_form, same_origin
from .responses import NO_STORE, Answer, as_json, page, problem, redirect
from .site import Site

if TYPE_CHECKING:
    from .gate import Gate
    from .pages import Page
    from .request import PageRequest

log = logging.getLogger("mfa_gate")

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

INVALID_REQUEST = b'Bearer error="invalid_request", error_description="The credential cannot be read"'
AGAIN = b"mfa-sign-in"
"""The cookie that says for some seconds: this browser was sent to the sign-in, since its credential could not be read."""
MAX_REASONS = 50
YEAR = 31_536_000
ON_THE_WAY = ("/challenge", "/enroll", "/agreement", "/recovery", "/locked")
"""The pages that lead somebody on to what was interrupted, and are judged by what that one demands."""


class Router:
    """Everything below the prefix. Nothing of the app is ever behind it (S-107)."""

    def __init__(self, gate: Gate, site: Site) -> None:
        self.gate = gate
        self.site = site
        self._refused: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send, place: str) -> None:
        """Answer a request for ``place`` (the path below the prefix)."""
        if scope["type"] != "http":
            from .deny import deny_websocket

            return await deny_websocket(scope, receive, send, problem(Refusal(reason="not_found")))
        try:
            answer = self._turned_away(scope) or await self._answer(scope, receive, place)
        except Exception as error:
            return await self.fault(scope, receive, send, error)
        return await answer.send(scope, send)

    def _turned_away(self, scope: Scope) -> Answer | None:
        """Refuse what no address of ours takes: below a root that none can have, or early."""
        if not is_rooted(scope):
            return problem(Refusal(reason="not_found"))
        if scope["method"] in ("GET", "HEAD") or not is_early(scope):
            return None
        refusal = Refusal(reason="early_data")
        return self._fault_page(scope, refusal) if caller_kind(scope) == "page" else problem(refusal)

    async def _answer(self, scope: Scope, receive: Receive, place: str) -> Answer:
        from . import pages

        if place.startswith("/static/"):
            return await self._static(scope, place.removeprefix("/static/"))
        if place.startswith("/hooks/"):
            from . import provider_callbacks

            await self.gate.open()
            place, address = place.removeprefix("/hooks"), self.gate.address(scope)
            return await provider_callbacks.answer(self.gate.service, scope, receive, place, address=address)
        if place.startswith("/dispute/"):
            from . import dispute

            await self.gate.open()
            token, address = place.removeprefix("/dispute/"), self.gate.address(scope)
            return await dispute.answer(self.site, scope, receive, token, address=address)
        if place == "/approve" or place.startswith("/approve/"):
            from . import approve

            await self.gate.open()
            address = self.gate.address(scope)
            return await approve.answer(self.site, scope, receive, place.removeprefix("/approve"), address=address)
        if place.endswith("/") and place != "/" and "//" not in place:
            place = place.rstrip("/")
        if place == "/api/openapi.json" and scope["method"] in ("GET", "HEAD"):
            from .openapi import document

            return as_json(document(root_of(scope) + self.site.prefix))
        handlers = pages.find("" if place == "/" else place)
        subject = await self.gate.who(scope)
        called = place.startswith("/api/")
        if subject is None:
            return self._nobody(scope, called=called)
        request = await self.gate.page_request(scope, subject)
        request.interrupted = place.startswith(ON_THE_WAY)
        if called:
            from . import api

            return await api.answer(request, receive, place.removeprefix("/api"))
        if handlers is None:
            return self.refused(request, Refusal(reason="not_found"))
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        handler = handlers.get(method)
        if handler is None:
            allow = (b"allow", ", ".join([*handlers, "HEAD"]).encode())
            request.headers.append(allow)
            return self.refused(request, Refusal(reason="method_not_allowed"))
        if method == "GET":
            return self._in_language(request) or await handler(request)
        return await self._post(request, receive, handler)

    def _nobody(self, scope: Scope, *, called: bool = False) -> Answer:
        """Nobody is signed in: page loads go to the sign-in, others are told so."""
        if caller_kind(scope) == "page" and not called:
            return redirect(self.site.sign_in)
        return problem(Refusal(reason="signed_out"), state="anonymous")

    async def stranger(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An endpoint demands a proof of somebody, and nobody is signed in."""
        answer = self._nobody(scope)
        if scope["type"] == "websocket":
            from .deny import deny_websocket

            return await deny_websocket(scope, receive, send, answer)
        return await answer.send(scope, send)

    async def _post(self, request: PageRequest, receive: Receive, handler: Page) -> Answer:
        """A form: from our own page (origin and token), bounded, urlencoded."""
        try:
            request.form = await read_form(request.scope, receive)
        except BadBody as bad:
            return self.refused(request, Refusal(reason=bad.reason))
        if same_origin(request.scope, self.site.origins) and request.csrf_ok():
            return await handler(request)
        return await self._stale_form(request)

    async def _stale_form(self, request: PageRequest) -> Answer:
        """The token is not this browser's: the same page with a fresh one (U-56), or cookies are off, or it is done already."""
        from . import pages, views

        if request.fresh:
            return request.show(views.CookiesOff(retry_url=own_place(request.scope)), status=422)
        shown = pages.find(app_path(request.scope).removeprefix(self.site.prefix))
        # What was sent may be somebody else's doing. Only that a browser is not to be remembered is kept of it.
        request.form = {"asked": "1"} if "asked" in request.form and "remember" not in request.form else {}
        request.scope = {**request.scope, "method": "GET", "headers": _quiet(request.scope)}
        request.problems.append(views.Problem(reason="csrf"))
        return (
            await shown["GET"](request) if shown and "GET" in shown else self.refused(request, Refusal(reason="csrf"))
        )

    def _in_language(self, request: PageRequest) -> Answer | None:
        """``?lang=de``: remember the language and show the same place (U-64)."""
        query = request.scope.get("query_string", b"")
        if not query.startswith(b"lang="):
            return None
        from .i18n import available
        from .request import LANG_COOKIE

        tag = query[5:].decode("latin-1")
        if tag not in available():
            return None
        secure = "; Secure" if request.jar.secure else ""
        text = f"{LANG_COOKIE.decode()}={tag}; Path=/; SameSite=Lax; Max-Age={YEAR}{secure}"
        request.headers.append((b"set-cookie", text.encode()))
        return request.go(own_place(request.scope) or request.base)

    async def _static(self, scope: Scope, name: str) -> Answer:
        if scope["method"] not in ("GET", "HEAD"):
            return Answer(405, b"", (*NO_STORE, (b"allow", b"GET, HEAD")))
        if name.startswith("logo"):
            return await self._logo(scope)
        from .assets import is_known, static_asset

        policy = self.gate.service.engine.policy
        every = (policy.base, *policy.tenants.values()) if name.startswith("brand.") else ()
        asset = static_asset(name) if is_known(name, {rules.brand.accent for rules in every}) else None
        if asset is None:
            return Answer(404, b"", NO_STORE)
        headers = (
            (b"cache-control", f"public, max-age={YEAR}, immutable".encode()),
            (b"x-content-type-options", b"nosniff"),
        )
        return Answer(200, asset.content, headers, media=asset.media_type)

    async def _logo(self, scope: Scope) -> Answer:
        """The visitor's tenant's logo, as an inert image."""
        subject = await self.gate.who(scope)
        brand = self.gate.service.engine.rules(subject.tenant if subject else "").brand
        if not brand.logo_bytes:
            return Answer(404, b"", NO_STORE)
        media = "image/png" if brand.logo_bytes.startswith(b"\x89PNG") else "image/svg+xml"
        headers = (
            (b"cache-control", b"private, max-age=300"),
            (b"x-content-type-options", b"nosniff"),
            (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; sandbox"),
        )
        return Answer(200, brand.logo_bytes, headers, media=media)

    # -- refusals and faults -------------------------------------------------------------------------------------

    def refused(self, request: PageRequest, refusal: Refusal, *, status: int | None = None) -> Answer:
        """A refusal at one of our addresses: a page for page loads, else a problem document."""
        from . import views

        code = status or refusal.row.status
        if caller_kind(request.scope) == "page":
            view = views.Fault(
                reason=refusal.reason,
                status=code,
                ref=refusal.ref,
                retry_after=refusal.retry_after or 0,
                back=request.base,
            )
            return request.show(view, status=code)
        return problem(refusal, status=code, headers=request.headers)

    async def fault(self, scope: Scope, receive: Receive, send: Send, error: Exception) -> None:
        """One place turns errors into answers; what is unknown is a 503, never a pass (S-11)."""
        if isinstance(error, Unreadable):
            return await self._unreadable(scope, receive, send, error)
        away = isinstance(error, (StoreUnavailable, StoreContention))
        reason = "store_unavailable" if away else "fault"
        ref = self._told(error)
        if away:
            log.error("mfa_gate: the store is not available: %s (ref %s)", error, ref)
        elif isinstance(error, MFAGateError):
            log.error("mfa_gate: %s (ref %s)", error, ref)
        else:
            log.error("mfa_gate: a fault refused a request (ref %s)", ref, exc_info=error)
        refusal = Refusal(reason=reason, ref=ref, retry_after=1)
        if scope["type"] == "websocket":
            from .deny import deny_websocket

            return await deny_websocket(scope, receive, send, problem(refusal))
        if caller_kind(scope) != "page":
            return await problem(refusal).send(scope, send)
        return await self._fault_page(scope, refusal).send(scope, send)

    async def _unreadable(self, scope: Scope, receive: Receive, send: Send, error: Unreadable) -> None:
        """Refuse a credential that cannot be read (RFC 6750, 3.1): the person signs in anew, where that can help."""
        self._tell_once(str(error))
        refusal = Refusal(reason="unreadable")
        headers = [(b"www-authenticate", INVALID_REQUEST)] if has_bearer(scope) else []
        answer = problem(refusal, headers=headers)
        if scope["type"] == "websocket":
            from .deny import deny_websocket

            return await deny_websocket(scope, receive, send, answer)
        if caller_kind(scope) == "page" and not app_path(scope).startswith(f"{self.site.prefix}/api/"):
            answer = self._sign_in_again(scope, refusal)
        return await answer.send(scope, send)

    def _sign_in_again(self, scope: Scope, refusal: Refusal) -> Answer:
        """Lead a page load to the sign-in; a second one at once, or the sign-in itself, gets a page and goes in no circle."""
        at_sign_in = self.site.sign_in.partition("?")[0] in (app_path(scope), scope["path"])
        if at_sign_in or cookie_value(scope, AGAIN):
            return self._fault_page(scope, refusal)
        secure = b"; Secure" if scope.get("scheme") == "https" else b""
        mark = AGAIN + b"=1; Path=/; HttpOnly; SameSite=Lax; Max-Age=20" + secure
        return redirect(self.site.sign_in, [(b"set-cookie", mark)])

    def _tell_once(self, text: str) -> None:
        """Log why a credential was refused: each reason once as a warning, since anybody can send such requests."""
        new = text not in self._refused and len(self._refused) < MAX_REASONS
        if new:
            self._refused.add(text)
        log.log(logging.WARNING if new else logging.INFO, "mfa_gate: a request was refused (401): %s", text)

    def _told(self, error: Exception) -> str:
        """The reference of the event that tells of a fault; "" where clock or entropy themselves are what failed."""
        engine = self.gate.service.engine
        try:
            event = engine.moment().event("gate.fault", SubjectKey("", ""), reason=type(error).__name__)
        except Exception:
            return ""
        engine.effects.tell(event)
        return event.id

    def _fault_page(self, scope: Scope, refusal: Refusal) -> Answer:
        """A page that needs no store; and if even that fails, a plain one (F-36)."""
        from . import views

        row = REASONS[refusal.reason]
        headers = [(b"retry-after", b"1")] if row.status == 503 else []
        try:
            frame = views.Frame(
                prefix=root_of(scope) + self.site.prefix,
                now=self.gate.service.engine.now(),
                brand_name=self.gate.service.engine.wiring.relying_party.name,
            )
            view = views.Fault(reason=refusal.reason, status=row.status, ref=refusal.ref, retry_url=own_place(scope))
            body = self.site.renderer.render(view, frame)
        except Exception:
            log.exception("mfa_gate: the error page could not be rendered")
            text = f"<!doctype html><html lang=en><title>{row.title}</title><h1>{row.title}</h1><p>{row.text} ({refusal.ref})"
            body = text.encode()
        return page(body, status=row.status, headers=headers)


def _quiet(scope: Scope) -> list[tuple[bytes, bytes]]:
    """The headers without those that would make a GET send a code."""
    return [item for item in scope["headers"] if item[0] != b"sec-fetch-mode"] + [(b"accept", b"text/html")]
