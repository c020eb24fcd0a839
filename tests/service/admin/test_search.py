"""The trail is searched with the same words on the page and by JSON.

An unknown filter is an error on both.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mfa_gate.core.events import Event
from mfa_gate.core.reasons import Refusal
from mfa_gate.core.trail_search import WORDS, search_of
from mfa_gate.service import Actor
from mfa_gate.service.admin import trail
from mfa_gate.stores.memory import MemoryStore
from tests.harness import START, Browser, World, make_world, running
from tests.service.admin.people import administrator


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with running(make_world()) as made:
        await made.gate.service.engine.record(
            [
                Event(
                    id=f"REF{n:07}",
                    kind=("attempt.failed", "proof.granted")[n % 2],
                    at=START + n,
                    tenant="alpha",
                    account=f"user/{n % 4}",
                    actor="boss" if n == 7 else f"user/{n % 4}",
                    address=f"192.0.2.{n % 8}",
                    network=f"192.0.2.{n % 8}",
                    browser=f"browser{n % 3}",
                    factor="totp",
                    ticket="INC-7" if n == 9 else "",
                )
                for n in range(60)
            ]
        )
        yield made


async def asked(boss: Browser, query: str) -> list[str]:
    """The references that the JSON call finds, and the page with the same query."""
    reply = await boss.api("GET", f"admin/events?{query}&limit=200")
    assert reply.status == 200, reply.text
    found = [event["ref"] for event in reply.json()["events"] if event["ref"].startswith("REF")]
    page = await boss.page(f"/mfa/admin/audit?{query}")
    assert page.status == 200
    assert re.findall(r">(REF\d{7})<", page.text) == found[:50]
    return found


async def test_both_doors_find_the_same(world: World) -> None:
    boss = await world.enrolled("boss", groups=["admin"])
    assert len(await asked(boss, "address=192.0.2.3")) == 8
    assert len(await asked(boss, "address=192.0.2.0/30&kind=attempt")) == 16
    assert await asked(boss, "ticket=INC-7") == ["REF0000009"]
    assert await asked(boss, "ref=ref0000011") == ["REF0000011"]
    assert await asked(boss, "actor=boss&account=user%2F3") == ["REF0000007"]
    assert len(await asked(boss, "browser=browser1&account=user%2F0")) == 5
    assert await asked(boss, "q=inc-7") == ["REF0000009"]
    assert await asked(boss, "from=2030-01-01&address=192.0.2.3") == []


@pytest.mark.parametrize(
    "query",
    [
        "network=x",
        "since=2026-01-01",
        "from=yesterday",
        "to=2026-13-01",
        "kind=account.loked",
        "factor=topt",
        "factor=TOTP",
    ],
)
async def test_an_unknown_filter_is_an_error(world: World, query: str) -> None:
    """K-5: 422 on the page and by JSON, and nothing is listed."""
    boss = await world.enrolled("boss", groups=["admin"])
    name = query.partition("=")[0]
    reply = await boss.api("GET", f"admin/events?{query}")
    assert (reply.status, reply.json()["member"]) == (422, name)
    page = await boss.page(f"/mfa/admin/audit?{query}")
    assert page.status == 422
    assert "REF0" not in page.text
    assert name in page.text


@pytest.mark.parametrize("query", ["factor=topt", "factor=upstream"])
async def test_a_slip_in_the_factor_of_people(world: World, query: str) -> None:
    """The list of people says so as well.

    A trusted sign-in is a factor of lines, and none that a person has.
    """
    boss = await world.enrolled("boss", groups=["admin"])
    reply = await boss.api("GET", f"admin/accounts?{query}")
    assert (reply.status, reply.json()["member"]) == (422, "factor")
    page = await boss.page(f"/mfa/admin/accounts?{query}")
    assert page.status == 422
    assert "We can’t read this filter: factor" in page.text


async def test_every_factor_of_a_line_is_known(world: World) -> None:
    """Each one of the registry, also if nobody has it, and the trusted sign-in."""
    boss = await world.enrolled("boss", groups=["admin"])
    assert len(await asked(boss, "factor=totp&address=192.0.2.3")) == 8
    for kind in (*world.engine.factors, "upstream"):
        assert (await boss.api("GET", f"admin/events?factor={kind}")).status == 200, kind


async def test_the_page_leads_on(world: World) -> None:
    """From a line a link leads to the person, to the address and to the browser.

    A link leads back from the person.
    """
    boss = await world.enrolled("boss", groups=["admin"])
    page = (await boss.page("/mfa/admin/audit?ref=REF0000010")).text
    assert "/mfa/admin/accounts/user%2F2" in page
    assert "/mfa/admin/audit?address=192.0.2.2" in page
    assert "/mfa/admin/audit?browser=browser1" in page
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} UTC", page)
    person = (await boss.page("/mfa/admin/accounts/boss")).text
    assert "/mfa/admin/audit?account=boss" in person
    for word in WORDS:
        assert f'name="{word}"' in page


async def test_pages_of_a_search_have_every_line_once(world: World) -> None:
    """A cursor goes on behind the last line that was given, also within a piece."""
    desk, reader = world.gate.service.trail_desk, world.gate.service
    from mfa_gate.cli.audit.search import READER

    for limit in (1, 3, 7):
        found, after = list[str](), ""
        while True:
            page = await desk.events(READER, "alpha", search_of({"address": "192.0.2.3"}), after=after, limit=limit)
            found += [event.id for event in page.items]  # type: ignore[union-attr]
            after = page.next  # type: ignore[union-attr]
            if not after:
                break
        assert found == [f"REF{n:07}" for n in range(59, -1, -1) if n % 8 == 3]
    assert reader is not None


async def test_a_long_search_stops_and_goes_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that is not full has a cursor: no request looks at the whole trail."""
    monkeypatch.setattr(trail, "MAX_LOOKED_AT", 20)
    page = await trail.search_trail(world.store, "alpha", search_of({"ref": "REF0000000"}), after="", limit=1)
    assert page.items == ()
    assert page.next
    for _ in range(5):
        page = await trail.search_trail(
            world.store, "alpha", search_of({"ref": "REF0000000"}), after=page.next, limit=1
        )
        if page.items:
            break
    assert [event.id for event in page.items] == ["REF0000000"]


@pytest.mark.parametrize(("operator", "tenant", "found"), [(True, "alpha", 60), (True, "", 60), (False, "", 0)])
async def test_every_tenant_is_for_the_operator_alone(world: World, operator: bool, tenant: str, found: int) -> None:
    """Nobody else reads a trail without the name of its tenant."""
    who = Actor(name="operator:eve") if operator else await administrator(world, "admin", "security")
    page = await world.gate.service.trail_desk.events(who, tenant, search_of({}), limit=100)
    assert len([] if isinstance(page, Refusal) else [one for one in page.items if one.id.startswith("REF")]) == found
    if isinstance(page, Refusal):
        assert page.reason == "not_found"


@pytest.mark.parametrize(("limit", "count"), [(-1, 1), (0, 1), (1, 1), (2, 2)])
async def test_a_page_has_a_line_at_least(world: World, limit: int, count: int) -> None:
    """A limit that is none is the smallest one."""
    page = await world.gate.service.trail_desk.events(Actor(name="operator:eve"), "alpha", search_of({}), limit=limit)
    assert not isinstance(page, Refusal)
    assert len(page.items) == count


@pytest.mark.parametrize(("most", "looked_at"), [(20, 20), (21, 40), (40, 40), (41, 60)])
async def test_a_search_looks_at_so_many_lines(
    world: World, monkeypatch: pytest.MonkeyPatch, most: int, looked_at: int
) -> None:
    """Pieces of twenty lines are read until there are enough of them."""
    monkeypatch.setattr(trail, "MAX_LOOKED_AT", most)
    search = search_of({"ref": "REF0000000"})
    page = await trail.search_trail(world.store, "alpha", search, after="", limit=1)
    rest = await world.store.events("alpha", after=page.next, limit=100) if page.next else None
    assert (len(rest.items) if rest else 0) == 60 - looked_at


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_an_index_finds_the_same(kind: str, tmp_path: Path) -> None:
    """A store that has an index gives the lines that one without it gives."""
    store = MemoryStore() if kind == "memory" else f"sqlite:///{tmp_path}/mfa.db"
    async with running(make_world(store=store)) as world:
        lines = [
            Event(
                id=f"REF{n:07}", kind="proof.granted", at=START + n, tenant="alpha", account="ann", browser=f"b{n % 3}"
            )
            for n in range(7)
        ]
        await world.engine.record(lines)
        for words, found in (
            ({"browser": "b1"}, [4, 1]),
            ({"browser": "b1", "account": "bob"}, []),
            ({"ref": "ref0000002"}, [2]),
        ):
            page = await world.gate.service.trail_desk.events(Actor(name="operator:eve"), "alpha", search_of(words))
            assert not isinstance(page, Refusal)
            assert [event.id for event in page.items] == [f"REF{n:07}" for n in found]
