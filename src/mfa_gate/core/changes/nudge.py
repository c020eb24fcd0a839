"""The offer of a stronger factor after a proof by a weaker one. It is counted."""

from __future__ import annotations

from ..events import Moment
from ..model import Account, replace
from ..rules import NudgeRules
from .base import Change, keep, time_of
from .bounds import tidy


def is_due(account: Account, rules: NudgeRules, groups: frozenset[str], *, proven: str, now: int) -> bool:
    """Tell if this person may get the offer now.

    ``proven`` is the kind of the proof a moment ago. A person who has the offered kind gets no offer.
    """
    if not rules.to or proven not in rules.after or account.nudges >= rules.max or not rules.fits(groups):
        return False
    if any(a.factor == rules.to for a in account.authenticators):
        return False
    return not account.nudges or now - account.nudged_at >= rules.every


def nudge(account: Account, moment: Moment, rules: NudgeRules, groups: frozenset[str], *, proven: str) -> Change[bool]:
    """Count an offer. Answers False where none is due: somebody may have made it a moment ago."""
    now = time_of(account, moment)
    if not is_due(account, rules, groups, proven=proven, now=now):
        return keep(account, False)
    changed = replace(account, nudges=account.nudges + 1, nudged_at=now)
    event = moment.event("enrollment.offered", account.key, factor=rules.to, count=changed.nudges)
    return Change(account=tidy(changed, now), events=(event,), answer=True)
