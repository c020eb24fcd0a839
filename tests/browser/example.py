"""The example app as a process of its own, with its time machine and its outbox."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from tests.beside import beside
from tests.web.serving import free_port

MINUTE, DAY = 60, 86_400


@contextmanager
def starting() -> Iterator[Starter]:
    """Give a starter of apps, until the end of this."""
    with beside("tests.browser.warm") as ask:
        yield Starter(ask)


class Starter:
    """Start and stop example apps.

    All are forked from one process, which imports everything once (``warm.py``).
    """

    def __init__(self, ask: Callable[[Any], Any]) -> None:
        self._ask = ask

    def start(self, data: Path, *, ready: bool = False) -> Example:
        """Start an app over ``data``, and wait until it answers."""
        port = free_port()
        log = data.with_suffix(".log")
        arguments = ["--port", str(port), "--data", str(data), *(["--ready"] if ready else [])]
        process = self._ask({"arguments": arguments, "log": str(log)})
        made = Example(origin=f"http://localhost:{port}", starter=self, process=process)
        deadline = time.monotonic() + 30
        while not made.answers():
            if time.monotonic() > deadline:
                made.stop()
                raise AssertionError(f"the example app did not start:\n{log.read_text()}")
            time.sleep(0.01)
        return made

    def stop(self, process: int) -> int:
        """End the app with this process id. Returns its exit code."""
        return int(self._ask({"stop": process}))


@dataclass(slots=True, kw_only=True)
class Example:
    """A running example app with data of its own. ``origin`` is where browsers reach it."""

    origin: str
    starter: Starter
    process: int
    ahead: float = 0.0
    clients: list[httpx2.Client] = field(default_factory=list)

    def stop(self) -> None:
        """End the process, and hang up on it."""
        for client in self.clients:
            client.close()
        self.starter.stop(self.process)

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

    def answers(self) -> bool:
        """Tell if the app serves already."""
        try:
            with urllib.request.urlopen(f"{self.origin}/public", timeout=2):
                return True
        except (OSError, urllib.error.URLError):
            return False
