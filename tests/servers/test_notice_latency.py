"""Every other worker sees a revocation at once.

With SQLite it sees it at the next request, with Redis within 50 ms.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest

from mfa_gate.core.model import SubjectKey
from mfa_gate.testing.store_suite import changed
from tests.harness import FETCH, Browser, World, make_world, running

pytestmark = pytest.mark.slow

ANN = SubjectKey("alpha", "ann")
WITHIN = 0.050


async def raise_epoch(world: World, by: int) -> None:
    """End every proof of the account, or take that back, as another worker does it."""
    account = await world.store.load(ANN)
    assert await world.store.swap(replace(account, epoch=account.epoch + by))


async def status(browser: Browser) -> int:
    """Return the status that the app behind the gate answers."""
    return (await browser.ask("GET", "/records", headers=FETCH)).status


@pytest.mark.parametrize("times", [30, pytest.param(1000, marks=pytest.mark.long)])
async def test_sqlite_at_the_next_request(tmp_path: Path, times: int) -> None:
    """A proof that another worker on the file has revoked is refused at the very next request.

    S-26, S-122.
    """
    url = f"sqlite:///{tmp_path / 'mfa.db'}"
    async with running(make_world(store=url)) as here, running(make_world(store=url)) as there:
        ann = await here.enrolled()
        for _ in range(times):
            assert await status(ann) == 200
            await raise_epoch(there, +1)
            assert await status(ann) == 403
            await raise_epoch(there, -1)


@pytest.mark.parametrize("shared_url", ["redis", "postgres"], indirect=True)
@pytest.mark.parametrize("times", [50, pytest.param(1000, marks=pytest.mark.long)])
async def test_a_server_within_50_ms(shared_url: str, times: int) -> None:
    """A proof that another worker has revoked is refused within 50 ms in half of the cases.

    S-26, S-122. If the machine is so busy that a plain round trip takes long, the refusal may come that much
    later. The 99th percentile is printed, and ``bench_notice`` measures it.
    """
    waits: list[float] = []
    trips: list[float] = []
    async with running(make_world(store=shared_url)) as here, running(make_world(store=shared_url)) as there:
        ann = await here.enrolled()
        for _ in range(times):
            while await status(ann) != 200:
                await asyncio.sleep(0.002)
            changed(here.store)
            assert not changed(here.store), "the channel is up, and there is nothing new"
            started = time.monotonic()
            await there.store.load(ANN)
            trips.append(time.monotonic() - started)
            await raise_epoch(there, +1)
            started = time.monotonic()
            while await status(ann) != 403:
                await asyncio.sleep(0.001)
                assert time.monotonic() < started + 2
            waits.append(time.monotonic() - started)
            await raise_epoch(there, -1)
    last = int(times * 0.99) - 1
    print(
        f"median {sorted(waits)[times // 2] * 1e3:.1f} ms, 99th percentile {sorted(waits)[last] * 1e3:.1f} ms "
        f"(of a plain round trip: {sorted(trips)[last] * 1e3:.1f} ms)"
    )
    assert sorted(waits)[times // 2] <= WITHIN + 4 * sorted(trips)[times // 2]
