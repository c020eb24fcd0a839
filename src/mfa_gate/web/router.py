"""Route the requests to our own addresses, all of which stand in one table."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import unquote

from ..core.automation import PREFIX
from ..core.reasons import Refusal
from ..core.rules import is_plain
from . import api, approve, automation, dispute, health, openapi, pages, provider_callbacks, static_files
from .cors import asks_to_call, preflight, readable_by
from .deny import send_answer, send_problem
from .faults import Faults
from .forms import MAX_DESK_FIELDS, MAX_FIELDS, BadBody, is_early, read_form, same_origin
from .i18n import LANG_COOKIE
from .interruption import MARK, going_note
from .origin_faults import OriginFault, OriginKind, origin_fault
from .quoted_ids import with_quoted_slashes
from .request import PageRequest
from .request import page_request as request_of
from .responses import Answer, allowing, as_json, problem, redirect
from .scope import caller_kind, is_rooted, own_place, root_of, safe_path, sign_in_place
from .site import Site
from .types import Receive, Scope, Send
from .views import CookiesOff, Fault, Problem, WrongAddress

WithoutSignIn = Callable[[Site, Scope, Receive, str], Awaitable[Answer]]
YEAR = 31_536_000
SHOWS_TOKEN = f"bearer {PREFIX}".encode()
"""The beginning of a header that shows a token for automation."""
ON_THE_WAY = ("/challenge", "/enroll", "/agreement", "/recovery", "/locked")
"""Pages that lead a person on to an interrupted request. They are judged by the demand of that request."""

DESK = "/admin/"
WITH_IDS = ("/admin/accounts/", "/api/admin/accounts/")
"""Addresses that hold the id of a person, in which a slash may stand."""

FAULT_WORDS: Mapping[OriginKind, str] = {"unlisted": "csrf", "elsewhere": "other_site", "untold": "origin_untold"}
"""The problem of a form for each fault of its origin."""

WITHOUT_SIGN_IN: Mapping[str, tuple[WithoutSignIn, bool]] = {
    "/static/": (static_files.answer, False),
    "/health": (health.answer, True),
    "/hooks/": (provider_callbacks.answer, True),
    "/dispute/": (dispute.answer, True),
    "/approve": (approve.answer, True),
    "/approve/": (approve.answer, True),
}
"""Addresses for everybody, by their first segment: the answerer, and True where it needs the store.

All other addresses need a signed-in person: ``api.table`` lists the JSON calls below ``/api/``, ``pages`` the pages.
"""


class Router:
    """The answerer of everything below the prefix.

    No such request ever reaches the app (S-107). ``open`` opens the store.
    """

    def __init__(self, site: Site, open: Callable[[], Awaitable[None]]) -> None:
        self.site = site
        self._open = open
        self._faults = Faults(site)
        self.fault, self.told = self._faults.answer, self._faults.told

    async def __call__(self, scope: Scope, receive: Receive, send: Send, place: str) -> None:
        """Answer a request for ``place`` (the path below the prefix)."""
        if scope["type"] != "http":
            return await send_problem(scope, receive, send, Refusal(reason="not_found"))
        carried = ""
        if place.startswith(MARK):
            carried, slash, place = place[len(MARK) :].partition("/")
            place = slash + place
        if place.startswith("/api/"):
            send = readable_by(scope, send, self.site.api_origins)
        try:
            answer = self._turned_away(scope) or await self._answer(scope, receive, place, carried)
        except Exception as error:
            return await self.fault(scope, receive, send, error)
        if answer.reason and (observer := self.site.service.engine.effects.observer) is not None:
            observer.refused(answer.reason, "")
        return await answer.send(scope, send)

    def _turned_away(self, scope: Scope) -> Answer | None:
        """Refuse a request that no address of ours takes: below an impossible root, or sent early."""
        if not is_rooted(scope):
            return self.readable(scope, problem(Refusal(reason="not_found")), self.site.prefix)
        if scope["method"] in ("GET", "HEAD") or not is_early(scope):
            return None
        return self.told(scope, Refusal(reason="early_data"))

    async def _answer(self, scope: Scope, receive: Receive, place: str, carried: str) -> Answer:
        if place.startswith("/api/") and scope["method"] == "OPTIONS" and (asked := self._preflight(scope)):
            return asked
        if place.startswith(WITH_IDS) and b"%2f" in (scope.get("raw_path") or b"").lower():
            place = with_quoted_slashes(scope, place)
        name, slash, rest = place.removeprefix("/").partition("/")
        if found := WITHOUT_SIGN_IN.get(f"/{name}{slash}"):
            answer, needs_store = found
            if needs_store:
                await self._open()
            return self.readable(
                scope, await answer(self.site, scope, receive, slash + rest), f"{self.site.prefix}/{name}"
            )
        if place.endswith("/") and place != "/" and "//" not in place:
            place = place.rstrip("/")
        if place == "/api/openapi.json" and scope["method"] in ("GET", "HEAD"):
            return as_json(openapi.document(root_of(scope) + self.site.prefix))
        if place.startswith(automation.PLACE) and any(item[1][:11].lower() == SHOWS_TOKEN for item in scope["headers"]):
            await self._open()
            return await automation.answer(self.site, scope, receive, place)
        subject = await self.site.callers.subject(scope)
        is_call = place.startswith("/api/")
        if subject is None:
            return self._nobody(scope, is_call=is_call)
        await self._open()
        request = await request_of(self.site, scope, subject)
        request.interruption.leads_back = place.startswith(ON_THE_WAY)
        is_kept = not carried or request.interruption.take(carried)
        if is_call:
            return await api.answer(request, receive, place.removeprefix("/api"))
        if carried and scope["method"] in ("GET", "HEAD"):
            if not is_kept:
                return self._without_note(request, place)
            request.interruption.keep_carried()
        return await self._page(request, receive, "" if place == "/" else place)

    async def nowhere(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request below a root with which no address of ours can be built."""
        answer = self.readable(scope, problem(Refusal(reason="not_found")), self.site.prefix)
        await send_answer(scope, receive, send, answer, site=self.site)

    def readable(self, scope: Scope, answer: Answer, place: str) -> Answer:
        """Give a person a page in the place of a refusal that is made for programs.

        ``place`` begins the path; the rest of it may be a secret, and is not logged. The page leads to the phone's page from
        an address below it, and from all others to the app.
        """
        if not answer.reason or not self._faults.reads_pages(scope):
            return answer
        root = root_of(scope)
        refusal = Refusal(reason=answer.reason, ref=self.site.reference_for(scope, answer.reason, place=root + place))
        is_phone = place == f"{self.site.prefix}/approve" and self.site.service.out_of_band is not None
        back = root + (place if is_phone else self.site.home)
        allowed = [item for item in answer.headers if item[0] == b"allow"]
        shown = self._faults.page(scope, refusal, back=back, headers=allowed)
        shown.reason = answer.reason
        return shown

    def _preflight(self, scope: Scope) -> Answer | None:
        """Let a listed front end call.

        One that is not listed is named in the log, because its browser tells the app nothing else.
        """
        found = preflight(scope, self.site.api_origins)
        if found is None and asks_to_call(scope) and not same_origin(scope, self.site.origins):
            self.site.origin_log.tell(origin_fault(scope), what="a JSON call", now=self.site.service.engine.now())
        return found

    def _without_note(self, request: PageRequest, place: str) -> Answer:
        """Lead on to the page of ours whose address carries a note that is not this person's.

        Everybody can write such an address, so it leads to our own pages alone.
        """
        if not is_plain(place or "/") or pages.find("" if place == "/" else place) is None:
            return self._refused(request, Refusal(reason="not_found"))
        return request.go(request.own(place))

    async def _page(self, request: PageRequest, receive: Receive, place: str) -> Answer:
        handlers = pages.find(place)
        if handlers is None:
            return self._refused(request, Refusal(reason="not_found"))
        method = "GET" if request.scope["method"] == "HEAD" else request.scope["method"]
        handler = handlers.get(method)
        if handler is None:
            request.headers.append(allowing(handlers))
            return self._refused(request, Refusal(reason="method_not_allowed"))
        if method == "GET":
            return self._in_language(request) or self._to_front_end(request, place) or await handler(request)
        return await self._post(request, receive, handlers, place)

    def _nobody(self, scope: Scope, *, is_call: bool = False) -> Answer:
        """Answer where nobody is signed in.

        A page load is led to the sign-in; every other request gets a problem document.
        """
        if caller_kind(scope) == "page" and not is_call:
            return redirect(sign_in_place(self.site.sign_in, scope))
        return problem(Refusal(reason="signed_out"), state="anonymous")

    async def anonymous(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer where an endpoint demands a proof and nobody is signed in."""
        await send_answer(scope, receive, send, self._nobody(scope), site=self.site)

    async def _post(
        self, request: PageRequest, receive: Receive, handlers: Mapping[str, pages.Page], place: str
    ) -> Answer:
        """Take a form: from our own page (origin and token), bounded, urlencoded."""
        try:
            fields = MAX_DESK_FIELDS if place.startswith(DESK) else MAX_FIELDS
            request.form = await read_form(request.scope, receive, within=self.site.body_within, fields=fields)
        except BadBody as bad:
            return self._refused(request, Refusal(reason=bad.reason))
        if "note" in request.form:
            request.interruption.heed_form(request.form["note"])
        if same_origin(request.scope, self.site.origins) and request.csrf_ok():
            return await handlers["POST"](request)
        return await self._stale_form(request, handlers.get("GET"))

    async def _stale_form(self, request: PageRequest, show: pages.Page | None) -> Answer:
        """Tell the reason why a form is not taken, and show its page again (U-56).

        The app was opened at an address that is not listed; another site has sent the form; cookies are off; or the token
        is an old one, or was used already.
        """
        fault = None if same_origin(request.scope, self.site.origins) else origin_fault(request.scope)
        if fault is not None:
            self.site.origin_log.tell(fault, what="a form", now=request.now)
            if fault.kind == "unlisted":
                return self._wrong_address(request, fault, request.base if show is None else own_place(request.scope))
        elif request.keeps_no_cookies:
            return request.show(CookiesOff(retry_url=own_place(request.scope)), status=422)
        # Another site may have sent the form. Only one thing of it is kept: that this browser is not to be remembered.
        sent = request.form
        request.form = {"asked": "1"} if "asked" in sent and "remember" not in sent else {}
        if fault is None and "fragment" in sent:
            request.form["fragment"] = sent["fragment"]
        request.scope = {**request.scope, "method": "GET", "headers": _quiet(request.scope)}
        request.problems.append(Problem(reason=FAULT_WORDS[fault.kind] if fault else "csrf"))
        if show is not None:
            return await show(request)
        return self._refused(request, Refusal(reason="csrf"))

    def _wrong_address(self, request: PageRequest, fault: OriginFault, place: str) -> Answer:
        """Lead to the same page at a listed origin.

        On the developer's own machine the page names the setting as well.
        """
        origins = self.site.origins
        shown = {"came": fault.came, "listed": ", ".join(origins)} if fault.is_local else {}
        ref = self.site.reference_for(request.scope, "csrf")
        return request.show(WrongAddress(url=origins[0] + place, ref=ref, **shown), status=403)

    def _in_language(self, request: PageRequest) -> Answer | None:
        """Remember the language of ``?lang=de`` and show the same place (U-64)."""
        query = request.scope.get("query_string", b"")
        if not query.startswith(b"lang="):
            return None
        tag = query[5:].decode("latin-1")
        if tag not in self.site.languages.tags:
            return None
        secure = "; Secure" if request.jar.secure else ""
        text = f"{LANG_COOKIE.decode()}={tag}; Path=/; HttpOnly; SameSite=Lax; Max-Age={YEAR}{secure}"
        request.headers.append((b"set-cookie", text.encode()))
        return request.go(own_place(request.scope) or request.base)

    def _to_front_end(self, request: PageRequest, place: str) -> Answer | None:
        """Remember the place to which a front end wants its person back.

        The front end is a listed one, or one on our own origins. It tells ``?return_to=https://…``. The same place is
        shown without it.
        """
        query = request.scope.get("query_string", b"")
        if not request.interruption.leads_back or not query.startswith(b"return_to="):
            return None
        to = unquote(query[len(b"return_to=") :].decode("latin-1"))
        if not request.site.is_front_end(to):
            mine = next((origin for origin in request.site.origins if to.startswith(f"{origin}/")), "")
            to = safe_path(to.removeprefix(mine))
        if not to:
            return None
        note = {**going_note(to=to, path="", method="GET", clean=True), **request.interruption.note, "to": to}
        if request.interruption.carried:
            request.interruption.carry(note)
        else:
            request.interruption.keep(note)
        return request.go(request.own(place))

    def _refused(self, request: PageRequest, refusal: Refusal) -> Answer:
        """Refuse at one of our addresses: a page for page loads, else a problem document."""
        code = refusal.row.status
        if caller_kind(request.scope) != "page":
            return problem(refusal, status=code, headers=request.headers)
        view = Fault(
            reason=refusal.reason,
            status=code,
            ref=refusal.ref,
            retry_after=refusal.retry_after or 0,
            back=request.base,
        )
        answer = request.show(view, status=code)
        answer.reason = refusal.reason
        return answer


def _quiet(scope: Scope) -> list[tuple[bytes, bytes]]:
    """Leave out the headers that would make a GET send a code."""
    return [item for item in scope["headers"] if item[0] != b"sec-fetch-mode"] + [(b"accept", b"text/html")]
