"""Processes that change a store as fast as they can, until they are killed.

They lock, unlock, reset and choose. Then the state that they left behind is counted.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

from mfa_gate.core.model import SubjectKey
from mfa_gate.service import Actor
from mfa_gate.service.trail_verification import verify_trail
from tests.harness import FixedClock, make_world, with_rules

KEY = SubjectKey("alpha", "bob")
OPERATOR = Actor(name="operator:hammer")
POLICY = with_rules(
    lambda rules: replace(
        rules,
        factors=replace(rules.factors, choice="tenant"),
        enrollment=replace(rules.enrollment, stage="admin", checklist="advice"),
    )
)
CHOICES = (("totp",), ("sms",), ("email",))


async def hammer(path: Path) -> None:
    """Change after change, until the end."""
    world = make_world(store=f"sqlite:///{path}", policy=POLICY, clock=FixedClock(time.time()))
    await world.gate.web.open()
    desk = world.gate.service.account_desk
    (path.parent / "ready").touch()
    number = 0
    while True:
        number += 1
        await desk.act(OPERATOR, "lock", KEY, reason="hammer")
        await desk.act(OPERATOR, "unlock", KEY, reason="hammer")
        await desk.act(OPERATOR, "reset", KEY, ticket=str(number), reason="hammer")
        await world.gate.service.tenant_desk.set(
            OPERATOR, "alpha", enabled=None, factors=CHOICES[number % 3], confirm="alpha"
        )


async def left(path: Path) -> dict[str, object]:
    """Return the number of changes and of events in the store, and if the trail is whole."""
    world = make_world(store=f"sqlite:///{path}", policy=POLICY)
    await world.gate.web.open()
    account, settings = await world.store.load(KEY), await world.store.settings("alpha")
    events, after = 0, ""
    while True:
        page = await world.store.events("alpha", after=after, limit=200)
        events += len(page.items)
        after = page.next
        if not after:
            break
    whole = not await verify_trail(world.store)
    await world.gate.web.aclose()
    return {"changes": account.version + settings.version, "events": events, "whole": whole}


def main() -> None:
    """Start and kill a process as often as asked, each time a little later.

    Print the state of the store after each.
    """
    path, rounds = Path(sys.argv[1]), int(sys.argv[2])
    found = []
    for number in range(rounds):
        ready = path.parent / "ready"
        ready.unlink(missing_ok=True)
        child = os.fork()
        if not child:
            try:
                asyncio.run(hammer(path))
            finally:
                os._exit(7)
        while not ready.exists():
            time.sleep(0.002)
        time.sleep(0.01 + (number * 37 % 101) / 1000)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        found.append(asyncio.run(left(path)))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
