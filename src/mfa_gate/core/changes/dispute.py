"""Steps of a person who stops a change ("this was not me"), or a call for help."""

from __future__ import annotations

from ..events import Moment
from ..model import Account, replace
from ..reasons import Refusal
from ..rules import DAY
from .base import Change, end_proofs, keep, refuse, time_of
from .bounds import tidy
from .break_glass import close
from .two_people import drop

FREEZE = DAY


def dispute(account: Account, moment: Moment, *, about: str, kind: str) -> Change[None]:
    """End every proof, and freeze the factors for a day (U-37, S-87).

    A waiting call for help is taken back, and a break-glass grant ends. ``about`` and ``kind`` are the reference and
    the kind of the disputed event, "" where the person means no certain event. Nothing changes for an account that nobody
    knows.
    """
    if account.is_unknown:
        return keep(account, None)
    now = time_of(account, moment)
    events = [
        moment.event("account.disputed", account.key, about=about, what=kind),
        moment.event("proofs.revoked", account.key, reason="disputed"),
    ]
    if account.recovery is not None:
        events.append(moment.event("recovery.stopped", account.key, reason="disputed", told_by="proofs.revoked"))
    account, ended = close(account, moment, reason="disputed", told_by="proofs.revoked")
    account, dropped = drop(account, moment, reason="disputed")
    changed = replace(
        end_proofs(account, now),
        challenges=(),
        enrollments=(),
        replaced=(),
        leave=None,
        recovery=None,
        frozen_until=max(account.frozen_until, now + FREEZE),
    )
    return Change(account=tidy(changed, now), events=(*events, *ended, *dropped), answer=None)


def stop_recovery(account: Account, moment: Moment) -> Change[Refusal | None]:
    """Take back a waiting call for help. Answers a refusal, or None."""
    if account.recovery is None:
        return refuse(account, "not_found")
    event = moment.event("recovery.stopped", account.key)
    changed = replace(account, recovery=None)
    return Change(account=tidy(changed, time_of(account, moment)), events=(event,), answer=None)
