"""Causes that revoke a right, and causes that only let it run out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mfa_gate.core.evidence import skip_key
from mfa_gate.core.model import Account, Grant, Lock
from mfa_gate.core.revocation import has_signed_out, is_revoked

from .builders import ANN, HANDLE, NOW, WEEK, account, browser, evidence, proof

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


@pytest.mark.parametrize(
    ("before", "after", "out"),
    [((), ("s",), True), (("s",), ("s",), False), ((), ("other",), False), (("s",), ("s", "s"), True), ((), (), False)],
)
def test_a_sign_out_since(before: tuple[str, ...], after: tuple[str, ...], out: bool) -> None:
    """Only a sign-out of this sign-in counts, and only one that is new."""

    def known(names: tuple[str, ...]) -> tuple[tuple[str, int], ...]:
        return tuple((skip_key(ANN, HANDLE) if name == "s" else name, NOW + at) for at, name in enumerate(names))

    seen = evidence(account("app", sign_outs=known(after)))
    assert has_signed_out(account("app", sign_outs=known(before)), seen) is out
