"""Commands of ``mfa-gate`` as forks of one interpreter.

A start costs milliseconds, where Python's own costs a second.
A test that starts a command hundreds of times on a busy machine orders it here. Each command is a process of its own.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from tests.beside import beside

EARLY = ("mfa_gate.policyfile", "mfa_gate.stores.sqlite", "mfa_gate.stores.redis", "mfa_gate.stores.postgres")
"""Modules that commands import as they go: they are loaded once, before the first fork."""


class Child:
    """One command under way."""

    def __init__(self, pid: int, ask: Callable[[Any], Any]) -> None:
        self.pid, self._ask = pid, ask

    async def kill(self, *, in_the_act: Path | None = None) -> None:
        """End it at once, as ``kill -9`` does, and wait for its end.

        ``in_the_act``: the moment that this file grows, or after two seconds.
        """
        await asyncio.to_thread(self._ask, {"kill": self.pid, "grows": str(in_the_act or "")})


Start = Callable[..., Awaitable[Child]]


@contextmanager
def forked(module: str) -> Iterator[Start]:
    """Keep an interpreter that has loaded ``module`` of the command line.

    Yields an async function of the words of a command, the file its output is added to, and the seconds that it sleeps
    between two looks.
    """
    with beside("tests.cli.forked") as ask:
        ask({"load": [f"mfa_gate.cli.{module}", *EARLY]})

        async def start(*words: str, out: Path, every: float) -> Child:
            order = {"run": words, "out": str(out), "every": every}
            return Child(await asyncio.to_thread(ask, order), ask)

        yield start


def _obey(order: dict[str, Any]) -> object:
    """Carry out one order, and return the answer."""
    if "load" in order:
        for module in order["load"]:
            import_module(module)
    elif "kill" in order:
        _wait_for_growth(order["grows"])
        os.kill(order["kill"], signal.SIGKILL)
        os.waitpid(order["kill"], 0)
    else:
        pid = os.fork()
        if not pid:
            _command(order)
        return pid
    return True


def _wait_for_growth(path: str) -> None:
    """Look without a pause, so that the writer is met before its next step."""
    until = time.monotonic() + 2
    before = os.stat(path).st_size if path else 0
    while path and os.stat(path).st_size == before and time.monotonic() < until:
        pass


def _command(order: dict[str, Any]) -> NoReturn:
    """Be the command, and end with its exit code."""
    from mfa_gate.cli import main
    from mfa_gate.cli.audit import feed

    out = os.open(order["out"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    nothing = os.open(os.devnull, os.O_RDWR)
    for target, source in ((0, nothing), (1, out)):
        os.dup2(source, target)
    feed.EVERY = order["every"]
    code = 70
    try:
        code = main(order["run"])
    finally:
        os._exit(code)


def _serve() -> None:
    for line in sys.stdin:
        print(json.dumps(_obey(json.loads(line))), flush=True)


async def seen(check: Callable[[], bool], patience: float) -> bool:
    """Look every few milliseconds, until ``check`` is true or ``patience`` seconds are over."""
    until = time.monotonic() + patience
    while not check():
        if time.monotonic() > until:
            return False
        await asyncio.sleep(0.005)
    return True


if __name__ == "__main__":
    _serve()
