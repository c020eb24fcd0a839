"""What the SQLite store does with a trail besides writing it: read it forward, prune it, and remember what was told of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence

from ...ports import Anchor

_NO_SEQ = 2**63 - 1


def end_of(tenant: str) -> Callable[[sqlite3.Connection], int]:
    """The place of the last line; a pruned one keeps its place, so what comes later is always larger."""

    def work(connection: sqlite3.Connection) -> int:
        row = connection.execute("SELECT max(seq) FROM event WHERE tenant = ?", (tenant,)).fetchone()
        return int(row[0] or 0)

    return work


def lines_behind(tenant: str, place: int, limit: int) -> Callable[[sqlite3.Connection], list[tuple[int, str]]]:
    """Places and lines, oldest first."""
    statement = "SELECT seq, body FROM event WHERE tenant = ? AND seq > ? ORDER BY seq LIMIT ?"
    return lambda connection: connection.execute(statement, (tenant, place, limit)).fetchall()


def anchor_of(tenant: str) -> Callable[[sqlite3.Connection], Anchor]:
    """Where the kept part begins."""

    def work(connection: sqlite3.Connection) -> Anchor:
        row = connection.execute("SELECT lines, digest FROM anchor WHERE tenant = ?", (tenant,)).fetchone()
        return Anchor() if row is None else Anchor(lines=row[0], digest=row[1])

    return work


def prune(tenant: str, *, before: int, limit: int, now: int) -> Callable[[sqlite3.Connection], int]:
    """Remove the oldest lines that are old enough, and move the anchor behind them. As ``documents.count_old``."""

    def work(connection: sqlite3.Connection) -> int:
        young = connection.execute(
            "SELECT seq FROM event WHERE tenant = ? AND at BETWEEN ? AND ? ORDER BY seq LIMIT 1",
            (tenant, max(before, 1), now),
        ).fetchone()
        last = connection.execute(
            "SELECT seq FROM event WHERE tenant = ? AND seq < ? AND at > 0 AND at < ? AND at <= ? ORDER BY seq DESC LIMIT 1",
            (tenant, young[0] if young else _NO_SEQ, before, now),
        ).fetchone()
        rows = connection.execute(
            "SELECT seq, digest FROM event WHERE tenant = ? AND seq <= ? ORDER BY seq LIMIT ?",
            (tenant, last[0] if last else 0, limit),
        ).fetchall()
        if not rows:
            return 0
        seq, digest = rows[-1]
        connection.execute("DELETE FROM event WHERE tenant = ? AND seq <= ?", (tenant, seq))
        connection.execute(
            "INSERT INTO anchor VALUES (?, ?, ?)"
            " ON CONFLICT DO UPDATE SET digest = excluded.digest, lines = lines + excluded.lines",
            (tenant, digest, len(rows)),
        )
        return len(rows)

    return work


def mark(name: str, ids: Sequence[str]) -> Callable[[sqlite3.Connection], None]:
    """Remember."""
    statement = "INSERT INTO mark VALUES (?, ?) ON CONFLICT DO NOTHING"
    return lambda connection: connection.executemany(statement, [(name, id) for id in ids]).close()


def marked(name: str, ids: Sequence[str]) -> Callable[[sqlite3.Connection], frozenset[str]]:
    """Which of them are remembered."""
    statement = "SELECT 1 FROM mark WHERE name = ? AND id = ?"

    def work(connection: sqlite3.Connection) -> frozenset[str]:
        return frozenset(id for id in ids if connection.execute(statement, (name, id)).fetchone())

    return work


def unmark(name: str, ids: Sequence[str]) -> Callable[[sqlite3.Connection], None]:
    """Forget."""
    statement = "DELETE FROM mark WHERE name = ? AND id = ?"
    return lambda connection: connection.executemany(statement, [(name, id) for id in ids]).close()
