"""A rule that another one makes needless is found, in whatever order they stand."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest

from mfa_gate.core.model import Seconds
from mfa_gate.core.rules import Exemption, PathRule, StepUpRule
from mfa_gate.policyfile import findings
from mfa_gate.policyfile.tools.findings.coverage import holds_exempt, holds_step_up
from mfa_gate.policyfile.tools.path_index import PathIndex

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


@pytest.mark.parametrize(
    ("outer", "inner", "exempts", "covers"),
    [
        ("/a/**", "/a/**", True, True),
        ("/a/**", "/a/b/**", True, True),
        ("/a/**", "=/a", True, True),
        ("/a/**", "=/a/b", True, True),
        ("/a/**", "/ab/**", False, False),
        ("/a/b/**", "/a/**", False, False),
        ("=/a", "=/a", True, True),
        ("=/a", "/a/**", False, False),
        ("=/a/b", "=/a", False, False),
        ("/a/**", "=/A/b", False, True),
        ("=/a", "=/a/", False, True),
        ("=/a/", "=/A", False, True),
        ("/**", "=/", True, True),
        ("/**", "/a/**", True, True),
    ],
)
def test_a_path_inside_of_another(outer: str, inner: str, exempts: bool, covers: bool) -> None:
    """Exemptions hold to the letter; step-up rules without capitals and slashes at the end.

    Whatever one path holds, the index finds.
    """
    wide, narrow = PathRule(text=outer), PathRule(text=inner)
    assert (holds_exempt(wide, narrow), holds_step_up(wide, narrow)) == (exempts, covers)
    if covers:
        index = PathIndex(
            [Exemption(name="o", paths=(PathRule(text="=/z"), wide)), Exemption(name="n", paths=(narrow,))]
        )
        assert index.around((narrow,)) == [0, 1]
        assert index.near((wide,)) == [0, 1]


VERIFIED = "user_verification = true\nfactors_any = ['webauthn']"
PASSKEY = "factors_any = ['webauthn']"
STRONG = "phishing_resistant = true"


@pytest.mark.parametrize(
    ("outer", "inner", "told_of"),
    [
        ("max_age = '5m'", "max_age = '5m'\nmethods = ['GET']", True),
        ("max_age = '5m'\nmethods = ['GET']", "max_age = '5m'", False),
        ("max_age = '5m'", "max_age = '299s'", False),
        (VERIFIED, PASSKEY, True),
        (VERIFIED, VERIFIED, True),
        (PASSKEY, VERIFIED, False),
        (PASSKEY, STRONG, True),
        (STRONG, "factors_any = ['totp', 'webauthn']", True),
        ("factors_any = ['totp', 'webauthn']", STRONG, False),
        ("max_age = '5m'\ngroups_none = ['x']", "max_age = '5m'", False),
        ("max_age = '5m'\ngroups_none = ['x']", "max_age = '5m'\ngroups_none = ['x', 'y']", True),
        ("max_age = '5m'\ngroups_any = ['x']", "max_age = '5m'", False),
    ],
)
def test_a_rule_that_asks_for_as_much(outer: str, inner: str, told_of: bool) -> None:
    """An inner rule is needless if each proof for the outer one meets it.

    That holds for all of its people and methods.
    """
    found = told(step_up("outer", "/a/**", outer), step_up("inner", "/a/b/**", inner))
    assert [path for path, text in found if "covers" in text] == (["step_up.inner"] if told_of else [])


@pytest.mark.parametrize(("before", "needless"), [(1, True), (0, False)])
def test_an_exemption_that_is_over_holds_no_other(before: int, needless: bool) -> None:
    """It counts until the second in which it ends."""
    ends = 1_830_211_200
    rules = exempt("outer", "/a/**", "expires = 2027-12-31") + exempt("inner", "=/a/b", "expires = 2027-12-31")
    found = [one.path for one in findings(policy(rules), now=ends - before) if "already" in one.text]
    assert found == (["exempt.inner.paths[0]"] if needless else [])


TENANTS = step_up("s", "/a/**", "max_age = '5m'\ntenants_any = ['clinic', 'klinic']")


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        (TENANTS, []),
        (TENANTS + "[tenants.clinic]\n", ["step_up.s.tenants_any[1]"]),
        (TENANTS + "[tenants.clinic]\n[tenants.klinic]\n", []),
        (
            "[tenants.clinic]\n" + TENANTS.replace("[[step_up", "[[tenants.clinic.step_up").replace("'clinic', ", ""),
            ["tenants.clinic.step_up.s.tenants_any"],
        ),
        ("[tenants.clinic]\n" + TENANTS.replace("[[step_up", "[[tenants.clinic.step_up"), []),
    ],
)
def test_a_rule_for_tenants_that_are_not_there(text: str, paths: list[str]) -> None:
    """A name without a section is told where the file names tenants.

    A tenant's own rule for others never applies.
    """
    found = findings(policy(text), now=NOW)
    assert [one.path for one in found if "tenants_any" in one.path] == paths


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
