"""Show one's own things: backup codes, the lock, recovery, the agreement."""

from __future__ import annotations

from dataclasses import replace

from ...core.changes import may_change
from ...core.decision import Agree, Allow, Deny, StepUp
from ...core.reasons import Refusal
from ...core.slow_recovery import is_open, opens_at
from ...service import Judgement
from ...service.access import owed
from ...service.factor_choice import first_offer
from .. import views
from ..request import PageRequest
from ..responses import Answer, page
from ..times import day
from ..views import Problem
from .common import (
    STEPS,
    ask_later,
    confirm_first,
    frozen_page,
    frozen_until,
    leave_locked,
    locked_view,
    not_found,
    problem_from,
    way_of,
    ways_of,
)

# -- backup codes --------------------------------------------------------------------------------------------------


async def backup_codes(request: PageRequest) -> Answer:
    """Answer ``/backup-codes``: make a set, show it, and note that it was saved."""
    judgement = await request.judgement()
    account, evidence = judgement.account, judgement.evidence
    if isinstance(judgement.decision, StepUp):
        return confirm_first(request, judgement, "/backup-codes")
    if isinstance(judgement.decision, Deny) or account is None or evidence is None or not account.authenticators:
        return request.lead_on(judgement.decision)
    if request.factors.backup not in judgement.requirement.factors:
        return not_found(request)
    if isinstance(judgement.decision, Allow) and owed(judgement, request.now) is not None:
        return confirm_first(request, judgement, "/backup-codes")
    backup = request.service.backup
    kept = await backup.kept(request.caller)
    action = request.form.get("action", "") if request.scope["method"] == "POST" else ""
    match action:
        case "download":
            return _download(request, request.form.get("codes", "").split())
        case "saved":
            if not request.form.get("saved") and kept is not None:
                problem = Problem(reason="saved_missing", field="saved")
                return request.show(_codes(request, judgement, kept[1], request.now), status=422, problems=[problem])
            await backup.saved(request.caller)
            if request.interruption.note:
                return request.lead_on(judgement.decision, turned_away=False)
            return request.go(request.base)
        case "":
            if kept is not None:
                replaced = "replaced" in request.query
                return request.show(_codes(request, judgement, kept[1], kept[0].created_at, replaced=replaced))
            if frozen_until(request, judgement):
                return frozen_page(request, judgement, request.base)
            if request.scope["method"] != "POST":
                return request.show(_stock(request, judgement))
    if frozen_until(request, judgement):
        return frozen_page(request, judgement, request.base)
    if may_change(evidence, judgement.requirement, request.now) is not None:
        return confirm_first(request, judgement, "/backup-codes")
    had = any(request.factors.is_backup(a.factor) for a in account.authenticators)
    made = await backup.make(request.caller)
    if isinstance(made, Refusal):
        return request.show(_stock(request, judgement), status=422, problems=[problem_from(made, "")])
    return request.go(request.own(f"/backup-codes{'?replaced=1' if had else ''}"))


def _codes(
    request: PageRequest, judgement: Judgement, codes: tuple[str, ...], made_at: int, *, replaced: bool = False
) -> views.BackupCodes:
    """Draw the page of a set: a step of a first set-up, or an act in the settings."""
    way = request.interruption
    steps = STEPS if way.note and not way.is_offered and not replaced else 0
    return views.BackupCodes(codes=codes, made_at=made_at, replaced=replaced, steps=steps)


def _stock(request: PageRequest, judgement: Judgement) -> views.BackupCodesStart:
    account = judgement.account
    mine = next((a for a in (account.authenticators if account else ()) if a.factor == request.factors.backup), None)
    return views.BackupCodesStart(
        remaining=request.service.backup.left(request.caller, judgement) if mine else None,
        made_at=mine.created_at if mine else 0,
        count=request.service.backup.stock(judgement)[0],
        back=request.base,
    )


def _download(request: PageRequest, codes: list[str]) -> Answer:
    """Write the codes that the page holds into a text file (U-34).

    The file names service and date in the reader's words, and gives no hint at the password.
    """
    words = request.site.languages.words(request.lang)
    service = request.rules.brand.name or request.service.engine.wiring.relying_party.name
    title = words.gettext("Backup codes for %(service)s") % {"service": service}
    head = (title, day(request.now, words), words.gettext("Each code works once."))
    shown = [code for code in codes if len(code) <= 16 and code.replace("-", "").isalnum() and code.isascii()][:50]
    text = "\n".join((*head, "", *shown, ""))
    disposition = (b"content-disposition", b'attachment; filename="backup-codes.txt"')
    answer = page(text.encode(), headers=[disposition])
    answer.headers = [h for h in answer.headers if h[0] != b"content-type"]
    answer.headers.append((b"content-type", b"text/plain; charset=utf-8"))
    return answer


# -- locked, recovery, agreement -----------------------------------------------------------------------------------


async def locked(request: PageRequest) -> Answer:
    """Show ``/locked``, also to a browser whose proof still lives.

    No attempt is left there either.
    """
    judgement = await request.judgement()
    is_locked = judgement.account is not None and judgement.account.lock is not None
    if not is_locked and not isinstance(judgement.decision, Deny):
        return request.lead_on(judgement.decision)
    return request.show(locked_view(judgement))


async def recovery(request: PageRequest) -> Answer:
    """Answer ``/recovery``, for a person who has lost access.

    It offers other factors, backup codes, or a request. An administrator answers the request, or it opens the way to set
    up anew after the policy's wait (``action=begin``).
    """
    judgement = await request.judgement()
    if not isinstance(judgement.decision, (StepUp, Deny)):
        return request.lead_on(judgement.decision)
    if request.scope["method"] != "POST":
        shown = _recovery(request, judgement)
        return request.show(_sent(shown) if shown.ref and "sent" in request.query else shown)
    if request.form.get("action") == "begin":
        return await _begin_anew(request, judgement)
    about = request.form.get("about", "")
    result = await request.service.self_service.request_recovery(request.caller, about=about)
    if isinstance(result, Refusal):
        if result.reason == "too_soon":
            return ask_later(request, _recovery(request, judgement, about=about), result)
        reason = "about_missing" if not about.strip() else "text_long" if len(about) > 500 else result.reason
        is_of_text = reason in ("about_missing", "text_long")
        problem = Problem(reason=reason, field="about" if is_of_text else "", detail="500" if is_of_text else "")
        return request.show(_recovery(request, judgement, about=about), status=422, problems=[problem])
    return request.go(request.own("/recovery?sent=1"))


def _sent(shown: views.Recovery) -> views.RecoverySent:
    """Draw the page after a request was sent: what happens next."""
    return views.RecoverySent(ref=shown.ref, back=shown.back, by_hand=shown.by_hand, opens_at=shown.opens_at)


async def _begin_anew(request: PageRequest, judgement: Judgement) -> Answer:
    """Remove the lost methods after the wait, and lead on to the set-up."""
    refusal = await request.service.slow_recovery.set_up_anew(request.caller)
    if refusal is None:
        return request.go(request.own("/enroll"))
    if refusal.reason == "locked":
        return leave_locked(request)
    request.forget_judgement()
    view = _recovery(request, await request.judgement())
    return request.show(view, status=422, problems=[problem_from(replace(refusal, reason="not_open"), "")])


def _recovery(request: PageRequest, judgement: Judgement, *, about: str = "") -> views.Recovery:
    ways = ways_of(request, judgement)
    offered = first_offer(judgement, off=request.off)
    rules, account = request.rules.recovery, judgement.account
    others = [w for w in ways if not request.factors.traits[w.kind].backup and (offered is None or w.id != offered.id)]
    waiting, locked = account.recovery if account else None, account is not None and account.lock is not None
    wait = 0 if locked else int(rules.self_service)
    opens, by_hand = 0 if locked else opens_at(waiting, wait), "request" in rules.ways
    return views.Recovery(
        lost=way_of(request, offered, judgement) if offered else None,
        others=tuple(others) if "other-factor" in rules.ways else (),
        backup=next((w for w in ways if request.factors.traits[w.kind].backup), None)
        if request.factors.backup in rules.ways
        else None,
        can_request=(by_hand and waiting is None) or (bool(wait) and not opens),
        requested_at=waiting.at if waiting else 0,
        ref=waiting.ref if waiting else "",
        about=about,
        back=request.own("/challenge"),
        wait=wait,
        by_hand=by_hand,
        opens_at=opens,
        open=account is not None and is_open(account, wait, request.now),
    )


async def agreement(request: PageRequest) -> Answer:
    """Answer ``/agreement``: accept it, or decline and be led to the sign-out."""
    judgement = await request.judgement()
    decision, rules = judgement.decision, request.rules
    if isinstance(decision, (Agree, StepUp)) and rules.agreement is not None and "declined" in request.query:
        return _declined(request, rules.agreement.title)
    if not isinstance(decision, Agree) or rules.agreement is None:
        return request.lead_on(decision)
    if request.scope["method"] == "POST":
        form = request.form
        if form.get("action") == "decline":
            await request.service.self_service.decline(request.caller)
            # Our cookies are dropped now. The way out is the host's own sign-out, which only the host can do.
            request.headers.append(request.site.cookies.drop_note(request.jar, request.jar.handle))
            request.headers.append(request.site.cookies.drop_note(request.jar, request.jar.going))
            return request.go(request.own("/agreement?declined=1"))
        refusal = None
        if form.get("accept"):
            refusal = await request.service.self_service.accept(request.caller, version=form.get("version", ""))
            if refusal is None:
                return request.go(request.going_to, done=True)
        problem = Problem(reason="accept_missing", field="accept") if refusal is None else problem_from(refusal, "")
        return request.show(_agreement(request, judgement), status=422, problems=[problem])
    return request.show(_agreement(request, judgement))


def _declined(request: PageRequest, title: str) -> Answer:
    """Show the end after a declined agreement, with the way out."""
    return request.show(
        views.AgreementDeclined(
            title=title,
            sign_in=request.sign_in,
            sign_out=request.host(request.site.sign_out),
        )
    )


def _agreement(request: PageRequest, judgement: Judgement) -> views.Agreement:
    mine = request.rules.agreement
    if mine is None:
        raise ValueError("there is no agreement")
    account = judgement.account
    before = next((a.version for a in (account.acceptances if account else ()) if a.agreement == mine.id), "")
    return views.Agreement(title=mine.title, version=mine.version, text=mine.text, accepted_version=before)
