"""Processes that share the tests run each of them once, and hide nothing that goes wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

GOOD = "import pytest\n@pytest.mark.parametrize('n', range(20))\ndef test_{0}(n, tmp_path): (tmp_path / 'x').write_text('x')\n"
BAD = "def test_bad():\n    print('said of the bad one')\n    assert False\n"
KILLED = "import os\ndef test_killed(): os.kill(os.getpid(), 9)\n"


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the tests in ``folder`` with the plugin, apart from the settings of ours."""
    (folder / "pytest.ini").write_text("[pytest]\n")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "tests.turns",
        "-p",
        "no:cacheprovider",
        "--turns=3",
        *arguments,
    ]
    root = str(Path(__file__).resolve().parents[1])
    environment = os.environ | {"PYTHONPATH": root, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)


def test_each_test_runs_once(tmp_path: Path) -> None:
    """The last line adds up what the processes said."""
    for number in range(7):
        (tmp_path / f"test_{number}.py").write_text(GOOD.format(number))
    ended = run(tmp_path)
    assert ended.returncode == 0, ended.stdout
    assert ended.stdout.strip().rpartition("\n")[2].startswith("140 passed in ")
    assert ended.stdout.count(" passed in ") == 4


def test_a_failure_is_told(tmp_path: Path) -> None:
    """With what it printed. The other tests run."""
    (tmp_path / "test_bad.py").write_text(BAD)
    (tmp_path / "test_good.py").write_text(GOOD.format("good"))
    ended = run(tmp_path)
    assert ended.returncode == 1
    assert "said of the bad one" in ended.stdout
    assert ended.stdout.strip().rpartition("\n")[2].startswith("1 failed, 20 passed in ")


def test_a_process_that_is_killed_is_no_success(tmp_path: Path) -> None:
    """Nobody has to wonder why fewer tests than usual have passed."""
    (tmp_path / "test_killed.py").write_text(KILLED)
    ended = run(tmp_path)
    assert ended.returncode not in (0, 5)
    assert "This process was killed by signal 9." in ended.stdout


def test_nothing_to_run_is_told(tmp_path: Path) -> None:
    """A file that cannot be read is pytest's to tell, before there are several processes."""
    (tmp_path / "test_wrong.py").write_text("import nothing_of_this_name\n")
    ended = run(tmp_path)
    assert ended.returncode == 2
    assert "nothing_of_this_name" in ended.stdout
    assert run(tmp_path, "--ignore=test_wrong.py").returncode == 5
