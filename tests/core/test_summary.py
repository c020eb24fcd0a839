"""One line of an administrator's list."""

from __future__ import annotations

import pytest

from mfa_gate.core.model import Account, Lock, Recovery
from mfa_gate.core.summary import STATUSES, summary_of

from .builders import NOW, account, authenticator, proof

LOCK = Lock(at=NOW - 9, cause="attempts", ref="R")
LOST = Recovery(ref="R", at=NOW, about="lost", network="")


@pytest.mark.parametrize(
    ("of", "status"),
    [
        (account(), "not_enrolled"),
        (account("app"), "verified"),
        (account("app", recovery=LOST), "recovery"),
        (account(recovery=LOST), "recovery"),
        (account("app", recovery=LOST, lock=LOCK), "locked"),
    ],
)
def test_status(of: Account, status: str) -> None:
    """A lock comes first, then a waiting recovery, then whether anything is enrolled."""
    assert summary_of(of).status == status
    assert status in STATUSES


def test_what_a_line_says() -> None:
    """A summary names each factor once, in order, the time of the lock and the latest proof.

    It has nothing that is secret.
    """
    mine = (
        authenticator("app", "a", data={"secret": "s3cret"}, last_used_at=NOW - 5),
        authenticator("mail", "m"),
        authenticator("app", "b"),
    )
    of = account(authenticators=mine, browsers=(), lock=LOCK, name="Ann")
    line = summary_of(of)
    assert (line.factors, line.locked_at, line.last_proof_at, line.name) == (("app", "mail"), NOW - 9, NOW - 5, "Ann")
    assert "s3cret" not in repr(line)
    assert summary_of(account("app", proofs=(proof(age=2),))).last_proof_at == NOW - 2
    assert (summary_of(account()).last_proof_at, summary_of(account()).locked_at) == (0, 0)
