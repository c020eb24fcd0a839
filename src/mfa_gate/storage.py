"""A store as five small protocols, and ``Store`` as all of them in one object.

A use case asks for the smallest protocol that it needs. A tenant's settings and the claims belong to ``Accounts``.
Settings are swapped by version, and the same change notice tells of them. A claim gives one name to one account.
``Notes`` have neither version nor notice: if two workers write a value at once, the last one wins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

from .core.events import Event
from .core.model import Account, SubjectKey
from .core.rules import TenantSettings
from .core.summary import Summary
from .core.trail import LAST_SECOND

__all__ = [
    "END",
    "EVERYTHING",
    "Accounts",
    "Advises",
    "ChainPoint",
    "Changed",
    "ChecksColumns",
    "Compacts",
    "EventPage",
    "FindsLines",
    "InFile",
    "Limits",
    "Link",
    "Notes",
    "Page",
    "Reader",
    "RemembersGeneration",
    "ReportPart",
    "ReportParts",
    "Rewrite",
    "Roster",
    "Store",
    "Take",
    "Taken",
    "TellsTime",
    "Trail",
    "Upgrades",
    "take_one",
]


class _Everything:
    """The change notice that empties every cache."""

    def __repr__(self) -> str:
        return "EVERYTHING"


EVERYTHING = _Everything()
Changed = frozenset[SubjectKey] | _Everything
"""The changes since the last look: of these accounts, or of all accounts and all tenants' settings."""


class Reader:
    """One reader's place among the changes of a store. Only the store uses its contents."""

    __slots__ = ("log", "place")

    def __init__(self) -> None:
        self.log: object = None
        self.place = 0


class Accounts(Protocol):
    """Accounts, tenants' settings, and the names that belong to one account only."""

    def changed(self, reader: Reader, /) -> Changed:
        """Tell the changes since this reader's last look, by any process, its own included.

        A change that one reader was told of is still told to the others. A reader's first look answers ``EVERYTHING``.
        Called on the event loop for every guarded request: it takes microseconds and never waits. Raises
        ``StoreUnavailable`` if the store cannot tell.
        """

    async def load(self, key: SubjectKey, /) -> Account:
        """Return the account as last committed.

        An unknown key gives an empty account at version 0, and nothing is written.
        """

    async def swap(self, account: Account, events: Sequence[Event] = (), /) -> bool:
        """Store ``account`` if the stored version is still ``account.version``.

        It becomes version ``account.version + 1``. The summary, the events and the change notice commit with it. The summary of a
        forgotten person (``Account.is_forgotten``) is removed. Returns False if another writer was faster: nothing was written
        then.
        """

    async def settings(self, tenant: str, /) -> TenantSettings:
        """Return the tenant's settings; an unknown tenant has chosen nothing, at version 0."""

    async def swap_settings(self, settings: TenantSettings, events: Sequence[Event] = (), /) -> bool:
        """Store a tenant's settings as ``swap`` stores an account.

        The change notice is ``EVERYTHING``.
        """

    async def claim(self, name: str, key: SubjectKey, /) -> bool:
        """Reserve ``name`` (e.g. a credential id) for ``key`` in the whole store.

        Returns True also if ``key`` has the name already.
        """

    async def release(self, name: str, key: SubjectKey, /) -> None:
        """Give ``name`` back if it belongs to ``key``."""

    async def keys(self, /, *, after: SubjectKey | None = None, limit: int = 500) -> tuple[SubjectKey, ...]:
        """List the keys of all accounts in order, a page at a time.

        Forgotten people are left out. Rotation, export and counting use it.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPage:
    """Some events, in the order that the method says.

    ``next`` is the cursor to pass as ``after`` for more. An event of the kind ``UNREADABLE`` (core/events.py) stands in the
    place of a line that cannot be read.
    """

    items: tuple[Event, ...]
    next: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainPoint:
    """A point in a tenant's trail.

    ``lines`` is the number of lines before it, ``digest`` that of the last of them.
    """

    lines: int = 0
    digest: str = ""


class Link(NamedTuple):
    """One stored line of a trail.

    ``place`` is larger than that of the line before. ``digest`` is the one that was written with the line.
    """

    place: int
    line: str
    digest: str


class Rewrite(NamedTuple):
    """A stored line of a trail, and the text that takes its place."""

    place: int
    before: str
    line: str


END = "$"
"""The cursor behind the last line of a trail."""


class Trail(Protocol):
    """The audit trails: one for each tenant, each line chained to the one before it."""

    async def append(self, events: Sequence[Event], /) -> None:
        """Write events that belong to no change of an account."""

    async def events(
        self, tenant: str, /, *, account: str = "", kind: str = "", after: str = "", limit: int = 50
    ) -> EventPage:
        """Return the tenant's events, newest first; the tenant "" means all tenants.

        ``next`` is the cursor for older events, or "" at the end.
        """

    async def trail(self, tenant: str, /, *, after: str = "", limit: int = 500) -> EventPage:
        """Return the tenant's events behind the cursor ``after``, oldest first.

        ``after`` is "" for the beginning, ``END`` for the end. ``next`` is always the cursor behind the last line given. Later
        commits come behind it, never before it.
        """

    async def trails(self) -> tuple[str, ...]:
        """List the tenants that have a trail."""

    async def links(self, tenant: str, /, *, after: int = -1, limit: int = 1_000) -> Sequence[Link]:
        """Return the tenant's stored lines behind the place ``after``, oldest first.

        The chain is verified by them, so they are returned as they are.
        """

    async def anchor(self, tenant: str, /) -> ChainPoint:
        """Return the point where the kept part of the tenant's trail begins.

        All lines before it were pruned.
        """

    async def head(self, tenant: str, /) -> ChainPoint:
        """Return the point behind the tenant's last line.

        ``lines`` counts the pruned lines as well.
        """

    async def prune(self, tenant: str, /, *, before: int, limit: int = 1_000, now: int = LAST_SECOND) -> int:
        """Remove up to ``limit`` of the tenant's oldest lines, if older than ``before``.

        Times are UTC seconds. Returns how many were removed. The anchor moves in the same commit, so the lines that are left
        verify as before. A line whose time lies ahead of ``now`` is as old as the line behind it.
        """

    async def rewrite(self, tenant: str, lines: Sequence[Rewrite], /) -> None:
        """Replace the text of stored lines, where it still is ``before``.

        ``lines`` are in the order of their places. A store that does not write all at once begins with the newest. Place,
        kind and digest stay as they are. The account that a line names is read from its new text. A line that was
        pruned meanwhile is left out.
        """


@runtime_checkable
class FindsLines(Protocol):
    """The optional part of a store with indexes for the search in the trail.

    Without it a search looks at line after line.
    """

    async def lines_with(
        self, tenant: str, name: str, values: Sequence[str], /, *, after: str = "", limit: int = 50
    ) -> EventPage:
        """Return the tenant's events whose part ``name`` is one of ``values``, newest first.

        ``name`` is ``address`` (which also looks at the network), ``browser`` or ``id``. ``next`` is as that of ``events``.
        """


@runtime_checkable
class TellsTime(Protocol):
    """The optional part of a store on another machine, which has a clock of its own."""

    async def time(self) -> float:
        """Return the time of the store's clock in UTC seconds.

        The gate compares it with its own clock, and measures nothing by it (F-14).
        """


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
    """The result of several takes.

    ``totals`` are the sums of their windows afterwards. ``refused`` is the index of the take without room (-1: none), and
    ``wait`` the seconds until it has room (0: all were taken).
    """

    totals: tuple[int, ...] = ()
    refused: int = -1
    wait: int = 0


class Limits(Protocol):
    """Counters in sliding windows."""

    async def take_all(self, takes: Sequence[Take], /) -> Taken:
        """Take from all buckets, or from none if one of them has no room.

        A store on several servers may refuse one take too many, if takes come at the same moment and do not all fit. It never
        lets one pass that does not fit.
        """

    async def total(self, bucket: str, /, *, window: int, now: int) -> int:
        """Return the amount taken from ``bucket`` in the ``window`` seconds before ``now``.

        It writes nothing.
        """


async def take_one(limits: Limits, bucket: str, /, *, limit: int, window: int, now: int) -> int:
    """Take one of ``limit`` in the ``window`` seconds before ``now``.

    Returns 0 if it was taken, else the seconds until one is free.
    """
    return (await limits.take_all([Take(bucket=bucket, limit=limit, window=window, at=now)])).wait


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some summaries in the order of their ids.

    ``next`` is the cursor to pass as ``after`` for more, or "".
    """

    items: tuple[Summary, ...]
    next: str = ""


class Roster(Protocol):
    """The administrators' lists of the people of a tenant."""

    async def page(
        self, tenant: str, /, *, status: str = "", query: str = "", after: str = "", limit: int = 50
    ) -> Page:
        """Return summaries of a tenant, by id.

        ``query`` is a part of id or name in any case; ``status`` is one of ``STATUSES``.
        """

    async def counts(self, tenant: str, /) -> dict[str, int]:
        """Count the accounts of the tenant by status."""

    async def summaries(self, tenant: str, ids: Sequence[str], /) -> dict[str, Summary]:
        """Return the summaries of these people by id; people without an account are left out.

        A host's directory is compared with the roster by it, a few hundred people at a time.
        """


class Notes(Protocol):
    """The gate's own small values and marks.

    Examples are the canary, ratchets, places in a trail, and delivered events. A value that is needed for some time only
    is written with its end, so that it does not stay for good.
    """

    async def meta(self, name: str, /) -> bytes | None:
        """Return a small value, or None."""

    async def put_meta(self, name: str, value: bytes, /, *, until: int = 0) -> None:
        """Write a small value.

        ``until`` is the time (UTC seconds) from which nobody needs it, 0 for never: ``prune_meta`` removes it then. It takes
        the place of an earlier one.
        """

    async def drop_meta(self, name: str, /) -> None:
        """Remove a small value; nothing happens where there is none."""

    async def prune_meta(self, /, *, before: int, limit: int = 1_000) -> int:
        """Remove up to ``limit`` values that nobody needs any more. Returns how many.

        Their end lies at or before ``before`` (UTC seconds). The oldest ends come first. A value that is written at this
        very moment may go as well.
        """

    async def mark(self, name: str, ids: Sequence[str], /) -> None:
        """Remember ``ids`` under ``name`` until ``unmark``."""

    async def marked(self, name: str, ids: Sequence[str], /) -> frozenset[str]:
        """Return those of ``ids`` that are remembered under ``name``."""

    async def unmark(self, name: str, ids: Sequence[str], /) -> None:
        """Forget ``ids`` under ``name``."""


class Store(Accounts, Trail, Limits, Roster, Notes, Protocol):
    """A whole store. It loads and swaps, and decides nothing.

    Stores never read a clock. If the backend is gone, or the store is not open, every method raises ``StoreUnavailable``
    within a second, and nothing else. A swap writes the account, its summary and its events in one transaction, or
    nothing at all.
    """

    async def open(self, *, make: bool = True) -> None:
        """Connect and check. Make the store where there is none yet, unless ``make`` is False.

        Raises ``SettingsError`` if starting would be wrong. With ``make=False``, raises ``StoreMissing`` where there is no
        store yet, and writes nothing there.
        """

    async def aclose(self) -> None:
        """Close everything. May be called twice."""

    async def accept(self) -> None:
        """Accept the stored data as the store, on an operator's word (F-38).

        The data may be an older copy. From the next ``open`` on, every account is loaded as one that was restored
        (``core.changes.after_restore``). The same holds for processes that have the store open. Works on a store that is not
        open, and on one that refuses to open. Raises ``SettingsError`` if there is no store.
        """


@runtime_checkable
class InFile(Protocol):
    """A store in one file of this machine.

    ``doctor`` looks at the file before it opens the store.
    """

    @property
    def path(self) -> str:
        """Return the absolute path of the file."""


@runtime_checkable
class ChecksColumns(Protocol):
    """A store that keeps parts of a line beside its text, to find lines by them.

    The verification of trails asks it if they still say the same.
    """

    async def misfiled(self, tenant: str, /, *, after: int = -1, limit: int = 1_000) -> Sequence[int]:
        """Return the places of lines that would be found as something else than their text says.

        It looks at the ``limit`` lines behind the place ``after``. A line that cannot be read is passed over.
        """


class ReportPart(NamedTuple):
    """A part of a tenant's records of report-only.

    ``id`` tells it apart from the other parts of the tenant. ``hour`` is in UTC hours since 1970.
    """

    id: str
    hour: int
    body: bytes


@runtime_checkable
class ReportParts(Protocol):
    """A store that keeps the records of report-only, apart from the trail.

    They come in parts of some kilobytes, each of one tenant and one hour. A part is added whole, so workers never write over
    each other. Without this protocol the records live as long as the process.
    """

    async def add_report_part(self, tenant: str, hour: int, body: bytes, /) -> None:
        """Add a part."""

    async def report_parts(self, tenant: str, /, *, since: int, until: int) -> Sequence[ReportPart]:
        """List the parts from hour ``since`` up to ``until``, both included, by hour."""

    async def replace_report_part(self, tenant: str, part: ReportPart, body: bytes, /) -> None:
        """Put ``body`` in the place of a part that is still there; an empty one removes the part."""

    async def prune_report(self, tenant: str, /, *, before: int) -> int:
        """Remove the parts of the hours before ``before``. Returns their number."""

    async def reported_tenants(self) -> tuple[str, ...]:
        """List the tenants that have had a part, by name."""


@runtime_checkable
class RemembersGeneration(Protocol):
    """A remote store of which this machine can remember the newest change numbers (S-123).

    ``doctor`` asks whether it does.
    """

    @property
    def generation_file(self) -> str:
        """Return the path of the file that remembers them, or ""."""


@runtime_checkable
class Advises(Protocol):
    """A store that knows of faults which stop nothing. ``doctor`` shows them."""

    async def advice(self) -> Sequence[str]:
        """List the faults of an open store that stop nothing, each with its fix."""


@runtime_checkable
class Compacts(Protocol):
    """A store in a file, which may leave copies of removed pieces in unused room of it."""

    async def compact(self) -> int:
        """Write the file of an open store anew, so that nothing is left of what was removed.

        Others read meanwhile; their writes wait. Returns by how many bytes it is smaller. Raises ``StoreUnavailable``.
        """


@runtime_checkable
class Upgrades(Protocol):
    """A store whose tables somebody else may own than the role that the application uses."""

    async def upgrade(self, *, grant_to: str = "", insert_only: bool = False) -> str:
        """Make the tables or bring them up to this release; works on a store that is not open.

        ``grant_to`` is a role that gets what the application needs, and no more. ``insert_only``: it may add lines to the
        trail, and neither alter nor remove one. Returns what there is now, in words. Raises ``SettingsError``.
        """
