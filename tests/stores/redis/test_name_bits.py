"""The bits of the index of names in Redis.

They leave out strings without a word, and nobody who has it.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from mfa_gate.core.model import Account, SubjectKey
from mfa_gate.errors import StoreUnavailable
from mfa_gate.stores.memory import MemoryStore
from mfa_gate.stores.redis import RedisStore, name_bits, roster
from mfa_gate.stores.redis.lua import BLOCK, NAMES_IN_ONE
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


class Made:
    """A session whose server makes bits.

    ``replies`` are its answers, "more" where there is none left.
    """

    store_id = "s"

    def __init__(self, *replies: object) -> None:
        self.replies = [*replies]
        self.asked: list[tuple[object, ...]] = []

    async def run(self, script: object, keys: Sequence[str], *arguments: object) -> list[bytes]:
        """Answer the next reply."""
        assert script is name_bits.MAKE
        self.asked.append((*keys, *arguments))
        reply = self.replies.pop(0) if self.replies else b"more"
        if isinstance(reply, Exception):
            raise reply
        assert isinstance(reply, bytes)
        return [reply]


LEAST, SOME = name_bits.LEAST, name_bits._MADE_AT_ONCE
BLOCKS = LEAST // name_bits.PEOPLE


@pytest.mark.parametrize(
    ("placed", "made", "found", "asked"),
    [
        (LEAST - 1, 0, 0, []),
        (LEAST, 0, BLOCKS, [*range(0, BLOCKS, SOME)]),
        (LEAST + 3 * name_bits.PEOPLE - 1, BLOCKS - SOME, BLOCKS + 2, [BLOCKS - SOME, BLOCKS]),
        (LEAST, BLOCKS, BLOCKS, []),
        (LEAST, BLOCKS + 1, 0, []),
        (LEAST, BLOCKS - 1, BLOCKS, [BLOCKS - 1]),
    ],
)
async def test_missing_bits_are_made(placed: int, made: int, found: int, asked: list[int]) -> None:
    """A few whole blocks at a time, up to the last one.

    Bits of an index that is gone count for none.
    """
    session: Any = Made()
    assert await name_bits.make(session, KEYS, placed, made) == found
    rest = ("s", name_bits._MADE_AT_ONCE, name_bits.ROWS, name_bits.ROW)
    assert session.asked == [(KEYS.head, KEYS.names, KEYS.bits(0), "s", at, *rest[1:]) for at in asked]


async def test_bits_lie_in_keys_of_so_many_blocks() -> None:
    """A key of bits is full after ``ROW`` blocks; a script never makes bits of two keys."""
    session: Any = Made()
    assert name_bits.ROW % name_bits._MADE_AT_ONCE == 0
    blocks = 2 * name_bits.ROW
    placed = blocks * name_bits.PEOPLE
    assert await name_bits.make(session, KEYS, placed, name_bits.ROW - SOME) == blocks
    keys = [names[2] for names in session.asked]
    assert keys == [KEYS.bits(0), *[KEYS.bits(1)] * (name_bits.ROW // SOME)]


@pytest.mark.parametrize(
    ("replies", "found"),
    [([b"more", b"lost"], SOME), ([b"more", b"more", b"done"], 2 * SOME), ([StoreUnavailable("away")], 0)],
)
async def test_bits_that_cannot_be_made(replies: list[object], found: int) -> None:
    """The search goes on with those that there are."""
    session: Any = Made(*replies)
    assert await name_bits.make(session, KEYS, LEAST, 0) == found
    assert len(session.asked) == len(replies)


async def test_a_search_makes_bits_for_a_while_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next search goes on where this one has stopped."""
    clock = [100.0]
    monkeypatch.setattr(name_bits, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    session: Any = Made()
    real = session.run

    async def slow(*given: Any) -> list[bytes]:
        clock[0] += name_bits._MADE_FOR / 2
        answer: list[bytes] = await real(*given)
        return answer

    session.run = slow
    assert await name_bits.make(session, KEYS, LEAST, 0) == 2 * SOME
    assert await name_bits.make(session, KEYS, LEAST, 2 * SOME) == 4 * SOME


class Read:
    """A session whose server answers ``rows``."""

    store_id = "s"

    def __init__(self, *rows: bytes) -> None:
        self.rows = rows
        self.asked: list[tuple[object, ...]] = []

    async def run(self, script: object, keys: Sequence[str], *arguments: object, writes: bool) -> list[bytes]:
        """Answer the rows."""
        assert (script, writes) == (name_bits.READ, False)
        self.asked.append((*keys, *arguments))
        return [b"done", *self.rows]


def bits(*places: int, keys: int = 1) -> bytes:
    """Write a row in which these blocks have a bit."""
    row = bytearray(keys * name_bits.ROW // 8)
    for place in places:
        row[place // 8] |= 128 >> place % 8
    return bytes(row)


async def test_the_strings_that_may_have_a_word() -> None:
    """The blocks that have all groups of the word.

    All strings behind the last block with bits.
    """
    session: Any = Read(bits(1, 5, 9, 11), bits(1, 6, 9, 11))
    found = await name_bits.strings_with(session, KEYS, "anna", placed=200, made=10)
    strings = [*range(BLOCK, 2 * BLOCK), *range(9 * BLOCK, 10 * BLOCK)]
    assert list(found) == [*strings, *range(10 * BLOCK, 200 // NAMES_IN_ONE + 1)]
    assert session.asked == [(KEYS.head, KEYS.bits(0), "s", name_bits.ROW, *name_bits._rows_of("anna"))]


@pytest.mark.parametrize(("made", "keys"), [(name_bits.ROW, 1), (name_bits.ROW + 1, 2), (2 * name_bits.ROW, 2)])
async def test_rows_over_several_keys(made: int, keys: int) -> None:
    """A row goes on in the next key; only keys that have bits are read."""
    session: Any = Read(bits(made - 1, keys=keys))
    placed = made * name_bits.PEOPLE
    found = await name_bits.strings_with(session, KEYS, "ann", placed=placed, made=made)
    assert list(found) == list(range((made - 1) * BLOCK, made * BLOCK + 1))
    assert session.asked[0][1:-3] == tuple(KEYS.bits(number) for number in range(keys))


@pytest.mark.parametrize(
    ("word", "made", "rows"),
    [
        ("an", 9, [bits()]),
        ("ann", 0, [bits()]),
        ("ann", 9, [b""]),
        ("ann", 9, [bits(), bits()]),
        ("ann", 9, [bits(keys=2)]),
        ("anna", 9, [bits(), b"x"]),
        ("anna", 9, [bits()]),
    ],
)
async def test_all_strings_are_read_where_bits_say_nothing(word: str, made: int, rows: list[bytes]) -> None:
    """A word that is too short, no bits yet, and a key of bits that is gone."""
    session: Any = Read(*rows)
    last = 200 // NAMES_IN_ONE
    assert await name_bits.strings_with(session, KEYS, word, placed=200, made=made) == range(last + 1)
    assert len(session.asked) == (len(word) > 2 and made > 0)


def test_the_rows_of_a_word() -> None:
    """A group of three bytes has a row.

    Of a long word some groups from all of its parts are looked at.
    """
    row = name_bits._rows_of
    assert row("ab") == []
    assert row("abc") == [(97 * 3481 + 98 * 59 + 99) % name_bits.ROWS]
    assert row("abcd") == [*row("abc"), *row("bcd")]
    assert row("aaaaaaaaa") == row("aaa")
    eight = "abcdefghij"
    assert row(eight) == [row(eight[at : at + 3])[0] for at in range(8)]
    assert row(eight + "k") == [row((eight + "k")[at : at + 3])[0] for at in range(0, 9, 2)]
    assert row("ß") == []
    assert len(row("ßß")) == 2


def test_ones() -> None:
    """The places of the ones, in order."""
    assert name_bits._ones("") == []
    assert name_bits._ones("000") == []
    assert name_bits._ones("1011") == [0, 2, 3]
