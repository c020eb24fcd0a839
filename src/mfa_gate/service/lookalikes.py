"""Report ids that differ only in case.

One person under two spellings has two second factors (S-40).
"""

from __future__ import annotations

import hashlib
import logging

from ..core.model import Account, Caller
from .accounts import Engine

log = logging.getLogger("mfa_gate")


async def tell_lookalike(engine: Engine, caller: Caller, account: Account) -> None:
    """Report a first enrollment for an id that is known in another case, to trail and log.

    The id makes a reservation in the store, which belongs to the first spelling for good. Later enrollments cost
    nothing. Raises ``StoreUnavailable``.
    """
    if account.authenticators or account.enrollments:
        return
    key = caller.subject.key
    if await engine.store.claim(fold_of(key.tenant, key.id), key):
        return
    event = engine.moment_of(caller).event("account.lookalike", key)
    log.warning(
        "mfa_gate: a new account's id differs from a known one only in case; is it one person? (ref %s)", event.id
    )
    await engine.record((event,))


def fold_of(tenant: str, id: str) -> str:
    """Return the name of the reservation that all spellings of an id in a tenant share."""
    text = f"{len(tenant)}:{tenant}{id.casefold()}"
    return f"id:{hashlib.blake2b(text.encode(), digest_size=16).hexdigest()}"
