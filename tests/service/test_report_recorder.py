"""Counts of report-only have a row for each person, place and outcome.

They are bounded, and written once.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from mfa_gate.core.model import SubjectKey
from mfa_gate.core.policy import Demand, Facts
from mfa_gate.core.report import HOUR
from mfa_gate.errors import StoreUnavailable
from mfa_gate.service import report_recorder as module
from mfa_gate.service.report_erasure import note_erasure
from mfa_gate.service.report_recorder import Spot
from tests.attacks.test_blame import caller_of
from tests.harness import START, Browser, World, make_world, running, with_rules
from tests.web.test_report_only import rules

PLACE = Facts(tenant="alpha", groups=frozenset(), method="GET", path="/records")
MIDST = START - START % HOUR + 600


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A host whose policy only reports, ten minutes into an hour."""
    async with running(make_world(policy=with_rules(rules()), name="shop")) as made:
        made.clock.at = MIDST
        yield made


async def note(world: World, browser: Browser, *, facts: Facts = PLACE, label: str = "Firefox") -> Spot:
    """Count a request as the gate does."""
    service, caller = world.gate.service, caller_of(browser)
    judgement = await service.access.judge(caller, facts)
    spot = service.recorder.note(judgement, caller, facts, label)
    assert spot is not None
    return spot


async def person(world: World, id: str = "ann") -> Browser:
    """Somebody who has set up an app; what that counted is forgotten."""
    browser = await world.enrolled(id)
    recorder = world.gate.service.recorder
    for part in (recorder._now, recorder._over, recorder._spots):
        part.clear()
    return browser


def rows(world: World) -> list[tuple[str, str, str, int]]:
    """List what no store has yet: person, route, browser, count."""
    parts = world.gate.service.recorder.unwritten("alpha")
    return [(row.situation.id, row.place.route, row.situation.family, row.count) for part in parts for row in part.rows]


async def test_requests_of_one_kind_are_one_row(world: World) -> None:
    """The same person at the same place counts up, with the first and last second."""
    ann = await person(world)
    first = await note(world, ann)
    world.clock.advance(65)
    first.hit("GET", "/records")
    assert await note(world, ann, label="Chrome") is not first
    assert sorted(rows(world)) == [("ann", "/records", "Chrome", 1), ("ann", "/records", "Firefox", 2)]
    (part,) = world.gate.service.recorder.unwritten("alpha")
    row = next(row for row in part.rows if row.count == 2)
    assert (row.first, row.last, row.minutes) == (MIDST, MIDST + 65, 1 << 10 | 1 << 11)
    assert (part.app, part.hour, part.dropped, part.unjudged) == ("shop", MIDST // HOUR, 0, {})
    assert part.policy == world.engine.policy.digest
    assert len(part.uid) == 16
    assert set(part.unseen) >= {"=/login", "=/public", "/open/**"}
    assert world.gate.service.recorder.unwritten("beta") == []


async def test_a_spot_is_looked_at_again_after_half_a_minute(world: World) -> None:
    """Time alone may change what would have happened."""
    ann = await person(world)
    world.clock.at = MIDST - MIDST % 30
    first = await note(world, ann)
    world.clock.advance(29)
    assert await note(world, ann) is first
    world.clock.advance(1)
    assert await note(world, ann) is not first


async def test_a_new_hour_begins_a_new_row(world: World) -> None:
    """The old hour waits to be written; nothing is counted in it any more."""
    ann = await person(world)
    spot = await note(world, ann)
    world.clock.at = MIDST - MIDST % HOUR + HOUR - 1
    spot.hit("GET", "/records")
    world.clock.advance(1)
    spot.hit("GET", "/records")
    assert [
        (part.hour - MIDST // HOUR, part.rows[0].count) for part in world.gate.service.recorder.unwritten("alpha")
    ] == [
        (0, 2),
        (1, 1),
    ]


async def test_bounds_of_memory(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows, places, spots, tenants and words are bounded.

    What finds no room is counted as dropped.
    """
    ann, recorder = await person(world), world.gate.service.recorder
    recorder.route_of = lambda method, path: path
    monkeypatch.setattr(module, "MAX_PLACES", 2)
    spot = await note(world, ann)
    for number in range(4):
        spot.hit("GET", f"/records/{number}")
        assert len(spot._cells) <= 2
    monkeypatch.setattr(module, "MAX_ROWS", 5)
    spot.hit("GET", "/records/5")
    spot.hit("GET", "/records/6")
    (part,) = recorder.unwritten("alpha")
    assert (len(part.rows), part.dropped) == (5, 2)
    monkeypatch.setattr(module, "MAX_SPOTS", 2)
    kept = [await note(world, ann, label=label) for label in ("a", "b", "c")]
    assert [*recorder._spots.values()] == kept[1:]
    for number in range(4):
        await note(world, ann, facts=Facts(tenant="alpha", groups=frozenset(), method="GET", path=f"/more/{number}"))
        assert len(recorder._places) <= 3
    world.engine.use_policy(world.engine.policy)
    await note(world, ann, facts=Facts(tenant="alpha", groups=frozenset(), method="GET", path="/again"))
    assert len(recorder._places) == 1, "another policy names places anew"
    monkeypatch.setattr(module, "MAX_TENANTS", 2)
    for tenant in ("t1", "t2", "t3"):
        recorder.unjudged(tenant, "slow")
    assert [*recorder._now] == ["t2", "t3"]
    assert [tenant for tenant, _ in recorder._over] == ["alpha", "t1"]


async def test_long_words_are_cut(world: World) -> None:
    """Visitors choose paths and methods."""
    ann = await person(world)
    world.gate.service.recorder.route_of = lambda method, path: path
    facts = Facts(tenant="alpha", groups=frozenset(), method="M" * 20, path="/" + "p" * 250)
    await note(world, ann, facts=facts)
    (part,) = world.gate.service.recorder.unwritten("alpha")
    place = part.rows[0].place
    assert (place.method, len(place.route), len(place.path)) == ("M" * 16, 200, 200)


async def test_a_route_stands_for_its_paths_where_the_rules_see_no_difference(world: World) -> None:
    """The route's plain form is judged again later, unless a rule names the real path."""
    ann, recorder = await person(world), world.gate.service.recorder
    recorder.route_of = lambda method, path: "/files/{name}"
    for path in ("/files/a", "/files/b"):
        await note(world, ann, facts=Facts(tenant="alpha", groups=frozenset(), method="GET", path=path))
    (part,) = recorder.unwritten("alpha")
    assert [(row.place.route, row.place.path, row.count) for row in part.rows] == [("/files/{name}", "/files/name", 2)]


async def test_demands_of_the_code_are_counted_apart(world: World) -> None:
    """A place whose endpoint demands something is another one."""
    ann, recorder = await person(world), world.gate.service.recorder
    spot = await note(world, ann)
    spot.hit("GET", "/records", (Demand(rule="require_proof", max_age=60),))  # type: ignore[arg-type]
    assert sorted(row.count for part in recorder.unwritten("alpha") for row in part.rows) == [1, 1]


async def test_an_hour_is_written_when_it_is_over(world: World) -> None:
    """An hour that is not over is written where it tells of more people than writes.

    At the end all is written.
    """
    ann, recorder = await person(world), world.gate.service.recorder
    await recorder.flush()
    spot = await note(world, ann)
    await recorder.flush()
    assert rows(world) == [("ann", "/records", "Firefox", 1)]
    bob = await world.enrolled("bob")
    recorder._spots.clear()
    await note(world, bob)
    await recorder.flush()
    assert rows(world) == []
    spot.hit("GET", "/records")
    await recorder.flush()
    assert len(rows(world)) == 1
    await recorder.flush(all_hours=True)
    assert rows(world) == []
    assert (recorder._now, recorder._over) == ({}, [])


async def test_a_store_that_is_away_gets_them_later(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is lost: neither what was taken for the failed write, nor the hours behind it."""
    ann, recorder, store = await person(world), world.gate.service.recorder, world.store
    spot = await note(world, ann)
    world.clock.advance(HOUR)
    spot.hit("GET", "/records")
    recorder.unjudged("beta", "away")
    before, waiting = sorted(rows(world)), len(recorder._over)

    async def away(*_: Any) -> Any:
        raise StoreUnavailable("away")

    for name in ("add_report_part", "meta"):
        with monkeypatch.context() as patch:
            patch.setattr(store, name, away)
            await recorder.flush()
        assert sorted(rows(world)) == before
        assert len(recorder._over) == waiting
    await recorder.flush(all_hours=True)
    assert rows(world) == []


async def test_who_was_forgotten_meanwhile_is_left_out(world: World) -> None:
    """The rows of a forgotten person that were counted until then go.

    Later ones are of a new person.
    """
    ann, recorder = await person(world), world.gate.service.recorder
    bob = await world.enrolled("bob")
    recorder._spots.clear()
    recorder._now.clear()
    await note(world, bob)
    await note(world, ann)
    await note_erasure(world.engine, SubjectKey("alpha", "ann"))
    world.clock.advance(1)
    await note(world, ann, label="Chrome")
    hour = recorder._now["alpha"]
    await recorder._forget_erased("alpha", hour)
    assert sorted(rows(world)) == [("ann", "/records", "Chrome", 1), ("bob", "/records", "Firefox", 1)]
