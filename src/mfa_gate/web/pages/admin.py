"""``/admin``: the security team's desk as pages, over the same use cases as JSON and commands."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, urlencode

from ...core import attempts
from ...core.break_glass import DEFAULT_HOURS, HOUR, MAX_HOURS, is_in_force, is_waiting
from ...core.events import KINDS
from ...core.model import MAX_ID_BYTES, Account, SubjectKey
from ...core.policy import Demand
from ...core.reasons import Refusal
from ...core.roles import Hand, is_same_hand
from ...core.summary import STATUSES, summary_of
from ...service import Actor
from ...service.admin.accounts import TenantDesk
from .. import views
from ..chart import chart_of
from ..request import Visit, problem_from
from ..responses import Answer
from ..site import going_note
from ..views import Notice, Problem, admin
from .challenge import not_found

OWED = {"enrollment_required": "/enroll", "agreement_required": "/agreement", "locked": "/locked"}
"""Pages that an administrator goes to first who owes more than a fresh proof."""
PAGE = 50
RECENT = 20


def _actor(visit: Visit) -> Actor:
    return Actor(name=visit.subject.id, caller=visit.caller)


def _query(visit: Visit) -> dict[str, str]:
    """The query's members, at most twenty; one that is longer than that was not made by our pages and names nothing."""
    raw = visit.scope.get("query_string", b"").decode("latin-1")
    try:
        pairs = parse_qsl(raw, keep_blank_values=True, max_num_fields=20)
    except ValueError:
        return {}
    return {name: value[:MAX_ID_BYTES] for name, value in pairs}


def _desk(visit: Visit, place: str) -> admin.Desk:
    """What is on top. The tenant is the one that was asked for: whether the actor reaches it is for the service to say."""
    service = visit.service.account_desk
    tenant = _query(visit).get("tenant", "") or visit.subject.tenant
    tenants = tuple(dict.fromkeys((*service.tenants_of(visit.subject), tenant)))
    return admin.Desk(
        tenant=tenant,
        tenants=tenants if len(tenants) > 1 else (),
        rights=service.rights(visit.subject),
        place=place,
        query=f"?tenant={quote(tenant)}" if tenant != visit.subject.tenant else "",
    )


def _no(visit: Visit, refusal: Refusal, place: str) -> Answer:
    """A refusal as a page; for want of a fresh proof, the challenge and back."""
    if refusal.reason == "proof_required":
        demand = Demand(rule="administration", max_age=visit.seconds(refusal.max_age or 300))
        note = going_note(to=visit.own(place), path="", method="GET", clean=True, demands=(demand,))
        visit.headers.append(visit.site.cookies.set_note(visit.jar, visit.jar.going, note))
        return visit.go(visit.own("/challenge"))
    if refusal.reason in OWED:
        note = going_note(to=visit.own(place), path="", method="GET", clean=True)
        visit.headers.append(visit.site.cookies.set_note(visit.jar, visit.jar.going, note))
        return visit.go(visit.own(OWED[refusal.reason]))
    if refusal.reason == "not_found":
        return not_found(visit)
    status = refusal.row.status
    fault = views.Fault(reason=refusal.reason, status=status, ref=refusal.ref, detail=refusal.detail, back=visit.base)
    return visit.show(fault, status=status)


async def start(visit: Visit) -> Answer:
    """``GET /admin``: the list of people is where the day begins."""
    return visit.go(visit.own("/admin/accounts"))


async def accounts(visit: Visit) -> Answer:
    """``GET /admin/accounts``."""
    await visit.judgement()
    query, desk = _query(visit), _desk(visit, "accounts")
    status = query.get("status", "") if query.get("status", "") in STATUSES else ""
    found = await visit.service.account_desk.accounts(
        _actor(visit), desk.tenant, status=status, query=query.get("q", ""), after=query.get("after", ""), limit=PAGE
    )
    if isinstance(found, Refusal):
        return _no(visit, found, "/admin/accounts")
    counts = await visit.service.engine.store.counts(desk.tenant)
    here = visit.own("/admin/accounts")
    kept = {"tenant": desk.tenant, "status": status, "q": query.get("q", "")}
    return visit.show(
        admin.AdminAccounts(
            desk=desk,
            people=tuple(
                admin.PersonLine(
                    id=s.key.id,
                    name=s.name,
                    status=s.status,
                    factors=s.factors,
                    url=_url(visit, s.key),
                    last_proof_at=s.last_proof_at,
                    locked_at=s.locked_at,
                )
                for s in found.items
            ),
            counts=tuple(counts.items()),
            query=query.get("q", ""),
            status=status,
            next_url=f"{here}?{urlencode({**kept, 'after': found.next})}" if found.next else "",
            first_url=f"{here}?{urlencode(kept)}" if query.get("after") else "",
        )
    )


def _url(visit: Visit, key: SubjectKey) -> str:
    tail = f"?tenant={quote(key.tenant)}" if key.tenant != visit.subject.tenant else ""
    return visit.own(f"/admin/accounts/{quote(key.id, safe='')}{tail}")


async def account(visit: Visit, id: str) -> Answer:
    """``GET /admin/accounts/{id}``."""
    await visit.judgement()
    desk = _desk(visit, "accounts")
    key = SubjectKey(desk.tenant, id)
    found = await visit.service.account_desk.account(_actor(visit), key)
    if isinstance(found, Refusal):
        return _no(visit, found, f"/admin/accounts/{quote(id, safe='')}{desk.query}")
    return visit.show(await _account(visit, desk, found))


async def act(visit: Visit, id: str) -> Answer:
    """``POST /admin/accounts/{id}``: unlock, lock, reset, give a ticket, refuse a recovery request; a break-glass grant."""
    await visit.judgement()
    desk, form = _desk(visit, "accounts"), visit.form
    key, actor, service = SubjectKey(desk.tenant, id), _actor(visit), visit.service.account_desk
    reason, ticket = form.get("reason", ""), form.get("ticket", "")
    action, shown = form.get("action", ""), ""
    refusal: Refusal | None
    match action:
        case "unlock":
            refusal = await service.unlock(actor, key, reason=reason)
        case "lock":
            refusal = await service.lock(actor, key, reason=reason)
        case "reset":
            refusal = await service.reset(actor, key, ticket=ticket, reason=reason)
        case "refuse":
            refusal = await service.refuse_recovery(actor, key, reason=reason)
        case "ticket":
            made = await service.give_ticket(actor, key, reason=reason)
            refusal, shown = (made, "") if isinstance(made, Refusal) else (None, made)
        case "break-glass":
            typed = form.get("hours", "").strip()
            hours = int(typed) if typed.isascii() and typed.isdecimal() and len(typed) <= 2 else 0
            refusal = await service.break_glass.ask(actor, key, reason=reason, ticket=ticket, hours=hours)
        case "confirm":
            refusal = await service.break_glass.confirm(actor, key, ref=form.get("ref", ""))
        case "revoke":
            refusal = await service.break_glass.revoke(actor, key, reason=reason)
        case _:
            return not_found(visit)
    if refusal is None and not shown:
        return visit.go(_url(visit, key), notice=Notice(word=f"admin_{action}", value=id))
    if refusal is not None and refusal.reason not in ("malformed", "too_soon"):
        return _no(visit, refusal, f"/admin/accounts/{quote(id, safe='')}{desk.query}")
    found = await service.account(actor, key)
    if isinstance(found, Refusal):
        return _no(visit, found, "/admin/accounts")
    view = await _account(
        visit, desk, found, open_form=action if refusal else "", reason=reason, ticket=ticket, shown=shown
    )
    if refusal is None:
        return visit.show(view)
    if refusal.reason == "too_soon":
        return visit.show(view, status=429, problems=[problem_from(refusal, "")])
    field = "ticket" if action in ("reset", "break-glass") and not ticket.strip() else "reason"
    if action == "break-glass" and ticket.strip() and reason.strip():
        field = "hours"
    return visit.show(view, status=422, problems=[Problem(reason=f"{field}_stated", field=field)])


async def _account(
    visit: Visit,
    desk: admin.Desk,
    found: Account,
    *,
    open_form: str = "",
    reason: str = "",
    ticket: str = "",
    shown: str = "",
) -> admin.AdminAccount:
    rules = visit.service.engine.rules(found.key.tenant)
    summary, lock, waiting, hold = summary_of(found), found.lock, found.recovery, int(rules.recovery.hold)
    events = await visit.service.engine.store.events(found.key.tenant, account=found.key.id, limit=RECENT)
    return admin.AdminAccount(
        desk=desk,
        id=found.key.id,
        name=found.name,
        status=summary.status,
        url=_url(visit, found.key),
        back=visit.own(f"/admin/accounts{desk.query}"),
        factors=tuple(
            views.FactorLine(
                id=a.id,
                kind=a.factor,
                label=a.label,
                added_at=a.created_at,
                last_used_at=a.last_used_at,
                last_network=a.last_network,
                is_default=a.id == found.default,
            )
            for a in found.authenticators
        ),
        browsers=tuple(
            views.BrowserLine(
                id=b.id,
                label=b.label,
                network=max(b.proofs, key=lambda p: p.at).network if b.proofs else "",
                last_used_at=b.last_used_at,
                kind=b.kind,
            )
            for b in found.browsers
        ),
        activity=tuple(
            views.Activity(at=e.at, kind=e.kind, factor=e.factor, label=e.reason, network=e.network, ref=e.id)
            for e in events.items
        ),
        attempts_left=0 if lock else attempts.remaining(found.attempts, rules.attempts),
        attempts_max=rules.attempts.max,
        lock_cause=lock.cause if lock else "",
        lock_ref=lock.ref if lock else "",
        locked_at=lock.at if lock else 0,
        locked_by=lock.actor if lock else "",
        recovery_about=waiting.about if waiting else "",
        recovery_at=waiting.at if waiting else 0,
        held_until=waiting.at + hold if waiting and visit.now < waiting.at + hold else 0,
        own=found.key == visit.subject.key,
        open_form=open_form,
        typed_reason=reason,
        typed_ticket=ticket,
        shown_ticket=shown,
        grant=_grant(visit, found),
        longest=MAX_HOURS,
        typed_hours=visit.form.get("hours", "") if open_form == "break-glass" else str(DEFAULT_HOURS),
    )


def _grant(visit: Visit, found: Account) -> admin.GrantLine | None:
    grant = found.grant
    if grant is None or not (is_waiting(found, visit.now) or is_in_force(found, visit.now)):
        return None
    return admin.GrantLine(
        ref=grant.ref,
        asked_by=grant.asked_by,
        asked_at=grant.asked_at,
        reason=grant.reason,
        ticket=grant.ticket,
        hours=grant.life // HOUR,
        confirmed_by=grant.confirmed_by,
        ends_at=grant.ends_at,
        browsers=len(grant.browsers),
        own=is_same_hand(Hand(grant.asked_by, grant.asked_in), Hand(visit.subject.id, visit.subject.tenant)),
    )


async def tenant(visit: Visit) -> Answer:
    """``GET /admin/tenant``."""
    await visit.judgement()
    desk = _desk(visit, "tenant")
    found = await visit.service.account_desk.desk(_actor(visit), desk.tenant)
    if isinstance(found, Refusal):
        return _no(visit, found, f"/admin/tenant{desk.query}")
    return visit.show(_tenant(visit, desk, found))


async def set_tenant(visit: Visit) -> Answer:
    """``POST /admin/tenant``: tick the checklist, choose factors, turn on for good."""
    await visit.judgement()
    desk, form, service = _desk(visit, "tenant"), visit.form, visit.service.account_desk
    actor, action, count = _actor(visit), form.get("action", ""), 0
    refusal: Refusal | None
    match action:
        case "announced" | "tested":
            refusal = await service.mark_tenant(
                actor, desk.tenant, announced=action == "announced", tested=action == "tested"
            )
        case "trial":
            refusal = await service.tenant_setup.send_trial(actor, desk.tenant)
        case "remind":
            told = await service.tenant_setup.remind(actor, desk.tenant)
            refusal = told if isinstance(told, Refusal) else None
            count = 0 if isinstance(told, Refusal) else told
        case "enable" | "choose":
            chosen = tuple(form["factors"].split()) if form.get("factors") else None
            refusal = await service.set_tenant(
                actor,
                desk.tenant,
                enabled=True if action == "enable" else None,
                factors=chosen,
                confirm=form.get("confirm", "").strip(),
            )
        case _:
            return not_found(visit)
    if refusal is None:
        return visit.go(visit.own(f"/admin/tenant{desk.query}"), notice=Notice(word=f"tenant_{action}", count=count))
    sending = action in ("trial", "remind") and refusal.reason in ("no_contact", "too_soon", "send_failed")
    if not sending and refusal.reason not in ("malformed", "not_enrollable"):
        return _no(visit, refusal, f"/admin/tenant{desk.query}")
    found = await service.desk(actor, desk.tenant)
    if isinstance(found, Refusal):
        return _no(visit, found, f"/admin/tenant{desk.query}")
    if sending:
        return visit.show(
            _tenant(visit, desk, found, typed=form), status=refusal.row.status, problems=[problem_from(refusal, "")]
        )
    field = "confirm" if refusal.reason == "malformed" else "factors"
    problem = Problem(reason=f"{field}_stated", field=field, detail=desk.tenant)
    if field == "factors" and refusal.detail:
        problem = Problem(reason="factors_dead_end", field=field, detail=refusal.detail)
    return visit.show(_tenant(visit, desk, found, typed=form), status=422, problems=[problem])


def _tenant(
    visit: Visit, desk: admin.Desk, found: TenantDesk, *, typed: Mapping[str, str] | None = None
) -> admin.AdminTenant:
    """The page; a form that comes back shows what was sent (``typed``)."""
    typed, traits = typed or {}, visit.factors.traits
    by_policy = found.rules.enrollment.stage != "admin"
    total = sum(found.counts.values())
    chosen = found.settings.factors or found.pickable
    choices: tuple[tuple[str, tuple[str, ...], bool], ...] = ()
    if found.rules.factors.choice == "tenant":
        picked = tuple(typed["factors"].split()) if typed.get("factors") else chosen
        alone = tuple((traits[k].name if k in traits else k, (k,), picked == (k,)) for k in found.pickable)
        choices = (*alone, ("each", found.pickable, picked == found.pickable))
    return admin.AdminTenant(
        desk=desk,
        enabled_at=found.settings.enabled_at,
        checklist=tuple(
            admin.Tick(id=c.id, ok=c.ok, text=c.text, markable=c.id in ("message", "announced"))
            for c in found.checklist
        ),
        counts=tuple(found.counts.items()),
        choices=choices,
        factors=chosen,
        by_policy=by_policy,
        total=total,
        enrolled=total - found.counts.get("not_enrolled", 0),
        missing=found.counts.get("not_enrolled", 0),
        chart=chart_of(found.history),
        typed_confirm=typed.get("confirm", ""),
    )


async def audit(visit: Visit) -> Answer:
    """``GET /admin/audit``."""
    await visit.judgement()
    query, desk = _query(visit), _desk(visit, "audit")
    kind = query.get("kind", "") if query.get("kind", "") in KINDS else ""
    found = await visit.service.account_desk.events(
        _actor(visit),
        desk.tenant,
        account=query.get("account", ""),
        kind=kind,
        after=query.get("after", ""),
        limit=PAGE,
    )
    if isinstance(found, Refusal):
        return _no(visit, found, f"/admin/audit{desk.query}")
    kept = {"tenant": desk.tenant, "account": query.get("account", ""), "kind": kind}
    here = visit.own("/admin/audit")
    return visit.show(
        admin.AdminAudit(
            desk=desk,
            lines=tuple(
                admin.Line(
                    at=e.at,
                    kind=e.kind,
                    text=KINDS.get(e.kind, e.kind),
                    account=e.account,
                    actor=e.actor if e.actor != e.account else "",
                    factor=e.factor,
                    network=e.network,
                    reason=e.reason,
                    ticket=e.ticket,
                    ref=e.id,
                )
                for e in found.items
            ),
            kinds=tuple(KINDS.items()),
            account=query.get("account", ""),
            kind=kind,
            next_url=f"{here}?{urlencode({**kept, 'after': found.next})}" if found.next else "",
        )
    )
