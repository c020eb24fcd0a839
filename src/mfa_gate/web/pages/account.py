"""The visitor's own things: settings, backup codes, the lock, recovery, the agreement."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from ...core.changes import may_change
from ...core.decision import Agree, Allow, Deny, StepUp
from ...core.reasons import Refusal
from ...factors.base import Signals
from ...service import Judgement
from ...service.access import owed
from ...service.factor_choice import first_offer
from .. import views
from ..request import Visit, problem_from
from ..responses import Answer, page
from ..site import going_note
from ..views import Notice, Problem
from .challenge import not_found
from .enroll import confirm_first
from .ways import kinds_of, way_of, ways_of

RECENT = 20


# -- settings ------------------------------------------------------------------------------------------------------


async def settings(visit: Visit) -> Answer:
    """``/``: factors, backup codes, remembered browsers, recent activity; only for who has proven the second factor."""
    judgement = await visit.judgement()
    if not isinstance(judgement.decision, Allow):
        if isinstance(judgement.decision, StepUp):
            note = going_note(to=visit.base, path="", method="GET", clean=True)
            visit.headers.append(visit.site.cookies.set_note(visit.jar, visit.jar.going, note))
        return visit.lead_on(judgement.decision)
    evidence = judgement.evidence
    if evidence is not None and evidence.holds and owed(judgement, visit.now) is not None:
        return confirm_first(visit, judgement, "")
    if visit.scope["method"] == "POST":
        return await _act(visit, judgement)
    return visit.show(await _settings(visit, judgement))


async def _act(visit: Visit, judgement: Judgement) -> Answer:
    form, self_service = visit.form, visit.service.self_service
    id = form.get("authenticator", "")
    match form.get("action", ""):
        case "rename":
            result = await self_service.rename(visit.caller, id=id, label=form.get("label", ""))
            if isinstance(result, Refusal) and result.reason in ("label_taken", "malformed"):
                reason = result.reason if result.reason == "label_taken" else "label_missing"
                view = await _settings(visit, judgement, editing=id, typed=form.get("label", ""))
                return visit.show(view, status=422, problems=[Problem(reason=reason, field="label")])
            word = "renamed"
        case "default":
            result, word = await self_service.set_default(visit.caller, id=id), "default"
        case "remove":
            result, word = await self_service.remove(visit.caller, id=id), "removed"
        case "forget":
            forgotten = await self_service.forget(visit.caller, id=form.get("browser", ""))
            if forgotten is None:
                return visit.go(visit.base, notice=Notice(word="forgotten"))
            result, word = forgotten, ""
        case "stop" | "dispute":
            return await _stop(visit, judgement, form["action"])
        case _:
            return not_found(visit)
    if not isinstance(result, Refusal):
        part = visit.factors.get(result.factor)
        owner = part.owner(result.data) if word == "removed" and isinstance(part, Signals) else ""
        return visit.go(visit.base, notice=Notice(word=word, value=result.label, owner=owner))
    if result.reason == "proof_required":
        return confirm_first(visit, judgement, "")
    if result.reason == "not_found":
        return not_found(visit)
    return visit.show(await _settings(visit, judgement), status=422, problems=[problem_from(result, "")])


async def _stop(visit: Visit, judgement: Judgement, action: str) -> Answer:
    """Take back a call for help, or say that something listed was somebody else: both need a proof, not a fresh one."""
    disputing = visit.service.disputing
    refusal = await (disputing.stop_recovery if action == "stop" else disputing.report)(visit.caller)
    if refusal is None or refusal.reason == "not_found":
        return visit.go(visit.base, notice=Notice(word="stopped" if action == "stop" else "reported"))
    return confirm_first(visit, judgement, "")


def _signal(visit: Visit, judgement: Judgement) -> str:
    """Just after a passkey was removed: what the browser is told, so that it offers that one no more; "" else."""
    note = visit.site.cookies.note(visit.jar, visit.jar.flash, visit.scope)
    owner, account = str(note.get("o", "")), judgement.account
    if not owner or account is None:
        return ""
    context = visit.service.challenges.context(visit.caller, visit.rules, purpose="sign-in", account=account)
    part = next((part for part in visit.factors.values() if isinstance(part, Signals)), None)
    return json.dumps(part.accepted(context, owner)) if part else ""


async def _settings(visit: Visit, judgement: Judgement, *, editing: str = "", typed: str = "") -> views.Settings:
    account, evidence = judgement.account, judgement.evidence
    if account is None or evidence is None:
        return views.Settings(factors=(), addable=kinds_of(visit, judgement))
    events = await visit.service.engine.store.events(account.key.tenant, account=account.key.id, limit=RECENT)
    own = [a for a in account.authenticators if not visit.factors.traits[a.factor].backup] if account else []
    codes = next((a for a in account.authenticators if a.factor == visit.factors.backup), None)
    now, rules = visit.now, visit.rules
    last = len(own) == 1 and (rules.enrollment.permanent or judgement.requirement.stage == "required")
    stale = bool(own) and may_change(evidence, judgement.requirement, now) is not None
    backup = None
    if visit.factors.backup in judgement.requirement.factors and own:
        total, warn_at = visit.service.backup.stock(judgement)
        backup = views.BackupStock(
            remaining=visit.service.backup.left(visit.caller, judgement),
            total=total if codes else 0,
            warn_at=warn_at,
            made_at=codes.created_at if codes else 0,
        )
    return views.Settings(
        factors=tuple(
            views.FactorLine(
                id=a.id,
                kind=a.factor,
                label=a.label,
                hint=way_of(visit, a, judgement).hint,
                added_at=a.created_at,
                last_used_at=a.last_used_at,
                last_network=a.last_network,
                is_default=a.id == account.default,
                kept="last_factor" if last else "",
            )
            for a in own
        ),
        addable=kinds_of(visit, judgement),
        backup=backup,
        browsers=tuple(
            views.BrowserLine(
                id=b.id,
                label=b.label,
                network=max(b.proofs, key=lambda p: p.at).network if b.proofs else "",
                last_used_at=b.last_used_at,
                ends_at=max((p.at for p in b.proofs), default=0) + int(rules.freshness.max_age) if b.proofs else 0,
                current=b.handle == visit.caller.handle,
                kind=b.kind,
            )
            for b in sorted(account.browsers, key=lambda b: -b.last_used_at)
        ),
        activity=tuple(
            views.Activity(at=e.at, kind=e.kind, factor=e.factor, network=e.network, ref=e.id, app=e.app)
            for e in events.items
        ),
        remind=len(own) == 1 and codes is None,
        confirm_url=visit.own("/confirm") if stale else "",
        continue_url=visit.site.home,
        admin_url=visit.own("/admin") if visit.service.account_desk.rights(visit.subject) else "",
        editing=editing,
        typed_label=typed,
        asked_at=account.recovery.at if account.recovery else 0,
        signal=_signal(visit, judgement),
    )


# -- backup codes --------------------------------------------------------------------------------------------------


async def backup_codes(visit: Visit) -> Answer:
    """``/backup-codes``: make a set, keep it, say so."""
    judgement = await visit.judgement()
    account, evidence = judgement.account, judgement.evidence
    if (
        isinstance(judgement.decision, (StepUp, Deny))
        or account is None
        or evidence is None
        or not account.authenticators
    ):
        return visit.lead_on(judgement.decision)
    if visit.factors.backup not in judgement.requirement.factors:
        return not_found(visit)
    if isinstance(judgement.decision, Allow) and owed(judgement, visit.now) is not None:
        return confirm_first(visit, judgement, "/backup-codes")
    backup = visit.service.backup
    kept = await backup.kept(visit.caller)
    action = visit.form.get("action", "") if visit.scope["method"] == "POST" else ""
    match action:
        case "download":
            return _download(visit, visit.form.get("codes", "").split())
        case "saved":
            if not visit.form.get("saved") and kept is not None:
                problem = Problem(reason="saved_missing", field="saved")
                return visit.show(_codes(kept[1], visit.now), status=422, problems=[problem])
            await backup.saved(visit.caller)
            return visit.go(visit.own("/enroll/done") if visit.going else visit.base)
        case "":
            if kept is not None:
                return visit.show(_codes(kept[1], kept[0].created_at))
            if visit.scope["method"] != "POST":
                return visit.show(_stock(visit, judgement))
    if may_change(evidence, judgement.requirement, visit.now) is not None:
        return confirm_first(visit, judgement, "/backup-codes")
    had = any(visit.factors.traits[a.factor].backup for a in account.authenticators)
    made = await backup.make(visit.caller)
    if isinstance(made, Refusal):
        return visit.show(_stock(visit, judgement), status=422, problems=[problem_from(made, "")])
    return visit.show(_codes(made, visit.now, replaced=had))


def _codes(codes: tuple[str, ...], made_at: int, *, replaced: bool = False) -> views.BackupCodes:
    return views.BackupCodes(codes=codes, made_at=made_at, replaced=replaced)


def _stock(visit: Visit, judgement: Judgement) -> views.BackupCodesStart:
    account = judgement.account
    mine = next((a for a in (account.authenticators if account else ()) if a.factor == visit.factors.backup), None)
    return views.BackupCodesStart(
        remaining=visit.service.backup.left(visit.caller, judgement) if mine else None,
        made_at=mine.created_at if mine else 0,
        count=visit.service.backup.stock(judgement)[0],
        back=visit.base,
    )


def _download(visit: Visit, codes: list[str]) -> Answer:
    """The codes that the page holds, as a text file: service and date, no hint at the password (U-34)."""
    service = visit.rules.brand.name or visit.service.engine.wiring.relying_party.name
    day = datetime.fromtimestamp(visit.now, UTC).strftime("%Y-%m-%d")
    shown = [code for code in codes if len(code) <= 16 and code.replace("-", "").isalnum() and code.isascii()][:50]
    text = f"{service}: backup codes, {day}\nEach code works once.\n\n" + "\n".join(shown) + "\n"
    disposition = (b"content-disposition", b'attachment; filename="backup-codes.txt"')
    answer = page(text.encode(), headers=[disposition])
    answer.headers = [h for h in answer.headers if h[0] != b"content-type"]
    answer.headers.append((b"content-type", b"text/plain; charset=utf-8"))
    return answer


# -- locked, recovery, agreement -----------------------------------------------------------------------------------


def locked_view(judgement: Judgement, ref: str = "") -> views.Locked:
    """Who can end it, and what to quote (U-54)."""
    lock = judgement.account.lock if judgement.account else None
    return views.Locked(
        ref=lock.ref if lock else ref, cause=lock.cause if lock else "attempts", locked_at=lock.at if lock else 0
    )


async def locked(visit: Visit) -> Answer:
    """``/locked``."""
    judgement = await visit.judgement()
    if not isinstance(judgement.decision, Deny):
        return visit.lead_on(judgement.decision)
    return visit.show(locked_view(judgement))


async def recovery(visit: Visit) -> Answer:
    """``/recovery``: lost access. Other factors, backup codes, or a request that an administrator answers."""
    judgement = await visit.judgement()
    if not isinstance(judgement.decision, (StepUp, Deny)):
        return visit.lead_on(judgement.decision)
    if visit.scope["method"] == "POST":
        about = visit.form.get("about", "")
        result = await visit.service.self_service.request_recovery(visit.caller, about=about)
        if isinstance(result, Refusal):
            reason = "about_missing" if not about.strip() else "about_long" if len(about) > 500 else result.reason
            problem = Problem(reason=reason, field="about" if reason.startswith("about") else "")
            return visit.show(_recovery(visit, judgement, about=about), status=422, problems=[problem])
        return visit.show(views.RecoverySent(ref=result, back=visit.own("/challenge")))
    return visit.show(_recovery(visit, judgement))


def _recovery(visit: Visit, judgement: Judgement, *, about: str = "") -> views.Recovery:
    ways = ways_of(visit, judgement)
    offered = first_offer(judgement, off=visit.off)
    kinds = visit.rules.recovery.ways
    others = [w for w in ways if not visit.factors.traits[w.kind].backup and (offered is None or w.id != offered.id)]
    waiting = judgement.account.recovery if judgement.account else None
    return views.Recovery(
        lost=way_of(visit, offered, judgement) if offered else None,
        others=tuple(others) if "other-factor" in kinds else (),
        backup=next((w for w in ways if visit.factors.traits[w.kind].backup), None)
        if visit.factors.backup in kinds
        else None,
        can_request="request" in kinds and waiting is None,
        requested_at=waiting.at if waiting else 0,
        ref=waiting.ref if waiting else "",
        about=about,
        back=visit.own("/challenge"),
    )


async def agreement(visit: Visit) -> Answer:
    """``/agreement``: read, tick, confirm; or decline, and be signed out."""
    judgement = await visit.judgement()
    decision, rules = judgement.decision, visit.rules
    if not isinstance(decision, Agree) or rules.agreement is None:
        return visit.lead_on(decision)
    if visit.scope["method"] == "POST":
        form = visit.form
        if form.get("action") == "decline":
            await visit.service.self_service.decline(visit.caller)
            return _declined(visit, rules.agreement.title)
        refusal = None
        if form.get("accept"):
            refusal = await visit.service.self_service.accept(visit.caller, version=form.get("version", ""))
            if refusal is None:
                return visit.go(visit.going_to, done=True)
        problem = Problem(reason="accept_missing", field="accept") if refusal is None else problem_from(refusal, "")
        return visit.show(_agreement(visit, judgement), status=422, problems=[problem])
    return visit.show(_agreement(visit, judgement))


def _declined(visit: Visit, title: str) -> Answer:
    """What it means, with the way out: the host's own sign-out, which only the host can do. Our cookie goes now."""
    visit.headers.append(visit.site.cookies.drop_note(visit.jar, visit.jar.handle))
    visit.headers.append(visit.site.cookies.drop_note(visit.jar, visit.jar.going))
    return visit.show(views.AgreementDeclined(title=title, sign_in=visit.site.sign_in, sign_out=visit.site.sign_out))


def _agreement(visit: Visit, judgement: Judgement) -> views.Agreement:
    mine = visit.rules.agreement
    if mine is None:
        raise ValueError("there is no agreement")
    account = judgement.account
    before = next((a.version for a in (account.acceptances if account else ()) if a.agreement == mine.id), "")
    return views.Agreement(title=mine.title, version=mine.version, text=mine.text, accepted_version=before)
