"""Keep the app's own data apart from the gate's store: one SQLite file."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["Database"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS passwords (
    email TEXT PRIMARY KEY, salt BLOB NOT NULL, digest BLOB NOT NULL, version INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE TABLE IF NOT EXISTS tokens (digest TEXT PRIMARY KEY, email TEXT NOT NULL, issued_at REAL NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS records (
    id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, title TEXT NOT NULL, note TEXT NOT NULL, state TEXT NOT NULL,
    author TEXT NOT NULL, at REAL NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS records_of_tenant ON records (tenant, id);
CREATE TABLE IF NOT EXISTS outbox (
    id INTEGER PRIMARY KEY, channel TEXT NOT NULL, recipient TEXT NOT NULL, tenant TEXT NOT NULL, subject TEXT NOT NULL,
    text TEXT NOT NULL, code TEXT NOT NULL, callback TEXT NOT NULL, at REAL NOT NULL
) STRICT;
"""


class Database:
    """Hold one connection a process, behind a lock: a demo with few rows needs no more."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def rows(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Return the rows of a SELECT."""
        with self._lock:
            return self._open().execute(statement, parameters).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Run several statements that all happen, or none."""
        with self._lock:
            connection = self._open()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            connection = sqlite3.connect(self._path, isolation_level=None, timeout=5, check_same_thread=False)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.executescript(_SCHEMA)
            self._connection = connection
        return self._connection
