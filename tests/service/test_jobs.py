"""The work from time to time: how often each job runs, and in one worker or in each."""

from __future__ import annotations

from functools import partial

from tests.harness import make_world, running

JOBS = {
    "telling": (20, True),
    "telling@shop": (20, True),
    "break-glass": (60, True),
    "recoveries": (300, True),
    "counts": (3600, True),
    "daily": (3600, True),
    "exemptions": (300, False),
    "heads": (3600, True),
    "reports": (3600, True),
    "retention": (3600, True),
    "backup-copies": (900, True),
    "notes": (3600, True),
    "report-retention": (3600, True),
    "report": (60, False),
    "clock": (60, False),
    "policies": (60, False),
}
"""The seconds between two runs, and if one worker over the store does it for all."""


async def test_the_jobs() -> None:
    """Each process does the work for its own memory; the rest is done by one."""
    async with running(make_world(name="shop")) as world:
        jobs = world.gate.service.worker.jobs
        assert {job.name: (job.every, job.shared) for job in jobs} == JOBS
        told = {job.name: job.work.keywords for job in jobs if isinstance(job.work, partial) and "tell" in job.name}
        assert told == {"telling": {"shared": True}, "telling@shop": {"shared": False}}
