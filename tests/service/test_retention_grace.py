"""A shorter retention waits.

The longer one holds until the grace of the policy before is over.
"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from mfa_gate.core.model import Seconds
from mfa_gate.core.rules import AuditRules, ChangeRules, Policy, Rules
from mfa_gate.service.retention_grace import REPORT, TRAIL, Longer, RetentionGrace
from tests.harness import RULES, START, World

DAY = 86_400


def rules(days: int | None, grace: int = 10) -> Rules:
    """Keep lines for so many days (None: for good), with a grace of so many days."""
    retention = None if days is None else Seconds(days * DAY)
    return replace(RULES, audit=AuditRules(retention=retention), change=ChangeRules(grace=Seconds(grace * DAY)))


def policy(base: int | None, *, grace: int = 10, **tenants: int | None) -> Policy:
    """Make a policy with these retentions."""
    made = {name: rules(days, grace) for name, days in tenants.items()}
    return Policy(name="p", digest="0" * 64, base=rules(base, grace), tenants=made)


def days(longer: Longer | None) -> tuple[float | None, float] | None:
    """Tell a retention and its end in days from now on."""
    if longer is None:
        return None
    kept = None if longer.retention is None else longer.retention / DAY
    return kept, (longer.until - START) / DAY


@pytest.mark.parametrize(
    ("before", "after", "held"),
    [
        (policy(90), policy(30), (90, 10)),
        (policy(None), policy(30), (None, 10)),
        (policy(90, grace=5), policy(30, grace=0), (90, 5)),
        (policy(90), policy(90), None),
        (policy(30), policy(90), None),
        (policy(90), policy(None), None),
        (policy(90, grace=0), policy(30), None),
    ],
)
async def test_a_shorter_retention(
    world: World, before: Policy, after: Policy, held: tuple[float | None, float] | None
) -> None:
    """The longer one holds for the grace of the policy before; a longer one counts at once."""
    grace = RetentionGrace(world.engine, TRAIL)
    await grace.note(before, after)
    assert days(await grace.for_tenant("other")) == held
    assert await RetentionGrace(world.engine, REPORT).for_tenant("other") is None
    if held is not None:
        world.clock.advance(held[1] * DAY - 1)
        assert days(await grace.for_tenant("other")) == held
        world.clock.advance(1)
        assert await grace.for_tenant("other") is None
        assert await world.store.meta(TRAIL) is not None
        await world.store.prune_meta(before=world.engine.now() + 1, limit=10)
        assert await world.store.meta(TRAIL) is None


async def test_a_tenant_has_its_own(world: World) -> None:
    """A tenant's section is looked at by itself.

    One that is new has the grace of the file's rules.
    """
    grace = RetentionGrace(world.engine, TRAIL)
    await grace.note(policy(90, alpha=60, beta=60), policy(90, alpha=30, beta=60))
    held = {tenant: days(await grace.for_tenant(tenant)) for tenant in ("alpha", "beta", "unknown")}
    assert held == {"alpha": (60, 10), "beta": None, "unknown": None}
    await grace.note(policy(90), policy(30))
    assert days(await grace.for_tenant("unknown")) == (90, 10)
    world.clock.advance(DAY)
    await grace.note(policy(30), policy(30, gamma=30))
    assert days(await grace.for_tenant("gamma")) == (90, 10)


async def test_a_second_step_within_the_grace_waits_anew(world: World) -> None:
    """The longest retention holds, until the later end; what is over is forgotten."""
    grace = RetentionGrace(world.engine, TRAIL)
    await grace.note(policy(90), policy(60))
    world.clock.advance(4 * DAY)
    await grace.note(policy(60), policy(30))
    assert days(await grace.for_tenant("other")) == (90, 14)
    await grace.note(policy(30, grace=1), policy(20))
    assert days(await grace.for_tenant("other")) == (90, 14)
    world.clock.advance(10 * DAY)
    await grace.note(policy(30), policy(20))
    assert days(await grace.for_tenant("other")) == (30, 24)


async def test_the_grace_of_a_tenant_that_the_policy_names(world: World) -> None:
    """It has its own, or none; the others have that of the file."""
    grace = RetentionGrace(world.engine, TRAIL)
    rows = {"": [5 * DAY, START + DAY], "gone": [7 * DAY, START + DAY]}
    await world.store.put_meta(TRAIL, json.dumps(rows).encode())
    world.engine.use_policy(policy(3, alpha=3))
    found = [await grace.for_tenant(tenant) for tenant in ("alpha", "gone", "unknown")]
    assert [longer and longer.retention for longer in found] == [None, 7 * DAY, 5 * DAY]
    world.clock.advance(DAY)
    assert await grace.for_tenant("unknown") is None
