"""The signed notes about trails.

Nobody without a key writes one, and the gate writes over none of somebody else.
"""

from __future__ import annotations

import pytest

from mfa_gate.keyring import Keyring
from mfa_gate.service.trail_keys import TrailKeys
from mfa_gate.service.trail_notes import LIST, TURNS, ForgedNote, SignedHead, TrailNotes
from mfa_gate.stores.memory import MemoryStore
from tests.harness import key

KEYS = TrailKeys(Keyring([key(1)]))
HEAD = SignedHead(tenant="alpha", lines=7, digest="d" * 64, place=9, since=2, at=1_750_000_000)


@pytest.fixture
def notes(store: MemoryStore) -> TrailNotes:
    return TrailNotes(store, KEYS)


async def test_a_head_comes_back_as_it_was(notes: TrailNotes, store: MemoryStore) -> None:
    """A head of one trail stands for no other, and a changed one for none."""
    assert await notes.head("alpha") is None
    await notes.put_head(HEAD)
    assert await notes.head("alpha") == HEAD
    body = await store.meta("trail-head:alpha")
    assert body is not None
    await store.put_meta("trail-head:beta", body)
    await store.put_meta("trail-head:alpha", body.replace(b'"lines":7', b'"lines":6'))
    for tenant in ("alpha", "beta"):
        with pytest.raises(ForgedNote):
            await notes.head(tenant)


async def test_leave_to_prune_only_grows(notes: TrailNotes) -> None:
    """An older number changes nothing, unless the note is made anew."""
    assert await notes.pruned("alpha") == 0
    for lines, after in ((5, 5), (4, 5), (5, 5), (6, 6)):
        await notes.put_pruned("alpha", lines)
        assert await notes.pruned("alpha") == after
    await notes.put_pruned("alpha", 2, anew=True)
    assert await notes.pruned("alpha") == 2


async def test_the_list_of_trails_grows(notes: TrailNotes) -> None:
    """An empty list is a list; names are added, and none is lost."""
    assert await notes.tenants() is None
    await notes.add_tenants(())
    assert await notes.tenants() == frozenset()
    await notes.add_tenants(["beta"])
    await notes.add_tenants(["alpha", "beta"])
    assert await notes.tenants() == frozenset({"alpha", "beta"})


async def test_a_known_name_is_not_written_again(
    notes: TrailNotes, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each new line asks for this, so a known name costs no write; a new one costs one."""
    writes, put = list[str](), store.put_meta

    async def counted(name: str, value: bytes, /, *, until: int = 0) -> None:
        writes.append(name)
        await put(name, value, until=until)

    monkeypatch.setattr(store, "put_meta", counted)
    await notes.add_tenants(["alpha"])
    await notes.add_tenants(["alpha"])
    await notes.add_tenants(["beta"])
    await notes.add_tenants(["alpha"])
    assert writes == [LIST, LIST]


async def test_a_list_that_others_write_over_is_written_again(
    notes: TrailNotes, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name is added once more, a few times, where another worker had read the list before."""
    await notes.add_tenants(())
    before, put, lost = await store.meta(LIST), store.put_meta, 2

    async def overwritten(name: str, value: bytes, /, *, until: int = 0) -> None:
        nonlocal lost
        lost -= 1
        assert before is not None
        await put(name, before if lost >= 0 else value, until=until)

    monkeypatch.setattr(store, "put_meta", overwritten)
    await notes.add_tenants(["alpha"])
    assert await notes.tenants() == frozenset({"alpha"})
    assert lost == -1
    lost = TURNS
    await notes.add_tenants(["beta"])
    assert (lost, await notes.tenants()) == (0, frozenset())


async def test_a_forged_list_is_replaced_only_where_that_is_asked(notes: TrailNotes, store: MemoryStore) -> None:
    """The next line of a trail does not sign over it; an operator who accepts the store does."""
    await store.put_meta(LIST, b'{"tenants":["evil"]}\nno signature')
    with pytest.raises(ForgedNote):
        await notes.add_tenants(["alpha"])
    with pytest.raises(ForgedNote):
        await notes.tenants()
    await notes.add_tenants(["alpha"], anew=True)
    assert await notes.tenants() == frozenset({"alpha"})
