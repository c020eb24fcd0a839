"""Each use case of the desk asks for a right, and each change for a recent proof."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from mfa_gate.core.model import SubjectKey
from mfa_gate.core.people_search import PeopleSearch
from mfa_gate.core.reasons import Refusal
from mfa_gate.core.trail_search import search_of
from mfa_gate.service import Actor, Service
from mfa_gate.service.admin.many import Chosen
from mfa_gate.service.what_if import Question
from tests.harness import START, World, make_world, running
from tests.service.admin.people import REVIEWED, administrator, fill

APP = SubjectKey("alpha", "app")
ALL = PeopleSearch(words={})
Use = Callable[[Service, Actor], Awaitable[Any]]

READS: dict[str, Use] = {
    "an account": lambda s, who: s.account_desk.account(who, APP),
    "all of one person": lambda s, who: s.person_desk.data(who, APP),
    "people who left": lambda s, who: s.person_desk.leavers(who, "alpha", known=frozenset()),
    "the trail": lambda s, who: s.trail_desk.events(who, "alpha", search_of({})),
    "the impact": lambda s, who: s.impact_desk.read(who, "alpha"),
    "a page of people": lambda s, who: s.reviews.page(who, "alpha", ALL),
    "all people": lambda s, who: s.reviews.stream(who, "alpha", ALL),
    "the start page": lambda s, who: s.start_page.look(who, "alpha"),
    "the policy": lambda s, who: s.policy_desk.look(who),
    "the tenant": lambda s, who: s.tenant_desk.look(who, "alpha"),
    "the list of reports": lambda s, who: s.report_desk.listed(who, "alpha"),
    "a report": lambda s, who: s.report_desk.open(who, "alpha", "adoption"),
    "what would happen": lambda s, who: s.what_if.ask(who, Question(key=APP)),
}
CHANGES: dict[str, Use] = {
    "an act": lambda s, who: s.account_desk.act(who, "end-sessions", APP, reason="x"),
    "an account begun anew": lambda s, who: s.account_desk.discard(who, APP, ticket="T", reason="x"),
    "an act on many": lambda s, who: s.many_desk.run(who, "unlock", "alpha", Chosen(search=ALL), reason="x"),
    "a plan for many": lambda s, who: s.many_desk.plan(who, "unlock", "alpha", Chosen(ids=("app",))),
    "a test message": lambda s, who: s.tenant_messages.send_trial(who, "alpha"),
    "reminders": lambda s, who: s.tenant_messages.remind(who, "alpha"),
    "an approval": lambda s, who: s.policy_desk.approve(who, s.engine.policy, "x"),
    "an approval of what waits": lambda s, who: s.policy_desk.approve_waiting(who, "0" * 64, "x"),
    "the settings": lambda s, who: s.tenant_desk.set(who, "alpha", enabled=None, factors=None, confirm="alpha"),
    "a tick": lambda s, who: s.tenant_desk.mark(who, "alpha", announced=True),
    "the end of all proofs": lambda s, who: s.tenant_desk.end_proofs(who, "alpha", reason="x", confirm="alpha"),
}
EVERYTHING = ("admin", "security")
"""The groups that have all rights together."""


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """People in every state."""
    async with running(make_world(policy=REVIEWED)) as made:
        await fill(made)
        yield made


async def reason_of(world: World, use: Use, who: Actor) -> str:
    """Return the reason of the refusal, "" for none."""
    done = await use(world.gate.service, who)
    return done.reason if isinstance(done, Refusal) else ""


@pytest.mark.parametrize(("age", "changes"), [(299, False), (300, True)])
async def test_a_change_needs_a_proof_of_the_last_minutes(world: World, age: int, changes: bool) -> None:
    """Reading goes on for as long as the proof counts."""
    boss = await administrator(world, *EVERYTHING, at=START - age)
    assert {name: await reason_of(world, use, boss) for name, use in READS.items()} == dict.fromkeys(READS, "")
    found = {name: await reason_of(world, use, boss) == "proof_required" for name, use in CHANGES.items()}
    assert found == dict.fromkeys(CHANGES, changes)


async def test_without_a_right_there_is_nothing(world: World) -> None:
    """A fresh proof opens no door of the desk, and each refusal is one line of the trail."""
    ann = await administrator(world, "nurse", id="ann")
    uses = READS | CHANGES
    assert {name: await reason_of(world, use, ann) for name, use in uses.items()} == dict.fromkeys(uses, "not_allowed")
    assert len(world.kinds("admin.denied")) == len(uses)
