"""Readers that take their lines in pieces: no size of a piece changes an answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from importlib import import_module
from typing import Any

import pytest

from mfa_gate.core.model import SubjectKey
from mfa_gate.core.people_search import PeopleSearch
from mfa_gate.core.trail_search import Search
from mfa_gate.service import Actor
from mfa_gate.service.activity import own_activity
from mfa_gate.service.admin.daily_counts import DailyCounts
from mfa_gate.service.admin.recent_states import STATES, people_in
from mfa_gate.service.admin.reports import REPORTS
from mfa_gate.service.trail_export import Tally
from mfa_gate.service.trail_verification import verify_trail
from tests.harness import START, World, make_world, running
from tests.service.admin.people import REVIEWED, directory, fill

EVE = Actor(name="operator:eve")
SIZES = {
    "service.activity": ("PIECE",),
    "service.admin.daily_counts": ("PIECE",),
    "service.admin.factor_counts": ("PIECE",),
    "service.admin.needs": ("PIECE",),
    "service.admin.people": ("PIECE",),
    "service.admin.recent_states": ("PIECE",),
    "service.admin.reviews": ("PIECE",),
    "service.admin.trail": ("PIECE",),
    "service.directory": ("PIECE",),
    "service.trail_export": ("PIECE",),
    "service.trail_reader": ("PAGE",),
    "service.trail_signer": ("PIECE",),
    "service.trail_verification": ("PIECE",),
}
"""The sizes of pieces, by the module that reads so many lines at once."""


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """An organization with people in every state, and three lines of two people a day."""
    async with running(make_world(policy=REVIEWED, directory=directory)) as made:
        await fill(made)
        for number in range(6):
            moment = replace(made.engine.moment(), now=START + number)
            event = moment.event("attempt.failed", SubjectKey("alpha", "app" if number % 2 else "texts"), factor="totp")
            await made.engine.record((replace(event, id=f"LINE{number:06}"),))
        yield made


async def answers(world: World) -> dict[str, Any]:
    """Collect what readers of people and of the trail are told."""
    service, engine, store = world.gate.service, world.engine, world.store
    told: dict[str, Any] = {}
    for words in (
        {},
        {"status": "locked"},
        {"ticket": "yes"},
        {"disputed": "yes"},
        {"q": "o"},
        {"break_glass": "open"},
        {"factor": "sms"},
    ):
        search = PeopleSearch(words=words)
        told[f"people {words}"] = [line.id async for line in service.reviews.lines("alpha", search)]
        for sort in ("id", "", "name", "-name"):
            ids, after = list[str](), ""
            for _ in range(40):
                page: Any = await service.reviews.page(EVE, "alpha", search, sort=sort, after=after, limit=3)
                ids += [line.id for line in page.rows]
                if not (after := page.next):
                    break
            told[f"pages {words} by {sort}"] = ids
    for name in REPORTS:
        opened: Any = await service.report_desk.open(EVE, "alpha", name)
        told[name] = [row async for row in opened.rows]
    for state in STATES:
        told[state] = await people_in(engine, "alpha", state)
    told["days"] = (await DailyCounts(engine).of("alpha")).days
    told["needs"] = await service.start_page.look(EVE, "alpha")
    told["activity"] = [event.id for event in await own_activity(engine, SubjectKey("alpha", "app"), limit=20)]
    for words in ({}, {"kind": "attempt.failed"}, {"account": "app"}, {"factor": "totp"}):
        found, after = list[str](), ""
        for _ in range(60):
            events: Any = await service.trail_desk.events(EVE, "alpha", Search(words=words), after=after, limit=2)
            found += [event.id for event in events.items]
            if not (after := events.next):
                break
        told[f"trail {words}"] = found
    told["lines"] = await verify_trail(store, "alpha")
    told["place"] = await service.trail_reader.place_of("LINE000002")
    export = service.trail_reader.export("alpha", Search(words={}), Tally())
    told["export"] = [getattr(part, "text", "") or getattr(part, "lines", "") async for part in export]
    return told


@pytest.mark.parametrize("size", [1, 2, 3])
async def test_no_size_changes_an_answer(world: World, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """People, reports, counts, searches and checks are the same with pieces of any size."""
    whole = await answers(world)
    for module, names in SIZES.items():
        for name in names:
            monkeypatch.setattr(import_module(f"mfa_gate.{module}"), name, size)
    monkeypatch.setattr("mfa_gate.service.activity.MAX_PIECES", 100)
    assert await answers(world) == whole
    assert len(whole["people {}"]) > 10
    assert len(whole["trail {}"]) > 6
