"""Show ``/admin/policy``: the policy in force, those before it, and what waits."""

from __future__ import annotations

from ...core.reasons import Refusal
from ...core.trail_search import BadFilter, last_moment
from ..request import PageRequest
from ..responses import Answer
from ..views import Notice, Problem
from ..views.policy import AdminPolicy
from .desk import actor_of, desk_of, refused

HERE = "/admin/policy"


async def policy(request: PageRequest) -> Answer:
    """Show ``GET /admin/policy``. A day that cannot be read is 422, and nothing is listed."""
    await request.judgement()
    typed, at, is_wrong = request.query.get("at", "").strip(), None, False
    try:
        at = last_moment("at", typed) if typed else None
    except BadFilter:
        at, is_wrong = 0, True
    found = await request.service.policy_desk.look(actor_of(request), at=at)
    if isinstance(found, Refusal):
        return refused(request, found, HERE)
    page = AdminPolicy(desk=desk_of(request, "policy"), found=found, typed_at=typed, wrong=is_wrong)
    return request.show(page, status=422 if is_wrong else 200)


async def approve(request: PageRequest) -> Answer:
    """Answer ``POST /admin/policy``: approve the policy whose changes were shown."""
    await request.judgement()
    actor, form, service = actor_of(request), request.form, request.service.policy_desk
    digest, reason = form.get("digest", ""), form.get("reason", "")
    done = await service.approve_waiting(actor, digest, reason)
    if not isinstance(done, Refusal):
        return request.go(request.own(HERE), notice=Notice(word="policy_approved", value=digest[:12]))
    if done.reason != "malformed":
        return refused(request, done, HERE)
    found = await service.look(actor)
    if isinstance(found, Refusal):
        return refused(request, found, HERE)
    page = AdminPolicy(desk=desk_of(request, "policy"), found=found, open_form=digest, typed_reason=reason)
    return request.show(page, status=422, problems=[Problem(reason="reason_stated", field="reason")])
