"""Each breakage once, with its audit.

``python -m tests.servers.breakage --hours 4`` goes on for hours.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from .audit import faults_of, summary
from .crew import crew
from .stages import NEEDS_ROOT, STAGES

pytestmark = [pytest.mark.long, pytest.mark.waits]


@pytest.mark.parametrize("name", STAGES)
async def test_all_that_was_confirmed_is_there(tmp_path: Path, name: str) -> None:
    """Three workers lose nothing that was confirmed while their store breaks and comes back.

    F-1 to F-5, F-14, S-31, S-35, S-44, S-114. Seven wrong answers are compared and never an eighth, no lock is lost,
    no code proves twice, and each worker is served again within five seconds.
    """
    if name in NEEDS_ROOT and os.geteuid() != 0:
        pytest.skip("makes a network or a disk of its own, which needs root")
    with STAGES[name](tmp_path) as stage, crew(stage.ways) as workers:
        found = workers.work(stage)
        print(summary(found))
        assert faults_of(found, stage) == []
