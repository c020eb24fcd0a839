"""Callers of a server that does not answer: each is given up when its own time is over."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from mfa_gate.errors import StoreUnavailable
from mfa_gate.stores.redis.pipeline import Pipeline

PATIENCE = 20


def silent(*, answer_within: float) -> Pipeline:
    """Return a pipeline that never learns where its server is."""
    place: Any = SimpleNamespace(timing=SimpleNamespace(answer_within=answer_within))
    others: Any = SimpleNamespace()
    return Pipeline(place, asyncio.Event().wait, others)  # type: ignore[arg-type]


@pytest.mark.parametrize("callers", [1, 2, 3])
async def test_every_caller_is_given_up(callers: int) -> None:
    """One timer serves all callers, those of a later moment too."""
    pipeline = silent(answer_within=0.03)
    waiting = []
    for _ in range(callers):
        waiting.append(asyncio.ensure_future(pipeline.ask(("PING",))))
        await asyncio.sleep(0.01)
    async with asyncio.timeout(PATIENCE):
        found = await asyncio.gather(*waiting, return_exceptions=True)
    assert [isinstance(one, StoreUnavailable) for one in found] == [True] * callers
    await pipeline.aclose()


async def test_the_one_behind_a_caller_who_has_gone_is_given_up() -> None:
    """A caller who was cancelled is passed over."""
    pipeline = silent(answer_within=0.05)
    gone = asyncio.ensure_future(pipeline.ask(("PING",)))
    await asyncio.sleep(0.01)
    left = asyncio.ensure_future(pipeline.ask(("PING",)))
    await asyncio.sleep(0)
    gone.cancel()
    with pytest.raises(StoreUnavailable, match="in time"):
        async with asyncio.timeout(PATIENCE):
            await left
    await pipeline.aclose()
