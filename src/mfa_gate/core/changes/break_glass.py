"""Break-glass: two administrators let in a person who cannot give a second factor now.

The grant lasts for some hours.
"""

from __future__ import annotations

from ..break_glass import HOUR, MAX_HOURS, has_room, is_in_force, is_known, is_waiting
from ..events import TOLD_BY, Event, Moment
from ..messages.letter import N_
from ..model import Account, Grant, replace
from ..reasons import Refusal
from ..roles import Hand
from ..text_safety import stated
from .base import Change, keep, refuse, time_of
from .bounds import tidy
from .second_person import not_by_the_concerned, not_confirmed


def ask(account: Account, moment: Moment, *, by: Hand, reason: str, ticket: str, hours: int) -> Change[Refusal | None]:
    """Ask for a grant of 1 to 11 hours, with a reason and a ticket number.

    The request opens nothing yet. ``by`` is the first administrator. Answers a refusal, or None.
    """
    given = {"reason": bool(stated(reason)), "ticket": bool(stated(ticket)), "hours": 1 <= hours <= MAX_HOURS}
    if not all(given.values()):
        return refuse(account, "malformed", member=next(name for name, is_good in given.items() if not is_good))
    if account.lock is not None:
        return refuse(account, "locked", ref=account.lock.ref)
    if refusal := not_by_the_concerned(account, by=by):
        return keep(account, refusal)
    now = time_of(account, moment)
    if is_waiting(account, now) or is_in_force(account, now):
        return refuse(account, "not_allowed", detail=N_("There is one already; end it before you ask for another."))
    account, ended = close(account, moment, reason="over")
    event = moment.event("break_glass.asked", account.key, reason=stated(reason), ticket=stated(ticket), hours=hours)
    grant = Grant(
        ref=event.id,
        asked_by=by.name,
        asked_in=by.tenant,
        asked_at=now,
        reason=stated(reason),
        ticket=stated(ticket),
        life=hours * HOUR,
        epoch=account.epoch,
    )
    return Change(account=tidy(replace(account, grant=grant), now), events=(*ended, event), answer=None)


def confirm(account: Account, moment: Moment, *, by: Hand, ref: str, reason: str = "") -> Change[Refusal | None]:
    """Confirm a grant, by a second and different administrator, within the hour.

    The grant counts from now on. ``ref`` names the request that the administrator has read. A request that took its
    place meanwhile is not confirmed. ``reason`` is the second administrator's own, "" for that of the request. Answers a
    refusal, or None.
    """
    grant, now = account.grant, time_of(account, moment)
    if account.lock is not None:
        return refuse(account, "locked", ref=account.lock.ref)
    refusal = not_confirmed(account, grant if is_waiting(account, now) else None, by=by, ref=ref)
    if grant is None or refusal is not None:
        return keep(account, refusal)
    ends_at = now + grant.life
    event = moment.event(
        "break_glass.granted",
        account.key,
        reason=stated(reason) or grant.reason,
        ticket=grant.ticket,
        asked_by=grant.asked_by,
        request=grant.ref,
        until=ends_at,
    )
    granted = replace(grant, confirmed_by=by.name, confirmed_in=by.tenant, ends_at=ends_at)
    return Change(account=tidy(replace(account, grant=granted), now), events=(event,), answer=None)


def revoke(account: Account, moment: Moment, *, reason: str) -> Change[Refusal | None]:
    """End a grant, or take back the request for one, with a reason.

    Answers a refusal, or None.
    """
    if not stated(reason):
        return refuse(account, "malformed", member="reason")
    now = time_of(account, moment)
    if not is_waiting(account, now) and not is_in_force(account, now):
        return refuse(account, "not_found")
    account, events = close(account, moment, reason=stated(reason))
    return Change(account=tidy(account, now), events=events, answer=None)


def use(account: Account, moment: Moment, *, mark: str) -> Change[bool]:
    """Write down a browser's first request under a grant.

    The request may pass only after that (S-125). Answers False where the grant has ended, or has no room for another
    browser.
    """
    grant, now = account.grant, time_of(account, moment)
    if grant is None or not is_in_force(account, now):
        return Change(account=account, events=(), answer=False)
    if is_known(account, mark):
        return Change(account=account, events=(), answer=True)
    if not has_room(account, mark):
        return Change(account=account, events=(), answer=False)
    event = moment.event("break_glass.used", account.key, request=grant.ref, until=grant.ends_at)
    used = replace(grant, browsers=(*grant.browsers, (mark, now)))
    return Change(account=tidy(replace(account, grant=used), now), events=(event,), answer=True)


def expire(account: Account, moment: Moment) -> Change[bool]:
    """Remove a grant or a request that is over, and report it.

    Answers False if there was none.
    """
    grant, now = account.grant, time_of(account, moment)
    if grant is None or is_waiting(account, now) or is_in_force(account, now):
        return Change(account=account, events=(), answer=False)
    cause = "locked" if account.lock else "revoked" if grant.epoch != account.epoch else "over"
    account, events = close(account, moment, reason=cause)
    return Change(account=tidy(account, now), events=events, answer=True)


def close(account: Account, moment: Moment, *, reason: str, told_by: str = "") -> tuple[Account, tuple[Event, ...]]:
    """Remove the grant.

    ``told_by`` is the kind of the event of the same change whose notice tells the person of it. Returns the account, and
    the event of the end (none if there was no grant).
    """
    grant = account.grant
    if grant is None:
        return account, ()
    event = moment.event(
        "break_glass.ended",
        account.key,
        reason=reason,
        ticket=grant.ticket,
        request=grant.ref,
        used=len(grant.browsers),
        **({TOLD_BY: told_by} if told_by else {}),
    )
    return replace(account, grant=None), (event,)
