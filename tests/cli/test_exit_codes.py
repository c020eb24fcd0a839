"""Exit codes of all commands: 0 done, 1 the answer is no, 2 wrong use."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import pytest

from mfa_gate.cli import main, parser

POLICY = 'version = 1\nname = "app"\n[factors]\nallowed = ["totp"]\n'
SAMPLES = {
    "ID": "ann",
    "FILE": "policy.toml",
    "OLD": "policy.toml",
    "NEW": "policy.toml",
    "DIGEST": "0123456789",
    "NAME": "n",
    "PART": "p",
    "NUMBER": "T-1",
    "TEXT": "why",
    "REF": "R",
}


def _leaves(
    top: argparse.ArgumentParser, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], argparse.ArgumentParser]]:
    sub = next((a for a in top._actions if isinstance(a, argparse._SubParsersAction)), None)
    if sub is None:
        yield path, top
        return
    for name, inner in sub.choices.items():
        yield from _leaves(inner, (*path, name))


def _words(path: tuple[str, ...], command: argparse.ArgumentParser) -> list[str]:
    """The command with everything that it must be told."""
    found = [*path]
    for action in command._actions:
        needed = action.required if action.option_strings else action.nargs is None
        if not needed:
            continue
        value = next(iter(action.choices)) if action.choices else SAMPLES.get(str(action.metavar), "x")
        found += [action.option_strings[0], value] if action.option_strings else [value]
    return found


COMMANDS = {" ".join(path): _words(path, command) for path, command in _leaves(parser())}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with a policy, where nothing else is said."""
    monkeypatch.chdir(tmp_path)
    Path("policy.toml").write_text(POLICY)
    for name in ("MFA_GATE_STORE", "MFA_GATE_KEYS_FILE", "MFA_GATE_POLICY"):
        monkeypatch.delenv(name, raising=False)


READERS = ("list", "show", "data", "leavers", "export")


def test_a_change_of_an_account_takes_actor_and_reason() -> None:
    """Take --actor and --reason in every command that changes an account."""
    lacking = {
        " ".join(path): wanted
        for path, command in _leaves(parser())
        if path[0] in ("accounts", "import") and path[-1] not in READERS
        for wanted in ("--actor", "--reason")
        if wanted not in command._option_string_actions
    }
    assert lacking == {}


MUST = {
    "policy diff": "OLD NEW",
    "policy equal": "OLD NEW",
    "policy routes": "--app",
    "policy show": "DIGEST",
    "policy approve": "FILE --actor --reason",
    "accounts list": "--tenant",
    "accounts show": "ID --tenant",
    "accounts data": "ID --tenant",
    "accounts leavers": "--tenant --known",
    "accounts reset": "--tenant --actor --reason --ticket",
    "accounts approve": "--tenant --actor",
    "accounts forget-browser": "--tenant --actor --reason --browser",
    "accounts remove": "--tenant --actor --reason --authenticator",
    "accounts break-glass ask": "--tenant --actor --reason --ticket",
    "accounts break-glass confirm": "--tenant --actor",
    "accounts break-glass revoke": "--tenant --actor --reason",
    "accounts export": "--to",
    "accounts import": "--from --actor --reason",
    "audit accept": "--actor --reason",
    "audit prune": "--actor",
    "audit hold": "--tenant --actor --reason",
    "audit release": "--tenant --actor --reason",
    "tokens create": "NAME --right --tenant --actor --reason",
    "tokens list": "--tenant",
    "tokens revoke": "ID --tenant --actor --reason",
    "store accept": "--actor --reason",
    "doctor": "--app",
    "import": "FILE --actor --reason",
    **dict.fromkeys(
        (f"accounts {act}" for act in ("unlock", "lock", "ticket", "refuse", "withdraw", "end-sessions", "forget")),
        "--tenant --actor --reason",
    ),
}
"""What a command must be told. A report must be told its tenant, and every other command nothing."""


def test_what_a_command_must_be_told() -> None:
    """A tenant is never guessed, and no change is without a name and a reason."""
    found = {}
    for path, command in _leaves(parser()):
        needed = [
            action.option_strings[0] if action.option_strings else str(action.metavar)
            for action in command._actions
            if (action.required if action.option_strings else action.nargs is None)
        ]
        found[" ".join(path)] = {*needed}
    wanted = {name: {*MUST.get(name, "--tenant" if name.startswith("report ") else "").split()} for name in found}
    assert found == wanted
    assert found.keys() >= MUST.keys()


@pytest.mark.parametrize("group", sorted({name.rpartition(" ")[0] for name in COMMANDS} - {""}))
def test_a_group_without_a_command_is_wrong_use(group: str, capsys: pytest.CaptureFixture[str]) -> None:
    """``mfa-gate accounts`` alone does nothing, and says which commands there are."""
    with pytest.raises(SystemExit) as ended:
        main(group.split())
    assert ended.value.code == 2
    assert "required: " in capsys.readouterr().err


@pytest.mark.parametrize("command", [name for name, words in COMMANDS.items() if "--app" not in words])
def test_a_store_that_is_not_told_is_wrong_use(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Every command that needs a store, keys or a policy, and is told none, ends with 2."""
    code = main(COMMANDS[command])
    told = capsys.readouterr().err
    assert ("is missing" in told, code) in [(True, 2), (False, 0), (False, 2)]


@pytest.mark.parametrize("command", ["policy history", "policy show", "policy impact", "accounts list"])
def test_a_store_that_is_not_there_is_wrong_use(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mistyped store is no answer, and none is made."""
    main(["keys", "new"])
    Path("keys").write_text(capsys.readouterr().out)
    Path("keys").chmod(0o600)
    monkeypatch.setenv("MFA_GATE_STORE", "sqlite:///none.db")
    monkeypatch.setenv("MFA_GATE_KEYS_FILE", "keys")
    monkeypatch.setenv("MFA_GATE_POLICY", "policy.toml")
    assert main(COMMANDS[command]) == 2
    assert "no store there" in capsys.readouterr().err
    assert not Path("none.db").exists()


@pytest.mark.parametrize("option", ["--enrolled", "--proof-factor"])
def test_a_factor_that_there_is_not_is_wrong_use(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A mistyped factor would be explained as that of somebody who has another one."""
    assert main(["policy", "explain", "policy.toml", option, "topt"]) == 2
    assert f'{option}: there is no factor "topt"' in capsys.readouterr().err
    assert main(["policy", "explain", "policy.toml", option, "totp"]) == 0
