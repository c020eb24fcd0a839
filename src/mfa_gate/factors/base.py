"""The contract of a factor: its traits, and how it is enrolled, challenged and verified.

Factors see no counter and no lock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources.abc import Traversable
from typing import Any, Literal, Protocol, TypeVar

from ..core.assurance import Traits
from ..core.entropy import expand
from ..core.messages.facts import local_time
from ..core.messages.letter import EmailText, Letter, LetterForm, plain_form
from ..core.messages.texts import Text
from ..core.model import NOTHING_ON_FILE, Authenticator, Challenge, Contacts, Fields, SubjectKey
from ..core.rules import CountRules, ResendRules, Rules
from ..keyring import Keyring
from ..time_zones import zone_of

Options = TypeVar("Options")
UserVerification = Literal["", "preferred", "required"]

COLLECT = "collect"
"""The value of ``read`` for a response that only asks if the challenge was answered elsewhere."""


def _same(text: str) -> str:
    return text


def _english(lang: str) -> Callable[[str], str]:
    return _same


def _own_words(text: Text, lang: str) -> str:
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Everything a factor may know: the subject, time, entropy, keys, rules, message words.

    ``nonce`` is 32 fresh random bytes, read through ``draw``. ``service`` is the name that people know. ``host`` is the
    relying party's, ``origins`` are its origins, ``public`` is the address of our own pages; none of them comes from a
    request. ``where``, ``agent`` (the browser) and ``person`` are for people to read. ``known`` are the subject's
    confirmed authenticators of every kind. ``lang`` is the language of the request, ``zone`` the name of its person's
    time zone. ``words`` gives the translation into each language, ``letter_form`` and ``text_form`` the form of
    messages. Codes of times up to ``used_until``, and those that were handed out by then, count as used. ``now`` is the
    wall clock, ``seen_at`` the account's mark: a challenge that had ended by then stays ended. ``recognized`` are codes
    (as ``Rejected.mark`` names them) that were told to be of a clock that is off; they are not accepted later.
    ``user_verification`` is asked by the request beyond the policy's own setting of the factor; "" asks nothing.
    ``clock_apart``: seconds by which the store's clock is ahead of ``now``, 0 for a few and where it tells no time (F-14).
    ``unasked``: the browser may make the new authenticator without a press of the person.
    """

    key: SubjectKey
    now: int
    nonce: bytes
    keyring: Keyring
    rules: Rules
    contacts: Contacts = NOTHING_ON_FILE
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
    clock_apart: int = 0
    recognized: frozenset[str] = frozenset()
    user_verification: UserVerification = ""
    unasked: bool = False
    lang: str = "en"
    zone: str = ""
    words: Callable[[str], Callable[[str], str]] = _english
    letter_form: LetterForm = plain_form
    text_form: Callable[[Text, str], str] = _own_words

    @property
    def translate(self) -> Callable[[str], str]:
        """Return the translation of a mail or a text message to the person of this request."""
        return self.words(self.lang)

    @property
    def when(self) -> str:
        """Write the time in the words and the time zone of the person."""
        return local_time(self.now, zone_of(self.zone), self.translate)

    def mail(self, letter: Letter) -> EmailText:
        """Give a mail to the person its form."""
        return self.letter_form(letter, self.lang, self.rules.brand)

    def own_text(self, text: Text) -> str:
        """Return the host's own words of a text message to the person, or ""."""
        return self.text_form(text, self.lang)

    def draw(self, label: str, size: int) -> bytes:
        """Derive ``size`` random bytes from this context's entropy; a label always gives the same."""
        return expand(self.nonce, label, size)

    def seal(self, purpose: str, plain: str) -> str:
        """Seal ``plain`` for this subject."""
        row = (self.key.tenant, self.key.id)
        return self.keyring.seal(purpose, plain.encode(), row=row, nonce=self.draw("seal/" + purpose, 12))

    def open(self, purpose: str, sealed: object) -> str:
        """Open a text that was sealed for this subject. Raises ``keyring.Unopened``."""
        return self.keyring.open(purpose, str(sealed), row=(self.key.tenant, self.key.id)).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A message that is sent once the challenge is committed.

    ``url`` is the page that a push opens.
    """

    channel: str
    to: str
    text: str
    subject: str = ""
    html: str = ""
    code: str = field(default="", repr=False)
    callback: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """A challenge to be issued.

    ``data`` is private, ``ttl`` its life in seconds, ``live`` how many of its kind may be outstanding, ``delivery`` the
    message, ``show`` is for the browser. ``counts``: the limits hold for it although nothing is sent.
    """

    data: Fields
    ttl: int
    live: int = 3
    counts: bool = False
    delivery: Delivery | None = None
    show: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An authenticator before its confirmation: private data (secrets sealed), a first label.

    ``user_handle`` is the name that authenticators know the person by. The account keeps the first one for all later drafts.
    """

    data: Fields
    label: str
    user_handle: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A right response.

    ``target`` names the authenticator that it was meant for, "" the one that was asked. ``data`` replaces that one's data;
    the same data changes nothing. ``challenge`` is the id of the challenge that it answers, which must still be live when
    this is settled. ``claim`` is a name that must be unique over the whole store (a credential id).
    """

    data: Fields
    target: str = ""
    challenge: str = ""
    user_verified: bool = False
    claim: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A response that is not accepted. ``free``: it was no guess, the attempt is given back.

    ``alarm`` is a sign that the administrators hear of: where the answer is charged, that the authenticator was copied.
    ``challenge`` is one that ends with this answer. ``detail`` names a
    thing that the text mentions (the accepted countries, the kind of number). ``drift`` is by how many seconds a person's
    clock is ahead (below zero: behind), and ``mark`` the code that showed it.
    """

    reason: str
    free: bool = False
    alarm: str = ""
    challenge: str = ""
    detail: str = ""
    drift: int = 0
    mark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeShape:
    """The shape of a code that a person types: its length, and if letters belong to it.

    ``valid`` is how many codes are right at once, ``ttl`` how many seconds a sent one lives (0: it is not sent).
    ``option`` is the place of its length in the factor's options, for messages about the policy.
    """

    length: int = 6
    letters: bool = False
    valid: int = 1
    ttl: int = 0
    option: tuple[str, ...] = ()


def options_in(rules: Rules, kind: str, of: type[Options]) -> Options:
    """Read the options ``[factors.<kind>]``; the defaults where ``rules`` have none."""
    found = rules.factors.options.get(kind)
    return found if isinstance(found, of) else of()


class Factor(Protocol):
    """One file of ``factors/`` with its template, or one of another package.

    All methods are pure.

    ``verify`` answers every input with a value. An exception of it is a fault of ours (a secret that cannot be opened, a
    digest under a key that is not listed, a library that does not work): it costs no attempt and is never a wrong code.
    """

    @property
    def traits(self) -> Traits:
        """Give the traits that the other rooms may know."""

    @property
    def sealed(self) -> Mapping[str, str]:
        """Name the sealed members of an authenticator's or a draft's data, each with its purpose."""

    @property
    def about(self) -> str:
        """Say in one sentence what the factor asks for; the reference of policy keys shows it."""

    @property
    def options(self) -> type[Any] | None:
        """Name the dataclass of the table ``[factors.<kind>]``; None: there is no such table.

        Its fields are made by ``core.options.option``.
        """

    @property
    def template(self) -> Traversable:
        """Name the Jinja file with the words and forms of this factor's pages."""

    def code(self, rules: Rules, data: Fields | None = None, /) -> CodeShape | None:
        """Tell the shape of the code that a person types; None where nothing is typed.

        ``data`` is that of an authenticator or a draft, which may be older than the policy.
        """

    def draft(self, context: Context, /, *, phone: str = "", region: str = "") -> Draft | Rejected:
        """Begin an enrollment.

        ``phone`` is as typed and ``region`` the one chosen for it, for a factor that wants a number.
        """

    def show(self, context: Context, data: Fields, /) -> Mapping[str, str]:
        """Give the texts of a pending enrollment's page; never for a confirmed authenticator."""

    def hint(self, context: Context, data: Fields, /) -> str:
        """Give the destination of a challenge, masked as the policy says; "" if nothing is sent."""

    def limits(self, rules: Rules, /) -> ResendRules | CountRules | None:
        """Give the limits of sending challenges; None for no limit."""

    def issue(self, context: Context, data: Fields, /) -> Issue | Rejected | None:
        """Make a challenge for the authenticator or draft with ``data``; None if none is needed."""

    def read(self, response: object, rules: Rules, /) -> object | None:
        """Read the response in its one canonical form; None: malformed. No stored state is read."""

    def verify(
        self, context: Context, /, *, data: Fields, challenges: Sequence[Challenge], response: object
    ) -> Accepted | Rejected:
        """Judge ``response`` (from ``read``) for ``data``, or for one of ``challenges``."""


def uncollected(challenges: Sequence[Challenge], now: int, seen_at: int = 0) -> str:
    """Give the reason why there is nothing to collect yet.

    "" where the newest challenge was approved and still counts.
    """
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
    """Accept where the newest of ``challenges`` was approved elsewhere.

    Asking costs nothing (S-98).
    """
    reason = uncollected(challenges, context.now, context.seen_at)
    if reason:
        return Rejected(reason=reason, free=True)
    return Accepted(data=data, challenge=[c for c in challenges if c.waits][-1].id, label=label)
