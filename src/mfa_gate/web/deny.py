"""How a refusal is told, by who is asking (the table of callers)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from ..core.decision import Decision, Enroll, StepUp, state_of
from ..core.model import Caller
from ..core.policy import Demand
from ..core.reasons import Refusal
from .callers import (
    Scope,
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
from .cookies import PENDING_LIFE, Jar
from .responses import NO_STORE, Answer, Header, place_of, problem, redirect, refusal_of
from .site import going_note

if TYPE_CHECKING:
    from .gate import Gate

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

ACR = "urn:mfa-gate:second-factor"


async def refuse(
    gate: Gate,
    scope: Scope,
    receive: Receive,
    send: Send,
    *,
    jar: Jar,
    caller: Caller,
    decision: Decision,
    demands: tuple[Demand, ...] = (),
) -> None:
    """Answer a request that may not pass. Its body is not read, and it is never replayed (S-16)."""
    if not is_rooted(scope):
        return await send_problem(scope, receive, send, Refusal(reason="not_found"))
    path = app_path(scope)
    place = f"{root_of(scope)}{gate.site.prefix}{place_of(decision)}"
    refusal = refusal_of(decision)
    kind = caller_kind(scope)
    more: dict[str, Any] = {"challenge_url": place, "state": state_of(decision)}
    if isinstance(decision, StepUp):
        more["methods"] = list(decision.demand.factors_any) or None
        more["why"] = decision.reason
    if kind == "page":
        headers = keep_going(gate, scope, jar, path, demands)
        if not gate.site.cookies.value(jar, scope):
            fresh = gate.site.cookies.fresh()
            headers.append(gate.site.cookies.set_handle(jar, fresh, max_age=PENDING_LIFE))
        return await redirect(place, headers).send(scope, send)
    told = kind == "bearer" or (kind == "websocket" and has_bearer(scope))
    if told and isinstance(decision, (StepUp, Enroll)):
        rules = gate.service.engine.rules(caller.subject.tenant)
        max_age = decision.demand.max_age if isinstance(decision, StepUp) else rules.freshness.max_age
        challenge = (
            'Bearer error="insufficient_user_authentication", '
            'error_description="A second factor is required", '
            f'max_age="{max_age}", acr_values="{ACR}"'
        )
        answer = problem(refusal, status=401, headers=[(b"www-authenticate", challenge.encode())], **more)
    elif kind == "htmx":
        headers = keep_going(gate, scope, jar, path, demands)
        answer = problem(refusal, headers=[(b"hx-redirect", place.encode()), *headers], **more)
    elif kind == "frame":
        from .views import Framed

        request = await gate.page_request(scope, caller.subject)
        answer = request.show(Framed(url=place), status=403)
    elif kind in ("subresource", "prefetch"):
        answer = Answer(403, b"", NO_STORE)
    else:
        status = gate.site.json_status if refusal.row.status == 403 else None
        answer = problem(refusal, status=status, **more)
    if kind == "websocket":
        return await deny_websocket(scope, receive, send, answer)
    return await answer.send(scope, send)


def keep_going(gate: Gate, scope: Scope, jar: Jar, path: str, demands: tuple[Demand, ...]) -> list[Header]:
    """Remember where a page load was going. A form's target is no place to return to: its page is (U-71)."""
    method: str = scope["method"]
    if method in ("GET", "HEAD") and header(scope, b"hx-request") is None:
        query = scope.get("query_string", b"").decode("latin-1")
        place = own_place(scope)
        to = safe_path(f"{place}?{query}") if place and query else place
    else:
        to = _page_of(scope)
    note = going_note(to=to, path=path, method=method, clean=is_clean(path), demands=demands)
    return [gate.site.cookies.set_note(jar, jar.going, note)]


def _page_of(scope: Scope) -> str:
    """The page that a form or a fragment belongs to, where the browser says that it is ours."""
    current = header(scope, b"hx-current-url") or header(scope, b"referer")
    if current is None or header(scope, b"sec-fetch-site") not in (b"same-origin", None):
        return ""
    return place_in(current)


async def deny_websocket(scope: Scope, receive: Receive, send: Send, answer: Answer) -> None:
    """Refuse a websocket before it is accepted: with the answer where the server can send one, else closed."""
    await receive()
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 4403})
        return
    await send({"type": "websocket.http.response.start", "status": answer.status, "headers": answer.headers})
    await send({"type": "websocket.http.response.body", "body": answer.body})


async def send_problem(scope: Scope, receive: Receive, send: Send, refusal: Refusal) -> None:
    """A problem document, to whatever kind of connection."""
    answer = problem(refusal)
    if scope["type"] == "websocket":
        await deny_websocket(scope, receive, send, answer)
    else:
        await answer.send(scope, send)
