"""Answer ``/enroll/{factor}``: one draft, from its beginning to the right answer."""

from __future__ import annotations

from collections.abc import Sequence

from ...core.decision import Enroll
from ...core.model import NOTHING_ON_FILE, Account, Authenticator, Challenge, Contacts
from ...core.reasons import Refusal
from ...core.spoken import spoken_in
from ...factors.optional_parts import Introduces, Introduction
from ...factors.region_names import region_name
from ...service import Judgement, OpenDraft
from ...service.challenges import Issued
from ...service.enrollable import not_enrollable
from ...service.enrollment import Enrolled
from .. import views
from ..qr_code import drawn
from ..request import PageRequest
from ..responses import Answer
from ..views import Notice, Problem, Sending
from .admission import blocked, not_allowed
from .common import (
    STEPS,
    ask_later,
    delivery_of,
    keep_wrong,
    kinds_of,
    leave_locked,
    left_of,
    not_found,
    poll_url,
    problem_from,
    sent_notice,
    waiting_of,
    wants_code,
    was_wrong,
)

FIRST_HOUR = 3600
"""Seconds in which a second way still belongs to the first set-up, which ends with the page of the default."""


async def one(request: PageRequest, kind: str) -> Answer:
    """Show ``GET /enroll/{factor}``: its beginning, or the draft that this browser began.

    It makes no secret. A secret is shown only to the browser that began its draft, while the draft is not confirmed.
    """
    judgement = await request.judgement()
    stopped = blocked(request, judgement, kind)
    if stopped is not None:
        return stopped
    refusal = not_enrollable(judgement, kind, request.now)
    if refusal is not None or not await _is_offered(request, judgement, kind):
        return await not_allowed(request, judgement, kind, refusal or Refusal(reason="not_enrollable"))
    draft = await request.service.enrollments.pending(request.caller, factor=kind)
    again = request.scope.get("query_string", b"") == b"again=1"
    if draft is None or not _shows(request, draft) or again:
        phone = draft.shown.get("typed", "") if draft else ""
        return request.show(await _start(request, judgement, kind, phone=phone, anew=draft is not None and again))
    if not request.factors.traits[kind].typed and _asked(request, judgement, draft) is None:
        return request.show(await _start(request, judgement, kind, phone=draft.shown.get("typed", "")))
    return request.show(await _confirm(request, judgement, draft, None))


async def _is_offered(request: PageRequest, judgement: Judgement, kind: str) -> bool:
    """Tell if a factor may be set up here.

    It is one more, or takes the place of one whose contact has changed.
    """
    if any(way.kind == kind for way in kinds_of(request, judgement)):
        return True
    moved = await request.service.enrollments.changes.of(request.caller, judgement)
    return any(it.factor == kind for it in moved)


def _shows(request: PageRequest, draft: OpenDraft) -> bool:
    """Tell if a draft has a page to come back to: something to scan, or a code on its way."""
    return bool(request.factors.traits[draft.enrollment.factor].sends) or "secret" in draft.shown


async def act(request: PageRequest, kind: str) -> Answer:
    """Answer ``POST /enroll/{factor}``: begin, send again, or try it out."""
    twin = await _twin(request)
    if twin is not None:
        return twin
    judgement = await request.judgement()
    stopped = blocked(request, judgement, kind)
    if stopped is not None:
        return stopped
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
    if not await _is_offered(request, judgement, kind):
        return await not_allowed(request, judgement, kind, Refusal(reason="not_enrollable"))
    begun = await request.service.enrollments.begin(
        request.caller, factor=kind, phone=phone, region=region, anew=bool(request.form.get("anew"))
    )
    if isinstance(begun, Refusal):
        if begun.reason == "too_soon":
            return ask_later(request, await _start(request, judgement, kind, phone=phone, region=region), begun)
        if begun.reason in ("phone_invalid", "phone_extension", "phone_region", "phone_type", "no_contact"):
            problem = problem_from(begun, "phone" if begun.reason.startswith("phone") else "", lang=request.lang)
            if begun.reason == "phone_invalid" and not phone.strip():
                problem = Problem(reason="phone_missing", field="phone")
            view = await _start(request, judgement, kind, phone=phone, region=region)
            return request.show(view, status=422, problems=[problem])
        return await not_allowed(request, judgement, kind, begun)
    return request.go(request.own(f"/enroll/{kind}"))


async def _resend(request: PageRequest, judgement: Judgement, kind: str) -> Answer:
    draft = await request.service.enrollments.pending(request.caller, request.form.get("enrollment", ""), factor=kind)
    if draft is None:
        return request.go(request.own(f"/enroll/{kind}"), turned_away=True)
    sent = await request.service.enrollments.send(request.caller, draft.enrollment.id)
    if isinstance(sent, Refusal) and sent.reason == "too_soon":
        return ask_later(request, await _confirm(request, judgement, draft, None), sent)
    if isinstance(sent, Refusal):
        return request.show(
            await _confirm(request, judgement, draft, None), status=422, problems=[problem_from(sent, "")]
        )
    if sent.failed:
        return request.show(await _confirm(request, judgement, draft, sent), status=422)
    return request.go(request.own(f"/enroll/{kind}"), notice=sent_notice(sent))


async def _try_out(request: PageRequest, judgement: Judgement, kind: str) -> Answer:
    draft = await request.service.enrollments.pending(request.caller, request.form.get("enrollment", ""), factor=kind)
    if draft is None:
        return await _gone(request, judgement, kind)
    code = request.form.get("code", "")
    asked = _asked(request, judgement, draft)
    if not code.strip() and wants_code(request, kind, asked):
        problem = Problem(reason="code_missing", field="code")
        return request.show(await _confirm(request, judgement, draft, None), status=422, problems=[problem])
    done: Enrolled | Refusal = Refusal(reason="wrong_code")
    if not was_wrong(request, code):
        done = await request.service.enrollments.confirm(
            request.caller,
            handle=request.handle,
            enrollment=draft.enrollment.id,
            response=code,
            label=request.form.get("label", ""),
        )
    if isinstance(done, Refusal):
        if done.reason == "wrong_code":
            keep_wrong(request, code)
        request.forget_judgement()
        judgement = await request.judgement()
        if done.reason == "locked" or done.attempts_remaining == 0:
            return leave_locked(request)
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
            again = await _start(request, judgement, kind, phone=draft.shown.get("typed", ""))
            return request.show(again, status=422, problems=[problem])
        view = await _confirm(request, judgement, draft, None, remaining=done.attempts_remaining)
        return request.show(view, status=422, problems=[problem])
    request.take_handle(done.handle, remembered=request.rules.freshness.remember == "browser")
    return _lead_on(
        request,
        done,
        judgement.account,
        has_codes=bool(done.backup_codes),
        is_demanded=isinstance(judgement.decision, Enroll),
    )


def _lead_on(
    request: PageRequest, done: Enrolled, account: Account | None, *, has_codes: bool, is_demanded: bool
) -> Answer:
    """Lead to the new backup codes, back to the settings, or to the page of the end."""
    if has_codes:
        return request.go(request.own("/backup-codes"))
    others = [a for a in (account.authenticators if account else ()) if a.id != done.authenticator.id]
    if _is_settled(request, others, is_demanded=is_demanded):
        name = request.site.languages.own_name(done.authenticator.label, request.lang)
        return request.go(request.base, notice=Notice(word="added", value=name))
    return request.go(request.own("/enroll/done"))


def _is_settled(request: PageRequest, others: Sequence[Authenticator], *, is_demanded: bool) -> bool:
    """Tell if the person adds one more in the settings.

    Nothing is demanded, and the first one is not from just now. After an offer the person is on the way to the app.
    """
    if is_demanded or request.interruption.is_offered or not others:
        return False
    first = min(a.created_at for a in others)
    return not request.interruption.note or first <= request.now - FIRST_HOUR


async def _twin(request: PageRequest) -> Answer | None:
    """Lead on after the copy of a confirmation that has just succeeded.

    The same way as the first (U-55, F-11).
    """
    twin = await request.service.enrollments.twin(
        request.caller,
        handle=request.handle,
        enrollment=request.form.get("enrollment", ""),
        response=request.form.get("code", ""),
    )
    if twin is None:
        return None
    request.take_handle(twin.handle, remembered=request.rules.freshness.remember == "browser")
    account = (await request.judgement()).account
    kept = await request.service.backup.kept(request.caller)
    # What was demanded before is met by now: an interrupted request tells that there was something.
    return _lead_on(request, twin, account, has_codes=kept is not None, is_demanded=bool(request.interruption.note))


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


async def _start(
    request: PageRequest, judgement: Judgement, kind: str, *, phone: str = "", region: str = "", anew: bool = False
) -> views.EnrollStart:
    contacts = (
        await request.service.engine.contacts(request.subject)
        if request.factors.traits[kind].contact
        else NOTHING_ON_FILE
    )
    said = _introduction(request, kind, contacts)
    others = tuple(way for way in kinds_of(request, judgement) if way.kind != kind)
    skippable = isinstance(judgement.decision, Enroll) and judgement.decision.skippable
    return views.EnrollStart(
        kind=kind,
        destination=said.destination,
        phone=phone,
        region=region,
        regions=tuple(views.Region(code=code, name=region_name(code, request.lang)) for code, _ in said.regions),
        consent=_consent(request, said.consent),
        terms_url=request.rules.brand.terms_url,
        privacy_url=request.rules.brand.privacy_url,
        apps=said.apps,
        ways=others,
        back=request.own("/enroll") if others or _is_optional(judgement) else "",
        skippable=skippable,
        anew=anew,
        steps=_steps(judgement),
    )


def _consent(request: PageRequest, consent: str) -> str:
    """Return the sentence about costs in the reader's language."""
    return request.site.languages.words(request.lang).gettext(spoken_in(consent, request.lang)) if consent else ""


def _same_number(request: PageRequest, kind: str, others: tuple[views.Way, ...]) -> str:
    """Find another kind that takes the same typed number.

    It is a call beside a text message, and the other way round (U-16). Returns "" for none.
    """
    traits = request.factors.traits
    alike = (way.kind for way in others if traits[way.kind].contact == traits[kind].contact != "" and not way.off)
    return next(alike, "")


def _is_optional(judgement: Judgement) -> bool:
    """Tell if the choice is a page of its own, even with one factor in it."""
    decision = judgement.decision
    held = bool(judgement.account and judgement.account.authenticators)
    return held or not isinstance(decision, Enroll) or decision.skippable


def _steps(judgement: Judgement) -> int:
    """Count the steps of a first enrollment; 0 for a person who adds another way."""
    return 0 if judgement.account and judgement.account.authenticators else STEPS


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
    cause = ""
    challenge = issued.challenge if issued else _asked(request, judgement, draft)
    face = request.service.challenges.face(request.caller, account, challenge) if account else {}
    if request.factors.traits[kind].sends:
        sending, cause = delivery_of(challenge, issued.failed if issued else "")
    others = tuple(way for way in kinds_of(request, judgement) if way.kind != kind)
    call = _same_number(request, kind, others)
    back = request.own(f"/enroll/{kind}?again=1" if shown.get("typed") else "/enroll")
    limits = request.factors[kind].limits(request.rules)
    shape = request.factors[kind].code(request.rules, draft.enrollment.data)
    return views.EnrollConfirm(
        kind=kind,
        enrollment=draft.enrollment.id,
        label=request.form.get("label", draft.enrollment.label),
        ask_label=any(a.factor == kind for a in (account.authenticators if account else ())),
        typed=shown.get("typed", ""),
        change_url=request.own(f"/enroll/{kind}?again=1") if shown.get("typed") else "",
        steps=_steps(judgement),
        hint=shown.get("hint", ""),
        sending=sending,
        cause=cause,
        sent_at=challenge.issued_at if challenge else 0,
        expires_at=challenge.expires_at if challenge else 0,
        resend_at=challenge.issued_at + limits.wait if challenge and limits else 0,
        key=shown.get("secret", ""),
        uri=uri,
        drawing=await drawn(uri) if uri else None,
        issuer=shown.get("issuer", ""),
        account=shown.get("account", ""),
        apps=_introduction(request, kind, NOTHING_ON_FILE).apps if shown.get("secret") else (),
        ways=others,
        call_url=request.own(f"/enroll/{call}") if call and shown.get("typed") else "",
        back=back if shown.get("typed") or others or _is_optional(judgement) else "",
        anew_url=request.own(f"/enroll/{kind}?again=1") if shown.get("secret") else "",
        remaining=left_of(request, account) if remaining is None else remaining,
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
