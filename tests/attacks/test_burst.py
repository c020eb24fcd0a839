"""Bursts of answers over four processes.

A thousand guesses at once are seven. Two hundred copies of one right code are one success.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.attacks.processes import burst, on_file, prepared
from tests.attacks.worker import KEY
from tests.harness import Browser, World, running

pytestmark = pytest.mark.slow


async def test_a_thousand_guesses(tmp_path: Path) -> None:
    """Of 1,000 wrong codes at once for one account exactly 7 are compared.

    Four processes send them on one file. There is one lock, and no more than that is ever charged. Requirements S-31,
    S-32.
    """
    path = tmp_path / "mfa.db"
    ann = await prepared(path)
    compared, outcomes = await asyncio.to_thread(burst, path, ann.world.clock.at, guesses(ann, 4, 250))
    assert compared == 7
    assert outcomes["wrong_code"] <= 7
    assert outcomes.keys() <= {"wrong_code", "locked", "store_unavailable"}
    world = on_file(path, clock=ann.world.clock)
    async with running(world):
        account = await world.store.load(KEY)
        assert account.attempts.used == 7
        assert account.lock is not None
        assert len((await world.store.events("alpha", kind="account.locked")).items) == 1
        assert len((await world.store.events("alpha", kind="attempt.failed")).items) == 7


async def test_the_burst_bites(tmp_path: Path) -> None:
    """The same burst against a counter that is read and then written compares more than seven.

    So the test above can fail.
    """
    path = tmp_path / "mfa.db"
    ann = await prepared(path)
    compared, _ = await asyncio.to_thread(burst, path, ann.world.clock.at, guesses(ann, 4, 50), broken=True)
    assert compared > 7


@pytest.mark.parametrize("same_browser", [True, False], ids=["one browser", "many browsers"])
async def test_one_right_code_two_hundred_times(tmp_path: Path, same_browser: bool) -> None:
    """One right code that is sent 200 times at once over four processes proves once.

    It locks nobody out. Requirements S-44, S-59.
    """
    path = tmp_path / "mfa.db"
    ann = await prepared(path)
    code = ann.totp()
    answers = [[("h" * 48 if same_browser else f"{n}{m}".zfill(48), code) for n in range(50)] for m in range(4)]
    compared, outcomes = await asyncio.to_thread(burst, path, ann.world.clock.at, answers)
    assert compared >= 1
    assert outcomes["granted"] == 1
    assert outcomes.keys() <= {"granted", "again", "code_already_used", "too_soon", "locked", "store_unavailable"}
    assert outcomes.get("again", 0) == 0 or same_browser
    world = on_file(path, clock=ann.world.clock)
    async with running(world):
        granted = (await world.store.events("alpha", kind="proof.granted")).items
        assert len(granted) == 2, "the one of the enrollment and the one of now"
        account = await world.store.load(KEY)
        assert (account.lock, account.attempts.used) == (None, 0)
        assert len(account.browsers) == 2


async def test_guesses_around_a_right_code(tmp_path: Path) -> None:
    """Among guesses around one right code, at most seven fail between two successes.

    The right code in the crowd is compared or not. Requirement S-31.
    """
    path = tmp_path / "mfa.db"
    ann = await prepared(path)
    code = ann.totp()
    answers = [[*mine[:10], ("r" * 48, code), *mine[10:]] for mine in guesses(ann, 4, 25)]
    compared, outcomes = await asyncio.to_thread(burst, path, ann.world.clock.at, answers)
    assert outcomes.get("granted", 0) <= 1
    world = on_file(path, clock=ann.world.clock)
    async with running(world):
        failed = len((await world.store.events("alpha", kind="attempt.failed")).items)
        assert failed <= 7 * (1 + outcomes.get("granted", 0))
        assert compared >= failed
        assert len((await world.store.events("alpha", kind="account.locked")).items) == 1


def guesses(ann: Browser, workers: int, each: int) -> Sequence[Sequence[tuple[str, str]]]:
    """Wrong codes, all different, from as many browsers."""
    good = {ann.totp(step) for step in range(-3, 4)}
    wrong = [code for code in (f"{n * 37 % 1_000_000:06d}" for n in range(workers * each + 20)) if code not in good]
    return [[(f"{worker}-{n}".zfill(48), wrong[worker * each + n]) for n in range(each)] for worker in range(workers)]


async def test_a_burst_over_every_door(world: World) -> None:
    """A burst over pages, JSON, enrollment and contact at once shares the seven attempts.

    It runs in one process. Requirements S-31, S-32.
    """
    ann = await world.enrolled()
    id = await ann.authenticator("totp")
    draft = (await ann.api("POST", "enroll", {"factor": "email"})).json()["enrollment"]
    browsers = [await world.browser() for _ in range(10)]
    tokens = [await browser.token() for browser in browsers]
    world.events.clear()

    async def one(number: int) -> int:
        browser = browsers[number % 10]
        browser.secret = ann.secret
        code = ann.wrong(number * 100)
        match number % 3:
            case 0:
                reply = await browser.api("POST", "verify", {"authenticator": id, "response": code})
            case 1:
                reply = await browser.form(f"/mfa/challenge/{id}", {"code": code}, token=tokens[number % 10])
            case _:
                reply = await ann.api("POST", "enroll/confirm", {"enrollment": draft, "response": code})
        return reply.status

    statuses = await asyncio.gather(*(one(number) for number in range(150)))
    assert set(statuses) <= {303, 403, 404, 422}  # 303 leads to the page of the lock
    assert len(world.kinds("attempt.failed")) == 7
    assert len(world.kinds("account.locked")) == 1
    assert world.kinds("proof.granted") == []
