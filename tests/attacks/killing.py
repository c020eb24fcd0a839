"""``kill -9`` and other strikes at every call that a worker makes of its store.

A fresh interpreter forks the workers and sees what becomes of them.
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
import time
from collections.abc import Iterable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import redis

from tests.attacks.doomed import Deed, Kill, act, do
from tests.attacks.worker import child, world_on
from tests.harness import running
from tests.stores.patience import patient_store

TRIES = 20
ORIGINS, PARENTS, EACH = 2, 2, 250
"""Stores that all copies are made of; who works at the same time, and how many copies each of them makes at most."""
ALONE = frozenset({"server"})
"""Victims that others would feel as well."""
Call = tuple[str, float]
_calls: dict[str, list[Call]] = {}
"""The calls of each deed, found out once in the life of this interpreter."""


def copy(origin: str, target: str) -> None:
    """Copy a store as it lies there.

    This copies the directory of a file, a logical database of one Redis server, or a database of one PostgreSQL server.
    """
    if origin.startswith("sqlite:"):
        shutil.rmtree(directory(target), ignore_errors=True)
        shutil.copytree(directory(origin), directory(target))
        return
    if origin.startswith("postgresql:"):
        server, _, name = target.rpartition("/")
        with _connected(f"{server}/postgres") as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {origin.rpartition('/')[2]}")
            connection.execute("CHECKPOINT")  # else a crash takes the copied sequences back to where they were
        return
    with redis.Redis.from_url(origin) as old, redis.Redis.from_url(target) as new:
        number = int(target.rpartition("/")[2])
        new.flushdb()
        with old.pipeline() as together:
            for key in old.scan_iter():
                together.copy(key, key, destination_db=number)
            together.execute()


def _connected(url: str) -> psycopg.Connection[Any]:
    """Connect to a server that may still be coming back from the kill before."""
    until = time.monotonic() + 30
    while True:
        try:
            return psycopg.connect(url, autocommit=True)
        except psycopg.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


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
        self._victim, self._sample = told["victim"], told["sample"]
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
        """The deed once for every moment of every call of the store, and once to its end.

        With a ``sample``: for so many of these.
        """
        calls = _calls[_key(self._stores, deed)]
        moments = [(at, moment) for at in range(1, len(calls) + 1) for moment in deed["moments"]]
        swaps = tuple(at for at, (call, _) in enumerate(calls, 1) if call == "swap")
        places = self._dice.sample(moments, self._sample) if self._sample else [*moments, (0, "end")]
        found = []
        for at, moment in places:
            call, seconds = calls[at - 1]
            kill = Kill(
                number=self._number,
                deed=name,
                at=at,
                call=call if at else "",
                moment=moment,
                swaps=swaps,
                victim=self._victim,
            )
            found.append(self._inside(deed, kill, seconds) if moment == "inside" else self._beside(deed, kill))
            self._number += 1
        return found

    def calls(self, deed: Deed) -> list[Call]:
        """The calls of the store that the deed makes, and the seconds that each is under way."""
        assert not self._try(deed, None)
        calls: list[Call] = json.loads((self._marks / str(self._number) / "calls").read_text())
        return calls

    def _beside(self, deed: Deed, kill: Kill) -> Kill:
        struck = self._try(deed, kill)
        assert struck == "beside" or kill.moment == "end", (kill, struck)
        return kill

    def _inside(self, deed: Deed, kill: Kill, seconds: float) -> Kill:
        """At a random moment; where the call was over sooner than that, once more, and sooner."""
        for turn in range(1, TRIES):
            kill = replace(kill, delay=max(1e-6, self._dice.random() * seconds / turn))
            struck = self._try(deed, kill)
            if struck == "inside":
                return kill
            assert struck == "beside", (kill, struck)
        raise AssertionError(f"never inside: {kill}")

    def _try(self, deed: Deed, kill: Kill | None) -> str:
        """Tell when somebody was struck: inside the call, beside it, or not at all."""
        store, marks = self._stores.format(self._number), self._marks / str(self._number)
        copy(self._stores.format(deed["origin"]), store)
        shutil.rmtree(marks, ignore_errors=True)
        marks.mkdir(parents=True)
        _, status = os.waitpid(child(partial(act, self._world, store, marks, deed, kill)), 0)
        if os.WIFSIGNALED(status):
            return {signal.SIGALRM: "inside", signal.SIGKILL: "beside"}[signal.Signals(os.WTERMSIG(status))]
        assert status == 0, (kill, status)
        return (marks / "struck").read_text()


def kills(told: dict[str, Any], number: int, parents: int) -> list[Kill]:
    """Do the share of one parent process of so many."""
    parent = Parent(told, ORIGINS + number * EACH)
    return [kill for name, deed in list(told["deeds"].items())[number::parents] for kill in parent.kills(name, deed)]


def all_kills(told: dict[str, Any]) -> list[Kill]:
    """All that was told, by several parents at once."""
    first = Parent(told, ORIGINS)
    new = [deed for deed in told["deeds"].values() if _key(told["stores"], deed) not in _calls]
    first.warm_up(new)
    _calls.update({_key(told["stores"], deed): first.calls(deed) for deed in new})
    parents = 1 if told["victim"] in ALONE else PARENTS
    with multiprocessing.get_context("fork").Pool(parents) as pool:
        shares = [(told, number, parents) for number in range(parents)]
        return [kill for found in pool.starmap(kills, shares, 1) for kill in found]


def _key(stores: str, deed: Deed) -> str:
    return json.dumps([stores, deed])


def main() -> None:
    """Answer each order, one line of JSON, with one line of results."""
    for line in sys.stdin:
        print(json.dumps([asdict(kill) for kill in all_kills(json.loads(line))]), flush=True)


if __name__ == "__main__":
    main()
