"""``impact`` says what enforcing does: the same week, on a copy of the same store."""

from __future__ import annotations

import copy
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from mfa_gate.core.model import Contacts, Subject, SubjectKey
from mfa_gate.service.impact import Replay, replay
from mfa_gate.stores.memory import MemoryStore
from tests.harness import World, running
from tests.stores import servers

from .rehearsal import Found, Person, begin, contacts, people_of, policy_of, traffic, week, world_of


async def on_file(people: list[Person]) -> dict[SubjectKey, Contacts]:
    """Return everybody's contacts."""
    keys = [SubjectKey(person.tenant, person.id) for person in people]
    return {key: await contacts(Subject(key.id, key.tenant)) for key in keys}


def stops_of(found: Replay) -> Found:
    """Count the stops by person, kind, reason and rules.

    A person who is walled out once for each request.
    """
    stops: Found = Counter()
    for stop in found.stops:
        stops[str(stop.key), stop.kind, stop.why, stop.rules] += stop.requests
    return stops


async def impact(world: World, people: list[Person]) -> Replay:
    """Judge the recorded week under the policy that it was recorded under."""
    service = world.gate.service
    parts = [part for tenant in ("alpha", "beta") for part in await service.report.parts(tenant)]
    return replay(policy_of("report-only"), parts, factors=service.engine.factors, contacts=await on_file(people))


async def rehearse(
    first: Any, second: Any, copied: Any, *, people: int, days: int, seed: int
) -> tuple[Found, Found, Replay]:
    """Let the week pass in report-only on one store and enforced on its copy.

    Returns both counts.
    """
    everybody, requests = people_of(people), traffic(people, days, seed)
    async with running(world_of("enforce", first)) as world:
        await begin(world, everybody)
    async with running(world_of("report-only", first)) as world:
        assert not await week(world, everybody, requests, answers=False)
        await world.gate.service.recorder.flush(all_hours=True)
        found = await impact(world, everybody)
    await copied()
    async with running(world_of("enforce", second)) as world:
        real = await week(world, everybody, requests, answers=True)
    assert sum(seen.requests for seen in found.people.values()) == len(requests)
    return stops_of(found), real, found


async def test_a_small_rehearsal() -> None:
    """Five people, two days, in memory."""
    store = MemoryStore()
    second = MemoryStore()

    async def copied() -> None:
        second._contents = copy.deepcopy(store._contents)

    told, real, _ = await rehearse(store, second, copied, people=5, days=2, seed=7)
    assert told == real
    assert {kind for _, kind, _, _ in told} >= {"asked", "enroll", "walled-out"}


@pytest.mark.long
@pytest.mark.parametrize("kind", ["sqlite", "redis"])
@pytest.mark.parametrize("seed", [1, 2])
async def test_a_week_of_fifteen_people(kind: str, seed: int, tmp_path: Path) -> None:
    """Fifteen people of two tenants, six routes, three browsers, two addresses, a week."""
    if kind == "sqlite":
        first, second = tmp_path / "first.db", tmp_path / "second.db"

        async def copied() -> None:
            for ending in ("", ".created"):
                shutil.copy(f"{first}{ending}", f"{second}{ending}")

        told, real, _ = await rehearse(
            f"sqlite:///{first}", f"sqlite:///{second}", copied, people=15, days=7, seed=seed
        )
        assert told == real
        return
    with servers.single(tmp_path) as server:
        urls = [f"redis://127.0.0.1:{server.port}/{number}" for number in (0, 1)]

        async def copied_over() -> None:
            with server.client() as client:
                names = server.keys()
                for name in names:
                    client.copy(name, name, destination_db=1)

        told, real, _ = await rehearse(urls[0], urls[1], copied_over, people=15, days=7, seed=seed)
    assert told == real
    assert {kind for _, kind, _, _ in told} >= {"asked", "enroll", "walled-out"}
