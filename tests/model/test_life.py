"""The gate says the same as a plain account of who may pass, over random lives."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from mfa_gate.storage import Store
from mfa_gate.stores.sqlite import SQLiteStore
from tests.stores import servers

from .deed import machine
from .deeds import ALL
from .faults import FAULTS, ROOT, Fault, is_found
from .served import OnPostgres, OnRedis
from .stage import Stage
from .story import live

STEPS = 150
"""Steps of one life."""
SOURCE = ROOT / "src" / "mfa_gate"


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Keep the warnings of thousands of faults out of the report."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


class OnSQLite(Stage):
    """The same host with workers that open one file."""

    def make_store(self) -> Store:
        """Open the file of this life."""
        if not hasattr(self, "folder"):
            self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        return SQLiteStore(Path(self.folder.name) / "mfa.db")

    def close(self) -> None:
        """Remove the file as well."""
        super().close()
        self.folder.cleanup()


@pytest.mark.parametrize("part", range(4))
def test_a_life_in_memory(part: int) -> None:
    """Each step of 18,700 has the outcome that the reference foretells."""
    assert live(Stage, lives=28, steps=STEPS, seed=part) >= 28 * STEPS


def test_a_life_on_sqlite() -> None:
    """Three workers of two applications on one file have these outcomes, too (1,300 steps)."""
    assert live(OnSQLite, lives=8, steps=STEPS, seed="sqlite") >= 8 * STEPS


@pytest.mark.long
@pytest.mark.waits
def test_a_life_on_redis(tmp_path: Path) -> None:
    """Workers that hear of changes by Redis have these outcomes, too."""
    with servers.single(tmp_path, "--appendonly", "no") as OnRedis.server:
        assert live(OnRedis, lives=100, steps=STEPS, seed="redis") >= 100 * STEPS


@pytest.mark.long
@pytest.mark.waits
def test_a_life_on_postgres() -> None:
    """Workers that hear of changes by PostgreSQL have these outcomes, too."""
    assert live(OnPostgres, lives=100, steps=STEPS, seed="postgres") >= 100 * STEPS


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_each_fault_has_its_place(fault: Fault) -> None:
    """The text that a fault replaces stands in its file, once.

    Otherwise the search below would look for nothing.
    """
    assert (SOURCE / fault.file).read_text("utf-8").count(fault.sound) == 1


@pytest.mark.long
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_each_fault_is_found(fault: Fault, tmp_path: Path) -> None:
    """The model finds every fault that is put into the gate by hand."""
    found, _ = is_found(fault, tmp_path)
    assert found


@pytest.mark.long
@pytest.mark.parametrize("stage", [Stage, OnSQLite])
def test_half_a_million_steps(stage: type[Stage]) -> None:
    """Rare stories are met as well."""
    assert live(stage, lives=3400, steps=STEPS, seed="long") >= 500_000


@pytest.mark.long
def test_stories_of_hypothesis() -> None:
    """Hypothesis looks for differences by its own means."""
    run_state_machine_as_test(
        machine(Stage, ALL),
        settings=settings(
            max_examples=2000,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
