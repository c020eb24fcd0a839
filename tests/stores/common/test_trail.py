"""A stored trail that somebody changed behind the store's back is found, with the place."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from mfa_gate.core.model import SubjectKey
from mfa_gate.service import trail_verification
from mfa_gate.service.trail_verification import verify_trail
from mfa_gate.stores.redis import RedisStore
from mfa_gate.stores.sqlite import SQLiteStore
from mfa_gate.testing.store_suite import event

from .. import servers
from ..patience import REDIS, SQLITE

OTHER = SubjectKey("finance", "x")


@pytest.mark.parametrize(
    ("statement", "place"),
    [
        (
            "UPDATE event SET body = replace(body, 'attempt.failed', 'proof.granted') WHERE id = 'e4' AND tenant = 'clinic'",
            4,
        ),
        ("DELETE FROM event WHERE id = 'e0' AND tenant = 'clinic'", 0),
        ("DELETE FROM event WHERE id = 'e9' AND tenant = 'clinic'", 9),
        ("DELETE FROM event WHERE tenant = 'clinic'", 0),
        ("DELETE FROM event WHERE tenant = 'clinic' AND id > 'e6'", 7),
        ("DELETE FROM trail WHERE tenant = 'clinic'", 0),
        ("UPDATE event SET tenant = 'clinic' WHERE id = 'e3'", 4),
        (
            "INSERT INTO event (seq, id, tenant, account, kind, at, body, digest)"
            " SELECT 999, id, tenant, account, kind, at, body, digest FROM event"
            " WHERE id = 'e5' AND tenant = 'clinic'",
            10,
        ),
    ],
)
async def test_sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statement: str, place: int) -> None:
    """Altered, removed, added or cut-off lines show at the first wrong place.

    The other tenant's trail holds.
    """
    monkeypatch.setattr(trail_verification, "PIECE", 3)
    store = SQLiteStore(tmp_path / "mfa.db", timing=SQLITE)
    await store.open()
    for number in range(10):
        await store.append([event(number), event(number, key=OTHER)])
    assert await verify_trail(store) == {}
    with contextlib.closing(sqlite3.connect(tmp_path / "mfa.db", isolation_level=None)) as connection:
        assert connection.execute(statement).rowcount > 0
    broken = await verify_trail(store)
    assert broken["clinic"] == place
    assert set(broken) <= ({"clinic", "finance"} if "tenant = 'clinic' WHERE id" in statement else {"clinic"})
    assert await verify_trail(store, "clinic") == {"clinic": place}
    await store.aclose()


TRAIL = "mfa_gate:{tclinic}:trail"


def second(server: servers.Server) -> str:
    return str(server.say("XRANGE", TRAIL, "-", "+")[1][0].decode())


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda server: server.say("XDEL", TRAIL, second(server)), 1),
        (lambda server: server.say("XTRIM", TRAIL, "MAXLEN", "=", 3), 0),
        (lambda server: server.say("XADD", TRAIL, "*", "k", "k", "e", "{}", "d", "x"), 10),
        (lambda server: server.say("DEL", TRAIL), 0),
    ],
)
async def test_redis(tmp_path: Path, change: Callable[[servers.Server], object], place: int) -> None:
    """The same of a trail in Redis."""
    with servers.single(tmp_path) as server:
        store = RedisStore(f"redis://127.0.0.1:{server.port}", timing=REDIS)
        await store.open()
        for number in range(10):
            await store.append([event(number), event(number, key=OTHER)])
        assert await verify_trail(store) == {}
        change(server)
        assert await verify_trail(store) == {"clinic": place}
        await store.aclose()


BODIES = ["{", "", '{"id":"e4"}', 'replace(body, \'"at":\', \'"at":"x","was":\')']


@pytest.mark.parametrize("body", BODIES)
async def test_sqlite_damaged_line(tmp_path: Path, body: str) -> None:
    """A damaged line stands in its place, and verifying the trail names it.

    All pages of both tenants answer.
    """
    store = SQLiteStore(tmp_path / "mfa.db", timing=SQLITE)
    await store.open()
    for number in range(10):
        await store.append([event(number), event(number, key=OTHER)])
    value = body if body.startswith("replace") else f"'{body}'"
    with contextlib.closing(sqlite3.connect(tmp_path / "mfa.db", isolation_level=None)) as connection:
        connection.execute(f"UPDATE event SET body = {value} WHERE id = 'e4' AND tenant = 'clinic'")
    newest = (await store.events("clinic", limit=20)).items
    oldest = (await store.trail("clinic")).items
    assert [line.kind for line in newest].count("audit.unreadable") == 1
    assert oldest == newest[::-1]
    assert oldest[4].kind == "audit.unreadable"
    assert len((await store.events("", limit=50)).items) == 20
    assert len((await store.events("finance", limit=50)).items) == 10
    assert await verify_trail(store) == {"clinic": 4}
    assert await store.prune("clinic", before=2**33, limit=100) == 10
    await store.aclose()


async def test_redis_damaged_line(tmp_path: Path) -> None:
    """The same in Redis."""
    with servers.single(tmp_path) as server:
        store = RedisStore(f"redis://127.0.0.1:{server.port}", timing=REDIS)
        await store.open()
        for number in range(5):
            await store.append([event(number), event(number, key=OTHER)])
        server.say("XADD", TRAIL, "*", "k", "k", "e", "{}", "d", "x")
        kinds = [line.kind for line in (await store.trail("clinic")).items]
        assert kinds[5:] == ["audit.unreadable"]
        assert len(kinds) == 6
        assert len((await store.trail("finance")).items) == 5
        assert await verify_trail(store) == {"clinic": 5}
        await store.aclose()
