"""Answer the JSON calls below ``/api``, for single-page apps and native clients.

They have the same use cases as the pages. Refusals are problem documents (RFC 9457).
"""

from __future__ import annotations

from ...core.reasons import Refusal
from ..forms import BadBody, has_body, is_listed, read_json, same_origin, tells_origin
from ..members import BadMember, Body, typed
from ..origin_faults import origin_fault
from ..request import PageRequest
from ..responses import Answer, allowing, problem
from ..scope import header, is_bearer_alone
from ..site import Site
from ..types import Receive, Scope
from .queries import query_of
from .table import find


async def answer(request: PageRequest, receive: Receive, place: str) -> Answer:
    """Answer a call; ``place`` is the path below ``/api``."""
    method = "GET" if request.scope["method"] == "HEAD" else request.scope["method"]
    found = find(place)
    if found is None:
        lists = f"There is no such call: {request.base}/api/openapi.json lists all."
        return problem(Refusal(reason="not_found", detail=lists))
    calls, name, part = found
    call = calls.get(method)
    if call is None:
        refusal = Refusal(reason="method_not_allowed", detail=f"This call takes {' or '.join(calls)}.")
        return problem(refusal, headers=[allowing(calls)])
    body: Body = {}
    try:
        if method != "GET":
            foreign = refuse_foreign(request.site, request.scope, request.site.api_origins)
            if foreign is not None:
                return foreign
            if method != "DELETE" or (call.members and has_body(request.scope)):
                within = request.site.body_within
                sent = await read_json(request.scope, receive, within=within, limit=call.limit)
                body = typed(sent, call.members, call.required)
            elif call.members:
                sent = {name: value for name, value in query_of(request).items() if name in call.members}
                body = typed(sent, call.members, call.required)
            if call.part:
                body[call.part] = part
        result = await call.handler(request, body, name)
    except (BadBody, BadMember) as bad:
        return refuse_body(bad)
    result.headers.extend(request.cookie_headers())
    return result


def refuse_body(bad: BadBody | BadMember) -> Answer:
    """Refuse a body or a query, and name the member that is wrong."""
    reason = bad.reason if isinstance(bad, BadBody) else "malformed"
    return problem(Refusal(reason=reason, detail=bad.detail, member=bad.member), title=bad.title or None)


def refuse_foreign(site: Site, scope: Scope, api_origins: tuple[str, ...] = ()) -> Answer | None:
    """Answer a change that may be somebody else's doing; None where it is the caller's own.

    A change needs a header that no form can send. A browser must be on our own page besides, or on a listed one. A caller
    that shows a token and no cookie may be anywhere: another site can make no browser send that token.
    """
    if header(scope, b"x-mfa-gate") != b"1":
        detail = 'Send the header "X-MFA-Gate: 1" once with every change: no form of another site can.'
        return problem(
            Refusal(reason="csrf", detail=detail, member="X-MFA-Gate"), title="The header X-MFA-Gate is missing"
        )
    if is_bearer_alone(scope) or not tells_origin(scope):
        return None
    if same_origin(scope, site.origins) or is_listed(scope, api_origins):
        return None
    fault = origin_fault(scope)
    site.origin_log.tell(fault, what="a JSON call", now=site.service.engine.now())
    refusal = Refusal(reason="csrf", detail=fault.detail, member="Origin")
    return problem(refusal, title="This origin may make no changes")
