"""The use cases: load an account, run a pure step, swap, then tell the listeners.

Pages, JSON and commands all call these use cases.
"""

from __future__ import annotations

from functools import partial

from ..core.rules import Policy
from ..errors import StoreMissing
from .access import Access, Judgement
from .accounts import Engine
from .admin.accounts import AccountDesk, Done
from .admin.break_glass import BreakGlass
from .admin.chart import EnrollmentChart
from .admin.daily_counts import DailyCounts
from .admin.impact import ImpactDesk
from .admin.many import ManyDesk
from .admin.needs import StartPage
from .admin.people import TenantPeople
from .admin.person_data import PersonDesk
from .admin.policy import PolicyDesk
from .admin.report_desk import ReportDesk
from .admin.reports import Sources
from .admin.reviews import Reviews
from .admin.rights import Actor, Rights
from .admin.tenant import TenantDesk
from .admin.tenant_messages import TenantMessages
from .admin.trail import TrailDesk
from .admin_alerts import Alarms
from .adoption import Adoption
from .arriving import who_is_missing
from .attempt import Attempts
from .audit import Retention
from .automation import AutomationTokens
from .backup_codes import BackupCodes
from .challenges import Challenges, Issued
from .clock_watch import ClockWatch
from .disputes import Disputing
from .enrollment import Enrolled, Enrollments, OpenDraft
from .exemption_uses import EVERY as USES_EVERY
from .fault_records import keep_clean
from .first_enrollment import Leave
from .head_reports import HeadReports
from .health import HealthCheck
from .hook_places import COMMANDS
from .host_hooks import host_hooks
from .lock_watch import LockWatch
from .metrics import Metrics
from .notes_end import prune_notes
from .out_of_band import OutOfBand
from .outbox import EVERY, Outbox
from .policy_life import PolicyLife
from .policy_watch import PolicyWatch
from .policy_workers import EVERY as POLICIES_EVERY
from .policy_workers import PolicyWorkers
from .provider_callbacks import ProviderCallbacks
from .quick_look import QuickLook
from .report_archive import ReportArchive
from .report_mails import ReportMails
from .report_recorder import PAUSE, ReportRecorder
from .scheduler import Job, Worker
from .self_service import SelfService
from .send_limits import Sending
from .shared_signals import SignalReceiver
from .slow_recovery import SlowRecovery
from .store_checks import check_canary, is_new
from .trail_reader import TrailReader
from .trail_signer import TrailSigner
from .trusted_sign_in import Upstream
from .user_notifications import Notices
from .verification import Verification, Verified
from .what_if import WhatIf
from .wiring import Wiring

__all__ = [
    "Actor",
    "Done",
    "Enrolled",
    "Issued",
    "Judgement",
    "OpenDraft",
    "Service",
    "Verified",
    "Wiring",
]


class Service:
    """All use cases over one store under one policy."""

    def __init__(self, wiring: Wiring, policy: Policy) -> None:
        keep_clean()
        self.engine = Engine(wiring, policy)
        self.access = Access(self.engine)
        self.quick_look = QuickLook(self.access)
        self.recorder = ReportRecorder(self.engine)
        self.report = ReportArchive(self.engine, self.recorder)
        self.upstream = Upstream(self.engine)
        self.alarms = Alarms(self.engine)
        self.lock_watch = LockWatch(self.engine, self.alarms)
        self.sending = Sending(self.engine, self.alarms)
        self.challenges = Challenges(self.engine, self.access, self.sending)
        self.clock_watch = ClockWatch(self.engine, self.alarms)
        self.attempts = Attempts(self.engine, self.clock_watch)
        self.verification = Verification(self.engine, self.access, self.challenges, self.attempts)
        self.leave = Leave(self.engine, self.access, self.challenges, self.verification)
        self.backup = BackupCodes(self.engine, self.access, self.challenges)
        self.enrollments = Enrollments(self.engine, self.access, self.challenges, self.verification, self.backup)
        self.adoption = Adoption(self.engine, self.access)
        self.out_of_band = OutOfBand.of(self.engine, self.challenges, self.verification)
        self.provider_callbacks = ProviderCallbacks(self.engine, self.challenges)
        self.slow_recovery = SlowRecovery(self.engine)
        self.self_service = SelfService(self.engine, self.access, self.slow_recovery)
        self.rights = Rights(self.engine, self.access)
        self.signals = SignalReceiver(self.engine)
        self.automation = AutomationTokens(self.engine)
        self.account_desk = AccountDesk(self.engine, self.rights)
        self.person_desk = PersonDesk(self.engine, self.rights, self.account_desk)
        self.trail_desk = TrailDesk(self.engine, self.rights)
        self.impact_desk = ImpactDesk(self.engine, self.rights, self.report)
        self.what_if = WhatIf(self.engine, self.rights)
        self.break_glass = BreakGlass(self.engine)
        self.people = TenantPeople(self.engine)
        self.reviews = Reviews(self.engine, self.rights, self.people)
        self.many_desk = ManyDesk(self.engine, self.rights, self.account_desk, self.reviews)
        self.daily = DailyCounts(self.engine)
        sources = Sources(self.engine, self.people, self.reviews, self.daily)
        self.report_desk = ReportDesk(self.rights, sources)
        self.start_page = StartPage(self.rights, sources, self.sending)
        self.chart = EnrollmentChart(self.engine, self.people)
        self.tenant_desk = TenantDesk(self.engine, self.rights, self.people, self.chart)
        self.tenant_messages = TenantMessages(self.engine, self.rights, self.people)
        self.disputing = Disputing(self.engine, self.access, self.alarms)
        self.notices = Notices(self.engine, self.disputing, self.challenges, self.sending, self.slow_recovery)
        self.trail_reader = TrailReader(self.engine)
        self.trail_signer = TrailSigner(self.engine, self.alarms)
        self.head_reports = HeadReports(self.engine, self.trail_signer, self.trail_reader, self.alarms)
        self.report_mails = ReportMails(sources, self.alarms)
        self.retention = Retention(self.engine, self.alarms, self.trail_signer)
        self.legal_holds = self.retention.holds
        self.policy_life = PolicyLife(self.engine, self.alarms)
        self.policy_watch = PolicyWatch(self.policy_life)
        self.policy_workers = PolicyWorkers(self.engine, self.alarms)
        self.policy_desk = PolicyDesk(self.engine, self.rights, self.policy_life, self.policy_workers)
        self.metrics = Metrics(self.engine)
        self.health = HealthCheck(self.engine, self.sending)
        self.outbox = Outbox(self.engine, [*host_hooks(self.engine), *self.notices.hooks(), *self.alarms.hooks()])
        self.worker = Worker(
            self.engine,
            [
                Job(name="telling", every=EVERY, work=partial(self.outbox.catch_up, shared=True)),
                Job(name=f"telling@{wiring.app}", every=EVERY, work=partial(self.outbox.catch_up, shared=False)),
                Job(name="break-glass", every=60, work=self.break_glass.expire),
                Job(name="recoveries", every=300, work=self.slow_recovery.keep),
                Job(name="counts", every=3600, work=self.chart.note),
                Job(name="daily", every=3600, work=self.daily.note),
                Job(name="exemptions", every=USES_EVERY, work=self.engine.exemption_uses.keep, shared=False),
                Job(name="heads", every=3600, work=self.head_reports.send),
                Job(name="reports", every=3600, work=self.report_mails.send),
                Job(name="retention", every=3600, work=self.retention.keep),
                Job(name="backup-copies", every=900, work=self.backup.drop_old_copies),
                Job(name="notes", every=3600, work=partial(prune_notes, self.engine)),
                Job(name="report-retention", every=3600, work=self.report.prune),
                Job(name="report", every=PAUSE, work=self.recorder.flush, shared=False),
                Job(name="clock", every=60, work=self.clock_watch.compare, shared=False),
                Job(name="policies", every=POLICIES_EVERY, work=self.policy_workers.report, shared=False),
            ],
        )

    async def open(self, *, make: bool = True) -> str:
        """Open the store and check the keys against it.

        Returns "" if the service can start, else a sentence that says what is wrong. Raises ``SettingsError``.
        With ``make=False`` it raises ``StoreMissing`` if there is no store yet, or if the store holds nothing.
        """
        engine = self.engine
        await engine.store.open(make=make)
        begins = await is_new(engine.store)
        if not make and begins:
            raise StoreMissing("store")
        serves = engine.wiring.app != COMMANDS
        fault = await check_canary(engine.store, engine.keyring, engine.wiring.entropy, serves=serves)
        if not fault and serves:
            fault = await who_is_missing(engine.store) or await self.policy_life.begin()
        if not fault:
            await self.trail_signer.begin(is_new=begins)
            self.metrics.begin()
            await self.outbox.begin()
            if serves:
                await engine.own_address.look_up()
                engine.effects.later(self.trail_signer.flush())
                self.worker.start()
                self.policy_watch.start()
        return fault

    async def aclose(self) -> None:
        """Finish the work under way and close the store, the senders and the hooks."""
        await self.policy_watch.aclose()
        await self.worker.aclose()
        await self.recorder.flush(all_hours=True)
        await self.attempts.aclose()
        await self.trail_signer.aclose()
        await self.engine.effects.settle()
        await self.outbox.aclose()
        await self.engine.aclose()
