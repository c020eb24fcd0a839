"""Three type checkers take the recipes, and code that uses every public name.

mypy reads these files in the static checks of tests/run.py.
"""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

CODE = Path(__file__).with_name("public_api.py")
ROOMS = ("", "identity", "senders", "ports", "storage", "errors", "policyfile", "testing")


@pytest.mark.parametrize("room", ROOMS)
def test_every_public_name_is_used(room: str) -> None:
    """Each name of a public module stands in the file that the checkers read."""
    module = import_module(f"mfa_gate.{room}".rstrip("."))
    text = CODE.read_text()
    missing = [name for name in module.__all__ if not re.search(rf"\b{room or 'mfa_gate'}\.{name}\b", text)]
    assert missing == []


def checked(*command: str, root: Path) -> str:
    """Run a checker with strict rules, and return its findings, or "" if there are none."""
    ran = subprocess.run([sys.executable, "-m", *command], cwd=root, capture_output=True, text=True)
    return "" if ran.returncode == 0 else ran.stdout + ran.stderr


@pytest.mark.waits
def test_ty(root: Path) -> None:
    """The checker ty finds nothing."""
    search = ("--python", sys.prefix, "--extra-search-path", "src", "--error-on-warning")
    assert checked("ty", "check", *search, "example_app/recipes", "tests/typed", root=root) == ""


@pytest.mark.long
@pytest.mark.slow
def test_pyright(root: Path) -> None:
    """The checker pyright finds nothing, by its strict rules.

    In the recipes it may meet types of other packages that are unknown.
    """
    assert checked("pyright", root=root) == ""
