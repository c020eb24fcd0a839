"""What enrollment shows, one decision a page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from ..qr_code import Drawing
from .frame import Sending, Way


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrollChoice:
    """``/enroll``: why now, and which. Each way is a link to ``/enroll/{kind}``; ``action=skip`` is posted to ``/enroll``.

    ``purpose``: ``first`` (none yet), ``more`` (the person adds one), ``stronger`` (a page demands more than there is).
    ``skips_left`` None means as often as one likes while it is optional.
    ``back`` is where the person came from (``purpose="more"``).
    """

    template: ClassVar[str] = "enroll.html"
    ways: tuple[Way, ...]
    purpose: Literal["first", "more", "stronger"] = "first"
    required_at: int = 0
    skippable: bool = False
    skips_left: int | None = None
    back: str = ""
    steps: int = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A country whose numbers are accepted, for the select before the number field."""

    code: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrollStart:
    """``/enroll/{kind}`` by GET: begin. Posts ``action=start`` with ``phone`` and ``region`` where they are typed.

    ``destination`` is the address or number on file (shown, not typed); without one a phone kind asks for ``phone``, and
    an e-mail kind says that there is none. ``phone`` is what was typed before. ``anew`` asks for a new draft in the place
    of the one that is there. ``apps`` are the
    authenticator apps to name, ``ways`` the other kinds.
    """

    template: ClassVar[str] = "enroll_start.html"
    kind: str
    destination: str = ""
    phone: str = ""
    region: str = ""
    regions: tuple[Region, ...] = ()
    example: str = "(202) 555-0123"
    consent: str = ""
    terms_url: str = ""
    privacy_url: str = ""
    apps: tuple[str, ...] = ()
    ways: tuple[Way, ...] = ()
    back: str = ""
    skippable: bool = False
    anew: bool = False
    step: int = 2
    steps: int = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrollConfirm:
    """``/enroll/{kind}`` in answer to ``start``: try it out. Posts ``enrollment``, ``code``, ``label``; or ``action=send``.

    ``key`` is the secret in base32 and ``uri`` the ``otpauth:`` address, ``drawing`` its QR code, drawn beforehand: only
    for kinds that have them. ``hint`` is where the code went, ``number`` what to type on the phone. ``anew_url`` leads to
    another picture.
    """

    template: ClassVar[str] = "enroll_confirm.html"
    kind: str
    enrollment: str
    label: str = ""
    ask_label: bool = True
    digits: int = 6
    hint: str = ""
    sending: Sending = "none"
    sent_at: int = 0
    expires_at: int = 0
    resend_at: int = 0
    waiting: bool = False
    poll_url: str = ""
    number: str = ""
    key: str = ""
    uri: str = ""
    drawing: Drawing | None = None
    issuer: str = ""
    account: str = ""
    apps: tuple[str, ...] = ()
    public_key: str = ""
    back: str = ""
    anew_url: str = ""
    step: int = 3
    steps: int = 4
    remaining: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrollContact:
    """``/enroll`` when the contact on file must be proven first. ``action=contact-send`` with ``kind``; then
    ``action=contact-verify`` with ``code`` and ``kind``. ``way`` is the contact in use, ``ways`` are all of them."""

    template: ClassVar[str] = "enroll_contact.html"
    ways: tuple[Way, ...]
    way: Way | None = None
    sending: Sending = "unsent"
    sent_at: int = 0
    expires_at: int = 0
    resend_at: int = 0
    digits: int = 6
    remaining: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrollTicket:
    """``/enroll`` when a first enrollment needs an administrator's ticket: ``action=ticket`` with ``ticket``."""

    template: ClassVar[str] = "enroll_ticket.html"
    remaining: int | None = None
    typed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrollDone:
    """The success page: what was added, which one is asked for at sign-in, what is still worth doing (U-33)."""

    template: ClassVar[str] = "enroll_done.html"
    way: Way
    default: Way
    continue_url: str
    ways: tuple[Way, ...] = ()
    backup_url: str = ""
    step: int = 4
    steps: int = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupCodesStart:
    """``/backup-codes`` by GET: say what a new set does. Posts ``action=make``. ``remaining`` None: there is no set yet."""

    template: ClassVar[str] = "backup_codes_start.html"
    remaining: int | None = None
    made_at: int = 0
    count: int = 10
    back: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupCodes:
    """``/backup-codes`` in answer to a POST: the codes, this once (each as two groups of five, ``ABCDE-FGHJK``).

    Posts ``action=saved`` with the tick ``saved``; ``action=download`` with the hidden ``codes`` (one a line) is
    answered with a text file. ``replaced`` says that an older set has just ended.
    """

    template: ClassVar[str] = "backup_codes.html"
    codes: tuple[str, ...]
    made_at: int
    replaced: bool = False
