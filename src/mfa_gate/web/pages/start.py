"""Show ``/admin``, the start page of the desk: everything that needs somebody."""

from __future__ import annotations

from ...core.model import SubjectKey
from ...core.reasons import Refusal
from ..request import PageRequest
from ..responses import Answer
from ..views.start import AdminStart
from .admin import account_url
from .desk import actor_of, desk_of, refused

MORE = {
    "requests": ("/accounts", "status=recovery"),
    "locks": ("/accounts", "status=locked"),
    "grants": ("/reports/grants", ""),
    "disputes": ("/accounts", "disputed=yes"),
    "exemptions": ("/reports/exemptions", ""),
    "alarms": ("/audit", ""),
    "policy": ("/audit", "kind=policy"),
}
"""The page with everything of a kind: its address below ``/admin``, and its query."""


async def start(request: PageRequest) -> Answer:
    """Show ``GET /admin``; lead to the trail who may read nothing else."""
    desk = desk_of(request, "start")
    if "look" not in desk.rights and "audit" in desk.rights:
        return request.go(request.own(f"/admin/audit{desk.query}"))
    await request.judgement()
    found = await request.service.start_page.look(actor_of(request), desk.tenant)
    if isinstance(found, Refusal):
        return refused(request, found, f"/admin{desk.query}")
    counts = await request.service.people.counts(desk.tenant)
    named = {one.id for need in found.values() for one in need.first if one.id}
    return request.show(
        AdminStart(
            desk=desk,
            needs=found,
            urls={id: account_url(request, SubjectKey(desk.tenant, id)) for id in named},
            more={
                kind: request.own(f"/admin{place}{desk.more + query if query else desk.query}")
                for kind, (place, query) in MORE.items()
            },
            known=counts.known,
            set_up=counts.set_up,
            exempt=counts.exempt,
        )
    )
