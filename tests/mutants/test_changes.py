"""The faults that are put into the source are the ones that were meant."""

from __future__ import annotations

import ast

import pytest

from tests.mutants import rooms
from tests.mutants.__main__ import below, table
from tests.mutants.anew import steps_of
from tests.mutants.changes import changes_of
from tests.mutants.reach import PACKAGE, Reached
from tests.mutants.rooms import Mutant, affordable, all_mutants, drawn, files_for, set_aside


def new_of(source: str) -> list[str]:
    """Return every faulty form of a source."""
    return [change.made(source.encode()).decode() for change in changes_of(source.encode())]


@pytest.mark.parametrize(
    ("source", "faulty"),
    [
        ("a < b", "(a) <= (b)"),
        ("a in b", "(a) not in (b)"),
        ("x = a and b", "x = ((a) or (b))"),
        ("x = not a", "x = (a)"),
        ("x = a + 1", "x = ((a) - (1))"),
        ("x = True", "x = False"),
        ("x = 7", "x = 8"),
        ("tell(x)", "pass"),
        ("def f():\n    return g(x)", "def f():\n    return None"),
        ("def f():\n    raise E(x)", "def f():\n    pass"),
        ("if a:\n    b = c", "if (not (a)):\n    b = c"),
        ("x = 'é' if a else b", "x = 'é' if (not (a)) else b"),
    ],
)
def test_a_fault_of_each_kind(source: str, faulty: str) -> None:
    """The faulty form is among those that are made, and each of them is Python."""
    made = new_of(source)
    assert faulty in made
    for one in made:
        ast.parse(one)


@pytest.mark.parametrize(
    "source",
    [
        '"""Words."""',
        "x: int",
        "if TYPE_CHECKING:\n    import a",
        "log.info('x', 7)",
        "x = f'{a}'",
        "x = 'a' + b",
        "x = zip(a, strict=True)",
    ],
)
def test_what_is_no_behaviour_stays(source: str) -> None:
    """Words, types and log lines get no fault."""
    assert new_of(source) == []


def test_the_same_seed_draws_the_same() -> None:
    """A report can be told again, and another seed draws others."""
    assert drawn(5, 1, ["core"]) == drawn(5, 1, ["core"]) != drawn(5, 2, ["core"])


def test_every_fault_has_tests_and_is_python() -> None:
    """A room without tests would only have survivors."""
    for mutant in drawn(40, 7, ["core", "keyring", "senders"]):
        assert files_for(mutant.room), mutant
        ast.parse(mutant.change.made((PACKAGE / mutant.file).read_bytes()))


def test_what_is_set_aside_still_exists() -> None:
    """A line about a fault that can no longer be made is out of date. Each has its reason."""
    aside = set_aside()
    assert all(aside.values())
    files = {mutant.partition(":")[0] for mutant in aside}
    made = {str(Mutant(file, change)) for file in files for change in changes_of((PACKAGE / file).read_bytes())}
    assert set(aside) <= made
    assert not {str(mutant) for mutant in drawn(200, 3, ["core"])} & set(aside)


def test_few_files_are_read_for_the_nearest_tests() -> None:
    """The first step has few files and seconds, and no test is lost or asked twice."""
    tests = [Reached(f"tests/core/test_{file}.py::test", 1.0, frozenset()) for file in "abcdefg"]
    assert steps_of(tests) == [tests[:4], tests[4:]]
    slow = [Reached(f"{test.test}[{number}]", 9.0, frozenset()) for test in tests[:2] for number in (1, 2)]
    assert steps_of(slow) == [slow[:2], slow[2:]]
    assert steps_of(tests[:1]) == [tests[:1]]
    assert steps_of([]) == []


def test_the_quick_tests_are_asked() -> None:
    """A slow test takes the place of none that is quick.

    The mirror is always asked, and the order stays.
    """

    def one(file: str, seconds: float) -> Reached:
        return Reached(f"tests/core/test_{file}.py::test", seconds, frozenset())

    slow, quick, mirror = one("slow", 29.0), [one(f"q{n}", 1.0) for n in range(5)], one("mirror", 26.0)
    assert affordable([slow, *quick], "", "core") == quick
    assert affordable([mirror, slow, *quick], mirror.file, "core") == [mirror, *quick[:4]]
    assert affordable([slow, quick[0]], "", "core") == [slow, quick[0]]
    beside = Reached("tests/cli/test_x.py::test", 0.5, frozenset())
    assert affordable([beside, slow, quick[0]], "", "service") == [slow, quick[0]], "its own room goes before"


def test_the_score() -> None:
    """A room below its share is named as soon as there are enough faults to say so."""
    mutants = list(all_mutants(["keyring"]))[:1] + drawn(60, 5, ["core"])
    assert below(mutants, mutants[1:3]) == []
    assert below(mutants, mutants[1:5]) == ["core"]
    assert "57 of   60 noticed, 95 %, wanted 95 %" in table(mutants, mutants[1:4])


def test_any_test_is_asked_about_what_the_import_alone_enters(monkeypatch: pytest.MonkeyPatch) -> None:
    """A function that makes the rows of a table runs at the import.

    No test enters it, and each would notice.
    """
    mutant = next(one for one in all_mutants(["web"]) if one.change.within == "call_of")
    block = "web/api/admin.py:call_of#1"
    other = Reached("tests/web/test_a.py::one", 0.1, frozenset({"web/router.py:_quiet#1"}))
    entering = Reached("tests/web/test_a.py::two", 0.1, frozenset({block}))
    monkeypatch.setattr(rooms, "files_for", lambda room: ["tests/web/test_a.py"])
    monkeypatch.setattr(rooms, "reached", lambda file: (other,))
    monkeypatch.setattr(rooms, "entered_at_import", frozenset)
    assert rooms.asked(mutant) == []
    monkeypatch.setattr(rooms, "entered_at_import", lambda: frozenset({block}))
    assert rooms.asked(mutant) == [other]
    monkeypatch.setattr(rooms, "reached", lambda file: (other, entering))
    assert rooms.asked(mutant) == [entering]
