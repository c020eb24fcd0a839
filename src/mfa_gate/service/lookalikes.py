"""Tell of ids that are equal but for case: one person under two has two second factors (S-40)."""

from __future__ import annotations

import hashlib
import logging

from ..core.model import Account, Caller
from .accounts import Engine

log = logging.getLogger("mfa_gate")


async def tell_lookalike(engine: Engine, caller: Caller, account: Account) -> None:
    """Tell the trail and the log when a first enrollment begins for an id that is known in another case.

    One reservation in the store, which is the first id's for good; later enrollments cost nothing. Raises
    ``StoreUnavailable``.
    """
    if account.authenticators or account.enrollments:
        return
    key = caller.subject.key
    if await engine.store.claim(fold_of(key.tenant, key.id), key):
        return
    event = engine.moment(network=caller.network).event("account.lookalike", key)
    log.warning("mfa_gate: a new account's id equals a known one but for case; is it one person? (ref %s)", event.id)
    await engine.record((event,))


def fold_of(tenant: str, id: str) -> str:
    """Name the reservation that all spellings of an id in a tenant share."""
    text = f"{len(tenant)}:{tenant}{id.casefold()}"
    return f"id:{hashlib.blake2b(text.encode(), digest_size=16).hexdigest()}"
