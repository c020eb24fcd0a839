"""Answer the callbacks of providers below ``/hooks``.

The body is read whole, its size is bounded, and each field may come once. Nobody is signed in, and no cookie is read.
"""

from __future__ import annotations

from ..core.reasons import Refusal
from . import shared_signals
from .forms import MAX_BODY, BadBody, parse_form
from .responses import NO_STORE, Answer, problem
from .scope import root_of
from .site import Site
from .types import Receive, Scope

MAX_FIELDS = 100


async def answer(site: Site, scope: Scope, receive: Receive, place: str) -> Answer:
    """Answer a callback; ``place`` is the path below ``/hooks``.

    A refused callback gets a problem document that gives no further reason.
    """
    kind, _, token = place.removeprefix("/").partition("/")
    if kind == shared_signals.PLACE and not token:
        return await shared_signals.answer(site, scope, receive)
    if not kind or not token:
        return problem(Refusal(reason="not_found"))
    if scope["method"] != "POST":
        return problem(Refusal(reason="method_not_allowed"), headers=[(b"allow", b"POST")])
    if scope.get("query_string"):
        return problem(Refusal(reason="not_allowed"))
    try:
        params = await parse_form(scope, receive, within=site.body_within, limit=MAX_BODY, fields=MAX_FIELDS)
    except BadBody as bad:
        return problem(Refusal(reason=bad.reason))
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        word = name.decode("latin-1")
        headers[word] = "" if word in headers else value.decode("latin-1")
    said = await site.service.provider_callbacks.hear(
        kind, token, params=params, headers=headers, root=root_of(scope), address=site.callers.address(scope)
    )
    if isinstance(said, Refusal):
        return problem(said)
    return Answer(200, said.encode(), NO_STORE, media="text/xml; charset=utf-8")
