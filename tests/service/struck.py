"""A process that is killed inside its own hook after the commit, and its successor."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time

from mfa_gate import Event, Subject
from mfa_gate.core.model import SubjectKey
from mfa_gate.service import Actor
from mfa_gate.service.outbox import LAG
from tests.harness import FixedClock, make_world

WHO = "bob"
KEY = SubjectKey("alpha", WHO)


async def main(path: str, mode: str) -> None:
    """Run one mode of the process.

    ``ready``: make the account. ``strike``: lock it and be killed by the hook. ``after``: start, and print
    what was notified.
    """
    told: list[str] = []

    def on_lock(subject: Subject, event: Event) -> None:
        if mode == "strike":
            os.kill(os.getpid(), signal.SIGKILL)
        told.append(subject.id)

    late = {"ready": 0, "strike": 1, "after": 2 + LAG}[mode]
    clock = FixedClock(1_750_000_000 + late)
    world = make_world(store=f"sqlite:///{path}", on_lock=on_lock, clock=clock)
    world.gate.service.worker.tick = 0.1
    await world.gate.web.open()
    if mode == "ready":
        await world.enrolled(WHO)
    elif mode == "strike":
        await world.gate.service.account_desk.act(Actor(name="operator:eve"), "lock", KEY, reason="stolen")
    else:
        until = time.monotonic() + 5
        while not told and time.monotonic() < until:
            await asyncio.sleep(0.05)
            clock.advance(1)
            if clock.at > 1_750_000_000 + 80:
                break
        await asyncio.sleep(0.3)
        account = await world.store.load(KEY)
        mails = [message.subject for message in world.email.messages]
        print(json.dumps({"locked": account.lock is not None, "on_lock": told, "mails": mails}))
    await world.gate.web.aclose()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
