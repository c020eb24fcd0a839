"""A restored store revives nothing that was used since its copy was made (F-38, S-123).

An operator has accepted yesterday's copy.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from mfa_gate import SettingsError
from mfa_gate.storage import Store
from mfa_gate.stores.redis import RedisStore
from mfa_gate.stores.redis.timing import Timing
from mfa_gate.stores.sqlite import SQLiteStore
from tests.harness import FETCH, PAGE, Browser, FixedClock, Reply, World, make_world, running
from tests.stores import servers


class Kept(Protocol):
    """A place that keeps a store, which can be copied and replaced."""

    def store(self) -> Store:
        """Return the store that a worker opens."""

    def copy(self) -> None:
        """Make a backup, while the store is in use."""

    def put_back(self) -> None:
        """Put it in the place of the store, while every worker is down."""

    async def accept(self) -> None:
        """Accept the copy as the operator does."""


class InFile:
    """A store in a SQLite file."""

    def __init__(self, place: Path) -> None:
        self.path = place / "mfa.db"

    def store(self) -> Store:
        """Return the store over the file."""
        return SQLiteStore(self.path)

    def copy(self) -> None:
        """The database as it is now, log and all, in one file beside it."""
        copy = self.path.with_name("copy.db")
        with contextlib.closing(sqlite3.connect(self.path)) as live, contextlib.closing(sqlite3.connect(copy)) as other:
            live.backup(other)

    def put_back(self) -> None:
        """Instead of the file and its log."""
        for ending in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + ending).unlink(missing_ok=True)
        shutil.copy(self.path.with_name("copy.db"), self.path)

    async def accept(self) -> None:
        """Accept the copy as the command does."""
        await SQLiteStore(self.path).accept()


class OnServer:
    """A Redis server, and a marker on this machine."""

    def __init__(self, place: Path, server: servers.Server) -> None:
        self.server = server
        self.url = f"redis://127.0.0.1:{server.port}?marker={place / 'marker'}"

    def store(self) -> Store:
        """Return a store that looks often, so that its reads settle at once."""
        return RedisStore(self.url, timing=Timing(settled_after=0.0, look_every=0.2))

    def copy(self) -> None:
        """Copy the directory."""
        self.kept = self.server.copy("copy")

    def put_back(self) -> None:
        """Put the directory back."""
        self.server.put_back(self.kept)

    async def accept(self) -> None:
        """Accept the copy as the command does."""
        await RedisStore(self.url).accept()


@pytest.fixture(params=["sqlite", "redis"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kept]:
    if request.param != "redis":
        yield InFile(tmp_path)
        return
    with servers.single(tmp_path) as server:
        yield OnServer(tmp_path, server)


async def replaced(kept: Kept, clock: FixedClock) -> World:
    """The copy is put in place, refused, accepted; the world that goes on with it, now."""
    kept.put_back()
    refused = make_world(store=kept.store(), clock=clock)
    with pytest.raises(SettingsError, match=r"old(er)? copy"):
        await refused.gate.web.open()
    await kept.accept()
    clock.at = float(int(time.time()))
    return make_world(store=kept.store(), clock=clock)


async def test_nothing_comes_back(kept: Kept) -> None:
    """After a restore no proof lives, and no code that was out can be answered.

    A step of the app that was used since the copy was made is used, and so is every other one up to then. A lock that
    the copy has stands. A fresh code works. Requirement F-38.
    """
    clock = FixedClock(float(int(time.time()) - 600))
    async with running(make_world(store=kept.store(), clock=clock)) as world:
        ann = await world.enrolled()
        bob = await world.enrolled("bob")
        await bob.lock()
        await ann.enroll_email()
        other = await world.browser()
        other.secret = ann.secret
        email = await ann.authenticator("email")
        clock.advance(60)
        sent = await other.api("POST", "challenge", {"authenticator": email})
        assert sent.status in (200, 201), sent.text
        mailed, handle = world.email.codes[-1], other.cookies.copy()
        kept.copy()
        clock.advance(30)
        used = other.totp()
        assert (await other.prove(ann.secret)).status == 200
        used = other.totp()
        await asyncio.sleep(1)
    async with running(await replaced(kept, clock)) as world:
        ann.world = other.world = world
        assert not await ann.is_in(), "a proof from before the copy"
        other.cookies = handle
        totp = await ann.authenticator("totp")
        for code in (used, ann.totp(-1), ann.totp()):
            reply = await other.api("POST", "verify", {"authenticator": totp, "response": code})
            assert reply.reason in ("code_already_used", "wrong_code"), reply.text
        reply = await other.api("POST", "verify", {"authenticator": email, "response": mailed})
        assert reply.status != 200, reply.text
        assert (await world.account("bob")).lock is not None
        clock.advance(60)
        assert (await other.prove(ann.secret)).status == 200
        assert await other.is_in()
        clock.advance(1)
        again = await world.account()
        assert again.restored_at > 0
        assert await other.is_in(), "what was proven after the restore stays proven"


async def test_no_backup_code_comes_back(kept: Kept) -> None:
    """After a restore no code of a set of backup codes counts, and trying one costs nothing.

    A copy does not know which codes were used since. The owner sees that none is left, and makes a new set, whose codes
    count. Requirement S-123.
    """
    clock = FixedClock(float(int(time.time()) - 600))
    async with running(make_world(store=kept.store(), clock=clock)) as world:
        ann = await world.enrolled()
        assert (await ann.form("/mfa/backup-codes", {"action": "make"})).status == 303
        made = await ann.page("/mfa/backup-codes")
        codes = re.findall(r"\b[0-9A-Z]{5}-[0-9A-Z]{5}\b", made.text)[:10]
        assert len(codes) == 10
        again = (await ann.page("/mfa/backup-codes", headers=PAGE)).text
        assert all(code in again for code in codes)
        paper = await ann.authenticator("backup-code")
        kept.copy()
        assert (await try_code(await world.browser(), paper, codes[0])).status == 200
        await asyncio.sleep(1)
    async with running(await replaced(kept, clock)) as world:
        ann.world = world
        thief = await world.browser()
        before = (await thief.state())["attempts_remaining"]
        replies = [await try_code(thief, paper, code) for code in codes]
        assert [reply.reason for reply in replies] == ["code_expired"] * len(codes)
        state = await thief.state()
        assert state["attempts_remaining"] == before
        assert {a["factor"]: a["hint"] for a in state["authenticators"]}["backup-code"] == "0"
        assert (await thief.ask("GET", "/mfa/backup-codes", headers=PAGE)).status == 303
        clock.advance(60)
        assert (await ann.prove(ann.secret)).status == 200
        page = (await ann.ask("GET", "/mfa", headers=PAGE)).text
        assert "0 of 10 codes are left" in page
        assert "Make a new set" in page
        start = (await ann.ask("GET", "/mfa/backup-codes", headers=PAGE)).text
        assert not any(code in start for code in codes), "the set of before is not shown again"
        made = await ann.api("POST", "backup-codes", {})
        assert made.status == 201, made.text
        fresh = made.json()["backup_codes"]
        assert "10 of 10 codes are left" in (await ann.ask("GET", "/mfa", headers=PAGE)).text
        paper = await ann.authenticator("backup-code")
        assert (await try_code(thief, paper, codes[1])).reason == "wrong_code"
        assert (await try_code(thief, paper, fresh[0])).status == 200
        assert (await thief.ask("GET", "/records", headers=FETCH)).status == 200


async def try_code(browser: Browser, authenticator: str, code: str) -> Reply:
    """Answer with a backup code."""
    return await browser.api("POST", "verify", {"authenticator": authenticator, "response": code})
