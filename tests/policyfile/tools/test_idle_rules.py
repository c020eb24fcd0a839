"""Rules that change no decision are found."""

from __future__ import annotations

import pytest

from mfa_gate.core.model import Seconds
from mfa_gate.core.rules import Exemption, PathRule, Policy, Rules, StepUpRule
from mfa_gate.policyfile import findings
from mfa_gate.policyfile.tools.idle_rules import idle_findings, idle_rules

from ..kinds import policy

NOW = 1_790_000_000
TREE = "[[exempt]]\nname = 'tree'\npaths = ['/a/**']\nmethods = ['GET']\nreason = 'x'\npermanent = true\n"
LEAF = TREE.replace("tree", "leaf").replace("/a/**", "=/a/b")
RULE = "[[step_up]]\nname = 'a'\npaths = ['/a/**']\nmax_age = '5m'\n"
ALL_BUT_X = RULE.replace("'a'", "'all'").replace("5m", "1m") + "groups_none = ['x']\n"
ONLY_X = RULE.replace("'a'", "'x'").replace("5m", "1m") + "groups_any = ['x']\n"
PEOPLE = "[[exempt_subjects]]\nname = 'p'\ngroups_any = ['g']\nreason = 'x'\npermanent = true\n"


@pytest.mark.parametrize(
    ("text", "idle"),
    [
        (TREE + LEAF, ["exempt.leaf"]),
        (TREE, []),
        (TREE.replace("permanent = true", "expires = 2024-01-01"), ["exempt.tree"]),
        (RULE + RULE.replace("'a'", "'b'").replace("/a/", "/a/b/").replace("5m", "6m"), ["step_up.b"]),
        (RULE + RULE.replace("'a'", "'b'").replace("/a/", "/a/b/").replace("5m", "4m"), []),
        (RULE.replace("5m", "8d"), []),
        (PEOPLE + "groups_none = ['g']\n", ["exempt_subjects.p"]),
        (PEOPLE + RULE + "groups_any = ['g']\n", []),
        (RULE + "report_only = true\n", []),
        ("mode = 'report-only'\n" + RULE, []),
        ("[enrollment]\nstage = 'off'\n" + RULE, []),
        (RULE + RULE.replace("'a'", "'b'") + "groups_any = ['g']\n", ["step_up.b"]),
        (RULE + "groups_any = ['g']\n" + RULE.replace("'a'", "'b'") + "groups_any = ['h']\n", []),
        (RULE + "groups_any = ['g']\n" + ALL_BUT_X + ONLY_X.replace("1m", "9m"), []),
        (RULE + "groups_any = ['g']\n" + ALL_BUT_X + ONLY_X, ["step_up.a"]),
    ],
)
def test_rules_without_effect(text: str, idle: list[str]) -> None:
    """A rule is idle if no request is decided in another way without it.

    A step-up rule for people who are exempt still counts where somebody acts in their name, and one that asks for no more
    than freshness still keeps break-glass grants out.
    """
    assert [rule.path for rule in idle_rules(policy(text), now=NOW)] == idle


def test_a_rule_of_the_file_may_count_for_one_tenant() -> None:
    """It is idle only if it is so for every tenant; a tenant's own rule names the tenant."""
    rule = RULE.replace("5m", "10d") + "factors_any = ['totp']\n"
    weaker = "[[step_up]]\nname = 'all'\npaths = ['/**']\nmax_age = '1m'\nfactors_any = ['totp']\n"
    own = weaker.replace("[[step_up]]", "[[tenants.t.step_up]]")
    assert [found.path for found in idle_rules(policy(weaker + rule), now=NOW)] == ["step_up.a"]
    assert idle_rules(policy(rule + "[tenants.t]\n" + own), now=NOW) == ()
    mine = RULE.replace("[[step_up]]", "[[tenants.t.step_up]]").replace("'a'", "'mine'")
    assert [found.path for found in idle_rules(policy(weaker + mine), now=NOW)] == ["tenants.t.step_up.mine"]


def test_a_rule_that_is_told_already_is_left_out() -> None:
    """By its path: that of the file, or that of the tenant whose own rule it is."""
    text = TREE + LEAF + (TREE + LEAF).replace("[[exempt", "[[tenants.t.exempt").replace("e = '", "e = 'my ")
    every = ["exempt.leaf", "tenants.t.exempt.my tree", "tenants.t.exempt.my leaf"]
    assert [found.path for found in idle_findings(policy(text), now=NOW)] == every
    for told in every:
        left = [path for path in every if path != told]
        assert [found.path for found in idle_findings(policy(text), now=NOW, told={told})] == left


class Counted(PathRule):
    """A path that counts the requests and the paths that it is compared with."""

    compared = 0

    def matches(self, path: str) -> bool:
        Counted.compared += 1
        return super().matches(path)

    def covers(self, path: str) -> bool:
        Counted.compared += 1
        return super().covers(path)


@pytest.mark.parametrize("section", ["exempt", "step_up", "both"])
def test_many_rules_are_looked_at_in_time(section: str) -> None:
    """Twice as many rules that share no path are twice the work, not four times."""

    def work(number: int) -> int:
        paths = [(Counted(text=f"/a{n}/**"),) for n in range(number)]
        below = [(Counted(text=f"=/a{n}/b"),) for n in range(number)]
        exempt = tuple(Exemption(name=f"e{n}", paths=path) for n, path in enumerate(below))
        step_up = tuple(StepUpRule(name=f"s{n}", paths=path, max_age=Seconds(300)) for n, path in enumerate(paths))
        rules = {"exempt": exempt, "step_up": step_up}
        made = Policy(name="many", base=Rules(**(rules if section == "both" else {section: rules[section]})))  # type: ignore[arg-type]
        Counted.compared = 0
        assert findings(made, now=NOW) == ()
        assert idle_findings(made, now=NOW) == ()
        return Counted.compared

    assert work(20) > 20
    assert work(80) < 2.5 * work(40)
