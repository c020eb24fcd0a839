"""The traits of a factor, which are all that the rest may know of it.

Nothing else names a kind.
"""

from __future__ import annotations

import ast
import re
from dataclasses import fields
from importlib import import_module
from pathlib import Path

import pytest

from mfa_gate.core.assurance import Traits
from mfa_gate.core.rules import Rules
from mfa_gate.factors import BUILT_IN


@pytest.mark.parametrize("kind", sorted(BUILT_IN))
def test_a_factor_is_registered_under_its_own_kind(kind: str) -> None:
    """A factor is known by its own kind, and a policy can allow it.

    Design 3.
    """
    traits = BUILT_IN[kind].traits
    assert BUILT_IN.traits[kind] is traits
    assert traits.kind == kind
    assert kind in BUILT_IN.completed(Rules()).factors.allowed
    assert traits.name


@pytest.mark.parametrize("traits", BUILT_IN.traits.values(), ids=lambda t: t.kind)
def test_traits_agree_with_each_other(traits: Traits) -> None:
    """A factor that sends needs a challenge.

    A factor whose answer can be relayed is not called phishing resistant.
    """
    assert not traits.sends or traits.needs_challenge
    assert not (traits.phishing_resistant and (traits.typed or traits.sends))
    assert traits.contact in ("", "email", "phone")


def test_one_kind_stands_in_for_the_others() -> None:
    """S-93: exactly one kind is a backup, and it is single."""
    assert [t.kind for t in BUILT_IN.traits.values() if t.backup and t.single] == ["backup-code"]


CHANNEL = "a channel of ``Senders``, which has the same word as the factor that uses it"
CONTACT = "a field of ``Contacts``"
EXTRA = "an extra of the package"
IMPORT = "the command reads the apps of another product; it is about this one kind"
KIT = "the test kit's default, a word of the public contract"
NAMED: dict[str, dict[str, str]] = {
    "core/rules/sections.py": {"backup-code": "a word of ``recovery.ways``, part of the public contract"},
    "core/changes/enroll_rights.py": {"email": CONTACT},
    "service/health.py": {"email": CHANNEL, "sms": CHANNEL, "voice": CHANNEL, "push": CHANNEL},
    "ports.py": {"email": CHANNEL, "sms": CHANNEL, "voice": CHANNEL, "push": CHANNEL},
    "policyfile/keys.py": {"sms": CHANNEL, "voice": CHANNEL},
    "policyfile/tools/example_values.py": {"sms": CHANNEL, "voice": CHANNEL},
    "policyfile/tools/findings/weak_spots.py": {"email": CONTACT},
    "policyfile/tools/profiles/limit_checks.py": {"email": CONTACT},
    "service/first_enrollment.py": {"email": CONTACT},
    "service/letters.py": {"email": CHANNEL},
    "service/user_notifications.py": {"sms": CHANNEL},
    "service/impact/replay.py": {"email": CONTACT},
    "senders/__init__.py": {"push": EXTRA},
    "senders/posting.py": {"sms": EXTRA},
    "senders/push.py": {"push": EXTRA},
    "web/pages/admission.py": {"email": CONTACT},
    "service/maintenance/totp_import.py": {"factors.totp": IMPORT},
    "service/maintenance/totp_records.py": {"totp": IMPORT},
    "cli/totp_import/sources.py": {"totp": IMPORT, "email": "a column of the file that is read"},
    "testing/enrollment.py": {"totp": KIT, "email": CONTACT, "factors.totp": "the kit computes an app's codes"},
    "testing/kit.py": {"totp": KIT},
    "testing/proofs.py": {"totp": KIT},
    "testing/store_suite.py": {"totp": "a row of the suite's accounts", "email": "a row of the suite's settings"},
    "web/templates/approve.html": {"push": "an icon"},
    "web/templates/factors/_phone.html": {"push": "an icon"},
    "web/templates/_icons.html": {"push": "an icon"},
    "web/static/approve-worker.js": {"push": "an event of the browser"},
    "web/static/waiting.js": {"sms": "a transport of WebOTP"},
}
"""Each word outside of ``factors/`` that is also a kind, with its reason."""


def _named_in(path: Path) -> set[str]:
    """The kinds that a file names: as a text of its own, or by importing the kind's module."""
    text = path.read_text("utf-8")
    if path.suffix != ".py":
        return {kind for kind in BUILT_IN if re.search(rf"""["'`]{kind}["'`]|/{kind}["'`]""", text)}
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and node.value in BUILT_IN:
            found.add(str(node.value))
        if isinstance(node, ast.Attribute) and node.attr in {kind.replace("-", "_") for kind in BUILT_IN}:
            inner = node.value
            found |= {f".{node.attr}"} if isinstance(inner, ast.Attribute) and inner.attr == "factors" else set()
        if isinstance(node, ast.ImportFrom):
            module = str(node.module)
            kinds = [kind for kind in BUILT_IN if module.endswith(f"factors.{kind.replace('-', '_')}")]
            found |= {f"factors.{kind}" for kind in kinds}
    return found


def test_nothing_outside_of_the_factors_names_a_kind(root: Path) -> None:
    """No module outside of the factors names a kind, with a few exceptions.

    Design 3: options, bounds, words and needs come from the factor. Each exception has a reason.
    """
    source = root / "src" / "mfa_gate"
    found: dict[str, set[str]] = {}
    for path in sorted(source.rglob("*")):
        name = path.relative_to(source).as_posix()
        if path.suffix in (".py", ".html", ".js") and not name.startswith("factors/") and (kinds := _named_in(path)):
            found[name] = kinds
    assert found == {name: set(words) for name, words in NAMED.items()}


NUMBERS: dict[str, dict[str, object]] = {
    "backup_code": {"LENGTH": 10},
    "cbor_items": {"MOST_DEPTH": 16},
    "codes": {"MAX_TYPED": 256},
    "passkey_checks": {"ALGORITHMS": (-8, -7, -257)},
    "passkey_response": {"MAX_RESPONSE": 65_536, "MAX_CLIENT_DATA": 8_192, "MAX_CREDENTIAL_ID": 1_023},
    "phone": {"MAX_PHONE": 40},
    "push": {"JOIN_LIFE": 600, "MAX_COLLECT": 64},
    "tokens": {"MAX_TOKEN": 2_048, "SECRET_BYTES": 16},
    "totp": {"SECRET_BYTES": 20, "LENGTHS": (6, 7, 8), "FAR_STEPS": 10},
    "twiml": {"WAIT": 10},
    "voice": {"CALL_LIFE": 300, "MAX_SID": 64},
    "webauthn": {"CHALLENGE_BYTES": 32, "CHALLENGE_TTL": 300, "HANDLE_BYTES": 64},
}
"""The lengths of secrets, the lives of challenges and the bounds of what is read, by the file of their factor."""


def test_numbers_that_no_policy_changes() -> None:
    """Each of them is what stands between a guess and a secret, so a change of one is meant."""
    for place, numbers in NUMBERS.items():
        module = import_module(f"mfa_gate.factors.{place}")
        assert {name: getattr(module, name) for name in numbers} == numbers


TRUE: dict[str, set[str]] = {
    "totp": {"quick", "typed"},
    "email": {"quick", "needs_challenge", "single", "typed"},
    "sms": {"quick", "needs_challenge", "typed"},
    "voice": {"quick", "needs_challenge"},
}
"""The traits of the kinds of codes that are yes."""


@pytest.mark.parametrize("kind", TRUE)
def test_the_traits_of_codes(kind: str) -> None:
    """None of them resists phishing or stands in for another one.

    Each says if its code is typed or asked for.
    """
    traits = BUILT_IN[kind].traits
    assert {item.name for item in fields(traits) if getattr(traits, item.name) is True} == TRUE[kind]
