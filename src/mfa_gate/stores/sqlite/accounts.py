"""Keep accounts and claims in the SQLite store."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...core.changes.after_restore import after_restore
from ...core.codec import encode
from ...core.events import GRAVE, Event
from ...core.model import Account, SubjectKey
from ...core.summary import Summary, summary_of
from ...errors import StoreUnavailable
from ..common.buried_rows import buried_id, may_be_buried
from ..common.documents import account_from, checksum
from .file import RESTORED
from .invalidation import note_change, scrub_changes
from .roster import remove_summary, write_summary
from .trail import Lines, to_lines, write_lines
from .worker_thread import WorkerThread

_SELECT = "SELECT version, body, checksum FROM account WHERE tenant = ? AND id = ?"
_MOVE = "UPDATE OR REPLACE account SET id = ? WHERE tenant = ? AND id = ? AND version = ?"


def _is_grave(lines: Lines) -> bool:
    return any(event.kind in GRAVE for event, _ in lines)


@dataclass(frozen=True, slots=True)
class Swap:
    """One conditional write of an account, with all that commits with it."""

    account: Account
    body: bytes
    checksum: int
    summary: Summary
    lines: Lines
    op: int

    @property
    def is_grave(self) -> bool:
        """Tell whether its loss would let somebody in."""
        return self.account.lock is not None or _is_grave(self.lines)

    @classmethod
    def of(cls, account: Account, events: Sequence[Event]) -> Swap:
        """Prepare the swap. Everything is encoded before the transaction begins."""
        body = encode(account)
        check = checksum(account.key, account.version + 1, body)
        return cls(account, body, check, summary_of(account), to_lines(events), secrets.randbits(63))

    def write(self, connection: sqlite3.Connection) -> bool:
        """Write it. Returns False if the stored version is another one: nothing was written then."""
        key, version = self.account.key, self.account.version
        values = (version + 1, self.op, self.checksum, self.body, key.tenant, key.id)
        if may_be_buried(self.account):
            connection.execute(_MOVE, (key.id, key.tenant, buried_id(key), version))
        if version == 0:
            done = connection.execute(
                "INSERT INTO account (version, op, checksum, body, tenant, id) VALUES (?, ?, ?, ?, ?, ?)"
                " ON CONFLICT DO NOTHING",
                values,
            )
        else:
            done = connection.execute(
                "UPDATE account SET version = ?, op = ?, checksum = ?, body = ?"
                " WHERE tenant = ? AND id = ? AND version = ?",
                (*values, version),
            )
        if done.rowcount != 1:
            return False
        write_lines(connection, self.lines)
        if self.account.is_forgotten:
            remove_summary(connection, key)
            connection.execute(_MOVE, (buried_id(key), key.tenant, key.id, version + 1))
            scrub_changes(connection, key)
        else:
            write_summary(connection, self.summary)
            note_change(connection, key)
        return True

    def landed(self, connection: sqlite3.Connection) -> bool:
        """Tell whether this very swap wrote the stored version."""
        key = self.account.key
        row = connection.execute(
            "SELECT version, op FROM account WHERE tenant = ? AND id IN (?, ?)", (key.tenant, key.id, buried_id(key))
        ).fetchone()
        return bool(row == (self.account.version + 1, self.op))


async def load(thread: WorkerThread, key: SubjectKey) -> Account:
    """Return the account as last committed."""
    row, restored_at = await thread.run(_find(key))
    account = Account(key=key) if row is None else account_from(key, *row)
    return after_restore(account, restored_at) if restored_at else account


def _find(key: SubjectKey) -> Callable[[sqlite3.Connection], tuple[tuple[int, bytes, int] | None, int]]:
    """Find version, body and checksum of an account.

    The fourth value is the time when an older copy was accepted as the store (UTC seconds, 0: never).
    """

    def work(connection: sqlite3.Connection) -> tuple[tuple[int, bytes, int] | None, int]:
        row = (
            connection.execute(_SELECT, (key.tenant, key.id)).fetchone()
            or connection.execute(_SELECT, (key.tenant, buried_id(key))).fetchone()
        )
        restored = connection.execute("SELECT value FROM meta WHERE name = ?", (RESTORED,)).fetchone()
        try:
            return row, int(restored[0]) if restored else 0
        except ValueError as error:
            raise StoreUnavailable(
                "the time of an accepted copy cannot be read: restore the store from a copy"
            ) from error

    return work


async def swap(thread: WorkerThread, account: Account, events: Sequence[Event]) -> bool:
    """Store the account with all that commits with it, if its version is still the stored one."""
    change = Swap.of(account, events)
    return await thread.run(change.write, landed=change.landed, is_grave=change.is_grave)


async def claim(thread: WorkerThread, name: str, key: SubjectKey) -> bool:
    """Reserve a name. Returns True also if ``key`` has it already."""

    def work(connection: sqlite3.Connection) -> bool:
        connection.execute("INSERT INTO claim VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (name, key.tenant, key.id))
        row = connection.execute("SELECT tenant, id FROM claim WHERE name = ?", (name,)).fetchone()
        return bool(row == (key.tenant, key.id))

    return await thread.run(work)


async def release(thread: WorkerThread, name: str, key: SubjectKey) -> None:
    """Give a name back if it belongs to ``key``."""
    statement = "DELETE FROM claim WHERE name = ? AND tenant = ? AND id = ?"
    await thread.run(lambda connection: connection.execute(statement, (name, key.tenant, key.id)).close())


async def keys(thread: WorkerThread, after: SubjectKey | None, limit: int) -> tuple[SubjectKey, ...]:
    """List the keys of all accounts in order, without those of forgotten people."""
    statement = "SELECT tenant, id FROM roster WHERE (tenant, id) > (?, ?) ORDER BY tenant, id LIMIT ?"
    values = ("", "", limit) if after is None else (after.tenant, after.id, limit)
    rows = await thread.run(lambda connection: connection.execute(statement, values).fetchall())
    return tuple(SubjectKey(tenant, id) for tenant, id in rows)
