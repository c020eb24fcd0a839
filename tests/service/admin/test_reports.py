"""Reports: the same rows on page, in JSON, as a file and by mail; each needs its right."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from mfa_gate.core.rules import DAY
from mfa_gate.errors import StoreUnavailable
from mfa_gate.service.admin.people import MAX_KEPT
from mfa_gate.service.admin.reports import REPORTS
from mfa_gate.service.exemption_uses import ExemptionUses
from tests.harness import World, make_world, running, with_rules
from tests.service.admin.people import REVIEWED, directory, fill


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A world with the people of reviews and their directory."""
    async with running(make_world(policy=REVIEWED, directory=directory)) as made:
        await fill(made)
        yield made


@pytest.mark.parametrize("name", list(REPORTS))
async def test_all_doors_tell_the_same(world: World, name: str) -> None:
    """Each report is a page, JSON and a file with the same rows, and needs its right."""
    boss = await world.enrolled("boss", groups=["admin"])
    found = (await boss.api("GET", f"admin/reports/{name}")).json()
    assert (found["name"], found["tenant"]) == (name, "alpha")
    assert all(list(row) == found["columns"] for row in found["rows"])
    file = await boss.page(f"/mfa/admin/reports/{name}?format=csv")
    assert file.header("content-type").startswith("text/csv")
    assert len(list(csv.DictReader(io.StringIO(file.text)))) == len(found["rows"])
    page = await boss.page(f"/mfa/admin/reports/{name}")
    assert page.status == 200
    assert page.text.count("<tr>") == (len(found["rows"]) + 1 if found["rows"] else 0)
    support = await world.enrolled("sue", groups=["support"])
    may = REPORTS[name].right == "look"
    assert (await support.api("GET", f"admin/reports/{name}")).status == (200 if may else 403)
    assert (f"/mfa/admin/reports/{name}" in (await support.page("/mfa/admin/reports")).text) == may
    assert (await boss.api("GET", f"admin/reports/{name}?tenant=beta")).status == 404
    assert (await boss.api("GET", "admin/reports/nonsense")).status == 404


async def rows_of(world: World, name: str) -> list[dict[str, object]]:
    """Return the rows of a report in JSON."""
    is_new = (await world.account("boss")).is_unknown
    boss = await (world.enrolled if is_new else world.browser)("boss", groups=["admin"])
    if not is_new:
        boss.cookies.update(BOSS)
    BOSS.update(boss.cookies)
    rows: list[dict[str, object]] = (await boss.api("GET", f"admin/reports/{name}")).json()["rows"]
    return rows


BOSS: dict[str, str] = {}
"""The cookies of the administrator of the test that runs."""


async def test_adoption(world: World) -> None:
    """K-12: the numbers are those of the directory, by strength and by factor."""
    found = {row["measure"]: row["people"] for row in await rows_of(world, "adoption")}
    assert (found["known"], found["set_up"], found["missing"], found["exempt"], found["unlisted"]) == (16, 11, 4, 1, 1)
    assert (found["phishing_resistant"], found["texts_only"], found["locked"]) == (1, 1, 1)
    assert (found["factor:sms"], found["factor:webauthn"]) == (2, 1)


async def test_stale_and_lockouts(world: World) -> None:
    """K-13: who was not seen for 90 days, and who is locked by whom and why."""
    assert [row["id"] for row in await rows_of(world, "stale")] == ["old"]
    (lock,) = await rows_of(world, "lockouts")
    assert (lock["id"], lock["locked_by"], lock["lock_cause"], lock["reason"]) == (
        "locked",
        "mary",
        "administrator",
        "phone stolen",
    )


async def test_open_states(world: World) -> None:
    """K-14: grants, disputes, tickets and agreements are listed with their ends."""
    grants = {row["id"]: row for row in await rows_of(world, "grants")}
    assert {id: row["state"] for id, row in grants.items()} == {"opened": "open", "grant": "asked"}
    assert all(row["ends_at"] for row in grants.values())
    assert [row["id"] for row in await rows_of(world, "disputes")] == ["stolen"]
    assert [row["id"] for row in await rows_of(world, "tickets")] == ["ticket"]
    assert {row["id"]: row["version"] for row in await rows_of(world, "agreements") if row["version"]} == {"terms": "2"}


async def test_exemptions_and_their_use(world: World) -> None:
    """K-14, S-124: an exemption is listed with its end, its people, its last use."""
    found = {row["name"]: row for row in await rows_of(world, "exemptions")}
    assert (found["robots"]["people"], found["robots"]["last_used_at"]) == ("1", None)
    assert found["free"]["ends_at"] is None
    robot = await world.browser("robot", groups=["robot"])
    assert await robot.is_in()
    used = {row["name"]: row["last_used_at"] for row in await rows_of(world, "exemptions")}
    assert used["robots"] is not None
    assert used["free"] is not None  # by the sign-in itself
    await world.engine.exemption_uses.keep()
    world.clock.advance(DAY)
    after = {row["name"]: row["last_used_at"] for row in await rows_of(world, "exemptions")}
    assert after["robots"] == used["robots"]
    assert str(after["free"]) > str(used["free"])  # the answer that was kept for this path was forgotten


async def test_uses_of_exemptions_outlast_an_outage(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A use that the store did not take is written the next time, so no review misses it."""
    robot = await world.browser("robot", groups=["robot"])
    assert await robot.is_in()
    at = world.engine.now()

    async def away(name: str, body: bytes, /) -> None:
        raise StoreUnavailable("away")

    with monkeypatch.context() as outage:
        outage.setattr(world.store, "put_meta", away)
        with pytest.raises(StoreUnavailable):
            await world.engine.exemption_uses.keep()
    assert (await world.engine.exemption_uses.read("alpha"))["robots"] == at
    await world.engine.exemption_uses.keep()
    assert (await ExemptionUses(world.store).read("alpha"))["robots"] == at


async def test_sends_and_their_price(world: World) -> None:
    """Messages are counted by day and factor, with the price of the policy."""
    ann = await world.browser("ann")
    await ann.enroll_email()
    (row,) = [row for row in await rows_of(world, "sends") if row["factor"] == "email"]
    assert (row["sent"], row["failed"], row["cost"]) == (1, 0, 0)


async def test_no_cell_is_a_formula(world: World) -> None:
    """A name that a spreadsheet would take for a formula gets an apostrophe."""
    account = await world.account("app")
    boss = await world.enrolled("boss", groups=["admin"])
    for name in ("=HYPERLINK(1)", " =HYPERLINK(1)", "＝HYPERLINK(1)", "\n=HYPERLINK(1)", "|calc", "%0A"):
        assert await world.store.swap(replace(account, name=name))
        account = await world.store.load(account.key)
        (row,) = list(csv.DictReader(io.StringIO((await boss.page("/mfa/admin/accounts?q=app&format=csv")).text)))
        assert row["name"] == f"'{name}"


async def test_the_mail_to_the_owner() -> None:
    """The owner gets the numbers once a week, where the policy says so."""
    weekly = with_rules(
        lambda rules: replace(rules, owner="owner@example.org", audit=replace(rules.audit, mail_reports="weekly"))
    )
    for policy, count in ((REVIEWED, 0), (weekly, 1)):
        async with running(make_world(policy=policy)) as world:
            await fill(world)
            await world.engine.effects.idle()
            world.email.messages.clear()
            for _ in range(2):
                await world.gate.service.report_mails.send()
                await world.engine.effects.idle()
            mails = [mail for mail in world.email.messages if mail.to == "owner@example.org"]
            assert len(mails) == count
            if count:
                assert "Known people: 13" in mails[0].text
                assert "Not confirmed for 90 days: 1" in mails[0].text
            world.clock.advance(7 * DAY)
            await world.gate.service.report_mails.send()
            await world.engine.effects.idle()
            assert len([mail for mail in world.email.messages if mail.to == "owner@example.org"]) == 2 * count


async def test_a_mail_that_could_not_be_counted_is_still_due(monkeypatch: pytest.MonkeyPatch) -> None:
    """An hour later it is sent, and not a week later."""
    weekly = with_rules(
        lambda rules: replace(rules, owner="owner@example.org", audit=replace(rules.audit, mail_reports="weekly"))
    )
    async with running(make_world(policy=weekly)) as world:
        await world.enrolled("ann")
        reports = world.gate.service.report_mails

        async def away(tenant: str) -> dict[str, int]:
            raise StoreUnavailable("away")

        world.email.messages.clear()
        with monkeypatch.context() as outage:
            outage.setattr(reports, "_numbers", away)
            await reports.send()
        await reports.send()
        await world.engine.effects.idle()
        assert [mail.to for mail in world.email.messages if mail.to == "owner@example.org"] == ["owner@example.org"]


async def test_counts_of_many_tenants_take_no_more_room() -> None:
    """An administrator of all tenants may ask for any name of one."""
    async with running(make_world(directory=lambda tenant: [])) as world:
        people = world.gate.service.people
        for number in range(3 * MAX_KEPT):
            await people.counts(f"tenant-{number}")
        assert len(people._counted) <= MAX_KEPT
        assert len(people._counting) == 0
