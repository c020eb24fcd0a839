"""The replacement of a set of backup codes, and the end of a readable copy."""

from __future__ import annotations

from ..entropy import draw_id
from ..events import TOLD_BY, Moment
from ..model import MAX_AUTHENTICATORS, Account, Authenticator, Browser, Fields, replace
from ..reasons import Refusal
from .base import Change, keep, refuse, time_of
from .bounds import COPY, breaks_bound, has_old_copy, tidy, without_copy
from .self_service import swap_in


def replace_backup(
    account: Account, moment: Moment, *, factor: str, data: Fields, label: str, browser: str = "", told_by: str = ""
) -> Change[Authenticator | Refusal]:
    """Replace the set of backup codes; the old set ends at once.

    An account without another factor gets none (S-93). Answers the new authenticator, or a refusal. Proofs by a code
    of the old set end with it, except those of ``browser`` (a handle's digest), which makes the new set. Otherwise a
    person who signed in by a code would have to spend a new code to go on. ``told_by`` is the kind of the event whose
    notice tells the person of the set, "" where it is told for itself.
    """
    now = time_of(account, moment)
    others = tuple(a for a in account.authenticators if a.factor != factor)
    if not others:
        return refuse(account, "enrollment_required")
    if len(others) >= MAX_AUTHENTICATORS:
        return refuse(account, "too_many")
    authenticator = Authenticator(
        id=draw_id(moment.nonce, "authenticator"), factor=factor, label=label, created_at=now, data=data
    )
    if breaks_bound(replace(account, authenticators=others), authenticator):
        return refuse(account, "too_many")
    event = moment.event("backup_codes.made", account.key, factor=factor, **({TOLD_BY: told_by} if told_by else {}))
    ended = {a.id for a in account.authenticators} - {a.id for a in others}
    browsers = tuple(
        _carried(b, ended, authenticator.id) if browser and b.handle == browser else b for b in account.browsers
    )
    changed = replace(account, authenticators=(*others, authenticator), browsers=browsers)
    return Change(account=tidy(changed, now), events=(event,), answer=authenticator)


def _carried(browser: Browser, ended: set[str], successor: str) -> Browser:
    proofs = tuple(replace(p, authenticator=successor) if p.authenticator in ended else p for p in browser.proofs)
    return replace(browser, proofs=proofs)


def saved_backup(account: Account, moment: Moment, *, factor: str) -> Change[None]:
    """Drop the readable copy of the backup codes, because the person has saved them."""
    mine = next((a for a in account.authenticators if a.factor == factor), None)
    if mine is None or not any(name in mine.data for name in COPY):
        return keep(account, None)
    changed = swap_in(account, without_copy(mine))
    return Change(account=tidy(changed, time_of(account, moment)), events=(), answer=None)


def drop_old_copies(account: Account, moment: Moment) -> Change[None]:
    """Drop readable copies of backup codes that are older than a quarter of an hour (S-92).

    It works also where the person never comes back.
    """
    now = time_of(account, moment)
    if not any(has_old_copy(a, now) for a in account.authenticators):
        return keep(account, None)
    return Change(account=tidy(account, now), events=(), answer=None)
