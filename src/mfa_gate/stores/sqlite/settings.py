"""Keep tenants' settings in the SQLite store."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from ...core.events import Event
from ...core.rules import TenantSettings
from ...core.settings_codec import settings_from, settings_to
from .invalidation import note_change
from .trail import Lines, to_lines, write_lines
from .worker_thread import WorkerThread


@dataclass(frozen=True, slots=True)
class SettingsSwap:
    """One conditional write of a tenant's settings."""

    settings: TenantSettings
    body: str
    lines: Lines
    op: int
    is_grave: bool = True
    """If it were lost, the tenant would be without the second factor again."""

    def write(self, connection: sqlite3.Connection) -> bool:
        """Write it. Returns False if the stored version is another one: nothing was written then."""
        version = self.settings.version
        values = (version + 1, self.op, self.body, self.settings.tenant)
        if version == 0:
            done = connection.execute(
                "INSERT INTO tenant (version, op, body, tenant) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", values
            )
        else:
            done = connection.execute(
                "UPDATE tenant SET version = ?, op = ?, body = ? WHERE tenant = ? AND version = ?", (*values, version)
            )
        if done.rowcount != 1:
            return False
        write_lines(connection, self.lines)
        note_change(connection, None)
        return True

    def landed(self, connection: sqlite3.Connection) -> bool:
        """Tell whether this very swap wrote the stored version."""
        row = connection.execute("SELECT version, op FROM tenant WHERE tenant = ?", (self.settings.tenant,)).fetchone()
        return bool(row == (self.settings.version + 1, self.op))


async def load(thread: WorkerThread, tenant: str) -> TenantSettings:
    """Return the tenant's settings."""
    statement = "SELECT version, body FROM tenant WHERE tenant = ?"
    row = await thread.run(lambda connection: connection.execute(statement, (tenant,)).fetchone())
    return TenantSettings(tenant=tenant) if row is None else settings_from(tenant, *row)


async def swap(thread: WorkerThread, settings: TenantSettings, events: Sequence[Event]) -> bool:
    """Store the settings as ``accounts.swap`` stores an account."""
    change = SettingsSwap(settings, settings_to(settings), to_lines(events), secrets.randbits(63))
    return await thread.run(change.write, landed=change.landed, is_grave=change.is_grave)
