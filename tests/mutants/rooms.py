"""The files that get faults, and the tests that should notice them."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .changes import Change, changes_of

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "mfa_gate"
EQUIVALENTS = Path(__file__).with_name("equivalents.txt")
ROOMS = ("core", "factors", "identity", "policyfile", "senders", "service", "stores", "web", "cli", "keyring")
COMPUTES = "not (browser or waits or slow or long)"
PATIENCE = 900
"""Seconds after which a mutant counts as noticed: a loop without end would be seen by anybody."""


@dataclass(frozen=True, order=True)
class Mutant:
    """One fault in one file.

    ``file`` is relative to the package, e.g. ``core/decision.py``.
    """

    file: str
    change: Change

    @property
    def room(self) -> str:
        """Return the room of the file: its first folder, or its name without one."""
        return Path(self.file).parts[0].removesuffix(".py")

    def __str__(self) -> str:
        """Return the line of it in a report, and in the list of those that are set aside."""
        return f"{self.file}: {self.change}"


def all_mutants(rooms: Sequence[str] = ROOMS) -> Iterator[Mutant]:
    """List every fault of these rooms, without those set aside by hand."""
    aside = set_aside()
    for path in sorted(PACKAGE.rglob("*.py")):
        file = path.relative_to(PACKAGE).as_posix()
        if Path(file).parts[0].removesuffix(".py") in rooms:
            made = (Mutant(file, change) for change in changes_of(path.read_bytes()))
            yield from (mutant for mutant in made if str(mutant) not in aside)


def set_aside() -> dict[str, str]:
    """Return the faults that change no behaviour, with the reason.

    They are read from ``equivalents.txt``.
    """
    lines = (line for line in EQUIVALENTS.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#"))
    return {mutant: reason for mutant, _, reason in (line.partition(" | ") for line in lines)}


def drawn(number: int, seed: int, rooms: Sequence[str] = ROOMS) -> list[Mutant]:
    """Draw so many at random; each fault is as likely as any other."""
    everything = list(all_mutants(rooms))
    return random.Random(seed).sample(everything, min(number, len(everything)))


def steps_of(mutant: Mutant) -> list[list[str]]:
    """Return the tests that should notice it, the nearest first.

    These are the file that mirrors the source, then the whole room, then the attacks.
    """
    path = Path(mutant.file)
    mirror = ROOT / "tests" / path.with_name(f"test_{path.stem}.py")
    room = ROOT / "tests" / mutant.room
    steps = [mirror, room if room.is_dir() else ROOT / "tests" / f"test_{mutant.room}.py", ROOT / "tests" / "attacks"]
    return [[str(step.relative_to(ROOT))] for step in dict.fromkeys(steps) if step.exists()]


class Copy:
    """A copy of the package in a folder of its own, into which one fault at a time is put."""

    def __init__(self, folder: Path) -> None:
        self.source = folder / "src"
        shutil.copytree(PACKAGE, self.source / "mfa_gate", ignore=shutil.ignore_patterns("__pycache__"))

    def notices(self, mutant: Mutant) -> str:
        """Run the tests against the fault.

        Returns the test that noticed it, or "".
        """
        path = self.source / "mfa_gate" / mutant.file
        sound = path.read_bytes()
        path.write_bytes(mutant.change.made(sound))
        try:
            return next(filter(None, (self._fails(tests) for tests in steps_of(mutant))), "")
        finally:
            path.write_bytes(sound)

    def collects(self) -> str:
        """Read all tests against the copy as it is.

        Returns what went wrong, or "".
        """
        done = self._run("--collect-only", "tests")
        return "" if done.returncode == 0 else done.stdout[-2000:] + done.stderr[-2000:]

    def _fails(self, tests: Sequence[str]) -> str:
        try:
            done = self._run(*tests)
        except subprocess.TimeoutExpired:
            return f"no end after {PATIENCE} s"
        if done.returncode in (0, 5):  # 5: no test was chosen
            return ""
        failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
        return failed[0] if failed else f"exit code {done.returncode}"

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run pytest against the copy."""
        # Two faults in one second would look alike to compiled files, which know the second and the size.
        environment = os.environ | {"PYTHONPATH": f"{self.source}:{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"}
        own = ["-o", f"pythonpath={self.source} {ROOT}"]  # pyproject.toml names the checkout's source first
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-x",
            "-q",
            "-p",
            "no:cacheprovider",
            *own,
            "-m",
            COMPUTES,
            *arguments,
        ]
        return subprocess.run(
            command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True, timeout=PATIENCE
        )
