"""A change of one account, and the time that it is made at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from ..events import Event, Moment
from ..model import (
    Account,
    replace,
)
from ..reasons import Refusal
from ..rules import DAY

A = TypeVar("A", covariant=True)
B = TypeVar("B")
KEEP_PROOFS = 90 * DAY
HOUR = 3600
FAR = 60
"""Seconds: an account's mark that is further ahead of the clock was set by a clock that was wrong (S-118)."""
TWIN_LIFE = 30
"""Seconds in which a copy of a right answer, from the same browser, is led to the result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change(Generic[A]):
    """The account after a step, the events that commit with it, and what to answer the caller."""

    account: Account
    events: tuple[Event, ...]
    answer: A


def keep(account: Account, answer: B) -> Change[B]:
    """Nothing changes; ``answer`` is all."""
    return Change(account=account, events=(), answer=answer)


def refuse(account: Account, reason: str, **more: object) -> Change[Refusal]:
    """Nothing changes, and why."""
    return keep(account, Refusal(reason=reason, **more))  # type: ignore[arg-type]


def time_of(account: Account, moment: Moment) -> int:
    """The time for this account: never earlier than what it has seen, so a clock that steps back revives nothing.

    It measures ages. What a person's own clock or a message is compared with is the wall clock, ``moment.now``.
    """
    return max(moment.now, account.seen_at)


def mark_of(account: Account, now: int) -> int:
    """The account's mark where it is far ahead of the clock, else 0: a clock that ran ahead has set it."""
    return account.seen_at if account.seen_at - now > FAR else 0


def end_proofs(account: Account, now: int) -> Account:
    """Every proof made so far is over, and no earlier sign-in at an identity provider becomes one."""
    return replace(account, epoch=account.epoch + 1, logins_from=logins_until(account, now))


def logins_until(account: Account, now: int) -> int:
    """Up to when no sign-in elsewhere counts any more: until now, and none that was seen, by whosever clock it is later."""
    return max([now, account.logins_from, *(at for at, _ in account.logins)])
