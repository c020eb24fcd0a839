"""Workers with different policies are told of, once a rollout has taken too long."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from mfa_gate.core.model import SubjectKey
from mfa_gate.core.rules import Policy
from mfa_gate.service.policy_workers import NOTE, PolicyWorkers, WorkerPolicy, differing
from tests.harness import START, World, make_world, running, with_rules

ONE, OTHER = "1" * 64, "2" * 64


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A host with a trail and an owner."""
    async with running(make_world(policy=policy(ONE), name="shop")) as made:
        await made.engine.record((made.engine.moment().event("attempt.failed", SubjectKey("alpha", "ann")),))
        yield made


def policy(digest: str) -> Policy:
    """Make a policy of this digest."""
    return replace(with_rules(lambda rules: replace(rules, owner="owner@example.org")), digest=digest, name="clinic")


def worker(world: World) -> PolicyWorkers:
    """Make one more worker over the store."""
    return PolicyWorkers(world.engine, world.gate.service.alarms)


async def report(world: World, one: PolicyWorkers, digest: str) -> None:
    """Let a worker report that it works with a policy."""
    world.engine.policy = policy(digest)
    await one.report()


async def test_workers_that_differ(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Three minutes are a rollout.

    Behind them the trail, the log and the owner are told once a day.
    """
    first, second = worker(world), worker(world)
    for minute in range(5):
        await report(world, first, ONE)
        await report(world, second, OTHER)
        apart = await first.apart()
        assert bool(apart) == bool(world.kinds("policy.differs")) == (minute >= 3), minute
        world.clock.advance(60)
    await world.engine.effects.idle()
    assert apart == (f"shop: clinic ({ONE[:12]})", f"shop: clinic ({OTHER[:12]})")
    (event,) = (await world.store.events("alpha", kind="policy.differs")).items
    assert (event.account, event.actor, event.detail) == ("", "mfa_gate", {"policies": "; ".join(apart)})
    assert [mail.to for mail in world.email.messages] == ["owner@example.org"]
    assert caplog.text.count("workers over one store have different policies") == 1
    running_now = await first.running()
    assert [(one.app, one.digest, one.name, one.since, one.at) for one in running_now] == [
        ("shop", ONE, "clinic", START, START + 240),
        ("shop", OTHER, "clinic", START, START + 240),
    ]


async def test_workers_that_were_forked_are_several(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forks of the process that made the gate are compared with each other (F-39, F-40)."""
    one = worker(world)
    for process, digest in ((101, ONE), (102, OTHER)):
        monkeypatch.setattr("os.getpid", lambda process=process: process)
        await report(world, one, digest)
    assert sorted(row.digest for row in await one.running()) == [ONE, OTHER]


async def test_a_policy_that_changed_begins_anew(world: World) -> None:
    """The time since when a worker has a policy is that of its first report of it."""
    one = worker(world)
    await report(world, one, ONE)
    world.clock.advance(60)
    await report(world, one, OTHER)
    world.clock.advance(60)
    await report(world, one, OTHER)
    assert [(row.digest, row.since, row.at) for row in await one.running()] == [(OTHER, START + 60, START + 120)]


@pytest.mark.parametrize(("age", "is_there"), [(299, True), (300, False), (-299, True), (-300, False)])
async def test_a_worker_that_has_ended(world: World, age: int, is_there: bool) -> None:
    """A worker without a report for five minutes counts no more.

    Nor does one of a clock that is far ahead.
    """
    one = worker(world)
    await report(world, one, ONE)
    world.clock.advance(age)
    assert bool(await one.running()) == is_there
    if age > 0:
        await world.store.prune_meta(before=world.engine.now(), limit=9)
        assert (await world.store.meta(NOTE) is None) == (age == 300)


async def test_a_policy_of_the_code_is_not_compared(world: World) -> None:
    """It has no digest, so nothing is reported."""
    world.engine.policy = replace(policy(ONE), digest="")
    await worker(world).report()
    assert await world.store.meta(NOTE) is None


@pytest.mark.parametrize(("ages", "names"), [((180, 180), 2), ((180, 179), 0), ((500, 500), 2)])
def test_patience(ages: tuple[int, int], names: int) -> None:
    """Only workers that have had their policy for three minutes are compared."""
    workers = tuple(
        WorkerPolicy(worker=digest, app="", digest=digest, name="p", since=START - age, at=START)
        for digest, age in zip((ONE, OTHER), ages, strict=True)
    )
    found = differing(workers, START)
    assert len(found) == names
    assert all(one.startswith("the app: p (") for one in found)
    same = tuple(replace(one, digest=ONE) for one in workers)
    assert differing(same, START) == ()


async def test_different_policies_are_told_once_a_day(world: World) -> None:
    """The words of many workers are cut."""
    one = worker(world)
    names = ("x" * 400, "y" * 400)
    for later, count in ((0, 1), (86_399, 1), (1, 2)):
        world.clock.advance(later)
        await one._tell(names)
        found = world.kinds("policy.differs")
        assert len([event for event in found if event.tenant == "alpha"]) == count
        assert {len(str(event.detail["policies"])) for event in found} == {500}
