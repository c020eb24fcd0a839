"""Several processes on one SQLite file: killed, forked, all at once."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from mfa_gate.core.model import SubjectKey
from mfa_gate.stores import store_from_url
from mfa_gate.stores.sqlite import SQLiteStore, first_open
from mfa_gate.testing.store_suite import ALICE, changed, enrolled

from .. import servers

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(first_open.__file__).parents[3])}
HEAD = """
import asyncio, os, sys
from dataclasses import replace
from mfa_gate.core.model import Attempts, SubjectKey
from mfa_gate.stores import store_from_url
from mfa_gate.stores.sqlite import SQLiteStore
from mfa_gate.testing.store_suite import ALICE, changed, enrolled, event
"""


def start(script: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", HEAD + textwrap.dedent(script), *map(str, arguments)],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> str:
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    return out


COUNT_UP = """
async def main():
    store = SQLiteStore(sys.argv[1])
    await store.open()
    account = await store.load(ALICE)
    while True:
        used = account.attempts.used + 1
        assert await store.swap(replace(account, attempts=Attempts(used=used)), [event(used)])
        print(used, flush=True)
        account = await store.load(ALICE)
asyncio.run(main())
"""


@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.long)])
async def test_killed_at_any_moment(tmp_path: Path, kills: int) -> None:
    """Every acknowledged attempt is there with its event after a ``kill -9``.

    F-9, F-10. No event is there without its attempt.
    """
    path = tmp_path / "mfa.db"
    chance = random.Random(5)
    for _ in range(kills):
        process = await asyncio.to_thread(start, COUNT_UP, path)
        assert process.stdout is not None
        told = int(await asyncio.to_thread(process.stdout.readline))
        await asyncio.sleep(chance.uniform(0, 0.15))
        process.send_signal(signal.SIGKILL)
        rest, _ = await asyncio.to_thread(process.communicate)
        told = max(
            [told, *(int(line) for line in rest.splitlines() if rest.endswith("\n") or line != rest.splitlines()[-1])]
        )
        store = SQLiteStore(path)
        await store.open()
        account = await store.load(ALICE)
        assert account.attempts.used in (told, told + 1)
        assert account.version == account.attempts.used
        assert (await store.events("clinic", limit=1)).items[0].detail["n"] == account.attempts.used
        await store.aclose()


BURST = """
from mfa_gate.errors import StoreUnavailable
from mfa_gate.stores import store_from_url

refused = 0

async def charge(store):
    global refused
    for _ in range(300):
        try:
            account = await store.load(ALICE)
            if account.attempts.used >= 7:
                return 0
            used = account.attempts.used + 1
            if await store.swap(replace(account, attempts=Attempts(used=used)), [event(used)]):
                return 1
        except StoreUnavailable:  # a busy machine: no attempt, no comparison
            refused += 1
            await asyncio.sleep(0.1)
    raise AssertionError("never decided")

async def main():
    store = store_from_url(sys.argv[1])
    await store.open()
    assert changed(store) is not None
    line = f"{sum(await asyncio.gather(*(charge(store) for _ in range(250))))} {refused}\\n"
    os.write(1, line.encode())
    await store.aclose()

children = []
for _ in range(4):
    child = os.fork()
    if not child:
        code = 1
        try:
            asyncio.run(main())
            code = 0
        finally:
            os._exit(code)
    children.append(child)
assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
"""


@pytest.mark.parametrize(
    ("kind", "rounds"),
    [
        ("sqlite", 1),
        pytest.param("redis", 1, marks=pytest.mark.slow),
        pytest.param("sqlite", 5, marks=pytest.mark.long),
    ],
)
async def test_budget_over_processes(tmp_path: Path, kind: str, rounds: int) -> None:
    """S-31: 1,000 that want an attempt at once, over four processes, get exactly seven."""
    with contextlib.ExitStack() as stack:
        url = f"sqlite:///{tmp_path}/mfa.db"
        if kind == "redis":
            url = f"redis://127.0.0.1:{stack.enter_context(servers.single(tmp_path)).port}"
        store = store_from_url(url)
        await store.open()
        assert await store.swap(enrolled(ALICE))
        for version in range(1, rounds + 1):
            account = await store.load(ALICE)
            assert account.version == version + (version - 1) * 7
            assert await store.swap(type(account)(key=ALICE, version=account.version))
            out = await asyncio.to_thread(lambda: finish(start(BURST, url)))
            told = [line.split() for line in out.splitlines()]
            assert len(told) == 4
            taken, refused = (sum(map(int, column)) for column in zip(*told, strict=True))
            assert taken == 7 or (refused and taken < 7)
            account = await store.load(ALICE)
            assert account.attempts.used == 7
        await store.aclose()


async def test_changed_over_processes(tmp_path: Path) -> None:
    """A commit of another process is told at the very next look, by name."""
    store = SQLiteStore(tmp_path / "mfa.db")
    await store.open()
    changed(store)
    script = """
    async def main():
        store = SQLiteStore(sys.argv[1])
        await store.open()
        await store.swap(enrolled(SubjectKey("t", "x")))
        print("done", flush=True)
        await store.aclose()
    asyncio.run(main())
    """
    process = await asyncio.to_thread(start, script, tmp_path / "mfa.db")
    assert process.stdout is not None
    assert await asyncio.to_thread(process.stdout.readline) == "done\n"
    assert changed(store) == frozenset({SubjectKey("t", "x")})
    await asyncio.to_thread(finish, process)
    await store.aclose()


FORKED = """
async def use(store, name):
    key = SubjectKey("t", name)
    assert (await store.load(ALICE)).version == 1
    changed(store)
    assert await store.swap(enrolled(key))
    assert key in changed(store)

async def main():
    store = SQLiteStore(sys.argv[1])
    await store.open()
    assert await store.swap(enrolled(ALICE))
    changed(store)
    return store

store = asyncio.run(main())
children = []
for number in range(4):
    child = os.fork()
    if not child:
        code = 1
        try:
            asyncio.run(use(store, f"child{number}"))
            code = 0
        finally:
            os._exit(code)
    children.append(child)
asyncio.run(use(store, "parent"))
assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4

async def end():
    names = [key.id for key in await store.keys()]
    await store.aclose()
    print(names)
asyncio.run(end())
"""


async def test_fork(tmp_path: Path) -> None:
    """F-40: a store that was opened before a fork works in the parent and in every child."""
    out = await asyncio.to_thread(lambda: finish(start(FORKED, tmp_path / "mfa.db")))
    assert out == "['alice', 'child0', 'child1', 'child2', 'child3', 'parent']\n"


async def test_fork_while_busy(tmp_path: Path) -> None:
    """A fork amid running swaps loses none of them.

    F-40. It leaves no half of one to the child.
    """
    store = SQLiteStore(tmp_path / "mfa.db")
    await store.open()
    swaps = [asyncio.ensure_future(store.swap(enrolled(SubjectKey("t", f"u{n:03}")))) for n in range(200)]
    await asyncio.sleep(0.005)
    child = os.fork()
    if not child:
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert all(await asyncio.gather(*swaps))
    assert len(await store.keys()) == 200
    await store.aclose()


async def test_several_loops(tmp_path: Path) -> None:
    """One store serves callers on several event loops (threads), each with its own answer."""
    store = SQLiteStore(tmp_path / "mfa.db")
    await store.open()
    found: list[str] = []

    async def use(name: str) -> None:
        key = SubjectKey("t", name)
        for version in range(20):
            assert await store.swap(enrolled(key, version=version, name=name))
            found.append((await store.load(key)).name)
            changed(store)

    threads = [threading.Thread(target=lambda n=n: asyncio.run(use(f"u{n}"))) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        await asyncio.to_thread(thread.join)
    assert sorted(found) == sorted([f"u{n}" for n in range(4)] * 20)
    await store.aclose()


@pytest.mark.slow
async def test_big_roster(tmp_path: Path) -> None:
    """A search in 100,000 accounts that finds nothing takes under 100 ms of work.

    Counting takes under 200 ms. On a slower machine neither takes more than a few times as long as SQLite
    takes to look at every row once.
    """
    store = SQLiteStore(tmp_path / "mfa.db")
    await store.open()
    rows = ((f"user{n:06}@clinic.example", f"Name {n}", f"user{n:06}@clinic.example\nname {n}") for n in range(100_000))
    with contextlib.closing(sqlite3.connect(tmp_path / "mfa.db")) as connection:
        connection.executemany("INSERT INTO roster VALUES ('t', ?, ?, 'verified', 'totp email', 0, 5, ?, 0)", rows)
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        began = time.process_time()
        connection.execute("SELECT count(*) FROM roster WHERE instr(name, 'nobody at all')").fetchall()
        plain = time.process_time() - began
    for limit, call in (
        (0.1, lambda: store.page("t", query="nobody at all")),
        (0.1, lambda: store.page("t", status="locked")),
        (0.1, lambda: store.page("t", query="99999@", status="verified")),
        (0.2, lambda: store.counts("t")),
    ):
        took = []
        for _ in range(5):
            began = time.process_time()
            await call()
            took.append(time.process_time() - began)
        assert min(took) < max(limit, 10 * plain)
    await store.aclose()
