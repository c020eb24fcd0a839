"""Real servers around the tests' host, on a free port of this machine.

A server is uvicorn in a thread, or any server as a process.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx2
import pyotp
import uvicorn

from tests.harness import FETCH, ORIGIN, START

ROOT = Path(__file__).parents[2]
PATIENCE = 30.0
"""Seconds until a server must answer."""


def free_port() -> int:
    """Find a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(app: Any, *, port: int = 0, **options: Any) -> Iterator[str]:
    """Run ``app`` under uvicorn in a thread, and give its address (``http://localhost:port``).

    ``port`` 0 is any that is free. ``options`` are uvicorn's own. Raises ``RuntimeError`` if the server does not start.
    """
    chosen = {"log_level": "error", "proxy_headers": False, "ws": "websockets-sansio", **options}
    server = uvicorn.Server(uvicorn.Config(app, **chosen))
    with socket.create_server(("127.0.0.1", port)) as listening:
        address = f"http://localhost:{listening.getsockname()[1]}"
        thread = threading.Thread(target=_run, args=(server, listening), daemon=True)
        thread.start()
        end = time.monotonic() + PATIENCE
        while not server.started:
            if not thread.is_alive() or time.monotonic() > end:
                raise RuntimeError("the server did not start")
            time.sleep(0.01)
        try:
            yield address
        finally:
            server.should_exit = True
            thread.join(20)


def _run(server: uvicorn.Server, listening: socket.socket) -> None:
    """Run the server until it ends. One that cannot start asks for the end of its process."""
    with suppress(SystemExit):
        server.run(sockets=[listening])


@contextmanager
def spawned(app: str, server: Sequence[str], *, port: int = 0, **environment: str) -> Iterator[int]:
    """Run ``app`` (``module:name``) on a server in a process of its own, and give its port.

    ``server`` is the server's module with its options, in which ``{port}`` stands for the port. Without ``port`` it is any
    free one. ``environment`` is added to this process's own.
    """
    port = port or free_port()
    with _process(app, [part.format(port=port) for part in server], lambda: answers(port), environment):
        yield port


@contextmanager
def spawned_at(path: Path, app: str, server: Sequence[str], **environment: str) -> Iterator[None]:
    """Run ``app`` on a server at a unix socket.

    ``{path}`` stands for the socket in the server's options. ``environment`` is added to this process's own.
    """
    with _process(app, [part.format(path=path) for part in server], lambda: _takes(path), environment):
        yield


@contextmanager
def _process(
    app: str, server: Sequence[str], ready: Callable[[], bool], environment: Mapping[str, str]
) -> Iterator[None]:
    module, *options = server
    env = {**environment, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    with program([sys.executable, "-m", module, app, *options], ready, env):
        yield


@contextmanager
def program(command: Sequence[str], ready: Callable[[], bool], environment: Mapping[str, str]) -> Iterator[None]:
    """Run a program while the block runs, from when it is ``ready`` on.

    ``environment`` is added to this process's own. Raises ``RuntimeError`` if the program does not start.
    """
    with subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment}) as process:
        try:
            end = time.monotonic() + PATIENCE
            while not ready():
                if process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"{' '.join(command)} did not start")
                time.sleep(0.05)
            yield
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


async def enroll(client: httpx2.AsyncClient) -> list[str]:
    """Bind an authenticator app on a server whose clock stands at ``START``.

    Returns the backup codes.
    """
    headers = {**dict(FETCH), "origin": ORIGIN, "x-mfa-gate": "1"}
    begun = await client.post("/mfa/api/enroll", json={"factor": "totp"}, headers=headers)
    assert begun.status_code == 201, begun.text
    response = pyotp.TOTP(begun.json()["secret"]).at(START)
    confirm = {"enrollment": begun.json()["enrollment"], "response": response}
    done = await client.post("/mfa/api/enroll/confirm", json=confirm, headers=headers)
    assert done.status_code == 201, done.text
    codes: list[str] = done.json()["backup_codes"]
    return codes


def _takes(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def answers(port: int) -> bool:
    """Tell if a program listens at this port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
