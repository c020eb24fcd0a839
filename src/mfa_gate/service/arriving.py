"""Whether everybody who is being brought into a store has arrived: who is still missing would look like nobody who ever had a
second factor (F-8)."""

from __future__ import annotations

from ..ports import Store

ARRIVING = "arriving"
_NOT_YET = (
    "store: an import into it has not come to its end, so people who have a second factor would be taken for people without one. "
    "Run mfa-gate accounts import again with the same file; or go on with those who are there, and everybody is asked again: "
    "mfa-gate store accept"
)


async def begin_arrival(store: Store) -> None:
    """From now on no service starts on this store."""
    await store.put_meta(ARRIVING, b"1")


async def end_arrival(store: Store) -> None:
    """All are there, or an operator goes on without the others."""
    if await store.meta(ARRIVING):
        await store.put_meta(ARRIVING, b"")


async def who_is_missing(store: Store) -> str:
    """ "" where nobody is on the way; else what is wrong, and what to do."""
    return _NOT_YET if await store.meta(ARRIVING) else ""
