"""A person's own page shows the events that concern the person.

The desk shows all events of the account.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mfa_gate.core.model import SubjectKey
from mfa_gate.service.activity import own_activity
from tests.harness import World, make_world, running


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with running(make_world(store=f"sqlite:///{tmp_path}/mfa.db")) as made:
        yield made


async def test_what_concerns_administrators_is_not_on_the_own_page(world: World) -> None:
    """Sixty lines for administrators alone push nothing off the person's own page.

    They stand on the desk's page.
    """
    boss, ann = await world.enrolled("boss", groups=["admin"]), await world.enrolled("ann")
    key, engine = SubjectKey("alpha", "ann"), world.engine
    denied = [engine.moment().event(kind, key) for kind in ("admin.denied", "decision.report", "comet.seen") * 20]
    await engine.record(tuple(denied))
    shown = [event.kind for event in await own_activity(engine, key, limit=20)]
    assert "factor.enrolled" in shown
    assert not {"admin.denied", "decision.report", "comet.seen"} & set(shown)
    own, desk = (await ann.page("/mfa")).text, (await boss.page("/mfa/admin/accounts/ann")).text
    for words in ("An administrator’s action was refused", "A request would have been interrupted"):
        assert words not in own
        assert words in desk
    assert "Something about the account changed" in desk
    assert "Something about your account changed" not in own + desk
