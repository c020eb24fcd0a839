"""Whether one of the listed keys is the one that this store was made with."""

from __future__ import annotations

from ..errors import StoreUnavailable
from ..keyring import Keyring
from ..ports import Entropy, Store

CANARY = "canary"
CANARY_ROW = ("mfa_gate", "canary")


async def check_canary(store: Store, keyring: Keyring, entropy: Entropy) -> str:
    """ "" when a listed key opens what this store's first key sealed; else what is wrong. A new store gets its canary.

    Without it a lost key would look like people without a factor (F-19).
    """
    sealed = await store.meta(CANARY)
    if sealed is not None:
        try:
            keyring.open(CANARY, sealed.decode("ascii", "replace"), row=CANARY_ROW)
        except ValueError:
            return (
                "keys: none of the listed keys opens this store; it was made with another one. "
                "Put that key back into keys=[...] (newest first); without it no enrolled factor can be read"
            )
        if keyring.key_of(sealed.decode()) == keyring.newest:
            return ""
    fresh = keyring.seal(CANARY, b"mfa_gate", row=CANARY_ROW, nonce=entropy(12))
    try:
        await store.put_meta(CANARY, fresh.encode())
    except StoreUnavailable:
        if sealed is None:
            raise
    return ""
