"""The times of the Redis store.

Tests pass their own, so that they neither wait for minutes nor depend on the speed of a busy machine.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["USUAL", "Timing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Seconds. No call of the store lasts longer than one (F-1).

    Each command is tried once. The caller decides about another try.
    """

    connect_within: float = 0.25
    command_within: float = 0.5
    answer_within: float = 0.8
    start_within: float = 0.9
    check_every: float = 30.0
    """Between two checks that the servers are fit for the store."""
    look_every: float = 30.0
    """Between two comparisons of the servers with the high-water mark."""
    look_again: float = 2.0
    """Between two looks or checks while something is wrong that an operator may put right at any moment."""
    keep_every: float = 60.0
    """Between two writes of the generation file."""
    settled_after: float = 60.0
    """A server that lacks more than that is an older copy and no replica that took over. What it lacks of that time was
    lost in a failover, and is put back (``recent_writes``)."""
    noted_together: float = 5.0
    """Changes so close to each other settle together."""

    @property
    def kept_for(self) -> float:
        """Return the seconds for which a process remembers what it wrote (``recent_writes``).

        A server that is further behind than that is refused as an older copy (``high_water_mark``).
        """
        return self.settled_after + self.look_every + 10.0

    @property
    def reach_within(self) -> float:
        """Return the seconds to connect and to ask the first question."""
        return self.connect_within + self.command_within


USUAL = Timing()
