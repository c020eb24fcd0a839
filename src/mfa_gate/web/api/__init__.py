"""Answer the JSON calls below ``/api``, for single-page apps and native clients.

They have the same use cases as the pages. Refusals are problem documents (RFC 9457).
"""

from __future__ import annotations

from ...core.reasons import Refusal
from ..forms import BadBody, read_json, same_origin, tells_origin
from ..request import PageRequest
from ..responses import Answer, problem
from ..scope import header
from ..types import Receive
from .admin import BadQuery
from .calls import Body, Call
from .table import find


async def answer(request: PageRequest, receive: Receive, place: str) -> Answer:
    """Answer a call; ``place`` is the path below ``/api``."""
    method = "GET" if request.scope["method"] == "HEAD" else request.scope["method"]
    found = find(place)
    if found is None:
        return problem(Refusal(reason="not_found"))
    calls, name = found
    call = calls.get(method)
    if call is None:
        return problem(Refusal(reason="method_not_allowed"), headers=[(b"allow", ", ".join(calls).encode())])
    body: Body = {}
    if method != "GET":
        refusal = _foreign(request)
        if refusal is not None:
            return problem(refusal)
        if method != "DELETE":
            try:
                body = _typed(await read_json(request.scope, receive, limit=call.limit), call)
            except BadBody as bad:
                return problem(Refusal(reason=bad.reason))
    try:
        result = await call.handler(request, body, name)
    except BadQuery:
        return problem(Refusal(reason="malformed"))
    result.headers.extend(request.cookie_headers())
    return result


def _foreign(request: PageRequest) -> Refusal | None:
    """Refuse a change that did not come from our own page or from a client.

    A change needs a header that no form can send. A browser must be on our own page besides.
    """
    scope = request.scope
    if header(scope, b"x-mfa-gate") != b"1":
        return Refusal(reason="csrf")
    if tells_origin(scope) and not same_origin(scope, request.site.origins):
        return Refusal(reason="csrf")
    return None


def _typed(body: Body, call: Call) -> Body:
    """Check that each member of a body has its very type. Raises ``BadBody``.

    An unknown or a missing member is malformed (S-105).
    """
    for name, value in body.items():
        kinds = call.members.get(name)
        if kinds is None or type(value) not in kinds:
            raise BadBody("malformed")
    if any(name not in body for name in call.required):
        raise BadBody("malformed")
    return body
