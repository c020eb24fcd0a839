"""Show one's own things: settings, backup codes, the lock, recovery, the agreement."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from ...core.changes import may_change
from ...core.decision import Agree, Allow, Deny, StepUp
from ...core.reasons import Refusal
from ...core.rules import DAY
from ...factors.optional_parts import Signals
from ...service import Judgement
from ...service.access import owed
from ...service.activity import own_activity
from ...service.factor_choice import first_offer
from .. import views
from ..request import PageRequest
from ..responses import Answer, page
from ..views import Notice, Problem
from .common import confirm_first, kinds_of, locked_view, not_found, problem_from, way_of, ways_of

RECENT = 20
OLD_CODES = 180 * DAY
"""Seconds without a use after which a person is asked if the backup codes are still at hand."""


# -- settings ------------------------------------------------------------------------------------------------------


async def settings(request: PageRequest) -> Answer:
    """Answer ``/``: show one's own security settings, and change them.

    The page has factors, backup codes, remembered browsers and recent activity. It is only for a person who has proven
    the second factor.
    """
    judgement = await request.judgement()
    if not isinstance(judgement.decision, Allow):
        if isinstance(judgement.decision, StepUp):
            request.come_back_to("")
        return request.lead_on(judgement.decision)
    evidence = judgement.evidence
    if evidence is not None and evidence.holds and owed(judgement, request.now) is not None:
        return confirm_first(request, judgement, "")
    if request.scope["method"] == "POST":
        return await _act(request, judgement)
    return request.show(await _settings(request, judgement))


async def _act(request: PageRequest, judgement: Judgement) -> Answer:
    form, self_service = request.form, request.service.self_service
    id = form.get("authenticator", "")
    match form.get("action", ""):
        case "rename":
            result = await self_service.rename(request.caller, id=id, label=form.get("label", ""))
            if isinstance(result, Refusal) and result.reason in ("label_taken", "malformed"):
                reason = result.reason if result.reason == "label_taken" else "label_missing"
                view = await _settings(request, judgement, editing=id, typed=form.get("label", ""))
                return request.show(view, status=422, problems=[Problem(reason=reason, field="label")])
            word = "renamed"
        case "default":
            result, word = await self_service.set_default(request.caller, id=id), "default"
        case "remove":
            result, word = await self_service.remove(request.caller, id=id), "removed"
        case "forget":
            forgotten = await self_service.forget(request.caller, id=form.get("browser", ""))
            if forgotten is None:
                return request.go(request.base, notice=Notice(word="forgotten"))
            result, word = forgotten, ""
        case "stop" | "dispute":
            return await _stop(request, judgement, form["action"])
        case _:
            return not_found(request)
    if not isinstance(result, Refusal):
        part = request.factors.get(result.factor)
        owner = part.owner(result.data) if word == "removed" and isinstance(part, Signals) else ""
        return request.go(request.base, notice=Notice(word=word, value=result.label, owner=owner))
    if result.reason == "proof_required":
        return confirm_first(request, judgement, "")
    if result.reason == "not_found":
        return not_found(request)
    return request.show(await _settings(request, judgement), status=422, problems=[problem_from(result, "")])


async def _stop(request: PageRequest, judgement: Judgement, action: str) -> Answer:
    """Take back a call for help, or say that a listed event was somebody else.

    Both need a proof, but not a fresh one.
    """
    disputing = request.service.disputing
    refusal = await (disputing.stop_recovery if action == "stop" else disputing.report)(request.caller)
    if refusal is None or refusal.reason == "not_found":
        return request.go(request.base, notice=Notice(word="stopped" if action == "stop" else "reported"))
    return confirm_first(request, judgement, "")


def _signal(request: PageRequest, judgement: Judgement) -> str:
    """Tell the browser the passkeys that still count, as JSON, just after one was removed.

    Then the browser no longer offers the removed one. Returns "" at any other time.
    """
    note = request.site.cookies.note(request.jar, request.jar.flash, request.scope)
    owner, account = str(note.get("o", "")), judgement.account
    if not owner or account is None:
        return ""
    context = request.service.challenges.context(request.caller, request.rules, purpose="sign-in", account=account)
    part = next((part for part in request.factors.values() if isinstance(part, Signals)), None)
    return json.dumps(part.accepted(context, owner)) if part else ""


async def _settings(
    request: PageRequest, judgement: Judgement, *, editing: str = "", typed: str = ""
) -> views.Settings:
    account, evidence = judgement.account, judgement.evidence
    if account is None or evidence is None:
        return views.Settings(factors=(), addable=kinds_of(request, judgement))
    events = await own_activity(request.service.engine, account.key, limit=RECENT)
    own = [a for a in account.authenticators if not request.factors.is_backup(a.factor)]
    codes = next((a for a in account.authenticators if a.factor == request.factors.backup), None)
    now, rules = request.now, request.rules
    last = len(own) == 1 and (rules.enrollment.permanent or judgement.requirement.stage == "required")
    stale = bool(own) and may_change(evidence, judgement.requirement, now) is not None
    backup = None
    if request.factors.backup in judgement.requirement.factors and own:
        total, warn_at = request.service.backup.stock(judgement)
        backup = views.BackupStock(
            remaining=request.service.backup.left(request.caller, judgement),
            total=total if codes else 0,
            warn_at=warn_at,
            made_at=codes.created_at if codes else 0,
            is_old=codes is not None and now - max(codes.created_at, codes.last_used_at) >= OLD_CODES,
        )
    return views.Settings(
        factors=tuple(
            views.FactorLine(
                id=a.id,
                kind=a.factor,
                label=a.label,
                hint=way_of(request, a, judgement).hint,
                added_at=a.created_at,
                last_used_at=a.last_used_at,
                last_network=a.last_network,
                is_default=a.id == account.default,
                kept=last,
            )
            for a in own
        ),
        addable=kinds_of(request, judgement),
        backup=backup,
        browsers=tuple(
            views.BrowserLine(
                id=b.id,
                label=b.label,
                network=max(b.proofs, key=lambda p: p.at).network if b.proofs else "",
                last_used_at=b.last_used_at,
                ends_at=max((p.at for p in b.proofs), default=0) + int(rules.freshness.max_age) if b.proofs else 0,
                current=b.handle == request.caller.handle,
                kind=b.kind,
            )
            for b in sorted(account.browsers, key=lambda b: -b.last_used_at)
        ),
        activity=tuple(
            views.Activity(at=e.at, kind=e.kind, factor=e.factor, network=e.network, ref=e.id, app=e.app)
            for e in events
        ),
        remind=len(own) == 1 and codes is None,
        confirm_url=request.own("/confirm") if stale else "",
        continue_url=request.host(request.site.home),
        admin_url=request.own("/admin") if request.service.rights.rights_of(request.subject) else "",
        editing=editing,
        typed_label=typed,
        asked_at=account.recovery.at if account.recovery else 0,
        signal=_signal(request, judgement),
    )


# -- backup codes --------------------------------------------------------------------------------------------------


async def backup_codes(request: PageRequest) -> Answer:
    """Answer ``/backup-codes``: make a set, show it, and note that it was saved."""
    judgement = await request.judgement()
    account, evidence = judgement.account, judgement.evidence
    if (
        isinstance(judgement.decision, (StepUp, Deny))
        or account is None
        or evidence is None
        or not account.authenticators
    ):
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
                return request.show(_codes(kept[1], request.now), status=422, problems=[problem])
            await backup.saved(request.caller)
            return request.go(request.own("/enroll/done") if request.going else request.base)
        case "":
            if kept is not None:
                return request.show(_codes(kept[1], kept[0].created_at))
            if request.scope["method"] != "POST":
                return request.show(_stock(request, judgement))
    if may_change(evidence, judgement.requirement, request.now) is not None:
        return confirm_first(request, judgement, "/backup-codes")
    had = any(request.factors.is_backup(a.factor) for a in account.authenticators)
    made = await backup.make(request.caller)
    if isinstance(made, Refusal):
        return request.show(_stock(request, judgement), status=422, problems=[problem_from(made, "")])
    return request.show(_codes(made, request.now, replaced=had))


def _codes(codes: tuple[str, ...], made_at: int, *, replaced: bool = False) -> views.BackupCodes:
    return views.BackupCodes(codes=codes, made_at=made_at, replaced=replaced)


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

    The file names service and date, and gives no hint at the password.
    """
    service = request.rules.brand.name or request.service.engine.wiring.relying_party.name
    day = datetime.fromtimestamp(request.now, UTC).strftime("%Y-%m-%d")
    shown = [code for code in codes if len(code) <= 16 and code.replace("-", "").isalnum() and code.isascii()][:50]
    text = f"{service}: backup codes, {day}\nEach code works once.\n\n" + "\n".join(shown) + "\n"
    disposition = (b"content-disposition", b'attachment; filename="backup-codes.txt"')
    answer = page(text.encode(), headers=[disposition])
    answer.headers = [h for h in answer.headers if h[0] != b"content-type"]
    answer.headers.append((b"content-type", b"text/plain; charset=utf-8"))
    return answer


# -- locked, recovery, agreement -----------------------------------------------------------------------------------


async def locked(request: PageRequest) -> Answer:
    """Show ``/locked``."""
    judgement = await request.judgement()
    if not isinstance(judgement.decision, Deny):
        return request.lead_on(judgement.decision)
    return request.show(locked_view(judgement))


async def recovery(request: PageRequest) -> Answer:
    """Answer ``/recovery``, for a person who has lost access.

    It offers other factors, backup codes, or a request that an administrator answers.
    """
    judgement = await request.judgement()
    if not isinstance(judgement.decision, (StepUp, Deny)):
        return request.lead_on(judgement.decision)
    if request.scope["method"] == "POST":
        about = request.form.get("about", "")
        result = await request.service.self_service.request_recovery(request.caller, about=about)
        if isinstance(result, Refusal):
            reason = "about_missing" if not about.strip() else "about_long" if len(about) > 500 else result.reason
            problem = Problem(reason=reason, field="about" if reason.startswith("about") else "")
            return request.show(_recovery(request, judgement, about=about), status=422, problems=[problem])
        return request.show(views.RecoverySent(ref=result, back=request.own("/challenge")))
    return request.show(_recovery(request, judgement))


def _recovery(request: PageRequest, judgement: Judgement, *, about: str = "") -> views.Recovery:
    ways = ways_of(request, judgement)
    offered = first_offer(judgement, off=request.off)
    kinds = request.rules.recovery.ways
    others = [w for w in ways if not request.factors.traits[w.kind].backup and (offered is None or w.id != offered.id)]
    waiting = judgement.account.recovery if judgement.account else None
    return views.Recovery(
        lost=way_of(request, offered, judgement) if offered else None,
        others=tuple(others) if "other-factor" in kinds else (),
        backup=next((w for w in ways if request.factors.traits[w.kind].backup), None)
        if request.factors.backup in kinds
        else None,
        can_request="request" in kinds and waiting is None,
        requested_at=waiting.at if waiting else 0,
        ref=waiting.ref if waiting else "",
        about=about,
        back=request.own("/challenge"),
    )


async def agreement(request: PageRequest) -> Answer:
    """Answer ``/agreement``: accept it, or decline and be led to the sign-out."""
    judgement = await request.judgement()
    decision, rules = judgement.decision, request.rules
    if not isinstance(decision, Agree) or rules.agreement is None:
        return request.lead_on(decision)
    if request.scope["method"] == "POST":
        form = request.form
        if form.get("action") == "decline":
            await request.service.self_service.decline(request.caller)
            return _declined(request, rules.agreement.title)
        refusal = None
        if form.get("accept"):
            refusal = await request.service.self_service.accept(request.caller, version=form.get("version", ""))
            if refusal is None:
                return request.go(request.going_to, done=True)
        problem = Problem(reason="accept_missing", field="accept") if refusal is None else problem_from(refusal, "")
        return request.show(_agreement(request, judgement), status=422, problems=[problem])
    return request.show(_agreement(request, judgement))


def _declined(request: PageRequest, title: str) -> Answer:
    """Show the end after a declined agreement, with the way out.

    The way out is the host's own sign-out, which only the host can do. Our cookies are dropped now.
    """
    request.headers.append(request.site.cookies.drop_note(request.jar, request.jar.handle))
    request.headers.append(request.site.cookies.drop_note(request.jar, request.jar.going))
    return request.show(
        views.AgreementDeclined(
            title=title, sign_in=request.host(request.site.sign_in), sign_out=request.host(request.site.sign_out)
        )
    )


def _agreement(request: PageRequest, judgement: Judgement) -> views.Agreement:
    mine = request.rules.agreement
    if mine is None:
        raise ValueError("there is no agreement")
    account = judgement.account
    before = next((a.version for a in (account.acceptances if account else ()) if a.agreement == mine.id), "")
    return views.Agreement(title=mine.title, version=mine.version, text=mine.text, accepted_version=before)
