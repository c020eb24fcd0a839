"""The arguments of a gate that starts, for tests of those that do not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mfa_gate import MFAGate, RelyingParty, Senders, SettingsError
from mfa_gate.identity import SessionUser
from tests.harness import ORIGIN, POLICY, Outbox, contacts_of, key

GOOD: dict[str, Any] = {
    "policy": POLICY,
    "identify": SessionUser("user_id"),
    "store": "memory://",
    "keys": [key(1)],
    "relying_party": RelyingParty(id="localhost", name="Example", origins=[ORIGIN]),
    "contacts": contacts_of,
    "senders": Senders(email=Outbox(), sms=Outbox()),
}


def party(**parts: Any) -> RelyingParty:
    """The good relying party with something wrong."""
    good: RelyingParty = GOOD["relying_party"]
    return replace(good, **parts)


def faults_of(**wrong: Any) -> tuple[str, ...]:
    """Make a gate with something wrong, and return the faults; none if it starts."""
    try:
        MFAGate(**{**GOOD, **wrong})
    except SettingsError as error:
        return error.faults
    return ()
