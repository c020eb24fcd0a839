"""The end of small values that were needed for some time only."""

from __future__ import annotations

from .accounts import Engine

PIECE = 1_000
MAX_PIECES = 100


async def prune_notes(engine: Engine) -> int:
    """Remove the small values whose time is over.

    These are stopped forms, links of text messages, approvals. Returns how many. A store that was full of them is emptied
    over some hours, a piece at a time.
    """
    count = 0
    for _ in range(MAX_PIECES):
        gone = await engine.store.prune_meta(before=engine.now(), limit=PIECE)
        count += gone
        if gone < PIECE:
            break
    return count
