"""The README's backup of a running SQLite store, taken and put back.

The README is the one of the stores.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from mfa_gate.core.model import Attempts
from mfa_gate.errors import SettingsError
from mfa_gate.service.trail_verification import verify_trail
from mfa_gate.stores.sqlite import SQLiteStore
from mfa_gate.testing.store_suite import ALICE, BOB, enrolled, event

README = Path(__file__).resolve().parents[3] / "src/mfa_gate/stores/README.md"


def documented() -> str:
    """The command block that the README gives for a backup."""
    _, _, rest = README.read_text(encoding="utf-8").partition("### Back up a running SQLite store\n")
    return rest.partition("```sh\n")[2].partition("```")[0]


async def test_backup_while_it_is_written_to(tmp_path: Path) -> None:
    """The backup holds every change that was acknowledged before it, log and all.

    It is private, whole, and one file.
    """
    store = SQLiteStore(tmp_path / "mfa_gate.db")
    await store.open()
    assert await store.swap(enrolled(ALICE), [event(1)])
    stop = asyncio.Event()

    async def write() -> int:
        account = await store.load(ALICE)
        while not stop.is_set():
            assert await store.swap(replace(account, attempts=Attempts(used=1)), [event(account.version + 1)])
            account = await store.load(ALICE)
        return account.version

    writing = asyncio.create_task(write())
    done = await asyncio.to_thread(
        subprocess.run, documented(), shell=True, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    stop.set()
    newest = await writing
    assert done.returncode == 0, done.stderr
    assert await store.swap(enrolled(BOB))  # after the backup
    await store.aclose()
    backup = tmp_path / "backup.db"
    assert backup.stat().st_mode & 0o077 == 0

    # As "Restore a backup" says: put the file in its place without the log, then the operator accepts it.
    for ending in ("-wal", "-shm"):
        (tmp_path / f"mfa_gate.db{ending}").unlink(missing_ok=True)
    os.replace(backup, tmp_path / "mfa_gate.db")
    with pytest.raises(SettingsError, match="old copy"):
        await SQLiteStore(tmp_path / "mfa_gate.db").open()
    await SQLiteStore(tmp_path / "mfa_gate.db").accept()
    again = SQLiteStore(tmp_path / "mfa_gate.db")
    await again.open()
    restored = await again.load(ALICE)
    assert 1 <= restored.version <= newest
    assert restored.restored_at > 0
    assert (await again.load(BOB)).version == 0
    assert await verify_trail(again) == {}
    assert len((await again.events("clinic", limit=100_000)).items) >= 1
    await again.aclose()


async def test_backup_on_another_machine(tmp_path: Path) -> None:
    """A backup on another machine is refused until an operator wants it.

    A backup is nobody's newest store.
    """
    store = SQLiteStore(tmp_path / "mfa_gate.db")
    await store.open()
    assert await store.swap(enrolled(ALICE))
    subprocess.run(documented(), shell=True, cwd=tmp_path, check=True, timeout=60)
    await store.aclose()
    (tmp_path / "elsewhere").mkdir()
    there = tmp_path / "elsewhere" / "mfa_gate.db"
    os.replace(tmp_path / "backup.db", there)
    with pytest.raises(SettingsError, match="is missing beside a store that is in use"):
        await SQLiteStore(there).open()
    await SQLiteStore(there).accept()
    again = SQLiteStore(there)
    await again.open()
    assert (await again.load(ALICE)).restored_at > 0
    await again.aclose()
