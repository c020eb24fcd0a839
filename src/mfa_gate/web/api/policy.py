"""Answer the calls about the policy: the one in force, and the word for a looser one."""

from __future__ import annotations

from ...core.reasons import Refusal
from ...core.trail_search import BadFilter, last_moment
from ..members import Body, wrong
from ..policy_json import policy_json
from ..request import PageRequest
from ..responses import Answer, as_json, problem
from .admin import actor_of
from .queries import query_of


async def policy(request: PageRequest, body: Body, name: str) -> Answer:
    """Show the policy in force, its history and what waits: ``GET admin/policy``.

    ``at``, a day or a moment, narrows the history to the policies that were in force then.
    """
    asked = query_of(request, ("at",)).get("at", "")
    try:
        at = last_moment("at", asked) if asked else None
    except BadFilter as error:
        raise wrong("at", "a day or a moment, such as 2026-03-01 or 2026-03-01T08:30Z") from error
    found = await request.service.policy_desk.look(actor_of(request), at=at)
    return problem(found) if isinstance(found, Refusal) else as_json(policy_json(found))


async def approve(request: PageRequest, body: Body, name: str) -> Answer:
    """Approve a policy that waits, by its digest: ``POST admin/policy/approve``.

    The answer is the document of ``GET admin/policy``.
    """
    done = await request.service.policy_desk.approve_waiting(actor_of(request), body["digest"], body["reason"])
    if isinstance(done, Refusal):
        return problem(done)
    found = await request.service.policy_desk.look(actor_of(request))
    return problem(found) if isinstance(found, Refusal) else as_json(policy_json(found))
