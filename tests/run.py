"""Set up, lint and test the project, and sum up.

The machine needs Python 3.11 or later and nothing else.
"""

from __future__ import annotations

import argparse
import glob
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".venv"
PYTHON = HOME / "bin" / "python"
STAMP = HOME / ".installed"
COLLECTED = HOME / ".collected"
PROGRAMS = {
    "chromium-headless-shell": ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"),
    "redis-server": ("redis-server",),
    "postgresql": ("postgres", "/usr/lib/postgresql/*/bin/postgres"),
    "pgbouncer": ("pgbouncer", "/usr/sbin/pgbouncer"),
    "oathtool": ("oathtool",),
    "npm": ("npm",),
    "nginx-light": ("nginx",),
}
OTHER_BROWSERS = {
    "webkit2gtk-driver": ("WebKitWebDriver",),
    "xvfb": ("Xvfb",),
    "firefox-esr": ("firefox-esr", "firefox"),
}
"""Programs that only ``--matrix`` and ``--long`` need."""
BENCHMARKS = ROOT / "tests" / "benchmarks"
MEMORY_DISK = Path("/dev/shm")
"""A disk in memory. The tests' stores lie there, so no slow disk makes a store answer late."""
MEMORY_NEEDED = 4 * 2**30
"""Bytes that must be free there."""


@dataclass(frozen=True)
class Part:
    """Some of the tests: those with ``marks``, run by so many ``processes``.

    ``marks`` is an expression for ``pytest -m``. ``only`` names marks: files that use none of them are not even read,
    which saves seconds.
    """

    name: str
    marks: str
    processes: int
    only: tuple[str, ...] = ()
    measured: bool = False

    def command(self, *, coverage: bool, long: bool = False) -> list[str]:
        """Return the command line.

        With ``coverage`` the parts that are ``measured`` run under it; with ``long`` Hypothesis draws ten times as much.
        """
        measure = ["coverage", "run", "-m"] if coverage and self.measured else []
        profile = ["--hypothesis-profile=long"] if long else []
        turns = f"--turns={self.processes}"
        return [str(PYTHON), "-m", *measure, "pytest", "-q", turns, *profile, "-m", self.marks, *files_with(self.only)]


TOGETHER = (
    Part("tests that compute", "not (browser or waits or slow or long)", os.cpu_count() or 1, measured=True),
    Part("browser stories", "browser and not long", 2, only=("browser",), measured=True),
    Part("tests that wait for servers", "waits and not long", 3, only=("waits",), measured=True),
)
"""Run at the same time: the second and the third leave the cores idle most of their time, and the first uses them."""
LAST = Part("tests of many processes", "slow and not long", 1, only=("slow",))
LAST_LONG = Part("tests of many processes, and long ones", "slow or long", 1, only=("slow", "long"))
"""Run when the browser and the servers have ended: each of these tests starts many processes of its own.

One at a time, they use what the first part leaves idle until its end.
"""


@dataclass(frozen=True)
class Step:
    """One step that was run: its end, its seconds, and its output.

    ``code`` is None where it could not be tried here.
    """

    name: str
    code: int | None
    seconds: float
    output: str

    @property
    def last_line(self) -> str:
        """Return the last line that it printed."""
        return last_line(self.output)


def last_line(text: str) -> str:
    """Return the last line of an output: there pytest sums up."""
    return text.strip().rpartition("\n")[2]


def main() -> int:
    """Run everything. Returns 0 when all of it passed."""
    options, rest = parser().parse_known_args()
    if sys.version_info < (3, 11):  # noqa: UP036 - whoever starts this has not installed anything yet
        print(f"Python 3.11 or later is needed; this is {sys.version.split()[0]}.", file=sys.stderr)
        return 1
    started = time.monotonic()
    if fault := set_up(PROGRAMS | (OTHER_BROWSERS if options.matrix or options.long else {})):
        print(fault, file=sys.stderr)
        return 1
    ready = Step("set-up", 0, time.monotonic() - started, "")
    if options.bench or options.publish:
        return summary([ready, *benchmarks(long=options.long, publish=options.publish)])
    with scratch_folder():
        if options.mutants:
            faults = [str(PYTHON), "-m", "tests.mutants", str(options.mutants), *rest]
            return summary([ready, run("mutants", faults)])
        steps = matrix(rest) if options.matrix else checks(rest, long=options.long, coverage=options.coverage)
    return summary([ready, *steps])


@contextmanager
def scratch_folder() -> Iterator[None]:
    """Put the temporary files of the tests on a disk in memory, if there is one with room.

    They are removed at the end. Who names ``TMPDIR`` keeps it.
    """
    has_room = MEMORY_DISK.is_dir() and os.access(MEMORY_DISK, os.W_OK)
    if "TMPDIR" in os.environ or not has_room or shutil.disk_usage(MEMORY_DISK).free < MEMORY_NEEDED:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="mfa-gate-", dir=MEMORY_DISK, ignore_cleanup_errors=True) as folder:
        os.chmod(folder, 0o711)  # some tests act as another user
        os.environ["TMPDIR"] = folder
        try:
            yield
        finally:
            del os.environ["TMPDIR"]


def parser() -> argparse.ArgumentParser:
    """The options of this file; all others are pytest's."""
    made = argparse.ArgumentParser(description=__doc__, epilog="Everything else (paths, -k, -x) goes to pytest.")
    made.add_argument("--bench", action="store_true", help="run the benchmarks instead of the tests")
    made.add_argument(
        "--publish",
        action="store_true",
        help="run the benchmarks, and write their tables to tests/benchmarks/README.md",
    )
    made.add_argument(
        "--matrix",
        action="store_true",
        help="the lowest and highest versions of dependencies, the other Pythons, servers and browsers; with paths these tests",
    )
    made.add_argument(
        "--long", action="store_true", help="the long fuzz and soak tests as well; with --bench a million accounts"
    )
    made.add_argument(
        "--mutants",
        type=int,
        metavar="N",
        help="put N faults into the source, one at a time, and count those that a test notices; with --room and --seed",
    )
    made.add_argument(
        "--coverage", action="store_true", help="measure the branches that the tests reach; they take twice as long"
    )
    return made


def checks(rest: list[str], *, long: bool, coverage: bool) -> list[Step]:
    """Run lint, import contracts and types, then the tests.

    The tests wait until all of the first are well.
    """
    steps = static_checks(whole=not rest)
    if any(step.code for step in steps):
        print("\nThe tests were not run: what is named above comes first.", flush=True)
        return steps
    for old in ROOT.glob(".coverage*"):
        old.unlink()
    started = time.monotonic()
    tests = some_tests(rest, long=long, coverage=coverage) if rest else all_tests(long=long, coverage=coverage)
    seconds = time.monotonic() - started
    if coverage:
        python = str(PYTHON)
        if any(ROOT.glob(".coverage.*")):
            run("coverage combine", [python, "-m", "coverage", "combine", "--quiet"])
        steps.append(run("coverage", [python, "-m", "coverage", "report"]))
        if not rest:
            steps.append(unreached(python))
    tests[-1] = replace(tests[-1], output=total(seconds, *(step.last_line for step in tests)))
    return [*steps, *tests]


def unreached(python: str) -> Step:
    """Compare the branches that no test reached with the list of reasons."""
    with tempfile.TemporaryDirectory() as folder:
        measured = str(Path(folder) / "coverage.json")
        run("coverage json", [python, "-m", "coverage", "json", "-q", "-o", measured])
        return run("unreached", [python, "-m", "tests.unreached", measured])


def all_tests(*, long: bool, coverage: bool) -> list[Step]:
    """Run every part of the tests.

    Three run side by side. The last begins when the second and the third have ended, beside what is left of the first; with
    ``long`` it has the machine to itself.
    """
    last = LAST_LONG if long else LAST
    print(f"\nRunning side by side: {', '.join(part.name for part in TOGETHER)}. This takes minutes.", flush=True)
    commands = {part.name: part.command(coverage=coverage, long=long) for part in (*TOGETHER, last)}
    first, *others = (part.name for part in TOGETHER)
    return side_by_side(commands, after={last.name: [first, *others] if long else others})


def some_tests(rest: list[str], *, long: bool, coverage: bool) -> list[Step]:
    """Run the tests that the caller asks pytest for."""
    python = [str(PYTHON), "-m", *(["coverage", "run", "-m"] if coverage else []), "pytest"]
    return [run("pytest", [*python, *(["-m", "", "--hypothesis-profile=long"] if long else []), *rest])]


def matrix(rest: list[str]) -> list[Step]:
    """Run the tests against each set of versions and Python, and on the other servers."""
    sys.path.insert(0, str(ROOT))
    from tests.matrix import SETS, other_pythons, set_of

    uv = HOME / "bin" / "uv"
    pythons = {name: set_of(name, uv) for name in other_pythons()}
    steps = [Step(f"Python {name} is not on this machine", None, 0, "") for name, found in pythons.items() if not found]
    for versions in (*SETS, *filter(None, pythons.values())):
        if fault := versions.set_up(uv):
            steps.append(Step(f"{versions.name} versions", 1, 0, fault))
            print(fault, file=sys.stderr, flush=True)
        else:
            steps.append(run(f"{versions.name} versions", versions.command(rest)))
    if not rest:
        steps.append(run("other servers and browsers", [str(PYTHON), "-m", "pytest", "-m", "matrix"]))
    return steps


def static_checks(*, whole: bool) -> list[Step]:
    """Check style, imports and types; the quick ones are printed first.

    Before the first ``whole`` run mypy takes long: it gets all cores, and all files of the tests are read beside it, so that
    the parts start sooner.
    """
    python = str(PYTHON)
    reads = whole and not COLLECTED.exists()
    cores = ["--num-workers", str(os.cpu_count() or 1)] if reads else []  # later they cost more than they save
    steps = side_by_side(
        {
            "ruff check": [python, "-m", "ruff", "check", "--quiet", "."],
            "ruff format": [python, "-m", "ruff", "format", "--check", "--quiet", "."],
            "import-linter": [str(HOME / "bin" / "lint-imports"), "--no-logo", "--no-cache"],
            **({"collection": [python, "-m", "tests.collected"]} if reads else {}),
            "mypy": [python, "-m", "mypy", *cores],
        }
    )
    if reads and not any(step.code for step in steps):
        COLLECTED.touch()
    return steps


def side_by_side(commands: dict[str, list[str]], *, after: Mapping[str, Sequence[str]] | None = None) -> list[Step]:
    """Run all commands at the same time.

    One that is in ``after`` begins when those named there have ended, and comes after them in the order. The output of each one
    is printed in one piece, in the order given.
    """
    running: dict[str, Future[Step]] = {}

    def in_turn(name: str) -> Step:
        wait([running[other] for other in (after or {}).get(name, ())])
        return run(name, commands[name], as_it_comes=False)

    steps = []
    with ThreadPoolExecutor(len(commands)) as at_once:
        for name in commands:
            running[name] = at_once.submit(in_turn, name)
        for ended in running.values():
            steps.append(ended.result())
            print(f"{title(steps[-1].name)}\n{steps[-1].output}", end="", flush=True)
    return steps


def files_with(marks: tuple[str, ...]) -> list[str]:
    """Return the test files that use one of ``marks``.

    The longest come first, so that none of these is begun last. Without marks the list is empty, which means all files.
    """
    named = re.compile(rf"\bmark\.({'|'.join(marks)})\b")
    files = sorted((ROOT / "tests").rglob("test_*.py"), key=lambda path: -path.stat().st_size) if marks else []
    return [str(path) for path in files if named.search(path.read_text())]


def total(seconds: float, *closings: str) -> str:
    """Add up pytest's closing lines.

    "1 failed, 20 passed in 3.00s" and "2 passed in 1.00s" are "1 failed, 22 passed".
    """
    counts: Counter[str] = Counter()
    for closing in closings:
        for number, word in re.findall(r"(\d+) (failed|passed|skipped|xfailed|xpassed|warnings?|errors?)\b", closing):
            counts[word.rstrip("s") if word.startswith(("error", "warning")) else word] += int(number)
    order = ("failed", "error", "passed", "skipped", "xfailed", "xpassed", "warning")
    said = ", ".join(f"{counts[word]} {word}" for word in order if counts[word])
    return f"{said or 'no tests ran'} in {seconds:.2f}s"


def benchmarks(*, long: bool, publish: bool = False) -> list[Step]:
    """Run every script in ``tests/benchmarks``, each of which prints its table.

    ``long``: with a million accounts. ``publish``: their tables are written to a page, if all scripts ended well.
    """
    scripts = [path for path in sorted(BENCHMARKS.glob("*.py")) if not path.name.startswith(("_", "conftest"))]
    more = ["--long"] if long else []
    steps = [run(path.stem, [str(PYTHON), str(path), *more], keeps_errors=False) for path in scripts]
    steps = steps or [Step("benchmarks", 1, 0, "there are none")]
    if publish and not any(step.code for step in steps):
        with tempfile.TemporaryDirectory() as folder:
            tables = Path(folder) / "tables.json"
            tables.write_text(json.dumps({step.name: step.output for step in steps}))
            steps.append(run("publication", [str(PYTHON), "-m", "tests.benchmarks._publication", str(tables)]))
    return steps


def run(name: str, command: list[str], *, as_it_comes: bool = True, keeps_errors: bool = True) -> Step:
    """Run one command, and keep its output.

    The output is passed on ``as_it_comes`` or left to the caller. Without ``keeps_errors`` the standard error is only shown.
    """
    if as_it_comes:
        print(title(name), flush=True)
    started = time.monotonic()
    environment = os.environ | {
        "PATH": f"{Path(command[0]).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")])),
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "",  # hundreds of processes are started: each would compile everything anew
    }
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if keeps_errors else None,
        stdin=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    said = b""
    while chunk := os.read(process.stdout.fileno(), 65_536):
        said += chunk
        if as_it_comes:
            sys.stdout.buffer.write(chunk)
            sys.stdout.buffer.flush()
    return Step(name, process.wait(), time.monotonic() - started, said.decode(errors="replace"))


def title(name: str) -> str:
    """Return the line above the output of a step."""
    return f"\n── {name} " + "─" * (70 - len(name))


def summary(steps: list[Step]) -> int:
    """Say how each step ended; pytest's own closing line comes last."""
    print("\n── summary " + "─" * 63)
    for step in steps:
        verdict = "not tried" if step.code is None else "FAILED" if step.code else "ok"
        print(f"{verdict:9}  {step.seconds:7.1f} s  {step.name}")
    failed = [step for step in steps if step.code]
    print(f"\n{steps[-1].last_line}", flush=True)
    return 1 if failed else 0


def set_up(programs: Mapping[str, tuple[str, ...]]) -> str:
    """Install missing packages and ``programs`` at once.

    Returns the faults in words, or "".
    """
    with ThreadPoolExecutor() as at_once:
        faults = [at_once.submit(set_up_packages), at_once.submit(set_up_programs, programs)]
        return "\n".join(filter(None, (fault.result() for fault in faults)))


def set_up_packages() -> str:
    """Make the virtual environment, and install when the project's file changed.

    Returns the fault in words, or "".
    """
    wanted = hashlib.sha256((ROOT / "pyproject.toml").read_bytes() + sys.version.encode()).hexdigest()
    if PYTHON.exists() and STAMP.exists() and STAMP.read_text() == wanted:
        return ""
    print("Setting up: this takes a minute or two.", flush=True)
    STAMP.unlink(missing_ok=True)
    if not PYTHON.exists():
        fault = output_of_failure([sys.executable, "-m", "venv", str(HOME)])
        if fault:
            return f"The virtual environment could not be made (Debian and Ubuntu: apt install python3-venv).\n{fault}"
    pip = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
    uv = [str(HOME / "bin" / "uv"), "pip", "install", "--quiet", "--python", str(PYTHON)]
    everything = ["--editable", ".[test]"]
    # uv takes a quarter of pip's time. It does not read pip's settings, such as another index: there pip does it.
    fault = first_fault([*pip, "uv"], [*uv, *everything])
    if fault:
        # The pip that came with Python may be too old to find what fits in reasonable time.
        fault = first_fault([*pip, "--upgrade", "pip"], [*pip, *everything])
    if fault:
        return f"The packages could not be installed; this needs the network.\n{fault}"
    STAMP.write_text(wanted)
    return ""


def first_fault(*commands: list[str]) -> str:
    """Run commands until one fails. Returns the last lines of that one, or ""."""
    return next(filter(None, map(output_of_failure, commands)), "")


def set_up_programs(programs: Mapping[str, tuple[str, ...]]) -> str:
    """Install browsers and servers if they are missing and that is allowed.

    Returns a line about the missing ones, or "".
    """
    missing = [package for package, names in programs.items() if not any(map(is_there, names))]
    if not missing:
        return ""
    asked = "apt-get install " + " ".join(missing)
    if os.name == "nt" or os.geteuid() != 0 or shutil.which("apt-get") is None:
        return f"The tests need {' and '.join(missing)}. Install what is missing and run them again, e.g. {asked}"
    print(f"Installing {' and '.join(missing)} from the system's packages.", flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", *missing]):
        if fault := output_of_failure(command, environment):
            return f"{' '.join(command)} failed:\n{fault}"
    return ""


def is_there(program: str) -> bool:
    """Tell if a program is on the path, or where a pattern of paths says.

    PostgreSQL's package puts its programs beside the path, and starts a cluster of its own, which the tests do not touch.
    """
    return bool(glob.glob(program)) if "/" in program else shutil.which(program) is not None


def output_of_failure(command: list[str], environment: dict[str, str] | None = None) -> str:
    """The last lines of a command that failed, or "" where it did not."""
    done = subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True)
    if done.returncode == 0:
        return ""
    return "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:]) or f"exit code {done.returncode}"


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
