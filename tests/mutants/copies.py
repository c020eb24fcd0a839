"""Copies of the package, into which one fault at a time is put."""

from __future__ import annotations

import compileall
import shutil
from pathlib import Path

from .reach import PACKAGE, ROOT


class Copy:
    """A copy of the package in a folder of its own."""

    def __init__(self, folder: Path, package: Path = PACKAGE) -> None:
        self.folder = folder
        self.source = folder / "src"
        self.package = self.source / "mfa_gate"
        self.sound: Path | None = None
        shutil.copytree(package, self.package)

    @property
    def path_of_python(self) -> str:
        """Return the PYTHONPATH of a program that shall import this copy."""
        return f"{self.source}:{ROOT}"

    def put(self, file: str, faulty: bytes) -> None:
        """Put in a faulty form of a file, until ``restore``."""
        path = self.package / file
        self.sound = path.rename(path.with_suffix(".sound"))  # with its time, so that its compiled form holds again
        path.write_bytes(faulty)

    def restore(self) -> None:
        """Take the fault out again."""
        if self.sound is not None:
            self.sound.replace(self.sound.with_suffix(".py"))
            self.sound = None


def compiled(folder: Path, number: int) -> list[Copy]:
    """Make so many copies, compiled once: that saves seconds in each run."""
    first = Copy(folder / "0")
    compileall.compile_dir(first.package, quiet=2)
    return [first, *(Copy(folder / str(other), first.package) for other in range(1, number))]
