"""Deny a request in the form that its caller understands (the table of callers)."""

from __future__ import annotations

from typing import Any

from ..core.decision import Agree, Allow, Decision, Deny, Enroll, StepUp, state_of
from ..core.policy import Demand
from ..core.reasons import Refusal
from .callers import Identified
from .cookies import PENDING_LIFE, Jar
from .forms import is_listed
from .request import Site, going_note, page_request
from .responses import NO_STORE, Answer, Header, place_of, problem, redirect, refusal_of
from .scope import (
    app_path,
    caller_kind,
    has_bearer,
    header,
    is_clean,
    is_rooted,
    own_place,
    place_in,
    root_of,
    safe_path,
)
from .types import Receive, Scope, Send
from .views import Framed

ACR = "urn:mfa-gate:second-factor"


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

    The body of the request is not kept, and the request is never sent again (S-16).
    """
    if not is_rooted(scope):
        return await send_problem(scope, receive, send, Refusal(reason="not_found"))
    path, jar, caller = app_path(scope), found.jar, found.caller
    place = f"{root_of(scope)}{site.prefix}{place_of(decision)}"
    refusal = refusal_of(decision)
    kind = caller_kind(scope)
    # A front end on another origin takes a path for its own: it gets the whole address.
    start = _origin_asked(scope, site.origins) if is_listed(scope, site.api_origins) else ""
    more: dict[str, Any] = {
        "challenge_url": start + place,
        "api_url": f"{start}{root_of(scope)}{site.prefix}{call_of(decision)}",
        "state": state_of(decision),
    }
    if isinstance(decision, StepUp):
        more["methods"] = list(decision.demand.factors_any) or None
        more["why"] = decision.reason
        if decision.demand.user_verification:
            more["user_verification"] = True
    if kind == "page":
        headers = keep_going(site, scope, jar, path, demands)
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
        answer = problem(refusal, status=401, headers=[(b"www-authenticate", challenge.encode())], **more)
    elif kind == "htmx":
        headers = keep_going(site, scope, jar, path, demands)
        answer = problem(refusal, headers=[(b"hx-redirect", place.encode()), *headers], **more)
    elif kind == "frame":
        request = await page_request(site, scope, caller.subject)
        answer = request.show(Framed(url=place), status=403)
    elif kind in ("subresource", "prefetch"):
        answer = Answer(403, b"", NO_STORE)
    else:
        status = site.json_status if refusal.row.status == 403 else None
        answer = problem(refusal, status=status, **more)
    return await send_answer(scope, receive, send, answer)


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


def keep_going(site: Site, scope: Scope, jar: Jar, path: str, demands: tuple[Demand, ...]) -> list[Header]:
    """Remember the place of a page load.

    A form's target is no place to return to: there, the page with the form is remembered (U-71).
    """
    method: str = scope["method"]
    if method in ("GET", "HEAD") and header(scope, b"hx-request") is None:
        query = scope.get("query_string", b"").decode("latin-1")
        place = own_place(scope)
        to = safe_path(f"{place}?{query}") if place and query else place
    else:
        to = _page_of(scope)
    note = going_note(to=to, path=path, method=method, clean=is_clean(path), demands=demands)
    return [site.cookies.set_note(jar, jar.going, note)]


def _page_of(scope: Scope) -> str:
    """Find the page that a form or a fragment belongs to.

    Returns "" where the browser does not say that the page is ours.
    """
    current = header(scope, b"hx-current-url") or header(scope, b"referer")
    if current is None or header(scope, b"sec-fetch-site") not in (b"same-origin", None):
        return ""
    return place_in(current)


async def deny_websocket(scope: Scope, receive: Receive, send: Send, answer: Answer) -> None:
    """Refuse a websocket before it is accepted.

    It sends ``answer`` where the server can send one, else it closes the websocket.
    """
    await receive()
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 4403})
        return
    await send({"type": "websocket.http.response.start", "status": answer.status, "headers": answer.headers_for(scope)})
    await send({"type": "websocket.http.response.body", "body": answer.body})


async def send_answer(scope: Scope, receive: Receive, send: Send, answer: Answer) -> None:
    """Send ``answer`` on any kind of connection that was not accepted yet."""
    if scope["type"] == "websocket":
        return await deny_websocket(scope, receive, send, answer)
    return await answer.send(scope, send)


async def send_problem(scope: Scope, receive: Receive, send: Send, refusal: Refusal) -> None:
    """Send a problem document on any kind of connection."""
    await send_answer(scope, receive, send, problem(refusal))
