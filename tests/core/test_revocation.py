"""Causes that revoke a right, and causes that only let it run out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mfa_gate.core.model import Account, Grant, Lock
from mfa_gate.core.revocation import is_revoked

from .builders import NOW, WEEK, account, browser, evidence, proof

BEFORE = account("app", proofs=(proof(),))
GRANT = Grant(
    ref="G", asked_by="a", asked_at=NOW, reason="r", ticket="t", life=3600, epoch=BEFORE.epoch, ends_at=NOW + 3600
)


def locked(cause: str) -> Account:
    """The account, locked."""
    return replace(BEFORE, lock=Lock(at=NOW, cause=cause, ref="R"))


@pytest.mark.parametrize(
    ("after", "lock_ends", "revoked"),
    [
        (BEFORE, True, False),
        (locked("administrator"), False, True),
        (locked("attempts"), False, False),
        (locked("attempts"), True, True),
        (replace(BEFORE, epoch=BEFORE.epoch + 1), False, True),
        (replace(BEFORE, browsers=()), False, True),
        (replace(BEFORE, authenticators=()), False, True),
        (replace(BEFORE, browsers=(replace(BEFORE.browsers[0], handle="another"),)), False, False),
        (replace(BEFORE, browsers=(browser(proof(age=2 * WEEK), id=BEFORE.browsers[0].id),)), False, False),
    ],
)
def test_by_proof(after: Account, lock_ends: bool, revoked: bool) -> None:
    """A lock, a reset, a forgotten browser and a removed factor revoke a right.

    Age, a new cookie and wrong guesses do not.
    """
    assert is_revoked(BEFORE, evidence(after), lock_ends_sessions=lock_ends) is revoked


def test_by_grant() -> None:
    """A break-glass grant that is taken back is revoked; one that has run out is not."""
    before = replace(BEFORE, browsers=(), grant=GRANT)
    assert is_revoked(before, evidence(replace(before, grant=None)), lock_ends_sessions=False)
    assert not is_revoked(before, evidence(before, now=NOW + 4000), lock_ends_sessions=False)
