"""Reports of refusals in places that need no sign-in.

Strangers must not fill the trail or keep the host's hook busy.
"""

from __future__ import annotations

from ..core.model import SubjectKey
from ..core.reasons import Refusal
from ..factors.tokens import Named
from ..storage import take_one
from .accounts import Engine

HOUR = 3600
TOLD_PER_HOUR = 20


async def tell_refused(
    engine: Engine, named: Named | None, kind: str, reason: str, *, address: str, shown: str = "not_allowed"
) -> Refusal:
    """Report a refusal with the network that it came from. Returns it for the caller.

    Writes at most 20 trail lines per account and hour, none if no account is known. Any other refusal goes to the log
    and the hook, at a bounded rate for each network and hour. ``shown`` is the reason that the caller gets. Nobody is known
    by the token of a person who was forgotten: no line may bring the id back.
    """
    if named is not None and (await engine.load(named.key)).is_unknown:
        named = None
    key = named.key if named else SubjectKey("", "")
    network = engine.rules(key.tenant).network_of(address)
    moment = engine.moment(network=network, actor="outside")
    event = moment.event("attempt.refused", key, factor=kind if kind in engine.factors else "", reason=reason)
    full = named is None or await take_one(
        engine.store, engine.bucket("refused", key), limit=TOLD_PER_HOUR, window=HOUR, now=moment.now
    )
    if not full:
        await engine.record((event,))
    elif engine.strangers.admits(network, moment.now):
        engine.effects.tell(event)
    else:
        return Refusal(reason=shown)
    return Refusal(reason=shown, ref=event.id)
