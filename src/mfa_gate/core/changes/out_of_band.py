"""Answers that do not come from the browser that asked.

They are a key pressed in a call, or an approval on a phone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from ..events import Event, Moment
from ..model import Account, Authenticator, Challenge, Enrollment, Fields, replace
from ..reasons import Refusal
from .base import Change, keep, refuse, time_of
from .bounds import tidy
from .charge import Charge, give_back

COLLECT = 120
"""In seconds. For this long, the browser that asked can collect an approval."""
QUIET = 3600
"""In seconds. For this long, no request goes to the phone after one was denied (S-97)."""

Answered = Literal["pending", "approved", "denied"]


def answer_elsewhere(
    account: Account,
    moment: Moment,
    *,
    seen: Challenge,
    status: Answered,
    data: Fields,
    taken: Charge | None = None,
    is_own: bool = False,
) -> Change[Challenge | Refusal]:
    """Record the answer to the challenge ``seen``, or a step towards it.

    A step has the status ``pending`` and new ``data``. Answers the challenge as it is now, or a refusal. An answered
    challenge never changes again, and an answer to a challenge that has changed meanwhile is refused (S-128). An
    approval grants nothing by itself: the browser that asked must collect it. The attempt ``taken`` is given back,
    because it was no wrong guess. ``is_own``: the person has denied a request of their own. It ends the request, and alarms
    nobody; the next request goes to the phone at once. A denial of a request of somebody else counts although the request
    has ended meanwhile, by time or because its browser got in another way: then it alarms all the more.
    """
    now = time_of(account, moment)
    if account.lock is not None:
        return refuse(account, "locked", ref=account.lock.ref)
    current = next((c for c in account.challenges if c.id == seen.id), None)
    if current is None:
        return refuse(account, "code_expired")
    is_answered = current.status in ("approved", "denied")
    is_alarm = status == "denied" and not is_own and not is_answered
    if not is_alarm:
        if not current.is_live(moment.now, account.seen_at):
            return refuse(account, "code_expired")
        if is_answered or current != seen:
            return refuse(account, "code_already_used")
    events: tuple[Event, ...] = ()
    answered = replace(current, data=data)
    about = {"factor": current.factor, "challenge": current.id}
    if status == "approved":
        answered = replace(answered, status=status, expires_at=max(current.expires_at, moment.now + COLLECT))
        events = (moment.event("challenge.approved", account.key, **about),)
    elif status == "denied":
        answered = replace(answered, status=status, spent_at=now)
        if is_own:
            events = (moment.event("challenge.cancelled", account.key, **about),)
        else:
            events = (moment.event("challenge.denied", account.key, **about, alarm="request denied"),)
            if current.purpose == "sign-in":
                account = replace(account, quiet_until=now + QUIET)
    if taken is not None:
        account = give_back(account, taken=taken)
    challenges = tuple(answered if c.id == seen.id else c for c in account.challenges)
    return Change(account=tidy(replace(account, challenges=challenges), now), events=events, answer=answered)


def amend_draft(account: Account, moment: Moment, *, seen: Enrollment, data: Fields) -> Change[Enrollment | Refusal]:
    """Give the draft ``seen`` the data that came another way than from the browser.

    It works once: a draft that has changed meanwhile is refused. Answers the draft, or a refusal.
    """
    now = time_of(account, moment)
    if account.lock is not None:
        return refuse(account, "locked", ref=account.lock.ref)
    if seen not in account.enrollments or now >= seen.expires_at:
        return refuse(account, "code_already_used")
    amended = replace(seen, data=data)
    drafts = tuple(amended if e == seen else e for e in account.enrollments)
    return Change(account=tidy(replace(account, enrollments=drafts), now), events=(), answer=amended)


def amend_authenticator(
    account: Account, moment: Moment, *, seen: Authenticator, amend: Callable[[Fields], Fields]
) -> Change[Authenticator | Refusal]:
    """Change the address at which a device can be woken.

    ``amend`` makes the new data from the old. It must not touch any part that an answer is verified with. Answers the
    authenticator, or a refusal.
    """
    current = account.authenticator(seen.id)
    if current is None or current.revision != seen.revision:
        return refuse(account, "not_found")
    data = amend(current.data)
    if current.data == data:
        return keep(account, current)
    amended = replace(current, data=data)
    mine = tuple(amended if a.id == seen.id else a for a in account.authenticators)
    changed = replace(account, authenticators=mine)
    return Change(account=tidy(changed, time_of(account, moment)), events=(), answer=amended)
