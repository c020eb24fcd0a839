"""The documented file with every key: it loads, and its defaults are those of the core."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from mfa_gate.core.rules import Rules
from mfa_gate.factors import BUILT_IN
from mfa_gate.policyfile import load_policy, parse_policy

HERE = Path(__file__).parent
EXAMPLE = HERE / "example.toml"


def test_every_key_is_read() -> None:
    """The documented example loads without a fault, and each value is the one in the file."""
    policy = load_policy(EXAMPLE)
    assert policy.name == "example"
    assert policy.text == EXAMPLE.read_text()
    assert policy.base.freshness.max_age == 7 * 86_400
    assert policy.base.enrollment.stage == "admin"
    assert policy.base.step_up[0].max_age == 300
    assert policy.rails["freshness.max_age"] == {"min": 43_200, "max": 30 * 86_400}
    assert policy.tests[0].given["proof_age"] == "7d1s"


def test_a_tenant_is_the_file_with_its_own_on_top() -> None:
    """A tenant's rules are complete: its own keys, and the file's for everything else."""
    policy = load_policy(EXAMPLE)
    clinic = policy.rules_for("clinic")
    assert clinic.factors.allowed == ("email", "sms", "totp", "backup-code")
    assert clinic.enrollment.stage == "required"
    assert clinic.freshness == policy.base.freshness
    assert clinic.exempt == policy.base.exempt
    assert clinic.owner == "security@example.org"


def test_files_beside_the_policy_are_read() -> None:
    """The agreement carries its text and SHA-256, the brand its logo's bytes."""
    rules = load_policy(EXAMPLE).base
    content = (HERE / "agreements/data-access.md").read_bytes()
    assert rules.agreement is not None
    assert rules.agreement.text == content.decode()
    assert rules.agreement.digest == hashlib.sha256(content).hexdigest()
    assert rules.brand.logo_bytes == (HERE / "logo.svg").read_bytes()


def test_the_digest_is_of_the_text_and_of_the_files_that_it_names(tmp_path: Path) -> None:
    """Another agreement or logo is another policy, even where the text is the same."""
    text = EXAMPLE.read_text()
    shutil.copytree(HERE / "agreements", tmp_path / "agreements")
    shutil.copy(HERE / "logo.svg", tmp_path)
    first = parse_policy(text, base=tmp_path)
    assert first.digest == load_policy(EXAMPLE).digest
    assert first.files.keys() == {"agreements/data-access.md", "logo.svg"}
    for name in first.files:
        before = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(before + b"\n")
        assert parse_policy(text, base=tmp_path).digest != first.digest
        (tmp_path / name).write_bytes(before)
    assert parse_policy(text, base=tmp_path).digest == first.digest
    assert parse_policy(text + "\n", base=tmp_path).digest != first.digest


def test_two_keys_are_enough() -> None:
    """Only ``version`` and ``name`` are required; everything else has the core's defaults."""
    policy = parse_policy('version = 1\nname = "x"\n', base=HERE)
    assert policy.digest == hashlib.sha256(b'version = 1\nname = "x"\n').hexdigest()
    assert policy.base == BUILT_IN.completed(Rules())
    assert policy.tenants == {}
    assert policy.rules_for("anyone").enrollment.stage == "required"
