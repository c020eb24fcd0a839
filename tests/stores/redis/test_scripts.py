"""A script writes to Redis wholly or not at all, whatever it finds there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.model import SubjectKey
from mfa_gate.core.rules import TenantSettings
from mfa_gate.core.summary import STATUSES
from mfa_gate.errors import StoreUnavailable
from mfa_gate.service.trail_verification import verify_trail
from mfa_gate.storage import take_one
from mfa_gate.stores.redis import RedisStore
from mfa_gate.stores.redis.names import bucket_key, keys_of
from mfa_gate.testing.store_suite import ALICE, enrolled, event

from .. import servers
from ..patience import REDIS

KEYS = keys_of("clinic")
Call = Callable[[RedisStore], Coroutine[Any, Any, object]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    with servers.single(tmp_path_factory.mktemp("whole"), "--appendonly", "yes") as server:
        yield server


@pytest.fixture
async def store(server: servers.Server) -> AsyncIterator[RedisStore]:
    server.say("FLUSHALL")
    server.say("ACL", "SETUSER", "default", "+@all")
    store = RedisStore(f"redis://127.0.0.1:{server.port}", timing=REDIS)
    await store.open()
    assert await store.swap(enrolled(ALICE), [event(1), event(2, kind="proof.granted")])
    assert await store.swap_settings(TenantSettings(tenant="clinic", announced_at=1))
    yield store
    server.say("ACL", "SETUSER", "default", "+@all")
    await store.aclose()


def everything(server: servers.Server) -> dict[bytes, object]:
    """All that is stored."""
    with server.client() as client:
        reads: dict[bytes, Callable[[bytes], object]] = {
            b"hash": client.hgetall,
            b"string": client.get,
            b"list": lambda key: client.lrange(key, 0, -1),
            b"set": client.smembers,
            b"zset": lambda key: client.zrange(key, 0, -1, withscores=True),
            b"stream": client.xrange,
        }
        return {key: reads[client.type(key)](key) for key in client.keys("*")}


async def swap(store: RedisStore) -> object:
    """A change that touches every key: another name, another status, two lines of the trail."""
    account = replace(await store.load(ALICE), name="Another", authenticators=())
    return await store.swap(account, [event(3), event(4, kind="proof.granted")])


async def swap_settings(store: RedisStore) -> object:
    return await store.swap_settings(replace(await store.settings("clinic"), enabled_at=9), [event(3)])


async def append(store: RedisStore) -> object:
    await store.append([event(3), event(4, kind="proof.granted")])
    return None


async def prune(store: RedisStore) -> object:
    return await store.prune("clinic", before=1 << 40)


TRAIL = [KEYS.trail, KEYS.events_of_account("alice"), KEYS.events_of_kind("attempt.failed")]
TOUCHED: list[tuple[Call, list[str]]] = [
    (
        swap,
        [
            *(*TRAIL, KEYS.account("alice"), KEYS.ids, KEYS.lines, KEYS.names, KEYS.places),
            *(KEYS.status(status) for status in STATUSES),
            KEYS.events_of_kind("proof.granted"),
        ],
    ),
    (swap_settings, TRAIL),
    (append, [*TRAIL, KEYS.events_of_kind("proof.granted")]),
    (prune, [*TRAIL, KEYS.events_of_kind("proof.granted")]),
]


@pytest.mark.parametrize("kind", ["string", "list"])
@pytest.mark.parametrize(
    ("call", "key"), [pytest.param(call, key, id=f"{call.__name__}-{key}") for call, keys in TOUCHED for key in keys]
)
async def test_a_key_of_another_type(
    server: servers.Server, store: RedisStore, call: Call, key: str, kind: str
) -> None:
    """A key of another type refuses the whole change, each time.

    Other tenants go on.
    """
    server.say("DEL", key)
    server.say(*(("SET", key, "x") if kind == "string" else ("RPUSH", key, "x")))
    before = everything(server)
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match=r"WRONGTYPE|holds a"):
            await call(store)
    assert everything(server) == before
    assert await store.swap(enrolled(SubjectKey("finance", "x")))


@pytest.mark.parametrize("call", [swap, swap_settings, append])
@pytest.mark.parametrize("kind", ["string", "list"])
async def test_a_head_of_another_type(server: servers.Server, store: RedisStore, call: Call, kind: str) -> None:
    """So does the tenant's head."""
    server.say("DEL", KEYS.head)
    server.say(*(("SET", KEYS.head, "x") if kind == "string" else ("RPUSH", KEYS.head, "x")))
    before = everything(server)
    with pytest.raises(StoreUnavailable):
        await call(store)
    assert everything(server) == before


@pytest.mark.parametrize("field", ["seq", "stamp", "length", "indexed"])
@pytest.mark.parametrize("value", ["x", "", "1.5", "-3", "9" * 30])
async def test_a_number_that_is_none(server: servers.Server, store: RedisStore, field: str, value: str) -> None:
    """A counter that cannot be counted on refuses the whole change."""
    server.say("HSET", KEYS.head, field, value)
    server.say("HDEL", KEYS.places, "alice")
    before = everything(server)
    for call in (swap, append) if field in ("stamp", "length") else (swap,):
        with pytest.raises(StoreUnavailable):
            await call(store)
    assert everything(server) == before


@pytest.mark.parametrize(
    ("field", "value"), [("v", "x"), ("v", "-1"), ("c", "x"), ("b", "{"), ("c", None), ("b", None)]
)
async def test_a_damaged_row(server: servers.Server, store: RedisStore, field: str, value: str | None) -> None:
    """A row that cannot be read is an outage for that account, and nothing else is raised."""
    key = KEYS.account("alice")
    server.say(*(("HDEL", key, field) if value is None else ("HSET", key, field, value)))
    with pytest.raises(StoreUnavailable):
        await store.load(ALICE)
    assert await store.swap(enrolled(SubjectKey("clinic", "bob")))


async def test_a_trail_that_has_come_further(server: servers.Server, store: RedisStore) -> None:
    """Lines are written behind the stream's last id, or nothing is written.

    The stamp of the head lies before that id.
    """
    ahead = 1 << 52
    server.say("XADD", KEYS.trail, f"{ahead}-5", "k", "attempt.failed", "e", "{}", "d", "x")
    server.say("XDEL", KEYS.trail, f"{ahead}-5")
    assert await swap(store)
    assert [line.id for line in (await store.events("clinic")).items] == ["e4", "e3", "e2", "e1"]
    assert not await verify_trail(store)
    server.say("XADD", KEYS.trail, f"{2**64 - 1}-1", "k", "attempt.failed", "e", "{}", "d", "x")
    before = everything(server)
    with pytest.raises(StoreUnavailable, match="nothing was written"):
        await store.swap(await store.load(ALICE), [event(5)])
    assert everything(server) == before


@pytest.mark.parametrize("command", ["xadd", "zadd", "zrem", "publish", "hset", "hincrby"])
async def test_what_the_user_may_not(server: servers.Server, store: RedisStore, command: str) -> None:
    """A Redis user without the right to all commands of a change makes none of it."""
    account = replace(await store.load(ALICE), name="Another", authenticators=())
    before = everything(server)
    server.say("ACL", "SETUSER", "default", f"-{command}")
    with pytest.raises(StoreUnavailable, match=r"nothing was written|NOPERM|permissions"):
        await store.swap(account, [event(3)])
    assert everything(server) == before


async def test_a_bucket_of_another_type(server: servers.Server, store: RedisStore) -> None:
    """A limit that cannot be read refuses, and leaves the stored value."""
    server.say("RPUSH", bucket_key("b"), "x")
    with pytest.raises(StoreUnavailable):
        await take_one(store, "b", limit=1, window=60, now=1000)
    server.say("DEL", bucket_key("b"))
    server.say("HSET", bucket_key("b"), "x", "y")
    before = everything(server)
    with pytest.raises(StoreUnavailable):
        await take_one(store, "b", limit=1, window=60, now=1000)
    assert everything(server) == before
