"""The draft of an authenticator: its begin, and its end once the person has confirmed it."""

from __future__ import annotations

from .. import attempts as budget
from ..assurance import Traits
from ..entropy import draw_id
from ..events import WRONG, Moment
from ..model import MAX_AUTHENTICATORS, Account, Attempts, Authenticator, Caller, Enrollment, Fields, replace
from ..reasons import Refusal
from ..rules import Rules
from ..text_safety import cut, printable
from .base import Change, refuse, time_of
from .bounds import breaks_bound, tidy
from .charge import Charge, settle_failure
from .proof import Granted, grant

ENROLLMENT_LIFE = 1800
KEPT_REPLACED = 2
"""The number of replaced drafts that are kept, to tell their codes apart from wrong ones."""
MAX_LABEL = 40


def begin_enrollment(
    account: Account,
    moment: Moment,
    *,
    factor: str,
    data: Fields,
    label: str,
    browser: str,
    single: bool,
    user_handle: str = "",
    replaces: str = "",
    name: str = "",
    lang: str = "",
    zone: str = "",
) -> Change[Enrollment | Refusal]:
    """Begin a draft, which does not count yet.

    It replaces an earlier draft of this kind in this browser (S-66). The earlier one is kept as replaced, with its
    codes: an answer with one of those is recognized, and costs no attempt. ``replaces`` is the id of the authenticator whose
    place it will take. ``user_handle`` is the name that authenticators know the person by, ``lang`` and ``zone`` are those of
    the reader, each where none is known yet. A draft of another browser may have named the person a moment ago: then that
    name stands in ``data`` as well. Answers the draft, or a refusal.
    """
    now = time_of(account, moment)
    reason = _no_room(_without(account, replaces), factor, single=single)
    if reason:
        return refuse(account, reason)
    handle = account.handle or user_handle
    if user_handle:
        data = {name: handle if value == user_handle else value for name, value in data.items()}
    enrollment = Enrollment(
        id=draw_id(moment.nonce, "enrollment"),
        factor=factor,
        label=_clean(label),
        browser=browser,
        started_at=now,
        expires_at=now + ENROLLMENT_LIFE,
        data=data,
    )
    others = tuple(e for e in account.enrollments if (e.factor, e.browser) != (factor, browser))
    mine = tuple(e for e in account.enrollments if e not in others)
    replaced = (*account.replaced, *mine)[-KEPT_REPLACED:]
    gone = {e.id for e in account.replaced if e not in replaced}
    account = replace(
        account,
        handle=handle,
        name=cut(printable(name), 80) or account.name,
        lang=account.lang or lang,
        zone=account.zone or zone,
        enrollments=(*others, enrollment),
        replaced=replaced,
        challenges=tuple(c for c in account.challenges if c.target not in gone),
    )
    return Change(account=tidy(account, now), events=(), answer=enrollment)


def settle_enrollment(
    account: Account,
    moment: Moment,
    rules: Rules,
    caller: Caller,
    *,
    taken: Charge,
    seen: Enrollment,
    data: Fields,
    challenge: str,
    label: str,
    traits: Traits,
    user_verified: bool,
    new_handle: str,
    answer: str,
    refusal: Refusal | None,
    replaces: str = "",
) -> Change[Granted | Refusal]:
    """Turn a confirmed draft into an authenticator, and grant this browser a proof by it.

    ``refusal`` is the result of ``may_enroll`` for the account as it is now: an enrollment that was allowed when the
    draft began may be forbidden by now. All attempts are given back for a first factor alone: with another one beside
    it, a guesser would get fresh guesses for that one (S-33). ``replaces`` is the id of the authenticator whose place
    it takes, with its name. Answers the grant, or a refusal.
    """
    now = time_of(account, moment)
    old, rest = account.authenticator(replaces), _without(account, replaces)
    reason = refusal.reason if refusal else ""
    if not reason and seen not in account.enrollments:
        reason = "draft_replaced" if replaced_by(account, seen) else "code_already_used"
    if not reason and now >= seen.expires_at:
        reason = "code_expired"
    if not reason:
        reason = _no_room(rest, seen.factor, single=traits.single)
    if not reason and any("claim" in a.data and a.data["claim"] == data.get("claim") for a in account.authenticators):
        reason = "already_enrolled"
    answered = next((c for c in account.challenges if c.id == challenge), None)
    if not reason and challenge and (answered is None or not answered.is_live(moment.now, account.seen_at)):
        reason = "code_already_used"
    authenticator = Authenticator(
        id=draw_id(moment.nonce, "authenticator"),
        factor=seen.factor,
        label=old.label if old and not label else free_label(rest, label or seen.label),
        created_at=now,
        data=data,
        last_used_at=now,
        last_network=caller.network,
    )
    if not reason and breaks_bound(rest, authenticator):
        reason = "too_many"
    if reason:
        return settle_failure(
            account, moment, rules, taken=taken, factor=seen.factor, reason=reason, free=True, browser=caller.handle
        )
    wrong, was_used = account.attempts.used - 1, any(a.last_used_at for a in account.authenticators)
    networks = {a.last_network for a in account.authenticators}
    more: dict[str, str | int] = {WRONG: wrong} if wrong > 0 else {}
    more |= {"replaces": replaces} if old else {}
    kind = "factor.replaced" if old else "factor.enrolled"
    account = replace(
        rest,
        attempts=_attempts_after(account, taken),
        authenticators=(*rest.authenticators, authenticator),
        default=rest.default or authenticator.id,
        enrollments=tuple(e for e in account.enrollments if e.id != seen.id),
        replaced=tuple(e for e in account.replaced if (e.factor, e.browser) != (seen.factor, seen.browser)),
        challenges=tuple(c for c in rest.challenges if c.target != seen.id and c.purpose != "contact"),
        skips=(),
        leave=None,
        ticket=None,
    )
    enrolled = moment.event(kind, account.key, factor=authenticator.factor, authenticator=authenticator.id, **more)
    account, granted, events = grant(
        account,
        moment,
        rules,
        caller,
        authenticator=authenticator,
        user_verified=user_verified,
        phishing_resistant=traits.phishing_resistant,
        remember=True,
        new_handle=new_handle,
        answer=answer,
        wrong=wrong,
        was_used=was_used,
        networks=networks,
        told_by=kind,
    )
    return Change(account=tidy(account, now), events=(enrolled, *events), answer=granted)


def _attempts_after(account: Account, taken: Charge) -> Attempts:
    if account.authenticators:
        return budget.refunded(account.attempts, taken.series)
    return budget.reset(account.attempts)


def _without(account: Account, id: str) -> Account:
    """Return the account without an authenticator, its challenges and its proofs."""
    if not id:
        return account
    return replace(
        account,
        authenticators=tuple(a for a in account.authenticators if a.id != id),
        default="" if account.default == id else account.default,
        challenges=tuple(c for c in account.challenges if c.target != id),
        browsers=tuple(
            replace(b, proofs=tuple(p for p in b.proofs if p.authenticator != id)) for b in account.browsers
        ),
    )


def replaced_by(account: Account, draft: Enrollment) -> bool:
    """Tell if the browser has begun another draft in the place of this one."""
    return any(e.id == draft.id for e in account.replaced)


def free_label(account: Account, label: str) -> str:
    """Cut ``label`` to 40 characters, and add a number if the name is in use (U-32)."""
    base = _clean(label) or "Authenticator"
    taken = {a.label.casefold() for a in account.authenticators}
    names = [base, *(f"{cut(base, MAX_LABEL - 3)} {n}" for n in range(2, MAX_AUTHENTICATORS + 2))]
    return next(name for name in names if name.casefold() not in taken)


def _clean(label: str) -> str:
    return cut(printable(" ".join(label.split())).strip(), MAX_LABEL)


def _no_room(account: Account, factor: str, *, single: bool) -> str:
    if len(account.authenticators) >= MAX_AUTHENTICATORS:
        return "too_many"
    return "already_enrolled" if single and any(a.factor == factor for a in account.authenticators) else ""
