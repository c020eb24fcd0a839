"""A gate that is open does its work by itself, and one that is closed does none."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import Any

from mfa_gate.service import Actor
from mfa_gate.service.scheduler import Job
from mfa_gate.web.connection import Timing
from tests.harness import World, make_world, running
from tests.service.test_policy_life import LOOSE, STRICT
from tests.web.lasting import CLOSE, asked, chat, hold

MINUTE, HOUR = 60, 3600
JOBS: dict[str, tuple[str, int, bool]] = {
    "telling": ("Outbox.catch_up(shared=True)", 20, True),
    "telling@shop": ("Outbox.catch_up(shared=False)", 20, True),
    "break-glass": ("BreakGlass.expire()", MINUTE, True),
    "recoveries": ("SlowRecovery.keep()", 5 * MINUTE, True),
    "counts": ("EnrollmentChart.note()", HOUR, True),
    "daily": ("DailyCounts.note()", HOUR, True),
    "exemptions": ("ExemptionUses.keep()", 5 * MINUTE, False),
    "heads": ("HeadReports.send()", HOUR, True),
    "reports": ("ReportMails.send()", HOUR, True),
    "retention": ("Retention.keep()", HOUR, True),
    "backup-copies": ("BackupCodes.drop_old_copies()", 15 * MINUTE, True),
    "notes": ("prune_notes()", HOUR, True),
    "report-retention": ("ReportArchive.prune()", HOUR, True),
    "report": ("ReportRecorder.flush()", MINUTE, False),
    "policies": ("PolicyWorkers.report()", MINUTE, False),
    "clock": ("ClockWatch.compare()", MINUTE, False),
}
"""The jobs of a running gate: the work, the seconds between two rounds, and if one worker does it for all."""


def work_of(job: Job) -> str:
    """Name the work of a job with the named values that it is given."""
    work: Any = job.work
    named = ", ".join(f"{name}={value}" for name, value in work.keywords.items()) if isinstance(work, partial) else ""
    return f"{(work.func if isinstance(work, partial) else work).__qualname__}({named})"


def test_the_jobs() -> None:
    """Notices, ends of grants, retention and reports are all done by a running gate."""
    service = make_world(name="shop").gate.service
    assert {job.name: (work_of(job), int(job.every), job.shared) for job in service.worker.jobs} == JOBS


async def until(world: World, holds: Any) -> None:
    """Wait for the work of the gate, a few seconds at most."""
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0.005)


async def test_a_running_gate_reads_its_policy_again(tmp_path: Path) -> None:
    """A change of the file is in force without a call of anybody, until the gate is closed."""
    file = tmp_path / "policy.toml"
    file.write_text(STRICT)
    world = make_world(policy=file)  # type: ignore[arg-type]
    world.gate.service.policy_watch.every = 0.01
    first = world.engine.policy.digest
    async with running(world):
        file.write_text(LOOSE)
        await until(world, lambda: world.engine.policy.digest != first)
        second = world.engine.policy.digest
    file.write_text(STRICT + "\n")
    await asyncio.sleep(0.03)
    assert world.engine.policy.digest == second


async def test_a_running_gate_looks_at_open_connections() -> None:
    """A connection that nobody asks about ends soon after a lock, and the next look goes on."""
    async with running(make_world()) as world:
        world.gate.web.connections.timing = Timing(tick=0.01, again=0.01)
        ann = await world.enrolled()
        bob = await world.enrolled("bob")
        for browser in (ann, bob):
            held = await hold(world, chat, asked(browser, "/chat", kind="websocket"))
            assert held.is_open
            done = await world.gate.service.account_desk.act(
                Actor(name="operator:eve"), "lock", (await world.account(browser.id)).key, reason="stolen"
            )
            assert done
            await until(world, lambda held=held: not held.is_open)
            assert held.sent[-1] == CLOSE
