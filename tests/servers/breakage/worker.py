"""A worker of one application, in a process of its own, that follows orders.

An order is a line of JSON on its standard input, and each is answered with one line.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from mfa_gate.core.model import SubjectKey
from mfa_gate.service.trail_verification import verify_trail
from tests.harness import make_world
from tests.servers.breakage.deeds import TENANT, Deeds, QuickClock, patiently
from tests.servers.breakage.network import enter


class Worker:
    """A gate on a store, with its deeds. Each method is an order."""

    def __init__(self, *, store: str, app: str, zero: float) -> None:
        self.clock = QuickClock(zero)
        self.world = make_world(store=store, clock=self.clock)
        self.world.engine.wiring = replace(self.world.engine.wiring, app=app)
        self.deeds = Deeds(self.world, self.clock, app)

    async def network(self) -> str:
        """Tell the network that this worker is in."""
        return os.readlink("/proc/thread-self/ns/net")

    async def open(self) -> None:
        """Open the gate, as soon as its store is there."""
        await patiently(self.world.gate.web.open)

    async def enroll(self, people: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Give each person an authenticator app.

        Returns the secrets, and the cookies of the browsers.
        """
        browsers = {id: await self.world.enrolled(id) for id in people}
        return {
            "secrets": {id: browser.secret for id, browser in browsers.items()},
            "cookies": {id: browser.cookies for id, browser in browsers.items()},
        }

    async def start(self, spread: float, **people: Any) -> int:
        """Begin with the deeds. Returns the bytes that this process has in memory."""
        self.deeds.start(**people, spread=spread)
        return resident()

    async def stop(self) -> dict[str, Any]:
        """End the deeds. Returns all that was seen, and the bytes in memory."""
        found = await self.deeds.stop()
        await self.world.engine.effects.idle()
        self.world.events.clear()
        self.world.reached.clear()
        return {**found, "resident": resident()}

    async def burst(self, person: str, secret: str, count: int) -> int:
        """Give so many wrong answers at once. Returns the number of comparisons."""
        return await self.deeds.burst(person, secret, count)

    async def apart(self, seconds: float) -> None:
        """Set this worker's clock apart from those of the others."""
        self.clock.apart = seconds

    async def look(self, people: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Tell what the store has of these people.

        That is their attempts, their lock, and the number of each kind of event.
        """
        return {id: await self._look_at(id) for id in people}

    async def _look_at(self, id: str) -> dict[str, Any]:
        store = self.world.store
        account = await patiently(lambda: store.load(SubjectKey(TENANT, id)))
        kinds: Counter[str] = Counter()
        after = ""
        while True:
            page = await patiently(partial(store.events, TENANT, account=id, after=after))
            kinds.update(event.kind for event in page.items)
            after = page.next
            if not after:
                return {"used": account.attempts.used, "locked": account.lock is not None, "events": kinds}

    async def trail(self) -> dict[str, str]:
        """Verify the whole trail. Returns its faults, which should be none."""
        faults = await patiently(lambda: verify_trail(self.world.store))
        return {tenant: str(fault) for tenant, fault in faults.items()}

    async def close(self) -> None:
        """Close the gate."""
        await self.world.gate.web.aclose()


def resident() -> int:
    """Return the bytes of this process in memory."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def main(first: dict[str, Any]) -> None:
    """Follow orders until there are no more.

    The ``first`` one tells the store, the application and the time zero.
    """
    loop = asyncio.get_running_loop()
    worker = Worker(**first)
    print("{}", flush=True)
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        order, more = json.loads(line)
        print(json.dumps(await getattr(worker, order)(**more)), flush=True)


if __name__ == "__main__":
    beginning = json.loads(sys.stdin.readline())
    if network := beginning.pop("network"):
        enter(network)  # before any other thread is there; the process itself is a fork of one in another network
    asyncio.run(main(beginning))
