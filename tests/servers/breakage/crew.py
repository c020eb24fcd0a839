"""Workers of three applications on one store, and a round in which it breaks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from tests.beside import beside

APPS = ("web", "desktop", "api")
SETTLED = 3.0
"""Seconds of work before the store breaks, and after it must be back."""
BACK_WITHIN = 5.0
_ROUNDS = count(1)


@dataclass(frozen=True, slots=True)
class Way:
    """One worker's way to the store: its URL, and its network.

    ``network`` is the file that stands for it ("": ours).
    """

    url: str
    network: str = ""


@dataclass(slots=True)
class Stage:
    """Servers that can break, as the workers see them.

    ``breaks`` breaks them, waits, and mends them. It returns for each worker the time from which on it must be served again.
    ``sides`` is the number of stores that may go on apart from each other: the documentation says where it is more than one.
    """

    ways: Sequence[Way]
    breaks: Callable[[Crew], Sequence[float]]
    lasts: float
    sides: int = 1


@dataclass(slots=True)
class Round:
    """All that one round tells the audit."""

    guessed: dict[str, str]
    proving: dict[str, str]
    reports: list[dict[str, Any]]
    looks: list[dict[str, Any]]
    bursts: dict[str, int]
    trail: dict[str, str]
    broke_at: float
    back_at: Sequence[float]
    resident: list[tuple[int, int]] = field(default_factory=list)


class Crew:
    """The workers of a stage."""

    def __init__(self, asks: Sequence[Callable[[Any], Any]], threads: ThreadPoolExecutor) -> None:
        self._asks, self._threads = asks, threads

    def one(self, number: int, order: str, **more: Any) -> Any:
        """Give one worker an order, and return its answer."""
        return self._asks[number]((order, more))

    def all(self, order: str, **more: Any) -> list[Any]:
        """Give all workers the same order at once, and return their answers."""
        return [*self._threads.map(lambda ask: ask((order, more)), self._asks)]

    def work(self, stage: Stage, *, people: int = 18) -> Round:
        """Work for one round, in the midst of which the store breaks."""
        number = next(_ROUNDS)
        guessed, _ = self._enrolled(f"guessed{number}", people)
        proving, cookies = self._enrolled(f"proving{number}", 4)
        fresh, _ = self._enrolled(f"fresh{number}", 3)
        spread = stage.lasts + 2 * SETTLED
        before = self.all("start", guessed=guessed, proving=proving, cookies=cookies, spread=spread)
        time.sleep(SETTLED)
        broke_at = time.monotonic()
        back_at = stage.breaks(self)
        time.sleep(max(0.0, max(back_at) + BACK_WITHIN + SETTLED - time.monotonic()))
        reports = self.all("stop")
        for id, secret in guessed.items():  # those whose turn came late
            self.one(0, "burst", person=id, secret=secret, count=12)
        bursts = {id: sum(self.all("burst", person=id, secret=secret, count=40)) for id, secret in fresh.items()}
        return Round(
            guessed=guessed,
            proving=proving,
            reports=reports,
            looks=self.all("look", people=[*guessed, *proving, *fresh]),
            bursts=bursts,
            trail=self.one(0, "trail"),
            broke_at=broke_at,
            back_at=back_at,
            resident=[(first, report["resident"]) for first, report in zip(before, reports, strict=True)],
        )

    def _enrolled(self, name: str, count: int) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
        """Enroll some people. Returns their secrets, and the cookies of their browsers."""
        found = self.one(0, "enroll", people=[f"{name}-{n}" for n in range(count)])
        return found["secrets"], found["cookies"]


@contextmanager
def crew(ways: Sequence[Way]) -> Iterator[Crew]:
    """Start a worker for each way, each of another application, and close them at the end."""
    with ExitStack() as stack:
        asks = [stack.enter_context(beside("tests.servers.breakage.worker")) for _ in ways]
        threads = stack.enter_context(ThreadPoolExecutor(len(ways)))
        made = Crew(asks, threads)
        zero = time.monotonic()
        for ask, way, app in zip(asks, ways, APPS, strict=False):
            ask({"store": way.url, "app": app, "zero": zero, "network": way.network})
        made.one(0, "open")  # the first one makes the store
        made.all("open")
        yield made
        made.all("close")
