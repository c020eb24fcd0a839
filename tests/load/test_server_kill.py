"""``kill -9`` of the store's server in the midst of answers, and its restart.

No success counts twice, no attempt is given back, and no lock is lost.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pyotp
import pytest

from mfa_gate.core.model import SubjectKey
from mfa_gate.errors import StoreUnavailable
from mfa_gate.factors.totp import Totp
from mfa_gate.service.trail_verification import verify_trail
from mfa_gate.storage import Store
from tests.harness import World, make_world, running
from tests.load.test_many_workers import enrolled, wrong
from tests.load.workers import Answers, answer_all
from tests.servers.conftest import Mortal
from tests.stores.patience import patient_store

pytestmark = pytest.mark.slow

FEW = pytest.param(4, id="few")
MANY = pytest.param(50, id="many", marks=pytest.mark.long)


def store_on(server: Mortal) -> Store | str:
    """Return a store with longer limits on Redis, which a busy machine answers late.

    PostgreSQL has the usual ones: it would wait them out at each kill.
    """
    return patient_store(server.url) if server.url.startswith("redis") else server.url


async def killed_amid(world: World, server: Mortal, id: str, answers: Answers, dice: random.Random) -> Counter[str]:
    """All answers at once, and the server dies under them; it is back when this returns."""
    task = asyncio.create_task(answer_all(world, id, answers))
    await asyncio.sleep(dice.random() * 0.12)
    server.kill()
    await asyncio.wait({task}, timeout=3)  # answers of a busy machine that have not begun wait for the server
    await asyncio.to_thread(server.start)
    found = await task
    async with asyncio.timeout(10):
        while True:
            try:
                await world.store.load(SubjectKey("alpha", id))
            except StoreUnavailable:
                await asyncio.sleep(0.05)
            else:
                return found


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every answer that was compared."""
    seen: list[str] = []
    inner: Callable[..., Any] = Totp.verify

    def counted(*arguments: Any, **named: Any) -> Any:
        seen.append(named["response"])
        return inner(*arguments, **named)

    monkeypatch.setattr(Totp, "verify", counted)
    return seen


@pytest.mark.parametrize("times", [FEW, MANY])
async def test_wrong_guesses(mortal_server: Mortal, compared: list[str], times: int) -> None:
    """No more than seven guesses are compared, whenever the server dies.

    S-31, S-35, F-10. Each guess was charged before, and the lock stands.
    """
    dice = random.Random(3)
    async with running(make_world(store=store_on(mortal_server))) as world:
        secrets = await enrolled(world, [f"ann{number}" for number in range(times)])
        for id, secret in secrets.items():
            compared.clear()
            guesses = wrong(secret, world.clock.at, 40)
            await killed_amid(world, mortal_server, id, guesses[:20], dice)
            account = await world.store.load(SubjectKey("alpha", id))
            assert len(compared) <= account.attempts.used <= 7
            locked = account.lock is not None
            await killed_amid(world, mortal_server, id, guesses[20:30], dice)
            world.clock.advance(60)
            found = await answer_all(world, id, guesses[30:])
            account = await world.store.load(SubjectKey("alpha", id))
            assert len(compared) <= account.attempts.used == 7
            assert account.lock is not None
            assert not locked or found == {"locked": 10}
            right = [("r" * 48, pyotp.TOTP(secret).at(int(world.clock.at)))]
            assert await answer_all(world, id, right) == {"locked": 1}
            assert len((await world.store.events("alpha", account=id, kind="account.locked")).items) == 1
        assert await verify_trail(world.store) == {}


@pytest.mark.parametrize("times", [FEW, MANY])
async def test_right_codes(mortal_server: Mortal, times: int) -> None:
    """One code proves once, whenever the server dies: before or after, never twice.

    S-44, S-59, F-10.
    """
    dice = random.Random(5)
    async with running(make_world(store=store_on(mortal_server))) as world:
        secrets = await enrolled(world, [f"ann{number}" for number in range(times)])
        for id, secret in secrets.items():
            code = pyotp.TOTP(secret).at(int(world.clock.at))
            copies = [(f"{number}".zfill(48), code) for number in range(40)]
            found = await killed_amid(world, mortal_server, id, copies[:5], dice)
            world.clock.advance(12)
            found += await answer_all(world, id, copies[20:24])
            assert found["granted"] <= 1
            granted = (await world.store.events("alpha", account=id, kind="proof.granted")).items
            assert len(granted) == 2, "the one of the enrollment, and one of this code"
        assert await verify_trail(world.store) == {}
