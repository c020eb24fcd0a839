"""Who may administer whom: rights from groups, in one's own tenant or everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .model import Subject, SubjectKey
from .rules import RoleRules

Right = Literal["look", "unlock", "reset", "tenant", "audit"]
RIGHTS: tuple[Right, ...] = ("look", "unlock", "reset", "tenant", "audit")


def has_right(roles: RoleRules, groups: frozenset[str], right: Right) -> bool:
    """Whether one of ``groups`` gives ``right``."""
    return not groups.isdisjoint(getattr(roles, right))


def rights_of(roles: RoleRules, groups: frozenset[str]) -> tuple[Right, ...]:
    """All rights of ``groups``, in the table's order."""
    return tuple(right for right in RIGHTS if has_right(roles, groups, right))


def reaches(roles: RoleRules, actor: Subject, tenant: str) -> bool:
    """Whether the actor may act in ``tenant`` at all: the own one, or every one."""
    return actor.tenant == tenant or not actor.groups.isdisjoint(roles.everywhere)


def is_self(actor: Subject, target: SubjectKey) -> bool:
    """Nobody acts on themselves."""
    return actor.key == target


@dataclass(frozen=True, slots=True)
class Hand:
    """Whose hand acts: an administrator of ``tenant``, or with "" the operator at the store, by the name they gave."""

    name: str
    tenant: str = ""


def is_same_hand(one: Hand, other: Hand) -> bool:
    """Whether two acts may be one person's. Two administrators differ by tenant or id; an operator's name is only what they
    said, so that any spelling of the same name counts as the same person."""
    if one.tenant and other.tenant:
        return one == other
    return _spoken(one.name) == _spoken(other.name)


def _spoken(name: str) -> str:
    return " ".join(name.removeprefix("operator:").split()).casefold()
