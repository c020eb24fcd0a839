"""Refuse to start on a half-imported store (F-8).

A missing account would look like an account without a second factor.
"""

from __future__ import annotations

from ..errors import SettingsError
from ..storage import Notes, Store

ARRIVING = "arriving"
ARRIVED = "arrived"
_NOT_YET = (
    "store: an import into it is not finished, so people who have a second factor would look like people without one. "
    "Run mfa-gate accounts import again with the same file. Or run mfa-gate store accept: it goes on with the people who "
    "are there, and everybody is asked again"
)


async def begin_arrival(store: Store, name: str, *, merge: bool) -> None:
    """Mark the store so that no service starts on it, if it holds no account yet.

    ``name`` is the name of the imported file. If the store holds accounts already, the import is refused. Two cases
    are allowed: the accounts came from this file, or ``merge`` is set. Then services still start, however the import
    ends. Raises ``SettingsError`` for a refusal.
    """
    if await store.meta(ARRIVING):
        return
    if not await store.keys(limit=1):
        await store.put_meta(ARRIVING, b"1")
    elif not merge and await store.meta(ARRIVED) != name.encode():
        raise SettingsError(
            "there are people in this store already, and not from this file. Import into an empty store; or add --merge: "
            "people who are there are kept as they are, and all others of the file are added"
        )


async def end_arrival(notes: Notes, name: str = "") -> None:
    """Remove the mark: the file ``name`` is complete, or an operator goes on without the rest."""
    if name:
        await notes.put_meta(ARRIVED, name.encode())
    if await notes.meta(ARRIVING):
        await notes.drop_meta(ARRIVING)


async def who_is_missing(notes: Notes) -> str:
    """Return "" if no import is unfinished, else a sentence that says how to go on."""
    return _NOT_YET if await notes.meta(ARRIVING) else ""
