"""Removal of an account's factors: all of them, or one with its proofs."""

from __future__ import annotations

from .. import attempts as budget
from ..assurance import TraitsOf
from ..events import Event, Moment
from ..model import Account, Authenticator, replace
from ..rules import DAY
from .base import end_proofs, mark_of, time_of
from .break_glass import close


def emptied(account: Account, moment: Moment, *, told_by: str) -> tuple[Account, int, tuple[Event, ...]]:
    """Remove every factor, browser, challenge and draft, and end every proof.

    Returns the account, the time of the change, and the events of what ended with it. ``told_by`` is the kind of the
    event whose notice tells of them.
    """
    account, ended = close(account, moment, reason="reset", told_by=told_by)
    by_hand = account.lock is not None and account.lock.cause == "administrator"
    account, now = (
        _set_back(account, moment.now) if mark_of(account, moment.now) else (account, time_of(account, moment))
    )
    changed = replace(
        end_proofs(account, now),
        attempts=budget.reset(account.attempts),
        lock=account.lock if by_hand else None,
        authenticators=(),
        default="",
        challenges=(),
        enrollments=(),
        replaced=(),
        browsers=(),
        logins=(),
        skips=(),
        leave=None,
        ticket=None,
        recovery=None,
        asked=None,
        frozen_until=0,
        undo_by=(),
        uncounted=(),
        drifted=(),
    )
    return changed, now, ended


def without_authenticator(account: Account, mine: Authenticator, *, traits: TraitsOf) -> Account:
    """Return the account without ``mine`` and its proofs.

    Where no factor is left but backup codes, those go as well.
    """
    left = [a for a in account.authenticators if a.id != mine.id]
    factors = [a for a in left if a.factor not in traits or not traits[a.factor].backup]
    return replace(
        account,
        authenticators=tuple(left) if factors else (),
        default=account.default if account.default != mine.id else (factors[0].id if factors else ""),
        challenges=tuple(c for c in account.challenges if c.target != mine.id),
        browsers=tuple(
            replace(b, proofs=tuple(p for p in b.proofs if p.authenticator != mine.id)) for b in account.browsers
        ),
    )


def _set_back(account: Account, now: int) -> tuple[Account, int]:
    """Set every time in the account that is later than ``now`` back to it.

    Returns the account, and ``now``.
    """
    days: dict[int, int] = {}
    for day, count in account.attempts.days:
        today = min(day, now // DAY)
        days[today] = days.get(today, 0) + count
    attempts = account.attempts
    back = replace(
        account,
        seen_at=now,
        attempts=replace(attempts, charged_at=min(attempts.charged_at, now), days=tuple(sorted(days.items()))),
        sent=tuple(replace(s, at=min(s.at, now), mark=0) for s in account.sent),
        quiet_until=0,
        skips=tuple((where, min(at, now)) for where, at in account.skips),
        logins_from=min(account.logins_from, now),
    )
    return back, now
