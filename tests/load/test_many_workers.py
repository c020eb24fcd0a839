"""The workers of three applications on one store.

A thousand guesses count as seven, and two hundred copies of a right code are one success.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pyotp
import pytest

from mfa_gate.core.model import SubjectKey
from tests.harness import World, make_world, running
from tests.load.workers import APPS, Answers, rounds, world_of
from tests.stores.patience import patient_store

pytestmark = pytest.mark.slow

GUESSES = 1000
COPIES = 200
FEW = pytest.param(2, len(APPS), id="few")
MANY = pytest.param(50, 16, id="many", marks=pytest.mark.long)


async def enrolled(world: World, ids: Sequence[str]) -> dict[str, str]:
    """The subjects' secrets; all of them could answer with a fresh code now."""
    secrets = {}
    for id in ids:
        browser = await world.browser(id)
        await browser.enroll()
        secrets[id] = browser.secret
    world.clock.advance(90)
    return secrets


def shared_out(answers: Sequence[tuple[str, str]], workers: int) -> Sequence[Answers]:
    """Everybody's share."""
    return [answers[number::workers] for number in range(workers)]


def wrong(secret: str, now: float, count: int) -> Answers:
    """Wrong codes, all different, each from a browser of its own."""
    good = {pyotp.TOTP(secret).at(int(now) + 30 * step) for step in range(-3, 4)}
    codes = [code for code in (f"{number * 37:06d}" for number in range(count + 10)) if code not in good]
    return [(f"{number}".zfill(48), code) for number, code in enumerate(codes[:count])]


@pytest.mark.parametrize(("times", "workers"), [FEW, MANY])
async def test_a_thousand_guesses(shared_url: str, times: int, workers: int) -> None:
    """Exactly 7 of 1,000 wrong codes at once for one account are compared.

    S-31, S-32. The codes go to the workers of three applications. There is one lock and one event of it,
    every time.
    """
    world = make_world(store=patient_store(shared_url))
    async with running(world):
        secrets = await enrolled(world, [f"ann{number}" for number in range(times)])
    now = world.clock.at
    jobs = [(id, shared_out(wrong(secret, now, GUESSES), workers)) for id, secret in secrets.items()]
    found = await asyncio.to_thread(rounds, shared_url, now, jobs)
    async with running(world_of(shared_url, now, "web")) as world:
        for (id, _), (compared, outcomes) in zip(jobs, found, strict=True):
            assert compared == 7, (id, outcomes)
            assert outcomes == {"wrong_code": 7, "locked": GUESSES - 7}
            account = await world.store.load(SubjectKey("alpha", id))
            assert account.attempts.used == 7
            assert account.lock is not None
            assert len((await world.store.events("alpha", account=id, kind="account.locked")).items) == 1
            failed = (await world.store.events("alpha", account=id, kind="attempt.failed")).items
            assert len(failed) == 7
            assert {event.app for event in failed} <= {*APPS}


@pytest.mark.parametrize(("times", "workers"), [FEW, MANY])
async def test_copies_of_a_right_code(shared_url: str, times: int, workers: int) -> None:
    """One right code that is sent 200 times at once proves once, every time.

    S-44, S-59. The copies go to the workers of three applications.
    """
    world = make_world(store=patient_store(shared_url))
    async with running(world):
        secrets = await enrolled(world, [f"ann{number}" for number in range(times)])
    now = world.clock.at
    jobs = []
    for id, secret in secrets.items():
        code = pyotp.TOTP(secret).at(int(now))
        jobs.append((id, shared_out([(f"{number}".zfill(48), code) for number in range(COPIES)], workers)))
    found = await asyncio.to_thread(rounds, shared_url, now, jobs)
    async with running(world_of(shared_url, now, "web")) as world:
        for (id, _), (_, outcomes) in zip(jobs, found, strict=True):
            assert outcomes["granted"] == 1, (id, outcomes)
            assert outcomes.keys() <= {"granted", "code_already_used", "locked", "too_soon"}, outcomes
            granted = (await world.store.events("alpha", account=id, kind="proof.granted")).items
            assert len(granted) == 2, "the one of the enrollment and the one of now"
            account = await world.store.load(SubjectKey("alpha", id))
            assert account.lock is None
            assert account.attempts.used == 0


async def test_copies_from_one_browser(tmp_path: Path) -> None:
    """One right code that one browser sends 200 times at once proves once.

    The others hear of that proof. S-44, S-59.
    """
    url = f"sqlite:///{tmp_path}/mfa.db"
    world = make_world(store=patient_store(url))
    async with running(world):
        secrets = await enrolled(world, ["ann"])
    now = world.clock.at
    copies = [("h" * 48, pyotp.TOTP(secrets["ann"]).at(int(now)))] * COPIES
    ((compared, outcomes),) = await asyncio.to_thread(rounds, url, now, [("ann", shared_out(copies, 4))])
    assert compared >= 1
    assert outcomes["granted"] == 1
    assert outcomes.keys() <= {"granted", "again", "code_already_used", "too_soon", "locked"}
    async with running(world_of(url, now, "web")) as world:
        granted = (await world.store.events("alpha", kind="proof.granted")).items
        assert len(granted) == 2, "the one of the enrollment and the one of now"
        account = await world.store.load(SubjectKey("alpha", "ann"))
        assert (account.lock, account.attempts.used) == (None, 0)
        assert len(account.browsers) == 2


async def test_guesses_around_a_right_code(tmp_path: Path) -> None:
    """Among guesses around one right code, at most seven fail between two successes.

    The right code in the crowd is compared or not. Requirement S-31.
    """
    url = f"sqlite:///{tmp_path}/mfa.db"
    world = make_world(store=patient_store(url))
    async with running(world):
        secrets = await enrolled(world, ["ann"])
    now = world.clock.at
    right = ("r" * 48, pyotp.TOTP(secrets["ann"]).at(int(now)))
    crowds = [[*mine[:10], right, *mine[10:]] for mine in shared_out(wrong(secrets["ann"], now, 100), 4)]
    ((compared, outcomes),) = await asyncio.to_thread(rounds, url, now, [("ann", crowds)])
    assert outcomes["granted"] <= 1
    async with running(world_of(url, now, "web")) as world:
        failed = len((await world.store.events("alpha", kind="attempt.failed")).items)
        assert failed <= 7 * (1 + outcomes["granted"])
        assert compared >= failed
        assert len((await world.store.events("alpha", kind="account.locked")).items) == 1


async def test_the_workers_bite(shared_url: str) -> None:
    """Workers with a counter that is read and then written compare more than seven.

    This shows that the tests above can fail.
    """
    world = make_world(store=patient_store(shared_url))
    async with running(world):
        secrets = await enrolled(world, ["ann"])
    now = world.clock.at
    jobs = [("ann", shared_out(wrong(secrets["ann"], now, 200), 4))]
    ((compared, _),) = await asyncio.to_thread(rounds, shared_url, now, jobs, broken=True)
    assert compared > 7
