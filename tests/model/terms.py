"""Rules, browsers, grants, requests and codes, as the reference knows them."""

from __future__ import annotations

from dataclasses import dataclass, field

DAY = 86_400
LIFE = 7 * DAY
"""The life of a proof."""


@dataclass(frozen=True)
class Terms:
    """The rules of one application, of one tenant, at one time.

    ``first`` is the condition of a first enrollment, ``wait`` that of a recovery without an administrator (0: none).
    """

    max_age: int = LIFE
    any_network: bool = False
    lock_ends: bool = False
    optional: bool = False
    first: str = "open"
    wait: int = 0


@dataclass
class Held:
    """One confirmed browser.

    ``proofs`` are the times of its proofs by network.
    """

    proofs: dict[str, int] = field(default_factory=dict)


@dataclass
class Grant:
    """Leave to pass without a second factor.

    ``until`` is 0 while a second administrator must confirm it.
    """

    by: str
    asked_at: int
    life: int
    ref: str
    until: int = 0
    sessions: set[str] = field(default_factory=set)


@dataclass
class Waiting:
    """A request for help. It opens a first enrollment at ``opens_at`` (0: never by itself).

    ``reminded`` counts the reminders that went out.
    """

    at: int
    opens_at: int
    reminded: int = 0


@dataclass
class Code:
    """A code that was sent to the browser with this cookie."""

    kind: str
    code: str
    cookie: str
    at: int
