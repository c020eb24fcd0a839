"""The example app as a process of its own, with its time machine and its outbox."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

ROOT = Path(__file__).resolve().parent.parent.parent
MINUTE, DAY = 60, 86_400


@dataclass(slots=True, kw_only=True)
class Example:
    """A running example app with data of its own. ``origin`` is where browsers reach it."""

    origin: str
    process: subprocess.Popen[bytes]
    log: Path
    ahead: float = 0.0
    clients: list[httpx2.Client] = field(default_factory=list)

    @classmethod
    def start(cls, data: Path, *, ready: bool = False) -> Example:
        """Start over ``data`` and wait until it answers."""
        port = _free_port()
        log = data.with_suffix(".log")
        command = [sys.executable, "-m", "example_app", "--port", str(port), "--data", str(data)]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*command, "--ready"] if ready else command,
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        made = cls(origin=f"http://localhost:{port}", process=process, log=log)
        deadline = time.monotonic() + 30
        while not made._answers():
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                raise AssertionError(f"the example app did not start:\n{log.read_text()}")
            time.sleep(0.03)
        return made

    def stop(self) -> None:
        """End the process, and hang up on it."""
        for client in self.clients:
            client.close()
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def advance(self, seconds: float) -> None:
        """Move the app's time forward."""
        body = json.dumps({"advance_seconds": seconds}).encode()
        request = urllib.request.Request(
            f"{self.origin}/demo/clock", data=body, headers={"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            answer.read()
        self.ahead += seconds

    @property
    def now(self) -> float:
        """The app's time, in UTC seconds."""
        return time.time() + self.ahead

    @property
    def outbox(self) -> list[dict[str, Any]]:
        """Everything that was sent, newest first."""
        with urllib.request.urlopen(f"{self.origin}/demo/outbox.json", timeout=10) as answer:
            sent: list[dict[str, Any]] = json.load(answer)
        return sent

    def codes(self, channel: str) -> list[dict[str, Any]]:
        """The messages with a code on one channel, newest first."""
        return [message for message in self.outbox if message.get("code") and message["channel"] == channel]

    def code(self, channel: str) -> str:
        """The newest code on one channel."""
        return str(self.codes(channel)[0]["code"])

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.origin}/public", timeout=2):
                return True
        except (OSError, urllib.error.URLError):
            return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
