"""The parts that the host gives: clock, randomness, senders, identity, and hooks.

A part may have optional parts of its own. Each is a protocol here. The gate looks for them when it is made, and refuses
one of another shape (``optional_parts``). Stores are described in ``storage``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args, runtime_checkable

from .core.model import Contacts, Subject

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

__all__ = [
    "BeforeSend",
    "CallsBack",
    "ChecksItself",
    "Clock",
    "Closes",
    "ContactsOf",
    "DescribeNetwork",
    "DirectoryOf",
    "Entropy",
    "FreshSignIn",
    "HasPushKey",
    "Identify",
    "Message",
    "NamesSession",
    "NeedsAuthentication",
    "NeedsSession",
    "Pauses",
    "PhoneSend",
    "ReadsScope",
    "ReadsSessions",
    "SeesUsers",
    "Sender",
    "Senders",
    "SharedSignals",
    "SignInAgain",
    "TakesDestination",
]

Channel = Literal["email", "sms", "voice", "push"]
CHANNELS: tuple[Channel, ...] = get_args(Channel)
"""The channels that a message or a call can take."""


class Clock(Protocol):
    """The time: one source for all decisions of a process."""

    def now(self) -> float:
        """Return the UTC seconds since 1970."""


class Entropy(Protocol):
    """Randomness fit for keys (``secrets.token_bytes`` in production)."""

    def __call__(self, size: int, /) -> bytes:
        """Return ``size`` unpredictable bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message to one person.

    ``to`` is an e-mail address, a number in E.164 or a push subscription. ``key`` is the same for the same message, for
    providers that drop doubles. ``code`` is for development senders that show it beside the text; it is a part of ``text``
    already. ``url`` is the page of ours that a push opens. Senders never log ``code``, ``text`` or the whole of ``to``.
    """

    channel: Channel
    to: str = field(repr=False)
    tenant: str
    text: str = field(repr=False)
    key: str
    subject: str = field(default="", repr=False)
    html: str = field(default="", repr=False)
    code: str = field(default="", repr=False)
    callback: str = field(default="", repr=False)
    url: str = ""


class Sender(Protocol):
    """A sender of messages.

    A sender has a time-out of its own. It never repeats a message that may have been sent already.
    """

    async def send(self, message: Message, /) -> None:
        """Hand ``message`` to the provider. Raises ``SendFailed(reason, transient=...)``."""


@runtime_checkable
class Closes(Protocol):
    """A sender that holds connections."""

    async def aclose(self) -> None:
        """Close connections. May be called twice."""


@runtime_checkable
class CallsBack(Protocol):
    """A sender whose provider asks us for the next words of a call, and signs its requests."""

    def verify_callback(self, url: str, params: Mapping[str, str], headers: Mapping[str, str], /) -> bool:
        """Tell whether the provider itself asked for ``url`` (as we gave it) with ``params``.

        Header names are in lower case.
        """


@runtime_checkable
class TakesDestination(Protocol):
    """A sender that can tell beforehand whether it would talk to a destination at all."""

    def takes(self, to: str, /) -> bool:
        """Tell whether a message to ``to`` would be tried. Nothing is asked or looked up for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedSignals:
    """The transmitter of Shared Signals that is believed (CAEP, RISC).

    It pushes to ``/mfa/hooks/signals``.

    ``issuer`` and ``audience`` are the claims that its tokens have. ``keys`` is its JWK set (``{"keys": [...]}``), or a
    function that returns it, sync or async. ``subject_of`` gets the subject identifier of an event (RFC 9493) and returns the
    ``Subject``, or None for somebody who is not known. ``token`` is the bearer token that the transmitter shows; it must be given.
    It needs PyJWT: ``pip install mfa-gate[signals]``.
    """

    issuer: str
    audience: str
    keys: Mapping[str, Any] | Callable[[], Mapping[str, Any] | Awaitable[Mapping[str, Any]]]
    subject_of: Callable[[Mapping[str, Any]], Subject | Awaitable[Subject | None] | None]
    token: str = field(default="", repr=False)


@runtime_checkable
class Pauses(Protocol):
    """A sender that stops for a while after its provider failed several times."""

    @property
    def available(self) -> bool:
        """Tell whether a message would be tried now.

        While it would not, people are offered other factors.
        """


@runtime_checkable
class ChecksItself(Protocol):
    """A sender that can test its provider without sending anything: for ``doctor``."""

    async def check(self) -> str:
        """Return the fault in one sentence, or ""."""


@runtime_checkable
class HasPushKey(Protocol):
    """A push sender to which browsers subscribe by a key."""

    @property
    def application_server_key(self) -> str:
        """Return the public key (base64url) that a browser needs to subscribe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Senders:
    """The sender of each channel; None if the host has none."""

    email: Sender | None = None
    sms: Sender | None = None
    voice: Sender | None = None
    push: Sender | None = None

    def for_channel(self, channel: str) -> Sender | None:
        """Return the sender of ``channel``, or None."""
        match channel:
            case "email":
                return self.email
            case "sms":
                return self.sms
            case "voice":
                return self.voice
            case "push":
                return self.push
        return None


Identify = Callable[["HTTPConnection"], Awaitable[Subject | None]]
"""Find the person whom the host says is signed in on this connection; None: nobody.

Raising refuses the request: with 401 for ``identity.Unreadable``, a credential that cannot be read, else with 503.
"""


@runtime_checkable
class ReadsScope(Protocol):
    """The fast form of an ``Identify`` that waits for nothing."""

    def subject_of(self, scope: Mapping[str, Any], /) -> Subject | None:
        """Find the person by the connection's scope alone. Raises as the ``Identify`` does."""


@runtime_checkable
class SeesUsers(Protocol):
    """An ``Identify`` that notices a user of the app where it found nobody itself."""

    def sees_user(self, scope: Mapping[str, Any], /) -> bool:
        """Tell whether the app has found somebody on a connection whose answer begins."""


@runtime_checkable
class ReadsSessions(Protocol):
    """An ``Identify`` that reads the host's sessions."""

    @property
    def unnamed(self) -> tuple[str, ...]:
        """List the keys of sessions without a known person so far; none after one was found."""


@runtime_checkable
class LeavesMark(Protocol):
    """An ``Identify`` whose look at a session shows in the answer, as ``Vary: Cookie``.

    ``leaves_no_mark`` tells for whom it must not show: where the policy only reports, no answer changes. None: it may show for
    everybody.
    """

    leaves_no_mark: Callable[[Subject], bool] | None


@runtime_checkable
class NamesSession(Protocol):
    """An ``Identify`` that says whether its subjects name the host's sign-in session."""

    @property
    def names_session(self) -> bool:
        """Tell whether ``Subject.session`` is set."""


@runtime_checkable
class NeedsSession(Protocol):
    """An ``Identify`` that may need a session middleware around the gate."""

    @property
    def needs_session(self) -> bool:
        """Tell whether the middleware must run before the gate."""


@runtime_checkable
class NeedsAuthentication(Protocol):
    """An ``Identify`` that may need an authentication middleware around the gate."""

    @property
    def needs_authentication(self) -> bool:
        """Tell whether the middleware must run before the gate."""


ContactsOf = Callable[[Subject], Awaitable[Contacts]]
"""Return the contacts that the host has on file for a subject; asked only when a page needs them."""

DirectoryOf = Callable[[str], Awaitable[Iterable[tuple[Subject, Contacts]]] | AsyncIterator[tuple[Subject, Contacts]]]
"""List everybody whom the host knows in a tenant, with their contacts on file: an async function or generator.

Asked by the preparation checklist, by reminders and by alarms.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneSend:
    """A text message or call that is about to go out.

    ``factor`` is ``sms`` or ``voice``, ``number`` the whole number (E.164), ``purpose`` one of ``sign-in``, ``enroll``,
    ``contact``.
    """

    subject: Subject
    factor: str
    number: str = field(repr=False)
    purpose: str


BeforeSend = Callable[[PhoneSend], object]
"""Let the host allow or refuse a text or call, e.g. after asking for signs of a SIM swap.

Sync functions run in a thread. ``True`` lets it go out. A text refuses it, and stands in the trail as the reason. Everything
else refuses as well: another value, an exception, no answer within two seconds.
"""


DescribeNetwork = Callable[[str], object]
"""Describe a network for people, e.g. ``"203.0.113.7"`` as ``"Boston, MA"``; "" or None where nothing is known.

The network is an address, or as many leading bits of it as the policy compares (``"2001:db8:1:2::/64"``). Sync functions run
in a thread. Without an answer within a second, people read the address alone. It decides nothing.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class FreshSignIn:
    """A sign-in that is wanted from the host's identity provider.

    The parts are those of an authentication request (OpenID Connect Core 1.0, 3.1.2.1): ``max_age`` in seconds (0: sign
    in now, whatever the provider knows), and ``acr_values``, any of which will do; none: any class. ``return_to`` is the
    path of a page of the gate, which leads on to the page that was wanted.
    """

    max_age: int
    acr_values: tuple[str, ...]
    return_to: str


SignInAgain = Callable[["HTTPConnection", FreshSignIn], object]
"""Make the address at which the host asks its identity provider for a new sign-in: a path of the app, or a whole address.

Sync or async. The page "Sign in again" links to it. Any other value, an exception, or five seconds without an answer leaves
the link out.
"""


APP_ORIGIN = "android:"
"""The beginning of an Android app's origin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelyingParty:
    """The site that passkeys are bound to, and the name that people see.

    ``id`` is its host name; ``origins`` are exact. None of them is ever taken from a request. An origin may be an Android
    app: ``android:apk-key-hash:…``, with the SHA-256 of its signing certificate in base64url.

    ``related_origins`` lets passkeys of ``id`` work at listed origins of other domains: browsers read the list at
    ``/.well-known/webauthn``. ``passkey_endpoints`` serves ``/.well-known/passkey-endpoints``, by which password managers
    find the page for passkeys. Both are served by the app at the host ``id``.
    """

    id: str
    name: str
    origins: tuple[str, ...] | list[str] = ()
    related_origins: bool = False
    passkey_endpoints: bool = False

    @property
    def web_origins(self) -> tuple[str, ...]:
        """Return the origins that a browser opens; the others are apps."""
        return tuple(one for one in self.origins if isinstance(one, str) and not one.startswith(APP_ORIGIN))
