"""What the SQLite store asks of its tables: each function is one piece of work on a connection."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...core.codec import encode
from ...core.events import GRAVE, Event
from ...core.model import Account, SubjectKey
from ...core.rules import TenantSettings
from ...core.summary import Summary, summary_of
from ...core.trail import START, chain_line, event_to_json
from ...errors import StoreUnavailable
from ...ports import Take, Taken
from ..common.documents import SWEPT_AFTER, checksum, search_text, wait_for_room
from .file import RESTORED

CHANGES_KEPT = 10_000
_TRIMMED_EVERY = 500
_SWEPT_AT_ONCE = 8

Lines = Sequence[tuple[Event, str]]


def _is_grave(lines: Lines) -> bool:
    return any(event.kind in GRAVE for event, _ in lines)


def lines_of(events: Sequence[Event]) -> Lines:
    """The events with their canonical lines, made before the transaction begins."""
    return [(event, event_to_json(event)) for event in events]


def write_lines(connection: sqlite3.Connection, lines: Lines) -> None:
    """Append to the trails, each line chained to the one before it in its tenant."""
    heads: dict[str, tuple[str, int]] = {}
    for event, line in lines:
        if event.tenant not in heads:
            row = connection.execute("SELECT digest, length FROM trail WHERE tenant = ?", (event.tenant,)).fetchone()
            heads[event.tenant] = row or (START, 0)
        before, length = heads[event.tenant]
        digest = chain_line(before, line)
        heads[event.tenant] = (digest, length + 1)
        connection.execute(
            "INSERT INTO event (id, tenant, account, kind, at, body, digest) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (event.id, event.tenant, event.account, event.kind, event.at, line, digest),
        )
    for tenant, head in heads.items():
        connection.execute(
            "INSERT INTO trail VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET digest = excluded.digest, length = excluded.length",
            (tenant, *head),
        )


def note_change(connection: sqlite3.Connection, key: SubjectKey | None) -> None:
    """Tell the other processes that ``key`` changed; None: forget everything."""
    tenant, id = (None, None) if key is None else (key.tenant, key.id)
    seq = connection.execute("INSERT INTO change (tenant, id) VALUES (?, ?)", (tenant, id)).lastrowid or 0
    if seq % _TRIMMED_EVERY == 0:
        connection.execute("DELETE FROM change WHERE seq <= ?", (seq - CHANGES_KEPT,))


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
        """Whether its loss would let somebody in."""
        return self.account.lock is not None or _is_grave(self.lines)

    @classmethod
    def of(cls, account: Account, events: Sequence[Event]) -> Swap:
        """Everything is written down before the transaction begins."""
        body = encode(account)
        check = checksum(account.key, account.version + 1, body)
        return cls(account, body, check, summary_of(account), lines_of(events), secrets.randbits(63))

    def write(self, connection: sqlite3.Connection) -> bool:
        """False: the stored version is another one, and nothing was written."""
        key, version = self.account.key, self.account.version
        values = (version + 1, self.op, self.checksum, self.body, key.tenant, key.id)
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
        self._write_summary(connection)
        write_lines(connection, self.lines)
        note_change(connection, key)
        return True

    def _write_summary(self, connection: sqlite3.Connection) -> None:
        line = self.summary
        connection.execute(
            "INSERT INTO roster VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET name = excluded.name,"
            " status = excluded.status, factors = excluded.factors, locked_at = excluded.locked_at,"
            " last_proof_at = excluded.last_proof_at, search = excluded.search"
            " WHERE (name, status, factors, locked_at, last_proof_at) IS NOT"
            " (excluded.name, excluded.status, excluded.factors, excluded.locked_at, excluded.last_proof_at)",
            (
                line.key.tenant,
                line.key.id,
                line.name,
                line.status,
                " ".join(line.factors),
                line.locked_at,
                line.last_proof_at,
                search_text(line),
            ),
        )

    def landed(self, connection: sqlite3.Connection) -> bool:
        """Whether it was this very swap that wrote the stored version."""
        key = self.account.key
        row = connection.execute(
            "SELECT version, op FROM account WHERE tenant = ? AND id = ?", (key.tenant, key.id)
        ).fetchone()
        return bool(row == (self.account.version + 1, self.op))


@dataclass(frozen=True, slots=True)
class SettingsSwap:
    """One conditional write of a tenant's settings."""

    settings: TenantSettings
    body: str
    lines: Lines
    op: int
    is_grave: bool = True
    """Lost, a tenant would be without the second factor again."""

    def write(self, connection: sqlite3.Connection) -> bool:
        """False: the stored version is another one, and nothing was written."""
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
        """Whether it was this very swap that wrote the stored version."""
        row = connection.execute("SELECT version, op FROM tenant WHERE tenant = ?", (self.settings.tenant,)).fetchone()
        return bool(row == (self.settings.version + 1, self.op))


def find_account(key: SubjectKey) -> Callable[[sqlite3.Connection], tuple[tuple[int, bytes, int] | None, int]]:
    """Version, body and checksum, if there is such an account; and when an older copy was accepted as the store, 0 for never."""

    def work(connection: sqlite3.Connection) -> tuple[tuple[int, bytes, int] | None, int]:
        row = connection.execute(
            "SELECT version, body, checksum FROM account WHERE tenant = ? AND id = ?", (key.tenant, key.id)
        ).fetchone()
        restored = connection.execute("SELECT value FROM meta WHERE name = ?", (RESTORED,)).fetchone()
        try:
            return row, int(restored[0]) if restored else 0
        except ValueError as error:
            raise StoreUnavailable("when an older copy was accepted as the store cannot be read") from error

    return work


def take_all(takes: Sequence[Take]) -> Callable[[sqlite3.Connection], Taken]:
    """From every bucket, or from none where one has no room."""

    def work(connection: sqlite3.Connection) -> Taken:
        connection.execute(
            "DELETE FROM taken WHERE (bucket, at) IN (SELECT bucket, at FROM taken WHERE ends_at <= ? LIMIT ?)",
            (min(take.at for take in takes) - SWEPT_AFTER, _SWEPT_AT_ONCE),
        )
        sums = []
        for place, take in enumerate(takes):
            rows = connection.execute(
                "SELECT at, count FROM taken WHERE bucket = ? AND at > ? ORDER BY at",
                (take.bucket, take.at - take.window),
            ).fetchall()
            wait = wait_for_room(rows, limit=take.limit, window=take.window, now=take.at, more=take.count)
            if wait:
                return Taken(refused=place, wait=wait)
            sums.append(sum(count for _, count in rows) + take.count)
        connection.executemany(
            "INSERT INTO taken VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET count = count + excluded.count",
            [(take.bucket, take.at, take.count, take.at + take.window) for take in takes],
        )
        return Taken(totals=tuple(sums))

    return work


def total(bucket: str, *, window: int, now: int) -> Callable[[sqlite3.Connection], int]:
    """What was taken from a bucket in the window."""
    statement = "SELECT coalesce(sum(count), 0) FROM taken WHERE bucket = ? AND at > ?"
    return lambda connection: int(connection.execute(statement, (bucket, now - window)).fetchone()[0])


def claim(name: str, key: SubjectKey) -> Callable[[sqlite3.Connection], bool]:
    """Reserve a name; True also where it is theirs."""

    def work(connection: sqlite3.Connection) -> bool:
        connection.execute("INSERT INTO claim VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (name, key.tenant, key.id))
        row = connection.execute("SELECT tenant, id FROM claim WHERE name = ?", (name,)).fetchone()
        return bool(row == (key.tenant, key.id))

    return work


def find_events(
    tenant: str, *, account: str, kind: str, before: int, limit: int
) -> Callable[[sqlite3.Connection], list[tuple[int, str, str]]]:
    """Numbers, tenants and lines of events, newest first."""
    terms = {"seq < ?": before if before >= 0 else "", "tenant = ?": tenant, "account = ?": account, "kind = ?": kind}
    wanted = {term: value for term, value in terms.items() if value != ""}
    where = " AND ".join([*wanted, "account <> ''" if account else "TRUE"])
    statement = f"SELECT seq, tenant, body FROM event WHERE {where} ORDER BY seq DESC LIMIT ?"  # noqa: S608

    def work(connection: sqlite3.Connection) -> list[tuple[int, str, str]]:
        return connection.execute(statement, [*wanted.values(), limit]).fetchall()

    return work


def trailing_tenants(connection: sqlite3.Connection) -> list[str]:
    """The tenants that have a trail, or a head that says so."""
    return [row[0] for row in connection.execute("SELECT tenant FROM trail UNION SELECT tenant FROM event ORDER BY 1")]


def trail_links(tenant: str, after: int, limit: int) -> Callable[[sqlite3.Connection], list[tuple[int, str, str]]]:
    """Lines of a trail, oldest first, with the digests written beside them."""
    statement = "SELECT seq, body, digest FROM event WHERE tenant = ? AND seq > ? ORDER BY seq LIMIT ?"
    return lambda connection: connection.execute(statement, (tenant, after, limit)).fetchall()


def trail_head(tenant: str) -> Callable[[sqlite3.Connection], tuple[str, int]]:
    """The digest of the last line, and how many there are."""
    statement = "SELECT digest, length FROM trail WHERE tenant = ?"
    return lambda connection: connection.execute(statement, (tenant,)).fetchone() or (START, 0)
