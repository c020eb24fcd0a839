"""The workers that the tests of strikes hit, their ground, and their remains."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from mfa_gate.core.model import Account
from mfa_gate.service.trail_verification import verify_trail
from tests.attacks.doomed import Deed, Kill, do
from tests.attacks.killing import copy
from tests.attacks.worker import KEY, caller, world_on
from tests.harness import World, make_world, running
from tests.stores.patience import patient_store

HANDLE = "h" * 48
MOMENTS = ("before", "after", "inside")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """The ground of all kills: the state before, and the deeds that are tried on copies of it."""

    stores: str
    marks: Path
    before: dict[str, Account]
    deeds: dict[str, Deed]
    secret: str
    now: float
    sample: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Killed:
    """The results of all tries: one kill for each."""

    ground: Ground
    kills: list[Kill]

    def of(self, *names: str) -> list[Kill]:
        """The kills amid these deeds."""
        return [kill for kill in self.kills if kill.deed in names]

    async def judged(self, judge: Callable[[Kill], Awaitable[None]], *names: str) -> None:
        """Judge every kill amid these deeds.

        Raises the first fault after all of them were judged.
        """
        kills, faults = self.of(*names), []
        for kill in kills:
            try:
                await judge(kill)
            except AssertionError as fault:
                faults.append(fault)
        print(f"{len(kills)} kills judged, {len(faults)} with a fault")
        if faults:
            raise faults[0]

    def compared(self, kill: Kill) -> int:
        """Count the answers that were compared before the process died."""
        return self._marks(kill, "compared")

    def sent(self, kill: Kill) -> int:
        """Count the messages that had gone to the sender before the process died."""
        return self._marks(kill, "sent")

    def written(self, kill: Kill) -> int:
        """Count the changes that the store had confirmed before the process died."""
        if kill.moment == "end":
            return len(kill.swaps)
        return len([at for at in kill.swaps if at < kill.at or (at == kill.at and kill.moment == "after")])

    def _marks(self, kill: Kill, what: str) -> int:
        path = self.ground.marks / str(kill.number) / what
        return path.stat().st_size if path.exists() else 0

    @asynccontextmanager
    async def opened(self, kill: Kill, *, later: float = 0) -> AsyncIterator[World]:
        """Start a new process on the remains, so much later; the trail must be whole."""
        async with running(
            world_on(patient_store(self.ground.stores.format(kill.number)), self.ground.now + later)
        ) as world:
            assert await verify_trail(world.store) == {}, f"a broken trail: {kill}"
            yield world

    async def again(self, world: World, kill: Kill) -> str:
        """Do the deed once more, as a person does whose answer never came."""
        done = await do(world, self.ground.deeds[kill.deed])
        return str(getattr(done, "reason", "again" if getattr(done, "again", False) else "granted"))


async def prepared(stores: str, marks: Path, *, sample: int) -> Ground:
    """Prepare Ann's account, and a copy of it that is near the lock.

    ``sample`` is the number of kills of a deed in a usual run, 0 for all.

    Ann has two factors, three failures and a phone number that she has not confirmed. The copy has three failures more.
    """
    world = make_world(store=patient_store(stores.format(0)))
    async with running(world):
        ann = await world.browser()
        totp, email = await ann.enroll(), await ann.enroll_email()
        world.clock.advance(90)
        await world.gate.service.challenges.begin(caller(HANDLE), email)
        code = world.email.codes[-1]
        await _fail(world, ann.secret)
        world.clock.advance(31)
        begun = await ann.api("POST", "enroll", {"factor": "sms", "phone": "+1 202-555-0142"})
        world.clock.advance(31)
        before = await world.store.load(KEY)
    copy(stores.format(0), stores.format(1))
    async with running(make_world(store=patient_store(stores.format(1)), clock=world.clock)) as other:
        await _fail(other, ann.secret)
        before_last = await other.store.load(KEY)
    sound = {"origin": 0, "moments": MOMENTS, "mistake": "none"}
    verify = {**sound, "kind": "verify", "handle": HANDLE, "authenticator": totp}
    deeds = {
        "wrong": {**verify, "response": ann.wrong()},
        "last": {**verify, "response": ann.wrong(), "origin": 1},
        "right": {**verify, "response": ann.totp()},
        "code": {**verify, "response": code, "authenticator": email},
        "send": {**verify, "kind": "send", "authenticator": email},
        "confirm": {
            **sound,
            "kind": "confirm",
            "handle": ann.cookies[ann.handle].rpartition(".")[0],
            "enrollment": begun.json()["enrollment"],
            "response": world.sms.codes[-1],
        },
    }
    return Ground(
        stores=stores,
        marks=marks,
        before=dict.fromkeys(deeds, before) | {"last": before_last},
        deeds=deeds,
        secret=ann.secret,
        now=world.clock.at,
        sample=sample,
    )


async def _fail(world: World, secret: str) -> None:
    """Three wrong answers, from a browser that has proven nothing."""
    pending = await world.browser()
    pending.secret = secret
    for number in range(3):
        await pending.guess(number * 10)
