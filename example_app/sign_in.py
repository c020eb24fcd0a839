"""Sign people in as a host would: by password and session, or by token without cookies."""

from __future__ import annotations

import asyncio
import json

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from .accounts import ACCOUNTS, PASSWORD, TENANTS, Account
from .address import is_local
from .brands import brand_of
from .forms import body_of, form_of, is_json, safe_next
from .parts import parts_of
from .rendering import page

__all__ = ["home_of", "routes"]

_WRONG = "That e-mail address and password do not match. Check both and try again."


def home_of(account: Account) -> str:
    """Return the page on which a person starts."""
    return "/portal" if account.is_patient else "/"


async def show_login(request: Request) -> Response:
    """Show the form; a person who is signed in already goes on."""
    parts = parts_of(request)
    if request.headers.get("sec-fetch-mode") == "navigate" and request.url.hostname in ("127.0.0.1", "::1"):
        # The relying party is localhost. By its number this machine would be another origin, and refuse its own forms.
        return RedirectResponse(f"{parts.settings.origin}/login?{request.url.query}", 307)
    signed_in = parts.identity.signed_in(request)
    following = safe_next(request.query_params.get("next", ""), "")
    if signed_in is not None and "as" not in request.query_params:
        return RedirectResponse(following or home_of(signed_in.account), 303)
    return _form(request, username=request.query_params.get("as", ""), following=following)


async def login(request: Request) -> Response:
    """Sign in with ``username`` and ``password``, and go on to ``next``."""
    form = await form_of(request)
    username, following = form.get("username", ""), safe_next(form.get("next", ""), "")
    parts = parts_of(request)
    account = await asyncio.to_thread(parts.accounts.authenticate, username, form.get("password", ""))
    if account is None:
        return _form(request, username=username, following=following, error=_WRONG)
    parts.identity.sign_in(request, account)
    return RedirectResponse(following or home_of(account), 303)


async def show_logout(request: Request) -> Response:
    """Sign out; ask first if another site led here."""
    if request.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
        return page(request, "logout.html", {})
    request.session.clear()
    return RedirectResponse("/login", 303)


async def logout(request: Request) -> Response:
    """Sign out."""
    if request.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
        return page(request, "logout.html", {}, status=403)
    request.session.clear()
    return RedirectResponse("/login", 303)


async def token(request: Request) -> Response:
    """Issue a token for ``{"username", "password"}``."""
    if not is_json(request):
        return JSONResponse({"error": "Send application/json."}, 415)
    try:
        body = json.loads(await body_of(request))
    except (ValueError, RecursionError):
        return JSONResponse({"error": "That is not JSON."}, 400)
    match body:
        case {"username": str(username), "password": str(password)}:
            parts = parts_of(request)
        case _:
            return JSONResponse({"error": "username and password are needed, as text."}, 400)
    account = await asyncio.to_thread(parts.accounts.authenticate, username, password)
    if account is None:
        return JSONResponse({"error": _WRONG}, 401)
    return JSONResponse(
        {"token": parts.accounts.issue_token(account, parts.clock.now())}, headers={"Cache-Control": "no-store"}
    )


def _form(request: Request, *, username: str, following: str, error: str = "") -> Response:
    groups = [
        (brand_of(tenant), [account for account in ACCOUNTS if account.tenant == tenant])
        for tenant in (*TENANTS, "example")
    ]
    demo = {"groups": groups, "password": PASSWORD} if is_local(request) else None
    context = {"username": username, "following": following, "error": error, "demo": demo}
    return page(request, "login.html", context, status=422 if error else 200)


routes = [
    Route("/login", show_login, methods=["GET"]),
    Route("/login", login, methods=["POST"]),
    Route("/logout", show_logout, methods=["GET"]),
    Route("/logout", logout, methods=["POST"]),
    Route("/api/token", token, methods=["POST"]),
]
