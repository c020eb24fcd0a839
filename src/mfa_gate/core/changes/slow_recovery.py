"""Steps of a recovery without an administrator.

They begin it, remind, stop it, begin it again, and set up anew. The person who asks has the password and nothing else,
and may be a thief. So asking again changes nothing, only a proof or a contact stops it, and every contact that was on file
at the beginning is told to the end.
"""

from __future__ import annotations

from collections.abc import Callable

from ..events import Event, Moment
from ..model import Account, Recovery, replace
from ..reasons import Refusal
from ..slow_recovery import is_open, is_over, opens_at, reminders_due
from .base import Change, keep, refuse, time_of
from .bounds import tidy
from .removal import emptied

NOBODY_STOPPED = "nobody stopped it"
"""The reason in the trail of a reset that no administrator made."""


def begin(account: Account, moment: Moment, waiting: Recovery, *, wait: int, told: str) -> tuple[Recovery, Event]:
    """Let ``waiting`` open by itself after ``wait`` seconds.

    ``told`` holds the contacts on file, sealed. A stop of all changes is waited for first. Returns the request and the
    event by which every contact is told.
    """
    at = max(time_of(account, moment), account.frozen_until) + wait
    event = moment.event("recovery.waiting", account.key, opens_at=at, request=waiting.ref)
    return replace(waiting, opens_at=at, told=told, reminded=0), event


def stopped(account: Account, moment: Moment, *, reason: str, told_by: str = "") -> tuple[Account, tuple[Event, ...]]:
    """Take back a request that opens by itself; another request stays.

    ``told_by`` is the kind of the event of the same change whose notice tells of it. Returns the account and the events.
    """
    if account.recovery is None or not account.recovery.opens_at:
        return account, ()
    more = {"told_by": told_by} if told_by else {}
    event = moment.event("recovery.stopped", account.key, reason=reason, **more)
    return replace(account, recovery=None), (event,)


def begin_again(account: Account, moment: Moment, *, wait: int, seen: Recovery, told: str, reason: str) -> Change[None]:
    """Begin the wait again, because the contacts on file have changed in it.

    A thief who changes them would else be told in the place of the owner. ``seen`` is the request as it was looked at,
    ``told`` holds the new contacts and the earlier ones, sealed.
    """
    waiting = account.recovery
    if waiting is None or waiting.told != seen.told or not opens_at(waiting, wait):
        return keep(account, None)
    now = time_of(account, moment)
    at = max(now, account.frozen_until) + wait
    event = moment.event("recovery.restarted", account.key, reason=reason, opens_at=at, request=waiting.ref)
    fresh = replace(waiting, at=now, opens_at=at, told=told, reminded=0)
    return Change(account=tidy(replace(account, recovery=fresh), now), events=(event,), answer=None)


def remind(account: Account, moment: Moment, *, wait: int) -> Change[None]:
    """Tell every contact again, once for each reminder that is due.

    After a long outage one message stands for all that were missed. A request that nobody used in time ends.
    """
    waiting = account.recovery
    if waiting is None or not opens_at(waiting, wait) or account.lock is not None:
        return keep(account, None)
    now = time_of(account, moment)
    if is_over(account, wait, moment.now):
        event = moment.event("recovery.lapsed", account.key, request=waiting.ref)
        return Change(account=tidy(replace(account, recovery=None), now), events=(event,), answer=None)
    due = reminders_due(waiting, wait, moment.now)
    if due <= waiting.reminded:
        return keep(account, None)
    kind = "recovery.open" if is_open(account, wait, moment.now) else "recovery.reminded"
    event = moment.event(kind, account.key, opens_at=opens_at(waiting, wait), request=waiting.ref)
    changed = replace(account, recovery=replace(waiting, reminded=due))
    return Change(account=tidy(changed, now), events=(event,), answer=None)


def set_up_anew(
    account: Account, moment: Moment, *, wait: int, is_told: Callable[[str], bool]
) -> Change[Refusal | None]:
    """Remove every factor after the wait.

    So a first enrollment opens under the policy's rules. ``is_told`` tells if the sealed contacts are those on file
    now; else the way stays closed. Answers a refusal, or None.
    """
    waiting, at = account.recovery, opens_at(account.recovery, wait)
    if account.lock is not None:
        return refuse(account, "locked", ref=account.lock.ref, attempts_remaining=0)
    if waiting is None or not at or is_over(account, wait, moment.now):
        return refuse(account, "not_allowed")
    if not is_open(account, wait, moment.now) or not is_told(waiting.told):
        left = max(at, account.frozen_until) - moment.now
        return refuse(account, "too_soon", retry_after=left if left > 0 else wait)
    event = moment.event("recovery.used", account.key, reason=NOBODY_STOPPED, request=waiting.ref)
    changed, now, ended = emptied(account, moment, told_by="recovery.used")
    return Change(account=tidy(changed, now), events=(event, *ended), answer=None)
