"""Refusal of keys that do not fit the store: one canary for each key in use.

Without a key, the values that it sealed can neither be opened nor compared.
"""

from __future__ import annotations

from ..errors import StoreUnavailable
from ..keyring import Keyring
from ..ports import Entropy
from ..storage import Notes, Store

CANARY = "canary"
CANARIES = "canaries"
CANARY_ROW = ("mfa_gate", "canary")
PLAIN, KEYED = b"mfa_gate", b"mfa_gate keyed"
"""What a canary says: nothing, or that the trails of this store were signed."""


async def check_canary(notes: Store, keyring: Keyring, entropy: Entropy, *, serves: bool = True) -> str:
    """Return "" if every key in use is listed, else a sentence that says what is wrong.

    A new store gets its first canary. Without canaries a lost key would look like people without a factor, or like
    wrong codes (F-19). ``serves`` is False for a command, which serves nobody: it needs only one of the keys, and can
    say what the others are needed for.
    """
    known = await _canaries(notes)
    fault = await unlisted(notes, keyring)
    if fault and (serves or not any(_opens(keyring, sealed) for sealed in known)):
        return fault
    if any(keyring.key_of(sealed) == keyring.newest for sealed in known):
        return ""
    # A store with contents and without a canary has lost its notes: it is no store of before trails were signed.
    says = KEYED if await is_keyed(notes, keyring) or not (known or await is_new(notes)) else PLAIN
    fresh = keyring.seal(CANARY, says, row=CANARY_ROW, nonce=entropy(12))
    try:
        await _write(notes, (fresh, *known))
    except StoreUnavailable:
        if not known:
            raise
    return ""


async def is_new(store: Store) -> bool:
    """Tell if the store holds nothing yet: no key's canary, no trail, no account."""
    return not (await _canaries(store) or await store.trails() or await store.keys(limit=1))


async def unlisted(notes: Notes, keyring: Keyring) -> str:
    """Return "" if listed keys open all canaries, else which key is missing and how to go on."""
    known = await _canaries(notes)
    closed = [sealed for sealed in known if not _opens(keyring, sealed)]
    if not closed:
        return ""
    if len(closed) == len(known):
        return (
            "keys: none of the listed keys opens this store; it was made with another one. "
            "Put that key back into keys=[...] (newest first); without it no enrolled factor can be read"
        )
    ids = ", ".join(sorted({keyring.key_of(sealed) for sealed in closed}))
    return (
        f"keys: none of the listed keys opens this store's canary of {ids}: what was made with that key can be neither "
        "opened nor judged. Put it back into keys=[...] (newest first), and take it out once mfa-gate keys rotate says "
        "that nothing needs it any more"
    )


async def drop_canaries(notes: Notes, keyring: Keyring) -> None:
    """Keep only the canary of the newest key.

    ``keys rotate`` calls this after all of the store needs no other key.
    """
    kept = tuple(sealed for sealed in await _canaries(notes) if keyring.key_of(sealed) == keyring.newest)
    if kept:
        await _write(notes, kept)


async def _canaries(notes: Notes) -> tuple[str, ...]:
    """Return the sealed canaries, the newest first. Older releases wrote only one."""
    several, one = await notes.meta(CANARIES), await notes.meta(CANARY)
    found = (several or b"").decode("ascii", "replace").split()
    if one is not None and one.decode("ascii", "replace") not in found:
        found.insert(0, one.decode("ascii", "replace"))
    return tuple(found)


async def _write(notes: Notes, canaries: tuple[str, ...]) -> None:
    await notes.put_meta(CANARIES, " ".join(canaries).encode())
    await notes.put_meta(CANARY, canaries[0].encode())


async def is_keyed(notes: Notes, keyring: Keyring) -> bool:
    """Tell if a canary says that the trails of this store were signed."""
    return any(_says(keyring, sealed) == KEYED for sealed in await _canaries(notes))


async def mark_keyed(notes: Notes, keyring: Keyring, entropy: Entropy) -> None:
    """Let the newest key's canary say that the trails of this store are signed."""
    known = await _canaries(notes)
    fresh = keyring.seal(CANARY, KEYED, row=CANARY_ROW, nonce=entropy(12))
    await _write(notes, (fresh, *(sealed for sealed in known if keyring.key_of(sealed) != keyring.newest)))


def _opens(keyring: Keyring, sealed: str) -> bool:
    return _says(keyring, sealed) is not None


def _says(keyring: Keyring, sealed: str) -> bytes | None:
    """Return what a canary says, None if no listed key opens it."""
    try:
        return keyring.open(CANARY, sealed, row=CANARY_ROW)
    except ValueError:
        return None
