"""Answer ``admin/reports/impact``: who would be asked under the policy."""

from __future__ import annotations

from ...core.reasons import Refusal
from ...service.impact import document
from ..members import Body
from ..request import PageRequest
from ..responses import Answer, as_json, problem
from .admin import actor_of
from .queries import query_of


async def impact(request: PageRequest, body: Body, name: str) -> Answer:
    """Tell the impact of the policy in force on a tenant: ``GET admin/reports/impact``."""
    tenant = query_of(request, ("tenant",)).get("tenant") or request.subject.tenant
    read = await request.service.impact_desk.read(actor_of(request), tenant)
    if isinstance(read, Refusal):
        return problem(read)
    return as_json(document(read.policy, read.found, read.parts))
