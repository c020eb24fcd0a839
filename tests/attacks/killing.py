"""``kill -9`` at every call that a worker makes of its store.

A fresh interpreter forks the workers and sees them die.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import random
import shutil
import signal
import sys
from collections.abc import Iterable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import redis

from tests.attacks.doomed import Deed, Kill, act, do
from tests.attacks.worker import child, world_on
from tests.harness import running
from tests.stores.patience import patient_store

TRIES = 20
ORIGINS, PARENTS, EACH = 2, 2, 250
"""Stores that all copies are made of; who works at the same time, and how many copies each of them makes at most."""


def copy(origin: str, target: str) -> None:
    """Copy a store as it lies there.

    This copies the directory of a file, or a logical database of one Redis server.
    """
    if origin.startswith("sqlite:"):
        shutil.rmtree(directory(target), ignore_errors=True)
        shutil.copytree(directory(origin), directory(target))
        return
    with redis.Redis.from_url(origin) as old, redis.Redis.from_url(target) as new:
        number = int(target.rpartition("/")[2])
        new.flushdb()
        with old.pipeline() as together:
            for key in old.scan_iter():
                together.copy(key, key, destination_db=number)
            together.execute()


def directory(store: str) -> Path:
    """Return the directory of the file that this URL names."""
    return Path(store.removeprefix("sqlite:///")).parent


class Parent:
    """Does each deed in a worker of its own, on a copy of its own, and sees where it died."""

    def __init__(self, told: dict[str, Any], number: int) -> None:
        self._stores: str = told["stores"]
        self._marks = Path(told["marks"])
        self._number = number
        self._dice = random.Random(f"{told['seed']} {number}")
        self._world = world_on(patient_store(self._stores.format(0)), told["now"])

    def warm_up(self, deeds: Iterable[Deed]) -> None:
        """Do them all once here, so that no child spends its time on imports."""

        async def each() -> None:
            for deed in deeds:
                copy(self._stores.format(deed["origin"]), self._stores.format(self._number))
                async with running(
                    world_on(patient_store(self._stores.format(self._number)), self._world.clock.at)
                ) as world:
                    await do(world, deed)

        asyncio.run(each())

    def kills(self, name: str, deed: Deed) -> list[Kill]:
        """The deed once for every call of the store and every moment of it, and once to its end."""
        calls = self._calls(deed)
        moments = [(at, moment) for at in range(1, len(calls) + 1) for moment in deed["moments"]]
        found = []
        for at, moment in [*moments, (0, "end")]:
            call, seconds = calls[at - 1]
            kill = Kill(number=self._number, deed=name, at=at, call=call if at else "", moment=moment)
            found.append(self._inside(deed, kill, seconds) if moment == "inside" else self._beside(deed, kill))
            self._number += 1
        return found

    def _calls(self, deed: Deed) -> list[tuple[str, float]]:
        """The calls of the store that the deed makes, and the seconds that each is under way."""
        assert self._try(deed, None) == 0
        calls: list[tuple[str, float]] = json.loads((self._marks / str(self._number) / "calls").read_text())
        return calls

    def _beside(self, deed: Deed, kill: Kill) -> Kill:
        died_of = self._try(deed, kill)
        assert died_of == signal.SIGKILL, (kill, died_of)
        return kill

    def _inside(self, deed: Deed, kill: Kill, seconds: float) -> Kill:
        """At a random moment; where the call was over sooner than that, once more, and sooner."""
        for turn in range(1, TRIES):
            kill = replace(kill, delay=max(1e-6, self._dice.random() * seconds / turn))
            died_of = self._try(deed, kill)
            if died_of == signal.SIGALRM:
                return kill
            assert died_of == signal.SIGKILL, (kill, died_of)
        raise AssertionError(f"never inside: {kill}")

    def _try(self, deed: Deed, kill: Kill | None) -> int:
        """The signal that the worker died of (0: it lives)."""
        store, marks = self._stores.format(self._number), self._marks / str(self._number)
        copy(self._stores.format(deed["origin"]), store)
        shutil.rmtree(marks, ignore_errors=True)
        marks.mkdir(parents=True)
        _, status = os.waitpid(child(partial(act, self._world, store, marks, deed, kill)), 0)
        assert os.WIFSIGNALED(status) or status == 0, (kill, status)
        return os.WTERMSIG(status) if status else 0


def kills(told: dict[str, Any], number: int) -> list[Kill]:
    """Do the share of one parent process."""
    parent = Parent(told, ORIGINS + number * EACH)
    return [kill for name, deed in list(told["deeds"].items())[number::PARENTS] for kill in parent.kills(name, deed)]


def all_kills(told: dict[str, Any]) -> list[Kill]:
    """All that was told, by several parents at once."""
    Parent(told, ORIGINS).warm_up(told["deeds"].values())
    with multiprocessing.get_context("fork").Pool(PARENTS) as pool:
        return [kill for found in pool.starmap(kills, [(told, n) for n in range(PARENTS)], 1) for kill in found]


def main() -> None:
    """Answer each order, one line of JSON, with one line of results."""
    for line in sys.stdin:
        print(json.dumps([asdict(kill) for kill in all_kills(json.loads(line))]), flush=True)


if __name__ == "__main__":
    main()
