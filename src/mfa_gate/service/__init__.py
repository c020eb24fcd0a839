"""The use cases: load, a pure step, swap, then effects. Pages, JSON and commands all come here."""

from __future__ import annotations

from functools import partial

from ..core.rules import Policy
from .administering import Actor, Administering
from .alarms import Alarms
from .approving import Approving
from .arriving import who_is_missing
from .attempt import Attempts
from .backup import BackupCodes
from .canary import check_canary
from .clock_watch import ClockWatch
from .disputing import Disputing
from .engine import Engine
from .enrolling import Enrolled, Enrolling, Enrollments
from .hearing import Hearing
from .hook_places import COMMANDS
from .hooks import host_hooks
from .issuing import Issued, Issuing
from .judging import Judge, Judgement
from .keeping import Keeping
from .leave import Leave
from .metrics import Metrics
from .notices import Notices
from .proving import Proving, Verified
from .retaining import Retaining
from .sending import Sending
from .telling import EVERY, Telling
from .upstream import Upstream
from .wiring import RelyingParty, Wiring
from .working import Job, Worker

__all__ = ["Actor", "Enrolled", "Enrolling", "Issued", "Judgement", "RelyingParty", "Service", "Verified", "Wiring"]


class Service:
    """All use cases over one store under one policy."""

    def __init__(self, wiring: Wiring, policy: Policy) -> None:
        self.engine = Engine(wiring, policy)
        self.judge = Judge(self.engine)
        self.upstream = Upstream(self.engine)
        self.alarms = Alarms(self.engine)
        self.sending = Sending(self.engine, self.alarms)
        self.issuing = Issuing(self.engine, self.judge, self.sending)
        self.attempts = Attempts(self.engine, ClockWatch(self.engine, self.alarms))
        self.proving = Proving(self.engine, self.judge, self.issuing, self.attempts)
        self.leave = Leave(self.engine, self.judge, self.issuing, self.proving)
        self.backup = BackupCodes(self.engine, self.judge, self.issuing)
        self.enrollments = Enrollments(self.engine, self.judge, self.issuing, self.proving, self.backup)
        self.approving = Approving(self.engine, self.issuing, self.proving)
        self.hearing = Hearing(self.engine, self.issuing)
        self.keeping = Keeping(self.engine, self.judge)
        self.administering = Administering(self.engine, self.judge)
        self.disputing = Disputing(self.engine, self.judge, self.alarms)
        self.notices = Notices(self.engine, self.disputing, self.issuing, self.sending)
        self.retaining = Retaining(self.engine, self.alarms)
        self.metrics = Metrics(self.engine)
        self.telling = Telling(self.engine, [*host_hooks(self.engine), *self.notices.hooks(), *self.alarms.hooks()])
        self.worker = Worker(
            self.engine,
            [
                Job(name="telling", every=EVERY, work=partial(self.telling.catch_up, shared=True)),
                Job(name=f"telling@{wiring.app}", every=EVERY, work=partial(self.telling.catch_up, shared=False)),
                Job(name="break-glass", every=60, work=self.administering.breaking.expire),
                Job(name="counts", every=3600, work=self.administering.charting.note),
                Job(name="retention", every=3600, work=self.retaining.keep),
                Job(name="backup-copies", every=900, work=self.backup.drop_old_copies),
            ],
        )

    async def open(self) -> str:
        """Open the store and check the keys against it: "" or what is wrong. Raises ``SettingsError``."""
        engine = self.engine
        await engine.store.open()
        serves = engine.wiring.app != COMMANDS
        fault = await check_canary(engine.store, engine.keyring, engine.wiring.entropy, serves=serves)
        if not fault and serves:
            fault = await who_is_missing(engine.store)
        if not fault:
            await self.telling.begin()
            if serves:
                self.worker.start()
        return fault

    async def aclose(self) -> None:
        """Finish what is under way and let go of everything."""
        await self.worker.aclose()
        await self.attempts.aclose()
        await self.engine.effects.settle()
        await self.telling.aclose()
        await self.engine.aclose()
