"""The views of a person's own account: settings, recovery, the agreement, the lock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from .frame import Way


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorLine:
    """One authenticator in the settings.

    ``kept`` says that it cannot be removed: it is the last one, and one is required. ``place`` is that of ``last_network``.
    ``moved_to`` is the contact on file, where codes still go to an earlier one. ``is_alone`` says that it is on one device
    only, and the person has no other of its kind.
    """

    id: str
    kind: str
    label: str
    hint: str = ""
    added_at: int = 0
    last_used_at: int = 0
    last_network: str = ""
    place: str = ""
    moved_to: str = ""
    is_default: bool = False
    can_be_default: bool = True
    kept: bool = False
    is_alone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupStock:
    """The set of backup codes: how many are left, of how many.

    ``total`` is 0 where no set was ever made. ``is_old``: it was neither made nor used for months, so the person is asked if
    it is still at hand.
    """

    remaining: int
    total: int
    warn_at: int = 3
    made_at: int = 0
    is_old: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserLine:
    """A remembered browser, or a native client (``kind="client"``).

    ``ends_at`` is the end of its youngest proof. ``bound`` says that this proof ends with the sign-in: the browser is not to
    be remembered. ``place`` is that of ``network``, as the host describes it.
    """

    id: str
    label: str
    network: str = ""
    last_used_at: int = 0
    ends_at: int = 0
    current: bool = False
    kind: str = "browser"
    first_seen_at: int = 0
    bound: bool = False
    place: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """One line of the person's own trail.

    ``kind`` is an event's kind. ``label`` names the thing that the event is about. ``app`` names the application, if
    several applications share the store. ``place`` is that of ``network``.
    """

    at: int
    kind: str
    factor: str = ""
    label: str = ""
    network: str = ""
    ref: str = ""
    app: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The page at the prefix itself: one's own security settings.

    It posts to the prefix: ``action=rename`` (``authenticator``, ``label``), ``remove``, ``default``
    (``authenticator``), ``forget`` (``browser``: ids with blanks between them), ``forget-others``, ``everywhere``.
    ``action=dispute`` says that something listed was not them (``about``: the reference of the line).

    ``addable`` are kinds that can be set up. ``confirm_url`` is set when a change needs a fresher proof first.
    ``remind`` asks for a second way. ``editing`` names the authenticator whose rename form had a problem. ``asked_at``
    is the time of a call for help that waits (``action=stop`` takes it back), ``opens_at``
    the time from which it lets the methods be removed (0: never). ``signal`` is JSON, given just after a
    passkey was removed: it tells the browser the passkeys that still count. ``frozen_until`` is
    the end of a stop of all changes, 0 where there is none. ``checkup`` is the one thing to do: make ``codes``, add another
    ``way``, or nothing (``good``). ``most_browsers`` is how many browsers are kept, where there is room for no more.
    ``can_undo``: the person has a method that may end the stop (``action=undo``).
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
    opens_at: int = 0
    signal: str = ""
    frozen_until: int = 0
    can_undo: bool = False
    checkup: Literal["", "good", "codes", "way"] = ""
    most_browsers: int = 0

    @property
    def devices(self) -> tuple[tuple[BrowserLine, ...], ...]:
        """Group the browsers by device, as far as name, kind and place tell it.

        Where the host names no place, all networks of a name are one device, for a phone has many. Its entry shows each of
        them, so a stranger's browser does not hide behind one's own. Groups, and the browsers in them, keep the order of
        ``browsers``: this one first, then the newest.
        """
        found: dict[tuple[str, str, str], tuple[BrowserLine, ...]] = {}
        for it in self.browsers:
            key = it.label, it.kind, it.place
            found[key] = (*found.get(key, ()), it)
        return tuple(found.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """The page ``/locked``.

    It names the people who can end the lock, and the reference to quote. ``cause`` is ``attempts``, ``rolling`` or
    ``administrator``.
    """

    template: ClassVar[str] = "locked.html"
    ref: str
    cause: str = "attempts"
    locked_at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """The page ``/recovery``, for a person who has lost access.

    ``others`` are factors that still work, ``backup`` the backup codes. ``can_request`` shows the form
    (``action=request``, ``about``). ``requested_at`` is the time of a request that waits, ``ref`` its reference.

    ``wait`` are the seconds after which a request opens the way to set up anew (0: only an administrator answers),
    ``by_hand`` says that administrators answer requests. ``opens_at`` is that time for the request that waits, and
    ``open`` says that the person may begin (``action=begin``).
    """

    template: ClassVar[str] = "recovery.html"
    lost: Way | None = None
    others: tuple[Way, ...] = ()
    backup: Way | None = None
    can_request: bool = False
    requested_at: int = 0
    ref: str = ""
    about: str = ""
    back: str = ""
    wait: int = 0
    by_hand: bool = True
    opens_at: int = 0
    open: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoverySent:
    """The page that says that a request for recovery was recorded.

    ``opens_at`` is the time from which the person may set up anew without an administrator, 0 for never.
    """

    template: ClassVar[str] = "recovery_sent.html"
    ref: str
    back: str = ""
    by_hand: bool = True
    opens_at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """The page ``/agreement``: read, tick, and confirm or decline.

    It posts ``action=accept`` (``accept``, ``version``), or ``action=decline``. ``text`` is plain text: blank lines
    part paragraphs, ``#`` and ``##`` head sections, ``-`` and ``1.`` make lists. ``changes`` tells the news to a
    person who accepted another version before.
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
    """The page after the agreement was declined: the app stays closed.

    ``sign_out`` is the host's own, empty where it has none; then ``sign_in`` leads to its sign-in.
    """

    template: ClassVar[str] = "agreement_declined.html"
    title: str
    sign_in: str = ""
    sign_out: str = ""
