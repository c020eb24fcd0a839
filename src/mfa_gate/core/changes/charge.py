"""The charge of an attempt before any comparison, and its refund.

Only an answer that was no guess gets its attempt back.
"""

from __future__ import annotations

from dataclasses import dataclass

from .. import attempts as budget
from ..events import Event, Moment
from ..model import Account, Challenge, Lock, replace
from ..reasons import Refusal
from ..rules import Rules
from .base import HOUR, Change, end_proofs, keep, time_of
from .bounds import tidy

UNCOUNTED_PER_HOUR = 20
"""The most refusals without cost in an hour. After them, nothing is compared or written for a while (S-38)."""
DRIFTS_PER_HOUR = 3
"""The most answers in an hour that tell a person that a clock is off (decisions 42)."""
LOST_ANSWER = 30
"""In seconds. A charged attempt without an outcome for this long is taken for a crash, and the lock is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """One attempt that was taken.

    ``series`` numbers the run of attempts since the last success. ``remaining`` is the number of attempts left if
    this one fails.
    """

    series: int
    remaining: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InFlight:
    """The answer while all attempts are taken, and some are not settled yet.

    The caller asks again in a moment.
    """


def charge(account: Account, moment: Moment, rules: Rules, *, browser: str = "") -> Change[Charge | InFlight | Refusal]:
    """Take one attempt, or refuse.

    Nothing may be compared before this change is committed (S-31). ``browser`` is the digest of the handle that asks.
    A browser that has proven something has its own budget of refusals without cost, so that nobody elsewhere uses it
    up.
    """
    now = time_of(account, moment)
    if account.lock is not None:
        return keep(account, Refusal(reason="locked", ref=account.lock.ref, attempts_remaining=0))
    wait = _wait_for(account, moment.now, _place(account, browser))
    if wait:
        return keep(account, Refusal(reason="too_soon", retry_after=wait))
    if budget.is_spent(account.attempts, rules.attempts):
        if not is_left_open(account, moment.now, rules):
            return keep(account, InFlight())
        locked, event = lock_now(account, moment, rules, cause="attempts")
        answer = Refusal(reason="locked", ref=event.id, attempts_remaining=0)
        return Change(account=locked, events=(event,), answer=answer)
    taken = budget.charged(account.attempts, now)
    answer_ = Charge(series=taken.series, remaining=budget.remaining(taken, rules.attempts))
    return Change(account=tidy(replace(account, attempts=taken), now), events=(), answer=answer_)


def is_left_open(account: Account, now: int, rules: Rules) -> bool:
    """Tell if all attempts are taken and nobody has written the lock.

    A server that stopped with the last attempt has left it so, and an application that gives more attempts.
    """
    spent = account.lock is None and budget.is_spent(account.attempts, rules.attempts)
    return spent and max(now, account.seen_at) - account.attempts.charged_at >= LOST_ANSWER


def lock_left_open(account: Account, moment: Moment, rules: Rules) -> Change[None]:
    """Write the lock that nobody has written (see ``is_left_open``)."""
    if not is_left_open(account, moment.now, rules):
        return keep(account, None)
    locked, event = lock_now(account, moment, rules, cause="attempts")
    return Change(account=locked, events=(event,), answer=None)


def lock_now(account: Account, moment: Moment, rules: Rules, *, cause: str) -> tuple[Account, Event]:
    """Lock the account because its attempts are used up. Returns the account and the event.

    Every code ends. Where the policy says so, every proof ends too (D-8).
    """
    event = moment.event("account.locked", account.key, reason=cause)
    now = time_of(account, moment)
    ended = end_proofs(account, now) if rules.attempts.lock_ends_sessions else account
    return replace(
        ended, lock=Lock(at=now, cause=cause, ref=event.id), challenges=(), enrollments=(), replaced=()
    ), event


def settle_failure(
    account: Account,
    moment: Moment,
    rules: Rules,
    *,
    taken: Charge,
    factor: str,
    reason: str,
    free: bool,
    alarm: str = "",
    spent: str = "",
    browser: str = "",
    detail: str = "",
    drift: int = 0,
    mark: str = "",
) -> Change[Refusal]:
    """Record a response that was not accepted. Answers the refusal.

    ``free``: the response was no guess, so the attempt is given back. ``spent`` is the id of a challenge that ends with
    its first answer. ``alarm`` is the sign by which a response is one of a copy of the authenticator. ``mark`` names a code
    of a clock that is off: it was recognized, and must not be accepted later.
    """
    now = time_of(account, moment)
    account = replace(account, challenges=spend(account.challenges, (spent,), now))
    if free:
        return _refunded(
            account, moment, rules, taken=taken, factor=factor, reason=reason, alarm=alarm, browser=browser,
            detail=detail, drift=drift, mark=mark,
        )  # fmt: skip
    account = replace(account, attempts=budget.failed(account.attempts, rules.attempts, now))
    left = budget.remaining(account.attempts, rules.attempts)
    more = {"alarm": alarm} if alarm else {}
    event = moment.event("attempt.failed", account.key, factor=factor, reason=reason, left=left, **more)
    events: tuple[Event, ...] = (event,)
    if alarm:
        events = (event, moment.event("factor.copied", account.key, factor=factor, reason=alarm))
    rolling = budget.failures_in_window(account.attempts, rules.attempts, now) >= rules.attempts.rolling.max
    if account.lock is None and (rolling or not left):
        account, locked = lock_now(account, moment, rules, cause="rolling" if left else "attempts")
        events, left = (*events, locked), 0
    answer = Refusal(reason=reason, ref=event.id, attempts_remaining=left)
    return Change(account=tidy(account, now), events=events, answer=answer)


def _refunded(
    account: Account,
    moment: Moment,
    rules: Rules,
    *,
    taken: Charge,
    factor: str,
    reason: str,
    alarm: str,
    browser: str,
    detail: str,
    drift: int,
    mark: str,
) -> Change[Refusal]:
    """Give the attempt back, and count the refusal.

    An hour has room for ``UNCOUNTED_PER_HOUR`` of them, and for ``DRIFTS_PER_HOUR`` answers about a clock that is off.
    """
    wait = 0
    drifted = _of_this_hour(account.drifted, moment.now)
    if reason == "clock_drift":
        if len(drifted) >= DRIFTS_PER_HOUR:
            reason, detail, drift, wait = "too_soon", "", 0, drifted[-DRIFTS_PER_HOUR][1] + HOUR - moment.now
        drifted = (*drifted, (mark, moment.now))
    account = replace(
        give_back(account, taken=taken),
        uncounted=(*_of_this_hour(account.uncounted, moment.now), (_place(account, browser), moment.now)),
        drifted=drifted,
    )
    left = budget.remaining(account.attempts, rules.attempts)
    more = {"alarm": alarm} if alarm else {}
    event = moment.event("attempt.refused", account.key, factor=factor, reason=reason, **more)
    answer = Refusal(
        reason=reason,
        ref=event.id,
        attempts_remaining=left,
        detail=detail,
        drift=drift,
        retry_after=wait if wait > 0 else None,
    )
    return Change(account=tidy(account, time_of(account, moment)), events=(event,), answer=answer)


def give_back(account: Account, *, taken: Charge) -> Account:
    """Give back an attempt whose answer was no guess. It writes no event.

    A lock keeps what it was made of: with it six attempts and a lock would stand in the account, which no rule makes.
    """
    if account.lock is not None:
        return account
    return replace(account, attempts=budget.refunded(account.attempts, taken.series))


def recognized(account: Account, id: str) -> frozenset[str]:
    """Return the codes of an authenticator that were refused because of a clock that is off.

    They were recognized, and must not be accepted later.
    """
    return frozenset(mark.removeprefix(f"{id}:") for mark, _ in account.drifted if mark.startswith(f"{id}:"))


def _of_this_hour(items: tuple[tuple[str, int], ...], now: int) -> tuple[tuple[str, int], ...]:
    return tuple(item for item in items if 0 <= now - item[1] < HOUR)


def _place(account: Account, browser: str) -> str:
    return browser if account.browser(browser) is not None else ""


def _wait_for(account: Account, now: int, place: str) -> int:
    """Return the seconds until there is room for another refusal without cost, 0 for now."""
    recent = [at for where, at in _of_this_hour(account.uncounted, now) if where == place]
    return recent[-UNCOUNTED_PER_HOUR] + HOUR - now if len(recent) >= UNCOUNTED_PER_HOUR else 0


def spend(challenges: tuple[Challenge, ...], ids: tuple[str, ...], now: int) -> tuple[Challenge, ...]:
    return tuple(replace(c, spent_at=c.spent_at or now) if c.id in ids else c for c in challenges)
