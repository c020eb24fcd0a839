"""Each rule of the second delivery by itself.

It says which events come, in which order, how often, and what is written down.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.events import Event
from mfa_gate.core.trail import event_to_json
from mfa_gate.errors import SendFailed, StoreUnavailable
from mfa_gate.service import outbox as module
from mfa_gate.service.effects import NotCalled
from mfa_gate.service.hook_places import CannotBeTold, Hook, Late, load_late, load_place
from mfa_gate.service.outbox import PIECE, Outbox, Turn
from mfa_gate.stores.memory import MemoryStore
from tests.harness import World, make_world, running

LAG, FIRST_WAIT, MAX_TRIES, FEW_TRIES = 30, 30, 60, 3


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A gate whose own outbox has nothing to do."""
    async with running(make_world(name="shop")) as made:
        yield made


class Probe:
    """A hook that writes down its events, and fails as it is told."""

    def __init__(self, world: World, *, shared: bool = False) -> None:
        self.heard: list[str] = []
        self.error: BaseException | None = None
        self.unwanted: tuple[str, ...] = ()
        self.counted: list[str] = []
        self.hook = Hook(name="probe", wants=lambda event: event.id not in self.unwanted, call=self, shared=shared)
        self.outbox = Outbox(world.engine, [self.hook])
        self.name = self.outbox.name_of(self.hook)
        world.engine.effects.failures[:] = [self.counted.append]

    async def __call__(self, event: Event) -> None:
        self.heard.append(event.id)
        if self.error is not None:
            raise self.error


def line(world: World, id: str, *, tenant: str = "alpha", age: int = LAG, **more: Any) -> Event:
    at = world.engine.now() - age
    return replace(Event(id=id, kind="account.reset", at=at, tenant=tenant, account="ann", app="shop"), **more)


async def round_of(world: World, probe: Probe, *events: Event) -> int:
    """Append lines, and deliver what is due."""
    await world.store.append(events)
    return await probe.outbox.catch_up(shared=probe.hook.shared)


@pytest.mark.parametrize(
    ("error", "shared", "tries", "then"),
    [
        (RuntimeError("down"), False, MAX_TRIES, "it is tried later"),
        (RuntimeError("down"), True, MAX_TRIES, "it is tried later"),
        (KeyError("name"), True, FEW_TRIES, "it is tried later"),
        (KeyError("name"), False, MAX_TRIES, "it is tried later"),
        (SendFailed("no", transient=True), True, MAX_TRIES, "it is tried later"),
        (SendFailed("no", transient=False), True, 0, "no further try can help"),
        (CannotBeTold("odd id"), False, 0, "no further try can help"),
    ],
)
async def test_what_a_failure_is_worth(
    world: World, error: Exception, shared: bool, tries: int, then: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A fault of the event itself is tried less often, one that nothing mends not again.

    The counter has each.
    """
    probe = Probe(world, shared=shared)
    probe.error = error
    assert await probe.outbox._call(probe.hook, line(world, "e1")) == tries
    assert probe.counted == ["probe"]
    said = f"the probe hook failed again (ref e1); {then}: {type(error).__name__}: {error}"
    assert [record.getMessage() for record in caplog.records] == [said]


async def test_a_call_that_went_well_and_one_that_was_none(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Neither counts as a failure; one that did not have its turn is said."""
    probe = Probe(world)
    assert await probe.outbox._call(probe.hook, line(world, "e1")) == 0
    assert caplog.records == []
    probe.error = NotCalled("earlier calls took all of 10 s")
    assert await probe.outbox._call(probe.hook, line(world, "e1")) is None
    (record,) = caplog.records
    assert record.getMessage() == (
        "the probe hook was not called (ref e1); it is called later: earlier calls took all of 10 s"
    )
    assert probe.counted == []


@pytest.mark.parametrize(("shared", "outcome"), [(True, MAX_TRIES), (False, 0)])
async def test_only_our_own_hooks_are_cut_off(world: World, shared: bool, outcome: int) -> None:
    """A mail that hangs ends in time.

    A hook of the host ends by itself, with the wait for its turn.
    """
    world.engine.effects.again_within = 0

    async def hangs(event: Event) -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    probe = Probe(world, shared=shared)
    assert await probe.outbox._call(replace(probe.hook, call=hangs), line(world, "e1")) == outcome


@pytest.mark.parametrize(("age", "told"), [(LAG, True), (LAG - 1, False), (0, False), (-LAG, False), (-LAG - 1, True)])
async def test_a_line_is_left_to_its_own_process_for_half_a_minute(world: World, age: int, told: bool) -> None:
    """A fresh line may still be delivered by the process that wrote it.

    So may one of a clock a little ahead.
    """
    probe = Probe(world)
    assert await round_of(world, probe, line(world, "e1", age=age)) == int(told)
    assert probe.heard == (["e1"] if told else [])


async def test_a_fresh_line_holds_the_later_ones_up(world: World) -> None:
    """Lines are delivered in the order of the trail.

    What stands behind a fresh line waits for it.
    """
    probe = Probe(world)
    lines = line(world, "old"), line(world, "fresh", age=1), line(world, "behind")
    assert await round_of(world, probe, *lines) == 1
    assert probe.heard == ["old"]
    world.clock.advance(LAG)
    assert await probe.outbox.catch_up(shared=False) == 2
    assert probe.heard == ["old", "fresh", "behind"]


async def test_marks_are_taken_away_behind_the_cursor(world: World) -> None:
    """An event that its own process delivered is not told again, and its mark goes."""
    probe, store = Probe(world), world.store
    assert isinstance(store, MemoryStore)
    for id in ("e1", "e2"):
        probe.outbox.heard("probe", line(world, id), ok=True)
    await probe.outbox.flush()
    assert store._contents.marks["heard"] == {f"{probe.name}|e1", f"{probe.name}|e2"}
    assert await round_of(world, probe, line(world, "e1"), line(world, "other"), line(world, "e2", age=0)) == 1
    assert probe.heard == ["other"]
    assert store._contents.marks["heard"] == {f"{probe.name}|e2"}
    await probe.outbox.aclose()


async def test_a_whole_piece_is_followed_by_the_next(world: World) -> None:
    """A trail longer than one reading is delivered in one round."""
    probe = Probe(world)
    lines = [line(world, f"e{number}") for number in range(PIECE + 3)]
    assert await round_of(world, probe, *lines) == PIECE + 3
    assert probe.heard == [event.id for event in lines]
    assert await probe.outbox.catch_up(shared=False) == 0


async def test_a_piece_stops_where_its_turn_ends(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cursor stands behind the last line that was delivered, in the middle of a piece too."""
    monkeypatch.setattr(Turn, "is_over", lambda turn: turn.calls >= 2)
    probe = Probe(world)
    await world.store.append([line(world, f"e{number}") for number in range(5)])
    place = await load_place(world.store, probe.name)
    assert await probe.outbox._on(probe.hook, place, "alpha", {}, Turn(until=0)) is True
    assert probe.heard == ["e0", "e1"]
    monkeypatch.undo()
    assert await probe.outbox.catch_up(shared=False) == 3
    assert probe.heard == ["e0", "e1", "e2", "e3", "e4"]


async def test_a_hook_full_of_failures_reads_no_further(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It reads up to its last place for a failed event, and goes on when one of them is done."""
    monkeypatch.setattr(module, "MAX_LATE", 2)
    probe = Probe(world)
    probe.error = RuntimeError("down")
    assert await round_of(world, probe, *[line(world, f"e{number}") for number in range(4)]) == 2
    late = await load_late(world.store, probe.name, "alpha")
    due = world.engine.now() + FIRST_WAIT
    assert {id: (one.tries, one.next_at) for id, one in late.items()} == {"e0": (0, due), "e1": (0, due)}
    assert await probe.outbox.catch_up(shared=False) == 0
    world.clock.advance(FIRST_WAIT)
    probe.error = None
    probe.heard.clear()
    assert await probe.outbox.catch_up(shared=False) == 4
    assert probe.heard == ["e0", "e1", "e2", "e3"]
    assert await load_late(world.store, probe.name, "alpha") == {}


async def test_a_late_event_that_waits_for_its_turn(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Events that are due when the turn is over keep their tries, and nothing is written."""
    monkeypatch.setattr(Turn, "is_over", lambda turn: True)
    probe, turn = Probe(world), Turn(until=0)
    late = {"e1": Late("{", 3, world.engine.now())}
    await probe.outbox._again(probe.hook, "alpha", late, turn)
    assert (late, turn.calls, probe.heard) == ({"e1": Late("{", 3, world.engine.now())}, 0, [])
    assert await load_late(world.store, probe.name, "alpha") == {}


async def test_what_nothing_mends_is_given_up_without_a_word_of_tries(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """An event that cannot be told is dropped.

    One that used up its tries is said, with their number.
    """
    probe = Probe(world)
    probe.error = RuntimeError("down")
    await round_of(world, probe, line(world, "e1"), line(world, "e2"))
    for error in (CannotBeTold("odd"), KeyError("name")):
        probe.error = error
        caplog.clear()
        hook = replace(probe.hook, shared=True)
        late = await load_late(world.store, probe.name, "alpha")
        late = {id: replace(one, tries=FEW_TRIES - 1, next_at=0) for id, one in late.items()}
        given_up = dict(late)
        await probe.outbox._again(hook, "alpha", given_up, Turn(until=1e18))
        assert given_up == {}
        said = [record.getMessage() for record in caplog.records if "is given up" in record.getMessage()]
        expected = [
            f"the probe hook failed 3 times on an event, which is given up (ref {id}): "
            "do by hand what the hook would have done"
            for id in ("e1", "e2")
        ]
        assert said == (expected if isinstance(error, KeyError) else [])


async def test_a_late_event_that_nobody_wants_any_more_is_dropped(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """A hook that was wired for fewer kinds since gets none of the others, without a word."""
    probe = Probe(world)
    probe.error = RuntimeError("down")
    await round_of(world, probe, line(world, "e1"))
    probe.error, probe.unwanted = None, ("e1",)
    probe.heard.clear()
    world.clock.advance(FIRST_WAIT)
    assert await probe.outbox.catch_up(shared=False) == 1
    assert (probe.heard, await load_late(world.store, probe.name, "alpha")) == ([], {})
    assert "is given up" not in caplog.text


async def test_a_new_hook_hears_no_old_history(world: World) -> None:
    """It begins behind the lines that are there; a known hook keeps its place."""
    probe = Probe(world)
    await world.store.append([line(world, "old")])
    await probe.outbox.begin()
    await world.store.append([line(world, "new")])
    await probe.outbox.begin()
    assert await probe.outbox.catch_up(shared=False) == 1
    assert probe.heard == ["new"]


async def test_only_the_asked_hooks_are_called(world: World) -> None:
    """The hooks that all applications share have a round of their own."""
    probe = Probe(world, shared=True)
    await world.store.append([line(world, "e1")])
    assert await probe.outbox.catch_up(shared=False) == 0
    assert await probe.outbox.catch_up(shared=True) == 1


async def test_tenants_have_their_turns_from_where_the_last_round_ended(world: World) -> None:
    """A round that had no time for a tenant is followed by one that begins with it."""
    probe = Probe(world)
    tenants = ["aaa", "bbb", "ccc"]
    await world.store.append([line(world, tenant, tenant=tenant) for tenant in tenants])
    probe.outbox._next[probe.name] = "bbb"
    assert await probe.outbox.catch_up(shared=False) == 3
    assert probe.heard == ["bbb", "ccc", "aaa"]
    assert probe.outbox._next[probe.name] == ""
    await world.store.append([line(world, f"{tenant}2", tenant=tenant) for tenant in tenants])
    probe.outbox.run_for = -1.0
    assert await probe.outbox.catch_up(shared=False) == 0
    probe.outbox.run_for = 3.0
    assert await probe.outbox.catch_up(shared=False) == 3
    assert probe.heard[3:] == ["aaa2", "bbb2", "ccc2"]


async def test_a_tenant_in_trouble_is_said_once(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """One that cannot be read holds no other up.

    Another trouble, or the same after an end, is said again.
    """
    probe, trail = Probe(world), world.store.trail
    await world.store.append([line(world, "a", tenant="aaa"), line(world, "b", tenant="bbb")])
    trouble: list[str] = ["one", "one", "two", "", "two"]

    async def broken(tenant: str, **more: Any) -> Any:
        if tenant == "aaa" and trouble[0]:
            raise StoreUnavailable(trouble[0])
        return await trail(tenant, **more)

    monkeypatch.setattr(world.store, "trail", broken)
    while trouble:
        await probe.outbox.catch_up(shared=False)
        trouble.pop(0)
    said = [record.getMessage().rpartition(": ")[2] for record in caplog.records if "tenant aaa" in record.getMessage()]
    assert said == ["one", "two", "two"]
    assert sorted(probe.heard) == ["a", "b"]
    assert "hook:probe@shop cannot get the events of tenant aaa; the other tenants go on: StoreUnavailable: one" in (
        caplog.text
    )


async def test_an_end_in_the_middle_ends_the_round(world: World) -> None:
    """A round that is cancelled from outside is no trouble of a tenant."""
    probe = Probe(world)
    probe.error = asyncio.CancelledError()
    await world.store.append([line(world, "e1")])
    with pytest.raises(asyncio.CancelledError):
        await probe.outbox.catch_up(shared=False)


async def test_deliveries_are_stored_together_after_a_moment(world: World) -> None:
    """The timer runs once for all that come meanwhile; the end of the app stores them at once."""
    probe = Probe(world)
    probe.outbox.heard("probe", line(world, "e1"), ok=True)
    first = probe.outbox._timer
    probe.outbox.heard("probe", line(world, "e2"), ok=True)
    assert first is not None
    assert probe.outbox._timer is first
    await probe.outbox.aclose()
    assert first.cancelled()
    assert await world.store.marked("heard", [f"{probe.name}|e1", f"{probe.name}|e2"]) == {
        f"{probe.name}|e1",
        f"{probe.name}|e2",
    }


async def test_the_end_of_a_store_that_is_away_leaves_no_timer(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Marks that were not stored at the end are told again later. Nothing waits behind it."""

    async def away(*_: Any) -> None:
        raise StoreUnavailable("away")

    probe, armed = Probe(world), list[asyncio.TimerHandle]()
    loop, arm = asyncio.get_running_loop(), probe.outbox._arm

    def noted(seconds: float) -> None:
        arm(seconds)
        if probe.outbox._timer is not None:
            armed.append(probe.outbox._timer)

    monkeypatch.setattr(world.store, "mark", away)
    monkeypatch.setattr(probe.outbox, "_arm", noted)
    probe.outbox.heard("probe", line(world, "e1"), ok=True)
    await probe.outbox.aclose()
    assert [timer.cancelled() for timer in armed] == [True, True]
    assert armed[1].when() - loop.time() > 5
    assert probe.outbox._timer is None


async def test_a_timer_of_another_loop_is_replaced(world: World) -> None:
    """After a loop that has ended, the first delivery on the next loop is stored as well."""
    probe = Probe(world)

    async def before() -> None:
        probe.outbox.heard("probe", line(world, "e1"), ok=True)

    await asyncio.to_thread(asyncio.run, before())
    old = probe.outbox._timer
    probe.outbox.heard("probe", line(world, "e2"), ok=True)
    assert probe.outbox._timer is not old
    probe.outbox._due()
    await world.engine.effects.idle()
    assert await world.store.marked("heard", [f"{probe.name}|e1"]) == {f"{probe.name}|e1"}
    await probe.outbox.aclose()


async def test_a_late_event_that_was_not_called_waits_without_a_try(world: World) -> None:
    """Earlier calls took the hook's time, so it is called again behind the first pause."""
    probe = Probe(world)
    probe.error = NotCalled("earlier calls took all of it")
    late = {"e1": Late(event_to_json(line(world, "e1")), 3, 0)}
    await probe.outbox._again(probe.hook, "alpha", late, Turn(until=1e18))
    assert {id: (one.tries, one.next_at) for id, one in late.items()} == {"e1": (3, world.engine.now() + FIRST_WAIT)}


async def test_a_hook_whose_place_cannot_be_read_stops_no_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The round of the others ends first, and then the fault is raised."""
    heard, meta = list[str](), world.store.meta

    async def slow(event: Event) -> None:
        await asyncio.sleep(0.02)
        heard.append(event.id)

    hooks = [Hook(name=name, wants=lambda event: True, call=slow, shared=False) for name in ("bad", "good")]
    outbox = Outbox(world.engine, hooks)
    bad = outbox.name_of(hooks[0])

    async def reading(name: str) -> bytes | None:
        if name == bad:
            raise StoreUnavailable("this note is away")
        return await meta(name)

    await world.store.append([line(world, "e1")])
    monkeypatch.setattr(world.store, "meta", reading)
    with pytest.raises(StoreUnavailable, match="this note is away"):
        await outbox.catch_up(shared=False)
    assert heard == ["e1"]
