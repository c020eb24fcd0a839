"""Yesterday's copy of the store, accepted by an operator, revives nothing that was used since (F-38, S-123)."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import time
from pathlib import Path

import pytest

from mfa_gate import SettingsError
from tests.harness import FixedClock, make_world, running


def copy_of(path: Path) -> Path:
    """The database as it is now, log and all, in one file beside it."""
    copy = path.with_name("copy.db")
    with contextlib.closing(sqlite3.connect(path)) as live, contextlib.closing(sqlite3.connect(copy)) as other:
        live.backup(other)
    return copy


async def test_nothing_comes_back(tmp_path: Path) -> None:
    """F-38: after a restore nobody's proof lives, no code that was out can be answered, a step of the app that was used
    since the copy was made is used, and so is every other one up to then; a lock that the copy has stands. A fresh code works."""
    path = tmp_path / "mfa.db"
    clock = FixedClock(float(int(time.time()) - 600))
    url = f"sqlite:///{path}"
    async with running(make_world(store=url, clock=clock)) as world:
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
        copy = copy_of(path)
        clock.advance(30)
        used = other.totp()
        assert (await other.prove(ann.secret)).status == 200
        used = other.totp()
    for ending in ("", "-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
    shutil.copy(copy, path)
    refused = make_world(store=url, clock=clock)
    with pytest.raises(SettingsError, match="old copy"):
        await refused.gate.guard.open()
    path.with_name("mfa.db.created").unlink()
    clock.at = float(int(time.time()))
    async with running(make_world(store=url, clock=clock)) as world:
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
