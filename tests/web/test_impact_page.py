"""The desk's page of the impact, its file and its JSON.

The same numbers, for those with the right alone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from tests.harness import FETCH, Browser, World, make_world, running, with_rules

PLACE = "/mfa/admin/reports/impact"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Run a gate that only reports, after an hour in which three people came."""
    watching = with_rules(lambda rules: replace(rules, mode="report-only"))
    async with running(make_world(policy=watching)) as world:
        for id in ("ann", "bob", "<b>eve</b>"):
            await (await world.browser(id)).ask("GET", "/records/7", headers=FETCH)
        yield world


async def boss_of(world: World, *groups: str) -> Browser:
    """Make an administrator with a fresh proof."""
    return await world.enrolled("boss", groups=groups)


async def test_the_page_shows_what_the_json_says(world: World) -> None:
    """Numbers, tables and the list of people come from one replay.

    Nothing is stopped by looking.
    """
    boss = await boss_of(world, "admin")
    told = (await boss.api("GET", "admin/reports/impact")).json()
    assert (told["people"], told["enroll"], told["walled_out"]) == (3, 3, 0)
    assert told["unknown"] == [
        {"what": "exempt paths whose requests are not recorded", "count": 3},
    ]
    page = await boss.page(PLACE)
    assert page.status == 200
    for text in ("What the policy would do", "GET /records/{id}", "freshness", "Would have to set up two-step sign-in"):
        assert text in page.text, text
    assert "<b>eve" not in page.text
    assert f'href="{PLACE}"' in (await boss.page("/mfa/admin/reports")).text
    file = await boss.page(f"{PLACE}?format=csv")
    assert file.header("content-type").startswith("text/csv")
    assert len(file.text.splitlines()) == 4
    german = await boss.page(f"{PLACE}?lang=de")
    assert "Was die Richtlinie bewirken würde" in (await boss.page(german.location or PLACE)).text


async def test_who_may_not_read_it_reads_nothing(world: World) -> None:
    """It needs the right to read the trail, a fresh proof, and one's own tenant."""
    helper = await boss_of(world, "support")
    assert (await helper.page(PLACE)).status == 403
    assert (await helper.api("GET", "admin/reports/impact")).status == 403
    other = await world.enrolled("zoe", "beta", groups=["admin"])
    assert (await other.api("GET", "admin/reports/impact?tenant=alpha")).status == 404
    assert (await other.api("GET", "admin/reports/impact?moon=1")).status == 422
    assert (await (await world.browser("stranger")).page(PLACE)).status == 403


async def test_nothing_is_recorded_where_everything_is_enforced() -> None:
    """The page says so."""
    async with running(make_world()) as world:
        boss = await boss_of(world, "admin")
        assert "Nothing is recorded yet." in (await boss.page(PLACE)).text
