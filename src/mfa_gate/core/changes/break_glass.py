"""Break-glass: two administrators let somebody in for some hours who cannot give a second factor now."""

from __future__ import annotations

from ..break_glass import HOUR, MAX_HOURS, has_room, is_in_force, is_known, is_waiting
from ..events import Event, Moment
from ..model import Account, Grant, replace
from ..reasons import Refusal
from ..roles import Hand, is_same_hand
from .base import Change, refuse, time_of
from .bounds import tidy

MAX_REASON = 200
WHICH = "Name the request that you have read by its reference: no other one waits."
SECOND = "A second administrator confirms, not the one who asked and not the person concerned."


def stated(text: str) -> str:
    """A reason or ticket number as it is written down: printable, one line; "" where there is none or it is too long."""
    line = " ".join(text.split())
    return line if line.isprintable() and len(line) <= MAX_REASON else ""


def ask(account: Account, moment: Moment, *, by: Hand, reason: str, ticket: str, hours: int) -> Change[Refusal | None]:
    """The first administrator asks, under a ticket and with a reason, for 1 to 11 hours. Nothing is open yet."""
    given = {"reason": bool(stated(reason)), "ticket": bool(stated(ticket)), "hours": 1 <= hours <= MAX_HOURS}
    if not all(given.values()):
        return refuse(account, "malformed", member=next(name for name, is_good in given.items() if not is_good))
    if account.lock is not None:
        return refuse(account, "locked", ref=account.lock.ref)
    if is_same_hand(by, Hand(account.key.id, account.key.tenant)):
        return refuse(account, "not_allowed", detail=SECOND)
    now = time_of(account, moment)
    if is_waiting(account, now) or is_in_force(account, now):
        return refuse(account, "not_allowed", detail="There is one already; end it before you ask for another.")
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


def confirm(account: Account, moment: Moment, *, by: Hand, ref: str) -> Change[Refusal | None]:
    """Let a second, different administrator confirm within the hour; from now on it counts.

    ``ref`` is the request that was read: one that was put in its place meanwhile is not confirmed unseen.
    """
    grant, now = account.grant, time_of(account, moment)
    if account.lock is not None:
        return refuse(account, "locked", ref=account.lock.ref)
    if grant is None or not is_waiting(account, now):
        return refuse(account, "not_found")
    own = Hand(account.key.id, account.key.tenant)
    if is_same_hand(by, Hand(grant.asked_by, grant.asked_in)) or is_same_hand(by, own):
        return refuse(account, "not_allowed", detail=SECOND)
    if ref != grant.ref:
        return refuse(account, "not_found", detail=WHICH)
    ends_at = now + grant.life
    event = moment.event(
        "break_glass.granted",
        account.key,
        reason=grant.reason,
        ticket=grant.ticket,
        asked_by=grant.asked_by,
        request=grant.ref,
        until=ends_at,
    )
    granted = replace(grant, confirmed_by=by.name, confirmed_in=by.tenant, ends_at=ends_at)
    return Change(account=tidy(replace(account, grant=granted), now), events=(event,), answer=None)


def revoke(account: Account, moment: Moment, *, reason: str) -> Change[Refusal | None]:
    """An administrator ends a grant, or takes back the request for one."""
    if not stated(reason):
        return refuse(account, "malformed", member="reason")
    now = time_of(account, moment)
    if not is_waiting(account, now) and not is_in_force(account, now):
        return refuse(account, "not_found")
    account, events = close(account, moment, reason=stated(reason))
    return Change(account=tidy(account, now), events=events, answer=None)


def use(account: Account, moment: Moment, *, mark: str) -> Change[bool]:
    """A browser's first request under a grant; it passes only once this is written down (S-125). False: it has ended."""
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
    """What is over by itself is taken away and told. False: there was nothing to take away."""
    grant, now = account.grant, time_of(account, moment)
    if grant is None or is_waiting(account, now) or is_in_force(account, now):
        return Change(account=account, events=(), answer=False)
    cause = "locked" if account.lock else "revoked" if grant.epoch != account.epoch else "over"
    account, events = close(account, moment, reason=cause)
    return Change(account=tidy(account, now), events=events, answer=True)


def close(account: Account, moment: Moment, *, reason: str) -> tuple[Account, tuple[Event, ...]]:
    """The account without its grant, and the event that says so."""
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
    )
    return replace(account, grant=None), (event,)
