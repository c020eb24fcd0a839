"""One session gives the verdicts that tests give with everything imported anew."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.mutants.__main__ import AT_ONCE
from tests.mutants.anew import notices
from tests.mutants.changes import changes_of
from tests.mutants.copies import Copy, compiled
from tests.mutants.forks import Fork, allow
from tests.mutants.reach import PACKAGE, Reached
from tests.mutants.rooms import Mutant, all_mutants
from tests.mutants.session import in_one_session

FILE = "core/attempts.py"
TESTS = [
    Reached(f"tests/core/test_attempts.py::{name}", 1.0, frozenset())
    for name in ("test_nothing_of_this_name", "test_a_refund_only_within_its_series")
]


def fault(within: str, new: str) -> Mutant:
    """Return the first fault of the file with this place and this text."""
    changes = changes_of((PACKAGE / FILE).read_bytes())
    return Mutant(FILE, next(one for one in changes if (one.within, one.new) == (within, new)))


def test_a_fault_is_noticed_in_the_copy(tmp_path: Path) -> None:
    """The tests run against the copy, and not against the checkout, which stays as it is."""
    before = (PACKAGE / FILE).read_bytes()
    copy = Copy(tmp_path)
    assert "test_attempts.py" in notices(copy, fault("refunded", "None"), TESTS)
    assert (PACKAGE / FILE).read_bytes() == before
    assert (copy.package / FILE).read_bytes() == before


def test_the_verdicts_of_a_session(tmp_path: Path) -> None:
    """A fault is noticed, or survives, or is left for a run of its own.

    It is left where it works at the import, or in a function that ran before the tests: the import of ``conftest.py`` is
    enough.
    """
    sound, *copies = compiled(tmp_path, 1 + AT_ONCE)
    noticed, survives = fault("refunded", "None"), fault("forgiven", "None")
    at_import = next(mutant for mutant in all_mutants(["core"]) if mutant.change.within == "module")
    ran_before = next(mutant for mutant in all_mutants(["policyfile"]) if mutant.change.within == "_without_none")
    said: dict[Mutant, str] = {}
    left = in_one_session(
        dict.fromkeys((noticed, survives, at_import, ran_before), TESTS),
        sound,
        copies,
        lambda mutant, test, _: said.update({mutant: test}),
    )
    assert said == {noticed: TESTS[1].test, survives: ""}
    assert left == [at_import, ran_before]
    assert {(copy.package / FILE).read_bytes() for copy in copies} == {(PACKAGE / FILE).read_bytes()}


@pytest.mark.parametrize(
    ("work", "answer"),
    [
        ("7", "7"),
        ("1 // 0", "ZeroDivisionError outside of a test"),
        ("os._exit(3)", "ended with 3"),
        ("allow(0.1) or [0 for _ in iter(int, 1)]", "no end in time"),
        ("allow(0.1) or time.sleep(900)", "no end in time"),
    ],
)
def test_each_fork_ends(tmp_path: Path, work: str, answer: str) -> None:
    """A text, an error, a sudden end, a loop and a wait without end are told.

    The folder is removed.
    """
    names = {"os": os, "time": time, "allow": allow}
    fork = Fork(tmp_path / "own", lambda: str(eval(work, names)))
    while (answered := fork.answered()) is None:
        time.sleep(0.01)
    assert answered.text == answer
    assert not (tmp_path / "own").exists()
