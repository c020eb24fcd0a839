"""Several processes share the tests of one run: ``pytest --turns 2 tests/web``.

The tests are read once; then the process forks. Each file is run as a whole by the child that takes it first, for the tests of
a file share what is slow to start. Nobody hands anything out: a child takes a file by making an entry in a folder that all see.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.run import last_line, total


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.addoption("--turns", type=int, default=1, metavar="N", help="share the tests among so many processes")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Run the tests in children, print what each child said, and end with the worst exit code.

    With one process, or where there is nothing to run, pytest does its own.
    """
    options = session.config.option
    if options.turns < 2 or options.collectonly or session.testsfailed:
        return None
    started, folder = time.monotonic(), Path(tempfile.mkdtemp())
    (folder / "taken").mkdir()
    said = [folder / str(number) for number in range(options.turns)]
    children = []
    for output in said:
        if (pid := os.fork()) == 0:
            write_to(output, session.config)
            run(session, folder / "taken")
            return True
        children.append(pid)
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
    texts = [path.read_text(errors="replace") for path in said]
    for number, code in enumerate(codes):
        if re.search(r" in \d+\.\d+s\b", last_line(texts[number])) is None:  # pytest did not sum up
            codes[number] = code or 1
            how = f"was killed by signal {-code}" if code < 0 else f"ended by itself with code {code}"
            texts[number] += f"\nThis process {how}. What it had not yet run is missing.\n"
    shutil.rmtree(folder)
    print("", *texts, total(time.monotonic() - started, *map(last_line, texts)), sep="\n", flush=True)
    os._exit(max(codes, key=abs))  # the children have summed up


def write_to(output: Path, config: pytest.Config) -> None:
    """Let this child write to a file of its own, and also what it captures of its tests."""
    capturing = config.pluginmanager.getplugin("capturemanager")
    capturing.stop_global_capturing()
    target = os.open(output, os.O_WRONLY | os.O_CREAT)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        os.dup2(target, stream.fileno())
    capturing.start_global_capturing()
    capturing.suspend_global_capture()


def run(session: pytest.Session, folder: Path) -> None:
    """Run what this child takes, one test after the other, as pytest itself runs all."""
    mine = take(session.items, folder)
    item = next(mine, None)
    while item is not None:
        after = next(mine, None)
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
        if session.shouldfail:
            raise session.Failed(session.shouldfail)
        if session.shouldstop:
            raise session.Interrupted(session.shouldstop)
        item = after


def take(items: Sequence[pytest.Item], folder: Path) -> Iterator[pytest.Item]:
    """Return the tests of every file that no other child has taken.

    A file is taken when its turn comes.
    """
    files = defaultdict(list)
    for item in items:
        files[item.path].append(item)
    for path, tests in files.items():
        try:
            (folder / quote(str(path), safe="")).touch(exist_ok=False)
        except FileExistsError:
            continue
        yield from tests
