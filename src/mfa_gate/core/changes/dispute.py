"""What people stop: "this was not me", and a call for help that they take back."""

from __future__ import annotations

from ..events import Moment
from ..model import Account, replace
from ..reasons import Refusal
from ..rules import DAY
from .base import Change, end_proofs, refuse, time_of
from .bounds import tidy
from .break_glass import close

FREEZE = DAY


def dispute(account: Account, moment: Moment, *, about: str, kind: str) -> Change[None]:
    """Every proof ends, factors stay as they are for a day, and a waiting call for help is taken back (U-37, S-87).

    ``about`` and ``kind`` are the disputed event's reference and kind, "" where the person means no certain one.
    """
    now = time_of(account, moment)
    events = [
        moment.event("account.disputed", account.key, about=about, what=kind),
        moment.event("proofs.revoked", account.key, reason="disputed"),
    ]
    if account.recovery is not None:
        events.append(moment.event("recovery.stopped", account.key, reason="disputed"))
    account, ended = close(account, moment, reason="disputed")
    changed = replace(
        end_proofs(account, now),
        challenges=(),
        enrollments=(),
        replaced=(),
        leave=None,
        recovery=None,
        frozen_until=max(account.frozen_until, now + FREEZE),
    )
    return Change(account=tidy(changed, now), events=(*events, *ended), answer=None)


def stop_recovery(account: Account, moment: Moment) -> Change[Refusal | None]:
    """A waiting call for help is taken back."""
    if account.recovery is None:
        return refuse(account, "not_found")
    event = moment.event("recovery.stopped", account.key)
    changed = replace(account, recovery=None)
    return Change(account=tidy(changed, time_of(account, moment)), events=(event,), answer=None)
