"""Questions that share a statement: none waits for nobody, and each gets its own answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from mfa_gate.errors import StoreUnavailable
from mfa_gate.stores.postgres.batches import Batches
from mfa_gate.stores.postgres.outcomes import OutcomeUnknown


class Server:
    """Answers with the question, in the loop's next turn; remembers what came together."""

    def __init__(self) -> None:
        self.together: list[int] = []
        self.free = asyncio.Event()
        self.free.set()

    async def answer(self, questions: Sequence[int]) -> list[int | Exception]:
        """Answer all at once. A negative question is answered with an exception."""
        self.together.append(len(questions))
        await self.free.wait()
        await asyncio.sleep(0)
        return [StoreUnavailable(str(question)) if question < 0 else question for question in questions]


@pytest.mark.parametrize("lanes", [1, 2, 3])
async def test_no_question_is_left_over(lanes: int) -> None:
    """A question that comes when the last answers are given is asked as well."""
    batches: Batches[int, int] = Batches(Server().answer, lanes=lanes)

    async def one_by_one(number: int) -> None:
        for turn in range(20):
            assert await batches.ask(number + turn, within=1) == number + turn

    await asyncio.gather(*(one_by_one(100 * number) for number in range(1, 6)))


async def test_those_who_wait_go_together() -> None:
    """A lone question goes at once; those that come meanwhile share the next statement."""
    server = Server()
    batches: Batches[int, int] = Batches(server.answer, lanes=1)
    server.free.clear()
    first = asyncio.ensure_future(batches.ask(1, within=1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    rest = [asyncio.ensure_future(batches.ask(number, within=1)) for number in (2, -3, 4)]
    await asyncio.sleep(0)
    server.free.set()
    assert await first == 1
    assert [repr(one) for one in await asyncio.gather(*rest, return_exceptions=True)] == [
        "2",
        "StoreUnavailable('-3')",
        "4",
    ]
    assert server.together == [1, 3]


async def test_what_was_not_sent_is_known() -> None:
    """A question that was never sent was not done; one that was sent has an unknown outcome."""
    server = Server()
    batches: Batches[int, int] = Batches(server.answer, lanes=1)
    server.free.clear()
    sent, waiting = await asyncio.gather(
        batches.ask(1, within=0.02), batches.ask(2, within=0.01), return_exceptions=True
    )
    assert isinstance(sent, OutcomeUnknown)
    assert isinstance(waiting, StoreUnavailable)
    assert not isinstance(waiting, OutcomeUnknown) or server.together == [2]
    late = asyncio.ensure_future(batches.ask(3, within=0.01))
    with pytest.raises(StoreUnavailable) as caught:
        await late
    assert not isinstance(caught.value, OutcomeUnknown)
    server.free.set()
    assert await batches.ask(4, within=1) == 4
    assert sum(server.together) == 3, "the late one was never sent"


async def test_no_statement_has_more_questions_than_are_allowed_together() -> None:
    """Questions that may wait for somebody else go alone."""
    server = Server()
    batches: Batches[int, int] = Batches(server.answer, lanes=1, together=1)
    assert await asyncio.gather(*(batches.ask(number, within=1) for number in range(4))) == [0, 1, 2, 3]
    assert server.together == [1, 1, 1, 1]
