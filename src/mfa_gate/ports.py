"""What the service needs from the world: a store, senders, a clock, entropy, and who is signed in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from .core.events import Event
from .core.model import Account, Contacts, Subject, SubjectKey
from .core.rules import TenantSettings
from .core.summary import Summary
from .core.trail import LAST_SECOND

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

__all__ = [
    "END",
    "EVERYTHING",
    "Anchor",
    "BeforeSend",
    "CallsBack",
    "Changed",
    "Clock",
    "ContactsOf",
    "DirectoryOf",
    "Entropy",
    "EventPage",
    "Identify",
    "Message",
    "NamesSession",
    "Page",
    "PhoneSend",
    "Reader",
    "ReadsSessions",
    "SeesUsers",
    "Sender",
    "Senders",
    "Store",
    "Take",
    "Taken",
    "TakesDestination",
]

Channel = Literal["email", "sms", "voice", "push"]


class Clock(Protocol):
    """The time. One source for all decisions of a process."""

    def now(self) -> float:
        """UTC seconds since 1970."""


class Entropy(Protocol):
    """Randomness fit for keys (``secrets.token_bytes`` in production)."""

    def __call__(self, size: int, /) -> bytes:
        """``size`` unpredictable bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message to one person. ``to`` is an e-mail address or a number in E.164. ``key`` is the same for the same
    message (for providers that drop doubles). ``code`` is what a development sender may show beside the text, and is
    part of ``text`` already; senders never log ``code``, ``text`` or the whole of ``to``."""

    channel: Channel
    to: str = field(repr=False)
    tenant: str
    text: str = field(repr=False)
    key: str
    subject: str = field(default="", repr=False)
    html: str = field(default="", repr=False)
    code: str = field(default="", repr=False)
    callback: str = field(default="", repr=False)


class Sender(Protocol):
    """Delivers, or raises ``SendFailed``. It has a time-out of its own and never tries twice what may have been sent."""

    async def send(self, message: Message, /) -> None:
        """Hand ``message`` to the provider. Raises ``SendFailed(reason, transient=...)``."""

    async def aclose(self) -> None:
        """Let go of connections; may be called twice."""


@runtime_checkable
class CallsBack(Protocol):
    """A sender whose provider asks us what to say next, and signs what it asks."""

    def verify_callback(self, url: str, params: Mapping[str, str], headers: Mapping[str, str], /) -> bool:
        """Whether the provider itself asked for ``url`` (as we gave it) with ``params``. Header names are in lower case."""


@runtime_checkable
class TakesDestination(Protocol):
    """Mark a sender that can tell beforehand if it would talk to a destination at all."""

    def takes(self, to: str, /) -> bool:
        """Tell if a message to ``to`` would be tried. Nothing is asked or looked up for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Senders:
    """Which sender serves which channel; None where the host has none."""

    email: Sender | None = None
    sms: Sender | None = None
    voice: Sender | None = None
    push: Sender | None = None

    def for_channel(self, channel: str) -> Sender | None:
        """The sender of ``channel``, or None."""
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


class _Everything:
    """The change notice that says: forget all that is cached."""

    def __repr__(self) -> str:
        return "EVERYTHING"


EVERYTHING = _Everything()
Changed = frozenset[SubjectKey] | _Everything
"""What changed since the last look: these accounts, or all of them and the tenants' settings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some summaries in the order of their ids. ``next`` is what to pass as ``after`` for more, or ""."""

    items: tuple[Summary, ...]
    next: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPage:
    """Some events, newest first. ``next`` is what to pass as ``after`` for older ones, or "". In the place of a line that
    cannot be read stands an event of the kind ``UNREADABLE`` (core/events.py)."""

    items: tuple[Event, ...]
    next: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """``count`` of ``limit`` in the ``window`` seconds before ``at``, from ``bucket``."""

    bucket: str
    limit: int
    window: int
    at: int
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of several takes: ``totals`` of their windows afterwards, or which one was ``refused`` (-1: none), and
    for how many seconds it has no room."""

    totals: tuple[int, ...] = ()
    refused: int = -1
    wait: int = 0


END = "$"
"""The cursor behind the last line of a trail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """Where the kept part of a trail begins: how many lines were pruned before it, and the digest of the last of them."""

    lines: int = 0
    digest: str = ""


class Reader:
    """One reader's place among the changes of a store. Only the store looks into it."""

    __slots__ = ("log", "place")

    def __init__(self) -> None:
        self.log: object = None
        self.place = 0


class Store(Protocol):
    """Accounts, events, limits and tenants' settings. It loads and swaps, and is nothing clever.

    Stores never read a clock. When the backend is gone every method raises ``StoreUnavailable`` within a second, and
    nothing else. A swap writes the account, its summary and its events in one transaction, or nothing at all.
    """

    async def open(self) -> None:
        """Connect and check; make what is missing. Raises ``SettingsError`` where starting would be wrong."""

    async def aclose(self) -> None:
        """Let go of everything; may be called twice."""

    async def accept(self) -> None:
        """An operator says that what is stored now is the store, though it is an older copy (F-38): from the next ``open``
        on, and for who has it open, no account of it is taken as it stands (``core.changes.restored``).

        Works on a store that is not open, and on one that refuses to be. Raises ``SettingsError`` where there is none.
        """

    def changed(self, reader: Reader, /) -> Changed:
        """Tell the changes since this reader's last look, by any process, its own included.

        What one reader is told is not taken from another. A reader's first look answers ``EVERYTHING``. Called on the
        event loop for every guarded request: it costs microseconds and never waits. Raises ``StoreUnavailable`` where it
        cannot tell.
        """

    async def load(self, key: SubjectKey, /) -> Account:
        """The account as last committed; an unknown key is an empty account at version 0, and nothing is written."""

    async def swap(self, account: Account, events: Sequence[Event] = (), /) -> bool:
        """Store ``account`` as version ``account.version + 1`` if the stored version is still ``account.version``.

        Its summary, the events and the change notice commit with it. False: somebody was faster, nothing was written.
        """

    async def append(self, events: Sequence[Event], /) -> None:
        """Write events that belong to no change."""

    async def claim(self, name: str, key: SubjectKey, /) -> bool:
        """Reserve ``name`` (e.g. a credential id) for ``key`` over the whole store; True also where it is theirs already."""

    async def release(self, name: str, key: SubjectKey, /) -> None:
        """Give ``name`` back, if it is theirs."""

    async def take(self, bucket: str, /, *, limit: int, window: int, now: int) -> int:
        """Take one of ``limit`` in the ``window`` seconds before ``now``: 0 where taken, else seconds until one is free."""

    async def take_all(self, takes: Sequence[Take], /) -> Taken:
        """Take from several buckets, or from none where one has no room. Of takes at the same moment that do not all fit,
        a store on several servers may refuse one more than it had to; it never lets one pass that does not fit."""

    async def total(self, bucket: str, /, *, window: int, now: int) -> int:
        """How much was taken from ``bucket`` in the ``window`` seconds before ``now``. It writes nothing."""

    async def settings(self, tenant: str, /) -> TenantSettings:
        """The tenant's settings; unknown: nothing chosen, version 0."""

    async def swap_settings(self, settings: TenantSettings, events: Sequence[Event] = (), /) -> bool:
        """As ``swap``, for a tenant's settings. Its change notice is ``EVERYTHING``."""

    async def page(
        self, tenant: str, /, *, status: str = "", query: str = "", after: str = "", limit: int = 50
    ) -> Page:
        """Summaries of a tenant, by id; ``query`` is a part of id or name in any case; ``status`` one of ``STATUSES``."""

    async def counts(self, tenant: str, /) -> dict[str, int]:
        """How many accounts of the tenant have each status."""

    async def events(
        self, tenant: str, /, *, account: str = "", kind: str = "", after: str = "", limit: int = 50
    ) -> EventPage:
        """The tenant's trail, newest first; ``tenant`` "" is all tenants."""

    async def trail(self, tenant: str, /, *, after: str = "", limit: int = 500) -> EventPage:
        """The tenant's trail, oldest first, behind the cursor ``after`` ("" the beginning, ``END`` the end). ``next`` is
        always the cursor behind the last line given: what was committed since comes behind it, and nothing before it."""

    async def trails(self) -> tuple[str, ...]:
        """The tenants that have a trail."""

    async def prune(self, tenant: str, /, *, before: int, limit: int = 1_000, now: int = LAST_SECOND) -> int:
        """Remove up to ``limit`` of the tenant's oldest lines, as far as they are older than ``before`` (UTC seconds), and
        move the anchor with them, in one piece. How many. The lines that are left verify as before. A line whose time lies
        ahead of ``now`` is as old as the line behind it."""

    async def anchor(self, tenant: str, /) -> Anchor:
        """Where the kept part of the tenant's trail begins."""

    async def mark(self, name: str, ids: Sequence[str], /) -> None:
        """Remember ``ids`` under ``name`` until ``unmark``."""

    async def marked(self, name: str, ids: Sequence[str], /) -> frozenset[str]:
        """Which of ``ids`` are remembered under ``name``."""

    async def unmark(self, name: str, ids: Sequence[str], /) -> None:
        """Forget ``ids``."""

    async def verify_trail(self, tenant: str = "", /) -> dict[str, int]:
        """The tenants whose trail is not what was written ("" looks at all), with the place, counted from 0, of the first
        line that was removed, moved or altered; empty where every trail is whole. What was pruned counts, and is no fault:
        a trail is verified from its anchor on."""

    async def meta(self, name: str, /) -> bytes | None:
        """A small value of the store's own (canary, ratchets), or None."""

    async def put_meta(self, name: str, value: bytes, /) -> None:
        """Write such a value."""

    async def keys(self, /, *, after: SubjectKey | None = None, limit: int = 500) -> tuple[SubjectKey, ...]:
        """Every account's key in order, a page at a time: for rotation, export and counting."""


Identify = Callable[["HTTPConnection"], Awaitable[Subject | None]]
"""Who the host says is signed in on this connection; None: nobody. Raising refuses the request: with 401 for
``identity.Unreadable``, a credential that cannot be read, else with 503."""


@runtime_checkable
class SeesUsers(Protocol):
    """Tell, as an ``Identify``, whether the app has found somebody where it found nobody itself."""

    def sees_user(self, scope: Mapping[str, Any], /) -> bool:
        """Look at a connection whose answer begins."""


@runtime_checkable
class ReadsSessions(Protocol):
    """Tell, as an ``Identify``, the keys of sessions in which it has found nobody so far."""

    @property
    def unnamed(self) -> tuple[str, ...]:
        """The keys; none once somebody was found."""


@runtime_checkable
class NamesSession(Protocol):
    """Tell of an adapter whether its subjects name the host's sign-in session."""

    @property
    def names_session(self) -> bool:
        """Tell whether ``Subject.session`` is set."""


ContactsOf = Callable[[Subject], Awaitable[Contacts]]
"""What the host has on file about the subject; asked only when a page needs it."""

DirectoryOf = Callable[[str], Awaitable[Iterable[tuple[Subject, Contacts]]]]
"""Everybody whom the host knows in a tenant, with what it has on file; asked by the preparation checklist and reminders."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneSend:
    """A text message or call that is about to go out: to whom, as which factor (``sms``, ``voice``), to which number in full
    (E.164), and what for (``sign-in``, ``enroll``, ``contact``)."""

    subject: Subject
    factor: str
    number: str = field(repr=False)
    purpose: str


BeforeSend = Callable[[PhoneSend], object]
"""The host's word on a text or call, e.g. after asking for signs of a SIM swap; sync (then it runs in a thread) or async.
``True`` lets it go out. A text refuses it, and is the word that the trail keeps; so does everything else, an exception, and
no answer within two seconds."""
