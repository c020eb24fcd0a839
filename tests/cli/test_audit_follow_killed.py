"""``audit follow`` killed and started at random under load: every line comes once."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from mfa_gate.core.model import SubjectKey
from mfa_gate.errors import StoreUnavailable
from mfa_gate.keyring import Keyring
from mfa_gate.service.accounts import Engine
from tests.harness import make_world, running
from tests.stores import postgres_servers, servers

from .forked import Start, forked, seen
from .store import prepare

TENANTS = ("alpha", "beta", "gamma")
PATIENCE = 60.0
"""Seconds that a busy machine may need to start the command."""
EVERY = 0.02
"""Seconds between two lines that are written while the command comes and goes, and between two of its looks."""


async def load(engine: Engine, written: list[str], ends: asyncio.Event) -> None:
    """Write lines into several trails until the end."""
    luck = random.Random(1)
    while not ends.is_set():
        moment = engine.moment(actor="load")
        event = moment.event("tenant.message", SubjectKey(luck.choice(TENANTS), ""), reason="load")
        with suppress(
            StoreUnavailable
        ):  # a starved machine: such a line may be written or not, and it comes at most once
            await engine.record((event,))
            written.append(event.id)
        await asyncio.sleep(EVERY)


async def follow(start: Start, folder: Path, luck: random.Random) -> None:
    """Start the command, and kill it: as it starts, between two looks, or while it writes.

    Its lines go to a file that every run appends to.
    """
    log = folder / "out"
    log.touch()
    before = log.stat().st_size
    child = await start("audit", "follow", "--json", "--state", str(folder / "state"), out=log, every=EVERY)
    when = luck.choice(("as it starts", "between", "writes", "writes"))
    if when == "between":
        await seen(lambda: log.stat().st_size > before, PATIENCE)
    if when != "writes":
        await asyncio.sleep(luck.uniform(0, 0.1))
    await child.kill(in_the_act=log if when == "writes" else None)


def lines_in(file: Path) -> list[str]:
    """List the references of the lines that are whole."""
    return [json.loads(line)["id"] for line in file.read_bytes().split(b"\n")[:-1] if line]


async def killed_often(folder: Path, url: str, *, times: int) -> None:
    """Kill the command ``times`` times, then let it catch up, and compare."""
    written: list[str] = []
    luck, ends = random.Random(times), asyncio.Event()
    log = folder / "out"
    async with running(make_world(store=url)) as world:
        assert isinstance(world.engine.keyring, Keyring)
        with forked("audit") as start:
            writing = asyncio.create_task(load(world.engine, written, ends))
            for _ in range(times):
                await follow(start, folder, luck)
            ends.set()
            await writing
            last = await start("audit", "follow", "--json", "--state", str(folder / "state"), out=log, every=EVERY)
            await seen(lambda: set(written) <= set(lines_in(log)), PATIENCE)
            await last.kill()
    told = Counter(lines_in(log))
    assert {id: count for id, count in told.items() if count > 1} == {}
    assert set(written) <= set(told)
    assert len(written) > times


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keys, policy and a store, as environment variables name them."""
    prepare(tmp_path, monkeypatch)
    return tmp_path


@pytest.mark.slow
async def test_ten_times_on_sqlite(folder: Path) -> None:
    """A sample of the two hundred times."""
    await killed_often(folder, f"sqlite:///{folder}/mfa.db", times=10)


@pytest.mark.long
async def test_two_hundred_times_on_sqlite(folder: Path) -> None:
    """Must hold: every line once."""
    await killed_often(folder, f"sqlite:///{folder}/mfa.db", times=200)


@pytest.mark.long
async def test_two_hundred_times_on_redis(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Must hold: every line once, on Redis as well."""
    with servers.single(folder) as server:
        url = f"redis://127.0.0.1:{server.port}/0"
        monkeypatch.setenv("MFA_GATE_STORE", url)
        await killed_often(folder, url, times=200)


@pytest.mark.long
async def test_two_hundred_times_on_postgresql(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Must hold: every line once, on PostgreSQL as well."""
    url = postgres_servers.shared().schema()
    monkeypatch.setenv("MFA_GATE_STORE", url)
    await killed_often(folder, url, times=200)
