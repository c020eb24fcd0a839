"""The change of one account, and the time at which it is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from ..events import Event, Moment
from ..model import FAR, Account, replace
from ..reasons import Refusal
from ..rules import DAY

A = TypeVar("A", covariant=True)
B = TypeVar("B")
KEEP_PROOFS = 90 * DAY
HOUR = 3600
TWIN_LIFE = 30
"""In seconds. For this long, a second copy of a right answer from the same browser gets the first one's result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change(Generic[A]):
    """The account after a step, the events that commit with it, and the answer for the caller."""

    account: Account
    events: tuple[Event, ...]
    answer: A


def keep(account: Account, answer: B) -> Change[B]:
    """Leave the account as it is, and give ``answer``."""
    return Change(account=account, events=(), answer=answer)


def refuse(account: Account, reason: str, **more: object) -> Change[Refusal]:
    """Leave the account as it is, and refuse for ``reason``.

    ``more`` are further fields of the ``Refusal``.
    """
    return keep(account, Refusal(reason=reason, **more))  # type: ignore[arg-type]


def time_of(account: Account, moment: Moment) -> int:
    """Return the time for this account: never earlier than the latest time that it has seen.

    The time is in UTC seconds. So a clock that steps back revives nothing. Use this time to measure ages. Use the
    wall clock ``moment.now`` to compare with a person's own clock or with a message.
    """
    return max(moment.now, account.seen_at)


def mark_of(account: Account, now: int) -> int:
    """Return the account's mark if it is far ahead of the clock, else 0.

    A clock that ran ahead has set such a mark.
    """
    return account.seen_at if account.seen_at - now > FAR else 0


def end_proofs(account: Account, now: int) -> Account:
    """End every proof made so far.

    No earlier sign-in at an identity provider becomes a proof any more.
    """
    return replace(account, epoch=account.epoch + 1, logins_from=logins_until(account, now))


def logins_until(account: Account, now: int) -> int:
    """Return the time up to which no sign-in elsewhere counts any more.

    It is now, or the latest sign-in already seen where the identity provider's clock is ahead of ours.
    """
    return max([now, account.logins_from, *(at for at, _ in account.logins)])
