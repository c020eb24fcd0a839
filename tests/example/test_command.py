"""The command that serves the example app: its output, its workers, its end, its refusals."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.stores import postgres_servers

pytestmark = pytest.mark.slow


def start(root: Path, data: Path, port: int, *options: str) -> subprocess.Popen[str]:
    """The command as a process of its own group, without the set-up around it."""
    paths = os.pathsep.join([str(root), str(root / "src")])
    return subprocess.Popen(
        [sys.executable, "-m", "example_app", "--port", str(port), "--data", str(data), *options],
        cwd=data.parent,
        env={**os.environ, "PYTHONPATH": paths},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.long)])
def served(
    request: pytest.FixtureRequest, root: Path, tmp_path: Path, free_port: int
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The app with two workers and --ready, and its address.

    It has its own store, or that of ``--store``.
    """
    store = ("--store", postgres_servers.shared().schema()) if request.param == "postgres" else ()
    process = start(root, tmp_path / "data", free_port, "--workers", "2", "--ready", *store)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", free_port)) == 0:
                break
        time.sleep(0.1)
    yield process, f"http://localhost:{free_port}"
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def test_workers_share_everything_and_stop_together(served: tuple[subprocess.Popen[str], str]) -> None:
    """Every worker sees an advance of the clock and a token at once.

    A forwarded header neither opens nor closes the demo; Ctrl-C ends it all with 0; the terminal shows address and
    accounts, and no code.
    """
    process, address = served
    times = []
    for _ in range(12):  # new connections, so that both workers answer
        with httpx2.Client(base_url=address, headers={"X-Forwarded-For": "203.0.113.1"}) as client:
            times.append(client.post("/demo/clock", json={"advance_seconds": 3_600}).json()["now"])
    assert times == sorted(times)
    assert len(set(times)) == 12
    credentials = {"username": "user@practice.example", "password": "demo-password"}
    token = httpx2.post(f"{address}/api/token", json=credentials).json()["token"]
    for _ in range(8):
        answer = httpx2.get(f"{address}/api/me", headers={"Authorization": f"Bearer {token}"})
        assert answer.json()["type"] == "urn:mfa-gate:proof_required"

    os.killpg(process.pid, signal.SIGINT)
    said, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert address in said
    assert "support@finance.example" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--store", "mysql://x"), "mysql"),
        (("--store", "sqlite:////nowhere/at/all.db"), "/nowhere"),
        (("--data", "/proc/nope"), "--data"),
    ],
)
def test_what_cannot_start_says_so_once(
    root: Path, tmp_path: Path, free_port: int, options: tuple[str, ...], says: str
) -> None:
    """A fault is one message that names what is wrong, an exit code of 1, and no traceback."""
    process = start(root, tmp_path / "data", free_port, *options)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert says in said
    assert "Traceback" not in said
    assert len(said.strip().splitlines()) == 1


def test_a_taken_port_is_named(root: Path, tmp_path: Path) -> None:
    """Somebody else on the port is told before anything is written."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        process = start(root, tmp_path / "data", port)
        said, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert str(port) in said
    assert "--port" in said
    assert not (tmp_path / "data").exists()
