"""The traits of a factor, which are all that the rest may know of it.

Nothing else names a kind.
"""

from __future__ import annotations

import ast
import re
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
