"""Authenticators, their drafts, and the challenges that they answer."""

from __future__ import annotations

from dataclasses import dataclass, field

from .values import Fields

FAR = 60
"""In seconds. A time further ahead of the clock than this was made by a wrong clock (S-118)."""
WHY_NOT = "undelivered"
"""The key of a challenge's data under which the sender's reason for a failure is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticator:
    """One confirmed authenticator of a subject.

    ``revision`` rises with each change of ``data`` other than by a success.
    """

    id: str
    factor: str
    label: str
    created_at: int
    data: Fields = field(default_factory=dict)
    last_used_at: int = 0
    last_network: str = ""
    revision: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """Something issued that an answer must match.

    ``purpose`` is ``sign-in``, ``enroll`` or ``contact``; ``target`` is the authenticator's or the enrollment's id.
    ``browser`` is the digest of the handle that asked. A challenge stays a while after its end (``spent_at`` or
    ``expires_at``), so that a late answer is told apart from a wrong one.
    """

    id: str
    factor: str
    purpose: str
    target: str
    browser: str
    issued_at: int
    expires_at: int
    data: Fields = field(default_factory=dict)
    spent_at: int = 0
    status: str = "pending"
    mark: int = 0

    def is_live(self, now: int, seen_at: int = 0) -> bool:
        """Tell if it can still be answered. At exactly ``expires_at`` it is dead.

        ``now`` is the wall clock, ``seen_at`` the account's mark. A challenge that had ended by that mark stays dead
        when a clock steps back. A challenge that was issued while the mark was ahead of the clock (``mark``) lives by
        the clock. One that a clock far ahead has issued is dead by the right clock, or it would live until the wrong time.
        """
        if self.spent_at or not self.issued_at - FAR <= now < self.expires_at:
            return False
        return seen_at - max(self.issued_at, self.mark) < self.expires_at - self.issued_at

    @property
    def undelivered(self) -> str:
        """Give the sender's reason for which the message was not delivered, "" for none."""
        return str(self.data.get(WHY_NOT, "")) if self.status == "undelivered" else ""

    @property
    def waits(self) -> bool:
        """Tell if the answer comes another way than from the browser that asked.

        That browser then collects it.
        """
        return "elsewhere" in self.data


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrollment:
    """An authenticator that is being bound and does not count yet.

    ``browser`` is the handle's digest.
    """

    id: str
    factor: str
    label: str
    browser: str
    started_at: int
    expires_at: int
    data: Fields = field(default_factory=dict)
