"""A context with keys, rules and entropy for the tests of factors."""

from __future__ import annotations

from typing import Any

from mfa_gate.core.entropy import draw_id, expand
from mfa_gate.core.model import Challenge, Contacts, SubjectKey
from mfa_gate.core.rules import FactorRules, Rules
from mfa_gate.factors import BUILT_IN
from mfa_gate.factors.base import Context, Issue
from mfa_gate.keyring import Keyring, make_key

NOW = 1_900_000_000
RING = Keyring(make_key(expand(b"seed", "key", 32)))
ANN = SubjectKey("clinic", "ann")
BOB = SubjectKey("clinic", "bob")
ELSEWHERE = SubjectKey("practice", "ann")
HOSTILE: tuple[object, ...] = (
    *(
        None,
        "",
        " ",
        "\t\n",
        "None",
        "null",
        0,
        123456,
        123456.0,
        True,
        b"123456",
        [],
        ["123456"],
        {},
        {"code": "123456"},
    ),
    *("12345", "1234567", "12345a", "-12345", "+12345", "1e5", "0x1234", "１２３４５", "1" * 65, "1" * 1_000_000),
    *("12345\u00b2", "\u00b9\u00b2\u00b3\u2074\u2075\u2076", "①②③④⑤⑥", "Ⅰ23456", "½23456", "\ud80012345", "12345\x00"),
)
"""What is no six-digit code: wrong types, lengths, signs, and characters that look like digits."""


def context(nonce: str = "nonce", **parts: Any) -> Context:
    found: dict[str, Any] = {
        "key": ANN,
        "now": NOW,
        "keyring": RING,
        "rules": Rules(),
        "contacts": Contacts(name="Ann", email="ann@clinic.example", phone="+12025550100"),
        "service": "Clinic",
        "host": "app.example",
        "where": "198.51.100.7",
    }
    return Context(nonce=expand(b"seed", nonce, 32), **{**found, **parts})


def rules(**factors: Any) -> Rules:
    """Rules with the options of some kinds."""
    options = {
        kind.replace("_", "-"): factors.pop(kind) for kind in list(factors) if kind.replace("_", "-") in BUILT_IN
    }
    return Rules(factors=FactorRules(options=options, **factors))


def issued(issue: object, *, at: int = NOW, purpose: str = "sign-in", target: str = "a-1", **parts: Any) -> Challenge:
    """Make the challenge that is kept of an issue of a factor."""
    assert isinstance(issue, Issue)
    found: dict[str, Any] = {
        "id": draw_id(b"seed", f"{at} {issue.data}"),
        "factor": "f",
        "purpose": purpose,
        "target": target,
        "browser": "browser",
        "issued_at": at,
        "expires_at": at + issue.ttl,
        "data": issue.data,
    }
    return Challenge(**{**found, **parts})


def code_of(issue: object) -> str:
    assert isinstance(issue, Issue)
    assert issue.delivery is not None
    return issue.delivery.code
