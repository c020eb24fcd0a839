"""The times of the PostgreSQL store.

Tests pass their own, so that they neither wait for minutes nor depend on the speed of a busy machine.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["USUAL", "Timing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Seconds. No call of the store lasts longer than one (F-1)."""

    connect_within: float = 0.25
    """To connect to one host, with the sign-in."""
    reach_within: float = 0.7
    """To connect to any of the hosts, or to get a connection of the pool."""
    answer_within: float = 0.8
    """For a read, and for a write that is not a swap."""
    swap_within: float = 0.55
    """For a swap. Then the rest of the second is for reading back if it is there."""
    read_back_within: float = 0.3
    start_within: float = 0.95
    lock_within: float = 0.2
    """On the server: to wait for a lock that somebody else holds."""
    beat: float = 0.2
    """Between two questions over the listening connection."""
    silence: float = 0.7
    """Without an answer, after which the listening connection is broken."""
    hello_within: float = 0.5
    """For a notice to travel from one connection to the listening one."""
    advice_within: float = 4.0
    """For the doctor, until it is known if notices arrive: longer than a start waits."""
    hello_every: float = 5.0
    """Between two tries, where notices do not arrive."""
    settled_after: float = 60.0
    """A server of another history (a failover) that lacks more than that is an older copy."""
    noted_together: float = 5.0
    """Changes so close to each other settle together."""
    look_every: float = 10.0
    """Between two comparisons with the high-water mark, where the numbers only rise."""
    keep_every: float = 10.0
    """Between two writes of the generation file, where nothing grave happens."""


USUAL = Timing()
