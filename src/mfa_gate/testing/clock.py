"""A clock that stands still until a test moves it."""

from __future__ import annotations

__all__ = ["FixedClock"]

START = 1_750_000_000.0
"""15 June 2025, 15:06:40 UTC: any fixed moment would do."""


class FixedClock:
    """``MFAGate(clock=FixedClock())``: time passes when ``advance`` is called, and never by itself."""

    def __init__(self, now: float = START) -> None:
        """``now`` is UTC seconds since 1970."""
        self._now = float(now)

    def __repr__(self) -> str:
        return f"FixedClock({self._now})"

    def now(self) -> float:
        """UTC seconds since 1970."""
        return self._now

    def advance(self, seconds: float) -> float:
        """Let ``seconds`` pass (fewer than none: step back); returns the new time."""
        self._now += seconds
        return self._now

    def set(self, now: float) -> None:
        """Another time, in UTC seconds since 1970."""
        self._now = float(now)
