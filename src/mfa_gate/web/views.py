"""What each page shows, as plain values: one frozen class a page, which handlers fill and templates only read.

Times are UTC seconds since 1970 (0: never), lengths are seconds, addresses are absolute paths that include the prefix.
Words that are chosen by a rule travel as the rule's word (a reason, a factor's kind, an event's kind); the templates put
them into the reader's language. Everything else is shown as it is, escaped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

__all__ = [
    "Activity",
    "Agreement",
    "AgreementDeclined",
    "Approve",
    "BackupCodes",
    "BackupCodesStart",
    "BackupStock",
    "BrowserLine",
    "Challenge",
    "ChallengeChoice",
    "CodeHelp",
    "Continue",
    "CookiesOff",
    "Disputing",
    "EnrollChoice",
    "EnrollConfirm",
    "EnrollContact",
    "EnrollDone",
    "EnrollStart",
    "EnrollTicket",
    "FactorLine",
    "Fault",
    "Frame",
    "Framed",
    "Language",
    "Locked",
    "Notice",
    "Problem",
    "Recovery",
    "RecoverySent",
    "Region",
    "Settings",
    "SignInAgain",
    "SignedOut",
    "View",
    "Way",
]

RTL = frozenset({"ar", "fa", "he", "ur"})

Why = Literal["no_proof", "expired", "ip_changed", "step_up", "revoked"]
Sending = Literal["none", "unsent", "sent", "failed", "off"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that was wrong with what was sent.

    ``reason`` is a word of ``core.reasons``, or one of the form's own: ``code_missing``, ``code_short``, ``code_long``,
    ``code_letters``, ``code_replaced``, ``phone_missing``, ``label_missing``, ``label_long``, ``choice_missing``,
    ``saved_missing``, ``accept_missing``, ``about_missing``, ``about_long``, ``ticket_missing``, ``ticket_wrong``,
    ``passkey_cancelled``, ``passkey_exists``, ``passkey_unavailable``. ``field`` is the form field it belongs to (empty:
    the whole page), ``seconds`` how long to wait (``too_soon``), ``detail`` a name that the text mentions: the countries
    that are accepted (``phone_region``: "United States"), the kind of number (``phone_type``: ``toll-free``).
    """

    reason: str
    field: str = ""
    seconds: int = 0
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What was just done, told once. ``word``: ``sent``, ``renamed``, ``removed``, ``default``, ``added``, ``forgotten``,
    ``codes_made``, ``skipped``, ``backup_used`` (``count`` are left), ``reported``, ``language``, ``contact_proven``,
    ``stopped``. ``value`` is the label, or the masked destination, it is about."""

    word: str
    value: str = ""
    count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """A language that can be chosen: its tag and its own name."""

    tag: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What every page has around it. ``prefix`` holds the root path. ``here`` is this page's own GET address, for the
    language links (``here?lang=de``). ``person`` is whom the host says is signed in, empty for nobody."""

    prefix: str
    now: int
    csrf_token: str = ""
    brand_name: str = ""
    accent: str = "#0b5fff"
    logo: str = ""
    help_url: str = ""
    contact: str = ""
    owner: str = ""
    person: str = ""
    sign_out: str = ""
    here: str = ""
    lang: str = "en"
    languages: tuple[Language, ...] = ()
    dev: bool = False
    notice: Notice | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def dir(self) -> str:
        """The direction of the page's text."""
        return "rtl" if self.lang.partition("-")[0] in RTL else "ltr"

    def problem(self, field: str) -> Problem | None:
        """The first problem of a form field."""
        return next((problem for problem in self.problems if problem.field == field), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to confirm: an authenticator of the person (``id``), or a kind that can be set up (``id`` empty).

    ``hint`` is the masked destination, in whole where the policy does not mask. ``last`` marks what worked last here,
    ``off`` what cannot be sent at the moment.
    """

    kind: str
    id: str = ""
    label: str = ""
    hint: str = ""
    last: bool = False
    off: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """``/challenge/{authenticator}``: prove this one. Posts ``code``, ``challenge``, ``remember``; or ``action=send``.

    ``sending`` is ``none`` for what needs no sending, ``off`` where nothing can be sent at the moment. ``remaining`` is shown when it is not None (after a failure).
    ``remember_for`` 0 hides the question. ``others`` are strongest first. ``public_key`` is the JSON of a WebAuthn
    request (the answer is posted as ``code``), ``number`` what to type on the phone, ``poll_url`` where a waiting page
    asks whether it was answered.
    """

    template: ClassVar[str] = "challenge.html"
    way: Way
    why: Why
    max_age: int = 604_800
    sending: Sending = "none"
    sent_at: int = 0
    expires_at: int = 0
    resend_at: int = 0
    challenge: str = ""
    digits: int = 6
    others: tuple[Way, ...] = ()
    recovery: bool = True
    remember_for: int = 604_800
    remember: bool = True
    remaining: int | None = None
    waiting: bool = False
    number: str = ""
    poll_url: str = ""
    public_key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChallengeChoice:
    """``/challenge``: several ways, none of them the obvious one. Each is a link to ``/challenge/{id}``."""

    template: ClassVar[str] = "challenge_choice.html"
    ways: tuple[Way, ...]
    why: Why
    max_age: int = 604_800
    recovery: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeHelp:
    """``/challenge/help`` (and the same question while enrolling): I did not get a code (U-16).

    ``send_url`` takes POST ``action=send`` (with ``enrollment`` where set); empty: nothing can be sent again.
    ``change_url`` leads to another number, while enrolling.
    """

    template: ClassVar[str] = "challenge_help.html"
    way: Way
    back: str
    send_url: str = ""
    enrollment: str = ""
    change_url: str = ""
    sent_at: int = 0
    resend_at: int = 0
    others: tuple[Way, ...] = ()
    recovery: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrollChoice:
    """``/enroll``: why now, and which. Each way is a link to ``/enroll/{kind}``; ``action=skip`` is posted to ``/enroll``.

    ``purpose``: ``first`` (none yet), ``more`` (the person adds one), ``stronger`` (a page demands more than there is).
    ``skips_left`` None means as often as one likes while it is optional. ``remind`` is ``next-sign-in`` or seconds as text
    for a later day; ``back`` is where the person came from (``purpose="more"``).
    """

    template: ClassVar[str] = "enroll.html"
    ways: tuple[Way, ...]
    purpose: Literal["first", "more", "stronger"] = "first"
    required_at: int = 0
    skippable: bool = False
    skips_left: int | None = None
    remind: str = "next-sign-in"
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
    an e-mail kind says that there is none. ``phone`` is what was typed before. ``apps`` are the
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
    step: int = 2
    steps: int = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrollConfirm:
    """``/enroll/{kind}`` in answer to ``start``: try it out. Posts ``enrollment``, ``code``, ``label``; or ``action=send``.

    ``key`` is the secret in base32 and ``uri`` the ``otpauth:`` address, which the page also draws as a QR code: only for
    kinds that have them. ``hint`` is where the code went, ``number`` what to type on the phone.
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
    issuer: str = ""
    account: str = ""
    apps: tuple[str, ...] = ()
    public_key: str = ""
    back: str = ""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorLine:
    """One authenticator in the settings. ``kept`` is the reason why it cannot be removed (empty: it can)."""

    id: str
    kind: str
    label: str
    hint: str = ""
    added_at: int = 0
    last_used_at: int = 0
    last_network: str = ""
    is_default: bool = False
    can_be_default: bool = True
    kept: str = ""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInAgain:
    """A sign-in at an identity provider was the second factor, and counts no more here: ``why`` is the challenge's reason.
    ``sign_out`` and ``sign_in`` are the host's own, empty where it has none."""

    template: ClassVar[str] = "sign_in_again.html"
    why: Why
    max_age: int = 604_800
    sign_in: str = ""
    sign_out: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disputing:
    """``/dispute/{token}``, reached from a notice without signing in: what it was, and the button that says "this was not
    me" (``action=dispute``, no token of ours: the address is the secret). ``done`` says that it was pressed."""

    template: ClassVar[str] = "dispute.html"
    kind: str
    at: int
    url: str
    network: str = ""
    ref: str = ""
    done: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Approve:
    """``/approve``: the phone's page, which its script fills. ``host`` is the relying party's id, a word of what the phone
    signs; ``push_key`` the public key for waking it (VAPID), empty where nothing wakes it."""

    template: ClassVar[str] = "approve.html"
    host: str
    push_key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedOut:
    """Nobody is signed in (any more)."""

    template: ClassVar[str] = "signed_out.html"
    sign_in: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Continue:
    """There is nothing to confirm: it was done here or in another tab (U-55, U-73). ``continue_url`` leads on."""

    template: ClassVar[str] = "continue.html"
    continue_url: str
    why: Literal["done", "already"] = "already"


@dataclass(frozen=True, slots=True, kw_only=True)
class CookiesOff:
    """The browser keeps no cookies. ``retry_url`` tries again."""

    template: ClassVar[str] = "cookies_off.html"
    retry_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Framed:
    """Inside a frame: a small page whose one link opens the page at the top. ``url`` is where to."""

    template: ClassVar[str] = "framed.html"
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Any refusal as a page: ``reason`` is a word of ``core.reasons``, ``ref`` the event's id, ``back`` leads on."""

    template: ClassVar[str] = "fault.html"
    reason: str
    status: int
    ref: str = ""
    detail: str = ""
    retry_after: int = 0
    retry_url: str = ""
    back: str = ""


View = (
    Challenge
    | ChallengeChoice
    | CodeHelp
    | EnrollChoice
    | EnrollStart
    | EnrollConfirm
    | EnrollContact
    | EnrollTicket
    | EnrollDone
    | BackupCodesStart
    | BackupCodes
    | Settings
    | Locked
    | Recovery
    | RecoverySent
    | Agreement
    | AgreementDeclined
    | SignInAgain
    | Disputing
    | Approve
    | SignedOut
    | Continue
    | CookiesOff
    | Framed
    | Fault
)
