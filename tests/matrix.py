"""Sets of versions, and the other Pythons: ``python3 tests/run.py --matrix``.

Each set has a virtual environment of its own in ``.matrix``. uv resolves: the lowest set is what ``pyproject.toml``
allows at the least, and the tools of the tests are the newest that there are.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.run import ROOT, output_of_failure

HOME = ROOT / ".matrix"
EXTRAS = ("sms", "push", "otel", "signals", "postgres", "demo")
"""The extras that a host installs; the extra ``test`` is ours, so its versions are not part of the promise."""
BESIDE = "opentelemetry-sdk>=1.30"
"""A tool of the tests that has the version of a dependency: it is resolved with them."""
RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"
COMPUTES = "not (browser or waits or slow or long)"
APART = ("tests/third_party", "tests/test_package.py", "tests/identity/test_fastapi_users.py", "tests/recipes")
"""Tests of packages with floors of their own above ours, e.g. sqladmin and Starlette 0.50."""


@dataclass(frozen=True)
class VersionSet:
    """One set of versions.

    ``resolution`` is uv's, within ``limits``. ``leaves_out`` are tests that do not fit it; ``only`` are all tests that it is
    about, empty for every one. ``interpreter`` is the Python that runs them.
    """

    name: str
    resolution: str
    interpreter: str = sys.executable
    limits: tuple[str, ...] = ()
    leaves_out: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    warns: bool = True

    @property
    def python(self) -> Path:
        """Return the interpreter of its virtual environment."""
        return HOME / self.name / "bin" / "python"

    def command(self, rest: Sequence[str] = ()) -> list[str]:
        """Return the command that runs the tests that compute, or ``rest`` of them.

        Warnings of old versions about each other are no faults of ours, so none is an error where the set ``warns``.
        """
        apart = [f"--ignore={path}" for path in self.leaves_out]
        return [
            str(self.python),
            "-m",
            "pytest",
            "-q",
            f"--turns={os.cpu_count()}",
            *(["-W", "default"] if self.warns else []),
            "-m",
            COMPUTES,
            *apart,
            *(rest or self.only),
        ]

    def set_up(self, uv: Path) -> str:
        """Resolve and install. Returns the fault in words, or "".

        Nothing is installed if the versions are those of the last time.
        """
        HOME.mkdir(exist_ok=True)
        pins, every, limits, beside = (HOME / f"{self.name}{end}.txt" for end in ("", "-test", "-limits", "-beside"))
        limits.write_text("\n".join(self.limits))
        beside.write_text(BESIDE)
        compile_ = [str(uv), "pip", "compile", "--quiet", "--python", self.interpreter, "pyproject.toml"]
        wanted = [argument for extra in EXTRAS for argument in ("--extra", extra)]
        steps = [
            [
                *compile_,
                "--resolution",
                self.resolution,
                "--constraints",
                str(limits),
                *wanted,
                str(beside),
                "--output-file",
                str(pins),
            ],
            [*compile_, "--extra", "test", "--overrides", str(pins), "--output-file", str(every)],
        ]
        for file in (pins, every):
            file.unlink(missing_ok=True)  # uv keeps what an older file says
        for step in steps:
            if fault := output_of_failure(step):
                return f"{self.name}: the versions could not be resolved\n{fault}"
        stamp, found = (
            HOME / self.name / ".installed",
            hashlib.sha256(every.read_bytes() + pins.read_bytes() + self.interpreter.encode()).hexdigest(),
        )
        if stamp.exists() and stamp.read_text() == found:
            return ""
        install = [str(uv), "pip", "install", "--quiet", "--python", str(self.python), "--no-deps"]
        for step in (
            [str(uv), "venv", "--quiet", "--clear", "--python", self.interpreter, str(HOME / self.name)],
            # An override takes a package without its extras, so what extras bring (psycopg's own libpq) comes from the pins.
            [*install, "--requirement", str(every), "--requirement", str(pins)],
            [*install, "--editable", "."],
        ):
            if fault := output_of_failure(step):
                return f"{self.name}: the packages could not be installed; this needs the network\n{fault}"
        stamp.write_text(found)
        return ""


PASSKEYS = ("tests/factors", "tests/web/test_passkey_words.py", "tests/test_passkey_site.py")
SETS = (
    VersionSet("lowest", "lowest-direct", leaves_out=APART),
    VersionSet("highest", "highest"),
    # The second major version brings a CBOR decoder of its own choice.
    VersionSet("webauthn-2", "highest", limits=("webauthn<3",), only=PASSKEYS),
)


def other_pythons(running: str = RUNNING) -> list[str]:
    """List the Pythons that ``pyproject.toml`` promises, without the ``running`` one."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = (re.search(r"Python :: (3\.\d+)$", text) for text in project["classifiers"])
    return [found[1] for found in named if found and found[1] != running]


def set_of(python: str, uv: Path) -> VersionSet | None:
    """Return the newest versions on ``python``, or None if it is not on this machine.

    A warning is an error here, as in the default run: the next Python makes an error of it.
    """
    found = interpreter(python, uv)
    return VersionSet(f"python-{python}", "highest", found, warns=False) if found else None


def interpreter(python: str, uv: Path) -> str:
    """Return the path of ``python`` on this machine, or "". Nothing is downloaded.

    pyenv puts only the versions that somebody chose on the path.
    """
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    folders = [os.environ.get("PATH", ""), *map(str, root.glob("versions/3.*/bin"))]
    command = [str(uv), "python", "find", "--offline", "--no-python-downloads", "--system", f"cpython{python}"]
    environment = os.environ | {"PATH": os.pathsep.join(folders)}
    found = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    return found.stdout.strip()
