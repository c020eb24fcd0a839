"""The end of a store: the connections that are closed.

The memory that is written down.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mfa_gate.core.model import SubjectKey
from mfa_gate.errors import StoreUnavailable
from mfa_gate.storage import EVERYTHING, Reader
from mfa_gate.stores import store_from_url
from mfa_gate.stores.common.change_log import ChangeLog
from mfa_gate.stores.sqlite import SQLiteStore
from mfa_gate.stores.sqlite.generation_file import Memory
from mfa_gate.testing.store_suite import ALICE, enrolled

KINDS = ("redis", "postgres")


def store_of(kind: str, marker: str = "") -> Any:
    """Make a store that has connected to nothing."""
    url = {"redis": "redis://127.0.0.1:1", "postgres": "postgresql://127.0.0.1:1/x"}[kind]
    return store_from_url(f"{url}?marker={marker}" if marker else url)


def mark_of(store: Any) -> Any:
    return store._mark if hasattr(store, "_mark") else store._high_water_mark


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("marked", "settled", "trouble", "forked", "is_started", "is_kept"),
    [
        (True, True, "", False, True, True),
        (False, True, "", False, True, False),
        (True, False, "", False, True, False),
        (True, True, "an older copy", False, True, False),
        (True, True, "", True, True, False),
        (True, True, "", False, False, False),
    ],
)
async def test_how_far_it_had_come_is_written_down(
    tmp_path: Path,
    kind: str,
    marked: bool,
    settled: bool,
    trouble: str,
    forked: bool,
    is_started: bool,
    is_kept: bool,
) -> None:
    """By the process that has opened it, and never the numbers of a refused one (S-123, F-40)."""
    store, closed = store_of(kind, str(tmp_path / "marker") if marked else ""), list[int]()

    async def aclose() -> None:
        closed.append(1)

    session = SimpleNamespace(aclose=aclose, forked=forked)
    store._sessions.take_all = lambda: session if is_started else None
    mark = mark_of(store)
    mark.begin("id", 0)
    mark.settled = {"part": 7} if settled else {}
    mark.trouble, store._open = trouble, True
    await store.aclose()
    assert not store._open
    assert len(closed) == (is_started and not forked)
    assert (tmp_path / "marker").exists() is is_kept
    if is_kept:
        assert store._generation_file.read() == ("id", 0, {"part": 7})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("is_open", "has_session", "forked", "log", "answer"),
    [
        (False, True, False, True, "is not open"),
        (True, False, True, False, "is not open"),
        (True, False, False, False, EVERYTHING),
        (True, True, False, False, EVERYTHING),
        (True, True, True, True, frozenset()),
        (True, True, False, True, frozenset()),
    ],
)
async def test_changes_are_told_while_it_is_open(
    kind: str, is_open: bool, has_session: bool, forked: bool, log: bool, answer: Any
) -> None:
    """A store without a session on this loop may begin one; in a child it has to (F-40)."""
    store, changes = store_of(kind), ChangeLog()
    session = SimpleNamespace(changes=lambda: changes if log else None)
    store._open = is_open
    store._sessions = SimpleNamespace(of_this_loop=lambda: session if has_session else None, any_forked=forked)
    reader = Reader()
    if isinstance(answer, str):
        with pytest.raises(StoreUnavailable, match=answer):
            store.changed(reader)
        return
    assert store.changed(reader) is EVERYTHING
    assert store.changed(reader) == answer
    if log:
        changes.note(ALICE)
        assert store.changed(reader) == frozenset({ALICE})
        assert store.changed(reader) == frozenset()


@pytest.mark.parametrize("kind", KINDS)
async def test_a_start_that_fails_leaves_nothing(kind: str) -> None:
    """Its session is closed, and the store is not open."""
    store = store_of(kind)
    with pytest.raises(StoreUnavailable):
        await store.open()
    assert not store._open
    assert store._sessions.of_this_loop() is None
    with pytest.raises(StoreUnavailable, match="is not open"):
        await store.load(ALICE)
    await asyncio.sleep(0)


async def test_the_last_change_of_a_file_is_remembered(tmp_path: Path) -> None:
    """At the end, if it was not worth it before.

    A store that was never opened remembers nothing.
    """
    store = SQLiteStore(tmp_path / "mfa.db")
    await store.aclose()
    assert list(tmp_path.iterdir()) == []
    await store.open()
    for number in range(3):
        assert await store.swap(enrolled(SubjectKey("clinic", str(number))))
    before = store._file.generation_file.read()
    assert before == Memory(store._file.store_id, 1)
    await store.aclose()
    assert store._file.generation_file.read() == Memory(store._file.store_id, 3)
    assert sorted(item.name for item in tmp_path.iterdir()) == ["mfa.db", "mfa.db.created"]
    await store.aclose()
