"""Who may administer whom: rights from groups, in one's own tenant or everywhere."""

from __future__ import annotations

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
