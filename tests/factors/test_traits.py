"""What the rest may know of a factor, and that nothing else names a kind."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mfa_gate.core.assurance import Traits
from mfa_gate.core.rules import FactorRules
from mfa_gate.factors import FACTORS, TRAITS


@pytest.mark.parametrize("kind", sorted(FACTORS))
def test_a_factor_is_registered_under_its_own_kind(kind: str) -> None:
    """Design 3: a factor is known by the kind that it says, and is one that a policy can allow."""
    traits = FACTORS[kind].traits
    assert TRAITS[kind] is traits
    assert traits.kind == kind
    assert kind in FactorRules().allowed
    assert traits.name


@pytest.mark.parametrize("traits", TRAITS.values(), ids=lambda t: t.kind)
def test_traits_agree_with_each_other(traits: Traits) -> None:
    """What is sent needs a challenge; what can be relayed is not called resistant."""
    assert not traits.sends or traits.needs_challenge
    assert not (traits.phishing_resistant and (traits.typed or traits.sends))
    assert traits.contact in ("", "email", "phone")


def test_one_kind_stands_in_for_the_others() -> None:
    """S-93: exactly one kind is a backup, and it is single."""
    assert [t.kind for t in TRAITS.values() if t.backup and t.single] == ["backup-code"]


def test_the_core_names_no_kind(root: Path) -> None:
    """Design 3: transitions, decision and codec reason on traits; only the policy's own sections are named after kinds."""
    named = re.compile(r"""["'](totp|sms|voice|webauthn|push|backup-code)["']""")
    core = root / "src" / "mfa_gate" / "core"
    free = {"rules.py", "assurance.py"}
    found = [path.name for path in core.rglob("*.py") if path.name not in free and named.search(path.read_text())]
    assert found == []
