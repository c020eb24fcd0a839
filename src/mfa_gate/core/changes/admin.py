"""The steps of administrators: unlock, lock, reset, give a ticket, refuse a recovery."""

from __future__ import annotations

from .. import attempts as budget
from ..assurance import TraitsOf
from ..events import Moment
from ..model import Account, Lock, Ticket, replace
from ..reasons import Refusal
from ..slow_recovery import begun_again
from ..text_safety import stated
from .base import Change, end_proofs, keep, logins_until, refuse, time_of
from .bounds import tidy
from .break_glass import close
from .removal import emptied, without_authenticator


def unlock(account: Account, moment: Moment, *, reason: str) -> Change[Refusal | None]:
    """Take the lock away, give all attempts back, and empty the counts.

    The rolling count goes, and so does that of refusals which cost no attempt but make new browsers wait.

    The administrator answers for it with ``reason``. Answers a refusal, or None.
    """
    if not stated(reason):
        return refuse(account, "malformed", member="reason")
    if account.lock is None and not account.attempts.used and not account.attempts.days and not account.uncounted:
        return keep(account, None)
    event = moment.event("account.unlocked", account.key, reason=stated(reason))
    # The lock has ended the grant that was given before it. Unlocking must not revive that grant.
    account, ended = (
        close(account, moment, reason="locked", told_by="account.unlocked")
        if account.lock and account.grant
        else (account, ())
    )
    now = time_of(account, moment)
    logins_from = logins_until(account, now)
    # While it was locked, the owner could prove nothing. So a recovery that opens by itself waits its whole time again.
    changed = replace(
        account,
        lock=None,
        attempts=budget.forgiven(account.attempts),
        logins_from=logins_from,
        uncounted=(),
        recovery=begun_again(account.recovery, now) if account.lock and account.recovery else account.recovery,
    )
    return Change(account=tidy(changed, now), events=(event, *ended), answer=None)


def lock(account: Account, moment: Moment, *, reason: str) -> Change[Refusal | None]:
    """Lock the account by an administrator's decision.

    Every proof ends at once, everywhere (decisions 8).

    Answers a refusal, or None.
    """
    if not stated(reason):
        return refuse(account, "malformed", member="reason")
    if account.lock is not None and account.lock.cause == "administrator":
        return keep(account, None)
    now = time_of(account, moment)
    event = moment.event("account.locked", account.key, reason=stated(reason), cause="administrator")
    account, ended = close(account, moment, reason="locked", told_by="account.locked")
    changed = replace(
        end_proofs(account, now),
        lock=Lock(at=now, cause="administrator", ref=event.id, actor=moment.actor),
        challenges=(),
        enrollments=(),
        replaced=(),
    )
    return Change(account=tidy(changed, now), events=(event, *ended), answer=None)


def held(account: Account, now: int, hold: int) -> Refusal | None:
    """Refuse to approve a waiting request for help before it has waited ``hold`` seconds.

    Returns the refusal ``too_soon``, or None where no request waits or its time is over. The person was told of the
    request at every contact, and can stop it in this time.
    """
    waiting = account.recovery
    left = waiting.at + hold - max(now, account.seen_at) if waiting is not None else 0
    if left <= 0:
        return None
    return Refusal(
        reason="too_soon", retry_after=left, detail="The request is held until then, so that it can be stopped."
    )


def reset(account: Account, moment: Moment, *, ticket: str, reason: str, hold: int = 0) -> Change[Refusal | None]:
    """Remove every factor, browser, challenge and draft, so that the person enrolls anew.

    It never sets a factor (S-94). A waiting request for help is held for ``hold`` seconds first. Answers a refusal,
    or None.

    A lock because the attempts were used up is removed with the factors that were guessed at. A lock by an
    administrator stays. A clock that ran ahead may have left the account's mark too high; the mark is set back. That
    is safe here: every proof ends, so none can come back.
    """
    if not stated(reason) or not stated(ticket):
        return refuse(account, "malformed", member="ticket" if stated(reason) else "reason")
    if refusal := held(account, moment.now, hold):
        return keep(account, refusal)
    event = moment.event("account.reset", account.key, reason=stated(reason), ticket=stated(ticket))
    changed, now, ended = emptied(account, moment, told_by="account.reset")
    return Change(account=tidy(changed, now), events=(event, *ended), answer=None)


def give_ticket(
    account: Account, moment: Moment, *, digest: str, life: int, reason: str, hold: int = 0, mail: bool = False
) -> Change[Refusal | None]:
    """Give a ticket for one first enrollment within ``life`` seconds.

    Only a person without a factor gets one. A newer ticket replaces an older one. ``digest`` is the digest of the
    ticket's text, ``hold`` is in seconds. ``mail``: it goes to the person by mail. Answers a refusal, or None.
    """
    if not stated(reason):
        return refuse(account, "malformed", member="reason")
    if account.authenticators:
        return refuse(account, "already_enrolled")
    if refusal := held(account, moment.now, hold):
        return keep(account, refusal)
    now = time_of(account, moment)
    more = {"by": "mail"} if mail else {}
    event = moment.event("enrollment.ticket", account.key, reason=stated(reason), **more)
    ticket = Ticket(digest=digest, expires_at=now + life, actor=moment.actor, ref=event.id)
    return Change(account=tidy(replace(account, ticket=ticket), now), events=(event,), answer=None)


def refuse_recovery(account: Account, moment: Moment, *, reason: str) -> Change[Refusal | None]:
    """Refuse the waiting request for help, with a reason. Answers a refusal, or None."""
    if not stated(reason):
        return refuse(account, "malformed", member="reason")
    if account.recovery is None:
        return refuse(account, "not_found")
    event = moment.event("recovery.refused", account.key, reason=stated(reason))
    changed = replace(account, recovery=None)
    return Change(account=tidy(changed, time_of(account, moment)), events=(event,), answer=None)


def remove_authenticator(
    account: Account, moment: Moment, *, id: str, reason: str, traits: TraitsOf, hold: int = 0
) -> Change[Refusal | None]:
    """Remove one authenticator of a person; its proofs end with it.

    With the last one the backup codes go and every proof ends, so that a first enrollment opens, as the policy allows one.
    That grants what a waiting request for help asks for, so it is held for ``hold`` seconds. Answers a refusal, or None.
    """
    if not stated(reason):
        return refuse(account, "malformed", member="reason")
    mine = account.authenticator(id)
    if mine is None:
        return refuse(account, "not_found")
    now = time_of(account, moment)
    changed = without_authenticator(account, mine, traits=traits)
    if not changed.authenticators:
        if refusal := held(account, moment.now, hold):
            return keep(account, refusal)
        changed = replace(end_proofs(changed, now), recovery=None)
    event = moment.event("factor.removed", account.key, factor=mine.factor, authenticator=id, reason=stated(reason))
    return Change(account=tidy(changed, now), events=(event,), answer=None)


def forget_browser(account: Account, moment: Moment, *, id: str, reason: str) -> Change[Refusal | None]:
    """Forget one browser of a person, with its proofs; its cookie is dead.

    Answers a refusal, or None.
    """
    if reason and not stated(reason):
        return refuse(account, "malformed", member="reason")
    if all(b.id != id for b in account.browsers):
        return refuse(account, "not_found")
    event = moment.event("browser.forgotten", account.key, browser=id, reason=stated(reason))
    changed = replace(account, browsers=tuple(b for b in account.browsers if b.id != id))
    return Change(account=tidy(changed, time_of(account, moment)), events=(event,), answer=None)
