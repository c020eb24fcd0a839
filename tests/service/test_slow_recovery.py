"""Random lives with a slow recovery, told to the gate and to a plain account.

Both must say the same about who may set up anew.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import pytest

from mfa_gate import Contacts, Senders, Subject
from mfa_gate.core.changes import admin
from mfa_gate.core.changes.life import end_all_proofs, forget
from mfa_gate.core.events import Moment
from mfa_gate.core.model import Account, Caller, Recovery, Seconds, SubjectKey
from mfa_gate.core.rules import DAY
from tests.harness import HOME, START, Browser, Outbox, World, key, make_world, running, with_rules
from tests.service.admin.people import way

WAIT = Seconds(3 * DAY)
WEEK = 7 * DAY
ANN = SubjectKey("alpha", "ann")
SLOW = with_rules(lambda rules: replace(rules, recovery=replace(rules.recovery, self_service=WAIT)))


@dataclass
class Plain:
    """The plain account: a few words about one person."""

    opens: int = 0
    length: int = WAIT
    told: str = ""
    on_file: str = "ann@alpha.example"
    locked: bool = False
    frozen: int = 0
    has: bool = True
    seen: int = START

    def may(self, now: int) -> bool:
        """Tell if the person may set up anew now."""
        open_now = bool(self.opens) and self.opens <= now < self.opens + WEEK
        return open_now and self.told == self.on_file and not self.locked and now >= self.frozen

    def ask(self, now: int) -> None:
        """Ask for a way back in; a second request changes nothing."""
        if self.has and not self.locked and not self.opens:
            start = max(now, self.seen, self.frozen)
            self.opens, self.length, self.told = start + WAIT, start + WAIT - max(now, self.seen), self.on_file

    def begin_again(self, now: int) -> None:
        """Begin the wait again for other contacts."""
        self.opens = max(now, self.seen, self.frozen) + WAIT
        self.length, self.told = self.opens - max(now, self.seen), self.on_file


class Life:
    """One person, at the gate and in plain words."""

    def __init__(self, world: World, browser: Browser, contacts: dict[str, str], chance: random.Random) -> None:
        self.world, self.browser, self.contacts, self.chance = world, browser, contacts, chance
        self.plain = Plain()
        self.caller = Caller(subject=Subject("ann", "alpha"), handle="thief", network=HOME)

    @property
    def now(self) -> int:
        return int(self.world.clock.at)

    async def wait(self) -> None:
        self.world.clock.advance(self.chance.choice([60, 3600, DAY, DAY, WAIT, WAIT, WEEK]))

    async def clock_back(self) -> None:
        self.world.clock.advance(-self.chance.choice([3600, DAY]))

    async def ask(self) -> None:
        await self.world.gate.service.self_service.request_recovery(self.caller, about="I lost it")
        self.plain.ask(self.now)

    async def prove(self) -> None:
        if self.plain.has and not self.plain.locked and self.now >= self.plain.seen:
            assert (await self.browser.prove()).status == 200
            self.plain.opens = 0

    async def stop(self) -> None:
        """Press the link of the newest message."""
        message = next((m for m in reversed(self.world.email.messages) if "/dispute/" in m.text), None)
        if message is not None and self.plain.opens:
            token = message.text.split("/dispute/")[1].split()[0]
            done = await self.world.gate.service.disputing.dispute(token, network=HOME)
            if hasattr(done, "used") and not done.used:
                self.plain.opens, self.plain.frozen = 0, max(self.now, self.plain.seen) + DAY

    async def lock(self) -> None:
        await self.world.engine.change(ANN, lambda a: admin.lock(a, self._moment(), reason="test"))
        self.plain.locked = True

    async def unlock(self) -> None:
        await self.world.engine.change(ANN, lambda a: admin.unlock(a, self._moment(), reason="test"))
        if self.plain.locked and self.plain.opens:
            self.plain.opens = max(self.now, self.plain.seen) + self.plain.length
        self.plain.locked = False

    async def refuse(self) -> None:
        await self.world.engine.change(ANN, lambda a: admin.refuse_recovery(a, self._moment(), reason="test"))
        self.plain.opens = 0

    async def end_proofs(self) -> None:
        await self.world.engine.change(ANN, lambda a: end_all_proofs(a, self._moment(), reason="test"))
        self.plain.opens = 0

    async def move(self) -> None:
        self.contacts["email"] = self.plain.on_file = f"ann{self.chance.randrange(3)}@alpha.example"

    async def work(self) -> None:
        await self.world.gate.service.slow_recovery.keep()
        if self.plain.opens and self.plain.told != self.plain.on_file:
            self.plain.begin_again(self.now)
        elif self.plain.opens and not self.plain.locked and self.now >= self.plain.opens + WEEK:
            self.plain.opens = 0

    async def set_up_anew(self) -> bool:
        may, old = self.plain.may(self.now), self.plain
        refusal = await self.world.gate.service.slow_recovery.set_up_anew(self.caller)
        assert (refusal is None) == may, (refusal, old, self.now)
        if not may:
            waits = old.opens and not old.locked and self.now < old.opens + WEEK
            if waits and old.told != old.on_file:
                self.plain.begin_again(self.now)
            return False
        return True

    def _moment(self) -> Moment:
        return self.world.engine.moment(actor="admin", network=HOME)


ACTS = (
    *("wait",) * 6, *("ask",) * 4, *("set_up_anew",) * 6, *("work",) * 3,
    "prove", "stop", "lock", "unlock", "unlock", "refuse", "end_proofs", "move", "clock_back",
)  # fmt: skip


async def _live(seed: int, acts: int = 30) -> bool:
    """Live one life. Returns True if it came to its end: the person set up anew."""
    chance, contacts = random.Random(seed), {"email": "ann@alpha.example"}

    async def contacts_of(subject: Subject) -> Contacts:
        return Contacts(name="Ann", **contacts)

    world = make_world(policy=SLOW, contacts=contacts_of, public_url="http://localhost:8000")
    async with running(world):
        life = Life(world, await world.enrolled(), contacts, chance)
        for _ in range(acts):
            name = chance.choice(ACTS)
            if await getattr(life, name)():
                account = await world.account()
                assert not account.authenticators
                assert not account.browsers
                assert account.recovery is None
                return True
            life.plain.seen = max(life.plain.seen, (await world.account()).seen_at)
            assert (await world.account()).authenticators
        await world.engine.change(ANN, lambda a: forget(a, world.engine.moment(), pseudonym="forgotten-1"))
        assert (await world.gate.service.slow_recovery.set_up_anew(life.caller)) is not None
    return False


async def test_a_life_with_a_slow_recovery() -> None:
    """A first enrollment opens only after a whole wait that nobody stopped."""
    ends = [await _live(seed) for seed in range(4)]
    assert any(ends)
    assert not all(ends)


@pytest.mark.long
async def test_many_lives_with_a_slow_recovery() -> None:
    """The same, in many lives."""
    ends = [await _live(seed) for seed in range(4, 400)]
    assert 20 < sum(ends) < 380


async def test_the_contacts_that_are_told() -> None:
    """The newest and the three oldest are kept, so a thief who changes them pushes nobody out."""
    found = {"email": "a0@x.example"}

    async def contacts_of(subject: Subject) -> Contacts:
        return Contacts(email=found["email"], phone="+1 202-555-0123")

    async with running(make_world(policy=SLOW, contacts=contacts_of)) as world:
        slow, who = world.gate.service.slow_recovery, Subject("ann", "alpha")
        waiting = Recovery(ref="R", at=START, about="lake", network="", opens_at=START + WAIT)
        kept = list[list[str]]()
        for email in ("a0", "a1", "a1", "a2", "a3", "a4", "ü5"):
            found["email"] = f"{email}@x.example"
            waiting = replace(waiting, told=await slow.told(who, waiting))
            account = Account(key=ANN, recovery=waiting)
            kept.append([contacts.email.partition("@")[0] for contacts in slow.earlier(account)])
        assert kept == [
            ["a0"],
            ["a1", "a0"],
            ["a1", "a0"],
            ["a2", "a1", "a0"],
            ["a3", "a2", "a1", "a0"],
            ["a4", "a2", "a1", "a0"],
            ["ü5", "a2", "a1", "a0"],
        ]
        assert slow._is_told(ANN, waiting.told, Contacts(email=" Ü5@X.example ", phone="+12025550123"))
        assert not slow._is_told(ANN, waiting.told, Contacts(email="a2@x.example", phone="+12025550123"))


@pytest.mark.parametrize(
    ("email", "phone", "by", "is_told"),
    [
        ("a@x.example", "", ("email",), True),
        ("", "+12025550123", ("sms",), True),
        ("a@x.example", "", ("sms",), False),
        ("", "+12025550123", ("email",), False),
        ("", "", ("email", "sms"), False),
    ],
)
async def test_a_wait_needs_somebody_who_is_told(email: str, phone: str, by: tuple[str, ...], is_told: bool) -> None:
    """Without a contact that can be reached nothing opens by itself."""

    async def contacts_of(subject: Subject) -> Contacts:
        return Contacts(email=email, phone=phone)

    async with running(make_world(policy=SLOW, contacts=contacts_of)) as world:
        senders = Senders(**{channel: Outbox() for channel in by})
        world.engine.wiring = replace(world.engine.wiring, senders=senders)
        assert bool(await world.gate.service.slow_recovery.told(Subject("ann", "alpha"))) is is_told


async def test_a_round_of_the_work() -> None:
    """Each request is looked at; one that waits for an administrator stays as it is.

    A wait begins again once for other contacts.
    """
    found = {"email": "a0@x.example"}

    async def contacts_of(subject: Subject) -> Contacts:
        return Contacts(email=found["email"])

    async with running(make_world(policy=SLOW, contacts=contacts_of)) as world:
        slow = world.gate.service.slow_recovery
        for id, opens in (("ann", WAIT), ("bob", 0), ("cid", WAIT)):
            key = SubjectKey("alpha", id)
            told = await slow.told(Subject(id, "alpha")) if opens else ""
            waiting = Recovery(
                ref=id, at=START, about="lake", network="", opens_at=START + opens if opens else 0, told=told
            )
            begun = world.engine.moment().event("recovery.requested", key)
            account = Account(key=key, authenticators=(way("totp"),), recovery=waiting)
            assert await world.store.swap(account, world.engine.chained([begun]))
        assert await slow.keep() == 3
        assert world.kinds("recovery.restarted") == []
        found["email"] = "a1@x.example"
        world.clock.advance(60)
        for _ in range(2):
            assert await slow.keep() == 3
            assert sorted(event.account for event in world.kinds("recovery.restarted")) == ["ann", "cid"]
        account = await world.account("ann")
        assert account.recovery is not None
        assert account.recovery.opens_at == START + 60 + WAIT
        assert world.kinds("recovery.reminded") == []


async def test_contacts_under_a_new_key() -> None:
    """They are sealed anew once; those of a key that is gone stay as they are."""
    waiting = Recovery(ref="R", at=START, about="lake", network="", opens_at=START + WAIT)
    told = ""
    for keys, change in (([1], "told"), ([2, 1], "anew"), ([3], "same"), ([1], "same")):
        async with running(make_world(policy=SLOW, keys=[key(number) for number in keys])) as world:
            service, who = world.gate.service, Subject("ann", "alpha")
            if change == "told":
                told = await service.slow_recovery.told(who)
            caller = Caller(subject=who, handle="h", network=HOME)
            rules, account = world.engine.rules("alpha"), Account(key=ANN)
            context = service.challenges.context(caller, rules, purpose="notice", account=account)
            before = replace(waiting, told=told)
            made = service.slow_recovery.sealed_anew(context, before)
            assert made is not None
            assert (made == before) is (change != "anew")
            if change == "anew":
                assert world.engine.keyring.key_of(made.told) == world.engine.keyring.newest
                assert [c.email for c in service.slow_recovery.earlier(replace(account, recovery=made))] == [
                    "ann@alpha.example"
                ]
            assert service.slow_recovery.sealed_anew(context, None) is None
            assert service.slow_recovery.sealed_anew(context, waiting) == waiting
