"""Prepare the stores for a fork.

No connection may be used across a fork, and none to SQLite may be open (F-40).
"""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class Forkable(Protocol):
    """Something that has connections and threads."""

    def before_fork(self) -> None:
        """Finish what runs, close what is open, and start nothing until the fork is done."""

    def after_fork(self, *, child: bool) -> None:
        """Go on; in the child without the threads, which exist in the parent only."""


_WATCHED: weakref.WeakSet[Forkable] = weakref.WeakSet()
_REGISTERED: list[None] = []


def watch(forkable: Forkable) -> None:
    """Tell ``forkable`` of every fork, for as long as somebody else holds on to it."""
    if not _REGISTERED:
        _REGISTERED.append(None)
        os.register_at_fork(
            before=_before,
            after_in_parent=lambda: _after(child=False),
            after_in_child=lambda: _after(child=True),
        )
    _WATCHED.add(forkable)


def _before() -> None:
    for forkable in list(_WATCHED):
        forkable.before_fork()


def _after(*, child: bool) -> None:
    for forkable in list(_WATCHED):
        forkable.after_fork(child=child)
