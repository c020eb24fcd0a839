"""``/challenge``: proving the second factor."""

from __future__ import annotations

from urllib.parse import parse_qsl

from ...core.decision import Allow, StepUp
from ...core.model import Authenticator, Challenge
from ...core.reasons import Refusal
from ...service import Judgement
from ...service.challenges import Issued
from ...service.factor_choice import first_offer, reachable
from .. import views
from ..callers import Scope, header
from ..forms import is_early
from ..request import Visit, problem_from
from ..responses import Answer
from ..views import Notice, Problem, Sending
from .ways import way_of, ways_of

LATER = ("too_soon", "factor_unavailable", "send_refused")
"""Why nothing was sent, said on the same page, which has the other ways."""


async def start(visit: Visit) -> Answer:
    """``GET /challenge``: the one to ask for first; ``POST`` with ``authenticator`` is that one's form."""
    judgement = await visit.judgement()
    if isinstance(judgement.decision, Allow) and visit.flashed == "backup_used":
        onward = visit.going_to
        visit.headers.append(visit.site.cookies.drop_note(visit.jar, visit.jar.going))
        return visit.show(views.Continue(continue_url=onward, why="done"))
    if not isinstance(judgement.decision, StepUp):
        return visit.lead_on(judgement.decision)
    if visit.scope["method"] == "POST":
        return await answer(visit, visit.form.get("authenticator", ""))
    mine = first_offer(judgement, off=visit.off)
    if mine is None and judgement.evidence is not None and judgement.evidence.upstream:
        return visit.show(_sign_in_again(visit, judgement.decision))
    if mine is None:
        return visit.show(views.Fault(reason="not_enrollable", status=403))
    return await one(visit, mine.id)


def _sign_in_again(visit: Visit, decision: StepUp) -> views.SignInAgain:
    """Nothing of ours is set up: only the identity provider can confirm that it is them."""
    return views.SignInAgain(
        why=decision.reason,
        max_age=decision.demand.max_age,
        sign_in=visit.site.sign_in,
        sign_out=visit.site.sign_out,
    )


async def one(visit: Visit, id: str) -> Answer:
    """``GET /challenge/{authenticator}``. It sends a code by itself only where a person plainly came by a link (U-13)."""
    judgement = await visit.judgement()
    if not isinstance(judgement.decision, StepUp):
        return visit.lead_on(judgement.decision)
    mine = _mine(visit, judgement, id)
    if mine is None:
        return not_found(visit)
    issued = _waiting(visit, judgement, mine)
    if issued is None and _may_send(visit, judgement, mine):
        sent = await visit.service.challenges.begin(visit.caller, mine.id)
        if isinstance(sent, Issued):
            return visit.show(_view(visit, judgement, mine, sent.challenge, failed=sent.failed))
        # The visitor asked for nothing yet, so "too soon" would be no answer to anything: the page has a button for it.
        problems = [] if sent.reason == "too_soon" else [problem_from(sent, "")]
        return visit.show(_view(visit, judgement, mine, None), problems=problems)
    return visit.show(_view(visit, judgement, mine, issued))


async def answer(visit: Visit, id: str) -> Answer:
    """``POST /challenge/{authenticator}``: a response, or the wish for a code."""
    judgement = await visit.judgement()
    mine = _mine(visit, judgement, id)
    if mine is None:
        return not_found(visit)
    action, code = visit.form.get("action"), visit.form.get("code", "")
    has_answer = "code" in visit.form or action == "check" or not visit.factors.traits[mine.factor].needs_challenge
    asks = visit.rules.freshness.remember == "browser"
    if asks and ("asked" in visit.form or (has_answer and action != "send")):
        keep_choice(visit, remember=bool(visit.form.get("remember")))
    if action == "send" or not has_answer:
        return await _send(visit, judgement, mine)
    asked = _waiting(visit, judgement, mine)
    if not code.strip() and wants_code(visit, mine.factor, asked):
        return visit.show(
            _view(visit, judgement, mine, asked),
            status=422,
            problems=[Problem(reason="code_missing", field="code")],
        )
    rules = visit.rules
    result = await visit.service.verification.verify(
        visit.caller,
        handle=visit.handle,
        authenticator=mine.id,
        challenge=visit.form.get("challenge", ""),
        response=code,
        remember=bool(visit.form.get("remember")) and rules.freshness.remember == "browser",
    )
    if isinstance(result, Refusal):
        return await _refused(visit, mine, result)
    visit.take_handle(result.handle, remembered=result.remembered)
    keep_choice(visit, remember=True)
    if result.granted and visit.factors.traits[mine.factor].backup:
        left = result.granted.authenticator.data.get("left")
        notice = Notice(word="backup_used", count=len(left) if isinstance(left, (list, tuple)) else 0)
        # The app's page could not say how many are left, so one of ours does, on the way there (U-35).
        return visit.go(visit.own("/challenge"), notice=notice)
    return visit.go(visit.going_to, done=True)


async def _send(visit: Visit, judgement: Judgement, mine: Authenticator) -> Answer:
    sent = await visit.service.challenges.begin(visit.caller, mine.id)
    if isinstance(sent, Refusal):
        if sent.reason == "locked":
            return visit.go(visit.own("/locked"))
        status = 422 if sent.reason in LATER else sent.row.status
        view = _view(visit, judgement, mine, _waiting(visit, judgement, mine))
        return visit.show(view, status=status, problems=[problem_from(sent, "")])
    if sent.failed:
        return visit.show(_view(visit, judgement, mine, sent.challenge, failed=sent.failed), status=422)
    return visit.go(visit.own(f"/challenge/{mine.id}"), notice=Notice(word="sent", value=sent.hint))


async def _refused(visit: Visit, mine: Authenticator, refusal: Refusal) -> Answer:
    """The same page with what was wrong (422); the seventh failure shows the lock."""
    visit.forget_judgement()
    judgement = await visit.judgement()
    if refusal.reason == "locked" or refusal.attempts_remaining == 0:
        from .account import locked_view

        return visit.show(locked_view(judgement, refusal.ref), status=422 if refusal.reason != "locked" else 403)
    if isinstance(judgement.decision, Allow):
        return visit.lead_on(judgement.decision)
    asked = _waiting(visit, judgement, mine)
    view = _view(visit, judgement, mine, asked, remaining=refusal.attempts_remaining)
    field = "code" if wants_code(visit, mine.factor, asked) else ""
    typed = visit.form.get("code", "") if field else None
    shape = visit.factors[mine.factor].code(visit.rules, mine.data)
    untyped = None if field else visit.factors.traits[mine.factor]
    return visit.show(
        view, status=422, problems=[problem_from(refusal, field, typed=typed, shape=shape, untyped=untyped)]
    )


async def help_page(visit: Visit) -> Answer:
    """``/challenge/help``: I did not get a code (U-16), for a challenge or for an enrollment under way."""
    judgement = await visit.judgement()
    account = judgement.account
    live = [
        c
        for c in (account.challenges if account else ())
        if c.browser == visit.caller.handle and c.purpose in ("sign-in", "enroll") and not _in_browser(visit, c.factor)
    ]
    last = max(live, key=lambda c: c.issued_at, default=None)
    if last is not None and last.purpose == "enroll":
        return visit.show(
            views.CodeHelp(
                way=views.Way(kind=last.factor, label=visit.factors.traits[last.factor].name),
                back=visit.own(f"/enroll/{last.factor}"),
                send_url=visit.own(f"/enroll/{last.factor}") if last.is_live(visit.now) else "",
                enrollment=last.target,
                change_url=visit.own(f"/enroll/{last.factor}?again=1"),
                sent_at=last.issued_at,
                resend_at=_resend_at(visit, last),
                recovery=False,
            )
        )
    if not isinstance(judgement.decision, StepUp):
        return visit.lead_on(judgement.decision)
    asked = dict(parse_qsl(visit.scope.get("query_string", b"").decode("latin-1"))).get("way", "")
    mine = (
        _mine(visit, judgement, asked)
        or (_mine(visit, judgement, last.target) if last else None)
        or first_offer(judgement, off=visit.off)
    )
    if mine is None:
        return not_found(visit)
    last = last if last and last.target == mine.id else None
    return visit.show(
        views.CodeHelp(
            way=way_of(visit, mine, judgement),
            back=visit.own(f"/challenge/{mine.id}"),
            send_url=visit.own(f"/challenge/{mine.id}")
            if visit.factors.traits[mine.factor].sends and mine.factor not in visit.off
            else "",
            sent_at=last.issued_at if last else 0,
            resend_at=_resend_at(visit, last) if last else 0,
            others=ways_of(visit, judgement, without=mine.id),
            recovery=bool(visit.rules.recovery.ways),
        )
    )


def not_found(visit: Visit) -> Answer:
    """Nothing here, or nothing of the visitor's: the same answer."""
    return visit.show(views.Fault(reason="not_found", status=404, back=visit.base), status=404)


def wants_code(visit: Visit, factor: str, challenge: Challenge | None) -> bool:
    """Whether the page has a field for a code: by the factor, or by what was issued."""
    return visit.factors.traits[factor].typed or (challenge is not None and "code" in challenge.data)


def waiting_of(visit: Visit, challenge: Challenge | None) -> bool:
    """Whether the page waits for an answer that comes another way."""
    return challenge is not None and challenge.waits and challenge.is_live(visit.now)


def poll_url(visit: Visit, challenge: Challenge | None) -> str:
    """Where a waiting page asks whether it was answered."""
    return visit.own(f"/api/challenge/{challenge.id}") if challenge and waiting_of(visit, challenge) else ""


def _mine(visit: Visit, judgement: Judgement, id: str) -> Authenticator | None:
    return next((a for a in reachable(judgement) if a.id == id), None)


def _waiting(visit: Visit, judgement: Judgement, mine: Authenticator) -> Challenge | None:
    """The latest challenge of this browser for this authenticator that can still be answered."""
    account = judgement.account
    found = [
        c
        for c in (account.challenges if account else ())
        if c.target == mine.id and c.browser == visit.caller.handle and c.is_live(visit.now)
    ]
    return found[-1] if found else None


def _may_send(visit: Visit, judgement: Judgement, mine: Authenticator) -> bool:
    rules = visit.rules.factors
    if not rules.auto_send or not visit.factors.traits[mine.factor].sends or visit.fresh or mine.factor in visit.off:
        return False
    offered = first_offer(judgement, off=visit.off)
    return _came_by_link(visit.scope) and offered is not None and offered.id == mine.id


def _passkey(visit: Visit, judgement: Judgement) -> str:
    """The one to ask for beside a code: what the browser itself answers, when a person picks it in the field (U-42)."""
    mine = reachable(judgement)
    return next((a.id for a in mine if _in_browser(visit, a.factor)), "")


def _in_browser(visit: Visit, factor: str) -> bool:
    """Whether the browser answers, and neither sends nor types a code."""
    traits = visit.factors.traits[factor]
    return traits.needs_challenge and not traits.sends and not traits.typed


def _came_by_link(scope: Scope) -> bool:
    """Tell a person's own navigation from a browser's guess, a replay, and what another site began.

    A chain of redirects that began at another site is that site's to the end, a link in a mail included: then, and where
    the browser does not say, the page has a button.
    """
    if scope["method"] != "GET" or header(scope, b"sec-fetch-mode") != b"navigate" or is_early(scope):
        return False
    if header(scope, b"sec-fetch-site") not in (b"same-origin", b"none"):
        return False
    if header(scope, b"sec-fetch-dest") not in (b"document", None):
        return False
    return header(scope, b"sec-purpose") is None and header(scope, b"purpose") is None


def keep_choice(visit: Visit, *, remember: bool) -> None:
    """Keep with the browser that it is not to be remembered, until the challenge is over (U-11)."""
    cookies, jar = visit.site.cookies, visit.jar
    name = jar.once
    known = bool(cookies.note(jar, name, visit.scope))
    visit.headers = [h for h in visit.headers if not h[1].startswith(name + b"=")]
    if not remember:
        visit.headers.append(cookies.set_note(jar, name, {"once": True}))
    elif known:
        visit.headers.append(cookies.drop_note(jar, name))


def _is_remembered(visit: Visit) -> bool:
    """Whether the box is ticked: as it was sent with this form, or with an earlier one of this challenge."""
    if "asked" in visit.form or "code" in visit.form:
        return bool(visit.form.get("remember"))
    return not visit.site.cookies.note(visit.jar, visit.jar.once, visit.scope)


def _resend_at(visit: Visit, challenge: Challenge) -> int:

    limits = visit.factors[challenge.factor].limits(visit.rules)
    return challenge.issued_at + (limits.wait if limits else 0)


def _view(
    visit: Visit,
    judgement: Judgement,
    mine: Authenticator,
    challenge: Challenge | None,
    *,
    failed: str = "",
    remaining: int | None = None,
) -> views.Challenge:
    decision = judgement.decision
    rules = visit.rules
    traits = visit.factors.traits[mine.factor]
    sending: Sending = "none"
    if traits.sends:
        undelivered = failed or (challenge is not None and challenge.status == "undelivered")
        sending = "unsent" if challenge is None else "failed" if undelivered else "sent"
        if mine.factor in visit.off and sending != "sent":
            sending = "off"
    max_age = int(rules.freshness.max_age)
    account = judgement.account
    shape = visit.factors[mine.factor].code(rules, mine.data)
    face = visit.service.challenges.face(visit.caller, account, challenge) if account else {}
    return views.Challenge(
        way=way_of(visit, mine, judgement),
        why=decision.reason if isinstance(decision, StepUp) else "no_proof",
        max_age=max_age,
        sending=sending,
        sent_at=challenge.issued_at if challenge else 0,
        expires_at=challenge.expires_at if challenge else 0,
        resend_at=_resend_at(visit, challenge) if challenge else 0,
        challenge=challenge.id if challenge else "",
        digits=shape.length if shape else 6,
        others=ways_of(visit, judgement, without=mine.id),
        recovery=bool(rules.recovery.ways),
        remember_for=max_age if rules.freshness.remember == "browser" else 0,
        remember=_is_remembered(visit),
        remaining=remaining,
        waiting=waiting_of(visit, challenge),
        poll_url=poll_url(visit, challenge),
        number=face.get("number", ""),
        passkey=_passkey(visit, judgement) if wants_code(visit, mine.factor, challenge) and not traits.backup else "",
    )
