"""Keep the rows of an organization: the data that the second factor protects here."""

from __future__ import annotations

from dataclasses import dataclass

from .accounts import TENANTS
from .brands import brand_of
from .database import Database

__all__ = ["MAX_NOTE", "MAX_TITLE", "Record", "Records"]

MAX_TITLE = 120
MAX_NOTE = 500
_HOUR = 3_600


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Hold one row. ``state`` is Open, Planned or Done; ``at`` is UTC seconds since 1970."""

    id: int
    title: str
    note: str
    state: str
    author: str
    at: float


class Records:
    """List and add rows, each in its own organization only."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def seed(self, now: float) -> None:
        """Give each organization its first rows, once."""
        with self._database.transaction() as connection:
            if connection.execute("SELECT 1 FROM records LIMIT 1").fetchone():
                return
            for tenant in (*TENANTS, "example"):
                rows = list(enumerate(brand_of(tenant).rows))
                connection.executemany(
                    "INSERT INTO records (tenant, title, note, state, author, at) VALUES (?, ?, ?, ?, ?, ?)",
                    [
                        (tenant, title, note, state, "Imported", now - (place * 19 + 2) * _HOUR)
                        for place, (title, note, state) in reversed(rows)
                    ],
                )

    def newest_first(self, tenant: str, limit: int = 100) -> list[Record]:
        """List the organization's rows."""
        rows = self._database.rows(
            "SELECT id, title, note, state, author, at FROM records WHERE tenant = ? ORDER BY id DESC LIMIT ?",
            tenant,
            limit,
        )
        return [
            Record(id=id, title=title, note=note, state=state, author=author, at=at)
            for id, title, note, state, author, at in rows
        ]

    def add(self, tenant: str, *, title: str, note: str, author: str, now: float) -> None:
        """Add an open row."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO records (tenant, title, note, state, author, at) VALUES (?, ?, ?, 'Open', ?, ?)",
                (tenant, title, note, author, now),
            )

    def counts(self, tenant: str) -> dict[str, int]:
        """Count the rows in each state."""
        rows = self._database.rows("SELECT state, count(*) FROM records WHERE tenant = ? GROUP BY state", tenant)
        return dict(rows)
