"""The common parts of the pages of the desk: actor, query, top of the page, refusal."""

from __future__ import annotations

from urllib.parse import quote

from ...core.model import Seconds
from ...core.policy import Demand
from ...core.reasons import Refusal
from ...service import Actor
from .. import views
from ..request import PageRequest
from ..responses import Answer
from ..views import admin
from .common import first_at, not_found

OWED = {"enrollment_required": "/enroll", "agreement_required": "/agreement", "locked": "/locked"}
"""Pages to which an administrator is led first, by the debt that a fresh proof does not settle."""


def actor_of(request: PageRequest) -> Actor:
    """Return the visitor as an administrator."""
    return Actor(name=request.subject.id, caller=request.caller)


def desk_of(request: PageRequest, place: str) -> admin.Desk:
    """Fill the top of the page.

    The tenant is the one that was asked for: the service says if the actor reaches it.
    """
    service, tenant = request.service.rights, request.asked_tenant
    tenants = tuple(dict.fromkeys((*service.tenants_of(request.subject), tenant)))
    return admin.Desk(
        tenant=tenant,
        tenants=tenants if len(tenants) > 1 else (),
        rights=service.rights_of(request.subject),
        place=place,
        query=f"?tenant={quote(tenant)}" if tenant != request.subject.tenant else "",
    )


def refused(request: PageRequest, refusal: Refusal, place: str) -> Answer:
    """Show a refusal as a page; for want of a fresh proof, lead to the challenge and back."""
    if refusal.reason == "proof_required":
        demand = Demand(rule="administration", max_age=Seconds(refusal.max_age or 300))
        return first_at(request, "/challenge", place, demand)
    if refusal.reason in OWED:
        return first_at(request, OWED[refusal.reason], place)
    if refusal.reason == "not_found":
        return not_found(request)
    status = refusal.row.status
    fault = views.Fault(reason=refusal.reason, status=status, ref=refusal.ref, detail=refusal.detail, back=request.base)
    return request.show(fault, status=status)
