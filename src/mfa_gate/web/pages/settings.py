"""Answer the prefix itself: one's own security settings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Literal

from ...core.changes import may_change
from ...core.changes.enroll import MAX_LABEL
from ...core.changes.enroll_rights import CHANGE_AGE
from ...core.decision import Allow, StepUp
from ...core.model import MAX_BROWSERS, Account, Seconds
from ...core.model import Browser as KnownBrowser
from ...core.policy import Demand
from ...core.reasons import Refusal
from ...core.rules import DAY
from ...core.slow_recovery import opens_at
from ...factors.optional_parts import Signals
from ...service import Judgement
from ...service.access import owed
from ...service.activity import own_activity
from .. import views
from ..request import PageRequest
from ..responses import Answer
from ..views import Notice, Problem
from .common import confirm_first, frozen_until, is_alone, kinds_of, not_found, problem_from, way_of

RECENT = 20
OLD_CODES = 180 * DAY
"""Seconds without a use after which a person is asked if the backup codes are still at hand."""


async def settings(request: PageRequest) -> Answer:
    """Answer ``/``: show one's own security settings, and change them.

    The page has factors, backup codes, remembered browsers and recent activity. It is only for a person who has proven
    the second factor.
    """
    judgement = await request.judgement()
    if not isinstance(judgement.decision, Allow):
        if isinstance(judgement.decision, StepUp):
            request.interruption.come_back_to(request.own(""))
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
                typed = form.get("label", "")
                reason, limit = result.reason, ""
                if reason == "malformed":
                    is_long = len(" ".join(typed.split())) > MAX_LABEL
                    reason, limit = ("text_long", str(MAX_LABEL)) if is_long else ("label_missing", "")
                view = await _settings(request, judgement, editing=id, typed=typed)
                return request.show(view, status=422, problems=[Problem(reason=reason, field="label", detail=limit)])
            word = "renamed"
        case "default":
            result, word = await self_service.set_default(request.caller, id=id), "default"
        case "remove":
            result, word = await self_service.remove(request.caller, id=id), "removed"
        case "forget":
            ids = form.get("browser", "").split()
            gone = await self_service.forget(request.caller, ids=ids)
            if not isinstance(gone, Refusal):
                some = Notice(word="others_forgotten", count=gone)
                return request.go(request.base, notice=some if len(ids) > 1 else Notice(word="forgotten"))
            result, word = gone, ""
        case "forget-others":
            gone = await self_service.forget_others(request.caller)
            if not isinstance(gone, Refusal):
                return request.go(request.base, notice=Notice(word="others_forgotten", count=gone))
            result, word = gone, ""
        case "everywhere":
            gone = await self_service.sign_out_everywhere(request.caller)
            if not isinstance(gone, Refusal):
                return request.go(request.host(request.site.home))
            result, word = gone, ""
        case "undo":
            return await _undo(request, judgement)
        case "stop" | "dispute":
            return await _stop(request, judgement, form["action"])
        case _:
            return not_found(request)
    if not isinstance(result, Refusal):
        part = request.factors.get(result.factor)
        owner = part.owner(result.data) if word == "removed" and isinstance(part, Signals) else ""
        return request.go(request.base, notice=Notice(word=word, value=_name(request, result.label), owner=owner))
    if result.reason == "proof_required":
        return confirm_first(request, judgement, "")
    return request.show(await _settings(request, judgement), status=422, problems=[problem_from(result, "")])


def _name(request: PageRequest, label: str) -> str:
    return request.site.languages.own_name(label, request.lang)


async def _stop(request: PageRequest, judgement: Judgement, action: str) -> Answer:
    """Take back a call for help, or say that a listed event was somebody else.

    Both need a proof, but not a fresh one.
    """
    disputing = request.service.disputing
    if action == "stop":
        refusal = await disputing.stop_recovery(request.caller)
    else:
        refusal = await disputing.report(request.caller, about=request.form.get("about", ""))
    if refusal is None or refusal.reason == "not_found":
        return request.go(request.base, notice=Notice(word="stopped" if action == "stop" else "reported"))
    return confirm_first(request, judgement, "")


async def _undo(request: PageRequest, judgement: Judgement) -> Answer:
    """Take back a dispute, after a proof by a method that had no part in the event."""
    refusal = await request.service.disputing.undo(request.caller)
    account = judgement.account
    if refusal is None or refusal.reason == "not_found" or account is None:
        return request.go(request.base, notice=Notice(word="undone") if refusal is None else None)
    kinds = tuple({a.factor: "" for a in account.authenticators if a.id in dict(account.undo_by)})
    return confirm_first(
        request, judgement, "", demand=Demand(rule="undo", max_age=Seconds(CHANGE_AGE), factors_any=kinds)
    )


async def _signal(request: PageRequest, judgement: Judgement) -> str:
    """Tell the browser, as JSON, the passkeys that still count and the names of their owner.

    Then it no longer offers a removed one, and shows the names of today. Returns "" for a person who has none and has
    just removed none.
    """
    account = judgement.account
    part = next((part for part in request.factors.values() if isinstance(part, Signals)), None)
    if account is None or part is None:
        return ""
    note = request.site.cookies.note(request.jar, request.jar.flash, request.scope)
    owners = [part.owner(a.data) for a in account.authenticators if request.factors[a.factor] is part]
    owner = str(note.get("o", "")) or next(iter(owners), "")
    if not owner:
        return ""
    contacts = await request.service.engine.contacts(request.subject)
    context = request.service.challenges.context(
        request.caller, request.rules, purpose="sign-in", account=account, contacts=contacts
    )
    told = {"AllAcceptedCredentials": part.accepted(context, owner), "CurrentUserDetails": part.details(context, owner)}
    return json.dumps(told)


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
    refusal = may_change(evidence, judgement.requirement, now) if own else None
    stale = refusal is not None and refusal.reason == "proof_required"
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
    moved = {it.id: it.now for it in await request.service.enrollments.changes.offered(request.caller, judgement)}
    places = await _places(request, account, [e.network for e in events])
    return views.Settings(
        factors=tuple(
            views.FactorLine(
                id=a.id,
                kind=a.factor,
                label=_name(request, a.label),
                hint=way_of(request, a, judgement).hint,
                added_at=a.created_at,
                last_used_at=a.last_used_at,
                last_network=a.last_network,
                place=places.get(a.last_network, ""),
                moved_to=moved.get(a.id, ""),
                is_default=a.id == account.default,
                kept=last,
                is_alone=is_alone(request, judgement, a),
            )
            for a in own
        ),
        addable=kinds_of(request, judgement),
        backup=backup,
        browsers=tuple(
            _browser(request, b, int(rules.freshness.max_age), places)
            for b in sorted(account.browsers, key=lambda b: (b.handle != request.caller.handle, -b.last_used_at))
        ),
        most_browsers=MAX_BROWSERS if len(account.browsers) >= MAX_BROWSERS else 0,
        activity=tuple(
            views.Activity(
                at=e.at,
                kind=e.kind,
                factor=e.factor,
                network=e.network,
                ref=e.id,
                app=e.app,
                place=places.get(e.network, ""),
            )
            for e in events
        ),
        remind=len(own) == 1 and codes is None,
        checkup=_checkup(own=len(own), backup=backup),
        confirm_url=request.own("/confirm") if stale else "",
        frozen_until=frozen_until(request, judgement),
        can_undo=bool(account.undo_by),
        continue_url=request.host(request.site.home),
        admin_url=request.own("/admin") if request.service.rights.rights_of(request.subject) else "",
        editing=editing,
        typed_label=typed,
        asked_at=account.recovery.at if account.recovery else 0,
        opens_at=opens_at(account.recovery, int(rules.recovery.self_service)),
        signal=await _signal(request, judgement),
    )


async def _places(request: PageRequest, account: Account, networks: list[str]) -> Mapping[str, str]:
    """Ask the host for the places of all networks on the page, by network."""
    known = [proof.network for browser in account.browsers for proof in browser.proofs]
    return await request.service.engine.places_of(
        [*networks, *known, *(a.last_network for a in account.authenticators)]
    )


def _browser(request: PageRequest, browser: KnownBrowser, max_age: int, places: Mapping[str, str]) -> views.BrowserLine:
    """Draw one remembered browser. A proof that is bound to a sign-in ends with it.

    Whatever its age.
    """
    newest = max(browser.proofs, key=lambda proof: proof.at, default=None)
    return views.BrowserLine(
        id=browser.id,
        label=_name(request, browser.label),
        network=newest.network if newest else "",
        place=places.get(newest.network, "") if newest else "",
        first_seen_at=browser.created_at,
        last_used_at=browser.last_used_at,
        ends_at=newest.at + max_age if newest and not newest.session else 0,
        bound=newest is not None and bool(newest.session),
        current=browser.handle == request.caller.handle,
        kind=browser.kind,
    )


def _checkup(*, own: int, backup: views.BackupStock | None) -> Literal["", "good", "codes", "way"]:
    """Find the one thing to do.

    New backup codes, or another way; "good" where there is nothing.
    """
    if not own:
        return ""
    if backup is not None and backup.total and backup.remaining <= backup.warn_at:
        return "codes"
    return "way" if own == 1 and not (backup and backup.total) else "good"
