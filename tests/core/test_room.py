"""An account keeps its bound by refusing one more authenticator.

It never drops rows that others need.
"""

from __future__ import annotations

from dataclasses import replace

from mfa_gate.core.changes.bounds import breaks_bound
from mfa_gate.core.codec import encode
from mfa_gate.core.model import MAX_BYTES, Account, Browser, Enrollment
from mfa_gate.core.reasons import Refusal
from mfa_gate.core.rules import Rules

from .builders import ANN, APP, HANDLE, NOW, account, authenticator, caller, challenge, moment, rules_with, taken_from

RULES: Rules = rules_with()


def confirm(of: Account, size: int, nonce: bytes) -> tuple[Account, object]:
    """Confirm one authenticator whose data has ``size`` characters."""
    from mfa_gate.core.changes import settle_enrollment

    draft = Enrollment(id="d", factor="app", label="A", browser=HANDLE, started_at=NOW, expires_at=NOW + 1800)
    of, taken = taken_from(replace(of, enrollments=(draft,)), RULES)
    change = settle_enrollment(
        of, moment(nonce=nonce), RULES, caller(), taken=taken, seen=draft, data={"id": "x" * size}, challenge="",
        label="", traits=APP, user_verified=False, new_handle=HANDLE, answer="a", refusal=None,
    )  # fmt: skip
    return change.account, change.answer


def test_what_would_break_the_bound_is_refused() -> None:
    """An authenticator that would break the bound is refused with words, at no cost.

    Long ids fill the account here. Nothing is dropped for the new one.
    """
    browsers = tuple(Browser(id=f"b{n}", handle=f"handle {n}", label="", created_at=NOW) for n in range(8))
    of = account("app", challenges=(challenge("ended", age=601),))
    of = replace(of, browsers=(*of.browsers, *browsers))
    refused = None
    for number in range(20):
        after, answer = confirm(of, 1400, bytes([number]) * 8)
        if isinstance(answer, Refusal):
            refused = answer
            break
        of = after
    assert refused is not None
    assert (refused.reason, refused.attempts_remaining) == ("too_many", RULES.attempts.max)
    assert len(of.authenticators) > 5
    for one in (of, after):
        assert len(encode(one)) <= MAX_BYTES
        assert {b.id for b in browsers} <= {b.id for b in one.browsers}
        assert [c.id for c in one.challenges] == ["ended"]
    assert [a.id for a in after.authenticators] == [a.id for a in of.authenticators]


def test_twenty_ordinary_ones_have_room() -> None:
    """Twenty passkeys of the usual size fit."""
    usual = {"key": "k" * 103, "claim": "webauthn:" + "c" * 43, "user": "u" * 86, "aaguid": "a" * 36, "count": 3}
    of = Account(key=ANN.key)
    for number in range(20):
        added = authenticator("app", f"authenticator-{number}", data=usual, label="My passkey of home")
        assert not breaks_bound(of, added)
        of = replace(of, authenticators=(*of.authenticators, added))
