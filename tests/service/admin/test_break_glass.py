"""A grant whose time is over is ended by a job, also after days of rest."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mfa_gate.core.model import Account, Grant, SubjectKey
from mfa_gate.core.rules import DAY
from tests.harness import START, make_world, running
from tests.service.admin.people import way

ANN = SubjectKey("alpha", "ann")


@pytest.mark.parametrize(
    ("kind", "age", "ended"),
    [
        ("break_glass.granted", 3599, 0),
        ("break_glass.granted", 3600, 1),
        ("break_glass.asked", 3600, 1),
        ("break_glass.granted", 7 * DAY, 1),
        ("break_glass.granted", 7 * DAY + 1, 0),
        ("enrollment.ticket", 3600, 0),
    ],
)
async def test_a_grant_is_ended_within_a_week(kind: str, age: int, ended: int) -> None:
    """The trail of the last seven days tells which accounts are looked at."""
    grant = Grant(
        ref="G", asked_by="x", asked_at=START, reason="r", ticket="T", life=3600, epoch=0, ends_at=START + 3600
    )
    async with running(make_world()) as world:
        begun = world.engine.moment(actor="mary").event(kind, ANN)
        account = Account(key=ANN, authenticators=(way("totp"),), grant=grant)
        assert await world.store.swap(account, world.engine.chained([begun]))
        world.clock.advance(age)
        assert await world.gate.service.break_glass.expire() == ended
        assert (await world.account()).grant == (None if ended else replace(grant))
        assert len(world.kinds("break_glass.ended")) == ended


@pytest.mark.parametrize(("age", "ended"), [(3599, 0), (3600, 1)])
async def test_a_request_that_nobody_confirmed_ends(age: int, ended: int) -> None:
    """It waits for an hour, and a person without a grant is left alone."""
    waiting = Grant(ref="G", asked_by="x", asked_at=START, reason="r", ticket="T", life=3600, epoch=0)
    async with running(make_world()) as world:
        for id, grant in (("ann", waiting), ("bob", None)):
            key = SubjectKey("alpha", id)
            begun = world.engine.moment(actor="mary").event("break_glass.asked", key)
            assert await world.store.swap(Account(key=key, skip_count=1, grant=grant), world.engine.chained([begun]))
        world.clock.advance(age)
        assert await world.gate.service.break_glass.expire() == ended
        assert ((await world.account()).grant is None) == bool(ended)
