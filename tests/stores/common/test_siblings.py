"""Several workers on ``memory://`` are noticed at the start.

One worker, or another application, is not.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from mfa_gate.stores import memory
from mfa_gate.stores.common import siblings
from mfa_gate.stores.common.siblings import give_back, take_name
from tests.web.serving import free_port

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(memory.__file__).parents[2])}
WORD = "memory:// is used by several worker processes"
APP = """
from mfa_gate.stores import store_from_url

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        await store_from_url("memory://").open()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
"""


async def said(place: Path, arguments: Sequence[str], *, workers: int) -> str:
    """Run uvicorn until all workers have started, and return its output."""
    (place / "memory_app.py").write_text(APP)
    command = [sys.executable, "-m", "uvicorn", "memory_app:app", "--port", str(free_port()), *arguments]
    log = place / "log"
    with log.open("wb") as file:
        process = subprocess.Popen(command, cwd=place, env=ENVIRONMENT, stdout=file, stderr=file)
        try:
            until = time.monotonic() + 60
            while log.read_text().count("Application startup complete") < workers and time.monotonic() < until:
                await asyncio.sleep(0.05)
        finally:
            process.terminate()
            await asyncio.to_thread(process.wait, 20)
    assert log.read_text().count("Application startup complete") >= workers, log.read_text()
    return log.read_text()


def test_a_name_is_given_back_by_its_last_user() -> None:
    """Several stores of one process share a name.

    Another process may have it when the last one is closed.
    """
    if not sys.platform.startswith("linux"):
        return
    first, second = take_name("test"), take_name("test")
    assert first == second == (first[0], False)
    assert first[0] != take_name("another")[0]

    def is_taken() -> bool:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(first[0])
            except OSError:
                return True
            return False

    for _ in range(2):
        assert is_taken()
        give_back(first[0])
    assert not is_taken()
    give_back(first[0])
    give_back(b"nobody's")
    assert take_name("test") == (first[0], False)
    assert is_taken()
    give_back(first[0])
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(first[0])
        assert take_name("test") == (first[0], True)
        assert take_name("test") == (first[0], False), "it is told once"
    give_back(take_name("another")[0])
    give_back(take_name("another")[0])


async def test_workers_of_one_server(tmp_path: Path) -> None:
    """Of three workers of a real server, two say that they are not alone."""
    assert (await said(tmp_path, ["--workers", "3"], workers=3)).count(WORD) == 2


async def test_one_worker(tmp_path: Path) -> None:
    """One worker says nothing, whatever other server runs beside it."""
    other = tmp_path / "other"
    other.mkdir()
    texts = await asyncio.gather(said(tmp_path, [], workers=1), said(other, [], workers=1))
    assert [WORD in text for text in texts] == [False, False]


def test_a_forked_child(tmp_path: Path) -> None:
    """Forked workers, as gunicorn has them, are noticed.

    Several stores in one process are one worker.
    """
    script = """
        import asyncio, logging, os, sys, time
        logging.basicConfig(stream=sys.stdout)
        from mfa_gate.stores.memory import MemoryStore
        for _ in range(2):
            if os.fork() == 0:
                for _ in range(3):
                    asyncio.run(MemoryStore().open())
                sys.stdout.flush()
                time.sleep(1)
                os._exit(0)
        os.wait(), os.wait()
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        env=ENVIRONMENT,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.count(WORD) == 1


def ended(place: Path, script: str) -> str:
    """Run a script in Python's development mode, and return its output.

    That mode reports resources that nobody closed.
    """
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", textwrap.dedent(script)],
        env=ENVIRONMENT,
        cwd=place,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout + done.stderr


def test_nothing_is_left_open(tmp_path: Path) -> None:
    """The socket that holds the name is closed with the last store that uses it.

    It is not closed earlier.
    """
    script = """
        import asyncio, os
        from pathlib import Path
        from mfa_gate.stores.memory import MemoryStore

        async def main():
            one, two = MemoryStore(), MemoryStore()
            await one.open()
            await one.open()
            await two.open()
            await one.aclose()
            await one.aclose()
            print("held", held())
            await two.aclose()
            print("held", held())
            await two.open()
            print("held", held())
            await two.aclose()

        def held():
            sockets = set()
            for fd in os.listdir("/proc/self/fd"):
                try:
                    sockets.add(os.readlink(f"/proc/self/fd/{fd}"))
                except OSError:
                    pass
            lines = [line.split() for line in Path("/proc/net/unix").read_text().splitlines() if "@mfa_gate-memory-" in line]
            return sum(f"socket:[{line[6]}]" in sockets for line in lines)

        asyncio.run(main())
    """
    assert ended(tmp_path, script).split("\n") == ["held 1", "held 0", "held 1", ""]


def test_a_store_that_nobody_closed(tmp_path: Path) -> None:
    """At the end of the process nothing is said of a socket that a forgotten store held."""
    script = """
        import asyncio
        from mfa_gate.stores.memory import MemoryStore
        asyncio.run(MemoryStore().open())
    """
    assert ended(tmp_path, script) == ""


class Sockets:
    """Sockets of a system that refuses them at ``fails``, with ``error``."""

    def __init__(self, fails: str, error: OSError) -> None:
        self.fails, self.error = fails, error
        self.closed = 0

    def __call__(self, family: int, kind: int) -> Sockets:
        """Make one."""
        if self.fails == "socket":
            raise self.error
        return self

    def bind(self, name: bytes) -> None:
        """Take a name."""
        if self.fails == "bind":
            raise self.error

    def close(self) -> None:
        """Note the end."""
        self.closed += 1


@pytest.mark.parametrize(
    ("fails", "error", "is_met"),
    [
        ("socket", OSError(errno.EMFILE, "too many"), False),
        ("bind", OSError(errno.EPERM, "forbidden"), False),
        ("bind", OSError(errno.EADDRINUSE, "in use"), True),
    ],
)
def test_a_system_without_such_names(monkeypatch: pytest.MonkeyPatch, fails: str, error: OSError, is_met: bool) -> None:
    """Nothing is noticed where names are forbidden.

    A name that another worker has is told once.
    """
    made = Sockets(fails, error)
    monkeypatch.setattr(siblings, "_HELD", {})
    monkeypatch.setattr(siblings, "_MET", set())
    monkeypatch.setattr(socket, "socket", made)
    monkeypatch.setattr(sys, "platform", "linux")
    name, met = take_name("test")
    assert met is is_met
    assert name.startswith(b"\0mfa_gate-test-")
    assert take_name("test") == (name, False)
    assert made.closed == (0 if fails == "socket" else 1 if is_met else 2)
    give_back(name)
    assert siblings._HELD == {}


def test_another_system() -> None:
    """It has no such names."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sys, "platform", "darwin")
        assert take_name("test") == (b"", False)


def test_all_names_are_given_back_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of stores that nobody has closed, too."""
    made = Sockets("", OSError())
    held: dict[bytes, object] = {name: siblings._Held(made) for name in (b"a", b"b")}  # type: ignore[arg-type]
    monkeypatch.setattr(siblings, "_HELD", held)
    siblings._give_all_back()
    assert (held, made.closed) == ({}, 2)
