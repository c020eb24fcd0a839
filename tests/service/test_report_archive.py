"""The kept records of report-only.

They are read by hour, pruned by the policy, and hold nobody who was forgotten.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.model import Account, Seconds, SubjectKey
from mfa_gate.core.report import HOUR, Part, Place, Row, Situation
from mfa_gate.core.report_codec import pack, unpack
from mfa_gate.core.rules import DAY, Policy
from mfa_gate.core.stops import Stop
from mfa_gate.service.report_archive import erase_from_report, read_line
from mfa_gate.service.report_erasure import erased_at
from mfa_gate.storage import ReportParts
from tests.harness import START, World, make_world, running, with_rules
from tests.service.impact.test_replay import situation

NOW = START // HOUR


def kept(days: int, grace: int = 0) -> Policy:
    """Records are kept for so many days."""
    return with_rules(
        lambda rules: replace(
            rules,
            report=replace(rules.report, retention=Seconds(days * DAY)),
            change=replace(rules.change, grace=Seconds(grace * DAY)),
        )
    )


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A gate without records, which keeps them for ten days."""
    async with running(make_world(policy=kept(10))) as made:
        yield made


def about(id: str) -> Situation:
    return situation(Account(key=SubjectKey("alpha", id)))


def part(uid: str, hour: int, *ids: str) -> Part:
    rows = [
        Row(about(id), Place("GET", "/x", "/x"), Stop("passes", "verified"), 1, hour * HOUR, hour * HOUR) for id in ids
    ]
    return Part(uid=uid, app="shop", policy="d", hour=hour, rows=rows)


def store_of(world: World) -> ReportParts:
    store: Any = world.store
    assert isinstance(store, ReportParts)
    return store


async def add(world: World, *parts: Part, tenant: str = "alpha") -> None:
    for one in parts:
        await store_of(world).add_report_part(tenant, one.hour, pack(one))


async def found(world: World, **bounds: int) -> list[str]:
    return [one.uid for one in await world.gate.service.report.parts("alpha", **bounds)]


async def test_records_are_read_by_their_hour(world: World) -> None:
    """Both bounds are included.

    Without an end, all up to now are read; a part that was written twice is one.
    """
    await add(world, part("c", NOW - 1), part("a", NOW - 3), part("b", NOW - 2), part("b", NOW - 2), part("d", NOW + 1))
    assert await found(world) == ["a", "b", "c"]
    assert await found(world, since=(NOW - 2) * HOUR + 5) == ["b", "c"]
    assert await found(world, until=(NOW - 2) * HOUR) == ["a", "b"]
    assert await found(world, since=(NOW - 2) * HOUR, until=(NOW - 2) * HOUR) == ["b"]
    assert await found(world, until=(NOW + 1) * HOUR) == ["a", "b", "c", "d"]
    assert await world.gate.service.report.parts("beta") == []


async def test_what_is_not_written_yet_is_among_them(world: World) -> None:
    """The counts of this worker stand at their hour, under the same bounds."""
    await add(world, part("a", NOW - 1), part("c", NOW + 1))
    world.gate.service.recorder.unjudged("alpha", "slow")
    archive = world.gate.service.report
    assert [(one.hour - NOW, one.unjudged) for one in await archive.parts("alpha", until=(NOW + 1) * HOUR)] == [
        (-1, {}),
        (0, {"slow": 1}),
        (1, {}),
    ]
    assert await found(world, until=(NOW - 1) * HOUR) == ["a"]
    assert await found(world, since=(NOW + 1) * HOUR, until=(NOW + 1) * HOUR) == ["c"]


async def test_a_damaged_record_hides_no_other(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """It is left out and said, with its tenant."""
    await store_of(world).add_report_part("alpha", NOW - 2, b"no part")
    await add(world, part("a", NOW - 1))
    assert await found(world) == ["a"]
    assert "a record of report-only cannot be read (tenant alpha)" in caplog.text


async def test_old_records_go(world: World) -> None:
    """Each tenant keeps them for as long as its policy says, to the hour."""
    await add(world, part("old", NOW - 10 * 24 - 1), part("kept", NOW - 10 * 24))
    await add(world, part("other", NOW - 10 * 24 - 1), tenant="beta")
    assert await world.gate.service.report.tenants() == ("alpha", "beta")
    await world.gate.service.report.prune()
    assert await found(world) == ["kept"]
    assert await world.gate.service.report.parts("beta") == []


@pytest.mark.parametrize(("before", "days"), [(20, 20), (5, 10)])
async def test_a_shorter_retention_waits_for_its_grace(world: World, before: int, days: int) -> None:
    """Until then the longer of the two holds."""
    archive = world.gate.service.report
    await archive.grace.note(kept(before, grace=3), kept(min(before, 4)))
    hours = days * 24
    await add(world, part("old", NOW - hours - 1), part("kept", NOW - hours))
    await archive.prune()
    assert await found(world) == ["kept"]


async def test_a_forgotten_person_is_taken_out_of_all_records(world: World) -> None:
    """Rows of others stay; a part that nobody can read goes, because it may name the person."""
    store = store_of(world)
    await add(world, part("a", NOW - 3, "ann", "bob"), part("b", NOW - 2, "bob"))
    await store.add_report_part("alpha", NOW - 2, b"no part")
    await add(world, part("c", NOW + 1, "ann"))
    await add(world, part("d", NOW, "ann"), tenant="beta")
    untouched = [one for one in await store.report_parts("alpha", since=0, until=NOW + 1) if one.body != b"no part"][1]
    await erase_from_report(world.engine, SubjectKey("alpha", "ann"))
    left = await store.report_parts("alpha", since=0, until=NOW + 1)
    read = {unpack(one.body).uid: [row.situation.id for row in unpack(one.body).rows] for one in left}
    assert read == {"a": ["bob"], "b": ["bob"], "c": []}
    assert untouched in left
    (other,) = await store.report_parts("beta", since=0, until=NOW)
    assert [row.situation.id for row in unpack(other.body).rows] == ["ann"]
    assert await erased_at(world.engine, "alpha", ["ann"]) == {"ann": START}


def test_a_line_of_another_file() -> None:
    """A line of another file is told by a ValueError."""
    with pytest.raises(ValueError, match="Expecting"):
        read_line("no JSON")


async def test_counts_that_no_store_has_yet_are_of_the_hours_that_are_asked_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first and the last hour count."""
    fresh = [part(f"u{hour}", NOW + hour, "ann") for hour in range(-3, 2)]
    monkeypatch.setattr(world.gate.service.recorder, "unwritten", lambda tenant: fresh)
    assert await found(world, since=(NOW - 2) * HOUR + 1800, until=NOW * HOUR) == ["u-2", "u-1", "u0"]
    assert await found(world, since=0, until=(NOW - 3) * HOUR) == ["u-3"]


async def test_a_part_without_the_person_is_not_written_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large store is not rewritten for one who leaves."""
    await add(world, part("with", NOW, "ann", "bob"), part("without", NOW, "bob"))
    written, replace_part = list[str](), store_of(world).replace_report_part

    async def counting(tenant: str, kept: Any, body: bytes) -> None:
        written.append(unpack(kept.body).uid)
        await replace_part(tenant, kept, body)

    monkeypatch.setattr(world.store, "replace_report_part", counting)
    await erase_from_report(world.engine, SubjectKey("alpha", "ann"))
    assert written == ["with"]
