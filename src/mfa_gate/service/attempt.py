"""Take one guess: charge an attempt, verify, settle.

Every guess goes through here, and none goes another way.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Generic, TypeVar

from ..core import changes
from ..core.changes import Change, Charge, Forwarded, InFlight
from ..core.changes.base import mark_of
from ..core.events import Moment
from ..core.model import Account, Caller, SubjectKey
from ..core.reasons import Refusal
from ..core.rules import Rules
from ..factors.base import Rejected
from .accounts import Engine
from .clock_watch import ClockWatch

log = logging.getLogger("mfa_gate")

V = TypeVar("V")
T = TypeVar("T")

IN_FLIGHT_TURNS = 40
THREADS = 8
MAX_OWED = 10_000

Verify = Callable[[], V | Rejected]
"""Checks the response. It is pure and may be slow; it raises only for a fault of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess(Generic[V, T]):
    """One response to be judged.

    ``answer`` is its digest: a copy of a success finds its result by it ("" if there are no copies). ``prepare`` gets
    the account after the charge, and returns the function that verifies. ``settle`` is a step: it gets the account
    that is written. ``finish`` may still turn an accepted response down (a name that must be unique). ``target`` is
    the id of the authenticator that is verified against. ``loaded`` is the account, if it was read just before.
    """

    caller: Caller
    rules: Rules
    factor: str
    answer: str
    prepare: Callable[[Account], Verify[V] | Rejected]
    settle: Callable[[Account, Moment, Charge, V], Change[T | Refusal]]
    finish: Callable[[V], Coroutine[Any, Any, Rejected | None]] | None = None
    target: str = ""
    loaded: Account | None = None


class Attempts:
    """The one way to take a guess. Factors see neither counters nor locks."""

    def __init__(self, engine: Engine, clock_watch: ClockWatch) -> None:
        self.engine = engine
        self.clock_watch = clock_watch
        self._owed: OrderedDict[SubjectKey, list[Charge]] = OrderedDict()
        self._under_way: set[asyncio.Task[Any]] = set()
        self._pool: ThreadPoolExecutor | None = None
        self._pool_of: int | None = None

    async def attempt(self, guess: Guess[V, T]) -> T | Forwarded | Refusal:
        """Judge one response. It runs to its end even if the client hangs up (F-12).

        A fault of ours gives the attempt back and is raised. The caller then answers 503, never "wrong code".
        """
        observer, began, outcome = self.engine.effects.observer, perf_counter(), "fault"
        try:
            work = self._attempt(guess)
            answer = await self.to_its_end(work)
            outcome = answer.reason if isinstance(answer, Refusal) else "granted"
        finally:
            if observer is not None:
                observer.verified(began, guess.factor, outcome)
        return answer

    async def to_its_end(self, work: Coroutine[Any, Any, T]) -> T:
        """Run ``work`` to its end, even if the caller is cancelled."""
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return await asyncio.shield(task)

    async def _attempt(self, guess: Guess[V, T]) -> T | Forwarded | Refusal:
        key = guess.caller.subject.key
        async with self.engine.turn(key):
            if guess.loaded is not None:
                self.engine.seen(guess.loaded)
            taken = await self._charge(guess)
            if not isinstance(taken, Charge):
                return taken
            was_wrong = False
            try:
                outcome = await self._verify(guess)
                if not isinstance(outcome, Rejected):
                    return await self._settle(guess, taken, outcome)
                was_wrong = not outcome.free
                refusal = await self._fail(guess, taken, outcome)
            except Exception:
                # A wrong response stays charged, even if the failure could not be written (S-37).
                if not was_wrong:
                    await self._give_back(guess, taken)
                raise
        await self.clock_watch.look(key, outcome)
        return refusal

    async def _charge(self, guess: Guess[V, T]) -> Charge | Forwarded | Refusal:
        """Take an attempt, or find the success that this answer is a copy of.

        Waits while other attempts are in flight.
        """
        caller, engine = guess.caller, self.engine
        moment = engine.moment_of(caller)
        owed = tuple(self._owed.get(caller.subject.key, ()))

        def step(account: Account) -> Change[Charge | Forwarded | InFlight | Refusal]:
            now = max(moment.now, account.seen_at)
            copied = guess.answer and caller.handle
            twin = changes.twin_of(account, caller.handle, guess.answer, now) if copied else None
            if twin is not None:
                return changes.keep(account, twin)
            for charge in owed:
                account = changes.give_back(account, taken=charge)
            return changes.charge(account, moment, guess.rules, browser=caller.handle)

        for _ in range(IN_FLIGHT_TURNS):
            outcome = await engine.change(caller.subject.key, step)
            if isinstance(outcome, InFlight):
                await asyncio.sleep(0.025)
                continue
            if owed and isinstance(outcome, Charge):
                self._owed.pop(caller.subject.key, None)
            return outcome
        return Refusal(reason="locked", attempts_remaining=0)

    async def _verify(self, guess: Guess[V, T]) -> V | Rejected:
        account = await self.engine.latest(guess.caller.subject.key)
        mark = mark_of(account, self.engine.now())
        if mark:
            await self.clock_watch.is_ahead(account, mark)
        if self.engine.clock_apart:
            await self.clock_watch.is_apart(account.key)
        verify = guess.prepare(account)
        if isinstance(verify, Rejected):
            return verify
        if self.engine.factors.traits[guess.factor].quick:
            outcome = verify()
        else:
            outcome = await asyncio.get_running_loop().run_in_executor(self._threads(), verify)
        if isinstance(outcome, Rejected) or guess.finish is None:
            return outcome
        return await guess.finish(outcome) or outcome

    async def _settle(self, guess: Guess[V, T], taken: Charge, outcome: V) -> T | Refusal:
        moment = self.engine.moment_of(guess.caller)
        return await self.engine.change(
            guess.caller.subject.key, lambda account: guess.settle(account, moment, taken, outcome)
        )

    async def _fail(self, guess: Guess[V, T], taken: Charge, rejected: Rejected) -> Refusal:
        """Settle a response that was not accepted."""
        moment = self.engine.moment_of(guess.caller)
        mark = f"{guess.target}:{rejected.mark}" if rejected.mark else ""
        return await self.engine.change(
            guess.caller.subject.key,
            lambda account: changes.settle_failure(
                account,
                moment,
                guess.rules,
                taken=taken,
                factor=guess.factor,
                reason=rejected.reason,
                free=rejected.free,
                alarm=rejected.alarm,
                spent=rejected.challenge,
                browser=guess.caller.handle,
                detail=rejected.detail,
                drift=rejected.drift,
                mark=mark,
            ),
        )

    async def _give_back(self, guess: Guess[V, T], taken: Charge) -> None:
        """Give back the attempt that a fault of ours has taken.

        If the store is away as well, it is given back with the next attempt.
        """
        try:
            await self._fail(guess, taken, Rejected(reason="fault", free=True))
        except Exception as error:
            log.warning(
                "the attempt that a fault of ours took could not be given back; it is given back with the next one: %s",
                error,
            )
            self._owed.setdefault(guess.caller.subject.key, []).append(taken)
            while len(self._owed) > MAX_OWED:
                self._owed.popitem(last=False)

    def _threads(self) -> ThreadPoolExecutor:
        """Return the threads that verify kinds that are not quick.

        They are used for nothing else, so neither other work nor verification waits for the other.
        """
        if self._pool is None or self._pool_of != os.getpid():
            self._pool = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="mfa-verify")
            self._pool_of = os.getpid()
        return self._pool

    async def aclose(self) -> None:
        """Wait up to five seconds for the work under way, then let go of the threads."""
        if self._under_way:
            await asyncio.wait(list(self._under_way), timeout=5)
        if self._pool is not None and self._pool_of == os.getpid():
            self._pool.shutdown(wait=False)
        self._pool = None
