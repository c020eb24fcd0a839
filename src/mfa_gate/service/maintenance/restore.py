"""Add each line of an export to a store that lacks it; never weaken the store's own data."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from ...core import codec
from ...core.changes.after_failover import regained_settings
from ...core.changes.removal import without_authenticator
from ...core.events import Event, KeyedEvent, moved, unmoved
from ...core.model import Account, Lock, SubjectKey
from ...core.rules import TenantSettings
from ...core.settings_codec import settings_from
from ...core.trail import UnreadableEvent, event_from_json, event_to_json
from ...errors import StoreContention, StoreUnavailable
from .. import Service
from ..admin.chart import chart_of
from ..arriving import begin_arrival, end_arrival
from ..own_address import keep_roots
from ..undelivered import owe
from .export_file import ExportReader, Record

IMPORTED = "store.imported"
PAGE = 500
MAX_TURNS = 50


@dataclass(slots=True)
class Tally:
    """The counts of an import.

    ``differ`` lists accounts, and settings (the tenant's name and a slash), that are not as the file has them.
    ``claimed`` lists accounts that were imported without a passkey, because it belongs to another account here. ``changed``
    lists tenants that changed while the export was made.
    """

    imported: int = 0
    kept: int = 0
    lines: int = 0
    settings: int = 0
    differ: list[str] = field(default_factory=list)
    claimed: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    is_whole: bool = False


class Restore:
    """An import that takes the lines of an export in their order.

    Lines that an earlier run has imported are skipped.
    """

    def __init__(self, service: Service, *, actor: str, reason: str, name: str = "", merge: bool = False) -> None:
        """Set ``name``, the export's own (``name_of``).

        ``merge``: import also into a store with other people.
        """
        self.engine = service.engine
        self.store = service.engine.store
        self.tally = Tally()
        self._moment = service.engine.moment(actor=actor)
        self._reason = reason
        self._events = 0
        self._tenant: str | None = None
        self._here: Counter[bytes] = Counter()
        self._waiting: list[Event] = []
        self._fresh = 0
        self._has_begun = False
        self._name = name
        self._merge = merge

    async def take(self, record: Record, lines: ExportReader) -> None:
        """Import one line. Raises ``SettingsError`` if this release cannot read it."""
        if self.tally.is_whole:
            raise lines.fault("stands behind the closing line: take the file as the export wrote it")
        if not self._has_begun:
            await begin_arrival(self.store, self._name, merge=self._merge)
            self._has_begun = True
        try:
            match record:
                case {"k": "trail"}:
                    await self._trail(record)
                case {"k": "tenant"}:
                    await self._end_of_tenant(record)
                case {"k": "owed"}:
                    for name, owed in record["hooks"].items():
                        await owe(self.store, name, owed, now=self.engine.now())
                    await keep_roots(self.store, record.get("roots", {}))
                case {"k": "end"}:
                    self.tally.is_whole, self.tally.changed = True, record["changed"]
                case {"t": tenant, "i": id, "b": body}:
                    key = SubjectKey(tenant, id)
                    await self._account(codec.decode(key, 0, body.encode("utf-8", "surrogatepass")))
                case _:
                    raise lines.fault(
                        "of a kind that this release does not know: import it with the release that wrote it"
                    )
        except (codec.UnreadableAccount, UnreadableEvent) as error:
            raise lines.fault(str(error)) from error

    async def finish(self, lines: ExportReader) -> None:
        """Write the lines that still wait for the line after them, and end the import.

        Services may start on this store if all lines have come, or if the file is of a release without a closing
        line.
        """
        await self._write(())
        if self.tally.is_whole or not (lines.header or lines.torn):
            await end_arrival(self.store, self._name)

    def _event(self, key: SubjectKey, **detail: str | int) -> Event:
        self._events += 1
        event = self._moment.event(IMPORTED, key, reason=self._reason, **detail)
        return replace(event, id=f"{event.id}-{self._events}")

    def _chained(self, *events: Event) -> tuple[KeyedEvent, ...]:
        return self.engine.chained(events)

    # -- the trail -------------------------------------------------------------------------------------------------

    async def _trail(self, record: Record) -> None:
        """Add the lines that the tenant's trail does not have.

        The last ones wait for the line at its end, so that both are written in one piece.
        """
        await self._write(())
        if record["t"] != self._tenant:
            self._tenant, self._fresh = record["t"], 0
            self._here = await self._lines_here(record["t"])
        events = map(event_from_json, record["lines"])
        self._waiting = [moved(event, at=self._moment.now) for event in events if self._is_new(event)]
        self._fresh += len(self._waiting)

    async def _write(self, more: tuple[Event, ...]) -> None:
        events, self._waiting = (*self._waiting, *more), []
        if events:
            await self.store.append(self._chained(*events))
            self.tally.lines += len(events) - len(more)

    async def _lines_here(self, tenant: str) -> Counter[bytes]:
        """Count the lines that the store already has, from an earlier run or its own history."""
        found, after = Counter[bytes](), ""
        while (page := await self.store.trail(tenant, after=after, limit=PAGE)).items:
            after = page.next
            found.update(map(_mark_of, page.items))
        return found

    def _is_new(self, event: Event) -> bool:
        mark = _mark_of(event)
        if self._here[mark] <= 0:
            return True
        self._here[mark] -= 1
        return False

    # -- the tenant ------------------------------------------------------------------------------------------------

    async def _end_of_tenant(self, record: Record) -> None:
        tenant = record["t"]
        if self._tenant == tenant and self._fresh:
            told = {name: record[name] for name in ("lines", "pruned", "broken")}
            await self._write((self._event(SubjectKey(tenant, ""), **told),))
        self._tenant = None
        if record["settings"]:
            await self._settings(settings_from(tenant, 0, record["settings"]))
        if record["chart"] and await self.store.meta(chart_of(tenant)) is None:
            await self.store.put_meta(chart_of(tenant), record["chart"].encode())

    async def _settings(self, theirs: TenantSettings) -> None:
        for _ in range(MAX_TURNS):
            mine = await self.store.settings(theirs.tenant)
            new = joined(mine, theirs)
            if new == mine:
                break
            event = self._event(SubjectKey(theirs.tenant, ""), factors=" ".join(new.factors), enabled=new.enabled_at)
            if await self.store.swap_settings(new, self._chained(event)):
                self.tally.settings += 1
                break
        else:
            raise StoreContention(f"the settings of {theirs.tenant!r} changed {MAX_TURNS} times meanwhile")
        if replace(new, version=0) != theirs:
            self.tally.differ.append(f"{theirs.tenant}/")

    # -- the people ------------------------------------------------------------------------------------------------

    async def _account(self, account: Account) -> None:
        key = account.key
        present = await self.store.load(key)
        if not present.version:
            account, event = await self._with_claims(account)
            if await self.store.swap(account, self._chained(event)):
                self.tally.imported += 1
                return
            present = await self.store.load(key)
        self.tally.kept += 1
        if codec.encode(present) != codec.encode(account):
            self.tally.differ.append(str(key))

    async def _with_claims(self, account: Account) -> tuple[Account, Event]:
        """Claim the account's passkeys.

        Returns the account without those that are somebody else's here, and the event of its import. A credential proves one
        account (WebAuthn Level 3, 7.1 step 26). With nothing left the account would be open to a first enrollment, so it is
        locked until an administrator has looked.
        """
        event = self._event(account.key)
        taken = [
            a
            for a in account.authenticators
            if isinstance(claim := a.data.get("claim"), str) and not await self.store.claim(claim, account.key)
        ]
        if not taken:
            return account, event
        self.tally.claimed.append(str(account.key))
        for mine in taken:
            account = without_authenticator(account, mine, traits=self.engine.factors.traits)
        if not account.authenticators and account.lock is None:
            lock = Lock(at=self._moment.now, cause="administrator", ref=event.id, actor=self._moment.actor)
            account = replace(account, lock=lock)
        return account, replace(event, detail={**event.detail, "left_out": len(taken)})


async def restore_export(
    service: Service,
    file: BinaryIO,
    *,
    name: str,
    actor: str,
    reason: str,
    merge: bool,
    read: Callable[[int], None] = lambda count: None,
) -> tuple[Tally, ExportReader]:
    """Add an export to the store, after the whole file was read and checked.

    ``name`` is the file's name in messages. ``merge``: import also into a store with other people. Calls ``read``
    with the number of lines that were read so far. Returns the counts, and the reader at its end.

    Run it again after an interruption. An account that the store already has is kept. Raises ``SettingsError`` and
    ``StoreUnavailable``.
    """
    export = name_of(ExportReader(name, file, service.engine.keyring))
    file.seek(0)
    restore = Restore(service, actor=actor, reason=reason, name=export, merge=merge)
    lines = ExportReader(name, file, service.engine.keyring)
    for record in lines:
        await restore.take(record, lines)
        read(lines.count)
    await restore.finish(lines)
    return restore.tally, lines


def name_of(lines: ExportReader) -> str:
    """Read the whole file, check every line of it, and return the name of the export.

    Nothing is written. The name is the same for the same export. Raises ``SettingsError`` with the number of a line that
    cannot be read, or that this release does not know.
    """
    first, is_whole = "", False
    for record in lines:
        if is_whole:
            raise lines.fault("stands behind the closing line: take the file as the export wrote it")
        first = first or hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()
        try:
            is_whole = _check(record, lines)
        except (codec.UnreadableAccount, UnreadableEvent, StoreUnavailable) as error:
            raise lines.fault(str(error)) from error
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise lines.fault(f"a part is missing or has the wrong form ({type(error).__name__})") from error
    return str(lines.header.get("id", "")) or first


def _check(record: Record, lines: ExportReader) -> bool:
    """Check one line, and tell if it is the closing one.

    Raises ``SettingsError`` for one that cannot be imported.
    """
    names = {part: value for part, value in record.items() if part not in ("b", "lines")}
    json.dumps(names, ensure_ascii=False).encode()  # a ValueError for half a character, which no store can hold
    match record:
        case {"k": "trail", "lines": list(), "t": str()}:
            for line in record["lines"]:
                event_from_json(line)
        case {"k": "tenant", "t": str(tenant), "settings": settings, "chart": str()}:
            if settings:
                settings_from(tenant, 0, settings)
        case {"k": "owed", "hooks": dict()} if isinstance(record.get("roots", {}), dict):
            pass
        case {"k": "end", "changed": list()}:
            return True
        case {"t": str(tenant), "i": str(id), "b": str(body)}:
            codec.decode(SubjectKey(tenant, id), 0, body.encode("utf-8", "surrogatepass"))
        case _:
            raise lines.fault("of a kind that this release does not know: import it with the release that wrote it")
    return False


def joined(mine: TenantSettings, theirs: TenantSettings) -> TenantSettings:
    """Join the settings of a tenant: a choice that was made here stands, and is never widened.

    If nothing was chosen here, the choice of the file is taken.
    """
    return regained_settings(mine, theirs, untouched=False)


def _mark_of(event: Event) -> bytes:
    """Return a digest that is the same for a line in any trail, and different for other lines."""
    return hashlib.sha256(event_to_json(unmoved(event)).encode()).digest()[:16]
