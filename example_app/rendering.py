"""Render a template into a page, with the headers that every page of the app has."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from .address import is_local
from .brands import NEUTRAL, brand_of
from .parts import parts_of
from .settings import HERE

__all__ = ["page"]

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def _day(at: float) -> str:
    moment = datetime.fromtimestamp(at, UTC)
    return f"{moment:%b} {moment.day}, {moment:%H:%M} UTC"


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


_TEMPLATES = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters.update(day=_day, iso=_iso)


def page(request: Request, template: str, context: Mapping[str, object], *, status: int = 200) -> HTMLResponse:
    """Render ``template`` for the person who is signed in, in the organization's look."""
    signed_in = parts_of(request).identity.signed_in(request)
    account = signed_in.account if signed_in else None
    body = _TEMPLATES.get_template(template).render(
        account=account,
        brand=brand_of(account.tenant) if account else NEUTRAL,
        path=request.url.path,
        local=is_local(request),
        **context,
    )
    return HTMLResponse(body, status_code=status, headers=_HEADERS)
