"""The memory store keeps the contract of all stores."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from mfa_gate.core.model import SubjectKey
from mfa_gate.core.settings_codec import settings_from
from mfa_gate.core.summary import Summary
from mfa_gate.errors import StoreMissing, StoreUnavailable
from mfa_gate.storage import take_one
from mfa_gate.stores import memory
from mfa_gate.stores.common.documents import summary_from
from mfa_gate.stores.memory import MemoryStore
from mfa_gate.testing.store_suite import ALICE, StoreSuite, changed, enrolled, event


class TestMemoryStore(StoreSuite):
    """The shared suite."""

    @pytest.fixture
    async def store(self) -> AsyncIterator[MemoryStore]:
        store = MemoryStore()
        await store.open()
        yield store
        await store.aclose()

    @pytest.fixture
    async def other(self, store: MemoryStore) -> AsyncIterator[MemoryStore]:
        other = store.another()
        await other.open()
        yield other
        await other.aclose()

    @pytest.fixture
    async def missing(self) -> AsyncIterator[MemoryStore]:
        missing = MemoryStore()
        yield missing
        await missing.aclose()


async def test_closed_is_unavailable() -> None:
    """A store that is not open refuses rather than to look empty (F-1)."""
    store = MemoryStore()
    with pytest.raises(StoreUnavailable):
        await store.load(SubjectKey("t", "a"))
    with pytest.raises(StoreUnavailable):
        changed(store)


async def test_a_long_absence_is_everything() -> None:
    """S-122: a worker that missed more changes than are kept forgets all it cached."""
    store = MemoryStore()
    await store.open()
    sleeper = store.another()
    await sleeper.open()
    changed(sleeper)
    for number in range(10_050):
        store._contents.changes.note(SubjectKey("t", str(number)))
    assert not isinstance(changed(sleeper), frozenset)


async def test_a_line_that_is_found_as_another_is_told() -> None:
    """The place is that of a line whose event says something else than its text."""
    store = MemoryStore()
    await store.open()
    await store.append([event(number) for number in range(4)])
    lines = store._contents.lines
    for place in (1, 3):
        kept = lines[place]
        assert kept is not None
        lines[place] = (replace(kept[0], account="bob"), *kept[1:])
    assert await store.misfiled("clinic") == [1, 3]
    assert await store.misfiled("clinic", after=1) == [3]
    assert await store.misfiled("clinic", limit=3) == [1]
    assert await store.misfiled("other") == []


async def test_limits_that_ended_are_forgotten() -> None:
    """S-122: buckets of the past do not pile up."""
    store = MemoryStore()
    await store.open()
    for number in range(2_000):
        await take_one(store, f"address {number}", limit=3, window=60, now=1000 + number)
    assert len(store._contents.taken) < 200


@pytest.mark.parametrize(
    "body",
    [
        '{"enabled_at":"x"}',
        '{"enabled_at":true}',
        '{"enabled_at":-1}',
        '{"enabled_at":1.5}',
        '{"enabled_at":null}',
        '{"tested_at":[]}',
        '{"factors":"totp"}',
        '{"factors":["totp",1]}',
        '{"factors":{"totp":1}}',
        '{"newer":1}',
        "[]",
        "7",
        "{",
        "[" * 100_000,
    ],
)
def test_settings_of_another_type(body: str) -> None:
    """Settings with a value of another type are an outage.

    They never count as turned on, or off.
    """
    with pytest.raises(StoreUnavailable, match="settings of tenant 'clinic'"):
        settings_from("clinic", 1, body)


@pytest.mark.parametrize(
    "parts",
    [
        [],
        ["A"],
        [1, "verified", [], 0, 0],
        ["A", "odd", [], 0, 0],
        ["A", "verified", "totp", 0, 0],
        ["A", "verified", [], "0", 0],
    ],
)
def test_a_damaged_line_of_the_list(parts: list[object], caplog: pytest.LogCaptureFixture) -> None:
    """A damaged line is shown with its id alone, and said; it hides nobody."""
    assert summary_from(ALICE, parts) == Summary(key=ALICE, name="?", status="not_enrolled", factors=())
    assert "alice" in caplog.text


async def test_a_store_that_is_opened_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """It counts as one user of its name, and what it holds stays."""
    held: list[bytes] = []

    def take(purpose: str) -> tuple[bytes, bool]:
        held.append(purpose.encode())
        return held[-1], False

    monkeypatch.setattr(memory, "take_name", take)
    monkeypatch.setattr(memory, "give_back", held.remove)
    store = MemoryStore()
    with pytest.raises(StoreMissing):
        await store.open(make=False)
    await store.open()
    assert held == [b"memory"]
    assert await store.swap(enrolled(SubjectKey("t", "a")))
    await store.open()
    await store.open(make=False)
    assert held == [b"memory"]
    await store.aclose()
    await store.aclose()
    assert held == []
    await store.open(make=False)
    assert (await store.load(SubjectKey("t", "a"))).version == 1
    await store.accept()
    await store.aclose()


@pytest.mark.parametrize("is_met", [True, False])
async def test_another_worker_is_told_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, is_met: bool
) -> None:
    """Each worker has its own accounts and locks there."""
    monkeypatch.setattr(memory, "take_name", lambda purpose: (purpose.encode(), is_met))
    store = MemoryStore()
    await store.open()
    assert store._sibling_name == b"memory"
    assert ["is used by several worker processes" in record.getMessage() for record in caplog.records] == [
        True
    ] * is_met
    await store.aclose()
