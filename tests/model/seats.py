"""Browsers, clocks and stores of the model."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol

from mfa_gate.stores.memory import MemoryStore
from tests.harness import HOME, Browser

ANN, BOB, CAT, DAN, EVE = ("ann", "alpha"), ("bob", "alpha"), ("cat", "beta"), ("dan", "gamma"), ("eve", "delta")
PEOPLE = (ANN, BOB, CAT, DAN, EVE)


class Timed(Protocol):
    """A world with a clock, in UTC seconds."""

    at: float


class Inline(ThreadPoolExecutor):
    """A pool whose work is done at once: a change of threads costs more than the work."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **more: Any) -> Future[Any]:
        """Do it."""
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **more))
        except Exception as error:  # noqa: BLE001 - it is given to the one who waits
            done.set_exception(error)
        return done


@dataclass
class WorkerClock:
    """The clock of one worker: that of the world, and how far it is off."""

    world: Timed
    off: int = 0

    def now(self) -> float:
        """UTC seconds."""
        return self.world.at + self.off

    @property
    def at(self) -> float:
        """UTC seconds, as the browsers of the tests ask for them."""
        return self.now()


@dataclass
class Seat:
    """A browser with the reference's view of it.

    ``marks`` stand for the cookies of the gate, by person: who copies the cookie has the mark.
    """

    browser: Browser
    app: int
    worker: int
    network: str = HOME
    who: tuple[str, str] = ANN
    session: str = ""
    answered_with: str = ""
    """The cookie with which the last answer was sent."""
    marks: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def mark(self) -> int:
        """The mark of the person who is signed in; 0 for none."""
        return self.marks.get(self.who, 0)

    @property
    def cookie(self) -> str:
        """The values of the gate's cookies, "" for none. A jar may hold those of several people."""
        return " ".join(sorted(value for name, value in self.browser.cookies.items() if name.startswith("mfa-")))


class LastingMemory(MemoryStore):
    """A store in memory that several workers share: none closes it for the others."""

    async def aclose(self) -> None:
        """Leave it open."""
