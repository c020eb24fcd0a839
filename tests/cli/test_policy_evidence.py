"""``policy check --evidence`` counts the people of a store by their factors."""

from __future__ import annotations

from pathlib import Path

import pytest

from mfa_gate.cli import main
from mfa_gate.core.model import Authenticator, SubjectKey, replace
from mfa_gate.storage import Store

from .house import on
from .store import people, prepare, runner


def test_people_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Bob has a passkey, Ann and Zoe have apps; each tenant has its own row."""
    prepare(tmp_path, monkeypatch)
    people(tmp_path / "mfa.db")

    async def give_bob_a_passkey(store: Store) -> None:
        bob = await store.load(SubjectKey("alpha", "bob"))
        key = Authenticator(id="k", factor="webauthn", label="Key", created_at=0)
        await store.swap(replace(bob, authenticators=(*bob.authenticators, key)), ())

    on(f"sqlite:///{tmp_path}/mfa.db", give_bob_a_passkey)
    policy = str(tmp_path / "policy.toml")
    told = runner(capsys)("policy", "check", policy, "--profile", "nist-aal2", "--evidence")[1]
    rows = {row["tenant"]: tuple(row.values())[1:] for row in told["evidence"]["People"]}
    assert rows == {"alpha": ("1", "1", "0"), "beta": ("0", "1", "0")}
    assert main(["policy", "check", policy, "--profile", "nist-aal2", "--evidence"]) == 0
    assert "| alpha | 1 | 1 | 0 |" in capsys.readouterr().out
    monkeypatch.delenv("MFA_GATE_KEYS_FILE")
    assert main(["policy", "check", policy, "--profile", "nist-aal2", "--evidence"]) == 2
    assert "MFA_GATE_KEYS_FILE" in capsys.readouterr().err
