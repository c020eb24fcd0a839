"""The marker beside the SQLite store is written before its change is acknowledged.

It is not written at every write.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from mfa_gate.core.model import Account, Lock, SubjectKey
from mfa_gate.core.rules import TenantSettings
from mfa_gate.errors import SettingsError
from mfa_gate.storage import take_one
from mfa_gate.stores.common.atomic_file import write
from mfa_gate.stores.sqlite import SQLiteStore, generation_file
from mfa_gate.stores.sqlite.timing import Timing
from mfa_gate.testing.store_suite import ALICE, BOB, enrolled, event

from .test_processes import start

LOCKED = replace(enrolled(ALICE, version=1), lock=Lock(at=1_700_000_000, cause="admin", ref="R", actor="boss"))

FIRST = """
async def main():
    store = SQLiteStore(sys.argv[1])
    await store.open()
    assert await store.swap(enrolled(ALICE))
    print("told", flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mfa.db"


async def refusal(path: Path) -> str:
    store = SQLiteStore(path)
    with pytest.raises(SettingsError) as caught:
        await store.open()
    await store.aclose()
    return str(caught.value)


async def test_a_log_that_is_lost_after_a_kill(path: Path) -> None:
    """A store whose log is lost after a kill is no new store with nobody in it.

    The ``kill -9`` comes right after the first account was acknowledged.
    """
    process = await asyncio.to_thread(start, FIRST, path)
    assert process.stdout is not None
    assert (await asyncio.to_thread(process.stdout.readline)).strip() == "told"
    process.send_signal(signal.SIGKILL)
    await asyncio.to_thread(process.communicate)
    for ending in ("-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
    assert "old copy" in await refusal(path)


GRAVE = {
    "lock": lambda store: store.swap(LOCKED),
    "reset": lambda store: store.swap(
        replace(LOCKED, lock=None, authenticators=()), [replace(event(1), kind="account.reset")]
    ),
    "proofs ended": lambda store: store.swap(
        replace(enrolled(ALICE, version=1), epoch=5), [replace(event(1), kind="proofs.revoked")]
    ),
    "enrolled": lambda store: store.swap(enrolled(BOB), [replace(event(1, key=BOB), kind="factor.enrolled")]),
    "turned on": lambda store: store.swap_settings(TenantSettings(tenant="clinic", enabled_at=5)),
}


@pytest.mark.parametrize("kind", GRAVE)
async def test_a_copy_of_the_moment_before(path: Path, kind: str) -> None:
    """A copy that was taken just before is refused, however soon it is put back."""
    store = SQLiteStore(path)
    await store.open()
    assert await store.swap(enrolled(ALICE))
    await store.aclose()
    shutil.copy(path, path.with_name("copy.db"))
    await store.open()
    assert await GRAVE[kind](store)
    marked = path.with_name("mfa.db.created").read_text()
    await store.aclose()
    os.replace(path.with_name("copy.db"), path)
    path.with_name("mfa.db.created").write_text(marked)  # as it was when the change was told
    assert "old copy" in await refusal(path)


async def test_the_marker_is_not_written_at_every_write(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred ordinary changes do not write the marker.

    The first account and each lock write it once.
    """
    written: list[str] = []

    def counting(path: str, text: str, *, like: os.stat_result | None = None) -> None:
        written.append(text)
        write(path, text, like=like)

    store = SQLiteStore(path, timing=Timing(mark_every=1_000.0))
    await store.open()
    monkeypatch.setattr(generation_file, "write", counting)
    assert await store.swap(enrolled(ALICE))
    assert len(written) == 1
    for number in range(1, 50):
        assert await store.swap(enrolled(ALICE, version=number), [event(number)])
        assert await take_one(store, "x", limit=100, window=60, now=1000) == 0
    assert await store.swap(Account(key=BOB))
    assert len(written) == 1
    assert await store.swap(replace(LOCKED, version=50))
    assert len(written) == 2
    await store.aclose()


async def test_an_older_number_is_never_written_over_a_newer_one(path: Path) -> None:
    """Several workers write the marker at the same time; it only ever goes on."""
    stores = [SQLiteStore(path) for _ in range(4)]
    for store in stores:
        await store.open()

    async def locks(number: int) -> None:
        for turn in range(10):
            key = SubjectKey("clinic", f"p{number}-{turn}")
            assert await stores[number].swap(replace(LOCKED, key=key, version=0))
            assert int(path.with_name("mfa.db.created").read_text().split()[1]) > turn

    await asyncio.gather(*(locks(number) for number in range(4)))
    assert path.with_name("mfa.db.created").read_text().split()[1] == "40"
    for store in stores:
        await store.aclose()


async def test_a_marker_that_cannot_be_written_is_said_once(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A lock holds though the marker cannot be written.

    The log says once that an older copy would not be noticed.
    """
    store = SQLiteStore(path)
    await store.open()
    assert await store.swap(enrolled(ALICE))

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(generation_file, "write", full)
    assert await store.swap(LOCKED)
    assert await store.swap(replace(LOCKED, version=2))
    assert (await store.load(ALICE)).lock is not None
    assert caplog.text.count("an older copy of the store would not be noticed") == 1
    await store.aclose()
