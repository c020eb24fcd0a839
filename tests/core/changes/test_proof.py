"""Rights of administration that are seen at a proof."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.changes.proof import gives_a_right, rights_seen
from mfa_gate.core.model import Subject
from mfa_gate.core.rules import RoleRules

from ..builders import ANN, account, caller, rules_with

ADMIN, STAFF = frozenset({"admin"}), frozenset({"staff"})


@pytest.mark.parametrize(
    ("held", "groups", "parts", "seen"),
    [
        (False, ADMIN, {}, True),
        (True, STAFF, {}, False),
        (True, STAFF, {"kind": "client"}, True),
        (False, STAFF, {"kind": "client"}, False),
        (False, ADMIN, {"kind": "client"}, True),
        (False, ADMIN, {"acts_as": Subject("boss", "clinic")}, False),
        (True, STAFF, {"acts_as": Subject("boss", "clinic")}, True),
    ],
)
def test_rights_at_a_proof(held: bool, groups: frozenset[str], parts: dict[str, Any], seen: bool) -> None:
    """A browser's groups are all there are.

    A token may name fewer, and a stand-in's are not known.
    """
    who = replace(caller(replace(ANN, groups=groups)), **parts)
    assert rights_seen(account(holds_rights=held), who, rules_with()) is seen


@pytest.mark.parametrize("right", ["look", "unlock", "reset", "tenant", "audit", "everywhere", "privileged", "policy"])
def test_each_right_counts(right: str) -> None:
    """A group that gives any single right makes its members hands to be protected."""
    none: dict[str, Any] = dict.fromkeys(
        ("look", "unlock", "reset", "tenant", "audit", "everywhere", "privileged", "policy"), ()
    )
    roles = RoleRules(**none | {right: ("ops", "night")})
    assert gives_a_right(roles, frozenset({"staff", "night"}))
    assert not gives_a_right(roles, frozenset({"staff"}))
    assert not gives_a_right(roles, frozenset())
