"""Requests that show a token for automation, at the administrators' JSON and nowhere else.

Nobody is signed in there: the host is not asked, and no cookie is read.
"""

from __future__ import annotations

from ..core.model import Subject
from ..core.reasons import Refusal
from . import api
from .request import page_request as request_of
from .responses import Answer, problem
from .scope import header
from .site import Site
from .types import Receive, Scope

PLACE = "/api/admin/"


async def answer(site: Site, scope: Scope, receive: Receive, place: str) -> Answer:
    """Answer a call of the administrators' JSON by the rights of a token."""
    service, text = site.service, (header(scope, b"authorization") or b"")[7:].decode("latin-1").strip()
    call = f"{scope['method']} {_without_id(place)}"
    actor = await service.automation.use(text, call=call, address=site.callers.address(scope))
    if isinstance(actor, Refusal):
        return problem(actor, headers=[(b"www-authenticate", b'Bearer error="invalid_token"')])
    subject = Subject(actor.name, actor.tenant)
    bare = {**scope, "headers": [item for item in scope["headers"] if item[0] != b"cookie"]}
    request = await request_of(site, bare, subject)
    request.automation = actor
    return await api.answer(request, receive, place.removeprefix("/api"))


def _without_id(place: str) -> str:
    """Write the address of a call without the id of an account."""
    parts = place.removeprefix("/api/").split("/")
    return (
        "/".join([*parts[:2], *("*" for _ in parts[2:3]), *parts[3:4]])
        if parts[1:2] == ["accounts"]
        else "/".join(parts)
    )
