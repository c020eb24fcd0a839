"""The store's file is lost, locked, read-only, full or corrupt under a real server.

Requests are refused within a second, nothing is lost, and it goes on without a restart.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from mfa_gate.stores.sqlite import SQLiteStore
from tests.harness import FETCH, PAGE, SECRET, Browser, Reply, World, make_world, served

pytestmark = pytest.mark.slow
NAMES = ("mfa.db", "mfa.db-wal", "mfa.db-shm")


@contextmanager
def moved_away(place: Path) -> Iterator[None]:
    """The file is gone."""
    (place / "away").mkdir()
    for name in NAMES:
        if (place / name).exists():
            (place / name).rename(place / "away" / name)
    yield
    for name in NAMES:
        if (place / "away" / name).exists():
            (place / "away" / name).rename(place / name)


@contextmanager
def overwritten(place: Path) -> Iterator[None]:
    """The bytes on the disk are damaged."""
    with sqlite3.connect(place / "mfa.db") as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.close()
    good = (place / "mfa.db").read_bytes()
    with open(place / "mfa.db", "r+b") as file:
        file.write(b"\xa5" * len(good))
    yield
    with open(place / "mfa.db", "r+b") as file:
        file.write(good)


@contextmanager
def unreadable(place: Path) -> Iterator[None]:
    """The file may not be opened."""
    (place / "mfa.db").chmod(0)
    yield
    (place / "mfa.db").chmod(0o600)


@contextmanager
def read_only(place: Path) -> Iterator[None]:
    """The file may not be written."""
    (place / "mfa.db").chmod(0o400)
    yield
    (place / "mfa.db").chmod(0o600)


@contextmanager
def locked(place: Path) -> Iterator[None]:
    """Another process holds the write lock."""
    held = "import sqlite3, sys\nc = sqlite3.connect(sys.argv[1])\nc.execute('BEGIN EXCLUSIVE')\nprint(1, flush=True)\ninput()"
    with subprocess.Popen(
        [sys.executable, "-c", held, str(place / "mfa.db")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        holder.stdout.readline()
        yield
        holder.stdin.write("\n")
        holder.stdin.close()


@contextmanager
def full(place: Path) -> Iterator[None]:
    """There is no room left on the disk."""
    filler = place / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 512)
        except OSError:
            pass
    yield
    filler.unlink()


GONE: tuple[Callable[[Path], object], ...] = (moved_away, overwritten, unreadable)
UNWRITABLE: tuple[Callable[[Path], object], ...] = (read_only, locked, full)


@asynccontextmanager
async def on_disk(place: Path, *, small: bool) -> AsyncIterator[tuple[World, Path]]:
    """A served world whose store has a directory of its own, on a small disk where wanted."""
    disk = place / "disk"
    disk.mkdir()
    if small:
        made = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)]
        if (await asyncio.to_thread(subprocess.run, made, check=False, capture_output=True)).returncode:
            pytest.skip("may not mount a small disk here")
    try:
        with served(make_world(store=SQLiteStore(disk / "mfa.db"))) as (world, _):
            yield world, disk
    finally:
        if small:
            await asyncio.to_thread(subprocess.run, ["umount", "-l", str(disk)], check=True)
    shutil.rmtree(disk, ignore_errors=True)


async def timely(reply: object) -> Reply:
    """Return the reply.

    It must have come within a second, and what a busy machine stands still.
    """
    began = time.monotonic()
    found = await reply  # type: ignore[misc]
    assert time.monotonic() - began < 3
    assert isinstance(found, Reply)
    return found


async def closed(browser: Browser, path: str = "/records") -> None:
    """Refused as a page load and as a call, within a second, and the app was not called."""
    for headers in (PAGE, FETCH):
        reply = await timely(browser.ask("GET", path, headers=headers))
        assert reply.status == 503
        assert int(reply.header("retry-after")) >= 1
        assert SECRET not in reply.body
    assert browser.world.reached == []


async def people(world: World) -> tuple[Browser, Browser]:
    """Return Ann with a proof, and Ann in a browser that owes one, after two failures."""
    ann = await world.browser()
    await ann.enroll()
    world.clock.advance(60)
    owing = await world.browser()
    owing.secret = ann.secret
    id = await owing.state()
    owing_id = next(a["id"] for a in id["authenticators"] if a["factor"] == "totp")
    for code in ("000000", "000001"):
        await owing.api("POST", "verify", {"authenticator": owing_id, "response": code})
    owing.names = {"totp": owing_id}  # type: ignore[attr-defined]
    world.reached.clear()
    return ann, owing


async def answered(browser: Browser, code: str) -> Reply:
    """An answer with the authenticator app."""
    id = browser.names["totp"]  # type: ignore[attr-defined]
    return await timely(browser.api("POST", "verify", {"authenticator": id, "response": code}))


async def goes_on(ann: Browser, owing: Browser) -> None:
    """Assert that nothing is lost once the store is back.

    The earlier proof still counts, and so do the failures. The next proof is accepted.
    """
    until = time.monotonic() + 3
    while (await ann.ask("GET", "/records", headers=FETCH)).status == 503:
        assert time.monotonic() < until, "it does not come back"
    assert await ann.is_in()
    state = await owing.state()
    assert (state["state"], state["attempts_remaining"]) == ("challenge", 5)
    while (reply := await answered(owing, owing.totp())).status == 503:
        assert time.monotonic() < until, "it does not come back for writing"
    assert reply.status == 200
    assert await owing.is_in()


@pytest.mark.parametrize("fault", GONE, ids=lambda fault: fault.__name__)
async def test_a_file_that_is_gone(tmp_path: Path, fault: Callable[[Path], object]) -> None:
    """Everybody who is signed in is refused while the file is lost or unreadable.

    It does not matter if they have proven the factor. Our own pages refuse, too. Strangers and exempt paths pass. With
    the file back all goes on, and nothing is lost. Requirements F-1, F-8; decisions 14.
    """
    async with on_disk(tmp_path, small=False) as (world, disk):
        ann, owing = await people(world)
        assert await ann.is_in()
        world.reached.clear()
        with fault(disk):  # type: ignore[attr-defined]
            await asyncio.sleep(0.3)
            for browser in (ann, owing):
                await closed(browser)
            await closed(owing, "/mfa/challenge")
            await closed(owing, "/mfa/enroll")
            assert (await answered(owing, owing.totp())).status == 503
            replies = await asyncio.gather(*(timely(ann.ask("GET", "/records", headers=FETCH)) for _ in range(10)))
            assert {reply.status for reply in replies} == {503}
            assert world.reached == []
            for someone in (Browser(world), owing):
                assert (await timely(someone.ask("GET", "/public"))).body.startswith(SECRET)
            assert (await timely(Browser(world).ask("GET", "/records"))).body.startswith(SECRET)
        await goes_on(ann, owing)


@pytest.mark.parametrize("fault", UNWRITABLE, ids=lambda fault: fault.__name__)
async def test_a_file_that_cannot_be_written(tmp_path: Path, fault: Callable[[Path], object]) -> None:
    """A proof still passes if nothing can be written, and no attempt is taken.

    Nothing is compared, sent or enrolled. Once the store can be written again, the same code is accepted. Requirements
    F-2, F-7.
    """
    async with on_disk(tmp_path, small=fault is full) as (world, disk):
        ann, owing = await people(world)
        assert await ann.is_in()
        sent = len(world.email.messages)
        with fault(disk):  # type: ignore[attr-defined]
            assert await ann.is_in()
            for code in (owing.totp(), "000000"):
                reply = await answered(owing, code)
                assert (reply.status, reply.reason) == (503, "store_unavailable")
            assert (await timely(ann.api("POST", "enroll", {"factor": "email"}))).status == 503
            assert not await owing.is_in() if fault is not locked else True
            assert (await timely(Browser(world).ask("GET", "/records"))).status == 200
            assert len(world.email.messages) == sent
        await goes_on(ann, owing)
