"""Each factor names the options by which it departs from a published profile."""

from __future__ import annotations

from typing import Any

import pytest

from mfa_gate.core.model import Seconds
from mfa_gate.core.rules import Rules
from mfa_gate.factors.backup_code import BackupCode, BackupCodeRules
from mfa_gate.factors.push import Push, PushRules
from mfa_gate.factors.totp import Totp, TotpRules
from mfa_gate.factors.voice import Voice, VoiceRules

from .builders import rules

SLOW = rules(totp=TotpRules(period=Seconds(31)))
SIX = rules(push=PushRules(digits=6))
CODE = rules(voice=VoiceRules(confirm="code"))

DEPARTS: list[tuple[Any, Rules, str, list[tuple[tuple[str, ...], str]]]] = [
    (Totp(), SLOW, "asvs-l2", [(("period",), "ASVS 5.0 6.5.5")]),
    (Totp(), SLOW, "nist-aal2", []),
    (Totp(), rules(), "asvs-l2", []),
    (Push(), rules(), "asvs-l2", [(("digits",), "ASVS 5.0 6.5.4")]),
    (Push(), rules(push=PushRules(digits=5)), "nist-aal2", [(("digits",), "SP 800-63B-4 3.1.3.2")]),
    (Push(), SIX, "nist-aal2", []),
    (Push(), rules(), "other", []),
    (Voice(), rules(), "nist-aal2", [(("confirm",), "SP 800-63B-4 3.1.3.1")]),
    (Voice(), rules(), "asvs-l2", [(("confirm",), "ASVS 5.0 6.6.2")]),
    (Voice(), CODE, "asvs-l2", []),
    (Voice(), rules(), "other", []),
    (BackupCode(), rules(), "nist-aal2", [((), "SP 800-63B-4 3.1.2.2")]),
    (BackupCode(), rules(), "asvs-l2", [((), "ASVS 5.0 6.5.2")]),
    (BackupCode(), rules(), "other", []),
]


@pytest.mark.parametrize(("factor", "under", "profile", "found"), DEPARTS)
def test_departures(factor: Any, under: Rules, profile: str, found: list[tuple[tuple[str, ...], str]]) -> None:
    """An option names its clause where the profile asks for more, and nothing else does."""
    faults = factor.departures(under, profile)
    assert [(fault.key, fault.clause) for fault in faults] == found
    assert all(fault.text for fault in faults)


def test_the_words_of_a_departure() -> None:
    """The text says the value that was written."""
    assert Totp().departures(SLOW, "asvs-l2")[0].text == '"31s" is longer than 30 seconds'
    assert Push().departures(rules(), "asvs-l2")[0].text.startswith("2 digits;")
    assert BackupCode().departures(rules(), "asvs-l2")[0].text.startswith("50 bits")


def test_options_that_no_app_takes() -> None:
    """Other digits and periods than those of every app are a trap, and so is a long brand."""
    assert Totp().option_traps(rules()) == []
    odd = rules(totp=TotpRules(digits=8, period=Seconds(60)))
    assert [(trap.key, trap.fix) for trap in Totp().option_traps(odd)] == [
        (("factors", "totp", "digits"), "write 6, which every app takes"),
        (("factors", "totp", "period"), 'write "30s", which every app takes'),
    ]


@pytest.mark.parametrize(("count", "warn_at", "keys"), [(10, 9, []), (10, 10, [("warn_at",)]), (8, 9, [("warn_at",)])])
def test_a_warning_that_comes_at_once(count: int, warn_at: int, keys: list[tuple[str, ...]]) -> None:
    """Backup codes warn when fewer are left than were made."""
    under = rules(backup_code=BackupCodeRules(count=count, warn_at=warn_at))
    assert [fault.key for fault in BackupCode().option_faults(under)] == keys
