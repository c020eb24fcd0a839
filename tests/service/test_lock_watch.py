"""Five locks in an hour of a tenant are an alarm (S-39)."""

from __future__ import annotations

from mfa_gate import Contacts, Subject
from mfa_gate.core.model import SubjectKey
from mfa_gate.service import Actor
from tests.harness import World, make_world, running

BOSS = Subject("boss", "alpha", groups=frozenset({"admin"}))


async def directory(tenant: str) -> list[tuple[Subject, Contacts]]:
    """One administrator, of one tenant."""
    return [(BOSS, Contacts(name="Boss", email="boss@alpha.example"))]


async def lock(world: World, number: int, tenant: str = "alpha") -> None:
    """Use up the attempts of one more person."""
    browser = await world.enrolled(f"p{number}", tenant)
    await browser.lock()
    await world.engine.effects.idle()


def mails(world: World) -> list[str]:
    """The alarms that the administrator got."""
    return [message.subject for message in world.email.messages if message.to == "boss@alpha.example"]


async def test_many_locks_are_an_alarm() -> None:
    """The fifth lock of a tenant within an hour is told, once, by mail and in the trail."""
    async with running(make_world(directory=directory)) as world:
        for number in range(4):
            await lock(world, number)
            await lock(world, number, "beta")
        assert not mails(world)
        await lock(world, 4)
        await lock(world, 5)
        assert mails(world) == ["Example: Many accounts were locked"]
        assert [event.tenant for event in world.kinds("tenant.many_locks")] == ["alpha"]
        assert len((await world.store.events("alpha", kind="tenant.many_locks")).items) == 1


async def test_one_person_is_no_wave() -> None:
    """One account that is locked, unlocked and locked again counts once."""
    async with running(make_world(directory=directory)) as world:
        ann = await world.enrolled("ann")
        for _ in range(6):
            await ann.lock()
            key = SubjectKey("alpha", "ann")
            await world.gate.service.account_desk.act(Actor(name="operator:test"), "unlock", key, reason="x")
            world.clock.advance(60)
        assert len(world.kinds("account.locked")) == 6
        assert not world.kinds("tenant.many_locks")


async def test_few_locks_and_acts_are_none() -> None:
    """Locks of another hour do not count, nor do those by an administrator."""
    async with running(make_world(directory=directory)) as world:
        for number in range(4):
            await lock(world, number)
        operator = Actor(name="operator:test")
        for number in range(9):
            key = SubjectKey("alpha", f"q{number}")
            await world.gate.service.account_desk.act(operator, "lock", key, reason="x")
        world.clock.advance(3600)
        await lock(world, 4)
        assert not world.kinds("tenant.many_locks")
