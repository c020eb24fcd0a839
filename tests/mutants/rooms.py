"""The files that get faults, and the tests that should notice them."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from .blocks import block_at, blocks_of
from .changes import Change, changes_of
from .copies import Copy
from .processes import run
from .reach import PACKAGE, ROOT, Measured, Reached, entered_at_import, kept, make_marked, reached

EQUIVALENTS = Path(__file__).with_name("equivalents.txt")
ROOMS = (
    *("core", "factors", "identity", "policyfile", "senders", "service", "stores", "web", "cli", "testing"),
    *("keyring", "argument_types", "host_functions", "middleware_order", "optional_parts", "passkey_site"),
)
"""The folders and the files of the package that have tests of their own name."""
ARE_TESTS = {"testing/store_suite.py"}
"""Files that are tests themselves: the faults of stores tell if they notice anything."""
BESIDE = {"service": ("web", "cli"), "web": ("service",), "policyfile": ("cli",)}
"""Rooms that call use cases of another room, some of which have no other caller: their tests are asked after its own."""
ENOUGH = 30
"""Seconds of tests that are asked about one fault; those of its mirror are asked in any case.

More of them would be a whole room for each that survives.
"""
TOGETHER = 12
"""Files of tests that one process measures."""


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

    def faulty(self) -> bytes:
        """Return the source of the file with the fault."""
        return self.change.made((PACKAGE / self.file).read_bytes())

    def __str__(self) -> str:
        """Return the line of it in a report, and in the list of those that are set aside."""
        return f"{self.file}: {self.change}"


def all_mutants(rooms: Sequence[str] = ROOMS) -> Iterator[Mutant]:
    """List every fault of these rooms, without those set aside by hand."""
    aside = set_aside()
    for path in sorted(PACKAGE.rglob("*.py")):
        file = path.relative_to(PACKAGE).as_posix()
        if Path(file).parts[0].removesuffix(".py") in rooms and file not in ARE_TESTS:
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


def files_for(room: str) -> list[str]:
    """List the files of tests that should notice a fault: its room's, attacks, rooms beside."""
    own = ROOT / "tests" / room
    files = [*own.rglob("test_*.py")] if own.is_dir() else [ROOT / "tests" / f"test_{room}.py"]
    for other in ("attacks", *BESIDE.get(room, ())):
        files += (ROOT / "tests" / other).rglob("test_*.py")
    return sorted(str(file.relative_to(ROOT)) for file in files)


def is_beside(file: str, room: str) -> bool:
    """Tell if a file of tests belongs to a room beside ``room``."""
    return file.startswith(tuple(f"tests/{other}/" for other in BESIDE.get(room, ())))


def mirror_of(file: str) -> str:
    """Return the file of tests that mirrors a file of the source: the first one to ask."""
    path = Path("tests") / file
    return path.with_name(f"test_{path.stem}.py").as_posix()


def asked(mutant: Mutant) -> list[Reached]:
    """List the tests that enter the block of a fault: of its room, attacks, rooms beside it.

    The nearest come first.

    Any test may notice a fault that works at the import: outside of functions, or in one that the import alone enters, such
    as the maker of a table's rows. The nearest are those in the mirror of
    the file, then those of its room and the attacks, then those that enter its file or none at all, as tests of tables
    do, then those that enter little else. Those that ``affordable`` leaves out are not asked.
    """
    source = (PACKAGE / mutant.file).read_bytes()
    block = block_at(blocks_of(mutant.file, source), mutant.change.place(source))
    every = [test for file in files_for(mutant.room) for test in reached(file)]
    if block is not None:
        entering = [test for test in every if block in test.blocks]
        every = entering if entering or block not in entered_at_import() else every
    mirror, within = mirror_of(mutant.file), f"{mutant.file}:"
    nearness = {
        file: (
            file != mirror,
            is_beside(file, mutant.room),
            _breadth(tests) > 0 and not any(name.startswith(within) for test in tests for name in test.blocks),
            _breadth(tests),
        )
        for file, tests in by_file(every).items()
    }
    every.sort(key=lambda test: (nearness[test.file], test.file))
    return affordable(every, mirror, mutant.room)


def affordable(every: Sequence[Reached], mirror: str, room: str) -> list[Reached]:
    """Pick the tests of the ``mirror``, and as many others as run in ``ENOUGH`` seconds.

    They stay in their order.

    The quick ones are picked: of two hundred tests that enter a block, one that draws for ten seconds would else take the
    place of a hundred. Those of a room beside ``room`` get what is left.
    """
    cheap = sorted(every, key=lambda test: (test.file != mirror, is_beside(test.file, room), test.seconds))
    until = itertools.accumulate(test.seconds for test in cheap)
    picked = {test.test for test, spent in zip(cheap, until, strict=True) if spent <= ENOUGH or test.file == mirror}
    return [test for test in every if test.test in picked]


def by_file(tests: Sequence[Reached]) -> dict[str, list[Reached]]:
    made: dict[str, list[Reached]] = {}
    for test in tests:
        made.setdefault(test.file, []).append(test)
    return made


def _breadth(tests: Sequence[Reached]) -> float:
    return sum(len(test.blocks) for test in tests) / len(tests)


def measure(rooms: Sequence[str], folder: Path, at_once: int) -> None:
    """Measure what the tests of these rooms reach, where that is not known.

    Raises ``SystemExit`` if tests cannot be read: every fault would seem to be noticed.
    """
    files = sorted({file for room in rooms for file in files_for(room) if not kept(file).exists()})
    if not files:
        return
    print(f"{len(files)} files of tests are measured", flush=True)
    copies = [Copy(folder / str(number)) for number in range(at_once)]
    numbered = [make_marked(copy.source) for copy in copies]
    names = numbered[0]
    free: SimpleQueue[Copy] = SimpleQueue()
    for copy in copies:
        free.put(copy)

    def measured(some: Sequence[str]) -> None:
        copy = free.get()
        ran = run(copy.source, some, [Measured(names)], seconds=3600)
        free.put(copy)
        if ran.code not in (0, 1, 5):  # 1: a test fails on the sound source and is left out; 5: no test was chosen
            raise SystemExit(f"{' '.join(some)} cannot be read:\n{ran.output[-2000:]}")
        for file in some:
            if not kept(file).exists():
                Measured(names).write(file)

    with ThreadPoolExecutor(at_once) as threads:
        list(threads.map(measured, [files[at : at + TOGETHER] for at in range(0, len(files), TOGETHER)]))
