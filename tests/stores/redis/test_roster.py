"""The index of names while it is not whole, and lines of the roster that somebody damaged."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from mfa_gate.core.model import SubjectKey
from mfa_gate.errors import StoreUnavailable
from mfa_gate.stores.redis import name_bits, roster


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
