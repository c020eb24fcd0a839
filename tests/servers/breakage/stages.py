"""All breakages by their names."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from . import full_disk, other_stages, redis_stages, split_brain
from .crew import Stage

STAGES: dict[str, Callable[[Path], AbstractContextManager[Stage]]] = {
    "split brain": split_brain.split_brain,
    "split brain without a replica": split_brain.split_brain_without_a_replica,
    "moved slot": redis_stages.moved_slot,
    "paused Redis": redis_stages.paused,
    "paused and replaced Redis": redis_stages.paused_and_replaced,
    "paused PostgreSQL": other_stages.paused_postgres,
    "full disk of SQLite": full_disk.full_disk_of_sqlite,
    "full disk of Redis": full_disk.full_disk_of_redis,
    "full disk of PostgreSQL": full_disk.full_disk_of_postgres,
    "jumping clock": other_stages.jumping_clock,
}
NEEDS_ROOT = {name for name in STAGES if name.startswith(("split brain", "full disk"))}
ONCE = {"paused and replaced Redis", "split brain", "split brain without a replica"}
"""Breakages whose servers are not as before afterwards: each round has servers of its own."""
