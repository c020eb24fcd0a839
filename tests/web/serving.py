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
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

ROOT = Path(__file__).parents[2]
PATIENCE = 30.0
"""Seconds until a server must answer."""


def free_port() -> int:
    """Find a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(app: Any, *, websockets: bool = True, port: int = 0) -> Iterator[str]:
    """Serve the app while the block runs, and yield the address (``http://localhost:port``).

    Without ``port`` it is any free one.
    """
    port = port or free_port()
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=port,
        log_level="error",
        proxy_headers=False,
        ws="websockets-sansio" if websockets else "none",
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    end = time.monotonic() + 20
    while not server.started:
        if not thread.is_alive() or time.monotonic() > end:
            raise RuntimeError("the server did not start")
        time.sleep(0.02)
    try:
        yield f"http://localhost:{port}"
    finally:
        server.should_exit = True
        thread.join(20)


@contextmanager
def spawned(app: str, server: Sequence[str], *, port: int = 0, **environment: str) -> Iterator[int]:
    """Run ``app`` (``module:name``) on a server in a process of its own, and give its port.

    ``server`` is the server's module with its options, in which ``{port}`` stands for the port. Without ``port`` it is any
    free one. ``environment`` is added to this process's own.
    """
    port = port or free_port()
    module, *options = [part.format(port=port) for part in server]
    env = {**os.environ, **environment, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    command = [sys.executable, "-m", module, app, *options]
    with subprocess.Popen(command, cwd=ROOT, env=env, stderr=subprocess.DEVNULL) as process:
        try:
            end = time.monotonic() + PATIENCE
            while not _answers(port):
                if process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"{module} did not start")
                time.sleep(0.05)
            yield port
        finally:
            process.terminate()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
