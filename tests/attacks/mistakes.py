"""Mistakes that a second factor can have, as patches of this process.

With them, tests of races and crashes show that they can fail.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from mfa_gate.core import changes
from mfa_gate.core.changes import Charge, Granted
from mfa_gate.core.events import Event
from mfa_gate.core.model import Account, SubjectKey
from mfa_gate.core.reasons import Refusal
from mfa_gate.service.accounts import Engine
from mfa_gate.service.attempt import Attempts, Guess
from mfa_gate.storage import Store
from mfa_gate.stores.postgres import PostgresStore
from mfa_gate.stores.redis import RedisStore
from mfa_gate.stores.sqlite import SQLiteStore


def break_the_counter() -> None:
    """The mistake that this project is about: look, compare, then count; and nothing lines up."""

    async def look(self: Attempts, guess: Guess[Any, Any]) -> Charge | Refusal:
        account = await self.engine.store.load(guess.caller.subject.key)
        if account.lock is not None or account.attempts.used >= guess.rules.attempts.max:
            return Refusal(reason="locked")
        await asyncio.sleep(0.005)
        return Charge(series=account.attempts.series, remaining=0)

    async def count(self: Attempts, guess: Guess[Any, Any], *_: Any) -> Refusal:
        moment = self.engine.moment()

        def step(account: Account) -> Any:
            taken = changes.charge(account, moment, guess.rules)
            return replace(taken, answer=Refusal(reason="wrong_code"))

        return await self.engine.change(guess.caller.subject.key, step)

    Attempts._charge = look  # type: ignore[method-assign]
    Attempts._fail = count  # type: ignore[assignment,method-assign]
    Engine.turn = lambda self, key: asyncio.Lock()  # type: ignore[method-assign]


def split_the_success() -> None:
    """The mistake of two writes: first the proof, then all that uses the answer up."""
    change = Engine.change

    async def twice(self: Engine, key: SubjectKey, step: Callable[[Account], Any]) -> Any:
        def proof(account: Account) -> Any:
            made = step(account)
            if isinstance(made.answer, Granted):
                made = replace(made, account=replace(account, browsers=made.account.browsers))
            return made

        def rest(account: Account) -> Any:
            made = step(account)
            return replace(made, account=replace(made.account, browsers=account.browsers), events=())

        answer = await change(self, key, proof)
        if isinstance(answer, Granted):
            await change(self, key, rest)
        return answer

    Engine.change = twice  # type: ignore[method-assign]


def split_the_swap() -> None:
    """Make a store write the account first and its events afterwards.

    The mistake shows only if a process dies inside a call.
    """
    for kind in (SQLiteStore, RedisStore, PostgresStore):
        kind.swap = _torn(kind.swap)  # type: ignore[method-assign]


def _torn(swap: Any) -> Any:
    async def torn(self: Store, account: Account, events: Sequence[Event] = (), /) -> bool:
        done: bool = await swap(self, account)
        if done and events:
            await asyncio.sleep(0.05)
            await self.append(events)
        return done

    return torn


MISTAKES: dict[str, Callable[[], None]] = {
    "none": lambda: None,
    "counter": break_the_counter,
    "success": split_the_success,
    "swap": split_the_swap,
}
