"""A search for tests that cannot fail, by their text.

They claim nothing, or claim something about all of nothing; they are skipped, or asleep. Lists of parameters that are
empty stop the collection, tests without end stop after a while (`conftest.py`), and ruff refuses an ``except`` of everything.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

TESTS = Path(__file__).parent
FUNCTION = re.compile(r"^( *)(?:async )?def (\w+)\(", re.MULTILINE)
CLAIM = re.compile(r"\bassert\b|pytest\.(?:raises|warns|fail)\b|\braise\b")
WORD = re.compile(r"\w+")
OVER_ALL = re.compile(r"assert (?:all|not any)\(")
SLEEP = re.compile(r"\bsleep\((0\.[3-9]\d*|[1-9](?:\.\d+)?)\)")
MARKED = re.compile(r"mark\.(?:slow|waits|browser|long)\b")

SKIPS = {
    "attacks/test_store_outage.py": "a small disk needs leave to mount",
    "servers/breakage/test_breakage.py": "a network and a disk of its own need root",
    "servers/breakage/test_crew.py": "the same",
    "stores/sqlite/test_faults.py": "the same, and only root may mount",
    "stores/sqlite/test_first_open.py": "only root may give a file away",
    "stores/sqlite/test_volumes.py": "only root may act as another user",
}
"""Files that skip a test, and why that is no test that never runs."""

SLEEPS = {
    "attacks/test_restore.py": "the stamps of two copies of a store are a second apart",
    "cli/test_store.py": "the same",
    "stores/redis/test_backup.py": "the marker of Redis tells whole seconds",
    "stores/sqlite/test_line_search.py": "a list that waits longer for the disk: the wait is the subject",
    "stores/common/test_siblings.py": "a process of the test waits there until it is ended",
    "senders/test_smtp.py": "a provider that is slow: its delay is the subject",
    "service/test_places.py": "a host's function that is too slow: it is cancelled at once",
}
"""Files without a mark that sleep for 0.3 s or longer, and why."""


def functions(text: str) -> Iterator[tuple[str, str]]:
    """Give the name and the text of each function, with what is inside of it."""
    for found in FUNCTION.finditer(text):
        end = re.compile(rf"^ {{0,{len(found[1])}}}[^\s)\]}}#]", re.MULTILINE).search(text, found.end())
        yield found[2], text[found.start() : end.start() if end else len(text)]


def without_claim(texts: dict[str, str]) -> list[str]:
    """List the tests that claim nothing.

    Neither they nor a helper that they name asserts, raises or fails.
    """
    every = [(file, name, body) for file, text in texts.items() for name, body in functions(text)]
    claims = {name for _, name, body in every if CLAIM.search(body)}
    bare = [(file, name, {*WORD.findall(body)}) for file, name, body in every if not CLAIM.search(body)]
    while more := {name for _, name, words in bare if name not in claims and words & claims}:
        claims |= more
    return [f"{file}: {name}" for file, name, _ in bare if name.startswith("test_") and name not in claims]


def over_nothing(text: str) -> list[str]:
    """List claims about all of some things where nothing says that there are any.

    Such a claim is ``assert all(… for one in found)``, and another ``assert`` of the function must name ``found``.
    Constants, in capitals, and parameters are what they are.
    """
    weak: dict[str, None] = {}
    for name, body in functions(text):
        if OVER_ALL.search(body):
            parsed = ast.parse(dedent(body))
            claims = [claim for claim in ast.walk(parsed) if isinstance(claim, ast.Assert)]
            parameters = {one.arg for one in ast.walk(parsed) if isinstance(one, ast.arg)} - {"capsys", "caplog"}
            for claim in claims:
                subject = _subject(claim.test)
                named = {one.id for other in claims if other is not claim for one in _names(other)} | parameters
                if subject and not subject.isupper() and subject not in named:
                    weak[f"{name}: {subject}"] = None
    return list(weak)


def _subject(test: ast.expr) -> str:
    """Return the variable that an ``all`` or a ``not any`` goes over, "" for any other claim."""
    call = test.operand if isinstance(test, ast.UnaryOp) else test
    of_all = "any" if isinstance(test, ast.UnaryOp) else "all"
    match call:
        case ast.Call(func=ast.Name(id=name), args=[ast.GeneratorExp(generators=[first, *_])]) if name == of_all:
            found = next(iter(_names(first.iter)), None)
            is_listed = isinstance(first.iter, ast.Tuple | ast.List)
            return found.id if found is not None and not is_listed else ""
    return ""


def _names(node: ast.AST) -> Iterator[ast.Name]:
    """Give the names that are read inside of a node, without called functions."""
    called = {id(call.func) for call in ast.walk(node) if isinstance(call, ast.Call)}
    return (one for one in ast.walk(node) if isinstance(one, ast.Name) and id(one) not in called)


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    """The text of every file of the tests, by its path."""
    return {path.relative_to(TESTS).as_posix(): path.read_text(encoding="utf-8") for path in TESTS.rglob("*.py")}


def test_each_test_claims_something(texts: dict[str, str]) -> None:
    """A test that only runs code passes whatever the code answers."""
    assert without_claim(texts) == []


def test_no_claim_about_all_of_nothing(texts: dict[str, str]) -> None:
    """``all()`` over nothing is true, and so is ``not any()``."""
    weak = {file: over_nothing(text) for file, text in texts.items() if OVER_ALL.search(text)}
    assert {file: found for file, found in weak.items() if found} == {}


def test_no_test_is_skipped_without_a_reason(texts: dict[str, str]) -> None:
    """A skipped test looks like one that passed."""
    skips = {
        file for file, text in texts.items() if re.search(r"pytest\.(?:skip|importorskip|mark\.(?:skip|xfail))", text)
    }
    assert skips - {*SKIPS, "test_weak_tests.py"} == set()
    assert {*SKIPS} <= skips, "a line that is out of date"


def test_no_test_sleeps_to_let_time_pass(texts: dict[str, str]) -> None:
    """Clocks are handed in; a test that sleeps is slow, and fails on a slow machine."""
    asleep = {
        file for file, text in texts.items() if "/test_" in file and SLEEP.search(text) and not MARKED.search(text)
    }
    assert asleep - {*SLEEPS} == set()
    assert {*SLEEPS} <= asleep, "a line that is out of date"


@pytest.mark.parametrize(
    ("text", "weak"),
    [
        ("def test_a():\n    found = ask()\n    assert all(x for x in found)\n", ["test_a: found"]),
        ("def test_a():\n    assert not any(x in said for x in reply.lines())\n", ["test_a: reply"]),
        ("def test_a():\n    assert found\n    assert all(x for x in found)\n", []),
        ("def test_a():\n    assert all(x for x in ROWS)\n    assert all(x for x in (a, b))\n", []),
    ],
)
def test_a_claim_over_nothing_is_found(text: str, weak: list[str]) -> None:
    """The check finds what it looks for."""
    assert over_nothing(text) == weak


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("def test_a():\n    ask()\n", ["t: test_a"]),
        ("def test_a():\n    refused()\n\n\ndef refused():\n    shut()\n\n\ndef shut():\n    assert x\n", []),
        ("def test_a():\n    ask()\n\n\ndef test_b():\n    assert x\n", ["t: test_a"]),
        ("async def test_a(\n    x: int,\n) -> None:\n    ask(\n        x,\n    )\n", ["t: test_a"]),
        ("def test_a():\n    with pytest.raises(E):\n        ask()\n", []),
    ],
)
def test_a_test_without_a_claim_is_found(text: str, bare: list[str]) -> None:
    """The check finds what it looks for, and sees a claim that a helper makes."""
    assert without_claim({"t": text}) == bare
