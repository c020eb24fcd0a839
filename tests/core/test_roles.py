"""The rights of administrators: by groups, in a tenant, and with a second hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mfa_gate.core.model import Subject, SubjectKey
from mfa_gate.core.roles import Hand, is_privileged, is_same_hand, is_second_hand, names_no_person, reaches, rights_of
from mfa_gate.core.rules import RoleRules

ROLES = RoleRules()
EVE = Subject("eve", "clinic")


@pytest.mark.parametrize(
    ("groups", "rights"),
    [
        (("support",), ("look",)),
        (("admin",), ("look", "unlock", "reset", "tenant", "audit")),
        (("security",), ("look", "unlock", "reset", "audit", "policy")),
        (("staff",), ()),
        ((), ()),
    ],
)
def test_the_rights_of_a_group(groups: tuple[str, ...], rights: tuple[str, ...]) -> None:
    """Each group gives what the policy says, in one order on every page."""
    assert rights_of(ROLES, frozenset(groups)) == rights


@pytest.mark.parametrize(
    ("groups", "tenant", "may"),
    [((), "clinic", True), ((), "other", False), (("admin",), "other", False), (("security",), "other", True)],
)
def test_in_which_tenants_somebody_acts(groups: tuple[str, ...], tenant: str, may: bool) -> None:
    """In one's own, or everywhere by a group that says so."""
    assert reaches(ROLES, replace(EVE, groups=frozenset(groups)), tenant) is may
    assert is_privileged(ROLES, frozenset(groups)) is ("security" in groups)


BOSS = Hand("boss", "clinic")


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (BOSS, True),
        (Hand("boss", "other"), False),
        (Hand("Boss", "clinic"), False),
        (Hand("operator:boss"), True),
        (Hand("operator:  BOSS "), True),
        (Hand("operator:bob"), False),
    ],
)
def test_two_hands_that_may_be_one_person(other: Hand, same: bool) -> None:
    """An administrator has one id in a tenant.

    An operator's name is only a claim, in any spelling.
    """
    assert is_same_hand(BOSS, other) is is_same_hand(other, BOSS) is same


@pytest.mark.parametrize(
    ("by", "second"),
    [(Hand("other", "clinic"), True), (BOSS, False), (Hand("ann", "clinic"), False), (Hand("operator:ann"), False)],
)
def test_the_second_person(by: Hand, second: bool) -> None:
    """Neither the first one nor the person concerned confirms an act."""
    assert is_second_hand(by, first=BOSS, concerned=SubjectKey("clinic", "ann")) is second


@pytest.mark.parametrize(
    ("name", "none"),
    [("mfa_gate", True), ("policy", True), ("outside", True), ("operator:eve", True), ("token:x", True),
     ("signals:okta", True), ("eve", False), ("operators", False), ("mfa_gate2", False)],
)  # fmt: skip
def test_names_that_are_no_persons(name: str, none: bool) -> None:
    """They stay in the trail when a person of that name is forgotten."""
    assert names_no_person(name) is none
