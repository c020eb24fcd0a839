"""The place of a forgotten account's row: its name does not hold the id.

A row stays, with the numbers that keep old writes and old proofs dead. It is found again only by somebody who has the id.
"""

from __future__ import annotations

import hashlib

from ...core.model import Account, SubjectKey


def buried_id(key: SubjectKey) -> str:
    """Return the id under which the row of a forgotten account lies."""
    named = "\0".join((key.tenant, key.id)).encode("utf-8", "surrogatepass")
    return f"~{hashlib.sha256(named).hexdigest()}"


def may_be_buried(account: Account) -> bool:
    """Tell if the stored row of ``account`` may lie under its buried id.

    It does so only between the day a person was forgotten and the first change of a later one.
    """
    return bool(account.version and account.forgotten_at)
