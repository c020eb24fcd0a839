"""Offer the demo controls, for this machine only: sent messages, time machine, addresses."""

from __future__ import annotations

import json
import math
from collections.abc import Awaitable, Callable

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from . import data
from .address import COOKIE, is_local, parsed
from .clock import rfc3339
from .forms import body_of, form_of, is_json, refuse_other_sites
from .parts import parts_of
from .rendering import page
from .telephone import RINGING, answer_call

__all__ = ["routes"]

_FARTHEST = 100 * 366 * 86_400
_STEPS = (
    ("11 minutes", 660),
    ("16 minutes", 960),
    ("1 day", 86_400),
    ("7 days", 604_800),
    ("30 days", 2_592_000),
)
_PLACES = (
    ("The office", "198.51.100.10"),
    ("A café", "203.0.113.25"),
    ("A phone network", "2001:db8:77:1::5"),
)


def for_this_machine(
    serve: Callable[[Request], Awaitable[Response]],
) -> Callable[[Request], Awaitable[Response]]:
    """Hide a page from everybody but this machine."""

    async def endpoint(request: Request) -> Response:
        if not is_local(request):
            raise HTTPException(404)
        return await serve(request)

    return endpoint


async def show(request: Request) -> Response:
    """Show all the controls."""
    parts = parts_of(request)
    context = {
        "outbox": parts.outbox.newest_first()[:60],
        "now": parts.clock.now(),
        "steps": _STEPS,
        "places": _PLACES,
        "address": request.client.host if request.client else "",
        "elsewhere": COOKIE in request.cookies,
        "ringing": RINGING,
    }
    return page(request, "demo.html", context)


async def outbox(request: Request) -> Response:
    """List everything that was sent, newest first."""
    sent = [message.as_json() for message in parts_of(request).outbox.newest_first()]
    return JSONResponse(sent, headers={"Cache-Control": "no-store"})


async def clock(request: Request) -> Response:
    """Advance the time for all workers: JSON gets the new time, a form goes back to the page."""
    if is_json(request):
        refuse_other_sites(request)
        try:
            body = json.loads(await body_of(request))
        except (ValueError, RecursionError):
            raise HTTPException(400) from None
        seconds = _seconds(body.get("advance_seconds") if isinstance(body, dict) else None)
        return JSONResponse({"now": rfc3339(parts_of(request).clock.advance(seconds))})
    form = await form_of(request)
    try:
        seconds = _seconds(float(form.get("advance_seconds", "")))
    except ValueError:
        raise HTTPException(400) from None
    parts_of(request).clock.advance(seconds)
    return RedirectResponse("/demo", 303)


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise HTTPException(400)
    if not math.isfinite(value) or abs(value) > _FARTHEST:
        raise HTTPException(400)
    return value


async def address(request: Request) -> Response:
    """Come from ``address`` from now on; an empty one is the real one again."""
    chosen = (await form_of(request)).get("address", "").strip()
    response = RedirectResponse("/demo", 303)
    if not chosen:
        response.delete_cookie(COOKIE)
        return response
    if parsed(chosen) is None:
        raise HTTPException(400)
    response.set_cookie(COOKIE, chosen, httponly=True, samesite="lax")
    return response


async def call(request: Request) -> Response:
    """Answer a call: press # (``key=#``), another key, or hang up (no key)."""
    form = await form_of(request)
    parts = parts_of(request)
    wanted = request.path_params["id"]
    called = next((m for m in parts.outbox.newest_first() if m.id == wanted and m.callback), None)
    if called is None:
        raise HTTPException(404)
    secret = data.read_secret(parts.settings.data)
    if not await answer_call(request.app, called.callback, key=form.get("key", ""), secret=secret):
        raise HTTPException(409, "That call has ended.")
    return RedirectResponse("/demo", 303)


routes = [
    Route("/demo", for_this_machine(show), methods=["GET"]),
    Route("/demo/outbox.json", for_this_machine(outbox), methods=["GET"]),
    Route("/demo/clock", for_this_machine(clock), methods=["POST"]),
    Route("/demo/calls/{id:int}", for_this_machine(call), methods=["POST"]),
    Route("/demo/address", for_this_machine(address), methods=["POST"]),
]
