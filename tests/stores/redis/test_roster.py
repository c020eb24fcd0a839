"""The index of names while it is not whole, and lines of the roster that somebody damaged."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from mfa_gate.core.model import SubjectKey
from mfa_gate.errors import StoreUnavailable
from mfa_gate.stores.redis import name_bits, roster
from mfa_gate.stores.redis.names import keys_of


def session(*, places: int, known: int, run: Any) -> Any:
    """The part of a session that a search by name asks.

    ``places`` of ``known`` people are in the index.
    """

    async def ask(*_: object) -> tuple[int, int, tuple[bytes, bytes]]:
        return places, known, (b"1", b"1")

    return SimpleNamespace(ask=ask, run=run, store_id="s")


@pytest.mark.parametrize("gone", [False, True])
async def test_an_index_that_is_not_whole_finds_nothing(gone: bool) -> None:
    """A search then reads the roster itself.

    Some missing people are added each time, a few pieces at most.
    """
    pieces = 0

    async def run(*_: object, **__: object) -> None:
        nonlocal pieces
        pieces += 1
        if gone:
            raise StoreUnavailable("away")

    assert await roster.find_by_name(session(places=1, known=9, run=run), "clinic", "ann") is None
    assert pieces == (1 if gone else 4)


@pytest.mark.parametrize("word", ["", "a\0b", "a\1b", "a\2b"])
async def test_a_word_that_no_index_has(word: str) -> None:
    """No word, and the signs between the parts of a line, are not asked of the index."""
    assert await roster.find_by_name(session(places=1, known=1, run=None), "clinic", word) is None


async def test_too_many_to_sort(monkeypatch: pytest.MonkeyPatch) -> None:
    """A word that more people have than can be sorted here is left to the roster."""

    async def run(*_: object, **__: object) -> list[bytes]:
        return [b"done", *(b"%d" % number for number in range(3))]

    async def some(*_: object, **__: object) -> list[bytes]:
        return [b"ann"]

    monkeypatch.setattr(name_bits, "make", some)
    monkeypatch.setattr(name_bits, "strings_with", some)
    assert await roster.find_by_name(session(places=1, known=1, run=run), "clinic", "ann") == [b"0", b"1", b"2"]
    monkeypatch.setattr(roster, "_MOST_NAMED", 2)
    assert await roster.find_by_name(session(places=1, known=1, run=run), "clinic", "ann") is None


@pytest.mark.parametrize("line", [b"", b"{", b"[" * 100_000, b'"ann"', b"\xff"])
def test_a_damaged_line_shows_the_id_alone(line: bytes) -> None:
    """A line that cannot be read hides nobody: the id stays."""
    found = roster.summary_from("clinic", b"ann", line)
    assert (found.key, found.name) == (SubjectKey("clinic", "ann"), "?")


class Lines:
    """A session whose server has these lines, by id. ``asked`` counts the questions."""

    store_id = "s"

    def __init__(self, lines: dict[str, bytes], store: bytes | None = b"s") -> None:
        self.lines, self.store = lines, store
        self.asked: list[list[str]] = []
        self.unknown: list[str] = []

    async def ask(self, key: str, *commands: Sequence[Any], writes: bool = False) -> list[Any]:
        """Answer the lines, and the store of the tenant's head."""
        keys = keys_of("clinic")
        assert key == keys.head
        found = list[Any]()
        for command in commands:
            if command == ("HGET", keys.head, "store"):
                found.append(self.store)
            else:
                assert command[:2] == ("HMGET", keys.lines)
                self.asked.append([id.decode() for id in command[2:]])
                found.append([self.lines.get(id) for id in self.asked[-1]])
        return found

    async def is_unknown(self, tenant: str) -> bool:
        """Note the question if the tenant was lost."""
        self.unknown.append(tenant)
        return True


def line(status: str) -> bytes:
    return json.dumps(["Ann", status, ["totp"], 0, 7]).encode() + b"\nann"


PEOPLE = {id: line("locked" if id in "bd" else "verified") for id in "abcdef"}


@pytest.mark.parametrize(
    ("ids", "status", "limit", "found", "pieces"),
    [
        ("abcdef", "", 9, "abcdef", 3),
        ("abcdef", "", 4, "abcd", 2),
        ("abcdef", "", 3, "abc", 2),
        ("abcdef", "", 2, "ab", 1),
        ("abcdef", "locked", 9, "bd", 3),
        ("abcdef", "locked", 1, "b", 1),
        ("abcdef", "verified", 2, "ac", 2),
        ("fxa", "", 9, "fa", 2),
        ("", "", 9, "", 0),
    ],
)
async def test_summaries_in_their_order(
    monkeypatch: pytest.MonkeyPatch, ids: str, status: str, limit: int, found: str, pieces: int
) -> None:
    """Those with the status, without those that are gone, until there are enough."""
    monkeypatch.setattr(roster, "_LINES_AT_ONCE", 2)
    asked: Any = Lines(PEOPLE)
    given = [id.encode() for id in ids]
    lines = await roster.summaries_of(asked, "clinic", given, status=status, limit=limit)
    assert "".join(one.key.id for one in lines) == found
    assert len(asked.asked) == pieces
    assert all(one == roster.summary_from("clinic", one.key.id.encode(), PEOPLE[one.key.id]) for one in lines)


async def test_summaries_of_named_people(monkeypatch: pytest.MonkeyPatch) -> None:
    """In pieces; those that are not there are left out."""
    monkeypatch.setattr(roster, "_LINES_AT_ONCE", 2)
    asked: Any = Lines(PEOPLE)
    found = await roster.summaries(asked, "clinic", ["c", "x", "a", "b", "y"])
    assert [*found] == ["c", "a", "b"]
    assert (found["b"].status, found["b"].key, found["b"].last_proof_at) == ("locked", SubjectKey("clinic", "b"), 7)
    assert (asked.asked, asked.unknown) == ([["c", "x"], ["a", "b"], ["y"]], [])


@pytest.mark.parametrize("store", [None, b"other"])
async def test_summaries_of_a_tenant_that_is_gone(store: bytes | None) -> None:
    """It is looked for; one that was never there has nobody."""
    asked: Any = Lines(PEOPLE, store)
    assert await roster.summaries(asked, "clinic", ["a"]) == {}
    assert asked.unknown == ["clinic"]


async def test_few_missing_people_are_added_and_the_index_is_used() -> None:
    """An index that is whole answers with its places, and its blocks that have bits."""
    answers = [(1, 3, (b"2", b"1")), (2, 3, (b"2", b"1")), (3, 3, (b"41", b"7"))]
    ran = list[tuple[Any, ...]]()

    async def ask(*asked: object) -> tuple[object, ...]:
        keys = keys_of("clinic")
        assert asked[0] == keys.head
        assert asked[1:3] == (("HLEN", keys.places), ("ZCARD", keys.ids))
        return answers.pop(0)

    async def run(*given: Any) -> None:
        ran.append(given)

    made: Any = SimpleNamespace(ask=ask, run=run, store_id="s")
    assert await roster._whole_index(made, "clinic") == (41, 7)
    assert len(ran) == 2
    assert ran[0][2:] == ("s", roster._PIECE)


@pytest.mark.parametrize("place", [0, 1, 2])
async def test_strings_are_read_a_piece_at_a_time(monkeypatch: pytest.MonkeyPatch, place: int) -> None:
    """The ids come in order; a piece whose tenant is gone has none."""
    asked = list[Any]()

    async def run(*given: Any, writes: bool) -> list[bytes]:
        asked.append((given[2:], writes))
        first = len(asked) - 1
        return [b"gone"] if first == place else [b"done", b"z%d" % first, b"a%d" % first]

    async def none(*_: object, **__: object) -> int:
        return 0

    async def strings(*_: object, **__: object) -> range:
        return range(5)

    monkeypatch.setattr(roster, "_STRINGS_AT_ONCE", 2)
    monkeypatch.setattr(name_bits, "make", none)
    monkeypatch.setattr(name_bits, "strings_with", strings)
    found = await roster.find_by_name(session(places=1, known=1, run=run), "clinic", "ann")
    kept = [number for number in range(3) if number != place]
    assert found == [*(b"a%d" % number for number in kept), *(b"z%d" % number for number in kept)]
    assert asked == [(("s", "ann", *piece), False) for piece in ((0, 1), (2, 3), (4,))]


def test_a_line_is_read_as_it_was_written() -> None:
    """Signs that part the index of names are spaces in the text that is searched.

    Stay in the name.
    """
    summary = roster.summary_from("clinic", b"ann", line("locked"))
    written = roster.line_of(replace(summary, name="a\0b\1c\2d")).encode()
    document, _, text = written.partition(b"\n")
    assert json.loads(document) == ["a\0b\1c\2d", "locked", ["totp"], 0, 7]
    assert b"a b c d" in text
    assert roster.summary_from("clinic", b"ann", written).name == "a\0b\1c\2d"
