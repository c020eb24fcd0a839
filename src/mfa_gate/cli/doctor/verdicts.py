"""Hold the verdicts of the doctor, a line each, with the part that was examined."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PATIENCE = 10.0
"""Seconds that a store or a sender has for its answer."""

Verdict = Literal["ok", "note", "warning", "fault"]


@dataclass(frozen=True, slots=True)
class Line:
    """Hold one verdict. ``part`` is the part of the gate that was examined."""

    verdict: Verdict
    part: str
    text: str
