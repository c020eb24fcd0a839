"""The head of each trail leaves the store every hour in which the trail has grown."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from mfa_gate.core.model import SubjectKey
from tests.harness import World, make_world, running, with_rules

from .intruder import IntoMemory

OWNER = "owner@example.org"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Two trails, and owners who want the heads by mail."""
    policy = with_rules(lambda rules: replace(rules, owner=f" {OWNER} ", audit=replace(rules.audit, mail_heads=True)))
    async with running(make_world(policy=policy)) as made:
        for tenant in ("alpha", "beta"):
            await grow(made, tenant)
        yield made


async def grow(world: World, tenant: str) -> None:
    """Write one more line."""
    await world.engine.record((world.engine.moment().event("attempt.failed", SubjectKey(tenant, "ann")),))


async def sent(world: World) -> list[tuple[str, int]]:
    """Do the hourly work.

    Returns the tenants and lines that were told, after comparing mails and events.
    """
    world.events.clear()
    world.email.messages.clear()
    await world.gate.service.head_reports.send()
    await world.engine.effects.idle()
    reader = world.gate.service.trail_reader
    told = []
    for event in world.kinds("audit.head"):
        head = reader.read_head(str(event.detail["head"]))
        assert (head.tenant, head.lines, event.actor) == (event.tenant, event.detail["lines"], "mfa_gate")
        assert head.point == await world.store.head(event.tenant)
        told.append((event.tenant, head.lines))
    mails = [(mail.tenant, mail.key) for mail in world.email.messages if mail.to == OWNER]
    assert mails == [(tenant, f"head-{tenant}-{lines}-0") for tenant, lines in told]
    for event, mail in zip(world.kinds("audit.head"), world.email.messages, strict=True):
        assert str(event.detail["head"]) in "".join(mail.text.split())
    return told


async def test_a_head_is_told_once(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """The hook, the log and the owner get it, and again only when the trail has grown."""
    with caplog.at_level(logging.INFO, logger="mfa_gate"):
        assert await sent(world) == [("alpha", 1), ("beta", 1)]
    assert "the trail of alpha has 1 lines" in caplog.text
    assert await sent(world) == []
    await grow(world, "beta")
    assert await sent(world) == [("beta", 2)]


async def test_an_altered_trail_has_no_head(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged, and the other trails are told."""
    await sent(world)
    into = IntoMemory(world.store)  # type: ignore[arg-type]
    loot = into.take()
    loot.notes["trail-head:alpha"] = b"forged"
    into.put(loot)
    for tenant in ("alpha", "beta"):
        await grow(world, tenant)
    assert await sent(world) == [("beta", 2)]
    assert "no head of the trail of alpha is reported: line 1: a signed note was altered" in caplog.text


@pytest.mark.parametrize(("owner", "wanted"), [(OWNER, False), ("", True), ("the team", True), ("a b@x.example", True)])
async def test_who_gets_no_mail(owner: str, wanted: bool) -> None:
    """The policy must ask for it and name one address.

    Hook and log have the head all the same.
    """
    policy = with_rules(lambda rules: replace(rules, owner=owner, audit=replace(rules.audit, mail_heads=wanted)))
    async with running(make_world(policy=policy)) as world:
        await grow(world, "alpha")
        await world.gate.service.head_reports.send()
        await world.engine.effects.idle()
        assert len(world.kinds("audit.head")) == 1
        assert world.email.messages == []
