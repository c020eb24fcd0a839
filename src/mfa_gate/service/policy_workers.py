"""Compare the policies of all workers over one store: they must agree."""

from __future__ import annotations

import json
import logging
import os
import secrets
from dataclasses import asdict, dataclass

from ..core.model import SubjectKey
from ..storage import Notes, take_one
from .accounts import Engine
from .admin_alerts import Alarms

log = logging.getLogger("mfa_gate")

EVERY = 60
"""Seconds between two reports of a worker."""
GONE = 5 * EVERY
"""A worker that has not reported for so many seconds has ended."""
PATIENCE = 3 * EVERY
"""Seconds that workers may differ: a rollout, or a reload of one after the other."""
NOTE = "policy:workers"
DIFFERS = "policy.differs"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerPolicy:
    """The policy that a worker works with.

    ``since`` is the time from which it does, ``at`` that of its last report (UTC seconds).
    """

    worker: str
    app: str
    digest: str
    name: str
    since: int
    at: int


class PolicyWorkers:
    """Use cases of the comparison. Each worker reports its own policy every minute."""

    def __init__(self, engine: Engine, alarms: Alarms) -> None:
        self.engine = engine
        self.alarms = alarms
        self._made = secrets.token_hex(8)
        self._since = (0, "")

    @property
    def _worker(self) -> str:
        """Name this worker.

        A fork of the process that made the gate is a worker of its own (F-40).
        """
        return f"{self._made}-{os.getpid()}"

    async def report(self) -> None:
        """Report the policy of this worker, and compare it with the others."""
        engine, policy, now = self.engine, self.engine.policy, self.engine.now()
        if not policy.digest:
            return
        if self._since[1] != policy.digest:
            self._since = (now, policy.digest)
        own = WorkerPolicy(
            worker=self._worker,
            app=engine.wiring.app,
            digest=policy.digest,
            name=policy.name,
            since=self._since[0],
            at=now,
        )
        others = [one for one in await reported(engine.store, now) if one.worker != self._worker]
        rows = [asdict(one) for one in (*others, own)]
        await engine.store.put_meta(NOTE, json.dumps(rows).encode(), until=now + GONE)
        apart = differing((*others, own), now)
        if apart:
            await self._tell(apart)

    async def running(self) -> tuple[WorkerPolicy, ...]:
        """List the policies of the workers that have reported of late.

        Raises ``StoreUnavailable``.
        """
        return await reported(self.engine.store, self.engine.now())

    async def apart(self) -> tuple[str, ...]:
        """Name the policies of running workers that differ; none where they agree."""
        return differing(await self.running(), self.engine.now())

    async def _tell(self, apart: tuple[str, ...]) -> None:
        """Record that policies differ, once a day, and mail it."""
        engine, now = self.engine, self.engine.now()
        if await take_one(engine.store, DIFFERS, limit=1, window=86_400, now=now):
            return
        log.error("mfa_gate: workers over one store have different policies: %s; roll out one file", "; ".join(apart))
        told = "; ".join(apart)[:500]
        for tenant in await engine.store.trails():
            moment = engine.moment(actor="mfa_gate")
            await engine.record((moment.event(DIFFERS, SubjectKey(tenant, ""), policies=told),))
        event = engine.moment(actor="mfa_gate").event(DIFFERS, SubjectKey("", ""), policies=told)
        await self.alarms.tell_owners(event, [engine.policy.base.owner])


async def reported(notes: Notes, now: int) -> tuple[WorkerPolicy, ...]:
    """List the policies of the workers that have reported of late."""
    body = await notes.meta(NOTE)
    rows = [WorkerPolicy(**row) for row in json.loads(body)] if body else []
    return tuple(row for row in rows if -GONE < now - row.at < GONE)


def differing(workers: tuple[WorkerPolicy, ...], now: int) -> tuple[str, ...]:
    """Name the policies of workers that differ for longer than a rollout takes.

    Returns none where all agree.
    """
    old = [one for one in workers if now - one.since >= PATIENCE]
    if len({one.digest for one in old}) < 2:
        return ()
    return tuple(sorted({f"{one.app or 'the app'}: {one.name} ({one.digest[:12]})" for one in old}))
