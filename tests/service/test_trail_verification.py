"""Verifying a trail finds every line that was removed, moved or altered."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mfa_gate.core.events import Event
from mfa_gate.core.trail import START, chain, event_to_json, link_digest
from mfa_gate.keyring import Keyring
from mfa_gate.service.trail_keys import TrailKeys
from mfa_gate.service.trail_notes import TrailNotes
from mfa_gate.service.trail_verification import (
    ALTERED,
    CUT,
    FOREIGN,
    KEYLESS,
    LIST_GONE,
    MOVED,
    OTHERS,
    Fault,
    Terms,
    TrailCheck,
    first_fault,
    verify_trail,
)
from mfa_gate.storage import ChainPoint
from mfa_gate.stores.memory import MemoryStore
from tests.harness import key

from .intruder import IntoMemory
from .test_trail_attacks import ATTACKS, LIST, OLD, OUTSIDE, A, B, forge, scene_on
from .trails import StoredTrail

EVENTS = [
    Event(id=f"e{n}", kind="attempt.failed", at=n, tenant="t", account="ä\u2028\x00'", detail={"n": n, "w": "x"})
    for n in range(5)
]


def written() -> list[tuple[Event, str]]:
    links, digest = [], START
    for event in EVENTS:
        digest = chain(digest, link_digest(event_to_json(event)))
        links.append((event, digest))
    return links


async def first_broken(links: list[tuple[Event, str]], head: str) -> int:
    """The place that is found, -1 for none."""
    lines = [(event_to_json(event), digest) for event, digest in links]
    return (await verify_trail(StoredTrail(lines, head))).get("t", -1)


async def test_whole_chain() -> None:
    """An untouched trail holds, an empty one too."""
    links = written()
    assert await first_broken(links, links[-1][1]) == -1
    assert await first_broken([], START) == -1


@pytest.mark.parametrize("at", range(5))
async def test_any_change_shows(at: int) -> None:
    """Altering, removing or moving any line is found where it happened; so is a cut-off tail."""
    links = written()
    head = links[-1][1]
    altered = [*links[:at], (replace(links[at][0], reason="x"), links[at][1]), *links[at + 1 :]]
    assert await first_broken(altered, head) == at
    assert await first_broken(links[:at] + links[at + 1 :], head) == at
    if at:
        moved = [*links[: at - 1], links[at], links[at - 1], *links[at + 1 :]]
        assert await first_broken(moved, head) == at - 1
    assert await first_broken(links[:at], head) == at


HEAD = "the head is not the last line’s"
REMOVED, FORGED = "the signed head was removed", "the signed head was altered: it bears no signature of a known key"
BEGINNING = "the first lines were removed, and nothing signed says so: line"
SAID: dict[str, dict[str, str]] = {
    "the first line is removed": {A: ALTERED},
    "the last line is removed": {A: CUT},
    "the last ten lines are removed and the head put back": {A: CUT},
    "the last line is removed, the head and the signed head with it": {A: REMOVED},
    "a line names another tenant": {A: ALTERED},
    "a line names a key that nobody has": {A: "this line was chained with a key that is not listed: xxxx"},
    "a line loses its key and is chained anew": {A: KEYLESS},
    "a column names another person": {A: OTHERS},
    "the head has another digest": {A: HEAD},
    "the head counts fewer lines": {A: HEAD},
    "the head counts more lines": {A: CUT},
    "all signed heads are removed": {A: REMOVED, B: REMOVED, OLD: REMOVED},
    "the signed head is altered": {A: FORGED},
    "the list of trails is removed": {LIST: LIST_GONE},
    "lines are removed and an anchor is forged": {A: f"{BEGINNING} 5"},
    "the leave to prune is removed": {OLD: f"{BEGINNING} 13"},
    "the anchor counts fewer lines": {OLD: CUT},
    "the places of a trail are shifted": {A: MOVED},
    "the whole store is made to look unsigned": {LIST: LIST_GONE, A: KEYLESS, B: KEYLESS, OLD: f"{BEGINNING} 13"},
    "the whole store is restored from yesterday": {A: CUT, B: CUT},
}
"""The words for each sort of attack, by tenant."""


async def test_the_words_for_a_fault() -> None:
    """S-124: a fault is told with what was found, so an operator knows where to look."""
    store = MemoryStore()
    async with scene_on(store, lambda: IntoMemory(store)) as scene:
        service, found = scene.world.gate.service, {}
        for name in SAID:
            attack, _ = {**ATTACKS, **OUTSIDE}[name]
            loot = scene.today.copy()
            attack(loot, scene.yesterday.copy())
            scene.into.put(loot)
            kept = dict[str, list[ChainPoint]]()
            if name in OUTSIDE:
                heads = {tenant: scene.today.trails[tenant].head for tenant in (A, B)}
                kept = {tenant: [ChainPoint(lines=lines, digest=digest)] for tenant, (lines, digest) in heads.items()}
            broken = (await service.retention.verify(expected=kept)).broken
            found[name] = {tenant: fault.text for tenant, fault in broken.items()}
        assert found == SAID
        loot = scene.today.copy()
        forge(loot, "trail-pruned", lambda note: note.replace(b'"lines":12', b'"lines":15'))
        forge(loot, "trails", lambda note: note.replace(b"beta", b"bete"))
        scene.into.put(loot)
        broken = (await service.retention.verify()).broken
        forged = "it bears no signature of a known key"
        assert {tenant: (fault.place, fault.text) for tenant, fault in broken.items()} == {
            LIST: (0, f"the signed list of trails was altered: {forged}"),
            OLD: (12, f"the signed beginning was altered: {forged}"),
        }


async def test_one_trail_and_none() -> None:
    """One trail is checked alone, and one that is not there is said to be unknown."""
    store = MemoryStore()
    async with scene_on(store, lambda: IntoMemory(store)) as scene:
        scene.alter(ATTACKS["a line is altered"][0])
        verify = scene.world.gate.service.retention.verify
        assert {tenant: fault.place for tenant, fault in (await verify(A)).broken.items()} == {A: 6}
        verdict = await verify(OLD)
        assert (verdict.broken, verdict.unknown, verdict.is_whole) == ({}, (), True)
        assert {tenant: point.lines for tenant, point in verdict.anchors.items()} == {OLD: 12}
        verdict = await verify("nobody")
        assert (verdict.broken, verdict.unknown, verdict.is_whole) == ({}, ("nobody",), False)


@pytest.mark.parametrize(("most", "place"), [(0, 5), (5, None), (6, 5), (20, 5)])
async def test_only_the_oldest_lines(most: int, place: int | None) -> None:
    """A look at so many of the oldest lines finds what is wrong in them, and nothing behind."""
    store = MemoryStore()
    async with scene_on(store, lambda: IntoMemory(store)) as scene:
        scene.alter(ATTACKS["a digest is altered"][0])
        fault = await first_fault(store, A, Terms(scene.world.engine.trail_keys), most=most)
        assert (fault.place if fault else None) == place


async def test_a_kept_head_of_no_lines_and_of_too_many() -> None:
    """A head that somebody kept must stand in the trail, wherever it stands."""
    store = MemoryStore()
    async with scene_on(store, lambda: IntoMemory(store)) as scene:
        terms, words = Terms(scene.world.engine.trail_keys), "the expected head is of another line"
        for lines, place, said in ((0, 0, words), (1, 0, words), (7, 6, words), (20, 19, words), (21, 20, CUT)):
            terms.points = {lines: [("f" * 64, words)]}
            assert await first_fault(store, A, terms) == Fault(place, said), lines
        terms.points, terms.since = {}, 20
        assert await first_fault(store, A, terms) is None


async def test_a_line_of_another_tenant() -> None:
    """A line that is chained right and names another tenant is named.

    A key chains each trail by its own name.
    """
    links, digest = [], START
    for event in (EVENTS[0], replace(EVENTS[1], tenant="other")):
        digest = chain(digest, link_digest(event_to_json(event)))
        links.append((event_to_json(event), digest))
    trail, terms = StoredTrail(links, digest), Terms(_keys())
    assert await first_fault(trail, "t", terms) == Fault(1, FOREIGN)


def _keys() -> TrailKeys:
    return TrailKeys(Keyring([key(1)]))


async def test_a_beginning_of_before_trails_were_signed() -> None:
    """Only an event can say that lines were pruned before any gate has signed."""
    store = MemoryStore()
    async with scene_on(store, lambda: IntoMemory(store)) as scene:
        loot = scene.today.copy()
        ATTACKS["the whole store is made to look unsigned"][0](loot, loot)
        scene.into.put(loot)
        verdict = await TrailCheck(store, _keys(), is_keyed=False).run()
        assert (verdict.is_signed, verdict.broken) == (False, {})
        assert await TrailNotes(store, _keys()).tenants() is None
        loot.trails[OLD].rows = [row for row in loot.trails[OLD].rows if row.kind != "audit.pruned"]
        loot.trails[OLD].rechain()
        scene.into.put(loot)
        verdict = await TrailCheck(store, _keys(), is_keyed=False).run()
        assert verdict.broken == {OLD: Fault(0, "the first lines were removed, and no event says so")}


async def test_a_trail_that_is_pruned_while_it_is_read() -> None:
    """A fault that lines have left behind which went meanwhile is looked for again."""
    links = written()
    lines = [(event_to_json(event), digest) for event, digest in links]

    class Pruned(StoredTrail):
        """It loses its first two lines after the look at its beginning."""

        looks = 0

        async def anchor(self, tenant: str, /) -> ChainPoint:
            self.looks += 1
            if self.looks == 1:
                return ChainPoint()
            self._links = [link for link in self._links if link.place >= 2]
            return ChainPoint(lines=2, digest=links[1][1])

    trail = Pruned(lines, links[-1][1])
    trail._links = trail._links[2:]
    assert await first_fault(trail, "t", Terms()) is None
    assert trail.looks == 3
    whole = StoredTrail(lines[:2] + lines[3:], links[-1][1])
    fault = await first_fault(whole, "t", Terms())
    assert fault is not None
    assert fault.place == 2
