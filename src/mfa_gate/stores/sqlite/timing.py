"""The times of the SQLite store.

Tests pass their own, so that a busy machine is not taken for a fault.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["USUAL", "Timing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Seconds."""

    answer_within: float = 0.8
    """Until a caller is told that the store is unavailable, whatever the disk does (F-1, F-7)."""
    list_within: float = 10.0
    """Until the reader of a list is told so. Lists have a connection of their own, and each piece of one is stopped
    where its reader has gone: a slow disk makes them slow, and holds up nobody else."""
    lock_patience: float = 0.7
    """Until a write gives up waiting for another process's write."""
    mark_every: float = 10.0
    """Between two writes of the generation file, where nothing grave happens."""


USUAL = Timing()
