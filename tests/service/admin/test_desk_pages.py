"""The pages of the desk: start page, acts, words, times, plot."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from mfa_gate.core.events import EVENTS
from mfa_gate.core.events.categories import NAMES, category_of
from mfa_gate.core.model import Account, Asked, Lock, Recovery, Seconds, SubjectKey
from mfa_gate.core.roles import Right
from mfa_gate.core.rules import DAY
from mfa_gate.service import Actor
from mfa_gate.service.admin.act_order import foremost, offered
from mfa_gate.service.admin.chart import Count
from mfa_gate.service.admin.documents import account_document
from mfa_gate.web.chart import chart_of
from tests.harness import START, World, make_world, running, with_rules
from tests.service.admin.people import REVIEWED, directory, fill, way

ALL: tuple[Right, ...] = ("look", "unlock", "reset", "tenant", "audit")


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A world with the people of reviews and their directory."""
    async with running(make_world(policy=REVIEWED, directory=directory)) as made:
        await fill(made)
        yield made


async def test_the_start_page_has_everything_that_waits(world: World) -> None:
    """K-29: the start page has a section for each kind of need, with a way on."""
    boss = await world.enrolled("boss", groups=["admin"])
    page = (await boss.page("/mfa/admin")).text
    for title in ("Requests for help", "Locked accounts", "Emergency access", "Disputes", "Exemptions that end soon"):
        assert title in page, title
    assert "Alarms of the last day" in page
    for id in ("lost", "locked", "grant", "opened", "stolen"):
        assert f'href="/mfa/admin/accounts/{id}"' in page, id
    assert "robots" in page
    support = (await (await world.enrolled("sue", groups=["support"])).page("/mfa/admin")).text
    assert "Alarms of the last day" not in support
    assert "Locked accounts" in support


async def test_an_act_that_waits_for_a_second_administrator(world: World) -> None:
    """A request that another administrator has to confirm stands on the start page."""
    boss = await world.enrolled("boss", groups=["admin"])
    account = await world.account("app")
    moment = world.engine.moment(actor="x")
    asked = Asked(act="reset", ref="A", asked_by="x", asked_at=START, reason="r", asked_in="alpha", ticket="T")
    event = moment.event("act.asked", account.key, act="reset")
    assert await world.store.swap(replace(account, asked=asked), world.engine.chained([event]))
    page = (await boss.page("/mfa/admin")).text
    assert "Waiting for a second administrator" in page
    world.clock.advance(3_700)
    await boss.prove()
    assert "Waiting for a second administrator" not in (await boss.page("/mfa/admin")).text


async def test_nothing_waits() -> None:
    """A calm day says so."""
    async with running(make_world()) as world:
        boss = await world.enrolled("boss", groups=["admin"])
        world.clock.advance(2 * DAY)
        await boss.prove()
        page = (await boss.page("/mfa/admin")).text
        assert "Nothing to do right now" in page


async def test_an_auditor_lands_on_the_trail(world: World) -> None:
    """K-16: with the right ``audit`` alone, the start page leads to the trail."""
    auditor = await world.enrolled("aud", groups=["auditor"])
    led = await auditor.page("/mfa/admin")
    assert (led.status, led.location) == (303, "/mfa/admin/audit")
    page = await auditor.page(led.location)
    assert page.status == 200
    assert "/mfa/admin/accounts" not in page.text
    assert world.kinds("admin.denied") == []


HELD = Seconds(2 * DAY)
LOCK = {cause: Lock(at=START, cause=cause, ref="R", actor="mary") for cause in ("attempts", "administrator")}
ASKED = Recovery(ref="R", at=START, about="lake", network="")
APP: dict[str, Any] = {"authenticators": (way("totp"),)}


@pytest.mark.parametrize(
    ("facts", "hold", "first", "never"),
    [
        (APP, 0, "", {"unlock", "ticket", "refuse", "confirm", "revoke"}),
        ({}, 0, "ticket", {"reset", "unlock", "refuse"}),
        ({**APP, "lock": LOCK["attempts"]}, 0, "unlock", {"lock", "break-glass"}),
        ({**APP, "lock": LOCK["administrator"]}, 0, "unlock", {"lock", "break-glass"}),
        ({**APP, "recovery": ASKED}, 0, "reset", {"unlock"}),
        ({**APP, "recovery": ASKED}, HELD, "refuse", {"reset", "ticket"}),
        ({"recovery": ASKED}, 0, "ticket", {"reset"}),
    ],
)
async def test_acts_by_likelihood(facts: dict[str, Any], hold: int, first: str, never: set[str]) -> None:
    """K-20: the act that matters comes first; none that makes no sense is offered."""
    rules = replace(REVIEWED.base, recovery=replace(REVIEWED.base.recovery, hold=Seconds(hold)))
    account = Account(key=SubjectKey("alpha", "ann"), version=1, **facts)
    found = account_document(account, actor=Actor(name="boss"), rules=rules, now=START + 60)
    names = [row.name for row in offered(found, ALL)]
    assert foremost(found, ALL) == first
    assert not never & set(names)
    if first:
        assert names[0] == first
    assert foremost(found, ("look",)) == ""


async def test_an_act_has_a_page_of_its_own(world: World) -> None:
    """A form is alone on its page, comes back with its text, and works without script."""
    boss = await world.enrolled("boss", groups=["admin"])
    page = (await boss.page("/mfa/admin/accounts/locked")).text
    assert 'href="/mfa/admin/accounts/locked?act=unlock"' in page
    assert 'id="reason-unlock"' not in page
    form = (await boss.page("/mfa/admin/accounts/locked?act=unlock")).text
    assert form.count('id="reason-unlock"') == 1
    wrong = await boss.form("/mfa/admin/accounts/lost", {"action": "reset", "ticket": "INC-1", "reason": " "})
    assert (wrong.status, 'value="INC-1"' in wrong.text) == (422, True)
    assert (await boss.form("/mfa/admin/accounts/locked", {"action": "unlock", "reason": "asked"})).status == 303


async def test_the_lock_is_told_whole(world: World) -> None:
    """K-21: a lock is told with its actor, and with its reason to readers of the trail."""
    boss = await world.enrolled("boss", groups=["admin"])
    page = (await boss.page("/mfa/admin/accounts/locked")).text
    assert "by <bdi>mary</bdi>" in page
    assert "phone stolen" in page
    assert "0 of 7" not in page
    support = await world.enrolled("sue", groups=["support"])
    assert "phone stolen" not in (await support.page("/mfa/admin/accounts/locked")).text


async def test_the_trail_is_told_in_words(world: World) -> None:
    """K-21: list and filter say in words what happened, and times are whole."""
    boss = await world.enrolled("boss", groups=["admin"])
    ann = await world.enrolled("ann")
    await ann.guess()
    page = (await boss.page("/mfa/admin/audit?account=ann")).text
    assert "(wrong_code)" not in page
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} UTC", page)
    for name in NAMES:
        assert f'<option value="{name}"' in page
    labels = re.findall(r"<option value=\"[a-z_]+\.[a-z_]+\"[^>]*>([^<]*)<", page)
    assert len(labels) > 40
    assert [label for label in labels if "." in label or "_" in label] == []
    found = (await boss.api("GET", "admin/events?kind=sign-ins&account=ann")).json()["events"]
    assert {category_of(event["kind"]) for event in found} == {"sign-ins"}
    assert {category_of(kind) for kind in EVENTS} == set(NAMES)


async def test_the_filter_stays_in_another_language(world: World) -> None:
    """K-21: the links to other languages keep the filter."""
    boss = await world.enrolled("boss", groups=["admin"])
    page = (await boss.page("/mfa/admin/accounts?status=locked&lang=en")).text
    assert 'href="/mfa/admin/accounts?lang=de&amp;status=locked"' in page


async def test_each_link_of_the_list_keeps_the_filter(world: World) -> None:
    """The links that turn the order, and the file, are about the same people."""
    boss = await world.enrolled("boss", groups=["admin"])
    page = (await boss.page("/mfa/admin/accounts?q=boss&sort=id")).text
    links = [
        parse_qs(urlsplit(unescape(link)).query) for link in re.findall(r'href="/mfa/admin/accounts(\?[^"]*)"', page)
    ]
    turned = [link for link in links if "sort" in link]
    assert len(turned) > 2
    assert {link["q"][0] for link in turned} == {"boss"}
    assert [link["q"] for link in links if link.get("format") == ["csv"]] == [["boss"]]
    assert 'href="/mfa/admin/accounts"' in (await boss.page("/mfa/admin/accounts")).text


async def test_no_reminder_is_offered_where_nobody_is_missing() -> None:
    """K-20: "Remind everybody" with nobody missing."""
    async with running(make_world()) as world:
        boss = await world.enrolled("boss", groups=["admin"])
        assert 'value="remind"' not in (await boss.page("/mfa/admin/tenant")).text
        await (await world.browser("ann")).enroll_email()
        world.gate.service.people._counted.clear()
        account = await world.account("ann")
        assert await world.store.swap(replace(account, authenticators=(), browsers=()))
        assert 'value="remind"' in (await boss.page("/mfa/admin/tenant")).text


@pytest.mark.parametrize("length", [1, 2, 3, 40])
async def test_a_short_history_is_a_sentence(length: int) -> None:
    """K-23: nothing is drawn under three days; else there are an axis, dates and last values."""
    history = [Count(day=20_000 + n, enrolled=5 + n, people=50) for n in range(length)]
    chart = chart_of(history, required_from=(20_000 + length - 2) * DAY + 5)
    assert chart is not None
    assert chart.is_drawn == (length >= 3)
    assert chart.now == (4 + length, 50)
    assert [value for value, _ in chart.ticks] == [50, 25, 0]
    assert (chart.required is not None) == (length >= 3)
    assert chart.ends[0] - chart.ends[1] >= 12
    if length == 40:
        assert (chart.week, chart.done_at) == (7, (20_039 + 6) * DAY)


async def test_the_plot_has_no_fault_with_odd_numbers() -> None:
    """More people than known, nobody at all, one person: no division, no negative place."""
    for enrolled, people in ((0, 1), (1, 1), (7, 7), (3, 2), (0, 999_999)):
        chart = chart_of([Count(day=1 + n, enrolled=enrolled, people=people) for n in range(4)])
        assert chart is not None
        assert all(y >= 0 for _, y in chart.ticks)
    quiet = with_rules(lambda rules: rules)
    async with running(make_world(policy=quiet)) as world:
        boss = await world.enrolled("boss", groups=["admin"])
        assert (await boss.page("/mfa/admin/tenant")).status == 200
