"""The matrix tries every promised Python, and names one that it could not try."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

import pytest

from tests.matrix import RUNNING, interpreter, other_pythons, set_of
from tests.run import Step, summary

UV = Path(sysconfig.get_path("scripts")) / "uv"


def test_each_promised_python_is_the_running_one_or_another() -> None:
    """Every Python that pyproject.toml names is tried, one of them by the rest of the run."""
    promised = other_pythons("")
    assert "3.11" in promised
    assert other_pythons("3.11") == [python for python in promised if python != "3.11"]
    assert RUNNING not in other_pythons()


def test_a_python_of_pyenv_is_found_off_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A version that pyenv has, and that nobody put on the path, is run."""
    home = tmp_path / "versions" / f"{RUNNING}.0" / "bin"
    home.mkdir(parents=True)
    link = home / f"python{RUNNING}"
    link.symlink_to(Path(sys.base_prefix) / "bin" / f"python{RUNNING}")
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(tmp_path / "none"))
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "elsewhere"))
    assert interpreter(RUNNING, UV) == ""
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert interpreter(RUNNING, UV) == str(link)
    found = set_of(RUNNING, UV)
    assert found is not None
    assert found.interpreter == str(link)
    assert "default" not in found.command()


def test_a_python_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """The summary says that it was not tried; that alone is no failure."""
    assert set_of("3.99", UV) is None
    steps = [Step("Python 3.99 is not on this machine", None, 0, ""), Step("pytest", 0, 1, "1 passed in 1.00s")]
    assert summary(steps) == 0
    said = capsys.readouterr().out.splitlines()
    assert next(line for line in said if "3.99" in line).startswith("not tried")
    assert said[-1] == "1 passed in 1.00s"
