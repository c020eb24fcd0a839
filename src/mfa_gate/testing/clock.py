"""Stop the clock until a test moves it."""

from __future__ import annotations

__all__ = ["FixedClock"]

START = 1_750_000_000.0
"""15 June 2025, 15:06:40 UTC: any fixed moment would do."""


class FixedClock:
    """Tell a time that passes only by ``advance``: ``MFAGate(clock=FixedClock())``."""

    def __init__(self, now: float = START) -> None:
        """Set ``now``, in UTC seconds since 1970."""
        self._now = float(now)

    def __repr__(self) -> str:
        return f"FixedClock({self._now})"

    def now(self) -> float:
        """Return UTC seconds since 1970."""
        return self._now

    def advance(self, seconds: float) -> float:
        """Let ``seconds`` pass (a negative number steps back), and return the new time."""
        self._now += seconds
        return self._now

    def set(self, now: float) -> None:
        """Set another time, in UTC seconds since 1970."""
        self._now = float(now)
