"""An act that takes two administrators: one asks, a second one confirms within the hour.

It is for acts that take factors from a person who holds rights. Nothing is done before the second one confirms.
"""

from __future__ import annotations

from ..events import Event, Moment
from ..messages.letter import N_
from ..model import Account, Asked, replace
from ..reasons import Refusal
from ..roles import Hand
from ..text_safety import stated
from .base import HOUR, Change, keep, refuse, time_of
from .bounds import tidy
from .second_person import not_by_the_concerned, not_confirmed

CONFIRM_WITHIN = HOUR
WAITS = N_("Something else waits for a second administrator; take it back before you ask anew.")


def asked_now(account: Account, now: int) -> Asked | None:
    """Return the act that waits for a second administrator, or None."""
    waiting = account.asked
    return waiting if waiting and max(now, account.seen_at) - waiting.asked_at < CONFIRM_WITHIN else None


def ask(
    account: Account, moment: Moment, *, act: str, by: Hand, reason: str, ticket: str = "", item: str = ""
) -> Change[Refusal | None]:
    """Ask for ``act``. It does nothing yet, and the person is told.

    ``by`` is the first administrator. A second request for the very same is the first one. Answers a refusal, or None.
    """
    if not stated(reason):
        return refuse(account, "malformed", member="reason")
    if refusal := not_by_the_concerned(account, by=by):
        return keep(account, refusal)
    now = time_of(account, moment)
    waiting = asked_now(account, now)
    if waiting is not None:
        same = (waiting.act, waiting.item, waiting.asked_by, waiting.asked_in) == (act, item, by.name, by.tenant)
        return keep(account, None) if same else refuse(account, "not_allowed", detail=WAITS)
    event = moment.event("act.asked", account.key, reason=stated(reason), ticket=stated(ticket), act=act)
    asked = Asked(
        act=act,
        ref=event.id,
        asked_by=by.name,
        asked_in=by.tenant,
        asked_at=now,
        reason=stated(reason),
        ticket=stated(ticket),
        item=item,
    )
    return Change(account=tidy(replace(account, asked=asked), now), events=(event,), answer=None)


def confirmed(account: Account, moment: Moment, *, by: Hand, ref: str, reason: str = "") -> Change[Asked | Refusal]:
    """Take the waiting act out of the account, on the word of a second administrator.

    ``ref`` names the request that the administrator has read. ``reason`` is the second administrator's own, "" for that of
    the request. Answers the act, which the caller does in the same change, or a refusal.
    """
    waiting = asked_now(account, moment.now)
    refusal = not_confirmed(account, waiting, by=by, ref=ref)
    if waiting is None or refusal is not None:
        return keep(account, refusal or Refusal(reason="not_found"))
    event = moment.event(
        "act.confirmed",
        account.key,
        reason=stated(reason) or waiting.reason,
        ticket=waiting.ticket,
        act=waiting.act,
        asked_by=waiting.asked_by,
        request=waiting.ref,
    )
    return Change(account=replace(account, asked=None), events=(event,), answer=waiting)


def withdraw(account: Account, moment: Moment, *, reason: str) -> Change[Refusal | None]:
    """Take the waiting act back. Answers a refusal, or None."""
    if not stated(reason):
        return refuse(account, "malformed", member="reason")
    if asked_now(account, moment.now) is None:
        return refuse(account, "not_found")
    account, events = drop(account, moment, reason=stated(reason))
    return Change(account=tidy(account, time_of(account, moment)), events=events, answer=None)


def drop(account: Account, moment: Moment, *, reason: str) -> tuple[Account, tuple[Event, ...]]:
    """Remove the waiting act. Returns the account, and the event (none where nothing waited)."""
    waiting = account.asked
    if waiting is None:
        return account, ()
    event = moment.event("act.withdrawn", account.key, reason=reason, act=waiting.act, request=waiting.ref)
    return replace(account, asked=None), (event,)
