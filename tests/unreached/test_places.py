"""A place that no test reaches has a reason, and a reason has its place."""

from __future__ import annotations

import pytest

from .places import Listed, Place, faults_of, places_of, rows_of, shares_of

LINES = ("def f(x):", "    if x:", "        return 1", "    return 2", "def g():", "    return 3")


def found(lines: list[int], branches: list[list[int]]) -> dict[str, object]:
    """Make coverage's answer about one file with four branches."""
    summary = {"covered_branches": 4 - len(branches), "num_branches": 4}
    return {"missing_lines": lines, "missing_branches": branches, "summary": summary}


def test_a_line_and_its_branch_are_one_place() -> None:
    """A line that was not run stands for the branch that leads to it.

    A branch to a known line is told itself.
    """
    assert [*places_of("core/x.py", LINES, found([3], [[2, 3]]))] == [Place("core/x.py", "return 1", 3)]
    (branch,) = places_of("core/x.py", LINES, found([], [[2, 4]]))
    assert branch == Place("core/x.py", "if x: -> return 2", 2)
    (end,) = places_of("core/x.py", LINES, found([], [[2, -1]]))
    assert end.text == "if x: -> exit"


@pytest.mark.parametrize(
    ("path", "text", "rows", "fault"),
    [
        ("core/x.py", "return 1", [], "core/x.py:3: neither reached nor listed: return 1"),
        ("core/x.py", "return 1", [Listed("core/*", "return ?", "never")], ""),
        ("core/x.py", "return 1", [Listed("core/y.py", "return 1", "never")], "neither reached nor listed"),
        ("web/x.py", "return 1", [], ""),
        ("web/x.py", "return 1", [Listed("web/x.py", "return 2", "never")], "listed and reached"),
    ],
)
def test_each_place_has_a_reason(path: str, text: str, rows: list[Listed], fault: str) -> None:
    """A room that needs the whole lists each place.

    A row without a place is a fault everywhere.
    """
    told = faults_of({}, [Place(path, text, 3)], rows)
    assert fault in "; ".join(told)
    assert bool(told) is bool(fault)


def test_shares() -> None:
    """A room below its share is a fault; files without a room do not count."""
    shares = shares_of({"web/a.py": found([], []), "web/b.py": found([3], [[2, 3]]), "cli/x.py": found([1], [[1, 2]])})
    assert shares == {"web": 87.5}
    assert faults_of(shares, [], []) == ["web: 87.5 % of the branches are reached, 95 % are asked for"]
    assert faults_of({"web": 95.0}, [], []) == []


def test_the_list() -> None:
    """Each row has a reason."""
    rows = rows_of("# about\n\ncore/x.py | if a | b: | never\n")
    assert rows == [Listed("core/x.py", "if a | b:", "never")]
    with pytest.raises(ValueError, match="a reason"):
        rows_of("core/x.py | return 1")
