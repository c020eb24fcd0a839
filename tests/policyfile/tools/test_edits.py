"""One changed key is one edit, with both values as text, made and taken back alone."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from mfa_gate.core.rules import Rules
from mfa_gate.factors import BUILT_IN
from mfa_gate.policyfile.keys import key_for
from mfa_gate.policyfile.shape import leaves
from mfa_gate.policyfile.tools.edits import edits

from ..kinds import policy

EXEMPT = "[[exempt]]\nname = 'a'\npaths = ['=/a']\nmethods = ['GET']\nreason = 'x'\nexpires = 2027-12-31\n"
AGREEMENT = "[agreement]\nid = 'a'\nversion = '1'\ntitle = 'A'\nfile = 'agreements/data-access.md'\n"
HQ = "[networks]\nhq = ['192.0.2.0/25']\n"

ROWS = [
    ("[freshness]\nmax_age = '8d'\n", "[freshness]\nmax_age = '90m'\n", "freshness.max_age", "8d", "1h30m"),
    ("[attempts]\nmax = 5\n", "[attempts]\nmax = 6\n", "attempts.max", "5", "6"),
    ("[brand]\nname = 'A'\n", "[brand]\nname = 'B'\n", "brand.name", '"A"', '"B"'),
    (
        "[enrollment]\nrequired_from = 2026-01-02\n",
        "[enrollment]\n",
        "enrollment.required_from",
        "2026-01-02T00:00:00+00:00",
        "",
    ),
    (
        "[factors.email]\ncode = { ttl = '15m' }\n",
        "[factors.email]\ncode = { ttl = '10m' }\n",
        "factors.email.code.ttl",
        "15m",
        "10m",
    ),
    (EXEMPT, EXEMPT.replace("=/a", "/b/**"), "exempt.a.paths", '["=/a"]', '["/b/**"]'),
    ("", EXEMPT, "exempt.a", "", "added"),
    (EXEMPT, "", "exempt.a", "present", ""),
    (HQ, HQ.replace("/25", "/24"), "networks.hq", '["192.0.2.0/25"]', '["192.0.2.0/24"]'),
    (HQ, "", "networks.hq", '["192.0.2.0/25"]', "[]"),
    (AGREEMENT, AGREEMENT.replace("'1'", "'2'"), "agreement.version", '"1"', '"2"'),
    ("", AGREEMENT, "agreement", "", "a 1"),
    (AGREEMENT, "", "agreement", "a 1", ""),
]


def alike(one: Rules, other: Rules) -> bool:
    """Tell if two sets of rules say the same, in whatever order."""
    return all(getattr(one, part.name) == getattr(other, part.name) for part in fields(Rules))


ADDED = {
    "exempt.a": (EXEMPT, "looser", "stricter"),
    "exempt_subjects.b": (
        "[[exempt_subjects]]\nname = 'b'\ngroups_any = ['g']\nreason = 'x'\npermanent = true\n",
        "looser",
        "stricter",
    ),
    "step_up.c": ("[[step_up]]\nname = 'c'\npaths = ['/c/**']\nmax_age = '5m'\n", "stricter", "looser"),
    "agreement": (AGREEMENT, "stricter", "looser"),
}


@pytest.mark.parametrize("path", ADDED)
def test_a_part_that_comes_or_goes_has_a_direction(path: str) -> None:
    """An exemption that comes lets more pass, a step-up rule or an agreement less."""
    text, coming, going = ADDED[path]
    bare, whole = policy("").base, policy(text).base
    for old, new, change in ((bare, whole, coming), (whole, bare, going)):
        (edit,) = edits(old, new, BUILT_IN)
        assert (edit.path, edit.change, edit.seen) == (path, change, True)


@pytest.mark.parametrize(("old", "new", "path", "before", "after"), ROWS)
def test_an_edit(old: str, new: str, path: str, before: str, after: str) -> None:
    """It says the key and both values, leads to the new rules, and leads back."""
    rules = policy(old).base, policy(new).base
    (edit,) = edits(*rules, BUILT_IN)
    assert (edit.path, edit.old, edit.new) == (path, before, after)
    assert alike(edit.put(rules[0]), rules[1])
    assert alike(edit.back(rules[1]), rules[0])


SEEN = {
    "attempts": {"max", "lock_ends_sessions"},
    "agreement": {"id", "version", "file", "again"},
    "enrollment": {"stage", "optional_from", "required_from", "skip.max"},
    "factors": {"allowed", "choice"},
    "freshness": {
        *("max_age", "remember", "trust_amr", "trust_acr", "phishing_resistant_acr"),
        *("ip_change.action", "ip_change.compare.v4", "ip_change.compare.v6", "ip_change.trusted"),
    },
    "mode": {""},
}
"""The keys on which the gate's decision depends, by section."""


def test_the_keys_whose_change_requests_show() -> None:
    """The comparison of two policies finds their direction.

    Of all others the key itself tells it.
    """
    found: dict[str, set[str]] = {}
    for leaf, spec in leaves(BUILT_IN).items():
        if key_for(spec.owner, spec.name, BUILT_IN).seen:
            found.setdefault(leaf[0], set()).add(".".join(leaf[1:]))
    assert found == SEEN


def test_another_text_of_an_agreement_is_an_edit() -> None:
    """The same file name with other words in it: people are asked again."""
    old = policy(AGREEMENT).base
    assert old.agreement is not None
    new = replace(old, agreement=replace(old.agreement, digest="0" * 64))
    assert [edit.path for edit in edits(old, new, BUILT_IN)] == ["agreement.file"]
    assert [edit.path for edit in edits(old, old, BUILT_IN)] == []


def test_an_edit_is_made_alone() -> None:
    """Of two changes, each moves its own key and leaves the other."""
    old, new = policy(HQ + "[attempts]\nmax = 5\n").base, policy(HQ.replace("/25", "/24")).base
    attempts, network = edits(old, new, BUILT_IN)
    assert alike(network.put(attempts.put(old)), new)
    assert (attempts.put(old).attempts, attempts.put(old).networks) == (new.attempts, old.networks)
    assert (network.put(old).attempts, network.put(old).networks) == (old.attempts, new.networks)
