"""Answer ``/enroll``: bind an authenticator, one decision a page."""

from __future__ import annotations

from dataclasses import replace

from ...core.assurance import Traits, meeting
from ...core.changes import change_demand
from ...core.decision import Agree, Allow, Enroll
from ...core.model import Challenge, Contacts
from ...core.policy import Demand
from ...core.reasons import Refusal
from ...factors.codes import masked_email, masked_phone
from ...factors.optional_parts import Introduces, Introduction
from ...service import Judgement, OpenDraft
from ...service.challenges import Issued
from ...service.enrollable import lacks, not_enrollable
from .. import views
from ..qr_code import drawn
from ..request import PageRequest
from ..responses import Answer
from ..views import Notice, Problem, Sending
from .common import (
    confirm_first,
    kinds_of,
    locked_view,
    not_found,
    poll_url,
    problem_from,
    waiting_of,
    wants_code,
    way_of,
)


async def start(request: PageRequest) -> Answer:
    """Answer ``/enroll``: show the reason and the choice of factors.

    A POST skips, proves the contact on file, or shows a ticket.
    """
    judgement = await request.judgement()
    blocked = _blocked(request, judgement)
    if blocked is not None:
        return blocked
    if request.scope["method"] == "POST":
        return await _act(request, judgement)
    lacking = lacks(judgement, request.now)
    if lacking is not None:
        return await _first(request, judgement, lacking)
    choice = _choice(request, judgement)
    if choice.purpose != "more" and len(choice.ways) == 1 and not choice.skippable:
        return request.go(request.own(f"/enroll/{choice.ways[0].kind}"))
    return request.show(choice)


async def _act(request: PageRequest, judgement: Judgement) -> Answer:
    form, leave = request.form, request.service.leave
    match form.get("action", ""):
        case "skip":
            refusal = await leave.skip(request.caller)
            if refusal is not None:
                return request.show(_choice(request, judgement), status=422, problems=[problem_from(refusal, "")])
            return request.go(request.going_to, done=True)
        case "contact-send":
            sent = await leave.send_contact(request.caller, form.get("kind", ""))
            view = await _contact(request, form.get("kind", ""), sent if isinstance(sent, Issued) else None)
            problems = [problem_from(sent, "")] if isinstance(sent, Refusal) else []
            return request.show(view, status=422 if problems else 200, problems=problems)
        case "contact-verify":
            kind = form.get("kind", "")
            refusal = await leave.verify_contact(request.caller, kind=kind, response=form.get("code", ""))
            if refusal is None:
                return request.go(request.own("/enroll"), notice=Notice(word="contact_proven"))
            view = await _contact(request, kind, None, remaining=refusal.attempts_remaining)
            return request.show(view, status=422, problems=[problem_from(refusal)])
        case "ticket":
            refusal = await leave.redeem_ticket(request.caller, form.get("ticket", ""))
            if refusal is None:
                return request.go(request.own("/enroll"))
            problem = Problem(reason="ticket_wrong" if form.get("ticket") else "ticket_missing", field="ticket")
            ticket = views.EnrollTicket(typed=form.get("ticket", ""))
            return request.show(ticket, status=422, problems=[problem])
    kind = form.get("factor", "")
    if kind in request.factors.traits:
        return request.go(request.own(f"/enroll/{kind}"))
    return request.show(
        _choice(request, judgement), status=422, problems=[Problem(reason="choice_missing", field="factor")]
    )


async def _first(request: PageRequest, judgement: Judgement, lacking: Refusal) -> Answer:
    """Ask for the thing that a first enrollment needs besides the password."""
    if lacking.reason == "ticket_required":
        return request.show(views.EnrollTicket())
    contacts = await request.service.engine.contacts(request.subject)
    if not request.service.leave.contact_kinds(contacts):
        return request.show(views.EnrollTicket())
    return request.show(await _contact(request, "", None))


async def one(request: PageRequest, kind: str) -> Answer:
    """Show ``GET /enroll/{factor}``: its beginning, or the draft that this browser began.

    It makes no secret. A secret is shown only to the browser that began its draft, while the draft is not confirmed.
    """
    judgement = await request.judgement()
    blocked = _blocked(request, judgement, kind)
    if blocked is not None:
        return blocked
    refusal = not_enrollable(judgement, kind, request.now)
    if refusal is not None or all(way.kind != kind for way in kinds_of(request, judgement)):
        return await _no(request, judgement, kind, refusal or Refusal(reason="not_enrollable"))
    draft = await request.service.enrollments.pending(request.caller, factor=kind)
    again = request.scope.get("query_string", b"") == b"again=1"
    if draft is None or not _shows(request, draft) or again:
        return request.show(await _start(request, judgement, kind, anew=draft is not None and again))
    if not request.factors.traits[kind].typed and _asked(request, judgement, draft) is None:
        return request.show(await _start(request, judgement, kind, phone=draft.shown.get("phone", "")))
    return request.show(await _confirm(request, judgement, draft, None))


def _shows(request: PageRequest, draft: OpenDraft) -> bool:
    """Tell if a draft has a page to come back to: something to scan, or a code on its way."""
    return bool(request.factors.traits[draft.enrollment.factor].sends) or "secret" in draft.shown


async def act(request: PageRequest, kind: str) -> Answer:
    """Answer ``POST /enroll/{factor}``: begin, send again, or try it out."""
    judgement = await request.judgement()
    blocked = _blocked(request, judgement, kind)
    if blocked is not None:
        return blocked
    if kind not in request.factors or request.factors.traits[kind].backup:
        return not_found(request)
    action = request.form.get("action", "")
    if action == "send":
        return await _resend(request, judgement, kind)
    if action != "start" and ("code" in request.form or action in ("confirm", "check")):
        return await _try_out(request, judgement, kind)
    return await _begin(request, judgement, kind)


async def _begin(request: PageRequest, judgement: Judgement, kind: str) -> Answer:
    phone = request.form.get("phone", "")
    region = request.form.get("region", "")
    if all(way.kind != kind for way in kinds_of(request, judgement)):
        return await _no(request, judgement, kind, Refusal(reason="not_enrollable"))
    begun = await request.service.enrollments.begin(
        request.caller, factor=kind, phone=phone, region=region, anew=bool(request.form.get("anew"))
    )
    if isinstance(begun, Refusal):
        if begun.reason in ("phone_invalid", "phone_region", "phone_type", "too_soon", "no_contact"):
            problem = problem_from(begun, "phone" if begun.reason.startswith("phone") else "")
            if begun.reason == "phone_invalid" and not phone.strip():
                problem = Problem(reason="phone_missing", field="phone")
            view = await _start(request, judgement, kind, phone=phone, region=region)
            return request.show(view, status=422, problems=[problem])
        return await _no(request, judgement, kind, begun)
    if not _shows(request, begun):
        return request.show(await _confirm(request, judgement, begun, begun.issued))
    return request.go(request.own(f"/enroll/{kind}"))


async def _resend(request: PageRequest, judgement: Judgement, kind: str) -> Answer:
    draft = await request.service.enrollments.pending(request.caller, request.form.get("enrollment", ""), factor=kind)
    if draft is None:
        return request.go(request.own(f"/enroll/{kind}"))
    sent = await request.service.enrollments.send(request.caller, draft.enrollment.id)
    if isinstance(sent, Refusal):
        return request.show(
            await _confirm(request, judgement, draft, None), status=422, problems=[problem_from(sent, "")]
        )
    view = await _confirm(request, judgement, draft, sent)
    return request.show(view, notice=None if sent.failed else Notice(word="sent", value=sent.hint))


async def _try_out(request: PageRequest, judgement: Judgement, kind: str) -> Answer:
    draft = await request.service.enrollments.pending(request.caller, request.form.get("enrollment", ""), factor=kind)
    if draft is None:
        return await _gone(request, judgement, kind)
    code = request.form.get("code", "")
    asked = _asked(request, judgement, draft)
    if not code.strip() and wants_code(request, kind, asked):
        problem = Problem(reason="code_missing", field="code")
        return request.show(await _confirm(request, judgement, draft, None), status=422, problems=[problem])
    done = await request.service.enrollments.confirm(
        request.caller,
        handle=request.handle,
        enrollment=draft.enrollment.id,
        response=code,
        label=request.form.get("label", ""),
    )
    if isinstance(done, Refusal):
        request.forget_judgement()
        judgement = await request.judgement()
        if done.reason == "locked" or done.attempts_remaining == 0:
            return request.show(locked_view(judgement, done.ref), status=422)
        typed = request.form.get("code", "") if wants_code(request, kind, asked) else None
        problem = problem_from(
            done,
            "" if typed is None else "code",
            typed=typed,
            shape=request.factors[kind].code(request.rules, draft.enrollment.data),
            untyped=request.factors.traits[kind] if typed is None else None,
        )
        if (
            not request.factors.traits[kind].typed
            and request.factors.traits[kind].sends
            and _asked(request, judgement, draft) is None
        ):
            again = await _start(request, judgement, kind, phone=draft.shown.get("phone", ""))
            return request.show(again, status=422, problems=[problem])
        view = await _confirm(request, judgement, draft, None, remaining=done.attempts_remaining)
        return request.show(view, status=422, problems=[problem])
    request.take_handle(done.handle, remembered=request.rules.freshness.remember == "browser")
    return request.go(request.own("/backup-codes" if done.backup_codes else "/enroll/done"))


async def _gone(request: PageRequest, judgement: Judgement, kind: str) -> Answer:
    """Say that the form's draft is no more.

    The person goes on with the draft that has taken its place, or from the beginning.
    """
    newer = await request.service.enrollments.pending(request.caller, factor=kind)
    account = judgement.account
    typed = request.form.get("enrollment", "")
    replaced = any(e.id == typed and e.browser == request.caller.handle for e in (account.replaced if account else ()))
    if newer is not None and replaced:
        problem = Problem(reason="draft_replaced", field="code" if request.factors.traits[kind].typed else "")
        return request.show(await _confirm(request, judgement, newer, None), status=422, problems=[problem])
    return request.go(request.own(f"/enroll/{kind}"), notice=Notice(word="draft_over"))


async def done(request: PageRequest) -> Answer:
    """Show ``GET /enroll/done``: the new authenticator, and the one asked for at sign-in."""
    judgement = await request.judgement()
    account = judgement.account
    mine = [a for a in (account.authenticators if account else ()) if not request.factors.is_backup(a.factor)]
    usual = Demand(rule="freshness", max_age=request.rules.freshness.max_age)
    proofs = judgement.evidence.proofs if judgement.evidence else ()
    if account is None or not mine or not meeting(proofs, (usual,), request.now):
        return request.lead_on(judgement.decision)
    newest = max(mine, key=lambda a: a.created_at)
    default = account.authenticator(account.default) or newest
    has_codes = any(request.factors.is_backup(a.factor) for a in account.authenticators)
    offer_codes = request.factors.backup in judgement.requirement.factors and not has_codes
    onward = request.onward if isinstance(judgement.decision, Allow) else request.own("/challenge")
    return request.show(
        views.EnrollDone(
            way=way_of(request, newest, judgement),
            default=way_of(request, default, judgement),
            continue_url=onward,
            ways=kinds_of(request, judgement) if len(mine) == 1 else (),
            backup_url=request.own("/backup-codes") if offer_codes else "",
        )
    )


async def offer(request: PageRequest) -> Answer:
    """Show ``GET /enroll/offer``: a stronger factor, after a proof by a weaker one (U-33).

    A link puts it off. The offer was counted when it was made.
    """
    judgement = await request.judgement()
    kind = request.service.adoption.offerable(judgement) if isinstance(judgement.decision, Allow) else ""
    if not kind:
        return request.lead_on(judgement.decision)
    name = request.factors.traits[kind].name
    return request.show(views.EnrollOffer(kind=kind, label=name, continue_url=request.onward))


def _blocked(request: PageRequest, judgement: Judgement, kind: str = "") -> Answer | None:
    """Lead on a person who owes a proof, or a better one for adding ``kind`` (S-82, S-84).

    Where no kind is named yet, any fresh proof opens the choice.
    """
    decision, evidence = judgement.decision, judgement.evidence
    holds = evidence is not None and evidence.holds
    if not isinstance(decision, (Allow, Enroll)) and not (isinstance(decision, Agree) and holds):
        return request.lead_on(decision)
    if evidence is None or not holds:
        return None
    requirement = judgement.requirement if kind else replace(judgement.requirement, floors=())
    demand = change_demand(evidence, requirement, adding=kind)
    if meeting(evidence.proofs, (demand,), request.now):
        return None
    return confirm_first(request, judgement, _place(request, kind), demand=demand)


def _place(request: PageRequest, kind: str) -> str:
    return f"/enroll/{kind}" if kind in request.factors else "/enroll"


async def confirm(request: PageRequest) -> Answer:
    """Answer ``GET /confirm``: prove the second factor afresh, then go back to the settings."""
    return confirm_first(request, await request.judgement(), "")


async def _no(request: PageRequest, judgement: Judgement, kind: str, refusal: Refusal) -> Answer:
    if refusal.reason in ("contact_required", "ticket_required"):
        return await _first(request, judgement, refusal)
    if refusal.reason == "proof_required":
        evidence, requirement = judgement.evidence, judgement.requirement
        demand = change_demand(evidence, requirement, adding=kind) if evidence else None
        return confirm_first(request, judgement, _place(request, kind), demand=demand)
    status = refusal.row.status
    return request.show(
        views.Fault(reason=refusal.reason, status=status, detail=refusal.detail, back=request.own("/enroll")),
        status=status,
    )


def _choice(request: PageRequest, judgement: Judgement) -> views.EnrollChoice:
    decision, account, rules = judgement.decision, judgement.account, request.rules
    held = bool(account and account.authenticators)
    skippable = isinstance(decision, Enroll) and decision.skippable
    skip = rules.enrollment.skip
    left = skip.max - (account.skip_count if account else 0) if skip.max and skippable else None
    purpose = "stronger" if held and isinstance(decision, Enroll) else "more" if held else "first"
    return views.EnrollChoice(
        ways=kinds_of(request, judgement),
        purpose=purpose,  # type: ignore[arg-type]
        required_at=rules.enrollment.required_from or 0,
        skippable=skippable,
        skips_left=left,
        back=request.base if purpose == "more" else "",
    )


async def _start(
    request: PageRequest, judgement: Judgement, kind: str, *, phone: str = "", region: str = "", anew: bool = False
) -> views.EnrollStart:
    contacts = (
        await request.service.engine.contacts(request.subject) if request.factors.traits[kind].contact else Contacts()
    )
    said = _introduction(request, kind, contacts)
    decision = judgement.decision
    others = tuple(way for way in kinds_of(request, judgement) if way.kind != kind)
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
        back=request.own("/enroll") if others or skippable else "",
        skippable=skippable,
        anew=anew,
    )


def _introduction(request: PageRequest, kind: str, contacts: Contacts) -> Introduction:
    factor = request.factors[kind]
    return factor.introduction(request.rules, contacts) if isinstance(factor, Introduces) else Introduction()


async def _confirm(
    request: PageRequest, judgement: Judgement, draft: OpenDraft, issued: Issued | None, *, remaining: int | None = None
) -> views.EnrollConfirm:
    kind, shown = draft.enrollment.factor, draft.shown
    uri = shown.get("uri", "")
    account = judgement.account
    sending: Sending = "none"
    challenge = issued.challenge if issued else _asked(request, judgement, draft)
    face = request.service.challenges.face(request.caller, account, challenge) if account else {}
    if request.factors.traits[kind].sends:
        failed = bool(issued and issued.failed) or bool(challenge and challenge.status == "undelivered")
        sending = "failed" if failed else "sent" if challenge else "unsent"
    limits = request.factors[kind].limits(request.rules)
    shape = request.factors[kind].code(request.rules, draft.enrollment.data)
    return views.EnrollConfirm(
        kind=kind,
        enrollment=draft.enrollment.id,
        label=request.form.get("label", draft.enrollment.label),
        hint=shown.get("hint", ""),
        sending=sending,
        sent_at=challenge.issued_at if challenge else 0,
        expires_at=challenge.expires_at if challenge else 0,
        resend_at=challenge.issued_at + limits.wait if challenge and limits else 0,
        key=shown.get("secret", ""),
        uri=uri,
        drawing=await drawn(uri) if uri else None,
        issuer=shown.get("issuer", ""),
        account=shown.get("account", ""),
        apps=_introduction(request, kind, Contacts()).apps if shown.get("secret") else (),
        back=request.own(f"/enroll/{kind}?again=1" if not shown.get("secret") else "/enroll"),
        anew_url=request.own(f"/enroll/{kind}?again=1") if shown.get("secret") else "",
        remaining=remaining,
        waiting=waiting_of(request, challenge),
        poll_url=poll_url(request, challenge),
        number=face.get("number", ""),
        digits=shape.length if shape else 6,
    )


def _asked(request: PageRequest, judgement: Judgement, draft: OpenDraft) -> Challenge | None:
    """Find the latest challenge of a draft that can still be answered."""
    account = judgement.account
    mine = [c for c in (account.challenges if account else ()) if c.target == draft.enrollment.id]
    return next((c for c in reversed(mine) if c.is_live(request.now)), None)


async def _contact(
    request: PageRequest, kind: str, issued: Issued | None, *, remaining: int | None = None
) -> views.EnrollContact:
    service = request.service
    contacts = await service.engine.contacts(request.subject)
    judgement = await request.judgement()
    account = judgement.account
    ways = []
    for known in service.leave.contact_kinds(contacts):
        text = contacts.email if request.factors.traits[known].contact == "email" else contacts.phone
        ways.append(
            views.Way(
                kind=known, label=request.factors.traits[known].name, hint=_masked(text, request.factors.traits[known])
            )
        )
    way = next((w for w in ways if w.kind == kind), None)
    challenge = issued.challenge if issued else None
    if challenge is None and account is not None:
        live = [c for c in account.challenges if c.purpose == "contact" and c.is_live(request.now)]
        challenge = next((c for c in reversed(live) if c.browser == request.caller.handle), None)
        way = way or next((w for w in ways if challenge and w.kind == challenge.factor), None)
    shape = request.factors[way.kind].code(request.rules) if way else None
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
    return masked_email(text) if traits.contact == "email" else masked_phone(text)
