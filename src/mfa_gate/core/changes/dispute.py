"""Steps of a person who stops a change ("this was not me"), or a call for help."""

from __future__ import annotations

from collections.abc import Collection

from ..events import Moment
from ..model import Account, replace
from ..reasons import Refusal
from ..rules import DAY
from .base import Change, end_proofs, keep, refuse, time_of
from .bounds import tidy
from .break_glass import close
from .two_people import drop

FREEZE = DAY


def dispute(account: Account, moment: Moment, *, about: str, kind: str, at: int = 0) -> Change[bool]:
    """End every proof, and freeze the factors for a day (U-37, S-87).

    A waiting call for help is taken back, and a break-glass grant ends. ``about`` and ``kind`` are the reference and
    the kind of the disputed event, "" where the person means no certain event. ``at`` is its time, 0 for now. Answers True
    if the person can take it back: see ``undo``. Nothing changes for a forgotten person.
    """
    if account.is_forgotten:
        return keep(account, False)
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
        undo_by=_without_part(account, moment.now, min(at or now, now)),
    )
    answer = bool(changed.undo_by)
    return Change(account=tidy(changed, now), events=(*events, *ended, *dropped), answer=answer)


def _without_part(account: Account, clock: int, since: int) -> tuple[tuple[str, int], ...]:
    """List the authenticators that had no part in what happened at ``since``, with that time.

    They were there a day before it, and were not used from then on: whoever did it had confirmed with another one. A
    second dispute leaves only those that had no part in either.
    """
    mine = (a.id for a in account.authenticators if max(a.created_at, a.last_used_at) < since - DAY)
    earlier = dict(account.undo_by) if clock < account.frozen_until else None
    return tuple((id, since) for id in mine if earlier is None or id in earlier)


def undo(account: Account, moment: Moment, *, proven: Collection[str]) -> Change[Refusal | None]:
    """Allow changes again: the person pressed "this was not me" by mistake.

    ``proven`` are the authenticators of this browser's fresh proofs, all of which are later than the dispute. One of them
    must have had no part in what was disputed. The proofs that the dispute ended stay ended.
    """
    now = time_of(account, moment)
    if now >= account.frozen_until or not account.undo_by:
        return refuse(account, "not_found")
    if not set(proven) & dict(account.undo_by).keys():
        return refuse(account, "proof_required")
    event = moment.event("account.dispute_undone", account.key)
    return Change(account=tidy(replace(account, frozen_until=0, undo_by=()), now), events=(event,), answer=None)


def stop_recovery(account: Account, moment: Moment) -> Change[Refusal | None]:
    """Take back a waiting call for help. Answers a refusal, or None."""
    if account.recovery is None:
        return refuse(account, "not_found")
    event = moment.event("recovery.stopped", account.key)
    changed = replace(account, recovery=None)
    return Change(account=tidy(changed, time_of(account, moment)), events=(event,), answer=None)
