"""Look for inputs that break a promise, and make those short that do."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from .mutation import Mutator
from .target import Check, Target

SOURCE = str(Path(__file__).resolve().parents[2] / "src")
SLOW = 3.0
"""Seconds of processor time for one input, after which it is an attack."""
TRACED = 4
"""One input in so many is traced: the search keeps those that reach new lines, and goes on from them."""
POOL = 600


@dataclass(frozen=True)
class Broken:
    """An input that broke the promise, and how."""

    target: Target
    data: bytes
    where: str
    told: str


class TooSlow(AssertionError):
    """The error for an input that costs far more than others."""


def fails(check: Check, data: bytes) -> tuple[str, str]:
    """Run one input.

    Returns the kind and place of its fault, and the whole text; "" twice where there is none.
    """
    began = time.process_time()
    try:
        check(data)
        if time.process_time() - began > SLOW:
            raise TooSlow(f"{time.process_time() - began:.1f} s")
    except Exception as fault:  # noqa: BLE001 - any fault is what is looked for
        frames = traceback.extract_tb(fault.__traceback__)
        last = next((frame for frame in reversed(frames) if frame.filename.startswith(SOURCE)), frames[-1])
        return f"{type(fault).__name__} at {Path(last.filename).name}:{last.lineno}", "".join(
            traceback.format_exception(fault)
        )
    return "", ""


class Search:
    """A search for faults of one target."""

    def __init__(self, target: Target, *, seed: int | str = 0, guided: bool = False) -> None:
        """Set ``guided`` to trace the source, and keep the inputs that reach new lines."""
        self.target = target
        self.seeds = target.seeds()
        self.mutator = Mutator((*self.seeds, *target.found), target.words, f"{target.name} {seed}")
        self.guided = guided
        self.count = 0
        self.reached: set[tuple[str, int, int]] = set()
        self._known: set[str] = set()

    def run(self, *, inputs: int = 0, seconds: float = 0) -> Iterator[Broken]:
        """Try so many inputs, or for so long. Yields each new fault, with its shortest input."""
        until = time.monotonic() + seconds if seconds else float("inf")
        check = self.target.make()
        done = 0
        try:
            while (not inputs or done < inputs) and time.monotonic() < until:
                if done and done % self.target.fresh_every == 0:
                    self.target.close()
                    check = self.target.make()
                data = self.mutator.next()
                done, self.count = done + 1, self.count + 1
                where, told = self._guided(check, data) if self.guided and done % TRACED == 0 else fails(check, data)
                if where and where not in self._known:
                    self._known.add(where)
                    yield Broken(self.target, shortest(check, data, where), where, told)
        finally:
            self.target.close()

    def _guided(self, check: Check, data: bytes) -> tuple[str, str]:
        before = len(self.reached)
        sys.settrace(self._trace)
        try:
            outcome = fails(check, data)
        finally:
            sys.settrace(None)
        if len(self.reached) > before and len(data) < 20_000:
            pool = self.mutator.pool
            pool.append(data)
            if len(pool) > POOL:
                del pool[self.mutator.random.randrange(len(self.seeds), len(pool))]
        return outcome

    def _trace(self, frame: FrameType, event: str, _: Any) -> Any:
        name = frame.f_code.co_filename
        if not name.startswith(SOURCE):
            return None
        last = frame.f_lineno

        def local(frame: FrameType, event: str, _: Any) -> Any:
            nonlocal last
            if event == "line":
                self.reached.add((name, last, frame.f_lineno))
                last = frame.f_lineno
            return local

        return local


def shortest(check: Check, data: bytes, where: str, *, tries: int = 400) -> bytes:
    """Take bytes away as long as the same fault comes."""
    size = len(data) // 2
    while size and tries > 0:
        at = 0
        while at < len(data) and tries > 0:
            shorter = data[:at] + data[at + size :]
            tries -= 1
            if fails(check, shorter)[0] == where:
                data = shorter
            else:
                at += size
        size //= 2
    return data
