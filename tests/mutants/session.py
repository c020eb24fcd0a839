"""One session of pytest that reads its tests once, and forks for each fault.

A fork has everything imported: it exchanges the code of a function, runs the tests that enter it, and ends. Threads, loops,
servers and fixtures of a session begin in the fork, because the session itself runs no test.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from types import FrameType

import pytest

from .copies import Copy
from .forks import Answer, Fork, allow
from .in_place import AtImportError, Loaded, exchange, loaded
from .processes import START, run
from .reach import Reached
from .rooms import Mutant

PAUSE = 0.01
"""Seconds between two looks at the forks."""
LONG = 3600
"""Seconds of processor time for the session, and for a test on the sound source."""
PATIENCE = 20
"""Seconds of processor time that a test gets besides ten times its usual ones: a loop without end is noticed."""
SLOW = 0.5
"""Seconds of a test that is asked after the quick ones."""
SOUND = -1
"""The number of the answer about the sound source."""
PASSED, UNKNOWN = "passed", "unknown"
"""Answers: all tests passed; it has to be asked with everything imported anew. Any other names a failed test."""


@dataclass(frozen=True)
class Question:
    """The faulty source of a file, and the tests that are asked."""

    file: str
    faulty: bytes
    tests: tuple[Reached, ...]


class Session:
    """The plugin of pytest that answers questions instead of running its tests.

    ``sound`` is the package that is imported. Each fork has one of the ``copies``, for the programs that its tests start.
    """

    def __init__(self, questions: Sequence[Question], sound: Copy, copies: Sequence[Copy], told: Connection) -> None:
        self.questions = questions
        self.sound = sound
        self.source = str(sound.source)
        self.copies = copies
        self.told = told
        self.entered: set[tuple[str, str]] = set()
        """The functions, by file and name, that were entered before the first test."""
        self.failed = ""

    def pytest_addoption(self) -> None:
        """Note which functions are entered from the first import on until the tests are read."""
        sys.setprofile(self._note)

    def pytest_sessionstart(self) -> None:
        """Import everything."""
        sys.dont_write_bytecode = False  # the next session reads the tests faster
        package = importlib.import_module("mfa_gate")
        for module in pkgutil.walk_packages(package.__path__, "mfa_gate."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Answer the questions, as many at once as there are copies."""
        sys.setprofile(None)
        functions = loaded(self.sound.source)
        items = {item.nodeid: item for item in session.items}
        waiting, free = list(enumerate(self.questions))[::-1], [*self.copies]
        running: list[tuple[int, Copy, Fork]] = []
        noticing: set[str] = set()
        while waiting or running:
            while waiting and free:
                number, question = waiting.pop()
                running.append((number, copy := free.pop(), self._fork(question, copy, items, functions)))
            time.sleep(PAUSE)
            for one in [*running]:
                number, copy, fork = one
                if (answer := fork.answered()) is not None:
                    copy.restore()
                    noticing.add(answer.text)
                    self.told.send((number, answer))
                    running.remove(one)
                    free.append(copy)
        self.told.send((SOUND, self._failing_without(items, noticing)))
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note the first test that fails."""
        if report.failed:
            self.failed = self.failed or report.nodeid

    def _fork(self, question: Question, copy: Copy, items: dict[str, pytest.Item], functions: Loaded) -> Fork:
        copy.put(question.file, question.faulty)
        quick_first = sorted(question.tests, key=lambda test: test.seconds > SLOW)
        chosen = [(items[test.test], PATIENCE + 10 * test.seconds) for test in quick_first if test.test in items]

        def answer() -> str:
            os.environ["PYTHONPATH"] = copy.path_of_python
            try:
                ran_before = self._exchanged(question, functions)
            except AtImportError:
                return UNKNOWN
            failed = next(self._failing(chosen), "")
            return failed or (UNKNOWN if ran_before else PASSED)

        return Fork(copy.folder / "temporary", answer)

    def _failing_without(self, items: dict[str, pytest.Item], noticing: set[str]) -> Answer:
        """Return the tests that fail in a fork without any fault: they notice nothing."""
        copy, chosen = self.copies[0], [(items[test], float(LONG)) for test in sorted(noticing) if test in items]
        os.environ["PYTHONPATH"] = copy.path_of_python
        fork = Fork(copy.folder / "temporary", lambda: "\n".join(self._failing(chosen)) or PASSED)
        while (answer := fork.answered()) is None:
            time.sleep(PAUSE)
        return answer

    def _exchanged(self, question: Question, functions: Loaded) -> bool:
        """Put the fault in, and tell if its function was entered before.

        That has left sound values behind, which hide the fault.
        """
        path = self.sound.package / question.file
        changed = exchange(functions, path, path.read_bytes(), question.faulty)
        return any((code.co_filename, code.co_qualname) in self.entered for code in changed)

    def _failing(self, chosen: list[tuple[pytest.Item, float]]) -> Iterator[str]:
        """Run tests with the seconds that each gets, in a fork. Yields those that fail."""
        if not chosen:
            return
        items = [item for item, _ in chosen]
        capture = items[0].config.pluginmanager.getplugin("capturemanager")
        capture.stop_global_capturing()  # its files are shared with the process before the fork
        capture.start_global_capturing()
        for (item, seconds), following in zip(chosen, [*items[1:], None], strict=True):
            allow(seconds)
            self.failed = ""
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self.failed:
                yield self.failed

    def _note(self, frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(self.source):
            self.entered.add((frame.f_code.co_filename, frame.f_code.co_qualname))


def in_one_session(
    asked_of: Mapping[Mutant, Sequence[Reached]], sound: Copy, copies: Sequence[Copy], say: Callable[..., None]
) -> list[Mutant]:
    """Ask about these faults in one session, and ``say`` each verdict.

    As many are asked about at once as there are copies. Returns those that have to be asked anew. Raises ``SystemExit`` if
    the session ends early.
    """
    files = sorted({test.file for tests in asked_of.values() for test in tests})
    questions = [
        Question(mutant.file, mutant.faulty(), tuple(replace(test, blocks=frozenset()) for test in tests))
        for mutant, tests in asked_of.items()
    ]
    verdicts: dict[Mutant, str] = {}
    reader, writer = START.Pipe(duplex=False)
    with ThreadPoolExecutor(1) as thread:
        ran = thread.submit(run, sound.source, files, [Session(questions, sound, copies, writer)], seconds=LONG)
        while True:
            if reader.poll(1):
                number, answer = reader.recv()
                if number == SOUND:
                    break
                mutant = [*asked_of][number]
                verdicts[mutant] = answer.text
                if answer.text != UNKNOWN:
                    say(mutant, "" if answer.text == PASSED else answer.text, answer.seconds)
            elif ran.done():
                raise SystemExit(f"the session ended early:\n{ran.result().output[-2000:]}")
    unsound = {UNKNOWN, *answer.text.splitlines()} - {PASSED}
    return [mutant for mutant in asked_of if verdicts[mutant] in unsound]
