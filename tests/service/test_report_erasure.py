"""The people who were forgotten of late are known for fifty hours, and by no name."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from mfa_gate.core.model import SubjectKey
from mfa_gate.service.notes_end import prune_notes
from mfa_gate.service.report_erasure import KNOWN_FOR, erased_at, note_erasure
from mfa_gate.service.report_recorder import MAX_HOURS
from tests.harness import START, World, make_world, running

ANN, BOB = SubjectKey("alpha", "ann"), SubjectKey("alpha", "bob")


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A gate of which nobody was forgotten."""
    async with running(make_world()) as made:
        made.clock.at = START
        yield made


async def test_the_time_at_which_each_was_forgotten(world: World) -> None:
    """Each person has a time of its own, and others of the list none."""
    assert await erased_at(world.engine, "alpha", ["ann"]) == {}
    await note_erasure(world.engine, ANN)
    world.clock.advance(5)
    await note_erasure(world.engine, BOB)
    assert await erased_at(world.engine, "alpha", ["ann", "bob", "eve"]) == {"ann": START, "bob": START + 5}
    assert await erased_at(world.engine, "beta", ["ann"]) == {}
    await note_erasure(world.engine, ANN)
    assert await erased_at(world.engine, "alpha", ["ann"]) == {"ann": START + 5}


async def test_nobody_is_known_by_name(world: World) -> None:
    """The note holds no id, and not the same word for one id in two tenants."""
    await note_erasure(world.engine, ANN)
    await note_erasure(world.engine, SubjectKey("beta", "ann"))
    notes = [await world.store.meta(f"report:erased@{tenant}") for tenant in ("alpha", "beta")]
    assert all(note and b"ann" not in note for note in notes)
    assert notes[0] != notes[1]


async def test_it_is_forgotten_after_fifty_hours(world: World) -> None:
    """A note ends by itself.

    An older one ends at its time where a later one keeps the list.
    """
    await note_erasure(world.engine, ANN)
    world.clock.advance(KNOWN_FOR - 1)
    assert await erased_at(world.engine, "alpha", ["ann"]) == {"ann": START}
    await note_erasure(world.engine, BOB)
    assert await erased_at(world.engine, "alpha", ["ann"]) == {"ann": START}
    world.clock.advance(1)
    await note_erasure(world.engine, BOB)
    assert await erased_at(world.engine, "alpha", ["ann", "bob"]) == {"bob": START + KNOWN_FOR}
    world.clock.advance(KNOWN_FOR - 1)
    await prune_notes(world.engine)
    assert await erased_at(world.engine, "alpha", ["bob"]) == {"bob": START + KNOWN_FOR}
    world.clock.advance(1)
    await prune_notes(world.engine)
    assert await erased_at(world.engine, "alpha", ["bob"]) == {}


def test_fifty_hours() -> None:
    """A worker keeps 48 finished hours of counts, the one that runs, and one to be safe."""
    assert KNOWN_FOR == (MAX_HOURS + 2) * 3600 == 50 * 3600
