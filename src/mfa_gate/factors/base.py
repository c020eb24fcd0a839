"""What a factor is to the rest: its traits, how it is enrolled, challenged and verified. Factors see no counter and no lock."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, Protocol, runtime_checkable

from ..core.assurance import Traits
from ..core.entropy import expand
from ..core.model import Authenticator, Challenge, Contacts, Fields, SubjectKey
from ..core.rules import CountRules, ResendRules, Rules
from ..keyring import Keyring

UserVerification = Literal["", "preferred", "required"]

COLLECT = "collect"
"""What ``read`` gives for a response that says no more than: look whether it was answered elsewhere."""


def _same(text: str) -> str:
    return text


def _english(lang: str) -> Callable[[str], str]:
    return _same


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a factor may know: whose it is, the time, fresh entropy, the keys, the rules, and words for messages.

    ``nonce`` is 32 fresh random bytes, read through ``draw``. ``service`` is the name people know, ``host`` the relying
    party's, ``origins`` its origins, ``public`` where our own pages are reached; none of them comes from a request.
    ``where``, ``agent`` (the browser) and ``person`` are for people. ``known`` are the subject's confirmed
    authenticators of every kind. ``lang`` is the language of whoever asked, ``words`` the translation into each. Codes of
    times up to ``used_until``, and those that were handed out by then, count as used. ``now`` is the wall clock,
    ``seen_at`` the account's mark: what had ended by then stays ended. ``recognized`` are codes (as ``Rejected.mark`` names
    them) that were told to be of a clock that is off; they are not accepted later. ``user_verification`` is what the
    request asks for beyond the policy's own setting of the factor: "" nothing.
    """

    key: SubjectKey
    now: int
    nonce: bytes
    keyring: Keyring
    rules: Rules
    contacts: Contacts = Contacts()
    browser: str = ""
    purpose: str = "sign-in"
    service: str = ""
    host: str = ""
    origins: tuple[str, ...] = ()
    where: str = ""
    user_handle: str = ""
    known: tuple[Authenticator, ...] = ()
    public: str = ""
    agent: str = ""
    person: str = ""
    used_until: int = 0
    seen_at: int = 0
    recognized: frozenset[str] = frozenset()
    user_verification: UserVerification = ""
    translate: Callable[[str], str] = _same
    lang: str = "en"
    words: Callable[[str], Callable[[str], str]] = _english

    @property
    def when(self) -> str:
        """The time in words that do not depend on where the reader is."""
        return datetime.fromtimestamp(self.now, UTC).strftime("%d %b %Y, %H:%M UTC")

    def draw(self, label: str, size: int) -> bytes:
        """``size`` random bytes of this context's entropy; the same label gives the same bytes."""
        return expand(self.nonce, label, size)

    def seal(self, purpose: str, plain: str) -> str:
        """``plain`` sealed for this subject."""
        row = (self.key.tenant, self.key.id)
        return self.keyring.seal(purpose, plain.encode(), row=row, nonce=self.draw("seal/" + purpose, 12))

    def open(self, purpose: str, sealed: object) -> str:
        """What was sealed for this subject. Raises ``keyring.Unopened``."""
        return self.keyring.open(purpose, str(sealed), row=(self.key.tenant, self.key.id)).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What is to be sent once the challenge is committed."""

    channel: str
    to: str
    text: str
    subject: str = ""
    html: str = ""
    code: str = field(default="", repr=False)
    callback: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """A challenge to be issued: its private data, its life in seconds, how many of its kind may be outstanding, what to
    send, what to show the browser. ``counts``: it is held to the limits although nothing is handed over."""

    data: Fields
    ttl: int
    live: int = 3
    counts: bool = False
    delivery: Delivery | None = None
    show: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An authenticator before its confirmation: private data (secrets sealed), a first label."""

    data: Fields
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The response is right. ``target`` names the authenticator that it was meant for, "" the one that was asked;
    ``data`` replaces that one's, and handed back as it was given it changes nothing.

    ``challenge`` is the id of the challenge that it answers, which must still be live when this is settled.
    ``claim`` is a name that must be unique over the whole store (a credential id).
    """

    data: Fields
    target: str = ""
    challenge: str = ""
    user_verified: bool = False
    claim: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """The response is not accepted. ``free``: it was no guess (expired, replayed), the attempt is given back.

    ``alarm`` names something that an administrator should hear of. ``challenge`` is one that dies with this answer.
    ``detail`` names what the text mentions (the accepted countries, the kind of number). ``drift`` is by how many seconds a
    person's clock is ahead (or behind, below zero), and ``mark`` the code that showed it.
    """

    reason: str
    free: bool = False
    alarm: str = ""
    challenge: str = ""
    detail: str = ""
    drift: int = 0
    mark: str = ""


class Factor(Protocol):
    """One file of ``factors/``. All methods are pure.

    ``verify`` answers every input with a value. What it raises is a fault of ours (a secret that cannot be opened, a digest
    under a key that is not listed, a library that does not work): it costs no attempt and is never a wrong code.
    """

    @property
    def traits(self) -> Traits:
        """What the rest may know."""

    @property
    def sealed(self) -> Mapping[str, str]:
        """Which members of an authenticator's or a draft's data are sealed, each with its purpose."""

    def draft(self, context: Context, /, *, phone: str = "", region: str = "") -> Draft | Rejected:
        """Begin an enrollment; ``phone`` as typed and the ``region`` it was chosen under, where the factor wants one."""

    def show(self, context: Context, data: Fields, /) -> Mapping[str, str]:
        """What the page of a pending enrollment shows (secret, uri, hint …); never for a confirmed authenticator."""

    def hint(self, context: Context, data: Fields, /) -> str:
        """Where a challenge goes, masked as the policy says; "" where nothing is sent."""

    def limits(self, rules: Rules, /) -> ResendRules | CountRules | None:
        """How often a challenge may be sent; None where none is."""

    def issue(self, context: Context, data: Fields, /) -> Issue | Rejected | None:
        """A challenge for the authenticator or draft with ``data``; None where the factor needs none."""

    def read(self, response: object, rules: Rules, /) -> object | None:
        """The response in its one canonical form, or None: malformed. No stored state is looked at."""

    def verify(
        self, context: Context, /, *, data: Fields, challenges: Sequence[Challenge], response: object
    ) -> Accepted | Rejected:
        """Whether ``response`` (from ``read``) is right for ``data``, or for one of ``challenges``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What a provider's or a device's answer leads to: the challenge's new status and data, and what to say in return."""

    status: Literal["pending", "approved", "denied"]
    data: Fields
    document: str = ""


@runtime_checkable
class Hears(Protocol):
    """A factor whose provider calls back. The caller has checked the provider's signature, and that it is not too late."""

    def hear(
        self, context: Context, /, *, challenge: Challenge, url: str, params: Mapping[str, str]
    ) -> Heard | Rejected:
        """What one callback to ``url`` with ``params`` means for ``challenge``. Pure and quick: it runs inside the swap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """A device gave its key to a draft: the draft's new data, and the token by which the device names itself."""

    data: Fields
    device: str = field(repr=False)


@runtime_checkable
class Approves(Protocol):
    """A factor whose own device answers, and signs what it answers."""

    @property
    def traits(self) -> Traits:
        """What the rest may know."""

    def join(
        self, context: Context, /, *, data: Fields, token: str, key: str, signature: str, label: str
    ) -> Joined | Rejected:
        """A device shows the token of a draft and a key that it can sign with. ``label`` names it for people."""

    def is_signed(self, context: Context, /, *, data: Fields, signature: str, words: Sequence[str]) -> bool:
        """Whether the device with ``data`` signed exactly ``words``."""

    def read_number(self, context: Context, /, *, challenge: Challenge, number: str) -> str | None:
        """The number that was typed in its canonical form, or None: it is none, and no guess."""

    def is_number(self, context: Context, /, *, challenge: Challenge, number: str) -> bool:
        """Whether the number that was typed is the one that the browser shows."""

    def waking(self, context: Context, /, *, data: Fields, subscription: str) -> Fields:
        """``data`` with where the device can be woken ("": nowhere)."""

    def naming(self, *, data: Fields, key_id: str) -> Fields:
        """``data`` with the id of the key that the device's token is sealed with: only so much of it is kept."""

    def key_id_of(self, data: Fields, /) -> str:
        """Read the id that ``naming`` kept; "" for a device not opened since an earlier release."""


@runtime_checkable
class Faces(Protocol):
    """A factor whose challenge shows something to the browser that asked, for as long as it waits."""

    def face(self, context: Context, challenge: Challenge, /) -> Mapping[str, str]:
        """What that browser shows (``number``); nothing of it goes anywhere else."""


def uncollected(challenges: Sequence[Challenge], now: int, seen_at: int = 0) -> str:
    """Why there is nothing to collect yet, as a reason; "" where the newest challenge was approved and still counts."""
    asked = [c for c in challenges if c.waits]
    if not asked:
        return "nothing_sent"
    newest = asked[-1]
    if newest.status == "denied":
        return "denied"
    if not newest.is_live(now, seen_at):
        return "code_already_used" if newest.spent_at else "code_expired"
    return "" if newest.status == "approved" else "pending"


def collect(context: Context, challenges: Sequence[Challenge], data: Fields, *, label: str = "") -> Accepted | Rejected:
    """Accepted where the newest of ``challenges`` was approved elsewhere; asking costs nothing (S-98)."""
    reason = uncollected(challenges, context.now, context.seen_at)
    if reason:
        return Rejected(reason=reason, free=True)
    return Accepted(data=data, challenge=[c for c in challenges if c.waits][-1].id, label=label)


def reseal(context: Context, factor: Factor, data: Fields) -> Fields:
    """``data`` with everything sealed in it under the newest key; the same object where it is so already.

    Raises ``keyring.Unopened`` for what no listed key opens.
    """
    keyring, row = context.keyring, (context.key.tenant, context.key.id)
    fresh: dict[str, object] = {}
    for name, purpose in factor.sealed.items():
        old = data.get(name)
        if not isinstance(old, str) or keyring.key_of(old) == keyring.newest:
            continue
        plain = keyring.open(purpose, old, row=row)
        # The nonce hangs on what was sealed: a swap that is repeated over other data never uses it twice.
        fresh[name] = keyring.seal(purpose, plain, row=row, nonce=context.draw(f"reseal/{purpose}/{old}", 12))
    return {**data, **fresh} if fresh else data


@runtime_checkable
class Signals(Protocol):
    """A factor whose credentials a browser keeps, and should be told of when one no longer counts."""

    def owner(self, data: Fields, /) -> str:
        """Whose credential it was, in the browser's own words."""

    def accepted(self, context: Context, owner: str, /) -> Mapping[str, object]:
        """What ``PublicKeyCredential.signalAllAcceptedCredentials`` takes: which of the owner's credentials still count."""
