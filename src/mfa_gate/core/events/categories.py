"""The categories of events: six words in place of all kinds, for people who search."""

from __future__ import annotations

from collections.abc import Mapping

CATEGORIES: Mapping[str, tuple[str, ...]] = {
    "sign-ins": ("challenge", "attempt", "proof", "backup_code", "proofs", "session", "browser", "account.lookalike"),
    "set-ups": ("factor", "backup_codes", "enrollment", "contact", "agreement"),
    "locks": ("account.locked", "account.unlocked", "tenant.many_locks"),
    "recoveries": ("recovery", "break_glass", "account.reset", "account.disputed", "account.dispute_undone"),
    "administration": ("tenant", "admin", "account.forgotten", "account.impersonated", "act"),
}
"""Whole kinds, or the first part of their names, by category. All others are of the system."""
SYSTEM = "system"
NAMES = (*CATEGORIES, SYSTEM)
_OF = {kind: category for category, kinds in CATEGORIES.items() for kind in kinds}


def category_of(kind: str) -> str:
    """Return the category of a kind of event."""
    return _OF.get(kind) or _OF.get(kind.partition(".")[0], SYSTEM)
