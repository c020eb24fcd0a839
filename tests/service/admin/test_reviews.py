"""Reviews of people: filters, columns and orders, the same on page and JSON and in files."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import AsyncIterator

import pytest

from mfa_gate.core.people_search import SORTS, WORDS, search_of
from mfa_gate.core.person_line import MEMBERS
from mfa_gate.core.reasons import Refusal
from mfa_gate.core.trail_search import BadFilter
from mfa_gate.service import Actor
from mfa_gate.service.admin import reviews
from mfa_gate.service.admin.people_order import cursor_of
from tests.harness import Browser, World, make_world, running
from tests.service.admin.people import FACTS, REVIEWED, directory, fill

READER = Actor(name="operator")
FOUND = {
    "status=locked": {"locked"},
    "status=recovery": {"lost"},
    "q=TIC": {"ticket"},
    "factor=sms": {"both", "texts"},
    "resistant=yes": {"key"},
    "texts_only=yes": {"texts"},
    "unused=90": {"bare", "old", "ticket"},
    "unused=90&factor=email": {"old"},
    "locked_by=administrator": {"locked"},
    "locked_by=mary": {"locked"},
    "locked_by=attempts": set(),
    "break_glass=asked": {"grant"},
    "break_glass=open": {"opened"},
    "disputed=yes": {"stolen"},
    "ticket=yes": {"ticket"},
    "agreement=2": {"terms"},
    "status=not_enrolled&ticket=no": {"bare"},
}
"""The people that each filter finds."""


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A world whose store has the people of reviews, and no directory."""
    async with running(make_world(policy=REVIEWED)) as made:
        await fill(made)
        yield made


@pytest.fixture
async def listed() -> AsyncIterator[World]:
    """The same with a directory."""
    async with running(make_world(policy=REVIEWED, directory=directory)) as made:
        await fill(made)
        yield made


def shown_on(page: str) -> list[str]:
    """List the ids on a page, in its order."""
    return re.findall(r'<td class="id"><bdi>([^<]*)</bdi>', page)


async def asked(boss: Browser, query: str) -> list[str]:
    """Return the ids that JSON finds, after the page and the file found the same."""
    reply = await boss.api("GET", f"admin/accounts?{query}&limit=200")
    assert reply.status == 200, reply.text
    found = [row["id"] for row in reply.json()["accounts"]]
    page = await boss.page(f"/mfa/admin/accounts?{query}&sort=id")
    assert sorted(shown_on(page.text)) == sorted(found), query
    file = await boss.page(f"/mfa/admin/accounts?{query}&format=csv")
    rows = list(csv.DictReader(io.StringIO(file.text)))
    assert sorted(row["id"] for row in rows) == sorted(found), query
    return found


async def test_all_doors_find_the_same(world: World) -> None:
    """K-13: each filter finds its people, on the page, in JSON and in the file."""
    boss = await world.enrolled("boss", groups=["admin"])
    assert {word for query in FOUND for word in re.findall(r"(\w+)=", query)} == set(WORDS)
    for query, wanted in FOUND.items():
        assert set(await asked(boss, query)) - {"boss"} == wanted, query


async def test_every_member_is_told(world: World) -> None:
    """K-13, K-14: a line has every fact of the account, and nothing secret."""
    boss = await world.enrolled("boss", groups=["admin"])
    rows = {row["id"]: row for row in (await boss.api("GET", "admin/accounts?limit=200")).json()["accounts"]}
    assert set(rows) == {*FACTS, "boss"}
    assert all(tuple(row) == MEMBERS for row in rows.values())
    assert rows["key"]["phishing_resistant"] is True
    assert rows["texts"]["texts_only"] is True
    assert (rows["locked"]["locked_by"], rows["locked"]["lock_cause"]) == ("mary", "administrator")
    assert (rows["opened"]["break_glass"], rows["grant"]["break_glass"]) == ("open", "asked")
    assert rows["old"]["last_proof_at"] is not None
    assert rows["bare"]["last_proof_at"] is None
    assert rows["stolen"]["disputed_until"] is not None
    assert rows["terms"]["agreement"] == "2"


@pytest.mark.parametrize("sort", ["", *SORTS])
async def test_pages_go_on(listed: World, sort: str) -> None:
    """Pages of any order together have everybody once, those without an account too."""
    await listed.enrolled("boss", groups=["admin"])
    reviews = listed.gate.service.reviews
    seen, after = list[str](), ""
    for _ in range(20):
        page = await reviews.page(READER, "alpha", search_of({}), sort=sort, after=after, limit=3)
        assert not isinstance(page, Refusal)
        seen += [line.id for line in page.rows]
        after = page.next
        if not after:
            break
    assert sorted(seen) == sorted([*FACTS, "boss", "never1", "never2"])
    if sort in ("id", "-id"):
        rest = sorted([*FACTS, "boss"])
        assert [id for id in seen if not id.startswith("never")] == (rest if sort == "id" else rest[::-1])
    if not sort:
        assert seen[:2] == ["locked", "lost"]


@pytest.mark.parametrize("text", ["\x1f[", "\x1f99\x1fx", "\x1f[1, 2]", "\x1f" + "[" * 5_000, '\x1f["a", 1]'])
async def test_a_made_up_cursor_is_no_fault(world: World, text: str) -> None:
    """A cursor that no page gave begins anew, or finds nothing."""
    cursor_of(text)
    for sort in ("id", "last"):
        found = await world.gate.service.reviews.page(READER, "alpha", search_of({}), sort=sort, after=text, limit=3)
        assert not isinstance(found, Refusal)
        assert len(found.rows) in (0, 3)


@pytest.mark.parametrize(
    "query", ["nonsense=1", "unused=-1", "unused=soon", "resistant=maybe", "status=odd", "sort=size"]
)
async def test_an_unknown_filter_is_refused(world: World, query: str) -> None:
    """An unknown filter or value is 422 and finds nobody, on the page and in JSON."""
    boss = await world.enrolled("boss", groups=["admin"])
    assert (await boss.api("GET", f"admin/accounts?{query}")).status == 422
    page = await boss.page(f"/mfa/admin/accounts?{query}")
    assert (page.status, shown_on(page.text)) == (422, [])
    with pytest.raises(BadFilter):
        search_of({"nonsense": "1"})


async def test_the_directory_is_the_denominator(listed: World) -> None:
    """K-12: bar, JSON, plot and list count the people of the directory, the exempt apart."""
    boss = await listed.enrolled("boss", groups=["admin"])
    desk = (await boss.api("GET", "admin/tenant")).json()
    # 13 of the store but one, the administrator, two who were never here, the robot.
    assert desk["people"] == {"known": 16, "set_up": 11, "missing": 4, "exempt": 1}
    assert (desk["history"][-1]["enrolled"], desk["history"][-1]["people"]) == (11, 16)
    page = (await boss.page("/mfa/admin/tenant")).text
    assert "11 of 16 known people" in page
    assert "1 person is exempt." in page
    missing = (await boss.page("/mfa/admin/accounts?status=not_enrolled")).text
    assert sorted(shown_on(missing)) == ["bare", "never1", "never2", "ticket"]
    assert 'Not set up <span class="count">4</span>' in missing
    assert "1 person is exempt by the policy" in missing


async def test_a_reminder_to_those_who_are_ticked(listed: World) -> None:
    """K-12: ticked people get a mail, once a day each; who is set up or exempt gets none."""
    boss = await listed.enrolled("boss", groups=["admin"])
    await listed.engine.effects.idle()
    listed.email.messages.clear()
    ticked = {"pick-1": "never1", "pick-2": "app", "pick-3": "robot", "pick-4": "stranger", "pick-5": "bare"}
    told = await boss.form("/mfa/admin/accounts", {"action": "remind", **ticked})
    assert (told.status, told.location) == (303, "/mfa/admin/accounts#")
    await listed.engine.effects.idle()
    assert sorted(message.to for message in listed.email.messages) == ["bare@alpha.example", "never1@alpha.example"]
    again = await boss.form("/mfa/admin/accounts", {"action": "remind", **ticked})
    assert again.status == 422
    assert (await boss.form("/mfa/admin/accounts", {"action": "remind"})).status == 422
    assert (await boss.form("/mfa/admin/accounts", {"action": "erase"})).status == 404


async def test_a_directory_that_fails_is_left_out() -> None:
    """A directory that breaks off is as none: the people whom the gate has met are counted."""

    async def broken(tenant: str):  # type: ignore[no-untyped-def]
        async for person in directory(tenant):
            yield person
        raise RuntimeError("the directory is away")

    async with running(make_world(policy=REVIEWED, directory=broken)) as world:
        await fill(world)
        counts = await world.gate.service.people.counts("alpha")
        assert (counts.is_listed, counts.known) == (False, len(FACTS))


async def test_a_sorted_page_reads_no_account(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sorting looks at the roster's lines alone.

    Else a page of a large tenant would load everybody.
    """
    loaded, load = list[object](), world.store.load

    async def counted(key: object, /) -> object:
        loaded.append(key)
        return await load(key)  # type: ignore[arg-type]

    monkeypatch.setattr(world.store, "load", counted)
    page = await world.gate.service.reviews.page(READER, "alpha", search_of({}), sort="name", limit=3)
    assert not isinstance(page, Refusal)
    assert [row.id for row in page.rows] == ["app", "bare", "both"]
    assert loaded == []


async def pages(world: World, words: dict[str, str], *, sort: str, limit: int) -> list[list[str]]:
    """Walk through all pages."""
    found, after = list[list[str]](), ""
    while True:
        page = await world.gate.service.reviews.page(
            READER, "alpha", search_of(words), sort=sort, after=after, limit=limit
        )
        assert not isinstance(page, Refusal)
        found.append([line.id for line in page.rows])
        after = page.next
        if not after:
            return found


@pytest.mark.parametrize("sort", ["", *SORTS])
async def test_each_page_is_full_and_the_last_one_has_no_next(listed: World, sort: str) -> None:
    """Whatever the size of a page, a full last page leads to no empty one."""
    (everybody,) = await pages(listed, {}, sort=sort, limit=200)
    assert len(everybody) == len(FACTS) + 3
    for limit in range(len(everybody) + 1):
        size = max(1, limit)
        wanted = [everybody[at : at + size] for at in range(0, len(everybody), size)]
        assert await pages(listed, {}, sort=sort, limit=limit) == wanted, limit


async def test_a_page_looks_at_so_many_people(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A search that finds hardly anybody goes on behind those whom it has looked at."""
    monkeypatch.setattr(reviews, "AT_ONCE", 2)
    for most, count in ((4, 4), (5, 3), (6, 3), (100, 1)):
        monkeypatch.setattr(reviews, "MAX_LOOKED_AT", most)
        found = await pages(world, {"unused": "1"}, sort="id", limit=50)
        assert len(found) == count, most
        assert sorted(id for page in found for id in page) == sorted(FACTS)


@pytest.mark.parametrize(("most", "first"), [(len(FACTS), "ticket"), (len(FACTS) - 1, "app")])
async def test_a_very_large_organization_comes_by_id(
    world: World, monkeypatch: pytest.MonkeyPatch, most: int, first: str
) -> None:
    """Only so many people are sorted by something else."""
    monkeypatch.setattr(reviews, "MAX_SORTED", most)
    assert (await pages(world, {}, sort="-id", limit=5))[0][0] == first
