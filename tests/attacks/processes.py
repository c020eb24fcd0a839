"""Starting workers in a fresh interpreter, and a file for them to start from."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.beside import beside
from tests.harness import Browser, World, make_world, running

ROOT = Path(__file__).resolve().parents[2]


def told(module: str, what: Any) -> Any:
    """Run ``module`` in a fresh interpreter, hand it ``what``, and return its answer."""
    with beside(module) as ask:
        return ask(what)


def burst(
    path: Path, now: float, answers: Sequence[Sequence[tuple[str, str]]], *, broken: bool = False
) -> tuple[int, dict[str, int]]:
    """Run one process for each list of answers, all at once.

    Returns the number of comparisons, and the count of each outcome.
    """
    what = {"path": str(path), "now": now, "answers": answers, "broken": broken}
    result = told("tests.attacks.worker", what)
    return result["compared"], result["outcomes"]


def on_file(path: Path, **more: Any) -> World:
    """A world on this file."""
    return make_world(store=f"sqlite:///{path}", **more)


async def prepared(path: Path, *, factor: str = "totp", failures: int = 0) -> Browser:
    """Prepare Ann with one factor and so many failures, in a file that nobody has open.

    Returns the browser in which she enrolled.
    """
    world = on_file(path)
    async with running(world):
        ann = await world.browser()
        await (ann.enroll() if factor == "totp" else ann.enroll_email())
        world.clock.advance(90)
        pending = await world.browser()
        pending.secret = ann.secret
        for number in range(failures):
            await pending.guess(number * 10, factor)
    await asyncio.sleep(0)
    return ann
