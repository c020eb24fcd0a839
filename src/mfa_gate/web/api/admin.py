"""Answer the administrators' calls below ``/api/admin``.

The documents are the same as those of their pages and commands.
"""

from __future__ import annotations

from functools import partial

from ...core.events import Event
from ...core.model import SubjectKey
from ...core.reasons import Refusal
from ...core.rules import DAY
from ...core.summary import Summary
from ...core.trail_search import WORDS, BadFilter
from ...service import Actor, Done
from ...service.admin.actions import ACTIONS, Action
from ...service.admin.documents import AccountDocument, AskedLine, GrantLine, TenantDocument
from ...service.admin.person_data import PersonData
from ...service.admin.rights import key_of
from ...service.trail_heads import Head
from ..forms import MAX_BODY
from ..members import Body, members, wrong
from ..request import PageRequest
from ..responses import Answer, as_json, problem, stamp
from .calls import Call
from .queries import query_of


def actor_of(request: PageRequest) -> Actor:
    """Return the visitor as an administrator: a person, or a program with a token."""
    if request.automation is not None:
        return request.automation
    return Actor(name=request.subject.id, caller=request.caller)


def summary_json(summary: Summary) -> dict[str, object]:
    """Draw one line of the list."""
    return {
        "id": summary.key.id,
        "tenant": summary.key.tenant,
        "name": summary.name,
        "status": summary.status,
        "factors": list(summary.factors),
        "locked_at": _time(summary.locked_at),
        "last_proof_at": _time(summary.last_proof_at),
    }


def head_json(word: str, head: Head) -> dict[str, object]:
    """Draw a signed head of an exported trail."""
    return {
        "head": word,
        "tenant": head.tenant,
        "lines": head.lines,
        "digest": head.digest,
        "signed_at": stamp(head.at),
    }


def event_json(event: Event) -> dict[str, object]:
    """Draw one line of the trail."""
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
        "address": event.address,
        "browser": event.browser,
        "agent": event.agent,
        "session": event.session,
        "request": event.request,
        "ms": event.ms,
        "detail": dict(event.detail),
    }


def account_json(account: AccountDocument) -> dict[str, object]:
    """Draw one account."""
    lock, waiting = account.lock, account.recovery
    return {
        **summary_json(account.summary),
        "attempts_remaining": account.attempts_left,
        "lock": {"at": stamp(lock.at), "cause": lock.cause, "ref": lock.ref, "actor": lock.actor} if lock else None,
        "authenticators": [
            {
                "id": a.id,
                "factor": a.factor,
                "label": a.label,
                "created_at": stamp(a.created_at),
                "last_used_at": _time(a.last_used_at),
                "default": a.is_default,
            }
            for a in account.authenticators
        ],
        "browsers": [
            {"id": b.id, "label": b.label, "network": b.network, "last_used_at": stamp(b.last_used_at)}
            for b in account.browsers
        ],
        "recovery": {
            "at": stamp(waiting.at),
            "about": waiting.about,
            "ref": waiting.ref,
            "held_until": stamp(waiting.held_until),
            "opens_at": _time(waiting.opens_at),
        }
        if waiting
        else None,
        "break_glass": _grant_json(account.grant) if account.grant else None,
        "holds_rights": account.holds_rights,
        "asked": _asked_json(account.asked) if account.asked else None,
    }


def _asked_json(asked: AskedLine) -> dict[str, object]:
    return {
        "act": asked.act,
        "ref": asked.ref,
        "asked_by": asked.asked_by,
        "asked_at": stamp(asked.asked_at),
        "reason": asked.reason,
        "ticket": asked.ticket,
        "item": asked.item,
        "confirm_until": stamp(asked.confirm_until),
    }


def _grant_json(grant: GrantLine) -> dict[str, object]:
    return {
        "ref": grant.ref,
        "status": "granted" if grant.ends_at else "asked",
        "asked_by": grant.asked_by,
        "asked_at": stamp(grant.asked_at),
        "confirmed_by": grant.confirmed_by or None,
        "reason": grant.reason,
        "ticket": grant.ticket,
        "hours": grant.hours,
        "ends_at": _time(grant.ends_at),
        "confirm_until": None if grant.ends_at else stamp(grant.confirm_until),
        "browsers": grant.browsers,
    }


def _time(at: int) -> str | None:
    return stamp(at) if at else None


def tenant_json(found: TenantDocument) -> dict[str, object]:
    """Draw the settings of a tenant."""
    settings = found.settings
    return {
        "tenant": settings.tenant,
        "enabled": bool(settings.enabled_at) or found.rules.enrollment.stage != "admin",
        "enabled_at": _time(settings.enabled_at),
        "factors": list(settings.factors or found.pickable),
        "pickable": list(found.pickable),
        "checklist": [{"id": check.id, "ok": check.ok, "text": check.text} for check in found.checklist],
        "counts": dict(found.people.states),
        "people": {
            "known": found.people.known,
            "set_up": found.people.set_up,
            "missing": found.people.missing,
            "exempt": found.people.exempt,
        },
        "history": [
            {"date": stamp(row.day * DAY)[:10], "enrolled": row.enrolled, "people": row.people} for row in found.history
        ],
    }


def _key(request: PageRequest, id: str, *words: str) -> SubjectKey:
    return key_of(actor_of(request), id, query_of(request, ("tenant", *words)).get("tenant", ""))


async def account(request: PageRequest, body: Body, name: str) -> Answer:
    """Show one account: ``GET admin/accounts/{id}``."""
    found = await request.service.account_desk.account(actor_of(request), _key(request, name))
    return problem(found) if isinstance(found, Refusal) else as_json(account_json(found))


async def person_data(request: PageRequest, body: Body, name: str) -> Answer:
    """Give all that is known of one person: ``GET admin/accounts/{id}/data``."""
    found = await request.service.person_desk.data(actor_of(request), _key(request, name))
    return problem(found) if isinstance(found, Refusal) else as_json(data_json(found))


def data_json(found: PersonData) -> dict[str, object]:
    """Draw all that is known of one person."""
    return {
        **account_json(found.account),
        "language": found.language,
        "time_zone": found.time_zone,
        "acceptances": [
            {"agreement": one.agreement, "version": one.version, "at": stamp(one.at), "network": one.network}
            for one in found.acceptances
        ],
        "events": [event_json(event) for event in found.events],
    }


async def act(request: PageRequest, body: Body, name: str, *, action: Action) -> Answer:
    """Act on an account: ``POST admin/accounts/{id}/…``, ``DELETE`` for a part of it.

    The answer is the account after the act, for an actor who may look at it. It is 202 where nothing is done yet, because
    a second administrator has to confirm.
    """
    key = _key(request, name, *(("reason",) if action.method == "DELETE" else ()))
    done = await request.service.account_desk.act(actor_of(request), action.name, key, **body)
    if isinstance(done, Refusal):
        return problem(done)
    if done.ticket_ends_at:
        return as_json(ticket_json(done), status=201)
    if action.erases and not done.waits:
        return as_json({"pseudonym": done.pseudonym or None})
    found = account_json(done.account) if done.account else {"id": key.id, "tenant": key.tenant}
    return as_json(found, status=202 if done.waits else 200)


def call_of(action: Action) -> Call:
    """Make the JSON call of an action.

    The row says which fields may be left out. The part that the address names is no member.
    """
    asked = tuple(name for name in action.fields if name != action.part)
    return Call(
        partial(act, action=action),
        members(*asked),
        tuple(name for name in asked if name not in action.optional),
        MAX_BODY,
        action.summary,
        action.part,
    )


def _calls(*, on_part: bool) -> dict[str, dict[str, Call]]:
    rows = [action for action in ACTIONS.values() if bool(action.part) == on_part]
    return {action.place: {action.method: call_of(action)} for action in rows}


ON_ACCOUNT = _calls(on_part=False)
"""Calls that act on one account, by the part of the address behind the account."""
ON_PART = _calls(on_part=True)
"""Calls that act on one part of an account, whose id ends the address."""


def ticket_json(done: Done) -> dict[str, object]:
    """Draw a fresh ticket. Its text is null where it went out by mail."""
    told: dict[str, object] = {"ticket": done.ticket or None, "expires_at": stamp(done.ticket_ends_at)}
    if done.mailed_to or done.not_sent:
        told |= {"mailed_to": done.mailed_to or None, "not_sent": done.not_sent or None}
    return told


def _tenant(request: PageRequest) -> str:
    """Return the tenant that the query names, or else one's own. Raises ``BadMember``."""
    return query_of(request, ("tenant",)).get("tenant") or request.subject.tenant


async def remind(request: PageRequest, body: Body, name: str) -> Answer:
    """Remind all people who have nothing set up: ``POST admin/tenant/remind``.

    It sends a mail, once a day, and answers with the number of people.
    """
    told = await request.service.tenant_messages.remind(actor_of(request), _tenant(request))
    return problem(told) if isinstance(told, Refusal) else as_json({"people": told}, status=202)


async def end_sessions(request: PageRequest, body: Body, name: str) -> Answer:
    """End every proof of a tenant's people: ``POST admin/tenant/end-sessions``."""
    target = _tenant(request)
    refusal = await request.service.tenant_desk.end_proofs(actor_of(request), target, **body)
    return problem(refusal) if refusal is not None else as_json({"tenant": target})


async def send_trial(request: PageRequest, body: Body, name: str) -> Answer:
    """Send a test message to one's own address: ``POST admin/tenant/test-message``."""
    refusal = await request.service.tenant_messages.send_trial(actor_of(request), _tenant(request))
    return problem(refusal) if refusal is not None else as_json({"sent": True}, status=202)


async def tenant(request: PageRequest, body: Body, name: str) -> Answer:
    """Show the settings of a tenant: ``GET admin/tenant``."""
    desk = await request.service.tenant_desk.look(actor_of(request), _tenant(request))
    return problem(desk) if isinstance(desk, Refusal) else as_json(tenant_json(desk))


async def set_tenant(request: PageRequest, body: Body, name: str) -> Answer:
    """Change the settings of a tenant: ``PATCH admin/tenant``."""
    target = _tenant(request)
    factors = body.get("factors")
    if factors is not None and not all(type(kind) is str for kind in factors):
        raise wrong("factors", "a list of texts")
    refusal = await request.service.tenant_desk.set(
        actor_of(request),
        target,
        enabled=body.get("enabled"),
        factors=None if factors is None else tuple(factors),
        confirm=body.get("confirm", ""),
    )
    if refusal is not None:
        return problem(refusal)
    desk = await request.service.tenant_desk.look(actor_of(request), target)
    # What was chosen is in force, also where the choice asks the chooser for something new before they may look.
    return as_json({"tenant": target} if isinstance(desk, Refusal) else tenant_json(desk))


async def events(request: PageRequest, body: Body, name: str) -> Answer:
    """List the trail of a tenant: ``GET admin/events``."""
    query = query_of(request, (*WORDS, "after", "limit", "tenant"))
    try:
        search = request.service.trail_desk.search_of({word: query[word] for word in WORDS if word in query})
    except BadFilter as error:
        raise wrong(error.name, WORDS[error.name]) from error
    page = await request.service.trail_desk.events(
        actor_of(request),
        query.get("tenant") or request.subject.tenant,
        search,
        after=query.get("after", ""),
        limit=int(query.get("limit", "50")),
    )
    if isinstance(page, Refusal):
        return problem(page)
    return as_json({"events": [event_json(item) for item in page.items], "next": page.next or None})
