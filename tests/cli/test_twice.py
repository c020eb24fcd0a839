"""An option that takes one value is given once, in every command."""

from __future__ import annotations

import argparse

import pytest

from mfa_gate.cli import parser

from .test_exit_codes import COMMANDS, _leaves

LEAVES = {" ".join(path): command for path, command in _leaves(parser())}


@pytest.mark.parametrize("command", LEAVES)
def test_an_option_that_is_given_twice(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It is wrong use, also with the same value.

    The first one was dropped without a word.
    """
    words = COMMANDS[command]
    for action in LEAVES[command]._actions:
        if not action.option_strings or action.nargs is not None or isinstance(action, argparse._AppendAction):
            continue
        option = action.option_strings[-1]
        value = words[words.index(option) + 1] if option in words else _value(action)
        once = [*words, *(() if option in words else (option, value))]
        parser().parse_args(once)
        for second in ([option, value], [f"{option}={value}"]):
            with pytest.raises(SystemExit) as stopped:
                parser().parse_args([*once, *second])
            assert stopped.value.code == 2
            assert f"{option}: is given twice; this command takes one" in capsys.readouterr().err


def test_an_option_that_may_come_several_times() -> None:
    """Each value counts; a switch says the same twice."""
    words = ["audit", "verify", "--json", "--json", "--expect", "a", "--expect", "b"]
    assert parser().parse_args(words).expect == ["a", "b"]


def _value(action: argparse.Action) -> str:
    if action.choices:
        return str(next(iter(action.choices)))
    return "2026-01-01T00:00:00Z" if action.option_strings[-1] in ("--at", "--from", "--to") else "7"
