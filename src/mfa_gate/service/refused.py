"""Telling what was refused where nobody is signed in, without letting strangers fill the trail."""

from __future__ import annotations

from ..core.model import SubjectKey
from ..core.reasons import Refusal
from ..factors import FACTORS
from ..factors.tokens import Named
from .engine import Engine

HOUR = 3600
TOLD_PER_HOUR = 20


async def tell_refused(
    engine: Engine, named: Named | None, kind: str, reason: str, *, shown: str = "not_allowed"
) -> Refusal:
    """Every refusal is told to the log and the hook; in the trail stand so many an hour for one account, and none that
    names nobody. ``shown`` is the reason that the caller gets."""
    moment = engine.moment(actor="outside")
    key = named.key if named else SubjectKey("", "")
    event = moment.event("attempt.refused", key, factor=kind if kind in FACTORS else "", reason=reason)
    full = named is None or await engine.store.take(f"refused:{key}", limit=TOLD_PER_HOUR, window=HOUR, now=moment.now)
    if full:
        engine.effects.tell(event)
    else:
        await engine.record((event,))
    return Refusal(reason=shown, ref=event.id)
