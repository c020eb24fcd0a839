"""Approvals of a looser policy: whose count, how long, and what each trail tells."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from mfa_gate.core.model import SubjectKey
from mfa_gate.core.roles import Hand
from mfa_gate.core.rules import DAY
from mfa_gate.service.policy_approvals import ApprovedBefore, PolicyApprovals
from tests.harness import POLICY, START, World, make_world, running

LOOSER = replace(POLICY, digest="0123456789abcdef" * 4, text="version = 1\n")
MARY, PAUL = Hand("mary", "alpha"), Hand("paul", "alpha")


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Two tenants with a trail."""
    async with running(make_world()) as made:
        for tenant in ("alpha", "beta"):
            await made.engine.record([made.engine.moment().event("attempt.failed", SubjectKey(tenant, "ann"))])
        yield made


def approvals(world: World) -> PolicyApprovals:
    """Return the use cases."""
    return world.gate.service.policy_life.approvals


async def kept(world: World) -> int:
    """Count the rows of the policy's note."""
    return len(json.loads(await world.store.meta(f"policy:approvals:{LOOSER.digest}") or b"[]"))


async def test_an_approval_counts_for_thirty_days(world: World) -> None:
    """At its end it is gone from the note as well, with the next one."""
    for hand in (MARY, PAUL):
        await approvals(world).approve(LOOSER, hand, "read it")
    with pytest.raises(ApprovedBefore):
        await approvals(world).approve(LOOSER, MARY, "again")
    world.clock.at = START + 30 * DAY - 1
    assert [one.by for one in await approvals(world).of(LOOSER.digest)] == ["mary", "paul"]
    assert await kept(world) == 2
    world.clock.advance(1)
    assert await approvals(world).of(LOOSER.digest) == ()
    assert [one.by for one in await approvals(world).approve(LOOSER, MARY, "anew")] == ["mary"]
    assert await kept(world) == 1


async def test_what_a_trail_tells_of_an_approval(world: World) -> None:
    """The own tenant has the name, any other one a pseudonym."""
    await approvals(world).approve(LOOSER, MARY, "read it")
    await approvals(world).approve(LOOSER, Hand("operator:eve", ""), "read it")
    told = {
        tenant: [(e.actor, e.detail) for e in (await world.store.events(tenant, kind="policy.approved")).items]
        for tenant in ("alpha", "beta")
    }
    digest = {"digest": "0123456789ab"}
    assert told["alpha"] == [("operator:eve", digest), ("mary", digest)]
    assert told["beta"][0][0] == "operator:eve"
    pseudonym = told["beta"][1][0]
    assert pseudonym.startswith("approver-")
    assert (len(pseudonym), told["beta"][1][1]) == (19, digest)
