"""A hold keeps every line of a trail, and stands in the trail itself."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from mfa_gate.core.model import SubjectKey
from mfa_gate.service import legal_holds as module
from mfa_gate.service.legal_holds import NOTE, LegalHold
from tests.harness import START, World, make_world, running


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A host with two trails."""
    async with running(make_world()) as made:
        for tenant in ("alpha", "beta"):
            await made.engine.record((made.engine.moment().event("attempt.failed", SubjectKey(tenant, "ann")),))
        yield made


async def test_holds_begin_and_end(world: World) -> None:
    """Each is told with who began it and why; the end of one leaves the others."""
    holds = world.gate.service.legal_holds
    first = await holds.begin("beta", by="operator:eve", reason="case 7")
    world.clock.advance(5)
    second = await holds.begin("beta", by="operator:bob", reason="case 8")
    third = await holds.begin("alpha", by="operator:eve", reason="case 9")
    assert first == LegalHold(ref=first.ref, tenant="beta", by="operator:eve", at=START, reason="case 7")
    assert await holds.of("beta") == (first, second)
    assert await holds.all() == (third, first, second)
    (told, _) = reversed((await world.store.events("beta", kind="audit.hold")).items)
    assert (told.id, told.account, told.actor, told.reason) == (first.ref, "", "operator:eve", "case 7")
    await holds.end(first, by="operator:mia", reason="closed")
    (released,) = (await world.store.events("beta", kind="audit.released")).items
    assert (released.actor, released.reason, released.detail) == ("operator:mia", "closed", {"hold": first.ref})
    assert await holds.of("beta") == (second,)
    assert await holds.all() == (third, second)


@pytest.mark.parametrize("lost", [True, False], ids=["the note", "nothing"])
async def test_a_hold_outlives_its_note(world: World, lost: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The trail alone says which holds are there, also over many pieces."""
    monkeypatch.setattr(module, "AT_ONCE", 2)
    holds = world.gate.service.legal_holds
    made = []
    for number in range(5):
        made.append(await holds.begin("alpha", by="operator:eve", reason=f"case {number}"))
        world.clock.advance(1)
    await holds.end(made[2], by="operator:eve", reason="closed")
    if lost:
        await world.store.drop_meta(NOTE)
    left = tuple(hold for hold in made if hold is not made[2])
    assert await holds.of("alpha") == left
    assert await holds.all() == left


async def test_a_note_without_its_trail_still_holds(world: World) -> None:
    """The note keeps the rest of a trail whose line about the hold is gone."""
    holds = world.gate.service.legal_holds
    lonely = LegalHold(ref="R", tenant="gone", by="operator:eve", at=START, reason="case 7")
    await holds._write((lonely,))
    assert await holds.of("gone") == (lonely,)
    assert await holds.all() == (lonely,)


async def test_a_note_that_stands_is_not_written_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read once more, and written again only where another process has written over it."""
    store, reads, writes = world.store, list[str](), list[str]()
    meta, put = store.meta, store.put_meta

    async def read(name: str) -> bytes | None:
        reads.append(name)
        return await meta(name)

    async def write(name: str, value: bytes, *, until: int = 0) -> None:
        if name == NOTE:
            writes.append(name)
            if len(writes) == 1:
                return  # somebody else has the last word
        await put(name, value, until=until)

    monkeypatch.setattr(store, "meta", read)
    monkeypatch.setattr(store, "put_meta", write)
    hold = await world.gate.service.legal_holds.begin("alpha", by="operator:eve", reason="case 7")
    assert (reads.count(NOTE), len(writes)) == (3, 2)
    assert await world.gate.service.legal_holds.of("alpha") == (hold,)
