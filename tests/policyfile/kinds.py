"""Describe every kind of factor, whichever of them are built."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mfa_gate.core.assurance import Traits
from mfa_gate.core.rules import Policy
from mfa_gate.factors import BUILT_IN
from mfa_gate.policyfile import Fault, examine, parse_policy

HERE = Path(__file__).parent
HEAD = 'version = 1\nname = "x"\n'

TRAITS: Mapping[str, Traits] = BUILT_IN.traits


def policy(text: str) -> Policy:
    """The policy of ``text`` below the two keys that every file has."""
    return parse_policy(HEAD + text, base=HERE)


def faults(text: str) -> tuple[Fault, ...]:
    """The faults of ``text`` below the two keys that every file has."""
    return examine(HEAD + text, base=HERE).faults


def told(text: str) -> list[str]:
    """The faults as lines."""
    return [fault.told("policy.toml") for fault in faults(text)]
