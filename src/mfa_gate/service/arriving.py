"""Whether everybody who is being brought into a store has arrived: who is still missing would look like nobody who ever had a
second factor (F-8)."""

from __future__ import annotations

from ..errors import SettingsError
from ..storage import Notes, Store

ARRIVING = "arriving"
ARRIVED = "arrived"
_NOT_YET = (
    "store: an import into it has not come to its end, so people who have a second factor would be taken for people without one. "
    "Run mfa-gate accounts import again with the same file; or go on with those who are there, and everybody is asked again: "
    "mfa-gate store accept"
)


async def begin_arrival(store: Store, name: str, *, merge: bool) -> None:
    """From now on no service starts on this store, if nobody is in it yet.

    ``name`` is the file's. Where people are already it is refused, unless they came from this file, or ``merge`` is asked
    for; then services go on starting, whatever becomes of the import. Raises ``SettingsError``.
    """
    if await store.meta(ARRIVING):
        return
    if not await store.keys(limit=1):
        await store.put_meta(ARRIVING, b"1")
    elif not merge and await store.meta(ARRIVED) != name.encode():
        raise SettingsError(
            "there are people in this store already, and not from this file. Import into an empty store; or add --merge: who "
            "is there is kept as they are, all others of the file are added"
        )


async def end_arrival(notes: Notes, name: str = "") -> None:
    """All of the file ``name`` are there, or an operator goes on without the others."""
    if name:
        await notes.put_meta(ARRIVED, name.encode())
    if await notes.meta(ARRIVING):
        await notes.put_meta(ARRIVING, b"")


async def who_is_missing(notes: Notes) -> str:
    """ "" where nobody is on the way; else what is wrong, and what to do."""
    return _NOT_YET if await notes.meta(ARRIVING) else ""
