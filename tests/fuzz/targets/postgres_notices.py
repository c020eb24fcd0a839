"""Notices of PostgreSQL: whoever reaches the database can send any text on any channel."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from mfa_gate.core.model import SubjectKey
from mfa_gate.stores.postgres.invalidation import Invalidation

from ..target import Check, Target

SEEDS = (
    b'["hello", "0123456789abcdef"]',
    b'[8, "alpha", "ann", "op1"]',
    b'[9, "alpha", null, "op2"]',
    b'[10, null, null, "op3"]',
)


def made() -> Check:
    """Make a listener whose channel is open."""

    async def nothing(*_: Any) -> Any:
        return None

    def hear(data: bytes) -> None:
        text = data.decode("utf-8", "replace").replace("\0", "")
        watch: Any = SimpleNamespace(note=lambda number: None)
        unused: Any = None
        listener = Invalidation(unused, "channel", watch, unused, read_state=nothing, say=nothing)
        listener._arrive()
        listener._base = 7
        listener._hear(text)
        if listener.log is not None:
            # The channel is open still: a notice that comes next is heard.
            seen = listener._log.count
            listener._hear('[11, "alpha", "ann", "of the test"]')
            changed, _ = listener._log.since(seen)
            assert not isinstance(changed, frozenset) or SubjectKey("alpha", "ann") in changed

    return hear


TARGET = Target(
    "postgres-notices",
    "no text ends the listening",
    made,
    lambda: SEEDS,
    (b"[", b"]", b"null", b'"hello"', b"1e999"),
    quick=150,
)
