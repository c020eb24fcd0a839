"""Causes that revoke a right, and causes that only let it run out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mfa_gate.core.evidence import UPSTREAM, login_handle, session_mark, skip_key
from mfa_gate.core.model import Account, Browser, Grant, Lock, Upstream
from mfa_gate.core.revocation import has_signed_out, is_revoked

from .builders import ANN, HANDLE, NOW, WEEK, account, browser, caller, evidence, proof

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


UPSTREAM_AT = Upstream(("mfa",), "", NOW)
SIGNED_IN = replace(ANN, upstream=UPSTREAM_AT)
LOGIN = browser(proof(UPSTREAM, authenticator="", session=session_mark(ANN)), id="l", handle=login_handle(UPSTREAM_AT))
OTHER = browser(proof(), id="b2", handle="other")


@pytest.mark.parametrize(
    ("before", "after", "revoked"),
    [
        ((LOGIN, OTHER), (LOGIN, OTHER), False),
        ((LOGIN, OTHER), (OTHER,), True),
        ((OTHER,), (), False),
        ((OTHER, BEFORE.browsers[0]), BEFORE.browsers, False),
    ],
)
def test_by_a_sign_in_elsewhere(before: tuple[Browser, ...], after: tuple[Browser, ...], revoked: bool) -> None:
    """The proof of an identity provider is revoked like another one.

    That of another browser is nobody's business.
    """
    who = caller(SIGNED_IN)
    was = replace(BEFORE, browsers=before)
    assert is_revoked(was, evidence(replace(was, browsers=after), who), lock_ends_sessions=False) is revoked


def test_a_proof_of_another_sign_in_was_no_right() -> None:
    """A right is not revoked by the end of what never gave it."""
    other = replace(BEFORE.browsers[0], proofs=(proof(session="of another"),))
    was = replace(BEFORE, browsers=(other,))
    assert not is_revoked(was, evidence(replace(was, browsers=())), lock_ends_sessions=False)
    dead = replace(BEFORE, browsers=(replace(other, proofs=(proof(epoch=7),)),))
    assert not is_revoked(dead, evidence(replace(dead, browsers=())), lock_ends_sessions=False)


def test_a_grant_that_another_one_replaced() -> None:
    """A right from a grant that is over ends, though a new grant is there.

    A request never let anybody in.
    """
    before = replace(BEFORE, browsers=(), grant=GRANT)
    again = replace(before, grant=replace(GRANT, ref="H"))
    assert is_revoked(before, evidence(again), lock_ends_sessions=False)
    asked = replace(before, grant=replace(GRANT, ends_at=0))
    assert not is_revoked(asked, evidence(replace(asked, grant=None)), lock_ends_sessions=False)


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
