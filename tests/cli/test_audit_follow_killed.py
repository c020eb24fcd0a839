"""``audit follow`` killed and started at random under load: every line comes once."""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from mfa_gate.core.model import SubjectKey
from mfa_gate.errors import StoreUnavailable
from mfa_gate.keyring import Keyring
from mfa_gate.service.accounts import Engine
from tests.harness import make_world, running
from tests.stores import servers

from .store import prepare

ROOT = Path(__file__).resolve().parents[2]
TENANTS = ("alpha", "beta", "gamma")
PATIENCE = 60.0
"""Seconds that a busy machine may need to start the command."""
EVERY = 0.02
"""Seconds between two lines that are written while the command comes and goes."""


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


async def follow(folder: Path, *, lasts: float, early: bool = False) -> None:
    """Start the command, and kill it ``lasts`` seconds after its first line.

    ``early``: that long after its start.

    Its lines go to a file that every run appends to.
    """
    log = folder / "out"
    with log.open("ab") as out:
        before = log.stat().st_size
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "mfa_gate.cli", "audit", "follow", "--json", "--state", str(folder / "state")),
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
            stdout=out,
            stderr=asyncio.subprocess.DEVNULL,
        )
        deadline = time.monotonic() + PATIENCE
        while not early and log.stat().st_size == before and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        await asyncio.sleep(lasts)
        if process.returncode is None:
            process.kill()
        await process.wait()


def lines_in(file: Path) -> list[str]:
    """List the references of the lines that are whole."""
    return [json.loads(line)["id"] for line in file.read_bytes().split(b"\n")[:-1] if line]


async def killed_often(folder: Path, url: str, *, times: int) -> None:
    """Kill the command ``times`` times, then let it catch up, and compare."""
    written: list[str] = []
    luck, ends = random.Random(times), asyncio.Event()
    async with running(make_world(store=url)) as world:
        assert isinstance(world.engine.keyring, Keyring)
        writing = asyncio.create_task(load(world.engine, written, ends))
        for _ in range(times):
            await follow(folder, lasts=luck.uniform(0, 0.4), early=luck.random() < 0.2)
        ends.set()
        await writing
        for _ in range(20):
            await follow(folder, lasts=2)
            if set(written) <= set(lines_in(folder / "out")):
                break
    told = Counter(lines_in(folder / "out"))
    assert {id: count for id, count in told.items() if count > 1} == {}
    assert set(written) <= set(told)
    assert len(written) > times


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keys, policy and a store, as environment variables name them."""
    prepare(tmp_path, monkeypatch)
    return tmp_path


@pytest.mark.slow
async def test_five_times_on_sqlite(folder: Path) -> None:
    """A sample of the two hundred times."""
    await killed_often(folder, f"sqlite:///{folder}/mfa.db", times=5)


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
