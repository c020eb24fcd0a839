"""The views of enrollment, one decision a page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from ..qr_code import Drawing
from .frame import Sending, Way


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrollChoice:
    """The page ``/enroll``: the reason to enroll now, and the ways to choose from.

    Each way is a link to ``/enroll/{kind}``. ``action=skip`` is posted to ``/enroll``.

    ``purpose``: ``first`` (none yet), ``more`` (the person adds one), ``stronger`` (a page demands more than there
    is), ``nobody`` (no way to confirm can meet what a page demands). ``skips_left`` None means as often as one likes while
    it is optional. ``back`` is the page that the person came from (``purpose="more"``), or of the app where nothing is
    ``demanded``, or nobody can pass.
    """

    template: ClassVar[str] = "enroll.html"
    ways: tuple[Way, ...]
    purpose: Literal["first", "more", "stronger", "nobody"] = "first"
    required_at: int = 0
    skippable: bool = False
    skips_left: int | None = None
    back: str = ""
    demanded: bool = True
    steps: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A country whose numbers are accepted, for the select before the number field."""

    code: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrollStart:
    """The page ``/enroll/{kind}`` by GET: begin.

    It posts ``action=start``, with ``phone`` and ``region`` where they are typed.

    ``destination`` is the address or number on file (shown, not typed). Without one a phone kind asks for ``phone``,
    and an e-mail kind says that there is none. ``phone`` is the number that was typed before. ``anew`` asks for a new
    draft in the place of the one that is there. ``apps`` are the authenticator apps to name, ``ways`` the other kinds.
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
    steps: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrollConfirm:
    """The page ``/enroll/{kind}`` of a draft: try it out.

    It posts ``enrollment``, ``code`` and ``label``, or ``action=send``.
    ``key`` is the secret in base32, ``uri`` the ``otpauth:`` address, and ``drawing`` its QR code, drawn beforehand: all
    only for kinds that have them. ``hint`` is the masked destination of the code. ``number`` is the number to type on
    the phone. ``anew_url`` leads to another picture. ``typed`` is the number that this browser has typed, whole until it
    is proven (decisions 58); ``change_url`` leads back to its field. ``ask_label`` asks for a name, where there is another
    one of the kind. ``ways`` are the other kinds. ``call_url`` takes the same
    number for a call. ``steps`` 0 hides the steps.
    """

    template: ClassVar[str] = "enroll_confirm.html"
    kind: str
    enrollment: str
    label: str = ""
    ask_label: bool = True
    digits: int = 6
    hint: str = ""
    sending: Sending = "none"
    cause: str = ""
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
    typed: str = ""
    change_url: str = ""
    ways: tuple[Way, ...] = ()
    call_url: str = ""
    step: int = 2
    steps: int = 3
    remaining: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrollContact:
    """The page ``/enroll`` when the contact on file must be proven first.

    It posts ``action=contact-send`` with ``kind``; then ``action=contact-verify`` with ``code`` and ``kind``. ``way``
    is the contact in use, ``ways`` are all of them.
    """

    template: ClassVar[str] = "enroll_contact.html"
    ways: tuple[Way, ...]
    way: Way | None = None
    sending: Sending = "unsent"
    cause: str = ""
    sent_at: int = 0
    expires_at: int = 0
    resend_at: int = 0
    digits: int = 6
    remaining: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrollTicket:
    """The page ``/enroll`` when a first enrollment needs an administrator's ticket.

    It posts ``action=ticket`` with ``ticket``.
    """

    template: ClassVar[str] = "enroll_ticket.html"
    remaining: int | None = None
    typed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrollOffer:
    """The page that offers a stronger factor after a proof by a weaker one.

    ``continue_url`` puts the offer off. The browser makes the authenticator here where it can, else a link leads to the
    pages of ``kind``. ``moved_to``: codes of ``kind`` can go to this new contact from the host's record.
    """

    template: ClassVar[str] = "enroll_offer.html"
    kind: str
    label: str
    continue_url: str
    public_key: str = ""
    remaining: int | None = None
    moved_to: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrollDone:
    """The page that confirms an enrollment (U-33).

    It names the new authenticator (``way``), the one that is asked for at sign-in (``default``), and the steps that
    are still worth doing.
    """

    template: ClassVar[str] = "enroll_done.html"
    way: Way
    default: Way
    continue_url: str
    ways: tuple[Way, ...] = ()
    backup_url: str = ""
    step: int = 3
    steps: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupCodesStart:
    """The page ``/backup-codes`` by GET: it says what a new set does.

    It posts ``action=make``. ``remaining`` None: there is no set yet.
    """

    template: ClassVar[str] = "backup_codes_start.html"
    remaining: int | None = None
    made_at: int = 0
    count: int = 10
    back: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupCodes:
    """The page ``/backup-codes`` that shows the codes of a set.

    Each code is two groups of five, ``ABCDE-FGHJK``. The page posts ``action=saved`` with the tick ``saved``.
    ``action=download`` with the hidden ``codes`` (one a line) is answered with a text file. ``replaced`` says that an
    older set has just ended. ``steps`` is 0 outside of a first enrollment.
    """

    template: ClassVar[str] = "backup_codes.html"
    codes: tuple[str, ...]
    made_at: int
    replaced: bool = False
    step: int = 3
    steps: int = 0
