"""Whether anybody was ever seen signed in: a gate that looks in the wrong place sees nobody, and asks nobody."""

from __future__ import annotations

import logging

from ..ports import Identify, ReadsSessions

log = logging.getLogger("mfa_gate")

MANY = 100
"""So many requests on which nobody is signed in, and none with anybody, are worth a line in the log."""


class Sightings:
    """What one process has seen: ``somebody`` is true once a request came on which somebody is signed in."""

    def __init__(self, identify: Identify) -> None:
        self._identify = identify
        self.somebody = False
        self.strangers = 0

    def stranger(self) -> None:
        """Count a request on which nobody is signed in."""
        self.strangers += 1
        if self.strangers == MANY and not self.somebody:
            log.warning("mfa_gate: %s", self.doubt)

    @property
    def doubt(self) -> str:
        """Tell why the adapter may look in the wrong place; "" once somebody was seen."""
        if self.somebody:
            return ""
        keys = self._identify.unnamed if isinstance(self._identify, ReadsSessions) else ()
        text = f"nobody has been seen signed in yet, in {self.strangers} requests, by identify={self._identify!r}"
        if keys:
            text += f"; sessions hold the keys {', '.join(map(repr, keys))}"
        return f"{text}. If people are signed in, it looks in the wrong place, and nobody is asked for a second factor"
