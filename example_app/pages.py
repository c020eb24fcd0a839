"""Show the product's pages: home, records, the patients' portal, and a public page."""

from __future__ import annotations

import csv
import io
from collections.abc import Awaitable, Callable
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from .accounts import Account
from .forms import form_of
from .identity import SignedIn
from .parts import parts_of
from .records import MAX_NOTE, MAX_TITLE
from .rendering import page

__all__ = ["not_found", "routes"]

Page = Callable[[Request, Account], Awaitable[Response]]


def for_people(serve: Page) -> Callable[[Request], Awaitable[Response]]:
    """Show a page to people who are signed in; strangers are sent to sign in first."""

    async def endpoint(request: Request) -> Response:
        signed_in = parts_of(request).identity.signed_in(request)
        if signed_in is not None:
            return await serve(request, signed_in.account)
        wanted = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
        following = wanted if request.method == "GET" else "/"
        return RedirectResponse(f"/login?next={quote(following, safe='/')}", 303)

    return endpoint


def for_staff(serve: Page) -> Callable[[Request], Awaitable[Response]]:
    """Show a page of the app proper, which patients have nothing to do with."""

    async def staff_only(request: Request, account: Account) -> Response:
        if not account.is_patient:
            return await serve(request, account)
        if request.url.path == "/":
            return RedirectResponse("/portal", 303)
        raise HTTPException(403)

    return for_people(staff_only)


async def home(request: Request, account: Account) -> Response:
    """Show the page of the day."""
    records = parts_of(request).records
    context = {"counts": records.counts(account.tenant), "records": records.newest_first(account.tenant, 4)}
    return page(request, "home.html", context)


async def records(request: Request, account: Account) -> Response:
    """Show all rows, and the form that adds one."""
    return _records(request, account)


async def add_record(request: Request, account: Account) -> Response:
    """Add a row."""
    form = await form_of(request)
    title, note = form.get("title", "").strip(), form.get("note", "").strip()
    error = ""
    if not title:
        error = "Enter a title."
    elif len(title) > MAX_TITLE:
        error = f"Enter a title of at most {MAX_TITLE} characters."
    elif len(note) > MAX_NOTE:
        error = f"Enter a note of at most {MAX_NOTE} characters."
    if error:
        return _records(request, account, title=title, note=note, error=error)
    parts = parts_of(request)
    parts.records.add(account.tenant, title=title, note=note, author=account.name, now=parts.clock.now())
    return RedirectResponse("/records", 303)


def _records(request: Request, account: Account, *, title: str = "", note: str = "", error: str = "") -> Response:
    context = {
        "records": parts_of(request).records.newest_first(account.tenant),
        "title": title,
        "note": note,
        "error": error,
    }
    return page(request, "records.html", context, status=422 if error else 200)


async def export(request: Request, account: Account) -> Response:
    """Send all rows as CSV: the policy asks for a fresh proof here."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["title", "note", "state", "author"])
    for row in parts_of(request).records.newest_first(account.tenant, 10_000):
        writer.writerow([_inert(cell) for cell in (row.title, row.note, row.state, row.author)])
    headers = {"Content-Disposition": 'attachment; filename="records.csv"', "Cache-Control": "no-store"}
    return Response(text.getvalue(), media_type="text/csv", headers=headers)


def _inert(cell: str) -> str:
    # A spreadsheet would run a cell that starts like a formula.
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t")) else cell


async def live(request: Request, account: Account) -> Response:
    """Show server-sent events and a websocket at work."""
    return page(request, "live.html", {})


async def portal(request: Request, account: Account) -> Response:
    """Show the patients' own pages."""
    return page(request, "portal.html", {})


async def public(request: Request) -> Response:
    """Show the page that everybody may read."""
    return page(request, "public.html", {})


async def me(request: Request) -> Response:
    """Return the person who is signed in, as JSON."""
    signed_in: SignedIn | None = parts_of(request).identity.signed_in(request)
    if signed_in is None:
        return JSONResponse({"error": "Sign in first."}, 401, headers={"WWW-Authenticate": "Bearer"})
    account = signed_in.account
    body = {"id": account.email, "tenant": account.tenant, "name": account.name, "groups": list(account.groups)}
    return JSONResponse(body, headers={"Cache-Control": "no-store"})


async def not_found(request: Request, error: Exception) -> Response:
    """Show an error page, in words."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = error.headers if isinstance(error, HTTPException) else None
    response = page(request, "error.html", {"status": status}, status=status)
    response.headers.update(headers or {})
    return response


routes = [
    Route("/", for_staff(home), methods=["GET"]),
    Route("/records", for_staff(records), methods=["GET"]),
    Route("/records", for_staff(add_record), methods=["POST"]),
    Route("/records/export", for_staff(export), methods=["GET"]),
    Route("/live", for_staff(live), methods=["GET"]),
    Route("/portal", for_people(portal), methods=["GET"]),
    Route("/public", public, methods=["GET"]),
    Route("/api/me", me, methods=["GET"]),
]
