"""Answer ``/challenge``: prove the second factor."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import parse_qsl

from ...core.decision import Allow, StepUp
from ...core.model import Authenticator, Challenge
from ...core.reasons import Refusal
from ...factors.optional_parts import Prompts
from ...service import Judgement
from ...service.challenges import Issued
from ...service.factor_choice import first_offer, reachable
from .. import views
from ..forms import is_early
from ..request import PageRequest
from ..responses import Answer, leading_elsewhere
from ..scope import caller_kind, header
from ..types import Scope
from ..views import Notice, Problem, Sending
from .common import (
    ask_later,
    asked_at,
    delivery_of,
    keep_wrong,
    leave_locked,
    left_of,
    not_found,
    poll_url,
    problem_from,
    sent_notice,
    waiting_of,
    wants_code,
    was_wrong,
    way_of,
    ways_of,
)
from .sign_in_again import sign_in_again

LATER = ("too_soon", "factor_unavailable", "send_refused")
"""Reasons for which nothing was sent. They are told on the same page, which has the other ways."""


async def start(request: PageRequest) -> Answer:
    """Answer ``/challenge``: lead to the authenticator to ask for first.

    A POST with ``authenticator`` is the form of that authenticator.
    """
    judgement = await request.judgement()
    if isinstance(judgement.decision, Allow) and "f" in request.interruption.note:
        return await _unsent(request)
    if isinstance(judgement.decision, Allow) and request.flashed == "backup_used":
        onward = request.going_to
        request.interruption.forget()
        backup = request.service.backup
        is_low = backup.left(request.caller, judgement) <= backup.stock(judgement)[1]
        return request.show(views.Continue(continue_url=onward, why="done", few_codes=is_low))
    if (
        isinstance(judgement.decision, Allow)
        and not request.interruption.carried
        and (owed := request.interruption.owed)
    ):
        # A script of a page that tells no address was refused: what is allowed usually is too little for it.
        request.interruption.carry(owed)
        request.forget_judgement()
        judgement = await request.judgement()
    if not isinstance(judgement.decision, StepUp):
        return request.lead_on(judgement.decision)
    if request.scope["method"] == "POST":
        return await answer(request, request.form.get("authenticator", ""))
    mine = first_offer(judgement, off=request.off)
    if mine is None and judgement.evidence is not None and judgement.evidence.upstream:
        return request.show(await sign_in_again(request, judgement.decision))
    if mine is None:
        return request.show(views.Fault(reason="not_enrollable", status=403))
    return await one(request, mine.id)


async def _unsent(request: PageRequest) -> Answer:
    """Show on the way back that a form was not sent (U-69).

    A kept form has a button, which sends it to the app itself, so the app's own protection against forgery holds. It is shown once.
    """
    word, back, forms = str(request.interruption.note["f"]), request.going_to, request.site.kept_forms
    may_take = request.scope["method"] == "GET" and caller_kind(request.scope) == "page"
    is_kept = forms is not None and may_take and request.interruption.has_kept(word)
    kept = await forms.take(request.caller, word) if forms is not None and is_kept else None
    request.interruption.forget()
    if kept is None:
        return request.show(views.Unsent(back=back))
    target, fields = kept
    mine = (views.HiddenField(name=name, value=value) for name, value in fields)
    answer = request.show(views.Unsent(back=back, target=target, fields=tuple(mine)))
    answer.headers = leading_elsewhere(answer.headers)
    return answer


async def one(request: PageRequest, id: str) -> Answer:
    """Show ``GET /challenge/{authenticator}`` (U-13).

    It sends a code by itself only where a person plainly came by a link.
    """
    judgement = await request.judgement()
    if not isinstance(judgement.decision, StepUp):
        return request.lead_on(judgement.decision)
    mine = _mine(request, judgement, id)
    if mine is None:
        return not_found(request)
    moved = ""
    if request.factors.traits[mine.factor].contact:
        found = await request.service.enrollments.changes.offered(request.caller, judgement)
        moved = next((it.now for it in found if it.id == mine.id), "")
    issued = _waiting(request, judgement, mine)
    if issued is None and _may_send(request, judgement, mine):
        sent = await request.service.challenges.begin(
            request.caller, mine.id, user_verification=judgement.user_verification
        )
        if isinstance(sent, Issued):
            return request.show(_view(request, judgement, mine, sent.challenge, failed=sent.failed, moved_to=moved))
        view = _view(request, judgement, mine, None, moved_to=moved)
        if sent.reason == "too_soon":
            return ask_later(request, view, sent, status=200)
        return request.show(view, problems=[problem_from(sent, "")])
    return request.show(_view(request, judgement, mine, issued, moved_to=moved))


async def answer(request: PageRequest, id: str) -> Answer:
    """Answer ``POST /challenge/{authenticator}``: a response, or the wish for a code."""
    judgement = await request.judgement()
    mine = _mine(request, judgement, id)
    if mine is None:
        return _removed(request, judgement, id)
    action, code = request.form.get("action"), request.form.get("code", "")
    has_answer = "code" in request.form or action == "check" or not request.factors.traits[mine.factor].needs_challenge
    asks, remember = request.rules.freshness.remember == "browser", bool(request.form.get("remember"))
    if action == "send" or not has_answer:
        if asks and "asked" in request.form:
            keep_choice(request, remember=remember)
        return await _send(request, judgement, mine)
    if not code.strip() and wants_code(request, mine.factor, asked := _waiting(request, judgement, mine)):
        if asks:
            keep_choice(request, remember=remember)
        return request.show(
            _view(request, judgement, mine, asked),
            status=422,
            problems=[Problem(reason="code_missing", field="code")],
        )
    if "form_id" in request.form and was_wrong(request, code):
        return await _refused(request, mine, Refusal(reason="wrong_code"))
    result = await request.service.verification.verify(
        request.caller,
        handle=request.handle,
        authenticator=mine.id,
        challenge=request.form.get("challenge", ""),
        response=code,
        remember=remember and asks,
        judgement=judgement,
    )
    if isinstance(result, Refusal):
        if asks:
            keep_choice(request, remember=remember)
        if result.reason == "wrong_code":
            keep_wrong(request, code)
        return await _refused(request, mine, result)
    request.take_handle(result.handle, remembered=result.remembered)
    keep_choice(request, remember=True)
    if result.granted and request.factors.is_backup(result.granted.authenticator.factor):
        left = result.granted.authenticator.data.get("left")
        notice = Notice(word="backup_used", count=len(left) if isinstance(left, (list, tuple)) else 0)
        # The app's page could not say how many are left, so one of ours does, on the way there (U-35).
        return request.go(request.own("/challenge"), notice=notice)
    traits, held = judgement.factors.traits, judgement.evidence.account.authenticators if judgement.evidence else ()
    if [a for a in held if a.factor in traits and traits[a.factor].contact]:
        request.forget_judgement()
        if await request.service.enrollments.changes.offered(request.caller, await request.judgement()):
            return request.go(request.own("/enroll/offer"))
    # A device that can verify its user says so by the script; other kinds than those which do that need no such word.
    offered = traits.get(request.rules.enrollment.nudge.to)
    can_be_made = offered is not None and (not offered.verifies_user or "passkeys" in request.form)
    if can_be_made and await request.service.adoption.offer(request.caller, proven=mine.factor):
        return request.go(request.own("/enroll/offer"))
    return request.go(request.going_to, done=True)


def _removed(request: PageRequest, judgement: Judgement, id: str) -> Answer:
    """Answer a form for an authenticator that was removed while its page was open.

    Another browser or an administrator can remove it. The person goes on with what is left, and is told.
    """
    if not isinstance(judgement.decision, StepUp):
        return request.lead_on(judgement.decision)
    left = first_offer(judgement, off=request.off)
    if left is None or (judgement.account and judgement.account.authenticator(id)):
        return not_found(request)
    view = _view(request, judgement, left, _waiting(request, judgement, left))
    return request.show(view, status=422, problems=[Problem(reason="not_found")])


async def _send(request: PageRequest, judgement: Judgement, mine: Authenticator) -> Answer:
    sent = await request.service.challenges.begin(
        request.caller, mine.id, user_verification=judgement.user_verification
    )
    if isinstance(sent, Refusal):
        if sent.reason == "locked":
            return leave_locked(request)
        status = 422 if sent.reason in LATER else sent.row.status
        view = _view(request, judgement, mine, _waiting(request, judgement, mine))
        if sent.reason == "too_soon":
            return ask_later(request, view, sent)
        return request.show(view, status=status, problems=[problem_from(sent, "")])
    if sent.failed:
        return request.show(_view(request, judgement, mine, sent.challenge, failed=sent.failed), status=422)
    return request.go(request.own(f"/challenge/{mine.id}"), notice=sent_notice(sent))


async def _refused(request: PageRequest, mine: Authenticator, refusal: Refusal) -> Answer:
    """Show the same page with its problem (422).

    Or lead to the page of the lock after the last attempt.
    """
    request.forget_judgement()
    judgement = await request.judgement()
    if refusal.reason == "locked" or refusal.attempts_remaining == 0:
        return leave_locked(request)
    if not isinstance(judgement.decision, StepUp):
        return request.lead_on(judgement.decision)
    asked = _waiting(request, judgement, mine)
    view = _view(request, judgement, mine, asked, remaining=refusal.attempts_remaining)
    field = "code" if wants_code(request, mine.factor, asked) else ""
    typed = request.form.get("code", "") if field else None
    shape = request.factors[mine.factor].code(request.rules, mine.data)
    untyped = None if field else request.factors.traits[mine.factor]
    return request.show(
        view, status=422, problems=[problem_from(refusal, field, typed=typed, shape=shape, untyped=untyped)]
    )


async def help_page(request: PageRequest) -> Answer:
    """Answer ``/challenge/help`` for a person who got no code (U-16).

    It serves a challenge and an enrollment under way.
    """
    judgement = await request.judgement()
    account = judgement.account
    live = [
        c
        for c in (account.challenges if account else ())
        if c.factor in request.factors
        and c.browser == request.caller.handle
        and c.purpose in ("sign-in", "enroll")
        and not _in_browser(request, c.factor)
    ]
    last = max(live, key=lambda c: c.issued_at, default=None)
    if last is not None and last.purpose == "enroll":
        return request.show(
            views.CodeHelp(
                way=views.Way(kind=last.factor, label=request.factors.traits[last.factor].name),
                back=request.own(f"/enroll/{last.factor}"),
                send_url=request.own(f"/enroll/{last.factor}") if last.is_live(request.now) else "",
                enrollment=last.target,
                change_url=request.own(f"/enroll/{last.factor}?again=1"),
                public=request.public,
                sent_at=last.issued_at,
                waiting=last.waits,
                resend_at=_resend_at(request, last),
                recovery=False,
            )
        )
    if not isinstance(judgement.decision, StepUp):
        return request.lead_on(judgement.decision)
    asked = dict(parse_qsl(request.scope.get("query_string", b"").decode("latin-1"))).get("way", "")
    mine = (
        _mine(request, judgement, asked)
        or (_mine(request, judgement, last.target) if last else None)
        or first_offer(judgement, off=request.off)
    )
    if mine is None:
        return not_found(request)
    last = last if last and last.target == mine.id else None
    return request.show(
        views.CodeHelp(
            way=way_of(request, mine, judgement),
            back=request.own(f"/challenge/{mine.id}"),
            send_url=request.own(f"/challenge/{mine.id}")
            if request.factors.traits[mine.factor].sends and mine.factor not in request.off
            else "",
            public=request.public,
            sent_at=last.issued_at if last else 0,
            waiting=last is not None and last.waits,
            resend_at=_resend_at(request, last) if last else 0,
            others=ways_of(request, judgement, without=mine.id),
            recovery=bool(request.rules.recovery.ways or request.rules.recovery.self_service),
        )
    )


def _mine(request: PageRequest, judgement: Judgement, id: str) -> Authenticator | None:
    return next((a for a in reachable(judgement) if a.id == id), None)


def _waiting(request: PageRequest, judgement: Judgement, mine: Authenticator) -> Challenge | None:
    """Find this browser's latest challenge for the authenticator that can still be answered."""
    account = judgement.account
    found = [
        c
        for c in (account.challenges if account else ())
        if c.target == mine.id and c.browser == request.caller.handle and c.is_live(request.now)
    ]
    return found[-1] if found else None


def _may_send(request: PageRequest, judgement: Judgement, mine: Authenticator) -> bool:
    rules = request.rules.factors
    if (
        not rules.auto_send
        or not request.factors.traits[mine.factor].sends
        or request.fresh
        or mine.factor in request.off
    ):
        return False
    offered = first_offer(judgement, off=request.off)
    return _came_by_link(request.scope) and offered is not None and offered.id == mine.id


def _passkey(request: PageRequest, mine: Iterable[Authenticator]) -> str:
    """Find the passkey to ask for beside a code (U-42).

    The browser itself answers it, when a person picks it in the field. Returns its id, or "".
    """
    return next((a.id for a in mine if _in_browser(request, a.factor)), "")


def _in_browser(request: PageRequest, factor: str) -> bool:
    """Tell if the browser itself answers for a factor: no code is sent or typed."""
    traits = request.factors.traits[factor]
    return traits.needs_challenge and not traits.sends and not traits.typed


def _came_by_link(scope: Scope) -> bool:
    """Tell a person's own navigation from a browser's guess, a replay, and another site's act.

    A chain of redirects that began at another site belongs to that site to its end. This includes a link in a mail.
    There, and where the browser does not say, the page has a button.
    """
    if scope["method"] != "GET" or header(scope, b"sec-fetch-mode") != b"navigate" or is_early(scope):
        return False
    if header(scope, b"sec-fetch-site") not in (b"same-origin", b"none"):
        return False
    if header(scope, b"sec-fetch-dest") not in (b"document", None):
        return False
    return header(scope, b"sec-purpose") is None and header(scope, b"purpose") is None


def keep_choice(request: PageRequest, *, remember: bool) -> None:
    """Note that this browser is not to be remembered, until the challenge is over (U-11)."""
    cookies, jar = request.site.cookies, request.jar
    name = jar.once
    known = bool(cookies.note(jar, name, request.scope))
    request.headers[:] = [h for h in request.headers if not h[1].startswith(name + b"=")]
    if not remember:
        request.headers.append(cookies.set_note(jar, name, {"once": True}))
    elif known:
        request.headers.append(cookies.drop_note(jar, name))


def _is_remembered(request: PageRequest) -> bool:
    """Tell if the box is ticked, by this form or an earlier one of this challenge."""
    if "asked" in request.form or "code" in request.form:
        return bool(request.form.get("remember"))
    return not request.site.cookies.note(request.jar, request.jar.once, request.scope)


def _resend_at(request: PageRequest, challenge: Challenge) -> int:
    limits = request.factors[challenge.factor].limits(request.rules)
    return challenge.issued_at + (limits.wait if limits else 0)


def _prompts(request: PageRequest, judgement: Judgement, part: Prompts, mine: Authenticator) -> bool:
    """Tell if the browser asks at once: the last proof here was by this one (U-41)."""
    evidence = judgement.evidence
    last = evidence.browser.last_factor if evidence and evidence.browser else ""
    return last == mine.id and not request.problems and part.prompts(request.rules)


def _view(
    request: PageRequest,
    judgement: Judgement,
    mine: Authenticator,
    challenge: Challenge | None,
    *,
    failed: str = "",
    remaining: int | None = None,
    moved_to: str = "",
) -> views.Challenge:
    decision, offered = judgement.decision, reachable(judgement)
    rules = request.rules
    traits = request.factors.traits[mine.factor]
    sending: Sending = "none"
    cause = ""
    if traits.sends:
        sending, cause = delivery_of(challenge, failed)
        if mine.factor in request.off and sending != "sent":
            sending = "off"
    max_age = int(rules.freshness.max_age)
    account = judgement.account
    if remaining is None and account is not None and account.attempts.used:
        remaining = left_of(request, account)
    part = request.factors[mine.factor]
    shape = part.code(rules, mine.data)
    face = request.service.challenges.face(request.caller, account, challenge) if account and challenge else {}
    action, asked_by = request.asked_by(decision)
    return views.Challenge(
        way=way_of(request, mine, judgement),
        why=decision.reason if isinstance(decision, StepUp) else "no_proof",
        action=action,
        asked_by=asked_by,
        max_age=max_age,
        sending=sending,
        cause=cause,
        sent_at=challenge.issued_at if challenge else 0,
        expires_at=challenge.expires_at if challenge else 0,
        resend_at=_resend_at(request, challenge) if challenge else 0,
        challenge=challenge.id if challenge else "",
        digits=shape.length if shape else 6,
        others=tuple(way_of(request, other, judgement) for other in offered if other.id != mine.id),
        recovery=bool(rules.recovery.ways or rules.recovery.self_service),
        moved_to=moved_to,
        asked_at=asked_at(account.recovery, rules) if account and account.recovery else 0,
        remember_for=max_age if rules.freshness.remember == "browser" else 0,
        remember=_is_remembered(request),
        remaining=remaining,
        waiting=waiting_of(request, challenge),
        poll_url=poll_url(request, challenge) if challenge else "",
        number=face.get("number", ""),
        public=request.public if face else "",
        prompt=isinstance(part, Prompts) and _prompts(request, judgement, part, mine),
        passkey=_passkey(request, offered) if wants_code(request, mine.factor, challenge) and not traits.backup else "",
    )
