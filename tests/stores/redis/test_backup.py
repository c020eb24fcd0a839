"""The README's backup of a running Redis store, taken and put back."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from mfa_gate.errors import SettingsError
from mfa_gate.service.trail_verification import verify_trail
from mfa_gate.stores.redis import RedisStore
from mfa_gate.stores.redis.timing import Timing
from mfa_gate.testing.store_suite import ALICE, BOB, enrolled, event
from tests.stores.servers import single

README = Path(__file__).resolve().parents[3] / "src/mfa_gate/stores/README.md"
LOGGED = ("--appendonly", "yes", "--appendfsync", "always")
SOON = Timing(settled_after=0.0, look_every=0.2)


def documented(address: str) -> str:
    """Return the command block of the README, with the address of a server."""
    _, _, rest = README.read_text(encoding="utf-8").partition("### Back up a running Redis store\n")
    command = rest.partition("```sh\n")[2].partition("```")[0]
    assert "redis://user:password@host:6379" in command
    return command.replace("redis://user:password@host:6379", address)


async def test_backup(tmp_path: Path) -> None:
    """The backup is one private file.

    Put back as the README says, it is refused until it is accepted.
    """
    with single(tmp_path, *LOGGED) as server:
        url = f"redis://127.0.0.1:{server.port}"
        marked = f"{url}?marker={tmp_path / 'marker'}"
        store = RedisStore(marked, timing=SOON)
        await store.open()
        assert await store.swap(enrolled(ALICE), [event(1)])
        done = await asyncio.to_thread(
            subprocess.run, documented(url), shell=True, cwd=tmp_path, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        assert await store.swap(enrolled(BOB), [event(2)])  # after the backup
        await asyncio.sleep(1)  # the marker tells of it
        await store.aclose()
        backup = tmp_path / "backup.rdb"
        assert backup.stat().st_mode & 0o077 == 0

        server.stop()
        shutil.rmtree(server.place / "appendonlydir")
        shutil.copy(backup, server.place / "dump.rdb")
        server.options = ["--appendonly", "no"]
        server.start()
        server.say("CONFIG", "SET", "appendonly", "yes")
        until = time.monotonic() + 20
        while (
            server.say("INFO", "persistence")["aof_rewrite_in_progress"]
            or not (server.place / "appendonlydir").exists()
        ):
            assert time.monotonic() < until
            await asyncio.sleep(0.05)
        server.stop()
        server.options = [*LOGGED]
        server.start()

        old = RedisStore(marked, timing=SOON)
        with pytest.raises(SettingsError, match=r"old(er)? copy"):
            await old.open()
        await old.aclose()
        accepting = RedisStore(marked)
        await accepting.accept()
        await accepting.aclose()
        again = RedisStore(marked)
        await again.open()
        assert (await again.load(ALICE)).restored_at > 0
        assert (await again.load(BOB)).version == 0
        assert await verify_trail(again) == {}
        await again.aclose()
