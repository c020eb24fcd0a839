"""The use cases: load, a pure step, swap, then effects. Pages, JSON and commands all come here."""

from __future__ import annotations

from functools import partial

from ..core.rules import Policy
from .access import Judge, Judgement
from .accounts import Engine
from .admin.accounts import Actor, Administering
from .admin_alerts import Alarms
from .arriving import who_is_missing
from .attempt import Attempts
from .audit import Retaining
from .backup_codes import BackupCodes
from .challenges import Issued, Issuing
from .clock_watch import ClockWatch
from .disputes import Disputing
from .enrollment import Enrolled, Enrolling, Enrollments
from .first_enrollment import Leave
from .hook_places import COMMANDS
from .host_hooks import host_hooks
from .metrics import Metrics
from .out_of_band import Approving
from .outbox import EVERY, Telling
from .provider_callbacks import Hearing
from .scheduler import Job, Worker
from .self_service import Keeping
from .send_limits import Sending
from .store_checks import check_canary
from .trusted_sign_in import Upstream
from .user_notifications import Notices
from .verification import Proving, Verified
from .wiring import RelyingParty, Wiring

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
