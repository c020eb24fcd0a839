"""The deeds of a busy worker: guesses, right answers and visits.

Each is noted with its time and its outcome.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from typing import Any

import pyotp

from mfa_gate import Subject
from mfa_gate.core.entropy import handle_digest
from mfa_gate.core.model import Caller, SubjectKey
from mfa_gate.errors import MFAGateError, StoreUnavailable
from mfa_gate.factors.totp import Totp
from mfa_gate.service import Verified
from tests.harness import FETCH, HOME, START, Browser, FixedClock, World

FASTER = 15
"""The workers' clock runs so many times faster than the machine's: the step of a code lasts two seconds."""
TENANT = "alpha"
AWAY = "unavailable"
_answering: ContextVar[str] = ContextVar("answering", default="")


@dataclass(frozen=True, slots=True)
class Seen:
    """One answer. Times are the machine's monotonic seconds, which all processes share."""

    deed: str
    person: str
    code: str
    outcome: str
    began: float
    ended: float


class QuickClock(FixedClock):
    """The clock of all workers. It may stand ``apart`` by some seconds in one of them."""

    def __init__(self, zero: float) -> None:
        self.zero, self.apart = zero, 0.0

    @property
    def at(self) -> float:  # type: ignore[override]
        """UTC seconds."""
        return START + (time.monotonic() - self.zero) * FASTER + self.apart

    def now(self) -> float:
        """UTC seconds."""
        return self.at


class Deeds:
    """The deeds of one worker, and all that it saw of the store while it did them."""

    def __init__(self, world: World, clock: QuickClock, app: str) -> None:
        self.world, self.clock, self.app = world, clock, app
        self.seen: list[Seen] = []
        self.compared: list[tuple[float, str]] = []
        """The time of each comparison, and the person whose answer was compared."""
        self._busy: list[asyncio.Task[None]] = []
        self._dice = random.Random(app)
        self._count()

    def _count(self) -> None:
        inner: Callable[..., Any] = Totp.verify

        def counted(*arguments: Any, **named: Any) -> Any:
            outcome = inner(*arguments, **named)
            if getattr(outcome, "reason", "") != "clock_ahead":  # said without a look at the answer
                self.compared.append((time.monotonic(), _answering.get()))
            return outcome

        Totp.verify = counted  # type: ignore[method-assign]

    def start(
        self, guessed: dict[str, str], proving: dict[str, str], cookies: dict[str, dict[str, str]], *, spread: float
    ) -> None:
        """Begin. The guesses for the people begin one after the other, over ``spread`` seconds.

        The people with ``cookies`` have proven a factor in the browser that has them.
        """
        self.seen.clear()
        self.compared.clear()
        for number, (id, secret) in enumerate(guessed.items()):
            self._go(self._guess(id, secret, after=spread * number / len(guessed)))
        for id, secret in proving.items():
            self._go(self._prove(id, secret))
            self._go(self._visit(id, cookies[id]))

    async def stop(self) -> dict[str, Any]:
        """Stop, and tell what was seen."""
        for task in self._busy:
            task.cancel()
        ended = await asyncio.gather(*self._busy, return_exceptions=True)
        self._busy.clear()
        faults = [repr(one) for one in ended if one is not None and not isinstance(one, asyncio.CancelledError)]
        return {"seen": [asdict(one) for one in self.seen], "compared": self.compared, "faults": faults}

    async def burst(self, id: str, secret: str, count: int) -> int:
        """Give so many wrong answers at once. Returns the number of comparisons."""
        before = len(self.compared)
        codes = wrong_codes(secret, self.clock.at, self._dice)
        await asyncio.gather(*(self._answer("burst", id, next(codes)) for _ in range(count)))
        return len(self.compared) - before

    def _go(self, deed: Awaitable[None]) -> None:
        self._busy.append(asyncio.ensure_future(deed))

    async def _guess(self, id: str, secret: str, *, after: float) -> None:
        """Give wrong answers for one person, and go on when the account is locked."""
        await asyncio.sleep(after)
        codes = wrong_codes(secret, self.clock.at, self._dice)
        while True:
            outcome = await self._answer("guess", id, next(codes))
            await asyncio.sleep((1.0 if outcome == "locked" else 0.3) * (0.5 + self._dice.random()))

    async def _prove(self, id: str, secret: str) -> None:
        """Give the right answer of each step, as the other workers do at the same time."""
        totp, last = pyotp.TOTP(secret), 0
        while True:
            step = int(self.clock.at - self.clock.apart) // 30  # the phone's clock is right
            if step != last:
                last = step
                await self._answer("prove", id, totp.at(step * 30))
            await asyncio.sleep(0.1)

    async def _visit(self, id: str, cookies: dict[str, str]) -> None:
        """Ask for a guarded page again and again, in the browser that has proven a factor."""
        browser = Browser(self.world, cookies=cookies)
        while True:
            began = time.monotonic()
            reply = await browser.ask("GET", "/records", headers=FETCH)
            outcome = AWAY if reply.status == 503 else str(reply.status)
            self.seen.append(Seen("visit", id, "", outcome, began, time.monotonic()))
            await asyncio.sleep(0.2)

    async def _answer(self, deed: str, id: str, code: str) -> str:
        """Give one answer in a browser of its own, and note the outcome."""
        handle = f"{self._dice.getrandbits(190):048x}"
        caller = Caller(subject=Subject(id, TENANT, session="s"), handle=handle_digest(handle), network=HOME)
        began = time.monotonic()
        _answering.set(id)
        try:
            account = await self.world.store.load(SubjectKey(TENANT, id))
            result = await self.world.gate.service.verification.verify(
                caller, handle=handle, authenticator=account.authenticators[0].id, response=code
            )
            outcome = ("again" if result.again else "granted") if isinstance(result, Verified) else result.reason
        except MFAGateError:
            outcome = AWAY
        self.seen.append(Seen(deed, id, code, outcome, began, time.monotonic()))
        return outcome


def wrong_codes(secret: str, now: float, dice: random.Random) -> Iterator[str]:
    """Draw codes that are wrong for the next hours of the quick clock, each of them once."""
    taken = {pyotp.TOTP(secret).at(int(now) + 30 * step) for step in range(-5, 300)}
    while True:
        code = f"{dice.randrange(10**6):06d}"
        if code not in taken:
            taken.add(code)
            yield code


async def patiently(call: Callable[[], Awaitable[Any]], *, within: float = 60) -> Any:
    """Return the result of ``call`` as soon as the store gives one."""
    until = time.monotonic() + within
    while True:
        try:
            return await call()
        except StoreUnavailable:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(0.1)
