"""The proof for a right answer. A second copy of that answer gets the same result."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from .. import attempts as budget
from ..entropy import LETTERS, MARK
from ..events import TOLD_BY, WRONG, Event, Moment
from ..evidence import session_mark, sign_out_time
from ..model import Account, Authenticator, Browser, Caller, Fields, Proof, Twin, replace
from ..reasons import Refusal
from ..rules import RoleRules, Rules
from .base import TWIN_LIFE, Change, refuse, time_of
from .bounds import add_proof, kept_browsers, tidy, without_copy
from .charge import Charge, settle_failure, spend
from .new_browser import new_browser
from .slow_recovery import stopped

MOVES, MOVING = 4, 3600
"""The networks on which one browser is proven within these seconds before the administrators are told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forwarded:
    """The result for a second copy of an answer that succeeded a moment ago from this browser.

    ``twin`` leads to the browser's handle. Nothing is granted anew.
    """

    twin: Twin
    browser: Browser


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """The result of a proven second factor. ``authenticator`` is the one that proved it."""

    browser: Browser
    proof: Proof
    authenticator: Authenticator
    ref: str


def settle_success(
    account: Account,
    moment: Moment,
    rules: Rules,
    caller: Caller,
    *,
    taken: Charge,
    seen: Authenticator,
    data: Fields,
    challenge: str,
    user_verified: bool,
    phishing_resistant: bool,
    remember: bool,
    new_handle: str,
    answer: str,
) -> Change[Granted | Refusal]:
    """Consume the response, store the proof and give all attempts back, in one write.

    A replay is refused and grants nothing. ``seen`` is the authenticator that the response was verified against,
    ``challenge`` the id of the challenge that it answered ("" for none). ``new_handle`` replaces the browser's
    handle: the old one ends (S-22). ``answer`` is a digest of the response.
    """
    now = time_of(account, moment)
    if account.lock is not None:
        return refuse(account, "locked", ref=account.lock.ref, attempts_remaining=0)
    current = account.authenticator(seen.id)
    if current is None or current.revision != seen.revision:
        return settle_failure(
            account,
            moment,
            rules,
            taken=taken,
            factor=seen.factor,
            reason="not_found",
            free=True,
            browser=caller.handle,
        )
    answered = next((c for c in account.challenges if c.id == challenge), None)
    gone = challenge and (answered is None or not answered.is_live(moment.now, account.seen_at))
    if changed_since(current, seen) or gone:
        return settle_failure(
            account, moment, rules, taken=taken, factor=seen.factor, reason="code_already_used", free=True,
            browser=caller.handle,
        )  # fmt: skip
    wrong = account.attempts.used - 1
    used = replace(current, data=data, last_used_at=now, last_network=caller.network)
    account = replace(
        account,
        attempts=budget.reset(account.attempts),
        authenticators=tuple(used if a.id == used.id else a for a in account.authenticators),
        challenges=spend(account.challenges, tuple(c.id for c in account.challenges if c.purpose == "sign-in"), now),
    )
    account, granted, event = grant(
        account,
        moment,
        rules,
        caller,
        authenticator=used,
        user_verified=user_verified,
        phishing_resistant=phishing_resistant,
        remember=remember,
        new_handle=new_handle,
        answer=answer,
        wrong=wrong,
        was_used=bool(seen.last_used_at),
        networks={seen.last_network},
    )
    if account.recovery is not None:
        account, ended = stopped(account, moment, reason="proof")
        event = (*event, *ended)
    return Change(account=tidy(account, now), events=event, answer=granted)


def grant(
    account: Account,
    moment: Moment,
    rules: Rules,
    caller: Caller,
    *,
    authenticator: Authenticator,
    user_verified: bool,
    phishing_resistant: bool,
    remember: bool,
    new_handle: str,
    answer: str,
    wrong: int = 0,
    was_used: bool = False,
    networks: Set[str] = frozenset(),
    told_by: str = "",
) -> tuple[Account, Granted, tuple[Event, ...]]:
    """Give this browser a proof and a new handle.

    ``wrong`` counts the wrong answers since the last success. ``was_used``: the authenticator was used before, last on one
    of ``networks``. ``told_by`` is the kind of the event of this change whose notice tells of a new network, too. Returns
    the account, the grant and the events. A proof that is not remembered ends with the host's session.
    """
    now = time_of(account, moment)
    bound = "" if remember and rules.freshness.remember == "browser" else session_mark(caller.subject)
    # In a sign-in that was signed out this second, or by a clock ahead of this one, only what comes later counts.
    since = sign_out_time(account, caller.subject) + 1 if account.sign_outs else now
    proof = Proof(
        factor=authenticator.factor,
        authenticator=authenticator.id,
        at=max(now, since),
        network=caller.network,
        epoch=account.epoch,
        phishing_resistant=phishing_resistant,
        user_verified=user_verified,
        session=bound,
    )
    old = account.browser(caller.handle)
    known = {p.network for p in old.proofs} if old else set()
    more: dict[str, str | int] = {WRONG: wrong} if wrong > 0 else {}
    event = moment.event("proof.granted", account.key, factor=authenticator.factor, **more)
    events: tuple[Event, ...] = (event,)
    if known and caller.network not in known:
        more |= {TOLD_BY: told_by} if told_by else {}
        events = (event, moment.event("browser.new_network", account.key, factor=authenticator.factor, **more))
        if old is not None and _keeps_moving(old, now):
            events = (*events, moment.event("browser.moving", account.key, factor=authenticator.factor))
    elif old is None and (was_used or account.browsers):
        events = (
            event,
            *new_browser(
                account, moment, caller, proven=authenticator, wrong=wrong, networks=networks, told_by=told_by
            ),
        )
    mark = caller.handle[:MARK].translate(LETTERS)
    id = event.id.lower() if not mark or any(b.id == mark for b in account.browsers) else mark
    fresh = Browser(id=id, handle="", label="", created_at=now)
    browser = replace(
        old or fresh,
        handle=new_handle,
        kind=caller.kind,
        label=caller.label or (old.label if old else ""),
        proofs=add_proof(old.proofs if old else (), proof, networks=rules.freshness.ip_change.known_networks, now=now),
        last_used_at=now,
        last_factor=authenticator.id,
        twin=Twin(answer=answer, handle=caller.handle, at=now),
    )
    browsers = (*(b for b in account.browsers if b.id != browser.id), browser)
    browsers = kept_browsers(browsers, account.epoch, now, max_age=int(rules.freshness.max_age))
    account = _carried(account, caller.handle, new_handle)
    granted = Granted(browser=browser, proof=proof, authenticator=authenticator, ref=event.id)
    # A client without cookies rarely says the language of its person.
    lang = caller.lang if caller.kind == "browser" else account.lang or caller.lang
    account = replace(
        account,
        browsers=browsers,
        lang=lang,
        zone=caller.zone or account.zone,
        holds_rights=rights_seen(account, caller, rules),
    )
    return account, granted, events


def _keeps_moving(browser: Browser, now: int) -> bool:
    """Tell if a proof on one more network makes ``MOVES`` within an hour (S-111).

    It is true once in a row of moves. Fewer ``known_networks`` than that are too short a memory to tell.
    """
    lately = {proof.network for proof in browser.proofs if now - proof.at < MOVING}
    return len(lately) + 1 == MOVES


def rights_seen(account: Account, caller: Caller, rules: Rules) -> bool:
    """Tell if the person of a proof holds any right of administration.

    The groups of somebody who acts as another one are not known, and a token of a client may name fewer than there are:
    then the older answer stays, too.
    """
    if caller.acts_as is not None:
        return account.holds_rights
    kept = account.holds_rights and caller.kind != "browser"
    return kept or gives_a_right(rules.roles, caller.subject.groups)


def gives_a_right(roles: RoleRules, groups: frozenset[str]) -> bool:
    """Tell if one of ``groups`` gives any right: only the privileged administer such a person."""
    named = (roles.look, roles.unlock, roles.reset, roles.tenant, roles.audit)
    beyond = (roles.everywhere, roles.privileged, roles.policy)
    return any(not groups.isdisjoint(given) for given in (*named, *beyond))


def _carried(account: Account, handle: str, new_handle: str) -> Account:
    """Move all that a browser has begun to its new handle, so that nothing is lost."""
    leave = account.leave
    if not handle or not (account.enrollments or account.replaced or account.challenges or leave):
        return account
    return replace(
        account,
        enrollments=tuple(replace(e, browser=new_handle) if e.browser == handle else e for e in account.enrollments),
        replaced=tuple(replace(e, browser=new_handle) if e.browser == handle else e for e in account.replaced),
        leave=replace(leave, browser=new_handle) if leave and leave.browser == handle else leave,
        challenges=tuple(
            replace(c, browser=new_handle) if c.browser == handle and c.purpose == "enroll" else c
            for c in account.challenges
        ),
    )


def changed_since(current: Authenticator, seen: Authenticator) -> bool:
    """Tell if any data that an answer is verified with has changed.

    The readable copy of backup codes is no such data.
    """
    return current is not seen and without_copy(current).data != without_copy(seen).data


def twin_of(account: Account, handle: str, answer: str, now: int) -> Forwarded | None:
    """Find the recent success with the same answer from the same browser, or None."""
    for browser in account.browsers:
        twin = browser.twin
        if twin and twin.handle == handle and twin.answer == answer and now - twin.at < TWIN_LIFE:
            return Forwarded(twin=twin, browser=browser)
    return None
