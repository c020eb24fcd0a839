"""The blocks of the source that each test enters, measured once and kept in ``.mutants``.

A file of tests is measured again when it has changed. Remove the folder to measure everything anew.
"""

from __future__ import annotations

import builtins
import gzip
import hashlib
import importlib
import json
import pkgutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

from .blocks import MARKS, with_marks

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "mfa_gate"
KEPT = ROOT / ".mutants"
AT_IMPORT = KEPT / "at_import.json"
"""The blocks of functions that are entered when everything is imported."""


@dataclass(frozen=True)
class Reached:
    """One test: its id, its seconds of processor time, and the blocks that it enters."""

    test: str
    seconds: float
    blocks: frozenset[str]

    @property
    def file(self) -> str:
        """Return the file of the test, relative to the checkout."""
        return self.test.partition("::")[0]


def kept(file: str) -> Path:
    """Return where the measurement of a file of tests lies, by its path and its content."""
    content = hashlib.sha256((ROOT / file).read_bytes()).hexdigest()[:16]
    return KEPT / f"{file.replace('/', '.')}.{content}.json.gz"


@cache
def reached(file: str) -> tuple[Reached, ...]:
    """Read what the tests of a file reach; none where it was never measured."""
    if not kept(file).exists():
        return ()
    read = json.loads(gzip.decompress(kept(file).read_bytes()))
    names = [sys.intern(name) for name in read["blocks"]]
    return tuple(
        Reached(test, seconds, frozenset(name for name, bit in zip(names, bits, strict=True) if bit == "1"))
        for test, seconds, bits in read["tests"]
    )


def entered_at_import() -> frozenset[str]:
    """Read the blocks that the import of everything enters; none where it was never measured."""
    return frozenset(json.loads(AT_IMPORT.read_text(encoding="utf-8"))) if AT_IMPORT.exists() else frozenset()


def make_marked(source: Path) -> list[str]:
    """Write a copy of the package with a mark in each block.

    Returns the names of the blocks by their number.
    """
    numbers: dict[str, int] = {}
    for path in PACKAGE.rglob("*.py"):
        file = path.relative_to(PACKAGE).as_posix()
        made = with_marks(file, path.read_bytes(), lambda name: numbers.setdefault(name, len(numbers)))
        (source / "mfa_gate" / file).write_text(made, encoding="utf-8")
    # Programs that a test starts have nobody who reads their marks.
    (source / "sitecustomize.py").write_text(f"import builtins\nbuiltins.{MARKS} = bytearray({len(numbers)})\n")
    return list(numbers)


class Measured:
    """The plugin of pytest that writes down what each test enters.

    ``names`` are the blocks of the marked copy.
    """

    def __init__(self, names: list[str]) -> None:
        self.names = names
        self.marks = bytearray(len(names))
        self.shared: dict[tuple[str, str], int] = {}
        """What was entered for several tests: by a file's import, or by a fixture of more than one test."""
        self.rows: list[tuple[str, float, int]] = []
        self.failed: set[str] = set()
        self.caches: list[Callable[[], None]] = []

    def pytest_addoption(self) -> None:
        """Offer the marks before anything of the package is imported."""
        setattr(builtins, MARKS, self.marks)

    def pytest_sessionstart(self) -> None:
        """Import everything.

        What runs then is reached by no test of its own, and is kept by itself.
        """
        package = importlib.import_module("mfa_gate")
        for module in pkgutil.walk_packages(package.__path__, "mfa_gate."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
        self.caches = list(_caches(module for name, module in sys.modules.items() if name.startswith("mfa_gate")))
        entered = self._taken()
        KEPT.mkdir(exist_ok=True)
        AT_IMPORT.write_text(json.dumps([name for at, name in enumerate(self.names) if entered >> at & 1]), "utf-8")

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> Iterator[None]:
        """Keep what a file enters when it is read."""
        before = self._taken()
        report = yield
        self._add((collector.nodeid.partition("::")[0], ""), self._taken())
        self._give_back(before)
        return report

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest
    ) -> Iterator[None]:
        """Keep what a fixture enters that several tests share."""
        before = self._taken()
        made = yield
        entered = self._taken()
        if fixturedef.scope != "function":
            self._add((fixturedef.argname, fixturedef.scope), entered)
        self._give_back(before | entered)
        return made

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
        """Write a row for a test, and the file when this was its last."""
        for clear in self.caches:
            clear()
        self._taken()
        started = time.process_time()
        ran = yield
        seconds = time.process_time() - started
        file = item.nodeid.partition("::")[0]
        names = {*getattr(item, "fixturenames", ()), file}
        entered = self._taken()
        for (name, _), mask in self.shared.items():
            entered |= mask if name in names else 0
        self.rows.append((item.nodeid, round(seconds, 4), entered))
        if nextitem is None or nextitem.nodeid.partition("::")[0] != file:
            self.write(file)
        return ran

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Leave out tests that fail or are skipped on the sound source: they notice nothing."""
        if not report.passed:
            self.failed.add(report.nodeid)

    def write(self, file: str) -> None:
        """Keep the rows as those of a file."""
        rows = [row for row in self.rows if row[0] not in self.failed]
        some = 0
        for _, _, mask in rows:
            some |= mask
        used = [index for index, bit in enumerate(reversed(f"{some:b}")) if bit == "1"]
        text = json.dumps(
            {
                "blocks": [self.names[index] for index in used],
                "tests": [(test, seconds, "".join(str(mask >> at & 1) for at in used)) for test, seconds, mask in rows],
                "left out": sorted(self.failed),
            }
        )
        KEPT.mkdir(exist_ok=True)
        for old in KEPT.glob(f"{file.replace('/', '.')}.*"):
            old.unlink()
        kept(file).write_bytes(gzip.compress(text.encode(), 5))
        self.rows, self.failed = [], set()

    def _taken(self) -> int:
        """Return the marks as a number, and take them away."""
        taken = int(self.marks.translate(_DIGITS)[::-1] or b"0", 2)
        self.marks[:] = bytes(len(self.marks))
        return taken

    def _give_back(self, mask: int) -> None:
        for index, bit in enumerate(reversed(f"{mask:b}")):
            if bit == "1":
                self.marks[index] = 1

    def _add(self, key: tuple[str, str], mask: int) -> None:
        self.shared[key] = self.shared.get(key, 0) | mask


_DIGITS = bytes((48, 49)) + bytes([49] * 254)
"""A byte 0 as the digit 0, any other as the digit 1."""


def _caches(modules: Iterable[ModuleType]) -> Iterator[Callable[[], None]]:
    """Find the caches of functions.

    The first test would be the only one that enters what is behind them.
    """
    for module in modules:
        for value in [*vars(module).values()]:
            inside = vars(value).values() if isinstance(value, type) else ()
            yield from (one.cache_clear for one in (value, *inside) if hasattr(one, "cache_clear"))
