"""Deny a request in the form that its caller understands (the table of callers)."""

from __future__ import annotations

from typing import Any

from ..core.decision import Agree, Allow, Decision, Deny, Enroll, StepUp, state_of
from ..core.model import Caller
from ..core.policy import Demand
from ..core.reasons import Refusal
from ..service.kept_forms import MAX_FORM
from .callers import Identified
from .cookies import PENDING_LIFE, Note
from .crowded_cookies import drop_crowd
from .forms import BadBody, is_listed, is_urlencoded, read_body, same_origin
from .interruption import MARK, SAFE, going_note, is_form, page_of
from .responses import (
    CLOSE_CODE,
    NO_STORE,
    Answer,
    Header,
    framed_page,
    leading,
    place_of,
    problem,
    redirect,
    refusal_of,
)
from .scope import (
    CallerKind,
    app_path,
    caller_kind,
    has_bearer,
    header,
    is_clean,
    own_place,
    root_of,
    safe_path,
)
from .site import Site
from .types import Receive, Scope, Send
from .unheard import hear_out
from .views import Framed

ACR = "urn:mfa-gate:second-factor"
TRY_LATER = 1013
"""The close code of a service that cannot answer at the moment."""


async def deny(
    site: Site,
    scope: Scope,
    receive: Receive,
    send: Send,
    *,
    found: Identified,
    decision: Decision,
    demands: tuple[Demand, ...] = (),
) -> None:
    """Answer a request that may not pass.

    The request is never sent again by itself (S-16). Its body is kept only where the host keeps forms, and dropped elsewhere.
    """
    path, jar, caller = app_path(scope), found.jar, found.caller
    kind = caller_kind(scope)
    is_a_form = is_form(scope, kind)
    kept_form = await _keep_or_drop(site, scope, receive, caller, is_a_form=is_a_form)
    note = going_note(
        to=_page_behind(site, scope, kind),
        path=path,
        method=scope.get("method", "GET"),
        clean=is_clean(path),
        demands=demands,
        is_form=is_a_form,
        kept=kept_form,
    )
    segment, owed = _way_on(site, note, found, decision, demands, kind=kind)
    if owed:
        owed += drop_crowd(scope, keep=(jar.handle, *jar.earlier))
    kept = [*owed, site.cookies.set_note(jar, jar.form, {"w": kept_form})] if kept_form else owed
    base = f"{root_of(scope)}{site.prefix}{segment}"
    place = base + place_of(decision)
    refusal = refusal_of(decision)
    if (observer := site.service.engine.effects.observer) is not None:
        observer.refused(refusal.reason, state_of(decision))
    # A front end on another origin takes a path for its own: it gets the whole address.
    start = _origin_asked(scope, site.origins) if is_listed(scope, site.api_origins) else ""
    more: dict[str, Any] = {
        "challenge_url": start + place,
        "api_url": start + base + call_of(decision),
        "state": state_of(decision),
    }
    if isinstance(decision, StepUp):
        more["methods"] = list(decision.demand.factors_any) or None
        more["why"] = decision.reason
        if decision.demand.user_verification:
            more["user_verification"] = True
    if kind == "page":
        headers = [*kept]
        if not site.cookies.value(jar, scope):
            fresh = site.cookies.fresh()
            headers.append(site.cookies.set_handle(jar, fresh, max_age=PENDING_LIFE))
        return await redirect(place, headers).send(scope, send)
    told = kind == "bearer" or (kind == "websocket" and has_bearer(scope))
    if told and isinstance(decision, (StepUp, Enroll)):
        rules = site.service.engine.rules(caller.subject.tenant)
        max_age = decision.demand.max_age if isinstance(decision, StepUp) else rules.freshness.max_age
        challenge = (
            'Bearer error="insufficient_user_authentication", '
            'error_description="A second factor is required", '
            f'max_age="{max_age}", acr_values="{ACR}"'
        )
        # A proxy may have added the token to htmx's own request, so the answer leads on for htmx as well.
        htmx = [leading(b"hx-redirect", place)] if header(scope, b"hx-request") == b"true" else []
        headers = [(b"www-authenticate", challenge.encode()), *htmx, *kept]
        answer = problem(refusal, status=401, headers=headers, **more)
    elif kind == "htmx":
        answer = problem(refusal, headers=[leading(b"hx-redirect", place), *kept], **more)
    elif kind == "turbo" and scope["method"] not in SAFE and (owed or header(scope, b"turbo-frame") is None):
        # After a 403 Turbo loads the form's page anew, which may owe nothing, and says nothing of a form that was stopped.
        answer = redirect(place, kept)
    elif kind in ("frame", "turbo"):
        answer = framed_page(_small_page(site, scope, caller.subject.tenant, place, leaves=kind == "turbo"), kept)
    elif kind in ("subresource", "prefetch"):
        answer = Answer(403, b"", NO_STORE)
    else:
        # A client that shows a password or a token would ask for it again after a 401.
        has_cookies_alone = header(scope, b"authorization") is None
        status = site.json_status if refusal.row.status == 403 and has_cookies_alone else None
        answer = problem(refusal, status=status, headers=kept, **more)
    return await send_answer(scope, receive, send, answer, site=site)


def _way_on(
    site: Site, note: Note, found: Identified, decision: Decision, demands: tuple[Demand, ...], *, kind: CallerKind
) -> tuple[str, list[Header]]:
    """Keep the note of a page load in a cookie, and of every other request in the address.

    Returns the segment of the address that carries it, and a cookie for a page load, or for a browser that owes more than
    usual: ``GET state`` tells it by that, and so does the challenge where the address carries nothing.
    """
    if kind in ("subresource", "prefetch"):
        return "", []
    jar, is_client = found.jar, found.caller.kind == "client"
    if kind == "page":
        return "", [site.cookies.set_note(jar, jar.going, note)]
    is_stricter = bool(demands) or (isinstance(decision, (StepUp, Enroll)) and len(decision.why.demands) > 1)
    is_carried = note["to"] or (is_client and is_stricter)
    segment = f"{MARK}{site.cookies.seal_note(found.caller.subject.key, note)}" if is_carried else ""
    owed = [site.cookies.set_note(jar, jar.owed, note)] if is_stricter and not is_client else []
    return segment, owed


def _page_behind(site: Site, scope: Scope, kind: CallerKind) -> str:
    """Find the page to lead back to, of the app or on a listed front end.

    Returns "" where nobody tells it. A form's target is no place to return to: there, it is the page with the form (U-71).
    """
    if kind == "page":
        return _asked(scope) if scope["method"] in SAFE else page_of(scope, site.origins)
    if is_listed(scope, site.api_origins):
        referer = (header(scope, b"referer") or b"").decode("latin-1")
        return referer if site.is_front_end(referer) else ""
    if kind == "turbo" and scope["method"] in SAFE and header(scope, b"turbo-frame") is None:
        return _asked(scope)  # a visit
    return page_of(scope, site.origins) or (_asked(scope) if kind == "frame" else "")


def call_of(decision: Decision) -> str:
    """Name the JSON call that leads on from a decision, below the prefix."""
    match decision:
        case Enroll():
            return "/api/enroll"
        case StepUp():
            return "/api/challenge"
        case Agree():
            return "/api/agreement"
        case Deny():
            return "/api/recovery"
        case Allow():
            return "/api/state"


def _origin_asked(scope: Scope, origins: tuple[str, ...]) -> str:
    """Return the configured origin that was asked, or the first.

    A proof counts only at the host that it was made on.
    """
    host = (header(scope, b"host") or b"").decode("latin-1")
    return next((origin for origin in origins if origin.partition("://")[2] == host), origins[0])


async def _keep_or_drop(site: Site, scope: Scope, receive: Receive, caller: Caller, *, is_a_form: bool) -> str:
    """Keep the form of a page of our own, where the host wants it; returns its word, or "".

    A form of another site would come from ours afterwards, so it is never kept. A client without cookies could not keep
    the word. What is not kept is read and dropped (V-43).
    """
    if (
        site.kept_forms is None
        or not is_a_form
        or caller.kind == "client"
        or not is_urlencoded(scope)
        or not same_origin(scope, site.origins)
    ):
        await hear_out(scope, receive)
        return ""
    try:
        body = await read_body(scope, receive, within=site.body_within, limit=MAX_FORM)
    except BadBody:
        return ""
    return await site.kept_forms.keep(caller, target=_asked(scope), body=body)


def _asked(scope: Scope) -> str:
    """Return the place that a GET asks for, with its query."""
    query = scope.get("query_string", b"").decode("latin-1")
    place = own_place(scope)
    return safe_path(f"{place}?{query}") if place and query else place


def _small_page(site: Site, scope: Scope, tenant: str, url: str, *, leaves: bool) -> bytes:
    """Draw the page that a frame shows: a link that opens ``url`` as a page of its own.

    With ``leaves`` the browser goes there by itself. Turbo puts this page in the place of the whole page.
    """
    frame = site.plain_frame(scope, site.service.engine.rules(tenant))
    return site.renderer.render(Framed(url=url, leaves=leaves), frame)


async def deny_websocket(
    scope: Scope, receive: Receive, send: Send, answer: Answer, *, site: Site | None = None
) -> None:
    """Refuse a websocket before it is accepted.

    It sends ``answer`` where the server can send one, else it closes the websocket. A ``site`` that wants scripts to know
    the reason accepts it first, since browsers tell them nothing about a handshake that failed.
    """
    await receive()
    code = _close_code(site, scope, answer) if site is not None else 0
    if code:
        accept = {"type": "websocket.accept", "subprotocol": next(iter(scope.get("subprotocols") or ()), None)}
        cookies = [item for item in answer.headers if item[0] == b"set-cookie"]
        await send({**accept, "headers": cookies})
        await send({"type": "websocket.close", "code": code, "reason": answer.reason})
        return
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 4403})
        return
    # The server counts the body: uvicorn before 0.50 sends its own length beside ours, and clients refuse two.
    headers = [item for item in answer.headers_for(scope) if item[0] != b"content-length"]
    await send({"type": "websocket.http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": answer.body})


def _close_code(site: Site, scope: Scope, answer: Answer) -> int:
    """Return the code that tells a script why it is refused; 0 where nobody may be told."""
    if not site.accept_refused_websockets or not answer.reason:
        return 0
    origin = header(scope, b"origin")
    tells = any(key == b"origin" for key, _ in scope["headers"])
    if tells and (origin is None or origin.decode("latin-1") not in (*site.origins, *site.api_origins)):
        return 0
    return {401: CLOSE_CODE, 403: CLOSE_CODE, 503: TRY_LATER}.get(answer.status, 0)


async def send_answer(scope: Scope, receive: Receive, send: Send, answer: Answer, *, site: Site | None = None) -> None:
    """Send ``answer`` on any kind of connection that was not accepted yet."""
    if scope["type"] == "websocket":
        return await deny_websocket(scope, receive, send, answer, site=site)
    return await answer.send(scope, send)


async def send_problem(
    scope: Scope, receive: Receive, send: Send, refusal: Refusal, *, site: Site | None = None
) -> None:
    """Send a problem document on any kind of connection."""
    await send_answer(scope, receive, send, problem(refusal), site=site)
