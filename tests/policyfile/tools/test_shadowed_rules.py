"""A rule that another one makes needless is found, in whatever order they stand."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest

from mfa_gate.core.model import Seconds
from mfa_gate.core.rules import PathRule, StepUpRule
from mfa_gate.policyfile import findings

from ..kinds import policy

NOW = 1_800_000_000
"""In January 2027."""


def exempt(name: str, path: str, ends: str = "permanent = true", methods: str = "['GET']") -> str:
    return f"[[exempt]]\nname = '{name}'\npaths = ['{path}']\nmethods = {methods}\nreason = 'x'\n{ends}\n"


def people(name: str, groups: str, ends: str = "expires = 2027-01-31") -> str:
    return f"[[exempt_subjects]]\nname = '{name}'\n{groups}\nreason = 'x'\n{ends}\n"


def step_up(name: str, path: str, more: str) -> str:
    return f"[[step_up]]\nname = '{name}'\npaths = ['{path}']\n{more}\n"


INSIDE = (
    exempt("inner", "=/a/b"),
    exempt("outer", "/a/**"),
    exempt("beside", "/b/**"),
    exempt("over", "/a/**", "expires = 2026-01-01"),
)
SHORTER = (
    step_up("loose", "/a/b/**", "max_age = '10m'"),
    step_up("strict", "/a/**", "max_age = '5m'"),
    step_up("elsewhere", "/b/**", "max_age = '5m'"),
    step_up("tried", "/a/**", "max_age = '1m'\nreport_only = true"),
)
COVERED = (
    people("few", "groups_any = ['a']"),
    people("many", "groups_any = ['a', 'b']"),
    people("others", "groups_any = ['c']"),
    people("sooner", "groups_any = ['a', 'd']", "expires = 2027-01-20"),
)


def told(*parts: str) -> list[tuple[str, str]]:
    """Return the path and the text of each finding that names another rule."""
    found = findings(policy("".join(parts)), now=NOW)
    return [
        (one.path, one.text) for one in found if '"' in one.text and ("already" in one.text or "covers" in one.text)
    ]


@pytest.mark.parametrize("order", list(permutations(range(4))))
@pytest.mark.parametrize(
    ("rules", "path", "by"),
    [(INSIDE, "exempt.inner", "outer"), (SHORTER, "step_up.loose", "strict"), (COVERED, "exempt_subjects.few", "many")],
    ids=["exemption", "step-up", "people"],
)
def test_the_needless_one_is_told(rules: tuple[str, ...], path: str, by: str, order: tuple[int, ...]) -> None:
    """One finding, at the needless rule, and it names the one that covers it."""
    ((where, text),) = [one for one in told(*(rules[index] for index in order)) if "over" not in one[0]]
    assert where.startswith(path)
    assert f'"{by}"' in text


MANY = {
    "step_up.needless": (
        step_up("needless", "/a/b/**", "max_age = '10m'\ngroups_any = ['a']"),
        step_up("one", "/a/**", "max_age = '5m'"),
        step_up("two", "/a/**", "max_age = '6m'"),
    ),
    "exempt.needless": (
        exempt("needless", "=/a/b"),
        exempt("one", "/a/**"),
        exempt("two", "/a/**", methods="['GET', 'POST']"),
    ),
    "exempt_subjects.needless": (
        people("needless", "groups_any = ['a']"),
        people("one", "groups_any = ['a', 'b']"),
        people("two", "groups_any = ['a', 'c']"),
    ),
    "step_up.asked": (
        step_up("asked", "/a/**", "max_age = '10m'\ngroups_any = ['a']"),
        people("one", "groups_any = ['a', 'b']"),
        people("two", "groups_any = ['a', 'c']"),
    ),
}


@pytest.mark.parametrize("path", MANY)
def test_a_rule_that_two_others_make_needless_is_told_once(path: str) -> None:
    """The first of the two is named."""
    found = findings(policy("".join(MANY[path])), now=NOW)
    ((_, text),) = [(one.path, one.text) for one in found if one.path.startswith(path) and '"' in one.text]
    assert '"one"' in text


def test_a_path_twice_in_one_rule_is_told_once() -> None:
    """A program may write it; of two equal ones the later is told."""
    path = PathRule(text="/a/**")
    rule = StepUpRule(name="s", paths=(path, PathRule(text="/b/**"), path), max_age=Seconds(300))
    found = findings(replace(policy(""), base=replace(policy("").base, step_up=(rule,))), now=NOW)
    assert [(one.path, "same rule already" in one.text) for one in found] == [("step_up.s.paths[2]", True)]


@pytest.mark.parametrize(
    "pair",
    [
        (exempt("one", "=/a"), exempt("two", "=/a")),
        (step_up("one", "/a/**", "max_age = '5m'"), step_up("two", "/a/**", "max_age = '5m'")),
        (people("one", "groups_any = ['a']"), people("two", "groups_any = ['a']")),
    ],
    ids=["exemption", "step-up", "people"],
)
def test_of_two_equal_ones_the_later_is_told(pair: tuple[str, str]) -> None:
    """One of them is needless, not both."""
    for first, second, later in ((*pair, "two"), (*pair[::-1], "one")):
        ((path, _),) = told(first, second)
        assert later in path
