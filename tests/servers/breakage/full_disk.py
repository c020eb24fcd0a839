"""Stores on a small disk that is filled up, and has room again (Linux, root)."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.stores import postgres_servers, servers
from tests.stores.postgres_servers import SAFE, Postgres

from .crew import APPS, Crew, Stage, Way

FULL = 10.0


@contextmanager
def disk(place: Path, size: str) -> Iterator[Path]:
    """Mount a disk of this size in memory."""
    point = place / "disk"
    point.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(point)], check=True)
    try:
        yield point
    finally:
        subprocess.run(["umount", "-l", str(point)], check=True)


def fill(point: Path) -> Path:
    """Take all the room of a disk. Returns the file that takes it."""
    filler = point / "filler"
    with contextlib.suppress(OSError), filler.open("ab", buffering=0) as file:
        for size in (2**20, 2**12):
            with contextlib.suppress(OSError):
                while True:
                    file.write(b"x" * size)
    assert os.statvfs(point).f_bavail == 0
    return filler


def full_for_a_while(point: Path) -> list[float]:
    """Fill the disk for some seconds, and give the room back.

    Returns the time of that for each worker.
    """
    until = time.monotonic() + FULL
    while time.monotonic() < until:
        filler = fill(point)
        time.sleep(0.2)
    filler.unlink()
    return [time.monotonic()] * len(APPS)


@contextmanager
def full_disk_of_sqlite(place: Path) -> Iterator[Stage]:
    """The disk of the file."""
    with disk(place, "64m") as point:
        ways = [Way(f"sqlite:///{point / 'mfa.db'}")] * len(APPS)
        yield Stage(ways, lambda _: full_for_a_while(point), FULL)


@contextmanager
def full_disk_of_redis(place: Path) -> Iterator[Stage]:
    """The disk of the log of a Redis, which takes no more changes then."""
    with disk(place, "64m") as point, servers.single(point, "--appendonly", "yes") as server:
        ways = [Way(f"redis://127.0.0.1:{server.port}")] * len(APPS)
        yield Stage(ways, lambda _: full_for_a_while(point), FULL)


@contextmanager
def full_disk_of_postgres(place: Path) -> Iterator[Stage]:
    """The disk of a PostgreSQL, which ends when its log has no room.

    Its operator starts it again.
    """
    with disk(place, "256m") as point, postgres_servers.server(*SAFE, place=point) as server:

        def breaks(_: Crew) -> Sequence[float]:
            fill(point)
            with contextlib.suppress(psycopg.Error):  # the next piece of its log does not fit on the disk
                server.say("SELECT pg_switch_wal()")
            full_for_a_while(point)
            started(server)
            return [time.monotonic()] * len(APPS)

        yield Stage([Way(server.url)] * len(APPS), breaks, FULL)


def started(server: Postgres) -> None:
    """Start a server that has ended, and wait until it answers."""
    assert server.process is not None
    time.sleep(1)
    if server.process.poll() is not None:
        server.start(wait=False)
    server.wait()
