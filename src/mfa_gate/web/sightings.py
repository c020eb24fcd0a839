"""Notice that no request ever has a signed-in person.

A gate that looks for the person in the wrong place asks nobody for a second factor.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from ..ports import Identify, ReadsSessions

log = logging.getLogger("mfa_gate")

MANY = 100
"""Requests without a signed-in person, and none with one, after which the log gets a line."""
MAX_NAMED = 10


class Sightings:
    """A record of one process: has any request had a signed-in person?

    ``somebody`` becomes true with the first request on which a person is signed in.
    """

    def __init__(self, identify: Identify) -> None:
        self._identify = identify
        self._keys: tuple[str, ...] = ()
        self.somebody = False
        self.strangers = 0

    def stranger(self, scope: Mapping[str, Any]) -> None:
        """Count a request on which nobody is signed in."""
        if self.somebody:
            return
        self.strangers += 1
        session = scope.get("session")
        if session and not self._keys and isinstance(session, Mapping):
            self._keys = tuple(str(key)[:40] for key in session)[:MAX_NAMED]
        if self.strangers == MANY:
            log.warning("mfa_gate: %s", self.doubt)

    @property
    def keys(self) -> tuple[str, ...]:
        """Return the keys of a session in which nobody was found; none once somebody was seen."""
        if self.somebody:
            return ()
        return self._identify.unnamed if isinstance(self._identify, ReadsSessions) else self._keys

    @property
    def doubt(self) -> str:
        """Tell why the adapter may look in the wrong place; "" once somebody was seen."""
        if self.somebody:
            return ""
        text = f"nobody has been seen signed in yet, in {self.strangers} requests, by identify={self._identify!r}"
        if self.keys:
            text += f"; a session holds the keys {', '.join(map(repr, self.keys))}"
        return f"{text}. If people are signed in, it looks in the wrong place, and nobody is asked for a second factor"
