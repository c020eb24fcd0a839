"""Steps before a first enrollment: put it off, or open it by a proven contact or a ticket."""

from __future__ import annotations

from .. import attempts as budget
from ..decision import Decision, Enroll
from ..events import Event, Moment
from ..evidence import skip_key
from ..model import Account, Caller, Leave, replace
from ..reasons import Refusal
from ..rules import Rules
from .base import Change, refuse, time_of
from .bounds import tidy
from .charge import Charge, settle_failure


def skip(account: Account, moment: Moment, caller: Caller, *, decision: Decision) -> Change[Refusal | None]:
    """Put enrollment off for this sign-in only, if the policy allows it.

    Answers a refusal, or None.
    """
    if not isinstance(decision, Enroll) or not decision.skippable:
        return refuse(account, "not_allowed")
    now = time_of(account, moment)
    key = skip_key(caller.subject, caller.handle)
    others = tuple(item for item in account.skips if item[0] != key)
    changed = replace(account, skips=(*others, (key, now)), skip_count=account.skip_count + 1)
    event = moment.event("enrollment.skipped", account.key, count=changed.skip_count)
    return Change(account=tidy(changed, now), events=(event,), answer=None)


def grant_leave(
    account: Account, moment: Moment, rules: Rules, *, taken: Charge, challenge: str, browser: str, factor: str
) -> Change[Refusal | None]:
    """Let this browser enroll for a while, because it has proven the contact on file.

    All attempts are given back. Answers a refusal, or None.
    """
    now = time_of(account, moment)
    answered = next((c for c in account.challenges if c.id == challenge), None)
    if account.authenticators or answered is None or not answered.is_live(moment.now, account.seen_at):
        return settle_failure(
            account, moment, rules, taken=taken, factor=factor, reason="code_already_used", free=True, browser=browser
        )
    changed = replace(
        account,
        attempts=budget.reset(account.attempts),
        challenges=tuple(
            replace(c, spent_at=c.spent_at or now) if c.purpose == "contact" else c for c in account.challenges
        ),
        leave=Leave(kind="contact", browser=browser, at=now),
    )
    event = moment.event("contact.proven", account.key, factor=factor)
    return Change(account=tidy(changed, now), events=(event,), answer=None)


def redeem_ticket(account: Account, moment: Moment, *, matches: bool, browser: str) -> Change[Refusal | None]:
    """Let this browser enroll for a while, because it has shown an administrator's ticket.

    ``matches``: the text that was shown is the ticket's. A ticket works once. Answers a refusal, or None.
    """
    now = time_of(account, moment)
    ticket = account.ticket
    if account.authenticators or ticket is None or not matches or now >= ticket.expires_at:
        return refuse(account, "ticket_required")
    changed = replace(account, leave=Leave(kind="ticket", browser=browser, at=now), ticket=None)
    events: tuple[Event, ...] = (
        moment.event("enrollment.ticket", account.key, ticket=ticket.ref, reason="redeemed", told_by="factor.enrolled"),
    )
    return Change(account=tidy(changed, now), events=events, answer=None)
