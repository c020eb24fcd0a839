"""Issuing challenges: how often, how many may live, and what is remembered of each."""

from __future__ import annotations

from ..entropy import draw_id
from ..events import Moment
from ..model import Account, Challenge, Fields, Sent, replace
from ..reasons import Refusal
from ..rules import DAY, CountRules, ResendRules
from .base import Change, mark_of, refuse, time_of
from .bounds import tidy

HOUR = 3600


def wait_for(account: Account, factor: str, limits: ResendRules | CountRules, now: int) -> int:
    """Seconds until the next send with ``factor`` is allowed, 0 for now.

    The wait and the hour count for each factor; the day counts over all, so that changing the way does not add up (S-50).
    Requests to a phone have a window of their own instead, and end for a while when one is denied (S-97).
    """
    mine = sorted(s.at for s in account.sent if s.factor == factor)
    if isinstance(limits, CountRules):
        window = [at for at in mine if now - at < limits.window]
        full = window[-limits.count] + limits.window - now if len(window) >= limits.count else 0
        return max(0, full, account.quiet_until - now)
    all_day = sorted(s.at for s in account.sent if now - s.at < DAY and not s.free)
    waits = [0]
    if mine:
        waits.append(mine[-1] + limits.wait - now)
    hour = [at for at in mine if now - at < HOUR]
    if len(hour) >= limits.per_hour:
        waits.append(hour[-limits.per_hour] + HOUR - now)
    if len(all_day) >= limits.per_day:
        waits.append(all_day[-limits.per_day] + DAY - now)
    return max(waits)


def put_in_time(account: Account, moment: Moment) -> Change[None]:
    """Write down where the sends of a clock that ran ahead belong, so that their waits go on by today's clock."""
    return Change(account=_in_time(account, moment.now), events=(), answer=None)


def _in_time(account: Account, now: int) -> Account:
    """The account with the sends of a clock that ran ahead put where they belong by today's clock.

    Their age stays what the account's mark says. Without this a wait of half a minute would last until the wrong time is
    reached.
    """
    mark = mark_of(account, now)
    if not mark:
        return account
    sent = tuple(replace(s, at=now - (mark - s.at), mark=s.at) if s.at > now else s for s in account.sent)
    quiet = account.quiet_until
    return replace(account, sent=sent, quiet_until=now + quiet - mark if quiet > mark else quiet)


def issue(
    account: Account,
    moment: Moment,
    *,
    factor: str,
    purpose: str,
    target: str,
    browser: str,
    data: Fields,
    ttl: int,
    limits: ResendRules | CountRules | None,
    live: int,
) -> Change[Challenge | Refusal]:
    """Issue a challenge for ``target``.

    With ``limits`` it is one that is sent: refused when too soon.

    ``live`` is how many a browser may have of a factor, the oldest goes first: nobody drops another browser's. Of those
    that are answered on a person's phone it is how many the person may have: nobody chooses among several (S-97).
    """
    now, mark = time_of(account, moment), mark_of(account, moment.now)
    if account.lock is not None:
        return refuse(account, "locked", ref=account.lock.ref, attempts_remaining=0)
    clock, account = (moment.now, _in_time(account, moment.now)) if mark else (now, account)
    if limits is not None:
        wait = wait_for(account, factor, limits, clock)
        if wait > 0:
            return Change(account=account, events=(), answer=Refusal(reason="too_soon", retry_after=wait))
    challenge = Challenge(
        id=draw_id(moment.nonce, "challenge"),
        factor=factor,
        purpose=purpose,
        target=target,
        browser=browser,
        issued_at=clock,
        expires_at=clock + ttl,
        data=data,
        mark=mark,
    )
    same = [c for c in account.challenges if c.is_live(clock, account.seen_at) and c.factor == factor]
    mine = same if challenge.waits else [c for c in same if c.browser == browser]
    dropped = {c.id for c in mine[: max(0, len(mine) + 1 - live)]}
    challenges = (*(c for c in account.challenges if c.id not in dropped), challenge)
    events = (moment.event("challenge.sent", account.key, factor=factor, challenge=challenge.id, purpose=purpose),)
    told = Sent(factor=factor, at=clock, free=isinstance(limits, CountRules), mark=mark)
    sent = (*account.sent, told) if limits is not None else account.sent
    changed = replace(account, challenges=challenges, sent=sent)
    return Change(account=tidy(changed, now), events=events if limits is not None else (), answer=challenge)


def send_failed(
    account: Account, moment: Moment, *, challenge: str, factor: str, reason: str, waived: int = 0
) -> Change[str]:
    """The provider did not take it. The code stays good, for it may arrive late; the send counts (S-50, F-21).

    ``waived``: seconds of waiting that are not asked for, where nothing was handed over; the send counts as that much older.
    """
    event = moment.event("challenge.send_failed", account.key, factor=factor, reason=reason, challenge=challenge)
    challenges = tuple(
        replace(c, status="undelivered") if c.id == challenge and c.status == "pending" else c
        for c in account.challenges
    )
    issued = next((c.issued_at for c in account.challenges if c.id == challenge), None)
    place = next((n for n, s in enumerate(account.sent) if s.factor == factor and s.at == issued), None)
    sent = account.sent
    if waived and place is not None:
        sent = (*sent[:place], replace(sent[place], at=sent[place].at - waived), *sent[place + 1 :])
    changed = replace(account, challenges=challenges, sent=sent)
    return Change(account=changed, events=(event,), answer=event.id)
