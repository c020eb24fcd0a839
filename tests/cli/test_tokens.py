"""``mfa-gate tokens``: the operator makes, lists and revokes tokens for programs."""

from __future__ import annotations

from pathlib import Path

import pytest

from mfa_gate.cli import main
from mfa_gate.core.automation import PREFIX

from .store import WHO, Run, people, prepare, runner


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command on a store with people in it."""
    prepare(tmp_path, monkeypatch)
    people(tmp_path / "mfa.db")
    return runner(capsys)


def test_a_life(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """A token is printed once and alone, listed without its secret, and ends by its name."""
    made = ("tokens", "create", "hr", "--tenant", "alpha", "--right", "look", "--right", "unlock", *WHO)
    assert main([*made, "--life", "90d"]) == 0
    token = capsys.readouterr().out.strip()
    assert token.startswith(PREFIX)
    assert run(*made)[0] == 1, "the name is taken"
    code, listed = run("tokens", "list", "--tenant", "alpha")
    assert (code, [(row["name"], row["rights"]) for row in listed["tokens"]]) == (0, [("hr", ["look", "unlock"])])
    assert token.split(".")[2] not in str(listed)
    assert run("tokens", "list", "--tenant", "beta") == (0, {"tokens": []})
    assert run("tokens", "revoke", "hr", "--tenant", "alpha", *WHO)[0] == 0
    assert run("tokens", "revoke", "hr", "--tenant", "alpha", *WHO)[0] == 1
    kinds = [event["kind"] for event in run("audit", "list", "--tenant", "alpha", "--kind", "token")[1]["events"]]
    assert kinds == ["token.revoked", "token.created"]


@pytest.mark.parametrize("words", [("--right", "everything"), (), ("--right", "look", "--life", "soon")])
def test_wrong_use(run: Run, words: tuple[str, ...]) -> None:
    """A right that is none, no right, and a life that is none are wrong use."""
    try:
        code = main(["tokens", "create", "hr", "--tenant", "alpha", *WHO, *words])
    except SystemExit as left:
        code = int(left.code or 0)
    assert code == 2
