"""Open the store and examine it: its file, its keys, its newest event, its people."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import stat
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

from ...errors import MFAGateError, StoreMissing
from ...service.maintenance.examination import check_keys, newest_event_at
from ...storage import Advises, InFile, RemembersGeneration
from ...stores.memory import MemoryStore
from ...stores.sqlite.first_open import is_shared_with_group
from .policies import forgotten_of, holds_of, policies_of, waiting_of
from .subject_ids import people
from .verdicts import PATIENCE, Line

if TYPE_CHECKING:
    from ...gate import MFAGate
    from ...storage import Store

BACKWARDS = 5
"""Seconds that the clock may be behind the newest event: the clocks of several machines always differ a little."""
LEAST_FREE = 100 * 2**20


async def store_of(gate: MFAGate) -> AsyncIterator[Line]:
    store = gate.service.engine.store
    if isinstance(store, MemoryStore):
        yield Line(
            "warning",
            "store",
            "memory: a restart forgets every enrollment and lock, and each worker has its own; use sqlite:///, postgresql:// or redis://",
        )
    path = sqlite_path(store)
    if path is not None:
        exists, lines = _file(path)
        for line in lines:
            yield line
        if not exists:
            return
    try:
        async with asyncio.timeout(PATIENCE):
            await store.open(make=isinstance(store, MemoryStore))
            lines = await _contents(gate, store)
        for line in lines:
            yield line
    except StoreMissing as error:
        for line in (Line("note", "store", str(error)), *_past(store)):
            yield line
    except MFAGateError as error:
        yield Line("fault", "store", str(error))
    except TimeoutError:
        yield Line("fault", "store", f"no answer within {PATIENCE:.0f} s")
    finally:
        await store.aclose()


async def _contents(gate: MFAGate, store: Store) -> list[Line]:
    lines: list[Line] = []
    if not isinstance(store, MemoryStore):
        lines.append(Line("ok", "store", f"{type(store).__name__} answers"))
    lines += _past(store)
    if isinstance(store, Advises):
        lines += [Line("warning", "store", text) for text in await store.advice()]
    keys = await check_keys(gate.service)
    if keys.is_new:
        lines.append(Line("note", "keys", "the store is new: the first start binds it to the keys"))
    else:
        text = keys.fault.removeprefix("keys: ") or "the keys open this store"
        lines.append(Line("fault" if keys.fault else "ok", "keys", text))
    lines += await people(gate)
    for look in (policies_of, waiting_of, forgotten_of, holds_of):
        lines += await look(gate)
    return [*lines, *await _clock(gate)]


async def _clock(gate: MFAGate) -> list[Line]:
    """Compare this machine's clock with the store's and with the newest event."""
    engine = gate.service.engine
    await gate.service.clock_watch.compare()
    if engine.clock_apart:
        way = "ahead of" if engine.clock_apart > 0 else "behind"
        text = f"the store's clock is {abs(engine.clock_apart)} s {way} this machine's: set both right, by NTP"
        return [Line("fault", "clock", text)]
    newest_at, now = await newest_event_at(gate.service), engine.now()
    if newest_at is None:
        return [Line("note", "clock", f"{_at(now)}; the store has no event yet to compare with")]
    if newest_at > now + BACKWARDS:
        behind = newest_at - now
        return [Line("fault", "clock", f"{behind} s behind the store's newest event ({_at(newest_at)}): set it right")]
    return [Line("ok", "clock", f"{_at(now)}, not before the store's newest event ({_at(newest_at)})")]


def sqlite_path(store: object) -> str | None:
    """Return the file of a SQLite store, or None."""
    return store.path if isinstance(store, InFile) else None


def _past(store: Store) -> list[Line]:
    """Report if an older copy of a remote store is recognized even after a full stop (S-123)."""
    if not isinstance(store, RemembersGeneration):
        return []
    if store.generation_file:
        return [Line("ok", "store", f"{store.generation_file} remembers how far the store has come")]
    return [
        Line(
            "warning",
            "store",
            "an older copy that is put in place while every worker is down would not be recognized: add "
            "?marker=/var/lib/app/mfa_gate.marker to the store's URL, a file of this machine that survives a restart",
        )
    ]


def _file(path: str) -> tuple[bool, list[Line]]:
    """Tell if the file is worth opening, with the verdicts on it."""
    folder = os.path.dirname(path)
    if not os.path.isdir(folder) or not os.access(folder, os.W_OK):
        return False, [Line("fault", "store", f"{folder}: no directory that can be written; the store goes there")]
    if not os.path.exists(path) and os.path.exists(path + ".created"):
        return False, [
            Line("fault", "store", f"{path} is gone and was there once: put it back, or remove {path}.created")
        ]
    if not os.path.exists(path):
        return False, [Line("note", "store", f"{path} is made at the first start")]
    lines: list[Line] = []
    found = os.stat(path)
    is_shared = is_shared_with_group(found, os.stat(folder))
    if found.st_mode & (stat.S_IRWXO if is_shared else stat.S_IRWXG | stat.S_IRWXO):
        lines.append(Line("warning", "store", f"{path} is open to other users of this machine: chmod 600"))
    if found.st_uid != os.geteuid() and not (is_shared and os.access(path, os.W_OK)):
        lines.append(
            Line(
                "warning",
                "store",
                f"{path} belongs to another user (uid {found.st_uid}) than runs this: run as that user, or change the owner",
            )
        )
    if (free := shutil.disk_usage(folder).free) < LEAST_FREE:
        lines.append(
            Line("warning", "store", f"{folder} has {free // 2**20} MB left; a full disk refuses everybody (503)")
        )
    try:
        with closing(sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True, timeout=1)) as connection:
            mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
            sound = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        return False, [*lines, Line("fault", "store", f"{path} cannot be read: {error}")]
    if sound != "ok":
        lines.append(Line("fault", "store", f"{path} is damaged ({sound}): restore it from a copy"))
    if mode != "wal":
        lines.append(
            Line(
                "warning", "store", f"{path} has journal_mode={mode}, not wal: readers and writers wait for each other"
            )
        )
    if sound == "ok" and mode == "wal":
        lines.append(Line("ok", "store", f"{path}: sound, write-ahead log, written through at every commit"))
    return True, lines


def _at(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
