"""The bits of the index of names in Redis.

They leave out strings without a word, and nobody who has it.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest

from mfa_gate.core.model import Account, SubjectKey
from mfa_gate.stores.memory import MemoryStore
from mfa_gate.stores.redis import RedisStore, name_bits, roster
from mfa_gate.stores.redis.names import keys_of
from mfa_gate.testing.store_suite import enrolled

from .. import servers
from ..patience import REDIS

PEOPLE = 150
NAMES = ("Ann Lee", "Zoë Maß", "ann\nann", "李小龙 Bruce", "🙂🙂 x", "", "a\0b\2c", "Olaf")
WORDS = (
    "ann",
    "zoë",
    "MASS",
    "李小",
    "🙂🙂",
    "olaf",
    "n lee",
    "person-013",
    "erson-01",
    "nobody",
    "xyz",
    "x",
    "07",
)
KEYS = keys_of("ward")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    """A server of its own."""
    with servers.single(tmp_path_factory.mktemp("bits")) as server:
        yield server


@pytest.fixture
async def store(server: servers.Server, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RedisStore]:
    """A store that looks at two people, and whose bits begin at once, eight blocks in a key."""
    monkeypatch.setattr(roster, "_LOOKED_AT_FIRST", 2)
    monkeypatch.setattr(name_bits, "LEAST", 1)
    monkeypatch.setattr(name_bits, "ROW", 8)
    monkeypatch.setattr(name_bits, "_MADE_AT_ONCE", 2)
    server.say("FLUSHALL")
    store = RedisStore(f"redis://127.0.0.1:{server.port}", timing=REDIS)
    await store.open()
    yield store
    await store.aclose()


def key_of(number: int) -> SubjectKey:
    return SubjectKey("ward", f"person-{number:03d}")


async def compare(store: RedisStore, memory: MemoryStore) -> None:
    """Let both look for each word."""
    for word in WORDS:
        for status in ("", "locked"):
            found = await store.page("ward", query=word, status=status, limit=7)
            assert found == await memory.page("ward", query=word, status=status, limit=7), word


async def test_bits_find_what_a_look_at_everybody_finds(store: RedisStore, server: servers.Server) -> None:
    """Any word, while people come, get other names, and go; also once keys of bits are lost."""
    memory, luck = MemoryStore(), random.Random(3)
    await memory.open()
    for number in luck.sample(range(PEOPLE), PEOPLE):
        for one in (store, memory):
            await one.swap(replace(enrolled(key_of(number)), name=NAMES[number % len(NAMES)]))
    await compare(store, memory)
    assert int(server.say("HGET", KEYS.head, "with_bits")) == PEOPLE // name_bits.PEOPLE
    for number in luck.sample(range(PEOPLE), 40):
        name = luck.choice(NAMES)
        for one in (store, memory):
            await one.swap(replace(enrolled(key_of(number)), version=1, name=name))
    for number in luck.sample(range(PEOPLE), 20):
        for one in (store, memory):
            version = (await one.load(key_of(number))).version
            assert await one.swap(Account(key=key_of(number), version=version, forgotten_at=5))
    await compare(store, memory)
    assert int(server.say("HGET", KEYS.head, "with_bits")) > PEOPLE // name_bits.PEOPLE
    server.say("DEL", KEYS.bits(0))
    await compare(store, memory)
    server.say("HSET", KEYS.head, "with_bits", 10_000)
    await compare(store, memory)


async def test_few_strings_are_read(store: RedisStore) -> None:
    """A search reads the strings of the blocks that may have the word, and the last ones."""
    for number in range(PEOPLE):
        await store.swap(enrolled(key_of(number)))
    session = await store._ready()
    made = await name_bits.make(session, KEYS, PEOPLE, 0)
    assert made == 4
    strings = await name_bits.strings_with(session, KEYS, "person-100", placed=PEOPLE, made=made)
    assert list(strings) == [12, 13, 14, 15, 16, 17, 18]
    assert list(await name_bits.strings_with(session, KEYS, "zzz", placed=PEOPLE, made=made)) == [16, 17, 18]
    assert list(await name_bits.strings_with(session, KEYS, "p", placed=PEOPLE, made=made)) == list(range(19))


async def test_few_people_have_no_bits(
    store: RedisStore, server: servers.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small tenant takes no room for them."""
    monkeypatch.setattr(name_bits, "LEAST", PEOPLE + 1)
    for number in range(PEOPLE):
        await store.swap(enrolled(key_of(number)))
    assert [line.key for line in (await store.page("ward", query="person-100")).items] == [key_of(100)]
    assert server.say("EXISTS", KEYS.bits(0)) == 0


async def test_a_key_of_another_type_stops_no_search(store: RedisStore, server: servers.Server) -> None:
    """Everybody is looked through if bits cannot be made."""
    for number in range(PEOPLE):
        await store.swap(enrolled(key_of(number)))
    server.say("RPUSH", KEYS.bits(0), "x")
    assert [line.key for line in (await store.page("ward", query="person-100")).items] == [key_of(100)]
