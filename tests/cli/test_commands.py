"""The list of commands, and the modules that a command loads."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mfa_gate.cli import COMMANDS, parser

LOADED = """
import contextlib, sys
from mfa_gate.cli import main
with contextlib.suppress(SystemExit):
    main(sys.argv[1:])
print(*sorted(name for name in sys.modules if name.startswith("mfa_gate.")), file=sys.stderr)
"""


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_the_same_alone(name: str) -> None:
    """The command line for one command has its help, and the lines of all others."""
    whole, alone = parser(), parser(name)
    assert alone.format_help() == whole.format_help() == parser("").format_help()
    helps = []
    for made in (whole, alone):
        sub = next(action for action in made._actions if action.dest == "command")
        assert isinstance(sub.choices, dict)
        helps.append(sub.choices[name].format_help())
    assert helps[0] == helps[1]


@pytest.mark.parametrize(
    ("words", "without"),
    [
        (["--help"], ("core", "factors", "service", "stores", "web", "policyfile")),
        (
            ["policy", "check", "/nowhere.toml"],
            ("web.pages", "web.api", "web.views", "stores.sqlite", "senders", "gate"),
        ),
    ],
)
def test_a_command_loads_its_own_modules(words: list[str], without: tuple[str, ...]) -> None:
    """The list of commands loads no room; a check of a policy loads no page, gate or store."""
    done = subprocess.run([sys.executable, "-c", LOADED, *words], check=True, capture_output=True, text=True)
    loaded = done.stderr.strip().rpartition("\n")[2].split()
    assert not [name for name in loaded if name.startswith(tuple(f"mfa_gate.{room}" for room in without))]
