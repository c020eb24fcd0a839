"""Processes that share the tests run each of them once, and hide nothing that goes wrong."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

GOOD = "import pytest\n@pytest.mark.parametrize('n', range(20))\ndef test_{0}(n, tmp_path): (tmp_path / 'x').write_text('x')\n"
BAD = "def test_bad():\n    print('said of the bad one')\n    assert False\n"
ENDED = "import os\ndef test_ended(): {0}\n"


def run(folder: Path, *arguments: str, plugin: bool = True) -> subprocess.CompletedProcess[str]:
    """Run the tests in ``folder`` with the plugin, apart from the settings of ours.

    Without ``plugin`` a ``conftest.py`` brings it.
    """
    (folder / "pytest.ini").write_text("[pytest]\n")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        *(["-p", "tests.turns"] if plugin else []),
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
    assert len(re.findall(r"(?:passed|ran) in \d", ended.stdout)) == 4, (
        "three processes, one of which may come too late"
    )


def test_a_failure_is_told(tmp_path: Path) -> None:
    """With what it printed. The other tests run."""
    (tmp_path / "test_bad.py").write_text(BAD)
    (tmp_path / "test_good.py").write_text(GOOD.format("good"))
    ended = run(tmp_path)
    assert ended.returncode == 1
    assert "said of the bad one" in ended.stdout
    assert ended.stdout.strip().rpartition("\n")[2].startswith("1 failed, 20 passed in ")


@pytest.mark.parametrize(
    ("ending", "said"),
    [
        ("os.kill(os.getpid(), 9)", "was killed by signal 9"),
        ("os._exit(0)", "ended by itself with code 0"),
        ("os._exit(1)", "ended by itself with code 1"),
    ],
)
def test_a_process_that_ends_early_is_no_success(tmp_path: Path, ending: str, said: str) -> None:
    """Nobody has to wonder why fewer tests than usual have passed."""
    (tmp_path / "test_ended.py").write_text(ENDED.format(ending))
    (tmp_path / "test_good.py").write_text(GOOD.format("good"))
    ended = run(tmp_path)
    assert ended.returncode not in (0, 5)
    assert f"This process {said}. What it had not yet run is missing." in ended.stdout


def test_a_test_without_end_says_where_it_is(tmp_path: Path) -> None:
    """The run ends, and the line of the test is told, with one process and with several."""
    own = (
        "from tests import watch\n"
        "from tests.turns import pytest_addoption, pytest_runtestloop\n"
        "from tests.watch import pytest_configure, pytest_runtest_protocol\n"
        "watch.LIMIT = 2\n"
    )
    (tmp_path / "conftest.py").write_text(own)
    (tmp_path / "test_endless.py").write_text("def test_endless():\n    while True: pass\n")
    for turns in ("1", "2"):
        ended = run(tmp_path, f"--turns={turns}", plugin=False)
        assert ended.returncode == 1
        assert 'test_endless.py", line 2 in test_endless' in ended.stderr


def test_nothing_to_run_is_told(tmp_path: Path) -> None:
    """A file that cannot be read is pytest's to tell, before there are several processes."""
    (tmp_path / "test_wrong.py").write_text("import nothing_of_this_name\n")
    ended = run(tmp_path)
    assert ended.returncode == 2
    assert "nothing_of_this_name" in ended.stdout
    assert run(tmp_path, "--ignore=test_wrong.py").returncode == 5
