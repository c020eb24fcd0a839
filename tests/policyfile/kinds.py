"""Describe every kind of factor, whichever of them are built."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mfa_gate.core.assurance import Traits
from mfa_gate.core.rules import Policy
from mfa_gate.policyfile import Fault, examine, parse_policy

HERE = Path(__file__).parent
HEAD = 'version = 1\nname = "x"\n'

TRAITS: Mapping[str, Traits] = {
    traits.kind: traits
    for traits in (
        Traits(kind="totp", name="Authenticator app"),
        Traits(kind="email", name="E-mail", sends="email", contact="email", needs_challenge=True),
        Traits(kind="sms", name="Text message", sends="sms", contact="phone", needs_challenge=True),
        Traits(kind="voice", name="Call", sends="voice", contact="phone", needs_challenge=True),
        Traits(kind="push", name="Approve on the phone", sends="push", needs_challenge=True, typed=False),
        Traits(
            kind="webauthn",
            name="Passkey",
            phishing_resistant=True,
            needs_challenge=True,
            typed=False,
            verifies_user=True,
        ),
        Traits(kind="backup-code", name="Backup code", backup=True, single=True),
    )
}


def policy(text: str) -> Policy:
    """The policy of ``text`` below the two keys that every file has."""
    return parse_policy(HEAD + text, base=HERE, traits=TRAITS)


def faults(text: str) -> tuple[Fault, ...]:
    """The faults of ``text`` below the two keys that every file has."""
    return examine(HEAD + text, base=HERE, traits=TRAITS).faults


def told(text: str) -> list[str]:
    """The faults as lines."""
    return [fault.told("policy.toml") for fault in faults(text)]
