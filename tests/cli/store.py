"""A store with people in it, and the command line on it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mfa_gate.cli import main
from tests.harness import key, make_world, running

Run = Callable[..., tuple[int, Any]]
WHO = ("--actor", "eve", "--reason", "asked in person")


def people(path: Path) -> dict[str, str]:
    """Ann has an app, is locked; bob has an app; zoe of beta has one.

    Whose secrets and backup codes are returned.
    """

    async def make() -> dict[str, str]:
        async with running(make_world(store=f"sqlite:///{path}")) as world:
            ann, bob = await world.enrolled("ann"), await world.enrolled("bob")
            zoe = await world.enrolled("zoe", "beta")
            await (await world.browser("ann", address="203.0.113.77")).lock()
            return {"ann": ann.secret, "bob": bob.secret, "zoe": zoe.secret, "ann-code": ann.backup[0]}

    return asyncio.run(make())


def prepare(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys, policy and store as environment variables name them."""
    (folder / "keys").write_text(f"# newest first\n{key(1)}\n")
    (folder / "policy.toml").write_text('version = 1\nname = "tests"\n')
    monkeypatch.setenv("MFA_GATE_STORE", f"sqlite:///{folder}/mfa.db")
    monkeypatch.setenv("MFA_GATE_KEYS_FILE", str(folder / "keys"))
    monkeypatch.setenv("MFA_GATE_POLICY", str(folder / "policy.toml"))


def runner(capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a runner of commands with ``--json``, which gives the exit code and the output."""

    def run(*command: str) -> tuple[int, Any]:
        code = main([*command, "--json"])
        out = capsys.readouterr().out
        return code, json.loads(out) if out.strip() else None

    return run
