"""The administrators' JSON answers below ``/api/admin``, over the same use cases as their pages and commands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from ...core import attempts
from ...core.break_glass import CONFIRM_WITHIN, DEFAULT_HOURS, HOUR, is_in_force, is_waiting
from ...core.events import Event
from ...core.model import Account, SubjectKey
from ...core.reasons import Refusal
from ...core.rules import DAY
from ...core.summary import STATUSES, Summary, summary_of
from ...service import Actor
from ...service.admin.accounts import TenantDesk
from ..request import PageRequest as Visit
from ..responses import Answer, as_json, problem, stamp

Body = dict[str, Any]
MAX_LIMIT = 200


def actor_of(visit: Visit) -> Actor:
    """The visitor as an administrator."""
    return Actor(name=visit.subject.id, caller=visit.caller)


class BadQuery(ValueError):
    """The query string is not one of the documented ones."""


def query_of(visit: Visit, known: tuple[str, ...]) -> dict[str, str]:
    """The query's members, each once. Raises ``BadQuery``."""
    raw = visit.scope.get("query_string", b"")
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=10)
    except ValueError as error:
        raise BadQuery("the query cannot be read") from error
    query = dict(pairs)
    if len(query) != len(pairs) or any(name not in known for name in query):
        raise BadQuery("a member comes twice, or is unknown")
    limit = query.get("limit", "50")
    if not limit.isascii() or not limit.isdigit() or len(limit) > 4 or not 1 <= int(limit) <= MAX_LIMIT:
        raise BadQuery("limit")
    if query.get("status", "") not in ("", *STATUSES):
        raise BadQuery("status")
    return query


def summary_document(summary: Summary) -> dict[str, object]:
    """One line of the list."""
    return {
        "id": summary.key.id,
        "tenant": summary.key.tenant,
        "name": summary.name,
        "status": summary.status,
        "factors": list(summary.factors),
        "locked_at": stamp(summary.locked_at) if summary.locked_at else None,
        "last_proof_at": stamp(summary.last_proof_at) if summary.last_proof_at else None,
    }


def event_document(event: Event) -> dict[str, object]:
    """One line of the trail."""
    return {
        "id": event.id,
        "at": stamp(event.at),
        "kind": event.kind,
        "actor": event.actor,
        "account": event.account,
        "tenant": event.tenant,
        "app": event.app,
        "factor": event.factor,
        "network": event.network,
        "reason": event.reason,
        "ticket": event.ticket,
        "ref": event.id,
        "policy": event.policy,
        "detail": dict(event.detail),
    }


def account_document(visit: Visit, account: Account) -> dict[str, object]:
    """One account without anything secret."""
    rules = visit.service.engine.rules(account.key.tenant)
    lock, waiting = account.lock, account.recovery
    return {
        **summary_document(summary_of(account)),
        "attempts_remaining": 0 if lock else attempts.remaining(account.attempts, rules.attempts),
        "lock": {"at": stamp(lock.at), "cause": lock.cause, "ref": lock.ref, "actor": lock.actor} if lock else None,
        "authenticators": [
            {
                "id": a.id,
                "factor": a.factor,
                "label": a.label,
                "created_at": stamp(a.created_at),
                "last_used_at": stamp(a.last_used_at) if a.last_used_at else None,
                "default": a.id == account.default,
            }
            for a in account.authenticators
        ],
        "browsers": [
            {
                "id": b.id,
                "label": b.label,
                "network": max(b.proofs, key=lambda p: p.at).network if b.proofs else "",
                "last_used_at": stamp(b.last_used_at),
            }
            for b in account.browsers
        ],
        "recovery": {
            "at": stamp(waiting.at),
            "about": waiting.about,
            "ref": waiting.ref,
            "held_until": stamp(waiting.at + int(rules.recovery.hold)),
        }
        if waiting
        else None,
        "break_glass": grant_document(account, visit.now),
    }


def grant_document(account: Account, now: int) -> dict[str, object] | None:
    """A break-glass grant, or the request for one; None where there is none that counts."""
    grant = account.grant
    if grant is None or not (is_waiting(account, now) or is_in_force(account, now)):
        return None
    return {
        "ref": grant.ref,
        "status": "granted" if grant.ends_at else "asked",
        "asked_by": grant.asked_by,
        "asked_at": stamp(grant.asked_at),
        "confirmed_by": grant.confirmed_by or None,
        "reason": grant.reason,
        "ticket": grant.ticket,
        "hours": grant.life // HOUR,
        "ends_at": stamp(grant.ends_at) if grant.ends_at else None,
        "confirm_until": None if grant.ends_at else stamp(grant.asked_at + CONFIRM_WITHIN),
        "browsers": len(grant.browsers),
    }


def desk_document(desk: TenantDesk) -> dict[str, object]:
    """A tenant's settings."""
    settings = desk.settings
    return {
        "tenant": settings.tenant,
        "enabled": bool(settings.enabled_at) or desk.rules.enrollment.stage != "admin",
        "enabled_at": stamp(settings.enabled_at) if settings.enabled_at else None,
        "factors": list(settings.factors or desk.pickable),
        "pickable": list(desk.pickable),
        "checklist": [{"id": check.id, "ok": check.ok, "text": check.text} for check in desk.checklist],
        "counts": desk.counts,
        "history": [
            {"date": stamp(row.day * DAY)[:10], "enrolled": row.enrolled, "people": row.people} for row in desk.history
        ],
    }


async def accounts(visit: Visit, body: Body, name: str) -> Answer:
    """``GET admin/accounts``."""
    query = query_of(visit, ("status", "q", "after", "limit", "tenant"))
    page = await visit.service.account_desk.accounts(
        actor_of(visit),
        query.get("tenant") or visit.subject.tenant,
        status=query.get("status", ""),
        query=query.get("q", ""),
        after=query.get("after", ""),
        limit=int(query.get("limit", "50")),
    )
    if isinstance(page, Refusal):
        return problem(page)
    return as_json({"accounts": [summary_document(item) for item in page.items], "next": page.next or None})


def _key(visit: Visit, id: str) -> SubjectKey:
    query = query_of(visit, ("tenant",))
    return visit.service.account_desk.find(actor_of(visit), id, query.get("tenant", ""))


async def account(visit: Visit, body: Body, name: str) -> Answer:
    """``GET admin/accounts/{id}``."""
    found = await visit.service.account_desk.account(actor_of(visit), _key(visit, name))
    return problem(found) if isinstance(found, Refusal) else as_json(account_document(visit, found))


async def _done(visit: Visit, key: SubjectKey, refusal: Refusal | None) -> Answer:
    if refusal is not None:
        return problem(refusal)
    return as_json(account_document(visit, await visit.service.engine.store.load(key)))


async def unlock(visit: Visit, body: Body, name: str) -> Answer:
    """``POST admin/accounts/{id}/unlock``."""
    key = _key(visit, name)
    return await _done(visit, key, await visit.service.account_desk.unlock(actor_of(visit), key, reason=body["reason"]))


async def lock(visit: Visit, body: Body, name: str) -> Answer:
    """``POST admin/accounts/{id}/lock``."""
    key = _key(visit, name)
    return await _done(visit, key, await visit.service.account_desk.lock(actor_of(visit), key, reason=body["reason"]))


async def reset(visit: Visit, body: Body, name: str) -> Answer:
    """``POST admin/accounts/{id}/reset``."""
    key = _key(visit, name)
    refusal = await visit.service.account_desk.reset(actor_of(visit), key, ticket=body["ticket"], reason=body["reason"])
    return await _done(visit, key, refusal)


async def ticket(visit: Visit, body: Body, name: str) -> Answer:
    """``POST admin/accounts/{id}/ticket``: shown this once."""
    key = _key(visit, name)
    made = await visit.service.account_desk.give_ticket(actor_of(visit), key, reason=body["reason"])
    return problem(made) if isinstance(made, Refusal) else as_json({"ticket": made}, status=201)


async def refuse(visit: Visit, body: Body, name: str) -> Answer:
    """``POST admin/accounts/{id}/refuse``: no to a recovery request."""
    key = _key(visit, name)
    refusal = await visit.service.account_desk.refuse_recovery(actor_of(visit), key, reason=body["reason"])
    return await _done(visit, key, refusal)


async def break_glass(visit: Visit, body: Body, name: str) -> Answer:
    """``POST admin/accounts/{id}/break-glass``: ask for a grant; it opens nothing before somebody else confirms."""
    key = _key(visit, name)
    refusal = await visit.service.account_desk.break_glass.ask(
        actor_of(visit), key, reason=body["reason"], ticket=body["ticket"], hours=body.get("hours", DEFAULT_HOURS)
    )
    return await _done(visit, key, refusal)


async def confirm_grant(visit: Visit, body: Body, name: str) -> Answer:
    """``POST admin/accounts/{id}/break-glass/confirm``: as a second administrator; ``ref`` is the request that was read."""
    key = _key(visit, name)
    refusal = await visit.service.account_desk.break_glass.confirm(actor_of(visit), key, ref=body["ref"])
    return await _done(visit, key, refusal)


async def revoke_grant(visit: Visit, body: Body, name: str) -> Answer:
    """``POST admin/accounts/{id}/break-glass/revoke``: end a grant, or take a request back."""
    key = _key(visit, name)
    refusal = await visit.service.account_desk.break_glass.revoke(actor_of(visit), key, reason=body["reason"])
    return await _done(visit, key, refusal)


async def remind(visit: Visit, body: Body, name: str) -> Answer:
    """``POST admin/tenant/remind``: a mail to everybody who has nothing set up, once a day; how many."""
    query = query_of(visit, ("tenant",))
    tenant = query.get("tenant") or visit.subject.tenant
    told = await visit.service.account_desk.tenant_setup.remind(actor_of(visit), tenant)
    return problem(told) if isinstance(told, Refusal) else as_json({"people": told}, status=202)


async def send_trial(visit: Visit, body: Body, name: str) -> Answer:
    """``POST admin/tenant/test-message``: a test message to the administrator's own address."""
    query = query_of(visit, ("tenant",))
    tenant = query.get("tenant") or visit.subject.tenant
    refusal = await visit.service.account_desk.tenant_setup.send_trial(actor_of(visit), tenant)
    return problem(refusal) if refusal is not None else as_json({"sent": True}, status=202)


async def tenant(visit: Visit, body: Body, name: str) -> Answer:
    """``GET admin/tenant``."""
    query = query_of(visit, ("tenant",))
    desk = await visit.service.account_desk.desk(actor_of(visit), query.get("tenant") or visit.subject.tenant)
    return problem(desk) if isinstance(desk, Refusal) else as_json(desk_document(desk))


async def set_tenant(visit: Visit, body: Body, name: str) -> Answer:
    """``PATCH admin/tenant``."""
    query = query_of(visit, ("tenant",))
    factors = body.get("factors")
    if factors is not None and not all(type(kind) is str for kind in factors):
        return problem(Refusal(reason="malformed"))
    refusal = await visit.service.account_desk.set_tenant(
        actor_of(visit),
        query.get("tenant") or visit.subject.tenant,
        enabled=body.get("enabled"),
        factors=None if factors is None else tuple(factors),
        confirm=body.get("confirm", ""),
    )
    if refusal is not None:
        return problem(refusal)
    shown = query.get("tenant") or visit.subject.tenant
    desk = await visit.service.account_desk.desk(actor_of(visit), shown)
    # What was chosen is in force, also where the choice asks the chooser for something new before they may look.
    return as_json({"tenant": shown} if isinstance(desk, Refusal) else desk_document(desk))


async def events(visit: Visit, body: Body, name: str) -> Answer:
    """``GET admin/events``."""
    query = query_of(visit, ("account", "kind", "after", "limit", "tenant"))
    page = await visit.service.account_desk.events(
        actor_of(visit),
        query.get("tenant") or visit.subject.tenant,
        account=query.get("account", ""),
        kind=query.get("kind", ""),
        after=query.get("after", ""),
        limit=int(query.get("limit", "50")),
    )
    if isinstance(page, Refusal):
        return problem(page)
    return as_json({"events": [event_document(item) for item in page.items], "next": page.next or None})


ACTIONS: Mapping[str, Any] = {"unlock": unlock, "lock": lock, "reset": reset, "ticket": ticket, "refuse": refuse}
"""What can be done to one account."""
