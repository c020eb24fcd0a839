"""``kill -9`` between any two steps: nothing succeeds twice, no attempt comes back, and afterwards everything works."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mfa_gate.core.entropy import handle_digest
from mfa_gate.core.model import Account
from tests.attacks.processes import on_file, told
from tests.attacks.worker import KEY, caller
from tests.harness import Browser, FixedClock, World, running

pytestmark = pytest.mark.slow
HANDLE = "h" * 48
MIN_CALLS = {"wrong": 4, "last": 4, "right": 4, "code": 4, "confirm": 5, "send": 3}


@dataclass
class Killed:
    """What was tried, on which account, and what is left of each try."""

    deeds: dict[str, dict[str, Any]]
    before: dict[str, Account]
    places: dict[str, list[Path]]
    died: dict[str, int]
    now: float
    anns: dict[str, Browser]

    @asynccontextmanager
    async def opened(self, place: Path, *, later: float = 0) -> AsyncIterator[World]:
        """A new process on what is left, so much later."""
        world = on_file(place / "mfa.db", clock=FixedClock(self.now + later))
        async with running(world):
            yield world

    async def again(self, world: World, name: str) -> str:
        """The same once more, as somebody whose answer never came would do it."""
        deed, service = self.deeds[name], world.gate.service
        who = caller(deed["handle"])
        if deed["kind"] == "confirm":
            done: Any = await service.enrollments.confirm(
                who, handle=HANDLE, enrollment=deed["enrollment"], response=deed["response"]
            )
        else:
            done = await service.proving.verify(
                who, handle=HANDLE, authenticator=deed["authenticator"], response=deed["response"]
            )
        return str(getattr(done, "reason", "again" if getattr(done, "again", False) else "granted"))


async def _prepare(path: Path, failures: int) -> tuple[World, Browser, dict[str, str]]:
    world = on_file(path)
    made: dict[str, str] = {}
    async with running(world):
        ann = await world.browser()
        made["totp"] = await ann.enroll()
        made["email"] = await ann.enroll_email()
        world.clock.advance(90)
        service = world.gate.service
        await service.issuing.begin(caller(HANDLE), made["email"])
        made["code"] = world.email.codes[-1]
        pending = await world.browser()
        pending.secret = ann.secret
        for number in range(failures):
            await pending.guess(number * 10)
        world.clock.advance(31)
        begun = await ann.api("POST", "enroll", {"factor": "sms", "phone": "+1 202-555-0142"})
        made["enrollment"], made["sms"] = begun.json()["enrollment"], world.sms.codes[-1]
        made["ann"] = ann.cookies[ann.handle].rpartition(".")[0]
        world.clock.advance(31)
    return world, ann, made


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Killed:
    """Every deed killed before and after every call that it makes of the store."""
    base = tmp_path_factory.mktemp("kills")
    deeds: dict[str, dict[str, Any]] = {}
    before: dict[str, Account] = {}
    died: dict[str, int] = {}
    anns: dict[str, Browser] = {}
    now = 0.0
    for failures, names in ((3, ("wrong", "right", "code", "confirm", "send")), (6, ("last",))):
        origin = base / f"origin-{failures}"
        origin.mkdir()
        world, ann, made = asyncio.run(_prepare(origin / "mfa.db", failures))
        now = world.clock.at
        verify = {"kind": "verify", "handle": HANDLE, "authenticator": made["totp"]}
        every = {
            "wrong": {**verify, "response": ann.wrong()},
            "last": {**verify, "response": ann.wrong()},
            "right": {**verify, "response": ann.totp()},
            "code": {**verify, "authenticator": made["email"], "response": made["code"]},
            "send": {"kind": "send", "handle": HANDLE, "authenticator": made["email"]},
            "confirm": {
                "kind": "confirm",
                "handle": made["ann"],
                "enrollment": made["enrollment"],
                "response": made["sms"],
            },
        }
        mine = {name: every[name] for name in names}
        told_to = {"do": "kills", "origin": str(origin), "target": str(base), "now": now, "deeds": mine}
        died |= told(told_to)
        deeds |= mine
        account = asyncio.run(_account(origin))
        before |= dict.fromkeys(names, account)
        anns |= dict.fromkeys(names, ann)
    places = {name: sorted(base.glob(f"{name}-*")) for name in deeds}
    return Killed(deeds=deeds, before=before, places=places, died=died, now=now, anns=anns)


async def _account(origin: Path) -> Account:
    async with running(on_file(origin / "mfa.db")) as world:
        return await world.store.load(KEY)


def compared(place: Path) -> bool:
    """Whether an answer was compared before the process died."""
    return (place / "marks").exists()


def test_the_kills_bite(killed: Killed) -> None:
    """The harness kills where it says: before and after each of the calls, some of them after the comparison."""
    for name, count in killed.died.items():
        assert count >= 2 * MIN_CALLS[name] - 1, (name, count)
        assert len(killed.places[name]) == count
    for name in ("wrong", "right", "code", "last"):
        assert {compared(place) for place in killed.places[name]} == {True, False}


@pytest.mark.parametrize("name", ["wrong", "last", "right", "code"])
async def test_no_comparison_without_a_charge(killed: Killed, name: str) -> None:
    """S-31, S-37, F-10: wherever the process died: what was compared is charged, or all of the success is there."""
    before = killed.before[name].attempts
    for place in killed.places[name]:
        async with killed.opened(place) as world:
            account = await world.store.load(KEY)
            granted = account.browser(_after(account)) is not None
            if account.attempts.series == before.series:
                assert account.attempts.used in (before.used, before.used + 1)
                if compared(place):
                    assert account.attempts.used == before.used + 1
                assert not granted
            else:
                assert account.attempts.used == 0
                assert granted
                assert all(c.spent_at for c in account.challenges if c.purpose == "sign-in")


def _after(account: Account) -> str:
    """The handle that a success of these tests gave, whatever it is."""
    found = [b.handle for b in account.browsers if b.twin and b.twin.handle == handle_digest(HANDLE)]
    return found[0] if found else ""


@pytest.mark.parametrize("name", ["right", "code"])
async def test_no_double_success(killed: Killed, name: str) -> None:
    """F-10, F-11: the same answer once more, at once or later, from the same browser or another, makes one success of it in
    all; either it was committed and is used up, or it was not and still works."""
    for place in killed.places[name]:
        async with killed.opened(place) as world:
            proofs = len((await world.store.events("alpha", kind="proof.granted")).items)
            outcome = await killed.again(world, name)
            assert outcome == ("granted" if proofs == 2 else "again"), place
            total = len((await world.store.events("alpha", kind="proof.granted")).items)
            assert total == 3, "two of the enrollments, one of this answer"
        async with killed.opened(place, later=31) as world:
            assert await killed.again(world, name) in ("code_already_used", "wrong_code")
            assert len((await world.store.events("alpha", kind="proof.granted")).items) == 3


async def test_the_last_attempt(killed: Killed) -> None:
    """F-10, S-35: the seventh attempt stays spent: a moment later the account is locked, once, and nothing more is compared."""
    for place in killed.places["last"]:
        async with killed.opened(place, later=40) as world:
            spent = (await world.store.load(KEY)).attempts.used == 7
            marks = (place / "marks").stat().st_size if compared(place) else 0
            assert await killed.again(world, "last") == ("locked" if spent else "wrong_code")
            assert await killed.again(world, "last") == "locked"
            account = await world.store.load(KEY)
            assert account.lock is not None
            assert len((await world.store.events("alpha", kind="account.locked")).items) == 1
            assert marks <= 1


async def test_an_enrollment(killed: Killed) -> None:
    """F-10: a confirmation counts whole or not at all: an authenticator, its proof and its event, or none of them; and it
    can be had afterwards."""
    for place in killed.places["confirm"]:
        async with killed.opened(place) as world:
            account = await world.store.load(KEY)
            kinds = [a.factor for a in account.authenticators]
            told_of = (await world.store.events("alpha", kind="factor.enrolled")).items
            assert kinds.count("sms") in (0, 1)
            assert len(told_of) == 2 + kinds.count("sms")
            assert bool(account.enrollments) is not bool(kinds.count("sms"))
            outcome = await killed.again(world, "confirm")
            assert outcome == ("granted" if not kinds.count("sms") else "not_found"), (place, outcome)


async def test_a_send(killed: Killed) -> None:
    """S-50: a code that may have gone out is counted as sent: a crash buys no extra message."""
    before = killed.before["send"]
    for place in killed.places["send"]:
        async with killed.opened(place) as world:
            account = await world.store.load(KEY)
            new = [c for c in account.challenges if c not in before.challenges]
            assert len(account.sent) == len(before.sent) + len(new)
            assert len(new) in (0, 1)


async def test_life_goes_on(killed: Killed) -> None:
    """After every crash the owner gets in with the next code, unless the account is locked."""
    for name in ("wrong", "right", "code", "confirm", "send"):
        for place in killed.places[name]:
            async with killed.opened(place, later=120) as world:
                ann = await world.browser()
                assert (await ann.prove(killed.anns[name].secret)).status == 200, place
                assert await ann.is_in()
