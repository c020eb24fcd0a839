"""One session gives the verdicts that tests give with everything imported anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutants.__main__ import AT_ONCE
from tests.mutants.anew import notices
from tests.mutants.changes import changes_of
from tests.mutants.copies import Copy, compiled
from tests.mutants.forks import Fork
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
    """A fault is noticed, survives, or works at the import and is left for a run of its own."""
    sound, *copies = compiled(tmp_path, 1 + AT_ONCE)
    noticed, survives = fault("refunded", "None"), fault("forgiven", "None")
    at_import = next(mutant for mutant in all_mutants(["core"]) if mutant.change.within == "module")
    said: dict[Mutant, str] = {}
    left = in_one_session(
        {noticed: TESTS, survives: TESTS, at_import: TESTS},
        sound,
        copies,
        lambda mutant, test, _: said.update({mutant: test}),
    )
    assert said == {noticed: TESTS[1].test, survives: ""}
    assert left == [at_import]
    assert {(copy.package / FILE).read_bytes() for copy in copies} == {(PACKAGE / FILE).read_bytes()}


def answer_of(folder: Path, seconds: float, work: str) -> str:
    """Wait for a fork that evaluates a piece of Python."""
    fork = Fork(folder, seconds, lambda: str(eval(work)))
    while (answer := fork.answered()) is None:
        pass
    return answer


@pytest.mark.parametrize(
    ("work", "answer"),
    [
        ("7", "7"),
        ("1 // 0", "ZeroDivisionError outside of a test"),
        ("__import__('os')._exit(3)", "ended with 768"),
        ("[0 for _ in iter(int, 1)]", "no end after 1 s"),
    ],
)
def test_each_fork_ends(tmp_path: Path, work: str, answer: str) -> None:
    """A text, an error, a sudden end and a loop without end are told.

    The folder is removed.
    """
    assert answer_of(tmp_path / "own", 1, work) == answer
    assert not (tmp_path / "own").exists()
