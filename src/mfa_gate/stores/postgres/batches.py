"""Questions to the server that share a statement.

Those that come while others are under way go together. A lone question goes at once. Under load one round trip, and one
wait for the disk, serves many.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from ...errors import StoreUnavailable
from .outcomes import OutcomeUnknown

Q = TypeVar("Q")
A = TypeVar("A")

_TOGETHER = 64


@dataclass(slots=True, eq=False)
class _Waiting(Generic[Q, A]):
    question: Q
    until: float
    answer: asyncio.Future[A] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    is_begun: bool = False


class Batches(Generic[Q, A]):
    """The questions of one kind on one event loop.

    ``work`` answers several at once: for each its answer, or the exception that its caller gets. ``lanes`` is the number
    of statements that may be under way at the same time, ``together`` the most questions of one statement.
    """

    def __init__(
        self,
        work: Callable[[Sequence[Q]], Awaitable[Sequence[A | Exception]]],
        *,
        lanes: int,
        together: int = _TOGETHER,
    ) -> None:
        self._work = work
        self._lanes = lanes
        self._together = together
        self._queue: deque[_Waiting[Q, A]] = deque()
        self._busy = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def ask(self, question: Q, *, within: float) -> A:
        """Return the answer within so many seconds.

        A caller that is cancelled leaves its question to its end. Raises ``OutcomeUnknown`` if the question was
        sent, else ``StoreUnavailable``, where no answer came.
        """
        loop = asyncio.get_running_loop()
        mine = _Waiting[Q, A](question, loop.time() + within)
        self._queue.append(mine)
        if self._busy < self._lanes:
            self._busy += 1
            task = loop.create_task(self._drain())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        done, _ = await asyncio.wait((mine.answer,), timeout=within)
        if done:
            return mine.answer.result()
        if mine.is_begun:
            raise OutcomeUnknown("PostgreSQL does not answer in time")
        raise StoreUnavailable("PostgreSQL did not come to it in time")

    async def _drain(self) -> None:
        clock = asyncio.get_running_loop().time
        while self._queue:
            batch: list[_Waiting[Q, A]] = []
            while self._queue and len(batch) < self._together:
                waiting = self._queue.popleft()
                if waiting.until > clock():  # else its caller was told that nothing was sent
                    waiting.is_begun = True
                    batch.append(waiting)
            if batch:
                await self._answer(batch)
        # At once, and not when the task has ended: a question that comes in between would wait for nobody.
        self._busy -= 1

    async def _answer(self, batch: list[_Waiting[Q, A]]) -> None:
        answers: Sequence[A | Exception]
        try:
            answers = await self._work([waiting.question for waiting in batch])
        except Exception as error:
            answers = [error] * len(batch)
        for waiting, answer in zip(batch, answers, strict=True):
            if isinstance(answer, Exception):
                waiting.answer.set_exception(answer)
                waiting.answer.exception()  # the caller may be gone
            else:
                waiting.answer.set_result(answer)
