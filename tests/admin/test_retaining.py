"""Retention: what is older than the policy keeps goes, told before it goes; the rest verifies from where it begins."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from mfa_gate.core.events import Event
from mfa_gate.core.model import Seconds
from mfa_gate.core.rules import DAY, AuditRules
from tests.harness import POLICY, RULES, START, World, make_world, running

KEPT = replace(RULES, audit=AuditRules(retention=Seconds(30 * DAY)))


def line(number: int, tenant: str = "alpha") -> Event:
    """A line of day ``number``."""
    return Event(id=f"{tenant}{number}", kind="attempt.failed", at=START + number * DAY, tenant=tenant, account="ann")


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Sixty days of two tenants; one keeps thirty, the other all."""
    policy = replace(POLICY, tenants={"alpha": KEPT, "beta": RULES})
    async with running(make_world(policy=policy)) as made:
        await made.store.append([line(number, tenant) for number in range(60) for tenant in ("alpha", "beta")])
        made.clock.advance(60 * DAY)
        yield made


async def test_what_is_old_goes_and_it_is_told(world: World) -> None:
    """Lines of exactly the age stay; the other tenant's policy keeps every line; a second run finds nothing."""
    retaining = world.gate.service.retaining
    assert await retaining.prune() == {"alpha": 30}
    assert [event.id for event in (await world.store.trail("alpha", limit=1)).items] == ["alpha30"]
    assert len((await world.store.trail("beta")).items) == 60
    (told,) = (await world.store.events("alpha", kind="audit.pruned")).items
    assert (told.reason, told.detail["before"]) == ("retention", START + 30 * DAY)
    broken, anchors = await retaining.verify()
    assert broken == {}
    assert {name: anchor.lines for name, anchor in anchors.items()} == {"alpha": 30}
    assert await retaining.prune() == {}
    assert len(world.kinds("audit.pruned")) == 1


async def test_a_beginning_that_nobody_pruned_is_missing(world: World) -> None:
    """S-124: who removes the oldest lines and moves the anchor is found, since nobody told of pruning."""
    assert await world.store.prune("beta", before=START + 10 * DAY) == 10
    assert await world.store.verify_trail("beta") == {}
    broken, _ = await world.gate.service.retaining.verify("beta")
    assert broken == {"beta": 0}


async def test_a_crash_between_telling_and_pruning(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was told and not done is done the next time; the other way round cannot be."""

    async def gone(*_: object, **__: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(world.store, "prune", gone)
        with pytest.raises(KeyboardInterrupt):
            await world.gate.service.retaining.prune()
    assert len((await world.store.trail("alpha")).items) == 61
    assert await world.gate.service.retaining.prune() == {"alpha": 30}
    assert len((await world.store.events("alpha", kind="audit.pruned")).items) == 2
