"""Somebody who can read and write every byte of a store, and holds no key."""

from __future__ import annotations

import copy
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis

from mfa_gate.core.trail import chain, link_digest
from mfa_gate.storage import ChainPoint
from mfa_gate.stores.common.documents import event_from
from mfa_gate.stores.memory import MemoryStore
from tests.stores.servers import Server


@dataclass
class Row:
    """One stored line: its place, text and digest, and the columns by which a store finds it."""

    place: int
    line: str
    digest: str
    account: str
    kind: str


@dataclass
class Stolen:
    """One tenant's trail: lines, head and anchor."""

    rows: list[Row] = field(default_factory=list)
    head: tuple[int, str] = (0, "")
    anchor: tuple[int, str] = (0, "")

    def rechain(self, start: int = 0, *, digest: str | None = None) -> None:
        """Compute the chain anew from line ``start`` on, as everybody can who has no key."""
        before = digest if digest is not None else self.rows[start - 1].digest if start else self.anchor[1]
        for row in self.rows[start:]:
            before = row.digest = chain(before, link_digest(row.line))
        self.head = (self.anchor[0] + len(self.rows), before)

    def set_head(self) -> None:
        """Let the head fit the lines that are there."""
        self.head = (self.anchor[0] + len(self.rows), self.rows[-1].digest if self.rows else self.anchor[1])


@dataclass
class Loot:
    """All trails and the signed notes of a store."""

    trails: dict[str, Stolen]
    notes: dict[str, bytes]

    def copy(self) -> Loot:
        """Return a copy, for another try."""
        return copy.deepcopy(self)


def _parts(tenant: str, place: int, line: str, digest: str) -> Row:
    event = event_from(tenant, place, line)
    return Row(place, line, digest, event.account, event.kind)


class IntoMemory:
    """The intruder in a ``MemoryStore``."""

    def __init__(self, store: MemoryStore) -> None:
        self.contents = store._contents

    def take(self) -> Loot:
        """Read everything."""
        trails = {tenant: Stolen(head=(head.lines, head.digest)) for tenant, head in self.contents.heads.items()}
        for tenant, anchor in self.contents.anchors.items():
            trails[tenant].anchor = (anchor.lines, anchor.digest)
        for place, kept in enumerate(self.contents.lines):
            if kept is not None:
                trails[kept[0].tenant].rows.append(_parts(kept[0].tenant, place, kept[1], kept[2]))
        return Loot(trails, dict(self.contents.meta))

    def put(self, loot: Loot) -> None:
        """Write everything."""
        made: dict[int, Any] = {}
        for tenant, trail in loot.trails.items():
            for row in trail.rows:
                event = event_from(tenant, row.place, row.line)
                object.__setattr__(event, "account", row.account)
                object.__setattr__(event, "kind", row.kind)
                object.__setattr__(event, "tenant", tenant)
                made[row.place] = (event, row.line, row.digest)
        self.contents.lines[:] = [made.get(place) for place in range(max(made, default=-1) + 1)]
        self.contents.heads = {t: ChainPoint(lines=s.head[0], digest=s.head[1]) for t, s in loot.trails.items()}
        self.contents.anchors = {
            t: ChainPoint(lines=s.anchor[0], digest=s.anchor[1]) for t, s in loot.trails.items() if s.anchor[0]
        }
        self.contents.meta = dict(loot.notes)


class IntoSQLite:
    """The intruder in the file of a SQLite store."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def _do(self, work: Callable[[sqlite3.Connection], Any]) -> Any:
        connection = sqlite3.connect(self.path, isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
            found = work(connection)
            connection.execute("COMMIT")
            return found
        finally:
            connection.close()

    def take(self) -> Loot:
        """Read everything."""

        def work(connection: sqlite3.Connection) -> Loot:
            trails = {
                tenant: Stolen(head=(length, digest))
                for tenant, digest, length in connection.execute("SELECT tenant, digest, length FROM trail")
            }
            for tenant, digest, lines in connection.execute("SELECT tenant, digest, lines FROM anchor"):
                trails[tenant].anchor = (lines, digest)
            for seq, tenant, body, digest in connection.execute(
                "SELECT seq, tenant, body, digest FROM event ORDER BY seq"
            ):
                trails[tenant].rows.append(_parts(tenant, seq, body, digest))
            return Loot(trails, dict(connection.execute("SELECT name, value FROM meta")))

        return self._do(work)  # type: ignore[no-any-return]

    def put(self, loot: Loot) -> None:
        """Write everything."""

        def work(connection: sqlite3.Connection) -> None:
            for table in ("event", "trail", "anchor", "meta"):
                connection.execute(f"DELETE FROM {table}")
            for tenant, trail in loot.trails.items():
                connection.execute("INSERT INTO trail VALUES (?, ?, ?)", (tenant, trail.head[1], trail.head[0]))
                if trail.anchor[0]:
                    connection.execute(
                        "INSERT INTO anchor VALUES (?, ?, ?)", (tenant, trail.anchor[1], trail.anchor[0])
                    )
                for row in trail.rows:
                    event = event_from(tenant, row.place, row.line)
                    connection.execute(
                        "INSERT INTO event (seq, id, tenant, account, kind, at, body, digest) VALUES (?,?,?,?,?,?,?,?)",
                        (row.place, event.id, tenant, row.account, row.kind, event.at, row.line, row.digest),
                    )
            connection.executemany("INSERT INTO meta (name, value) VALUES (?, ?)", loot.notes.items())

        self._do(work)


class IntoRedis:
    """The intruder at a Redis server."""

    def __init__(self, server: Server) -> None:
        self.client: Any = redis.Redis(port=server.port, socket_timeout=5)

    def take(self) -> Loot:
        """Read everything."""
        say, trails, notes = self.client.execute_command, dict[str, Stolen](), dict[str, bytes]()
        for key in say("KEYS", "mfa_gate:*"):
            name = key.decode()
            if name.startswith("mfa_gate:m:"):
                notes[name] = say("GET", name)
        for member in say("SMEMBERS", "mfa_gate:{store}:tenants"):
            tenant, base = member.decode(), f"mfa_gate:{{t{member.decode()}}}:"
            lines, digest, pruned, anchor = (
                part.decode() if part else ""
                for part in say("HMGET", base + "head", "length", "digest", "pruned", "anchor")
            )
            trail = Stolen(head=(int(lines or 0), digest), anchor=(int(pruned or 0), anchor))
            for stamp, parts in say("XRANGE", base + "trail", "-", "+"):
                place = int(stamp.decode().partition("-")[0])
                trail.rows.append(_parts(tenant, place, parts[b"e"].decode(), parts[b"d"].decode()))
            trails[tenant] = trail
        return Loot(trails, notes)

    def put(self, loot: Loot) -> None:
        """Write everything."""
        say, pipe = self.client.execute_command, self.client.pipeline(transaction=False)
        write = pipe.execute_command
        known = {member.decode() for member in say("SMEMBERS", "mfa_gate:{store}:tenants")}
        for key in say("KEYS", "mfa_gate:m:*"):
            write("DEL", key)
        for name, value in loot.notes.items():
            write("SET", name, value)
        for tenant in known | loot.trails.keys():
            base, trail = f"mfa_gate:{{t{tenant}}}:", loot.trails.get(tenant, Stolen())
            for pattern in ("trail", "ea:*", "ek:*"):
                for key in say("KEYS", (base + pattern).replace("[", "\\[")):
                    write("DEL", key)
            if tenant in loot.trails:
                write("SADD", "mfa_gate:{store}:tenants", tenant)
                write("HSET", base + "head", "length", trail.head[0], "digest", trail.head[1])
                write("HSET", base + "head", "pruned", trail.anchor[0], "anchor", trail.anchor[1])
            else:
                write("SREM", "mfa_gate:{store}:tenants", tenant)
                write("HDEL", base + "head", "length", "digest", "pruned", "anchor")
            for row in sorted(trail.rows, key=lambda row: row.place):
                write("XADD", base + "trail", f"{row.place}-0", "k", row.kind, "e", row.line, "d", row.digest)
                write("ZADD", f"{base}ek:{row.kind}", row.place, row.place)
                if row.account:
                    write("ZADD", f"{base}ea:{row.account}", row.place, row.place)
        pipe.execute()
