"""Read the app's small forms, and refuse those that another site sent."""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request

__all__ = ["body_of", "form_of", "is_json", "refuse_other_sites", "safe_next"]

_LIMIT = 16 * 1024
_MAX_FIELDS = 20


async def body_of(request: Request) -> bytes:
    """Read the whole body. Raises 413 beyond 16 KiB."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LIMIT:
            raise HTTPException(413)
    return bytes(body)


async def form_of(request: Request) -> dict[str, str]:
    """Read the fields of an urlencoded form.

    Raises 400 for a body that is no form, 403 for a form that another site sent.
    """
    refuse_other_sites(request)
    if content_type(request) != "application/x-www-form-urlencoded":
        raise HTTPException(415)
    try:
        pairs = parse_qsl(
            (await body_of(request)).decode(), keep_blank_values=True, max_num_fields=_MAX_FIELDS, errors="strict"
        )
    except ValueError:
        raise HTTPException(400) from None
    return dict(pairs)


def refuse_other_sites(request: Request) -> None:
    """Raise 403 where the browser says that another site caused this request."""
    if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        raise HTTPException(403)


def is_json(request: Request) -> bool:
    """Tell if the body says it is JSON, exactly: a form cannot say that."""
    return content_type(request) == "application/json"


def content_type(request: Request) -> str:
    """Return the media type without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def safe_next(text: str, default: str = "/") -> str:
    """Return ``text`` if it is a path on this site and nothing else, else ``default``."""
    if not text.startswith("/") or text[1:2] in ("/", "\\") or "\\" in text or not text.isprintable():
        return default
    return text
