"""Rules that change no decision are found."""

from __future__ import annotations

import pytest

from mfa_gate.policyfile.tools.idle_rules import idle_rules

from ..kinds import policy

NOW = 1_790_000_000
TREE = "[[exempt]]\nname = 'tree'\npaths = ['/a/**']\nmethods = ['GET']\nreason = 'x'\npermanent = true\n"
LEAF = TREE.replace("tree", "leaf").replace("/a/**", "=/a/b")
RULE = "[[step_up]]\nname = 'a'\npaths = ['/a/**']\nmax_age = '5m'\n"
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
