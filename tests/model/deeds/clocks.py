"""Time runs, jumps, steps back, and is not the same in all workers."""

from __future__ import annotations

from ..deed import WORKERS, Deed
from ..stage import Stage
from ..terms import DAY


def wait(life: Stage, seconds: int) -> None:
    """Let time pass."""
    life.at += seconds


def step_back(life: Stage, seconds: int) -> None:
    """Set the clock back a little."""
    life.at -= seconds


def drift(life: Stage, worker: int, seconds: int) -> None:
    """Set the clock of one worker apart from the others."""
    life.clocks[worker].off = seconds


DEEDS = (
    Deed(wait, {"seconds": (1, 31, 61, 299, 601, 3600, DAY, 3 * DAY, 6 * DAY, 7 * DAY)}, often=2),
    Deed(step_back, {"seconds": (1, 45, 600)}),
    Deed(drift, {"worker": WORKERS, "seconds": (0, -20, 20)}),
)
