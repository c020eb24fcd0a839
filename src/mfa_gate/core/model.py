"""What is known about one subject: the bounded aggregate that every decision reads and every change rewrites."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NewType

Seconds = NewType("Seconds", int)
"""A length of time. Points in time are plain ``int`` (UTC, seconds since 1970) and named ``*_at``."""

Fields = Mapping[str, object]
"""Private state of one factor: JSON-shaped, read and written by ``factors/<kind>.py`` only. Secrets in it are sealed."""

MAX_ID_BYTES = 255

MAX_AUTHENTICATORS = 20
MAX_CODES = 10
MAX_OTHER_CHALLENGES = 6
MAX_OTHERS_OF_ALL = 12
MAX_ENROLLMENTS = 3
MAX_ENROLLMENTS_OF_ALL = 8
"""Beside a bound for each browser, ``OF_ALL`` bounds all browsers together."""
MAX_BROWSERS = 10
MAX_CLIENTS = 4
MAX_SIGN_OUTS = 8
"""Kept browsers that may be clients without cookies where there is no room for all."""
MAX_PROOFS_PER_NETWORK = 3
MAX_SKIPS = 20
MAX_FREE_SENDS = 40
MAX_ACCEPTANCES = 5
MAX_GRANT_BROWSERS = 5
MAX_LOGINS = 10
MAX_UNCOUNTED = 40
MAX_BYTES = 16_000
"""Of an encoded account: where the bounds above add up to more, ended challenges and the oldest browsers go."""
MAX_AUTHENTICATOR_BYTES = 12_000
"""Of an account with nothing but its authenticators: one more that needs more than this is refused."""


@dataclass(frozen=True, slots=True)
class SubjectKey:
    """The canonical name of a person: one row, one counter, one lock, over all applications that share the store."""

    tenant: str
    id: str

    def __str__(self) -> str:
        return f"{self.tenant}/{self.id}"


@dataclass(frozen=True, slots=True)
class Upstream:
    """What an identity provider says of the sign-in, as the host has verified it (OpenID Connect Core 1.0, 2): ``amr`` are
    the words for how (RFC 8176), ``acr`` the class, ``at`` is ``auth_time``, when the person was there last."""

    amr: tuple[str, ...] = ()
    acr: str = ""
    at: int = 0

    def __post_init__(self) -> None:
        if isinstance(self.amr, (str, bytes)):
            raise ValueError(f"Upstream.amr must be a tuple of str, not {self.amr!r}")
        object.__setattr__(self, "amr", tuple(self.amr))


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom the host says is signed in.

    ``id`` is the host's opaque, canonical id of the person inside ``tenant``; two spellings would be two people with two
    budgets of attempts, so an id that Unicode would rewrite (NFKC), that holds control characters, or that has blanks at its
    ends is refused.
    ``groups`` are the host's groups or roles. ``session`` names the host's sign-in session where it has one. ``upstream``
    is what an identity provider says of that sign-in; it counts where the policy trusts it (``freshness.trust_amr``).

    Raises ``ValueError`` for an id or tenant that is empty, longer than 255 bytes, or not canonical, and for groups that are
    a text, bytes or a mapping instead of several texts.
    """

    id: str
    tenant: str = "default"
    groups: frozenset[str] = frozenset()
    session: str = ""
    upstream: Upstream | None = None

    def __post_init__(self) -> None:
        for name, value in (("id", self.id), ("tenant", self.tenant)):
            if type(value) is not str or not value:
                raise ValueError(f"Subject.{name} must be a non-empty str, not {value!r}")
            if value[0] == " " or value[-1] == " ":
                raise ValueError(f"Subject.{name} has blanks at its ends: {value!r}")
            if value.isascii() and value.isprintable() and len(value) <= MAX_ID_BYTES:
                continue
            if len(value.encode("utf-8", "surrogatepass")) > MAX_ID_BYTES:
                raise ValueError(f"Subject.{name} is longer than {MAX_ID_BYTES} bytes")
            if not value.isprintable() or unicodedata.normalize("NFKC", value) != value:
                raise ValueError(f"Subject.{name} is not in its canonical form (NFKC, printable): {value!r}")
        if not isinstance(self.groups, frozenset):
            # A text would be read letter by letter, and a mapping by its keys, whatever their values say.
            if isinstance(self.groups, (str, bytes, bytearray, Mapping)) or not isinstance(self.groups, Iterable):
                raise ValueError(f"Subject.groups must be a set of str, not {self.groups!r}")
            object.__setattr__(self, "groups", frozenset(self.groups))
        if not all(isinstance(group, str) for group in self.groups):
            raise ValueError("Subject.groups must be a set of str")

    @property
    def key(self) -> SubjectKey:
        """The key of this subject's account."""
        return SubjectKey(self.tenant, self.id)


@dataclass(frozen=True, slots=True)
class Contacts:
    """What the host has on file about a subject: a name to greet, an e-mail address, a phone number (any spelling)."""

    name: str = ""
    email: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticator:
    """One confirmed thing of a subject. ``revision`` rises with each change of ``data`` other than by a success."""

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
        """Tell whether it can still be answered: at exactly ``expires_at`` it is dead.

        ``now`` is the wall clock, ``seen_at`` the account's mark: what had ended by then stays dead when a clock steps
        back. What was issued while the mark was ahead of the clock (``mark``) lives by the clock.
        """
        if self.spent_at or now >= self.expires_at:
            return False
        return seen_at - max(self.issued_at, self.mark) < self.expires_at - self.issued_at

    @property
    def waits(self) -> bool:
        """Whether its answer comes another way than from the browser that asked, which then collects it."""
        return "elsewhere" in self.data


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrollment:
    """An authenticator that is being bound and does not count yet. ``browser`` is the handle's digest."""

    id: str
    factor: str
    label: str
    browser: str
    started_at: int
    expires_at: int
    data: Fields = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """One success: with which authenticator, where, when. ``session`` is set when it ends with the host's session."""

    factor: str
    authenticator: str
    at: int
    network: str
    epoch: int
    phishing_resistant: bool = False
    user_verified: bool = False
    session: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """What the last success of a browser answered to, so that a double submit finds its result and is not charged."""

    answer: str
    handle: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Browser:
    """A browser (or native client) that has proven something. ``handle`` is the digest of its current cookie value."""

    id: str
    handle: str
    label: str
    created_at: int
    proofs: tuple[Proof, ...] = ()
    last_used_at: int = 0
    twin: Twin | None = None
    last_factor: str = ""
    kind: str = "browser"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """The budget. ``used`` since the last success; ``series`` rises with each reset; ``days`` counts failures a UTC day."""

    used: int = 0
    series: int = 0
    charged_at: int = 0
    days: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """Why nobody is compared or sent anything: ``attempts``, ``rolling`` or ``administrator``. It has no end of its own."""

    at: int
    cause: str
    ref: str
    actor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One code sent, for the limits: the factor and when. ``free``: it cost nothing, and the day's count leaves it out.

    ``mark`` is the account's, where that was ahead of the clock.
    """

    factor: str
    at: int
    free: bool = False
    mark: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """An administrator's leave to enroll: one use, with an end."""

    digest: str
    expires_at: int
    actor: str
    ref: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """What a first enrollment needed besides the password and has: ``contact`` proven, or a ``ticket`` shown."""

    kind: str
    browser: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A break-glass grant: asked for by one administrator, in force once a second one has confirmed it, for ``life`` seconds.

    ``asked_in`` and ``confirmed_in`` are the tenants of the two ("" for the operator at the store). ``browsers`` are the
    marks of those that have used it, and since when. Another epoch than the one it was asked in ends it.
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
class Acceptance:
    """A text that was accepted: which, in which version (with its SHA-256), when, where."""

    agreement: str
    version: str
    digest: str
    at: int
    network: str
    session: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """A waiting request of somebody who lost access."""

    ref: str
    at: int
    about: str
    network: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks, from where: the subject, the digest of the browser's handle ("" where it has none), the network.

    ``label`` is a name for the browser that people recognize; ``kind`` is ``browser`` or ``client`` (no cookies). ``lang``
    is the language of the page, ``root`` the path that the app is mounted under. ``also`` are digests of other handles that
    this very browser has from workers with other keys: a code that was sent to them was sent to it.
    """

    subject: Subject
    handle: str
    network: str
    label: str = ""
    kind: str = "browser"
    lang: str = "en"
    root: str = ""
    also: tuple[str, ...] = ()

    def asked(self, challenge: Challenge) -> bool:
        """Whether this browser is the one that asked for ``challenge``."""
        return challenge.browser == self.handle or challenge.browser in self.also


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Everything about one subject in one value; an unknown subject is an empty account at version zero.

    ``version`` is the store's swap stamp. ``stamp`` tells this version from another one of the same number, which comes to
    be where a store has lost its latest changes; only the store reads it. ``epoch`` ends all proofs made under a smaller
    one. ``seen_at`` is the latest time at which this account was changed: a clock that steps back revives nothing.
    ``quiet_until`` is until when nobody's phone is asked, because a request was denied there. ``logins`` are the latest
    sign-ins at an identity provider that became proofs (when they were, and when they were first seen); none up to
    ``logins_from`` ever will. ``restored_at`` is when the store was last replaced by an older copy: what was used before
    is not known. ``replaced`` are drafts in whose place the same browser has begun another: their codes are told apart
    from wrong ones. ``uncounted`` are the refusals of the last hour that cost no attempt (in which browser that has proven
    something, "" for all others, and when), ``drifted`` the codes of a clock that is off that were recognized (which, and
    when). ``sign_outs`` are the latest sign-outs of the host (of which session or browser, and when): open connections of
    such a sign-in end, on every worker.
    """

    key: SubjectKey
    version: int = 0
    epoch: int = 0
    seen_at: int = 0
    attempts: Attempts = Attempts()
    lock: Lock | None = None
    authenticators: tuple[Authenticator, ...] = ()
    default: str = ""
    challenges: tuple[Challenge, ...] = ()
    enrollments: tuple[Enrollment, ...] = ()
    browsers: tuple[Browser, ...] = ()
    skips: tuple[tuple[str, int], ...] = ()
    skip_count: int = 0
    leave: Leave | None = None
    sent: tuple[Sent, ...] = ()
    ticket: Ticket | None = None
    acceptances: tuple[Acceptance, ...] = ()
    recovery: Recovery | None = None
    grant: Grant | None = None
    frozen_until: int = 0
    quiet_until: int = 0
    handle: str = ""
    name: str = ""
    logins: tuple[tuple[int, int], ...] = ()
    logins_from: int = 0
    restored_at: int = 0
    stamp: str = field(default="", compare=False, repr=False)
    replaced: tuple[Enrollment, ...] = ()
    uncounted: tuple[tuple[str, int], ...] = ()
    drifted: tuple[tuple[str, int], ...] = ()
    sign_outs: tuple[tuple[str, int], ...] = ()

    def authenticator(self, id: str) -> Authenticator | None:
        """The confirmed authenticator with this id, if it is this subject's."""
        return next((a for a in self.authenticators if a.id == id), None)

    def browser(self, handle: str) -> Browser | None:
        """The browser whose current handle has this digest."""
        return next((b for b in self.browsers if b.handle == handle), None) if handle else None
