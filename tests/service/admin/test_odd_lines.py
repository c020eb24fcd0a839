"""The desk shows a trail with damaged lines and lines of a newer release.

A damaged row of the list hides nobody.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mfa_gate.core.events import Event
from tests.harness import World, make_world, running

WHOLE = {"id": "NEWER", "kind": "comet.seen", "at": 1_753_000_000, "tenant": "alpha", "account": "ann"}
LINES = {
    "damaged": "{",
    "of another type": json.dumps({**WHOLE, "at": "yesterday"}),
    "far in the future": json.dumps({**WHOLE, "at": 10**18}),
    "newer": json.dumps({**WHOLE, "factor": "moonkey", "network": "somewhere", "tail": [1], "reason": "bright"}),
}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with running(make_world(store=f"sqlite:///{tmp_path}/mfa.db")) as made:
        yield made


@pytest.mark.parametrize("kind", LINES)
async def test_the_trail_is_shown(world: World, tmp_path: Path, kind: str) -> None:
    """Page, JSON and the person's own page answer, and the odd line stands in its place."""
    boss = await world.enrolled("boss", groups=["admin"])
    await world.enrolled("ann")
    with contextlib.closing(sqlite3.connect(tmp_path / "mfa.db", isolation_level=None)) as connection:
        found = connection.execute("SELECT max(seq) FROM event WHERE tenant = 'alpha' AND account = 'ann'").fetchone()
        connection.execute("UPDATE event SET body = ? WHERE seq = ?", (LINES[kind], found[0]))
    page = await boss.page("/mfa/admin/audit")
    assert page.status == 200, page.text
    assert ("comet.seen" if kind == "newer" else f"at this place is damaged: {found[0]}") in page.text
    assert (await boss.page("/mfa/admin/accounts/ann")).status == 200
    answer = await boss.api("GET", "admin/events")
    assert answer.status == 200
    assert len(answer.json()["events"]) > 1


@pytest.mark.parametrize("change", ["status = 'odd'", "factors = x'ff'", "locked_at = 'never'", "name = x'00ff'"])
async def test_the_list_is_shown(world: World, tmp_path: Path, change: str) -> None:
    """A damaged row is shown with its id, and everybody else as ever."""
    boss = await world.enrolled("boss", groups=["admin"])
    await world.enrolled("ann")
    with contextlib.closing(sqlite3.connect(tmp_path / "mfa.db", isolation_level=None)) as connection:
        assert connection.execute(f"UPDATE roster SET {change} WHERE id = 'ann'").rowcount == 1
    page = await boss.page("/mfa/admin/accounts")
    assert page.status == 200, page.text
    assert "/admin/accounts/ann" in page.text
    assert "/admin/accounts/boss" in page.text
    assert (await boss.api("GET", "admin/accounts")).status == 200


@pytest.mark.parametrize("body", [b"{", b"7", b'[["a",1,2]]', b"[[1,2]]", b"[" * 100_000])
async def test_a_damaged_count_of_days_begins_anew(world: World, caplog: pytest.LogCaptureFixture, body: bytes) -> None:
    """A damaged plot of one tenant begins anew today, and the log says so.

    The other tenants are counted.
    """
    for tenant in ("alpha", "beta"):
        await world.enrolled("ann", tenant=tenant)
    chart, store = world.gate.service.chart, world.store
    await store.put_meta("enrolled:alpha", body)
    await chart.note()
    assert "the daily counts of people of tenant alpha cannot be read" in caplog.text
    for tenant in ("alpha", "beta"):
        assert len(json.loads(await store.meta(f"enrolled:{tenant}") or b"")) == 1


async def test_one_damaged_account_stops_no_end_of_a_grant(
    world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Grants that are over are looked for in the other accounts all the same."""
    for id in ("ann", "bob"):
        await world.enrolled(id)
        event = Event(id=f"G-{id}", kind="break_glass.granted", at=int(world.clock.at), tenant="alpha", account=id)
        await world.store.append([event])
    with contextlib.closing(sqlite3.connect(tmp_path / "mfa.db", isolation_level=None)) as connection:
        connection.execute("UPDATE account SET body = x'00' WHERE id = 'ann'")
    assert await world.gate.service.break_glass.expire() == 0
    assert "could not be ended" in caplog.text
