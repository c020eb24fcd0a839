"""Share the views and answers that several pages need."""

from __future__ import annotations

from ...core.assurance import Traits
from ...core.attempts import remaining
from ...core.changes import change_demand
from ...core.model import Account, Authenticator, Challenge, Recovery
from ...core.policy import Demand
from ...core.reasons import UNTYPED, Refusal
from ...core.rules import Rules
from ...core.slow_recovery import opens_at
from ...factors.base import CodeShape
from ...factors.optional_parts import LivesOnDevice
from ...factors.region_names import told_regions
from ...service import Judgement
from ...service.challenges import Issued
from ...service.enrollable import enrollable
from ...service.factor_choice import reachable
from ..request import PageRequest
from ..responses import Answer
from ..views import Fault, Locked, Notice, Problem, Sending, View, Way

ISOLATED, ISOLATE_ENDS = "\u2066", "\u2069"
"""Marks round a number inside a text that runs from right to left."""
STEPS = 3
"""The steps of a first enrollment: choose, try out, and keep the backup codes. Without codes the last page says what is set up."""


def not_found(request: PageRequest) -> Answer:
    """Answer that nothing is here, or nothing of the person's own: the same page for both."""
    return request.show(Fault(reason="not_found", status=404, back=request.base), status=404)


def confirm_first(request: PageRequest, judgement: Judgement, place: str, *, demand: Demand | None = None) -> Answer:
    """Ask for a proof that meets ``demand``, then lead back to a page of ours.

    Without a ``demand`` it is that of any change of factors.
    """
    evidence = judgement.evidence
    if evidence is None:
        return request.lead_on(judgement.decision)
    return first_at(request, "/challenge", place, demand or change_demand(evidence, judgement.requirement))


def first_at(request: PageRequest, page: str, place: str, *demands: Demand) -> Answer:
    """Lead to another page of ours first, and back to ``place`` afterwards.

    A proof on the way meets ``demands``.
    """
    request.interruption.come_back_to(request.own(place), demands=demands)
    return request.go(request.own(page), turned_away=True)


def locked_view(judgement: Judgement, ref: str = "") -> Locked:
    """Draw the page of a lock: who can end it, and the reference to quote (U-54)."""
    lock = judgement.account.lock if judgement.account else None
    return Locked(
        ref=lock.ref if lock else ref, cause=lock.cause if lock else "attempts", locked_at=lock.at if lock else 0
    )


def leave_locked(request: PageRequest) -> Answer:
    """Leave a form after the last attempt, so that no reload sends it again."""
    return request.go(request.own("/locked"), turned_away=True)


def frozen_until(request: PageRequest, judgement: Judgement) -> int:
    """Return the end of a stop of all changes, which "this was not me" has caused.

    0 where nothing is stopped.
    """
    until = judgement.account.frozen_until if judgement.account else 0
    return until if until > request.now else 0


def frozen_page(request: PageRequest, judgement: Judgement, back: str) -> Answer:
    """Say that changes are stopped, until when, and whom to ask.

    A further proof would change nothing.
    """
    view = Fault(reason="frozen", status=403, back=back, until=frozen_until(request, judgement))
    return request.show(view, status=403)


def asked_at(waiting: Recovery, rules: Rules) -> int:
    """Return the time of a request that opens by itself; 0 for another one."""
    return waiting.at if opens_at(waiting, int(rules.recovery.self_service)) else 0


def ask_later(request: PageRequest, view: View, refusal: Refusal, *, status: int = 422) -> Answer:
    """Show a page with a quiet word about when another code can be sent.

    To wait is no fault (U-17).
    """
    return request.show(view, status=status, notice=Notice(word="wait", count=refusal.retry_after or 0))


def keep_wrong(request: PageRequest, code: str) -> None:
    """Note in this browser that the code of this very form was wrong."""
    if form := request.form.get("form_id", ""):
        subject = request.subject
        digest = request.service.engine.keyring.digest("resent", subject.tenant, subject.id, form, code)
        cookies, jar = request.site.cookies, request.jar
        request.headers.append(cookies.set_note(jar, jar.wrong, {"d": digest}))


def was_wrong(request: PageRequest, code: str) -> bool:
    """Tell if this very form was sent before with this very code, which was wrong.

    A reload sends it again.

    It is not compared again, so it costs nothing, and tells nothing new.
    """
    form = request.form.get("form_id", "")
    note = request.site.cookies.note(request.jar, request.jar.wrong, request.scope) if form else {}
    names = (request.subject.tenant, request.subject.id, form, code)
    return bool(note) and request.service.engine.keyring.matches("resent", str(note.get("d", "")), *names)


def left_of(request: PageRequest, account: Account | None) -> int | None:
    """Count the attempts that are left, where one was taken.

    None for a full budget (U-12, decisions 20).
    """
    if account is None or not account.attempts.used:
        return None
    return remaining(account.attempts, request.rules.attempts)


def wants_code(request: PageRequest, factor: str, challenge: Challenge | None) -> bool:
    """Tell if the page has a field for a code.

    It has one for a factor whose code is typed, and for a challenge that was issued with a code.
    """
    return request.factors.traits[factor].typed or (challenge is not None and "code" in challenge.data)


def waiting_of(request: PageRequest, challenge: Challenge | None) -> bool:
    """Tell if the page waits for an answer that comes another way."""
    return challenge is not None and challenge.waits and challenge.is_live(request.now)


def delivery_of(challenge: Challenge | None, failed: str) -> tuple[Sending, str]:
    """Tell how the message of a challenge fares, and the sender's reason if it failed.

    ``failed`` is the reason for which it could not be sent just now, "" for none.
    """
    if challenge is None:
        return "unsent", failed
    if failed or challenge.status == "undelivered":
        return "failed", failed or challenge.undelivered
    return "sent", ""


def poll_url(request: PageRequest, challenge: Challenge | None) -> str:
    """Return the address at which a waiting page asks for the answer.

    Returns "" where the page does not wait.
    """
    return request.own(f"/api/challenge/{challenge.id}") if challenge and waiting_of(request, challenge) else ""


def shape_of(typed: str, shape: CodeShape) -> str:
    """Return the form's own word for the wrong shape of a typed code (U-9).

    It looks at nothing that is stored.
    """
    kept = "".join(char for char in typed if char.isalnum())
    if not kept:
        return "code_missing"
    if not (kept.isdigit() or shape.letters) or len(kept) == shape.length:
        return "code_letters"
    return "code_short" if len(kept) < shape.length else "code_long"


def sent_notice(sent: Issued) -> Notice:
    """Say that something is on its way: a code, or a call or a request, which are no codes."""
    return Notice(word="asked" if sent.challenge.waits else "sent", value=sent.hint)


def problem_from(
    refusal: Refusal,
    field: str = "code",
    *,
    typed: str | None = None,
    shape: CodeShape | None = None,
    untyped: Traits | None = None,
    lang: str = "en",
) -> Problem:
    """Draw a refusal as a problem of a form field.

    ``shape`` is the shape of the code that was to be typed. ``untyped`` are the traits of the factor where nothing was
    typed: such an answer has words of its own. ``lang`` is for the names of countries.
    """
    if typed is not None and refusal.reason == "malformed":
        return Problem(reason=shape_of(typed, shape or CodeShape()), field=field)
    if refusal.reason == "phone_region" and refusal.detail:
        about, accepted = told_regions(refusal.detail, lang)
        return Problem(reason=refusal.reason, field=field, detail=accepted, about=about)
    reason = own_word(untyped, refusal.reason) if untyped else refusal.reason
    detail = f"{ISOLATED}{refusal.detail}{ISOLATE_ENDS}" if refusal.detail.startswith("+") else refusal.detail
    return Problem(reason=reason, field=field, seconds=refusal.drift or refusal.retry_after or 0, detail=detail)


def own_word(traits: Traits, reason: str) -> str:
    """Return the word for ``reason`` after an answer that nobody types.

    It is ``passkey_…`` after a passkey, and ``request_…`` after a call or a phone.
    """
    if reason not in UNTYPED:
        return reason
    return f"{'request' if traits.sends else 'passkey'}_{reason.removesuffix('_code').removeprefix('code_')}"


def way_of(request: PageRequest, authenticator: Authenticator, judgement: Judgement) -> Way:
    """Draw one of the visitor's authenticators, with its factor's hint.

    A hint is a masked destination, or says if a passkey is synced.
    """
    evidence, factor = judgement.evidence, request.factors.get(authenticator.factor)
    hint = ""
    if evidence is not None and factor is not None:
        context = request.service.challenges.context(
            request.caller, judgement.requirement.rules, purpose="sign-in", account=evidence.account
        )
        hint = factor.hint(context, authenticator.data)
    browser = evidence.browser if evidence else None
    return Way(
        kind=authenticator.factor,
        id=authenticator.id,
        label=request.site.languages.own_name(authenticator.label, request.lang),
        hint=hint,
        last=bool(browser and browser.last_factor == authenticator.id),
        off=authenticator.factor in request.off,
    )


def is_alone(request: PageRequest, judgement: Judgement, mine: Authenticator) -> bool:
    """Tell if an authenticator is on one device, and the only one of its kind (U-46)."""
    part, account = request.factors.get(mine.factor), judgement.account
    if not isinstance(part, LivesOnDevice) or not part.is_on_one_device(mine.data):
        return False
    return not any(a.factor == mine.factor and a.id != mine.id for a in (account.authenticators if account else ()))


def ways_of(request: PageRequest, judgement: Judgement, *, without: str = "") -> tuple[Way, ...]:
    """List the authenticators that may answer here, strongest first."""
    mine = reachable(judgement)
    return tuple(way_of(request, a, judgement) for a in mine if a.id != without)


def kinds_of(request: PageRequest, judgement: Judgement) -> tuple[Way, ...]:
    """List the factors that may be enrolled here.

    They are those that the demand asks for, and whose sender the host has.
    """
    kinds = enrollable(judgement)
    senders, traits = request.service.engine.wiring.senders, request.factors.traits
    return tuple(
        Way(kind=kind, label=traits[kind].name, off=kind in request.off)
        for kind in kinds
        if not traits[kind].sends or traits[kind].fetched or senders.for_channel(traits[kind].sends) is not None
    )
