"""A gate that a start script has opened, before it ended or forked workers."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from mfa_gate.service.scheduler import Job
from tests.harness import FETCH, World, make_world
from tests.stores import postgres_servers, servers

pytestmark = [pytest.mark.waits, pytest.mark.filterwarnings("ignore::ResourceWarning")]
"""A loop that is over leaves its connections as they are: that is the very case."""

SCHEMAS = count()


@pytest.fixture(params=["sqlite", "redis", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty store of each kind."""
    if request.param == "redis":
        with servers.single(tmp_path) as server:
            yield f"redis://127.0.0.1:{server.port}"
    elif request.param == "postgres":
        yield f"{postgres_servers.shared().url}?schema=opened{os.getpid()}_{next(SCHEMAS)}"
    else:
        yield f"sqlite:///{tmp_path / 'mfa.db'}"
    gc.collect()


async def serve(world: World) -> None:
    """Serve one request as a worker does, and wait until its background work has begun."""
    worked = asyncio.Event()

    async def note() -> None:
        worked.set()

    world.gate.service.worker.jobs = (Job(name="break-glass", every=1, work=note, shared=False),)
    world.gate.service.worker.tick = 0.01
    ann = await world.browser()
    reply = await ann.ask("GET", "/records", headers=FETCH)
    assert (reply.status, reply.reason) == (403, "proof_required")
    await asyncio.wait_for(worked.wait(), 20)
    await world.gate.web.aclose()


def test_a_gate_that_a_start_script_has_opened(url: str) -> None:
    """The server opens it anew on its own event loop, with background work (F-40)."""
    world = make_world(store=url)
    asyncio.run(world.gate.health())
    asyncio.run(serve(world))


def test_a_start_script_with_a_loop_that_it_never_closes(url: str) -> None:
    """A loop that stands still does no background work either (F-40)."""
    world = make_world(store=url)
    with asyncio.Runner() as script:
        script.run(world.gate.health())
        with asyncio.Runner() as server:
            server.run(serve(world))


def test_workers_that_were_forked_after_it_was_opened(url: str) -> None:
    """Each has connections and background work of its own (F-40)."""
    world = make_world(store=url)
    asyncio.run(world.gate.health())
    children = []
    for _ in range(2):
        child = os.fork()
        if not child:
            code = 1
            try:
                asyncio.run(serve(world))
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
    asyncio.run(serve(world))
