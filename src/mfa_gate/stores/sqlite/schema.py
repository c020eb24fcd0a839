"""The tables of the SQLite store, and the steps from each older version of them."""

from __future__ import annotations

import sqlite3

APPLICATION_ID = 0x6D666167
"""``PRAGMA application_id`` of our files ("mfag")."""

_SEARCHED = ("address", "network", "browser")
"""The columns of a line by which it is searched, beside those of the first version; "" where the line has no such part.
A network that is the address itself is left out: one index finds it."""


def _filled(name: str) -> str:
    """Write the value of a new column from the text of a line that can be read."""
    return f"{name} = CASE WHEN json_valid(body) THEN coalesce(json_extract(body, '$.{name}'), '') ELSE '' END"


_ONE_MORE = (
    "INSERT INTO roster_count VALUES (new.tenant, new.status, 1)"
    " ON CONFLICT (tenant, status) DO UPDATE SET people = people + 1;"
)
_ONE_LESS = "UPDATE roster_count SET people = people - 1 WHERE tenant = old.tenant AND status = old.status;"

STEPS: dict[int, tuple[str, ...]] = {
    0: (
        "CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
        "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
        "CREATE TABLE account (tenant TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, op INTEGER NOT NULL,"
        " checksum INTEGER NOT NULL, body BLOB NOT NULL, UNIQUE (tenant, id))",
        "CREATE TABLE roster (tenant TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, status TEXT NOT NULL,"
        " factors TEXT NOT NULL, locked_at INTEGER NOT NULL, last_proof_at INTEGER NOT NULL, search TEXT NOT NULL,"
        " PRIMARY KEY (tenant, id)) WITHOUT ROWID",
        "CREATE INDEX roster_status ON roster (tenant, status, id)",
        "CREATE TABLE tenant (tenant TEXT PRIMARY KEY, version INTEGER NOT NULL, op INTEGER NOT NULL, body TEXT NOT NULL)"
        " WITHOUT ROWID",
        "CREATE TABLE event (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, tenant TEXT NOT NULL,"
        " account TEXT NOT NULL, kind TEXT NOT NULL, at INTEGER NOT NULL, body TEXT NOT NULL, digest TEXT NOT NULL)",
        "CREATE INDEX event_tenant ON event (tenant, seq)",
        "CREATE INDEX event_account ON event (account, tenant, seq) WHERE account <> ''",
        "CREATE INDEX event_kind ON event (tenant, kind, seq)",
        "CREATE TABLE trail (tenant TEXT PRIMARY KEY, digest TEXT NOT NULL, length INTEGER NOT NULL) WITHOUT ROWID",
        "CREATE TABLE change (seq INTEGER PRIMARY KEY, tenant TEXT, id TEXT)",
        "CREATE TABLE claim (name TEXT PRIMARY KEY, tenant TEXT NOT NULL, id TEXT NOT NULL) WITHOUT ROWID",
        "CREATE TABLE taken (bucket TEXT NOT NULL, at INTEGER NOT NULL, count INTEGER NOT NULL, ends_at INTEGER NOT NULL,"
        " PRIMARY KEY (bucket, at)) WITHOUT ROWID",
        "CREATE INDEX taken_end ON taken (ends_at)",
    ),
    1: (
        "CREATE TABLE anchor (tenant TEXT PRIMARY KEY, digest TEXT NOT NULL, lines INTEGER NOT NULL) WITHOUT ROWID",
        "CREATE TABLE mark (name TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (name, id)) WITHOUT ROWID",
    ),
    2: (
        "CREATE TABLE report (seq INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL, hour INTEGER NOT NULL,"
        " body BLOB NOT NULL)",
        "CREATE INDEX report_hour ON report (tenant, hour, seq)",
    ),
    3: (
        "ALTER TABLE meta ADD COLUMN until INTEGER NOT NULL DEFAULT 0",
        "CREATE INDEX meta_until ON meta (until) WHERE until > 0",
    ),
    4: (
        *(f"ALTER TABLE event ADD COLUMN {name} TEXT NOT NULL DEFAULT ''" for name in _SEARCHED),
        f"UPDATE event SET {', '.join(_filled(name) for name in _SEARCHED)}",  # noqa: S608 - its own words
        "UPDATE event SET network = '' WHERE network = address",
        *(f"CREATE INDEX event_{name} ON event (tenant, {name}, seq) WHERE {name} <> ''" for name in _SEARCHED),
        "CREATE INDEX event_id ON event (tenant, id, seq)",
        "CREATE TABLE roster_count (tenant TEXT NOT NULL, status TEXT NOT NULL, people INTEGER NOT NULL,"
        " PRIMARY KEY (tenant, status)) WITHOUT ROWID",
        "INSERT INTO roster_count SELECT tenant, status, count(*) FROM roster GROUP BY tenant, status",
        f"CREATE TRIGGER roster_comes AFTER INSERT ON roster BEGIN {_ONE_MORE} END",
        f"CREATE TRIGGER roster_goes AFTER DELETE ON roster BEGIN {_ONE_LESS} END",
        "CREATE TRIGGER roster_changes AFTER UPDATE OF status ON roster WHEN old.status <> new.status"
        f" BEGIN {_ONE_LESS} {_ONE_MORE} END",
    ),
    # The people of an older store get their numbers bit by bit (``name_index.fill``), so no start waits for them.
    5: (
        "ALTER TABLE roster ADD COLUMN number INTEGER NOT NULL DEFAULT 0",
        "CREATE INDEX roster_number ON roster (number) WHERE number > 0",
        "CREATE INDEX roster_unnumbered ON roster (tenant, id) WHERE number = 0",
        "CREATE TABLE name_part (part BLOB NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (part, number)) WITHOUT ROWID",
    ),
}
"""From version N to N + 1. A released step is never edited: a change of the tables is a further step."""

SCHEMA = len(STEPS)


def version_of(connection: sqlite3.Connection) -> int:
    """Return the version of the file's tables (``PRAGMA user_version``)."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def upgrade(connection: sqlite3.Connection) -> None:
    """Upgrade the tables by the steps that are missing.

    It runs in the caller's transaction, so all steps are taken or none.
    """
    for version in range(version_of(connection), SCHEMA):
        for statement in STEPS[version]:
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {SCHEMA}")
