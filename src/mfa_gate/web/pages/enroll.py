"""``/enroll``: binding an authenticator, one decision a page."""

from __future__ import annotations

from dataclasses import replace

from ...core.assurance import Traits, meeting
from ...core.changes import change_demand
from ...core.decision import Agree, Allow, Enroll
from ...core.model import Challenge, Contacts
from ...core.policy import Demand
from ...core.reasons import Refusal
from ...factors.base import Introduces, Introduction
from ...service import Judgement, OpenDraft
from ...service.challenges import Issued
from ...service.enrollable import lacks, not_enrollable
from .. import views
from ..request import Visit, problem_from
from ..responses import Answer
from ..site import going_note
from ..views import Notice, Problem, Sending
from .challenge import not_found, poll_url, waiting_of, wants_code
from .ways import kinds_of, way_of


async def start(visit: Visit) -> Answer:
    """``GET /enroll``: why, and which; ``POST``: skip, prove the contact on file, show a ticket."""
    judgement = await visit.judgement()
    blocked = _blocked(visit, judgement)
    if blocked is not None:
        return blocked
    if visit.scope["method"] == "POST":
        return await _act(visit, judgement)
    lacking = lacks(judgement, visit.now)
    if lacking is not None:
        return await _first(visit, judgement, lacking)
    choice = _choice(visit, judgement)
    if choice.purpose != "more" and len(choice.ways) == 1 and not choice.skippable:
        return visit.go(visit.own(f"/enroll/{choice.ways[0].kind}"))
    return visit.show(choice)


async def _act(visit: Visit, judgement: Judgement) -> Answer:
    form, leave = visit.form, visit.service.leave
    match form.get("action", ""):
        case "skip":
            refusal = await leave.skip(visit.caller)
            if refusal is not None:
                return visit.show(_choice(visit, judgement), status=422, problems=[problem_from(refusal, "")])
            return visit.go(visit.going_to, done=True)
        case "contact-send":
            sent = await leave.send_contact(visit.caller, form.get("kind", ""))
            view = await _contact(visit, form.get("kind", ""), sent if isinstance(sent, Issued) else None)
            problems = [problem_from(sent, "")] if isinstance(sent, Refusal) else []
            return visit.show(view, status=422 if problems else 200, problems=problems)
        case "contact-verify":
            kind = form.get("kind", "")
            refusal = await leave.verify_contact(visit.caller, kind=kind, response=form.get("code", ""))
            if refusal is None:
                return visit.go(visit.own("/enroll"), notice=Notice(word="contact_proven"))
            view = await _contact(visit, kind, None, remaining=refusal.attempts_remaining)
            return visit.show(view, status=422, problems=[problem_from(refusal)])
        case "ticket":
            refusal = await leave.redeem_ticket(visit.caller, form.get("ticket", ""))
            if refusal is None:
                return visit.go(visit.own("/enroll"))
            problem = Problem(reason="ticket_wrong" if form.get("ticket") else "ticket_missing", field="ticket")
            ticket = views.EnrollTicket(typed=form.get("ticket", ""))
            return visit.show(ticket, status=422, problems=[problem])
    kind = form.get("factor", "")
    if kind in visit.factors.traits:
        return visit.go(visit.own(f"/enroll/{kind}"))
    return visit.show(
        _choice(visit, judgement), status=422, problems=[Problem(reason="choice_missing", field="factor")]
    )


async def _first(visit: Visit, judgement: Judgement, lacking: Refusal) -> Answer:
    """What a first enrollment needs besides the password."""
    if lacking.reason == "ticket_required":
        return visit.show(views.EnrollTicket())
    contacts = await visit.service.engine.contacts(visit.subject)
    if not visit.service.leave.contact_kinds(contacts):
        return visit.show(views.EnrollTicket())
    return visit.show(await _contact(visit, "", None))


async def one(visit: Visit, kind: str) -> Answer:
    """``GET /enroll/{factor}``: the beginning of one factor, or the draft that this browser has begun.

    It makes no secret. One is shown only to the browser that began it, while it is not confirmed.
    """
    judgement = await visit.judgement()
    blocked = _blocked(visit, judgement, kind)
    if blocked is not None:
        return blocked
    refusal = not_enrollable(judgement, kind, visit.now)
    if refusal is not None or all(way.kind != kind for way in kinds_of(visit, judgement)):
        return await _no(visit, judgement, kind, refusal or Refusal(reason="not_enrollable"))
    draft = await visit.service.enrollments.pending(visit.caller, factor=kind)
    again = visit.scope.get("query_string", b"") == b"again=1"
    if draft is None or not _shows(visit, draft) or again:
        return visit.show(await _start(visit, judgement, kind, anew=draft is not None and again))
    if not visit.factors.traits[kind].typed and _asked(visit, judgement, draft) is None:
        return visit.show(await _start(visit, judgement, kind, phone=draft.shown.get("phone", "")))
    return visit.show(_confirm(visit, judgement, draft, None))


def _shows(visit: Visit, draft: OpenDraft) -> bool:
    """Whether a draft has a page to come back to: something to scan, or a code that is on its way."""
    return bool(visit.factors.traits[draft.enrollment.factor].sends) or "secret" in draft.shown


async def act(visit: Visit, kind: str) -> Answer:
    """``POST /enroll/{factor}``: begin, send again, or try it out."""
    judgement = await visit.judgement()
    blocked = _blocked(visit, judgement, kind)
    if blocked is not None:
        return blocked
    if kind not in visit.factors or visit.factors.traits[kind].backup:
        return not_found(visit)
    action = visit.form.get("action", "")
    if action == "send":
        return await _resend(visit, judgement, kind)
    if action != "start" and ("code" in visit.form or action in ("confirm", "check")):
        return await _try_out(visit, judgement, kind)
    return await _begin(visit, judgement, kind)


async def _begin(visit: Visit, judgement: Judgement, kind: str) -> Answer:
    phone = visit.form.get("phone", "")
    region = visit.form.get("region", "")
    if all(way.kind != kind for way in kinds_of(visit, judgement)):
        return await _no(visit, judgement, kind, Refusal(reason="not_enrollable"))
    begun = await visit.service.enrollments.begin(
        visit.caller, factor=kind, phone=phone, region=region, anew=bool(visit.form.get("anew"))
    )
    if isinstance(begun, Refusal):
        if begun.reason in ("phone_invalid", "phone_region", "phone_type", "too_soon", "no_contact"):
            problem = problem_from(begun, "phone" if begun.reason.startswith("phone") else "")
            if begun.reason == "phone_invalid" and not phone.strip():
                problem = Problem(reason="phone_missing", field="phone")
            view = await _start(visit, judgement, kind, phone=phone, region=region)
            return visit.show(view, status=422, problems=[problem])
        return await _no(visit, judgement, kind, begun)
    if not _shows(visit, begun):
        return visit.show(_confirm(visit, judgement, begun, begun.issued))
    return visit.go(visit.own(f"/enroll/{kind}"))


async def _resend(visit: Visit, judgement: Judgement, kind: str) -> Answer:
    draft = await visit.service.enrollments.pending(visit.caller, visit.form.get("enrollment", ""), factor=kind)
    if draft is None:
        return visit.go(visit.own(f"/enroll/{kind}"))
    sent = await visit.service.enrollments.send(visit.caller, draft.enrollment.id)
    if isinstance(sent, Refusal):
        return visit.show(_confirm(visit, judgement, draft, None), status=422, problems=[problem_from(sent, "")])
    view = _confirm(visit, judgement, draft, sent)
    return visit.show(view, notice=None if sent.failed else Notice(word="sent", value=sent.hint))


async def _try_out(visit: Visit, judgement: Judgement, kind: str) -> Answer:
    draft = await visit.service.enrollments.pending(visit.caller, visit.form.get("enrollment", ""), factor=kind)
    if draft is None:
        return await _gone(visit, judgement, kind)
    code = visit.form.get("code", "")
    asked = _asked(visit, judgement, draft)
    if not code.strip() and wants_code(visit, kind, asked):
        problem = Problem(reason="code_missing", field="code")
        return visit.show(_confirm(visit, judgement, draft, None), status=422, problems=[problem])
    done = await visit.service.enrollments.confirm(
        visit.caller,
        handle=visit.handle,
        enrollment=draft.enrollment.id,
        response=code,
        label=visit.form.get("label", ""),
    )
    if isinstance(done, Refusal):
        visit.forget_judgement()
        judgement = await visit.judgement()
        if done.reason == "locked" or done.attempts_remaining == 0:
            from .account import locked_view

            return visit.show(locked_view(judgement, done.ref), status=422)
        typed = visit.form.get("code", "") if wants_code(visit, kind, asked) else None
        problem = problem_from(
            done,
            "" if typed is None else "code",
            typed=typed,
            shape=visit.factors[kind].code(visit.rules, draft.enrollment.data),
            untyped=visit.factors.traits[kind] if typed is None else None,
        )
        if (
            not visit.factors.traits[kind].typed
            and visit.factors.traits[kind].sends
            and _asked(visit, judgement, draft) is None
        ):
            again = await _start(visit, judgement, kind, phone=draft.shown.get("phone", ""))
            return visit.show(again, status=422, problems=[problem])
        view = _confirm(visit, judgement, draft, None, remaining=done.attempts_remaining)
        return visit.show(view, status=422, problems=[problem])
    visit.take_handle(done.handle, remembered=visit.rules.freshness.remember == "browser")
    return visit.go(visit.own("/backup-codes" if done.backup_codes else "/enroll/done"))


async def _gone(visit: Visit, judgement: Judgement, kind: str) -> Answer:
    """Say that the form's draft is no more, and go on with the one that has taken its place, or from the beginning."""
    newer = await visit.service.enrollments.pending(visit.caller, factor=kind)
    account = judgement.account
    typed = visit.form.get("enrollment", "")
    replaced = any(e.id == typed and e.browser == visit.caller.handle for e in (account.replaced if account else ()))
    if newer is not None and replaced:
        problem = Problem(reason="draft_replaced", field="code" if visit.factors.traits[kind].typed else "")
        return visit.show(_confirm(visit, judgement, newer, None), status=422, problems=[problem])
    return visit.go(visit.own(f"/enroll/{kind}"), notice=Notice(word="draft_over"))


async def done(visit: Visit) -> Answer:
    """``GET /enroll/done``: what was added, and which is asked for at sign-in."""
    judgement = await visit.judgement()
    account = judgement.account
    mine = [a for a in (account.authenticators if account else ()) if not visit.factors.traits[a.factor].backup]
    usual = Demand(rule="freshness", max_age=visit.rules.freshness.max_age)
    proofs = judgement.evidence.proofs if judgement.evidence else ()
    if account is None or not mine or not meeting(proofs, (usual,), visit.now):
        return visit.lead_on(judgement.decision)
    newest = max(mine, key=lambda a: a.created_at)
    default = account.authenticator(account.default) or newest
    has_codes = any(visit.factors.traits[a.factor].backup for a in account.authenticators)
    offer_codes = visit.factors.backup in judgement.requirement.factors and not has_codes
    onward = visit.going_to if isinstance(judgement.decision, Allow) else visit.own("/challenge")
    return visit.show(
        views.EnrollDone(
            way=way_of(visit, newest, judgement),
            default=way_of(visit, default, judgement),
            continue_url=onward,
            ways=kinds_of(visit, judgement) if len(mine) == 1 else (),
            backup_url=visit.own("/backup-codes") if offer_codes else "",
        )
    )


def _blocked(visit: Visit, judgement: Judgement, kind: str = "") -> Answer | None:
    """Lead on whoever owes a proof or needs a better one for adding ``kind`` (S-82, S-84).

    Where no kind is named yet, any fresh proof opens the choice.
    """
    decision, evidence = judgement.decision, judgement.evidence
    holds = evidence is not None and evidence.holds
    if not isinstance(decision, (Allow, Enroll)) and not (isinstance(decision, Agree) and holds):
        return visit.lead_on(decision)
    if evidence is None or not holds:
        return None
    requirement = judgement.requirement if kind else replace(judgement.requirement, floors=())
    demand = change_demand(evidence, requirement, adding=kind)
    if meeting(evidence.proofs, (demand,), visit.now):
        return None
    return confirm_first(visit, judgement, _place(visit, kind), demand=demand)


def _place(visit: Visit, kind: str) -> str:
    return f"/enroll/{kind}" if kind in visit.factors else "/enroll"


async def confirm(visit: Visit) -> Answer:
    """``GET /confirm``: prove the second factor afresh, then back to the settings."""
    return confirm_first(visit, await visit.judgement(), "")


def confirm_first(visit: Visit, judgement: Judgement, place: str, *, demand: Demand | None = None) -> Answer:
    """Ask for a proof that meets ``demand``, then lead back to a page of ours.

    Without a ``demand`` it is that of any change of factors.
    """
    evidence = judgement.evidence
    if evidence is None:
        return visit.lead_on(judgement.decision)
    demand = demand or change_demand(evidence, judgement.requirement)
    note = going_note(to=visit.own(place), path="", method="GET", clean=True, demands=(demand,))
    visit.headers.append(visit.site.cookies.set_note(visit.jar, visit.jar.going, note))
    return visit.go(visit.own("/challenge"))


async def _no(visit: Visit, judgement: Judgement, kind: str, refusal: Refusal) -> Answer:
    if refusal.reason in ("contact_required", "ticket_required"):
        return await _first(visit, judgement, refusal)
    if refusal.reason == "proof_required":
        evidence, requirement = judgement.evidence, judgement.requirement
        demand = change_demand(evidence, requirement, adding=kind) if evidence else None
        return confirm_first(visit, judgement, _place(visit, kind), demand=demand)
    status = refusal.row.status
    return visit.show(
        views.Fault(reason=refusal.reason, status=status, detail=refusal.detail, back=visit.own("/enroll")),
        status=status,
    )


def _choice(visit: Visit, judgement: Judgement) -> views.EnrollChoice:
    decision, account, rules = judgement.decision, judgement.account, visit.rules
    held = bool(account and account.authenticators)
    skippable = isinstance(decision, Enroll) and decision.skippable
    skip = rules.enrollment.skip
    left = skip.max - (account.skip_count if account else 0) if skip.max and skippable else None
    purpose = "stronger" if held and isinstance(decision, Enroll) else "more" if held else "first"
    return views.EnrollChoice(
        ways=kinds_of(visit, judgement),
        purpose=purpose,  # type: ignore[arg-type]
        required_at=rules.enrollment.required_from or 0,
        skippable=skippable,
        skips_left=left,
        remind=skip.remind,
        back=visit.base if purpose == "more" else "",
    )


async def _start(
    visit: Visit, judgement: Judgement, kind: str, *, phone: str = "", region: str = "", anew: bool = False
) -> views.EnrollStart:
    contacts = await visit.service.engine.contacts(visit.subject) if visit.factors.traits[kind].contact else Contacts()
    said = _introduction(visit, kind, contacts)
    decision = judgement.decision
    others = tuple(way for way in kinds_of(visit, judgement) if way.kind != kind)
    skippable = isinstance(decision, Enroll) and decision.skippable
    return views.EnrollStart(
        kind=kind,
        destination=said.destination,
        phone=phone,
        region=region,
        regions=tuple(views.Region(code=code, name=name) for code, name in said.regions),
        consent=said.consent,
        apps=said.apps,
        ways=others,
        back=visit.own("/enroll") if others or skippable else "",
        skippable=skippable,
        anew=anew,
    )


def _introduction(visit: Visit, kind: str, contacts: Contacts) -> Introduction:
    factor = visit.factors[kind]
    return factor.introduction(visit.rules, contacts) if isinstance(factor, Introduces) else Introduction()


def _confirm(
    visit: Visit, judgement: Judgement, draft: OpenDraft, issued: Issued | None, *, remaining: int | None = None
) -> views.EnrollConfirm:
    kind, shown = draft.enrollment.factor, draft.shown
    account = judgement.account
    sending: Sending = "none"
    challenge = issued.challenge if issued else _asked(visit, judgement, draft)
    face = visit.service.challenges.face(visit.caller, account, challenge) if account else {}
    if visit.factors.traits[kind].sends:
        failed = bool(issued and issued.failed) or bool(challenge and challenge.status == "undelivered")
        sending = "failed" if failed else "sent" if challenge else "unsent"
    limits = visit.factors[kind].limits(visit.rules)
    shape = visit.factors[kind].code(visit.rules, draft.enrollment.data)
    return views.EnrollConfirm(
        kind=kind,
        enrollment=draft.enrollment.id,
        label=visit.form.get("label", draft.enrollment.label),
        hint=shown.get("hint", ""),
        sending=sending,
        sent_at=challenge.issued_at if challenge else 0,
        expires_at=challenge.expires_at if challenge else 0,
        resend_at=challenge.issued_at + limits.wait if challenge and limits else 0,
        key=shown.get("secret", ""),
        uri=shown.get("uri", ""),
        issuer=shown.get("issuer", ""),
        account=shown.get("account", ""),
        apps=_introduction(visit, kind, Contacts()).apps if shown.get("secret") else (),
        back=visit.own(f"/enroll/{kind}?again=1" if not shown.get("secret") else "/enroll"),
        anew_url=visit.own(f"/enroll/{kind}?again=1") if shown.get("secret") else "",
        remaining=remaining,
        waiting=waiting_of(visit, challenge),
        poll_url=poll_url(visit, challenge),
        number=face.get("number", ""),
        digits=shape.length if shape else 6,
    )


def _asked(visit: Visit, judgement: Judgement, draft: OpenDraft) -> Challenge | None:
    """The latest challenge of a draft that can still be answered."""
    account = judgement.account
    mine = [c for c in (account.challenges if account else ()) if c.target == draft.enrollment.id]
    return next((c for c in reversed(mine) if c.is_live(visit.now)), None)


async def _contact(
    visit: Visit, kind: str, issued: Issued | None, *, remaining: int | None = None
) -> views.EnrollContact:
    service = visit.service
    contacts = await service.engine.contacts(visit.subject)
    judgement = await visit.judgement()
    account = judgement.account
    ways = []
    for known in service.leave.contact_kinds(contacts):
        text = contacts.email if visit.factors.traits[known].contact == "email" else contacts.phone
        ways.append(
            views.Way(
                kind=known, label=visit.factors.traits[known].name, hint=_masked(text, visit.factors.traits[known])
            )
        )
    way = next((w for w in ways if w.kind == kind), None)
    challenge = issued.challenge if issued else None
    if challenge is None and account is not None:
        live = [c for c in account.challenges if c.purpose == "contact" and c.is_live(visit.now)]
        challenge = next((c for c in reversed(live) if c.browser == visit.caller.handle), None)
        way = way or next((w for w in ways if challenge and w.kind == challenge.factor), None)
    shape = visit.factors[way.kind].code(visit.rules) if way else None
    sending: Sending = "unsent" if challenge is None else "failed" if issued and issued.failed else "sent"
    return views.EnrollContact(
        ways=tuple(ways),
        way=way,
        sending=sending,
        sent_at=challenge.issued_at if challenge else 0,
        expires_at=challenge.expires_at if challenge else 0,
        resend_at=issued.resend_at if issued else 0,
        remaining=remaining,
        digits=shape.length if shape else 6,
    )


def _masked(text: str, traits: Traits) -> str:
    from ...factors.codes import masked_email, masked_phone

    return masked_email(text) if traits.contact == "email" else masked_phone(text)
