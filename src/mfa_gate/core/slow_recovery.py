"""The times of a recovery without an administrator.

These are the wait, its reminders, and the days in which it is open. A person without any method asks. Every contact is
told. If nobody stops it in the wait of the policy, the person may set
up anew.
"""

from __future__ import annotations

from .model import Account, Recovery, replace
from .rules import DAY

OPEN_FOR = 7 * DAY
"""In seconds. A wait that is over opens the way for this long. After that the person asks again."""
REMINDERS = 3
"""How often the contacts are reminded: after one third and two thirds of the wait, and at its end."""


def opens_at(waiting: Recovery | None, wait: int) -> int:
    """Return the time (UTC seconds) from which the person may set up anew; 0 for never.

    ``wait`` is the policy's of today, in seconds (0: off). A policy that became slower counts at once. One that became
    faster does not: the contacts were told another time.
    """
    if waiting is None or not waiting.opens_at or not wait:
        return 0
    return max(waiting.opens_at, waiting.at + wait)


def is_open(account: Account, wait: int, now: int) -> bool:
    """Tell if the person may set up anew now.

    ``now`` is the wall clock: an account whose mark runs ahead opens no earlier. A lock, and a stop of all changes after
    "this was not me", keep the way closed.
    """
    at = opens_at(account.recovery, wait)
    return bool(at) and at <= now < at + OPEN_FOR and account.lock is None and now >= account.frozen_until


def is_over(account: Account, wait: int, now: int) -> bool:
    """Tell if nobody has used the open way in time."""
    at = opens_at(account.recovery, wait)
    return bool(at) and now >= at + OPEN_FOR


def reminders_due(waiting: Recovery, wait: int, now: int) -> int:
    """Count the reminders that should have gone out by ``now``."""
    passed = now - (opens_at(waiting, wait) - wait)
    return max(0, min(REMINDERS, passed * REMINDERS // wait))


def begun_again(waiting: Recovery | None, now: int) -> Recovery | None:
    """Begin the wait again. A request for an administrator stays as it is."""
    if waiting is None or not waiting.opens_at:
        return waiting
    return replace(waiting, at=now, opens_at=now + waiting.opens_at - waiting.at, reminded=0)


def by_hand(waiting: Recovery | None) -> Recovery | None:
    """Return the request as one that only an administrator answers."""
    return replace(waiting, opens_at=0, told="", reminded=0) if waiting is not None and waiting.opens_at else waiting
