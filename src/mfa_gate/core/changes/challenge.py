"""Issuing of challenges: how often, how many at a time, and the data that is kept of each."""

from __future__ import annotations

from ..entropy import draw_id
from ..events import Moment
from ..model import Account, Challenge, Fields, Sent, replace
from ..model.authenticator import WHY_NOT
from ..reasons import Refusal
from ..rules import DAY, CountRules, ResendRules
from .base import Change, mark_of, refuse, time_of
from .bounds import tidy
from .out_of_band import QUIET

HOUR = 3600
MAX_REASON = 40
"""Characters of a sender's reason that are kept."""


def wait_for(account: Account, factor: str, limits: ResendRules | CountRules, now: int) -> int:
    """Return the seconds until the next send with ``factor`` is allowed, 0 for now.

    The wait and the hour's limit count for each factor. The day's limit counts over all factors, so that a change of
    the factor gives no more sends (S-50). Requests to a phone have a window of their own instead. They stop for a
    while when one is denied (S-97).
    """
    mine = sorted(s.at for s in account.sent if s.factor == factor)
    if isinstance(limits, CountRules):
        return max(0, _until_room(mine, limits.count, limits.window, now), account.quiet_until - now)
    every = sorted(s.at for s in account.sent if not s.free)
    return max(
        0,
        _until_room(mine, 1, limits.wait, now),
        _until_room(mine, limits.per_hour, HOUR, now),
        _until_room(every, limits.per_day, DAY, now),
    )


def _until_room(sends: list[int], most: int, window: int, now: int) -> int:
    """Return the seconds until fewer than ``most`` sends lie in the ``window``.

    It is 0 or less for now. ``sends`` are times in their order.
    """
    return sends[-most] + window - now if len(sends) >= most else 0


def put_in_time(account: Account, moment: Moment) -> Change[None]:
    """Correct the times of sends that were made under a clock that ran ahead.

    Their waits then go on by today's clock.
    """
    return Change(account=_in_time(account, moment.now), events=(), answer=None)


def _in_time(account: Account, now: int) -> Account:
    """Move the sends made under a clock that ran ahead to the right time of today's clock.

    Their age stays as the account's mark says. Without this, a wait of half a minute would last until the clock reaches
    the wrong time.
    """
    mark = mark_of(account, now)
    if not mark:
        return account
    sent = tuple(replace(s, at=now - (mark - s.at), mark=s.at) if s.at > now else s for s in account.sent)
    quiet = account.quiet_until
    if quiet > mark:
        quiet = now + quiet - mark
    elif quiet > now + QUIET:  # that clock has seen its end
        quiet = 0
    return replace(account, sent=sent, quiet_until=quiet)


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
    """Issue a challenge for ``target``, valid for ``ttl`` seconds.

    With ``limits`` the challenge is one that is sent; it is refused when it comes too soon. Answers the challenge, or
    the refusal.

    ``live`` is the number of live challenges that one browser may have of a factor. The oldest goes first, and never
    another browser's. For challenges that are answered on a person's phone, ``live`` counts over all browsers: the
    person must never have to choose among several (S-97).
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


def withdraw(account: Account, moment: Moment, *, challenge: str) -> Change[None]:
    """Take back a challenge whose message was never handed over, and its count as a send.

    Nothing changes for a challenge that was not issued. Where the trail has told of a message, it tells that none went out.
    """
    mine = next((c for c in account.challenges if c.id == challenge), None)
    if mine is None:
        return Change(account=account, events=(), answer=None)
    place = next((n for n, s in enumerate(account.sent) if s.factor == mine.factor and s.at == mine.issued_at), None)
    sent = tuple(s for n, s in enumerate(account.sent) if n != place)
    challenges = tuple(c for c in account.challenges if c is not mine)
    event = moment.event(
        "challenge.send_failed", account.key, factor=mine.factor, reason="store_unavailable", challenge=challenge
    )
    events = (event,) if any(s.factor == mine.factor for s in account.sent) else ()
    return Change(account=replace(account, challenges=challenges, sent=sent), events=events, answer=None)


def send_failed(
    account: Account, moment: Moment, *, challenge: str, factor: str, reason: str, waived: int = 0
) -> Change[str]:
    """Record that the provider did not take a message. Answers the id of the event.

    The code stays valid, because it may arrive late. The send still counts (S-50, F-21). ``waived`` is for a message
    that was never handed over: the send counts as that many seconds older, so the person waits that much less.
    """
    event = moment.event("challenge.send_failed", account.key, factor=factor, reason=reason, challenge=challenge)
    challenges = tuple(
        replace(c, status="undelivered", data={**c.data, WHY_NOT: reason[:MAX_REASON]})
        if c.id == challenge and c.status == "pending"
        else c
        for c in account.challenges
    )
    issued = next((c.issued_at for c in account.challenges if c.id == challenge), None)
    place = next((n for n, s in enumerate(account.sent) if s.factor == factor and s.at == issued), None)
    sent = account.sent
    if waived and place is not None:
        sent = (*sent[:place], replace(sent[place], at=sent[place].at - waived), *sent[place + 1 :])
    changed = replace(account, challenges=challenges, sent=sent)
    return Change(account=changed, events=(event,), answer=event.id)
