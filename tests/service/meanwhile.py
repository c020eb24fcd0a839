"""Deeds of others that come between a look at an account and the write that follows it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.harness import World

Deed = Callable[[], Awaitable[Any]]


def before(patch: pytest.MonkeyPatch, world: World, call: str, deed: Deed) -> list[str]:
    """Do ``deed`` once, right before the store's next ``call`` ("load", "swap").

    Returns a list that names the call as soon as the deed was done.
    """
    real, done = getattr(world.store, call), list[str]()

    async def called(*given: Any, **named: Any) -> Any:
        if not done:
            done.append(call)
            await deed()
        return await real(*given, **named)

    patch.setattr(world.store, call, called)
    return done


def after(patch: pytest.MonkeyPatch, world: World, call: str, deed: Deed) -> list[str]:
    """Do ``deed`` once, between the store's next ``call`` and its answer."""
    real, done = getattr(world.store, call), list[str]()

    async def called(*given: Any, **named: Any) -> Any:
        answer = await real(*given, **named)
        if not done:
            done.append(call)
            await deed()
        return answer

    patch.setattr(world.store, call, called)
    return done
