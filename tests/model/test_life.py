"""The gate says the same as a plain account of who may pass, over random lives."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from mfa_gate.core.model import Seconds
from mfa_gate.core.rules import Rules
from mfa_gate.storage import Store
from mfa_gate.stores.sqlite import SQLiteStore
from tests.harness import with_rules

from .life import Life

STEPS = 50
"""Steps of one life."""


def live(machine: type[Life], lives: int, *, shrink: bool = True) -> None:
    """Run so many random lives.

    Raises ``AssertionError`` with the shortest story that shows a difference.
    """
    phases = (Phase.generate, Phase.shrink) if shrink else (Phase.generate,)
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=lives,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            phases=phases,
            suppress_health_check=list(HealthCheck),
        ),
    )


class OnSQLite(Life):
    """The same life with two applications that open one file."""

    def make_stores(self) -> tuple[Store, Store]:
        """Make a file for each life."""
        self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        path = Path(self.folder.name) / "mfa.db"
        return SQLiteStore(path), SQLiteStore(path)

    def teardown(self) -> None:
        """Remove the file as well."""
        super().teardown()
        self.folder.cleanup()


@pytest.mark.parametrize("part", range(4))
def test_a_life_in_memory(part: int) -> None:
    """Each step of 16,000 has the outcome that the reference foretells."""
    live(Life, 80)


def test_a_life_on_sqlite() -> None:
    """Two applications on one file say the same as one account of it all."""
    live(OnSQLite, 40)


@pytest.mark.long
@pytest.mark.parametrize("machine", [Life, OnSQLite])
def test_a_million_steps(machine: type[Life]) -> None:
    """Rare stories are met as well."""
    live(machine, 10_000)


def _shorter(rules: Rules) -> Rules:
    return replace(rules, freshness=replace(rules.freshness, max_age=Seconds(86_400)))


def _anywhere(rules: Rules) -> Rules:
    freshness = rules.freshness
    return replace(rules, freshness=replace(freshness, ip_change=replace(freshness.ip_change, action="log")))


def _more_guesses(rules: Rules) -> Rules:
    return replace(rules, attempts=replace(rules.attempts, max=8))


def _ends_sessions(rules: Rules) -> Rules:
    return replace(rules, attempts=replace(rules.attempts, lock_ends_sessions=True))


@pytest.mark.parametrize("change", [_shorter, _anywhere, _more_guesses, _ends_sessions])
def test_the_reference_bites(change: Callable[[Rules], Rules]) -> None:
    """A gate with another rule is found out."""
    other = type("Other", (Life,), {"policy": with_rules(change)})
    with pytest.raises((AssertionError, ExceptionGroup)):
        live(other, 300, shrink=False)
