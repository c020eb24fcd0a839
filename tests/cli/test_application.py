"""The app of ``--app`` may be wrong in any way: the command says so as wrong use."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mfa_gate.cli import main

MODULES = {
    "ends": "import sys; sys.exit(3)\n",
    "breaks": "x = (\n",
    "fails": "raise RuntimeError('no database\\n\\x1b[31m')\n",
    "factory": "def app():\n    raise SystemExit('no database')\n",
    "lacks": "import no_such_module_anywhere\n",
    "prints": "from starlette.applications import Starlette\nprint('HELLO')\napp = Starlette()\n",
}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with apps, where the command runs."""
    for name, text in MODULES.items():
        (tmp_path / f"of_app_{name}.py").write_text(text)
    (tmp_path / "policy.toml").write_text('version = 1\nname = "a"\n')
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    for name in MODULES:
        sys.modules.pop(f"of_app_{name}", None)


@pytest.mark.parametrize("words", [["doctor"], ["policy", "routes", "policy.toml"], ["policy", "check", "policy.toml"]])
@pytest.mark.parametrize(
    ("app", "said"),
    [
        ("of_app_ends:app", "--app of_app_ends:app: SystemExit: 3\n"),
        ("of_app_breaks:app", "--app of_app_breaks:app: SyntaxError: "),
        ("of_app_fails:app", "--app of_app_fails:app: RuntimeError: no database\\x0a\\x1b[31m\n"),
        ("of_app_factory:app", "--app of_app_factory:app: SystemExit: no database\n"),
        ("of_app_lacks:app", "--app of_app_lacks:app: No module named 'no_such_module_anywhere'\n"),
        ("of_app_prints:other", "--app of_app_prints:other: module 'of_app_prints' has no attribute 'other'\n"),
        ("./of_app_prints.py:app", "--app './of_app_prints.py:app': write it like \"shop.main:app\"\n"),
    ],
)
def test_an_app_that_cannot_be_loaded(
    place: Path, capsys: pytest.CaptureFixture[str], words: list[str], app: str, said: str
) -> None:
    """The last line names the app and the reason; 1 would be an answer about the app."""
    assert main([*words, "--app", app]) == 2
    assert f"mfa-gate {' '.join(words[:2]).removesuffix(' policy.toml')}: {said}" in capsys.readouterr().err


def test_an_app_that_prints(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its words go to standard error, so that the answer stays JSON."""
    assert main(["policy", "routes", "policy.toml", "--app", "of_app_prints:app", "--json"]) in (0, 1)
    out = capsys.readouterr()
    assert (json.loads(out.out)["routes"], out.err) == ([], "HELLO\n")
