"""A running gate signs its trails a moment after each line.

It signs over nothing that somebody altered.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from mfa_gate.core.model import SubjectKey
from mfa_gate.errors import StoreUnavailable
from mfa_gate.service.store_checks import is_keyed
from mfa_gate.service.trail_signer import LOST, AlteredTrail
from mfa_gate.service.trail_verification import LIST_GONE, Fault
from mfa_gate.stores.memory import MemoryStore
from tests.harness import make_world, running

from .intruder import IntoMemory, Loot
from .test_trail_attacks import ATTACKS, LIST, OLD, OUTSIDE, A, B, Scene, delete_tenant, drop_notes, events, scene_on

HEAD, FOLLOW = "the head is not the last line’s", "this line does not follow the signed head"
REMOVED, NOTE = "the signed head was removed", "a signed note was altered"
BACK = "the signed head was set back, and lines behind it are gone"
TOLD: dict[str, dict[str, tuple[int, str]]] = {
    "the first line is removed": {A: (20, HEAD)},
    "many lines in the middle are removed": {A: (10, HEAD)},
    "the last line is removed": {},
    "the last line is removed and the head put back": {A: (20, HEAD)},
    "the last ten lines are removed and the head put back": {A: (11, HEAD)},
    "the last line is removed, the head and the signed head with it": {A: (21, REMOVED)},
    "a line is altered": {},
    "a line is altered and the rest chained anew": {A: (21, HEAD)},
    "a line loses its key and is chained anew": {A: (21, HEAD)},
    "a line is added": {A: (21, FOLLOW)},
    "a line is added and chained": {A: (21, FOLLOW)},
    "a line of another tenant is added": {A: (21, FOLLOW), B: (12, HEAD)},
    "the head has another digest": {A: (21, HEAD)},
    "the head counts fewer lines": {A: (13, HEAD)},
    "the head counts more lines": {A: (21, HEAD)},
    "all signed heads are removed": {A: (21, REMOVED), B: (13, REMOVED)},
    "the signed head is altered": {A: (1, NOTE)},
    "the signed head is of another tenant": {A: (1, NOTE)},
    "the list of trails is removed": {A: (1, LIST_GONE), B: (1, LIST_GONE)},
    "two tenants exchange their trails": {A: (1, NOTE), B: (1, NOTE)},
    "a trail is emptied with its head": {B: (1, HEAD)},
    "a trail is deleted with its signed head": {B: (13, REMOVED)},
    "the places of a trail are shifted": {A: (21, FOLLOW)},
    "a trail and its signed head are restored from yesterday": {A: (11, BACK)},
}
"""The attacks of which the next signature tells: the line and the words, by tenant.

It looks only at what comes behind the signed head, so an altered line before it is for ``audit verify``."""


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    """Three trails in memory, and an intruder."""
    store = MemoryStore()
    async with scene_on(store, lambda: IntoMemory(store)) as made:
        yield made


async def test_nothing_is_signed_over(scene: Scene) -> None:
    """A line that does not follow the signed head is told, and the note stays.

    S-124.
    """
    signer = scene.world.gate.service.trail_signer
    known, found = dict(signer._signed), {}
    for name in TOLD:
        attack, _ = {**ATTACKS, **OUTSIDE}[name]
        loot = scene.today.copy()
        attack(loot, scene.yesterday.copy())
        scene.into.put(loot)
        found[name] = dict[str, tuple[int, str]]()
        for tenant in (A, B):
            try:
                await signer.sign(tenant)
            except AlteredTrail as error:
                found[name][tenant] = error.fault.place + 1, error.fault.what
        if len(TOLD[name]) == 2:
            assert scene.into.take().notes == loot.notes
        signer._signed = dict(known)
    assert found == TOLD


async def sign_on(scene: Scene, number: int, *, tenant: str = A) -> None:
    """Write one more line as a running gate does, and sign it."""
    service = scene.world.gate.service
    service.engine.sign_heads = service.trail_signer._due
    await service.engine.record(events(tenant, number, 1))
    await service.trail_signer.flush()
    await service.engine.effects.idle()


def erased_list(loot: Loot) -> None:
    """Take a tenant's whole trail away with all that was signed, and the list."""
    delete_tenant(loot, "trail-head:beta", "trail-pruned:beta")
    for name in [*loot.notes]:
        if name.endswith("trails"):
            del loot.notes[name]


@pytest.mark.parametrize("is_ready", [True, False], ids=["in the midst", "before a start"])
async def test_a_removed_list_of_trails_stays_a_fault(scene: Scene, is_ready: bool) -> None:
    """The next line makes no new list of trails.

    A new one would lack a trail that was taken away whole (S-124).
    """
    loot, service = scene.today.copy(), scene.world.gate.service
    erased_list(loot)
    scene.into.put(loot)
    service.trail_signer._is_ready = is_ready
    await sign_on(scene, 100)
    verdict = await service.retention.verify()
    assert {tenant: fault.what for tenant, fault in verdict.broken.items()} == {LIST: LIST_GONE}
    assert [event.detail["found"] for event in scene.world.kinds("audit.altered")] == [LIST_GONE]


async def test_an_altered_trail_is_told_once_a_day(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    """The trail, the administrators and the log hear of it, with the line.

    Other trails are signed on.
    """
    service, loot = scene.world.gate.service, scene.today.copy()
    drop_notes(loot, "trail-head:alpha")
    scene.into.put(loot)
    for number in (100, 101):
        await sign_on(scene, number)
        await sign_on(scene, number, tenant=B)
    (event,) = scene.world.kinds("audit.altered")
    assert (event.tenant, event.account, event.actor, event.reason) == (A, "", "mfa_gate", "altered")
    assert event.detail == {"line": 21, "found": REMOVED}
    (line,) = (await scene.world.store.events(A, kind="audit.altered")).items
    assert line.id == event.id
    logged = [record.getMessage() for record in caplog.records if "was altered" in record.getMessage()]
    assert len(logged) == 1
    assert f"the trail of alpha was altered and is not signed: line 21: {REMOVED}" in logged[0]
    assert (await service.trail_signer.notes.head(B)).lines == 14  # type: ignore[union-attr]
    assert (await service.trail_signer.notes.head(A)) is None


async def test_a_worker_that_has_signed_nothing_yet_misses_a_head(scene: Scene) -> None:
    """The list of trails says that there was one; a trail that is new begins without a head."""
    signer, loot = scene.world.gate.service.trail_signer, scene.today.copy()
    drop_notes(loot, "trail-head:alpha")
    scene.into.put(loot)
    signer._signed.clear()
    with pytest.raises(AlteredTrail, match=f"line 1: {REMOVED}"):
        await signer.sign(A)
    await scene.world.engine.record(events("new", 0, 2))
    head = await signer.sign("new")
    assert (head.lines, head.since) == (2, 0)
    assert await signer.notes.tenants() == frozenset({A, B, OLD, "new"})


async def test_a_pruned_trail_is_signed_on_from_its_anchor(scene: Scene) -> None:
    """A head whose lines were all pruned is followed from the anchor on."""
    service = scene.world.gate.service
    notes, store = service.trail_signer.notes, scene.world.store
    head, anchor = await notes.head(OLD), await store.anchor(OLD)
    assert head is not None
    assert anchor.lines == 12
    await notes.put_head(replace(head, lines=5, digest="f" * 64, place=0))
    service.trail_signer._signed.clear()
    signed = await service.trail_signer.sign(OLD)
    assert signed.point == await store.head(OLD)
    assert signed.lines == 21


async def test_what_is_signed(scene: Scene) -> None:
    """The head has the trail's lines and digest, the place of its last line, and the time."""
    scene.world.clock.advance(77)
    await sign_on(scene, 100)
    notes, store = scene.world.gate.service.trail_signer.notes, scene.world.store
    head = await notes.head(A)
    assert head is not None
    assert head.point == await store.head(A)
    assert (head.lines, head.since, head.at) == (21, 0, scene.world.engine.now())
    assert head.place == (await store.links(A, after=-1))[-1].place
    assert await notes.tenants() == frozenset({A, B, OLD})


async def test_a_store_that_is_away_is_signed_later(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """No line is forgotten: neither the trail to sign, nor the lines to look for in it."""
    service = scene.world.gate.service
    signer, engine = service.trail_signer, service.engine
    engine.sign_heads = signer._due
    await engine.record(events(A, 100, 1))
    written = {tenant: set(ids) for tenant, ids in engine.written.items()}
    assert written[A] == {"alpha100"}
    away = True
    links = scene.world.store.links

    async def reads(*given: object, **named: object) -> object:
        if away:
            raise StoreUnavailable("the store is away")
        return await links(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(scene.world.store, "links", reads)
    await signer.flush()
    assert engine.grown == {A}
    assert engine.written[A] == written[A]
    away = False
    await signer.flush()
    assert (engine.grown, engine.written) == (set(), {})
    assert (await signer.notes.head(A)).lines == 21  # type: ignore[union-attr]


async def test_the_last_lines_are_signed_at_the_end(scene: Scene) -> None:
    """A gate that is closed signs what has grown, and nothing after it."""
    service = scene.world.gate.service
    service.engine.sign_heads = service.trail_signer._due
    await service.engine.record(events(A, 100, 1))
    await service.trail_signer.aclose()
    assert service.engine.sign_heads is None
    assert (await service.trail_signer.notes.head(A)).lines == 21


@pytest.mark.parametrize(
    ("attack", "line", "words"),
    [
        (lambda loot: drop_notes(loot, "trail-head:alpha"), 21, REMOVED),
        (lambda loot: erased_list(loot), 1, LIST_GONE),
    ],
    ids=["a head", "the list"],
)
async def test_an_operator_accepts_a_trail_as_it_stands(
    scene: Scene, attack: Callable[[Loot], None], line: int, words: str
) -> None:
    """An accepted fault stands in the trail for good, which is whole from then on."""
    loot, service = scene.today.copy(), scene.world.gate.service
    attack(loot)
    scene.into.put(loot)
    await sign_on(scene, 100)
    assert len(scene.world.kinds("audit.altered")) == 1
    await service.trail_signer.accept(A, Fault(line - 1, words), actor="operator:eve", reason="looked at it")
    (event,) = scene.world.kinds("audit.accepted")
    assert (event.tenant, event.account, event.actor, event.reason) == (A, "", "operator:eve", "looked at it")
    assert event.detail == {"line": line, "found": words}
    head = await service.trail_signer.notes.head(A)
    assert head is not None
    assert (head.point, head.at) == (await scene.world.store.head(A), scene.world.engine.now())
    assert head.place == (await scene.world.store.links(A, after=-1))[-1].place
    assert (await service.retention.verify()).broken == {}
    await sign_on(scene, 101)
    assert (await service.retention.verify()).broken == {}
    assert len(scene.world.kinds("audit.altered")) == 1


async def test_lines_that_vanish_are_missed(scene: Scene) -> None:
    """A line of this process that nobody signed is looked for before the signature."""
    service = scene.world.gate.service
    service.engine.sign_heads = service.trail_signer._due
    before = scene.into.take()
    await service.engine.record(events(A, 100, 1))
    scene.into.put(before)
    await service.trail_signer.flush()
    (event,) = scene.world.kinds("audit.altered")
    assert event.detail == {"line": 21, "found": LOST}


async def test_a_lost_line_among_very_many_is_not_looked_for(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """With more new lines than the look takes, none is read once more; with as many, each is."""
    monkeypatch.setattr("mfa_gate.service.trail_signer.MAX_NEW", 3)
    signer = scene.world.gate.service.trail_signer
    assert await signer._misses(A, {"gone"}, newest=3)
    assert not await signer._misses(A, {"gone"}, newest=4)
    assert not await signer._misses(A, {"alpha19", "alpha0"}, newest=1)
    monkeypatch.setattr("mfa_gate.service.trail_signer.MAX_LOOKED_AT", 19)
    assert await signer._misses(A, {"alpha0"}, newest=3)
    assert not await signer._misses(A, {"alpha1"}, newest=3)


async def test_a_fault_of_all_trails_is_in_the_log_alone(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    """It belongs to no trail, so no line of any says so."""
    await scene.world.gate.service.trail_signer.tell("", Fault(0, LIST_GONE))
    assert scene.world.kinds("audit.altered") == []
    assert "the trail of all tenants was altered" in caplog.text
    assert not [key for key in await scene.world.store.keys(limit=5) if key == SubjectKey("", "")]


async def test_a_new_store_has_its_list_at_once() -> None:
    """Before the first line, the list of trails is signed and the canary says so."""
    async with running(make_world()) as world:
        assert await world.gate.service.trail_signer.notes.tenants() == frozenset()
        assert await is_keyed(world.store, world.engine.keyring)


async def test_an_accepted_beginning_stays_accepted(scene: Scene) -> None:
    """An operator may accept that more lines are gone than the gate has pruned."""
    service = scene.world.gate.service
    scene.alter(ATTACKS["more is pruned than the gate has pruned"][0])
    (fault,) = (await service.retention.verify(OLD)).broken.values()
    await service.trail_signer.accept(OLD, fault, actor="operator:eve", reason="looked")
    assert await service.trail_signer.notes.pruned(OLD) == 15
    assert (await service.retention.verify(OLD)).broken == {}


async def test_a_cut_trail_that_was_accepted_goes_on(scene: Scene) -> None:
    """The process that had signed more lines raises no second alarm about them."""
    service = scene.world.gate.service
    scene.alter(ATTACKS["the last ten lines are removed and the head put back"][0])
    (fault,) = (await service.retention.verify(A)).broken.values()
    await service.trail_signer.accept(A, fault, actor="operator:eve", reason="a failover")
    await sign_on(scene, 300)
    assert scene.world.kinds("audit.altered") == []
    head = await service.trail_signer.notes.head(A)
    assert head is not None
    assert head.lines == 12


async def test_a_line_is_signed_by_itself() -> None:
    """A moment after each change its head is signed, without a visit or a job."""
    async with running(make_world()) as world:
        engine, signer = world.engine, world.gate.service.trail_signer
        await engine.record(events("alpha", 1, 1))
        assert await signer.notes.head("alpha") is None
        engine._tick()
        await engine.effects.idle()
        head = await signer.notes.head("alpha")
        assert head is not None
        assert (head.lines, head.digest) == (1, (await world.store.head("alpha")).digest)


async def test_an_altered_list_of_trails_is_told_before_anything_is_signed(caplog: pytest.LogCaptureFixture) -> None:
    """A store of an earlier release whose list bears no signature gets no new one."""
    async with running(make_world()) as world:
        engine, signer = world.engine, world.gate.service.trail_signer
        await world.store.put_meta("trails", b"{}\nno signature")
        signer._is_ready = False
        await engine.record(events("alpha", 1, 1))
        await signer.flush()
        assert await world.store.meta("trails") == b"{}\nno signature"
        assert (
            "the trail of all tenants was altered and is not signed: line 1: the signed list of trails was altered: "
            "it bears no signature of a known key. Look with: mfa-gate audit verify"
        ) in caplog.text


async def test_a_trail_that_is_accepted_was_signed_from_its_first_line_on() -> None:
    """One that no head was signed of yet has a key on each line."""
    async with running(make_world()) as world:
        await world.engine.record([world.engine.moment().event("attempt.failed", SubjectKey("alpha", "ann"))])
        signer = world.gate.service.trail_signer
        await signer.notes.put_head(replace(await signer.sign("alpha"), since=3))
        for since in (3, 0):
            await signer.accept("alpha", Fault(0, LIST_GONE), actor="operator:eve", reason="looked at")
            head = await signer.notes.head("alpha")
            assert head is not None
            assert (head.since, head.lines) == (since, (await world.store.head("alpha")).lines)
            await world.store.drop_meta("trail-head:alpha")


@pytest.mark.parametrize("is_new", [True, False])
async def test_a_new_store_has_a_signed_list(monkeypatch: pytest.MonkeyPatch, is_new: bool) -> None:
    """One of an earlier release gets its list with its first heads."""
    async with running(make_world()) as world:
        store = MemoryStore()
        await store.open()
        monkeypatch.setattr(world.engine, "store", store)
        signer = world.gate.service.trail_signer
        await signer.begin(is_new=is_new)
        assert await signer.notes.tenants() == (frozenset() if is_new else None)
        assert await is_keyed(store, world.engine.keyring) is is_new


async def test_what_could_not_be_signed_is_looked_for_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lines of this process stay known until a head is signed behind them."""
    async with running(make_world()) as world:
        signer, engine, ann = world.gate.service.trail_signer, world.engine, SubjectKey("alpha", "ann")
        await engine.record([engine.moment().event("attempt.failed", ann)])
        await signer.flush()
        since = signer._looked_from["alpha"]
        events = [engine.moment().event("attempt.failed", ann) for _ in range(2)]
        await engine.record(events[:1])

        async def away(*_: object, **__: object) -> None:
            await engine.record(events[1:])
            raise StoreUnavailable("the store is away")

        with monkeypatch.context() as patch:
            patch.setattr(signer, "sign", away)
            with pytest.raises(StoreUnavailable):
                await signer._sign_or_tell("alpha")
        assert engine.written["alpha"] == {event.id for event in events}
        assert signer._looked_from["alpha"] == since
        await signer._sign_or_tell("alpha")
        assert "alpha" not in engine.written
        assert (signer._looked_from["alpha"], signer._signed["alpha"].lines) == (1, 3)
        assert world.kinds("audit.altered") == []
