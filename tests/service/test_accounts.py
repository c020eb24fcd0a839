"""Load, step, swap: what is read from memory, what is written once, and what a race costs."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from mfa_gate import Contacts, SettingsError, Subject
from mfa_gate.core.changes import Change
from mfa_gate.core.entropy import LETTERS, MARK
from mfa_gate.core.model import Account, Browser, Caller, SubjectKey
from mfa_gate.core.rules import TenantSettings
from mfa_gate.errors import StoreContention, StoreUnavailable
from mfa_gate.service import accounts as module
from mfa_gate.stores.memory import MemoryStore
from tests.harness import POLICY, START, World, make_world, running

ANN = SubjectKey("alpha", "ann")


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A store that knows Ann."""
    async with running(make_world()) as made:
        await put(made, "Ann")
        yield made


async def put(world: World, name: str) -> None:
    """Write Ann's account beside the engine, as another worker does."""
    account = await world.store.load(ANN)
    assert await world.store.swap(replace(account, name=name))


def named(name: str, kind: str = "") -> Any:
    """Make a step that gives Ann a name, with an event of a kind."""

    def step(account: Account) -> Change[str]:
        return Change(account=replace(account, name=name), events=(), answer=account.name)

    return step


async def test_memory_and_the_stores_word(world: World) -> None:
    """An account is read once, and again when the store tells of a change."""
    engine = world.engine
    engine.notice()
    entry = await engine.entry(ANN)
    assert (await engine.entry(ANN), entry.account.name, entry.stale) == (entry, "Ann", False)
    assert engine.known_entry(ANN) is entry
    await put(world, "Anna")
    assert engine.known_entry(ANN) is entry
    engine.notice()
    assert (engine.known_entry(ANN), entry.stale) == (None, True)
    assert (await engine.entry(ANN)).account.name == "Anna"
    engine.heed(frozenset({SubjectKey("alpha", "bob")}))
    kept = engine.known_entry(ANN)
    assert kept is not None
    engine.heed(True)  # type: ignore[arg-type]
    assert (engine.known_entry(ANN), kept.stale) == (None, True)


async def test_a_change_during_a_read_is_not_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An account that was read while the store told of a change is used once."""
    engine, load, settings = world.engine, world.store.load, world.store.settings

    async def during(key: SubjectKey, /) -> Account:
        engine.heed(frozenset())
        return await load(key)

    async def during_settings(tenant: str, /) -> TenantSettings:
        engine.heed(frozenset())
        return await settings(tenant)

    engine.forget_all()
    monkeypatch.setattr(world.store, "load", during)
    entry = await engine.entry(ANN)
    assert (entry.stale, engine.known_entry(ANN)) == (True, None)
    engine.forget_all()
    monkeypatch.setattr(world.store, "settings", during_settings)
    await engine.settings("alpha")
    assert engine.known_settings("alpha") is None


async def test_settings_are_kept_for_an_outage(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last ones read outlive the memory of decisions, and go with another store."""
    engine = world.engine
    found = await engine.settings("alpha")
    assert engine.known_settings("alpha") is engine.last_settings("alpha") is found
    engine.forget_all()
    assert (engine.known_settings("alpha"), engine.last_settings("alpha")) == (None, found)
    monkeypatch.setattr(module, "MAX_CACHED", 2)
    for tenant in ("a", "b", "c"):
        await engine.settings(tenant)
    assert [engine.known_settings(tenant) is not None for tenant in ("a", "b", "c")] == [False, True, True]
    assert [engine.last_settings(tenant) is not None for tenant in ("alpha", "a", "b", "c")] == [
        False,
        False,
        True,
        True,
    ]


async def test_other_parts_and_another_policy(world: World) -> None:
    """Everything remembered rests on the parts and the policy of before, so it goes."""
    engine = world.engine
    entry = await engine.entry(ANN)
    engine.use_policy(POLICY)
    assert (engine.known_entry(ANN), entry.stale, engine.known_settings("alpha")) == (None, True, None)
    entry = await engine.entry(ANN)
    engine.away_since, reader = 5, engine.reader
    before = engine.wiring
    engine.use_wiring(replace(before, app="other"))
    assert (engine.known_entry(ANN), entry.stale) == (None, True)
    assert (engine.away_since, engine.reader, engine.last_settings("alpha") is None) == (5, reader, False)
    store = MemoryStore()
    await store.open()
    engine.use_wiring(replace(before, store=store))
    assert engine.store is store
    assert engine.away_since is None
    assert engine.last_settings("alpha") is None
    assert engine.reader is not reader
    engine.use_wiring(before)


async def test_an_outage_is_noted_and_ends(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its beginning is the first failure; with its end everything is read anew."""
    engine, changed = world.engine, world.store.changed
    entry = await engine.entry(ANN)

    def away(*_: object) -> object:
        raise StoreUnavailable("away")

    monkeypatch.setattr(world.store, "changed", away)
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            engine.notice()
        world.clock.advance(10)
    assert engine.away_since == START
    monkeypatch.setattr(world.store, "changed", changed)
    assert engine.known_entry(ANN) is entry
    engine.notice()
    assert engine.away_since is None
    assert engine.known_entry(ANN) is None
    assert entry.stale


@pytest.mark.parametrize("lost", [0, 1, 3])
async def test_a_lost_race_is_run_again(world: World, monkeypatch: pytest.MonkeyPatch, lost: int) -> None:
    """The step gets the account of now each time.

    Its answer is that of the swap that succeeded.
    """
    swap, tries = world.store.swap, list[str]()

    async def raced(account: Account, *rest: Any) -> bool:
        tries.append(account.name)
        if len(tries) <= lost:
            await swap(replace(await world.store.load(ANN), name=f"other{len(tries)}"))
            return False
        return await swap(account, *rest)

    monkeypatch.setattr(world.store, "swap", raced)
    answer = await world.engine.change(ANN, named("mine"))
    assert (answer, len(tries)) == (f"other{lost}" if lost else "Ann", lost + 1)
    assert (await world.store.load(ANN)).name == "mine"


async def test_a_race_without_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """After so many turns it is an error of the store."""
    tries = 0

    async def lost(*_: object) -> bool:
        nonlocal tries
        tries += 1
        return False

    monkeypatch.setattr(module, "MAX_TURNS", 4)
    monkeypatch.setattr(world.store, "swap", lost)
    with pytest.raises(StoreContention, match="changed 4 times meanwhile"):
        await world.engine.change(ANN, named("mine"))
    assert tries == 4


async def test_nothing_is_written_for_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step that changes nothing costs no swap.

    Its answer rests on an account that was just loaded.
    """
    engine, store = world.engine, world.store
    swaps, loads, swap, load = list[str](), list[str](), store.swap, store.load

    async def counted_swap(account: Account, *rest: Any) -> bool:
        swaps.append(account.name)
        return await swap(account, *rest)

    async def counted_load(key: SubjectKey, /) -> Account:
        loads.append(key.id)
        return await load(key)

    monkeypatch.setattr(store, "swap", counted_swap)
    monkeypatch.setattr(store, "load", counted_load)
    assert await engine.change(ANN, named("Ann")) == "Ann"
    assert (swaps, loads) == ([], ["ann"])
    async with engine.turn(ANN):
        await engine.change(ANN, named("one"))
        assert (swaps, loads) == (["one"], ["ann", "ann"])
        await engine.change(ANN, named("two"))
        assert (swaps, loads) == (["one", "two"], ["ann", "ann"]), "the account just committed is at hand"
        assert (await engine.latest(ANN)).name == "two"
        assert len(loads) == 2
        assert await engine.change(ANN, named("two")) == "two"
        assert (len(swaps), len(loads)) == (2, 3), "an answer that writes nothing is of the store"
        engine.seen(await load(ANN))
        await put(world, "elsewhere")
        swaps.clear()
        assert await engine.change(ANN, named("three")) == "elsewhere"
        assert swaps == ["three", "three"]
    assert (await engine.latest(ANN)).name == "three"
    assert engine.turn(ANN) is not engine.turn(SubjectKey("alpha", "bob"))


async def test_the_events_name_the_browser_by_its_id(world: World) -> None:
    """A line has the id under which the desk shows the browser, never the cookie's digest."""
    handle = "h" * 64
    mark = handle[:MARK].translate(LETTERS)
    known = Browser(id="B1", handle=handle, label="", created_at=1)
    for browsers, shown in (((known,), "B1"), ((), mark)):
        account = replace(await world.store.load(ANN), browsers=browsers)
        assert await world.store.swap(account)
        caller = Caller(subject=Subject("ann", "alpha"), handle=handle, network="n", label="Firefox", request="r1")
        moment = world.engine.moment_of(caller, actor="mary")
        events = (moment.event("factor.enrolled", ANN), replace(moment.event("factor.enrolled", ANN), browser=""))
        world.events.clear()
        await world.engine.change(
            ANN,
            lambda account, events=events: Change(account=replace(account, lang="de"), events=events, answer=None),  # type: ignore[misc]
        )
        first, second = world.kinds("factor.enrolled")
        assert (first.browser, second.browser) == (shown, "")
        assert (first.actor, first.agent, first.request, first.network) == ("mary", "Firefox", "r1", "n")


async def test_a_moment() -> None:
    """It has the time with its milliseconds, and 32 fresh bytes."""
    async with running(make_world(name="shop")) as world:
        world.clock.at = START + 0.789
        caller = Caller(subject=Subject("ann", "alpha"), handle="", network="n", acts_as=Subject("bob", "alpha"))
        for moment in (world.engine.moment(network="n", actor="x"), world.engine.moment_of(caller)):
            assert (moment.now, moment.ms, len(moment.nonce), moment.app) == (START, 789, 32, "shop")
            assert (moment.network, moment.policy) == ("n", "000000000000")
        assert world.engine.moment_of(caller).acts_as == "bob"
        assert world.engine.moment().nonce != world.engine.moment().nonce


@pytest.mark.parametrize("answer", [None, "ann@x.example", {"email": "x"}])
async def test_contacts_that_are_none(answer: object) -> None:
    """A host's function of another kind is named with its fix."""

    async def contacts(subject: Subject) -> Any:
        return answer

    async with running(make_world(contacts=contacts)) as world:
        with pytest.raises(SettingsError, match=f"returned a value of type {type(answer).__name__}"):
            await world.engine.contacts(Subject("ann", "alpha"))
        world.engine.wiring = replace(world.engine.wiring, contacts=None)
        assert await world.engine.contacts(Subject("ann", "alpha")) == Contacts()


async def test_lines_that_are_looked_for_are_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many lines of a trail are looked for before its head is signed.

    A gate that signs nothing looks for none.
    """
    engine = world.engine
    monkeypatch.setattr(module, "MAX_WRITTEN", 2)
    engine.written.clear()
    engine.grown.clear()
    events = [engine.moment().event("attempt.failed", ANN) for _ in range(3)]
    await engine.record(events)
    assert {tenant: len(ids) for tenant, ids in engine.written.items()} == {"alpha": 2}
    assert engine.grown == {"alpha"}
    engine.written.clear()
    engine.sign_heads = None
    await engine.record([engine.moment().event("attempt.failed", ANN)])
    assert engine.written == {}


def test_the_wait_after_a_lost_race(monkeypatch: pytest.MonkeyPatch) -> None:
    """It spreads the workers, a little more each time, and never holds a request up."""
    drawn: list[tuple[float, float]] = []
    monkeypatch.setattr(random, "uniform", lambda low, high: drawn.append((low, round(high, 6))))
    for attempt in (0, 1, 9, 49, 100):
        module._pause(attempt)
    assert drawn == [
        (0, 0.001),
        (0, 0.002),
        (0, 0.01),
        (0, 0.05),
        (0, 0.05),
    ]


@pytest.mark.parametrize(
    ("at", "now", "ms"),
    [(START, START, 0), (START + 0.25, START, 250), (START + 1.25, START + 1, 250), (START + 0.9996, START, 999)],
)
async def test_the_milliseconds_of_a_moment(at: float, now: int, ms: int) -> None:
    """They are those behind the second, also of a moment that a caller makes."""
    async with running(make_world()) as world:
        world.clock.at = at
        caller = Caller(subject=Subject("ann", "alpha"), handle="h", network="n")
        for moment in (world.engine.moment(), world.engine.moment_of(caller)):
            assert (moment.now, moment.ms, len(moment.nonce)) == (now, ms, 32)
