"""What people see of their own account: settings, recovery, the agreement, the lock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .frame import Way


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorLine:
    """One authenticator in the settings. ``kept``: it is the last one, and one is required."""

    id: str
    kind: str
    label: str
    hint: str = ""
    added_at: int = 0
    last_used_at: int = 0
    last_network: str = ""
    is_default: bool = False
    can_be_default: bool = True
    kept: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupStock:
    """The set of backup codes: how many are left, of how many; none was ever made when ``total`` is 0."""

    remaining: int
    total: int
    warn_at: int = 3
    made_at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserLine:
    """A remembered browser (or native client, ``kind="client"``). ``ends_at`` is when its youngest proof ends."""

    id: str
    label: str
    network: str = ""
    last_used_at: int = 0
    ends_at: int = 0
    current: bool = False
    kind: str = "browser"


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """One line of the person's own trail. ``kind`` is an event's kind, ``label`` what it was about, ``app`` where it was, if
    several applications share the store."""

    at: int
    kind: str
    factor: str = ""
    label: str = ""
    network: str = ""
    ref: str = ""
    app: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The prefix itself: one's own security settings. Posts to it: ``action=rename`` (``authenticator``, ``label``),
    ``remove``, ``default`` (``authenticator``), ``forget`` (``browser``).

    ``addable`` are kinds that can be set up. ``confirm_url`` is set when a change needs a fresher proof first.
    ``remind`` asks for a second way. ``editing`` names the authenticator whose rename form had a problem. ``asked_at``
    tells of a call for help that waits (``action=stop``); ``action=dispute`` says that something listed was not them.
    ``signal`` is the JSON by which the browser learns which passkeys still count, just after one was removed.
    """

    template: ClassVar[str] = "settings.html"
    factors: tuple[FactorLine, ...]
    addable: tuple[Way, ...] = ()
    backup: BackupStock | None = None
    browsers: tuple[BrowserLine, ...] = ()
    activity: tuple[Activity, ...] = ()
    remind: bool = False
    confirm_url: str = ""
    continue_url: str = ""
    admin_url: str = ""
    editing: str = ""
    typed_label: str = ""
    asked_at: int = 0
    signal: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """``/locked``: who can end it, and what to quote. ``cause`` is ``attempts``, ``rolling`` or ``administrator``."""

    template: ClassVar[str] = "locked.html"
    ref: str
    cause: str = "attempts"
    locked_at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """``/recovery``: lost access. ``others`` are factors that still work, ``backup`` the backup codes; ``can_request``
    shows the form (``action=request``, ``about``); ``requested_at`` tells of one that waits (``ref``)."""

    template: ClassVar[str] = "recovery.html"
    lost: Way | None = None
    others: tuple[Way, ...] = ()
    backup: Way | None = None
    can_request: bool = False
    requested_at: int = 0
    ref: str = ""
    about: str = ""
    back: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoverySent:
    """The request of somebody who lost access was recorded."""

    template: ClassVar[str] = "recovery_sent.html"
    ref: str
    back: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """``/agreement``: read, tick ``accept``, confirm (``action=accept``, ``version``), or ``action=decline``.

    ``text`` is plain text: blank lines part paragraphs, ``#`` and ``##`` head sections, ``-`` and ``1.`` make lists.
    ``changes`` says what is new where another version was accepted before.
    """

    template: ClassVar[str] = "agreement.html"
    title: str
    version: str
    text: str
    published_at: int = 0
    changes: str = ""
    accepted_version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementDeclined:
    """The agreement was declined: the app stays closed. ``sign_out`` is the host's own, empty where it has none; then
    ``sign_in`` leads to its sign-in."""

    template: ClassVar[str] = "agreement_declined.html"
    title: str
    sign_in: str = ""
    sign_out: str = ""
