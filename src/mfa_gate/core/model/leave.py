"""Decisions of administrators and the person: tickets, grants, agreements, calls for help."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """An administrator's leave to enroll: one use, with an end."""

    digest: str
    expires_at: int
    actor: str
    ref: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """The leave for a first enrollment, besides the password.

    It is a ``contact`` that was proven, or a ``ticket`` that was shown.
    """

    kind: str
    browser: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A break-glass grant.

    One administrator asks for it. It is in force for ``life`` seconds once a second one has confirmed it.

    ``asked_in`` and ``confirmed_in`` are the tenants of the two ("" for the operator at the store). ``browsers`` are
    the marks of those that have used it, with the time of the first use. It ends when the account's epoch changes.
    """

    ref: str
    asked_by: str
    asked_at: int
    reason: str
    ticket: str
    life: int
    epoch: int
    asked_in: str = ""
    confirmed_by: str = ""
    confirmed_in: str = ""
    ends_at: int = 0
    browsers: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An act that waits for a second administrator.

    ``act`` is the word of the act. ``asked_in`` is the tenant of the administrator ("" for the operator at the store).
    ``ticket``, ``reason`` and ``item`` are what the act was given; ``item`` is the id of an authenticator.
    """

    act: str
    ref: str
    asked_by: str
    asked_at: int
    reason: str
    asked_in: str = ""
    ticket: str = ""
    item: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """The acceptance of a text: its id, version and SHA-256, the time and the network."""

    agreement: str
    version: str
    digest: str
    at: int
    network: str
    session: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """A waiting request of a person who lost access.

    ``opens_at``: a first enrollment opens then by itself (0: only an administrator answers). ``told`` holds the contacts
    on file at the beginning, sealed. ``reminded`` counts the reminders.
    """

    ref: str
    at: int
    about: str
    network: str
    opens_at: int = 0
    told: str = field(default="", repr=False)
    reminded: int = 0
