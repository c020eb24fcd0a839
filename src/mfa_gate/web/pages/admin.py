"""Show ``/admin``, the desk of the security team.

The documents are the same as those of the JSON calls and the commands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

from ...core.break_glass import DEFAULT_HOURS, MAX_HOURS
from ...core.changes.life import NAMELESS
from ...core.events import KINDS, Event
from ...core.events.categories import NAMES, category_of
from ...core.model import SubjectKey
from ...core.reasons import Refusal
from ...core.roles import Right
from ...core.trail_search import WORDS, BadFilter, search_of
from ...service import Actor, Done
from ...service.admin.act_order import foremost, offered
from ...service.admin.actions import ACTIONS, Action
from ...service.admin.documents import AccountDocument, TenantDocument
from .. import views
from ..chart import chart_of
from ..request import PageRequest
from ..responses import Answer
from ..views import Notice, Problem, admin
from ..views.desk import Slip
from .common import not_found, problem_from
from .desk import actor_of as _actor
from .desk import desk_of as _desk
from .desk import refused as _no

PAGE = 50
CHANGED = ("not_found", "already_enrolled", "locked")
"""Refusals of an act that fits the account no more: another administrator, or the person, was faster."""
OWN_WORDS = frozenset({"tenant", "after", "lang"})
"""Words of a query that are no filters of the trail."""


def account_url(request: PageRequest, key: SubjectKey) -> str:
    """Return the address of a person's page at the desk."""
    tail = f"?tenant={quote(key.tenant)}" if key.tenant != request.subject.tenant else ""
    return request.own(f"/admin/accounts/{quote(key.id, safe='')}{tail}")


async def account(request: PageRequest, id: str) -> Answer:
    """Show ``GET /admin/accounts/{id}``."""
    await request.judgement()
    desk = _desk(request, "accounts")
    found = await request.service.account_desk.account(_actor(request), SubjectKey(desk.tenant, id), recent=True)
    if isinstance(found, Refusal):
        return _no(request, found, f"/admin/accounts/{quote(id, safe='')}{desk.query}")
    return request.show(await _account(request, desk, found, open_form=request.query.get("act", "")))


async def act(request: PageRequest, id: str) -> Answer:
    """Answer ``POST /admin/accounts/{id}``: do the act that ``action`` names."""
    form, service, tenant = request.form, request.service.account_desk, request.asked_tenant
    actor = Actor(name=request.subject.id, caller=request.caller)
    key, action = SubjectKey(tenant, id), ACTIONS.get(form.get("action", ""))
    if action is None:
        await request.judgement()
        return not_found(request)
    done = await service.act(
        actor,
        action.name,
        key,
        reason=form.get("reason", ""),
        ticket=form.get("ticket", ""),
        hours=_hours(form),
        ref=form.get("ref", ""),
        drawn=False,
        authenticator=form.get("item", "") if action.part == "authenticator" else "",
        browser=form.get("item", "") if action.part == "browser" else "",
        mail="mail" in action.fields and form.get("mail") == "yes",
    )
    refusal = done if isinstance(done, Refusal) else None
    ticket = "" if isinstance(done, Refusal) else done.ticket
    if isinstance(done, Done) and not ticket:
        word = "mailed" if done.mailed_to else "asked" if done.waits else "forget" if done.pseudonym else action.name
        to = (
            request.own(f"/admin/accounts{_desk(request, 'accounts').query}")
            if action.erases and not done.waits
            else account_url(request, key)
        )
        return request.go(to, notice=Notice(word=f"admin_{word}", value="" if done.pseudonym else done.mailed_to or id))
    await request.judgement()
    desk = _desk(request, "accounts")
    has_changed = refusal is not None and refusal.reason in CHANGED and "look" in desk.rights
    if refusal is not None and not has_changed and refusal.reason not in ("malformed", "too_soon", "no_contact"):
        return _no(request, refusal, f"/admin/accounts/{quote(id, safe='')}{desk.query}")
    found = await service.account(actor, key, recent=True)
    if isinstance(found, Refusal):
        return _no(request, found, "/admin/accounts")
    if has_changed:
        view = await _account(request, desk, found)
        return request.show(view, status=422, problems=[Problem(reason="account_changed")])
    view = await _account(request, desk, found, open_form=action.name if refusal else "", done=done)
    if refusal is None:
        return request.show(view)
    if refusal.reason in ("too_soon", "no_contact"):
        return request.show(view, status=422, problems=[problem_from(refusal, "")])
    field = _wrong_field(action, form)
    problem = Problem(reason=f"{field}_stated", field=field)
    if refusal.detail == NAMELESS:
        problem = Problem(reason="reason_nameless", field=field)
    return request.show(view, status=422, problems=[problem])


def _hours(form: Mapping[str, str]) -> int:
    """Read the hours of a grant, in the digits of any script.

    They are 0, which no grant may have, where they are no small number.
    """
    typed = form.get("hours", "").strip()
    return int(typed) if typed.isdecimal() and len(typed) <= 2 else 0


def _wrong_field(action: Action, form: Mapping[str, str]) -> str:
    """Name the field of a malformed form.

    It is the first text that is missing, else the hours, else the reason.
    """
    for name in ("ticket", "reason"):
        if name in action.fields and not form.get(name, "").strip():
            return name
    return "hours" if "hours" in action.fields else "reason"


async def _account(
    request: PageRequest,
    desk: admin.Desk,
    found: AccountDocument,
    *,
    open_form: str = "",
    done: Done | Refusal | None = None,
) -> admin.AdminAccount:
    """Draw the page of one account.

    ``open_form`` is the act whose form comes back with the text that was typed. ``done`` may have a fresh ticket.
    """
    fresh = done if isinstance(done, Done) else None
    may_act = found.may_act and found.key != request.subject.key
    lock, waiting, is_own = found.lock, found.recovery, found.key == request.subject.key
    typed: Mapping[str, str] = request.form if request.scope["method"] == "POST" else {}
    line = found.line
    networks = [b.network for b in found.browsers] + [e.network for e in found.activity or ()]
    places = await request.service.engine.places_of(networks)
    return admin.AdminAccount(
        desk=replace(desk, tenants=()),
        id=found.key.id,
        name=found.summary.name,
        status=found.summary.status,
        url=account_url(request, found.key),
        back=request.own(f"/admin/accounts{desk.query}"),
        trail_url=_search_url(request, desk, {"account": found.key.id}) if "audit" in desk.rights else "",
        factors=tuple(
            views.FactorLine(
                id=a.id,
                kind=a.factor,
                label=request.site.languages.own_name(a.label, request.lang),
                added_at=a.created_at,
                last_used_at=a.last_used_at,
                last_network=a.last_network,
                is_default=a.is_default,
            )
            for a in found.authenticators
        ),
        browsers=tuple(
            views.BrowserLine(
                id=b.id,
                label=request.site.languages.own_name(b.label, request.lang),
                network=b.network,
                place=places.get(b.network, ""),
                last_used_at=b.last_used_at,
                kind=b.kind,
            )
            for b in found.browsers
        ),
        activity=None
        if found.activity is None
        else tuple(
            views.Activity(
                at=e.at,
                kind=e.kind,
                factor=e.factor,
                label=e.reason,
                network=e.network,
                place=places.get(e.network, ""),
                ref=e.id,
            )
            for e in found.activity
        ),
        attempts_left=found.attempts_left,
        attempts_max=found.attempts_max,
        lock_cause=lock.cause if lock else "",
        lock_ref=lock.ref if lock else "",
        locked_at=lock.at if lock else 0,
        locked_by=lock.actor if lock else "",
        recovery_about=waiting.about if waiting else "",
        recovery_at=waiting.at if waiting else 0,
        held_until=waiting.held_until if waiting and request.now < waiting.held_until else 0,
        opens_at=waiting.opens_at if waiting else 0,
        own=is_own,
        forms=forms_for(found, desk.rights) if may_act else (),
        part_forms=part_forms_for(found, desk.rights) if may_act else {},
        above=not found.may_act,
        asked=found.asked,
        foremost=foremost(found, desk.rights) if may_act else "",
        kinds=found.summary.factors,
        last_proof_at=found.summary.last_proof_at,
        lock_reason=found.lock_reason,
        disputed_until=line.disputed_until if line else 0,
        open_ticket_until=line.ticket_ends_at if line else 0,
        agreement=line.agreement if line else "",
        open_form=open_form,
        open_item=typed.get("item", ""),
        typed_reason=typed.get("reason", ""),
        typed_ticket=typed.get("ticket", ""),
        slip=slip_of(request, found.key, found.summary.name, fresh) if fresh else None,
        not_sent=fresh.not_sent if fresh else "",
        can_mail=request.service.account_desk.ticket_mails.can_mail,
        typed_mail=typed.get("mail") == "yes",
        grant=found.grant,
        longest=MAX_HOURS,
        typed_hours=typed.get("hours", str(DEFAULT_HOURS)),
    )


def slip_of(request: PageRequest, key: SubjectKey, name: str, done: Done) -> Slip | None:
    """Make the slip with a fresh set-up code, to be printed.

    Returns None where there is no code to show.
    """
    if not done.ticket:
        return None
    own = request.service.engine.own_address.address
    return Slip(id=key.id, name=name, code=done.ticket, ends_at=done.ticket_ends_at, url=f"{own}/enroll" if own else "")


def forms_for(found: AccountDocument, rights: tuple[Right, ...]) -> tuple[admin.ActForm, ...]:
    """List the forms that an actor with ``rights`` is offered, the likely ones first."""
    return tuple(_form(action) for action in offered(found, rights) if not action.part)


def part_forms_for(found: AccountDocument, rights: tuple[Right, ...]) -> dict[str, admin.ActForm]:
    """Return the forms for single authenticators and browsers, by the kind of the part."""
    return {action.part: _form(action) for action in offered(found, rights) if action.part}


def _form(action: Action) -> admin.ActForm:
    return admin.ActForm(name=action.name, fields=action.fields, tone=action.tone)


async def tenant(request: PageRequest) -> Answer:
    """Show ``GET /admin/tenant``."""
    await request.judgement()
    desk = _desk(request, "tenant")
    found = await request.service.tenant_desk.look(_actor(request), desk.tenant)
    if isinstance(found, Refusal):
        return _no(request, found, f"/admin/tenant{desk.query}")
    return request.show(_tenant(request, desk, found))


async def set_tenant(request: PageRequest) -> Answer:
    """Answer ``POST /admin/tenant``: tick the checklist, choose factors, turn on for good."""
    await request.judgement()
    desk, form, service = _desk(request, "tenant"), request.form, request.service.tenant_desk
    actor, action, count = _actor(request), form.get("action", ""), 0
    refusal: Refusal | None
    match action:
        case "announced" | "tested":
            refusal = await service.mark(actor, desk.tenant, announced=action == "announced", tested=action == "tested")
        case "trial":
            refusal = await request.service.tenant_messages.send_trial(actor, desk.tenant)
        case "remind":
            told = await request.service.tenant_messages.remind(actor, desk.tenant)
            refusal = told if isinstance(told, Refusal) else None
            count = 0 if isinstance(told, Refusal) else told
        case "end-sessions":
            refusal = await service.end_proofs(
                actor, desk.tenant, reason=form.get("reason", ""), confirm=form.get("confirm", "").strip()
            )
        case "enable" | "choose":
            chosen = tuple(form["factors"].split()) if form.get("factors") else None
            refusal = await service.set(
                actor,
                desk.tenant,
                enabled=True if action == "enable" else None,
                factors=chosen,
                confirm=form.get("confirm", "").strip(),
            )
        case _:
            return not_found(request)
    if refusal is None:
        return request.go(
            request.own(f"/admin/tenant{desk.query}"), notice=Notice(word=f"tenant_{action}", count=count)
        )
    if refusal.items:
        found = await service.look(actor, desk.tenant)
        if isinstance(found, Refusal):
            return _no(request, found, f"/admin/tenant{desk.query}")
        problem = Problem(reason="checklist_open", field="")
        return request.show(_tenant(request, desk, found, typed=form), status=422, problems=[problem])
    sending = action in ("trial", "remind") and refusal.reason in ("no_contact", "too_soon", "send_failed")
    if not sending and refusal.reason not in ("malformed", "not_enrollable"):
        return _no(request, refusal, f"/admin/tenant{desk.query}")
    found = await service.look(actor, desk.tenant)
    if isinstance(found, Refusal):
        return _no(request, found, f"/admin/tenant{desk.query}")
    if sending:
        return request.show(_tenant(request, desk, found, typed=form), status=422, problems=[problem_from(refusal, "")])
    field = refusal.member if refusal.reason == "malformed" else "factors"
    problem = Problem(reason=f"{field}_stated", field=field, detail=desk.tenant)
    if field == "factors" and refusal.detail:
        problem = Problem(reason="factors_dead_end", field=field, detail=refusal.detail)
    return request.show(_tenant(request, desk, found, typed=form), status=422, problems=[problem])


def _tenant(
    request: PageRequest, desk: admin.Desk, found: TenantDocument, *, typed: Mapping[str, str] | None = None
) -> admin.AdminTenant:
    """Draw the page of a tenant.

    ``typed`` are the values that were sent; a form that comes back shows them.
    """
    typed, traits = typed or {}, request.factors.traits
    by_policy = found.rules.enrollment.stage != "admin"
    people = found.people
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
        counts=(
            ("verified", people.set_up),
            ("not_enrolled", people.missing),
            *((word, people.states.get(word, 0)) for word in ("locked", "recovery")),
        ),
        choices=choices,
        factors=chosen,
        by_policy=by_policy,
        total=people.known,
        enrolled=people.set_up,
        missing=people.missing,
        exempt=people.exempt,
        chart=chart_of(found.history, required_from=found.rules.enrollment.required_from or found.settings.enabled_at),
        can_remind=request.service.tenant_messages.can_remind,
        name=found.rules.brand.name,
        typed_confirm=typed.get("confirm", ""),
        typed_reason=typed.get("reason", ""),
        can_end=found.can_end,
        ending=typed.get("action") == "end-sessions",
        waits=found.rules.enrollment.checklist == "required" and not all(line.ok for line in found.checklist),
    )


async def audit(request: PageRequest) -> Answer:
    """Show ``GET /admin/audit``.

    A filter that is unknown or cannot be read is 422, never ignored.
    """
    await request.judgement()
    query, desk = request.query, _desk(request, "audit")
    typed = {name: value for name, value in query.items() if name not in OWN_WORDS}
    wrong = ""
    try:
        search = request.service.trail_desk.search_of(typed)
    except BadFilter as error:
        search, wrong = search_of({}), error.name
    found = await request.service.trail_desk.events(
        _actor(request), desk.tenant, search, after=query.get("after", ""), limit=PAGE
    )
    if isinstance(found, Refusal):
        return _no(request, found, f"/admin/audit{desk.query}")
    more = f"{_search_url(request, desk, {**search.words, 'after': found.next})}" if found.next and not wrong else ""
    page = admin.AdminAudit(
        desk=desk,
        lines=() if wrong else tuple(_line(request, desk, event) for event in found.items),
        kinds=tuple(KINDS.items()),
        categories={name: tuple(kind for kind in KINDS if category_of(kind) == name) for name in NAMES},
        words={word: typed.get(word, "") for word in WORDS},
        account=typed.get("account", ""),
        kind=typed.get("kind", ""),
        wrong=wrong,
        holds=await request.service.legal_holds.of(desk.tenant),
        next_url=more,
    )
    return request.show(page, status=422 if wrong else 200)


def _search_url(request: PageRequest, desk: admin.Desk, words: Mapping[str, str]) -> str:
    asked = {"tenant": desk.tenant} if desk.query else {}
    return f"{request.own('/admin/audit')}?{urlencode({**asked, **words})}"


def _line(request: PageRequest, desk: admin.Desk, event: Event) -> admin.Line:
    place = event.address or event.network.removeprefix("=")
    person = "look" in desk.rights and event.account
    return admin.Line(
        at=event.at,
        when=f"{datetime.fromtimestamp(event.at, UTC):%Y-%m-%d %H:%M:%S}.{event.ms:03d} UTC" if event.at else "?",
        kind=event.kind,
        account=event.account,
        actor=event.actor if event.actor != event.account else "",
        factor=event.factor,
        network=event.network,
        reason=event.reason,
        ticket=event.ticket,
        ref=event.id,
        address=event.address,
        agent=event.agent,
        browser=event.browser,
        request=event.request,
        person_url=account_url(request, SubjectKey(event.tenant, event.account)) if person else "",
        address_url=_search_url(request, desk, {"address": place}) if place else "",
        browser_url=_search_url(request, desk, {"browser": event.browser}) if event.browser else "",
    )
