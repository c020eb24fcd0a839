"""The rights of administrators: given by groups, in their own tenant or everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .model import Subject, SubjectKey
from .rules import RoleRules

Right = Literal["look", "unlock", "reset", "tenant", "audit", "policy"]
RIGHTS: tuple[Right, ...] = ("look", "unlock", "reset", "tenant", "audit", "policy")


def has_right(roles: RoleRules, groups: frozenset[str], right: Right) -> bool:
    """Tell if one of ``groups`` gives ``right``."""
    return not groups.isdisjoint(getattr(roles, right))


def rights_of(roles: RoleRules, groups: frozenset[str]) -> tuple[Right, ...]:
    """Return all rights of ``groups``, in the order of ``RIGHTS``."""
    return tuple(right for right in RIGHTS if has_right(roles, groups, right))


def is_privileged(roles: RoleRules, groups: frozenset[str]) -> bool:
    """Tell if one of ``groups`` may administer people who hold rights."""
    return not groups.isdisjoint(roles.privileged)


def reaches(roles: RoleRules, actor: Subject, tenant: str) -> bool:
    """Tell if the actor may act in ``tenant``: it is their own, or they may act anywhere."""
    return actor.tenant == tenant or not actor.groups.isdisjoint(roles.everywhere)


def is_self(actor: Subject, target: SubjectKey) -> bool:
    """Tell if the actor is the target. Nobody may act on their own account."""
    return actor.key == target


@dataclass(frozen=True, slots=True)
class Hand:
    """The person who acts: an administrator of ``tenant``, or an operator at the store.

    An operator has the tenant "", and the name that they gave.
    """

    name: str
    tenant: str = ""


def is_same_hand(one: Hand, other: Hand) -> bool:
    """Tell if two acts may be the acts of one person.

    Two administrators differ by tenant or id. Nobody has checked the name of an operator, so any spelling of the same
    name counts as the same person.
    """
    if one.tenant and other.tenant:
        return one == other
    return _spoken(one.name) == _spoken(other.name)


def is_second_hand(by: Hand, *, first: Hand, concerned: SubjectKey) -> bool:
    """Tell if ``by`` may confirm as the second person.

    This is neither the first one nor the person concerned.
    """
    return not is_same_hand(by, first) and not is_same_hand(by, Hand(concerned.id, concerned.tenant))


def names_no_person(name: str) -> bool:
    """Tell if the trail calls an operator, a program or the gate itself by this name."""
    return name in ("mfa_gate", "policy", "outside") or name.startswith(("operator:", "token:", "signals:"))


def _spoken(name: str) -> str:
    return " ".join(name.removeprefix("operator:").split()).casefold()
