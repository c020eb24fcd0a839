"""The bounds of every list, on each store: the last page, the first line, and ties.

All tests of a kind of store share one store; each has tenants of its own.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
import pytest_asyncio

from mfa_gate.core.model import Account, Lock, SubjectKey
from mfa_gate.core.rules import TenantSettings
from mfa_gate.core.trail import event_to_json
from mfa_gate.storage import END, ChainPoint, EventPage, Page, Rewrite, Take, Taken
from mfa_gate.stores import store_from_url
from mfa_gate.stores.memory import MemoryStore
from mfa_gate.testing.store_suite import enrolled, event

from . import postgres_servers, servers
from .patience import patient_store

KINDS = ("memory", "sqlite", "redis", "postgres")
_NUMBERS = count(1)


@pytest.fixture(scope="module")
def urls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The place of each kind of store."""
    folder = tmp_path_factory.mktemp("bounds")
    with ExitStack() as held:
        server = held.enter_context(servers.single(folder))
        yield {
            "memory": "memory://",
            "sqlite": f"sqlite:///{folder / 'mfa.db'}",
            "redis": f"redis://127.0.0.1:{server.port}",
            "postgres": postgres_servers.shared().schema(),
        }


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stores(urls: dict[str, str]) -> AsyncIterator[dict[str, Any]]:
    """An open store of each kind."""
    made = {kind: patient_store(url) for kind, url in urls.items()}
    async with AsyncExitStack() as held:
        for store in made.values():
            await store.open()
            held.push_async_callback(store.aclose)
        yield made


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, stores: dict[str, Any]) -> Any:
    return stores[request.param]


@pytest.fixture
def tenant() -> str:
    return f"t{next(_NUMBERS):04}"


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def people(store: Any, tenant: str, ids: str, **parts: Any) -> None:
    """Enroll people with these ids; those with a capital are locked."""
    for id in ids:
        more = {"lock": Lock(at=50, cause="attempts", ref="r")} if id.isupper() else {}
        account = enrolled(SubjectKey(tenant, id), name=f"Name {id.lower()}", **more)
        assert await store.swap(replace(account, **parts))


def ids_of(page: Page) -> tuple[str, str]:
    return "".join(line.key.id for line in page.items), page.next


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"limit": 6}, ("ABCdef", "")),
        ({"limit": 5}, ("ABCde", "e")),
        ({"limit": 1}, ("A", "A")),
        ({"limit": 5, "after": "A"}, ("BCdef", "")),
        ({"limit": 2, "after": "d"}, ("ef", "")),
        ({"after": "f"}, ("", "")),
        ({"after": "Z"}, ("def", "")),
        ({"status": "locked", "limit": 3}, ("ABC", "")),
        ({"status": "locked", "limit": 2}, ("AB", "B")),
        ({"status": "locked", "limit": 1, "after": "B"}, ("C", "")),
        ({"status": "verified", "limit": 2}, ("de", "e")),
        ({"status": "recovery"}, ("", "")),
        ({"query": "name", "limit": 5}, ("ABCde", "e")),
        ({"query": "name", "limit": 6}, ("ABCdef", "")),
        ({"query": "name", "limit": 2, "after": "d"}, ("ef", "")),
        ({"query": "name b"}, ("B", "")),
        ({"query": "name b", "status": "verified"}, ("", "")),
        ({"query": "name", "status": "locked", "limit": 2}, ("AB", "B")),
        ({"query": "name", "status": "locked", "limit": 3}, ("ABC", "")),
    ],
)
async def test_pages_of_people(
    store: Any, stores: dict[str, Any], asked: dict[str, Any], found: tuple[str, str]
) -> None:
    """A full last page leads to no empty one, with a status, a word, and both."""
    if not (await store.counts("people"))["locked"]:
        await people(store, "people", "dBAfeC")
        await people(store, "people2", "ABg")
    assert ids_of(await store.page("people", **asked)) == found


async def test_nobody_is_in_a_tenant_that_was_never_written(store: Any, tenant: str) -> None:
    """Each list of it is empty, and begins where a trail begins."""
    assert ids_of(await store.page(tenant, query="name", status="locked")) == ("", "")
    assert await store.summaries(tenant, ["a"]) == {}
    assert await store.events(tenant) == EventPage(items=(), next="")
    assert list(await store.links(tenant)) == []
    assert list(await store.misfiled(tenant)) == []
    assert (await store.head(tenant), await store.anchor(tenant)) == (ChainPoint(), ChainPoint())
    assert await store.prune(tenant, before=2_000_000_000) == 0
    assert (await store.trail(tenant)).items == ()
    assert tenant not in await store.trails()
    assert await store.settings(tenant) == TenantSettings(tenant=tenant)


async def test_counts_follow_each_change(store: Any, tenant: str) -> None:
    """A person is counted once, by the present status, and not at all once forgotten."""
    await people(store, tenant, "aB")
    key = SubjectKey(tenant, "a")
    assert await store.counts(tenant) == {"verified": 1, "locked": 1, "recovery": 0, "not_enrolled": 0}
    assert await store.swap(Account(key=key, version=1))
    assert await store.counts(tenant) == {"verified": 0, "locked": 1, "recovery": 0, "not_enrolled": 1}
    assert await store.swap(replace(enrolled(key, version=2), forgotten_at=9).without_person())
    assert await store.counts(tenant) == {"verified": 0, "locked": 1, "recovery": 0, "not_enrolled": 0}
    assert await store.swap(replace(Account(key=key, version=3), forgotten_at=9))
    assert ids_of(await store.page(tenant)) == ("B", "")
    assert [*await store.summaries(tenant, ["B", "a", "B"])] == ["B"]


async def test_a_swap_of_another_version(store: Any, tenant: str) -> None:
    """A version that is ahead is as wrong as one that is behind, and writes no line."""
    key = SubjectKey(tenant, "a")
    for version, is_done in ((1, False), (0, True), (0, False), (2, False), (1, True)):
        assert await store.swap(enrolled(key, version=version), [event(version, key=key)]) is is_done
    assert (await store.load(key)).version == 2
    assert [line.id for line in (await store.events(tenant)).items] == ["e1", "e0"]
    for version, is_done in ((1, False), (0, True), (0, False), (2, False), (1, True)):
        chosen = TenantSettings(tenant=tenant, version=version, enabled_at=version + 1)
        assert await store.swap_settings(chosen, [event(10 + version, key=key)]) is is_done
    settings = await store.settings(tenant)
    assert (settings.version, settings.enabled_at) == (2, 2)
    assert [line.id for line in (await store.events(tenant)).items] == ["e11", "e10", "e1", "e0"]


async def test_keys_in_order(store: Any, tenant: str) -> None:
    """They go on behind the last one, over the border of a tenant."""
    first, second = f"{tenant}-a", f"{tenant}-b"
    for place in (second, first):
        await people(store, place, "cab")
    keys = [SubjectKey(place, id) for place in (first, second) for id in "abc"]
    before = SubjectKey(tenant, "zzz")
    for limit in range(1, 7):
        assert list(await store.keys(after=before, limit=limit)) == keys[:limit]
    for at, key in enumerate(keys):
        found = list(await store.keys(after=key, limit=2))
        assert found[: len(keys) - at - 1] == keys[at + 1 : at + 3]
    assert list(await store.keys(after=SubjectKey(first, "bb"), limit=2)) == keys[2:4]


async def lines(store: Any, tenant: str, number: int) -> None:
    """Write so many lines, of two accounts and two kinds in turn."""
    made = [
        event(n, key=SubjectKey(tenant, "ab"[n % 2]), kind=("attempt.failed", "proof.granted")[n // 2 % 2])
        for n in range(number)
    ]
    await store.append(made)


def read(page: EventPage) -> list[int]:
    return [int(line.id[1:]) for line in page.items]


@pytest.mark.parametrize(
    ("asked", "numbers"),
    [
        ({}, [7, 6, 5, 4, 3, 2, 1, 0]),
        ({"account": "a"}, [6, 4, 2, 0]),
        ({"kind": "proof.granted"}, [7, 6, 3, 2]),
        ({"account": "b", "kind": "attempt.failed"}, [5, 1]),
        ({"account": "nobody"}, []),
        ({"kind": "nothing"}, []),
    ],
)
async def test_pages_of_lines(store: Any, asked: dict[str, str], numbers: list[int]) -> None:
    """The newest come first, and each page goes on where the one before has ended."""
    if not (await store.events("lines")).items:
        await lines(store, "lines", 8)
        await lines(store, "lines2", 3)
    for limit in range(1, len(numbers) + 2):
        seen, after = list[int](), ""
        for _ in range(9):
            page = await store.events("lines", after=after, limit=limit, **asked)
            assert len(page.items) <= limit
            seen += read(page)
            assert bool(page.next) == (len(seen) < len(numbers)), "a full last page leads to no empty one"
            after = page.next
            if not after:
                break
        assert seen == numbers, limit


async def test_lines_of_all_tenants(store: Any, tenant: str) -> None:
    """Those of an account, over all tenants, page by page."""
    names = [f"{tenant}-{letter}" for letter in "cab"]
    for number, name in enumerate(names * 2):
        await store.append([event(number, key=SubjectKey(name, tenant))])
    seen, after = list[int](), ""
    for _ in range(9):
        page = await store.events("", account=tenant, after=after, limit=4)
        seen += read(page)
        after = page.next
        if not after:
            break
    assert seen == [5, 4, 3, 2, 1, 0]


async def test_stored_lines(store: Any, tenant: str) -> None:
    """A piece begins behind its place; places rise, and the head follows the last line."""
    await lines(store, tenant, 5)
    links = list(await store.links(tenant))
    assert [link.line for link in links] == [
        event_to_json(line) for line in reversed((await store.events(tenant)).items)
    ]
    assert links == sorted(links)
    for limit in range(1, 6):
        assert list(await store.links(tenant, limit=limit)) == links[:limit]
    for at, link in enumerate(links):
        assert list(await store.links(tenant, after=link.place, limit=2)) == links[at + 1 : at + 3]
    assert await store.head(tenant) == ChainPoint(lines=5, digest=links[-1].digest)


async def test_a_trail_forward(store: Any, tenant: str) -> None:
    """``next`` is always the cursor behind the last line.

    A piece has as many lines as were asked for.
    """
    await lines(store, tenant, 5)
    pages = [await store.trail(tenant, limit=limit) for limit in (1, 4, 5, 6)]
    assert [read(page) for page in pages] == [[0], [0, 1, 2, 3], [0, 1, 2, 3, 4], [0, 1, 2, 3, 4]]
    rest = [read(await store.trail(tenant, after=page.next)) for page in pages]
    assert rest == [[1, 2, 3, 4], [4], [], []]
    end = await store.trail(tenant, after=END)
    assert end.items == ()
    await lines(store, tenant, 1)
    for page in (end, pages[2], pages[3]):
        assert read(await store.trail(tenant, after=page.next)) == [0]


@pytest.mark.parametrize(
    ("before", "limit", "gone"), [(0, 9, 0), (1, 9, 1), (3, 9, 3), (3, 2, 2), (3, 3, 3), (99, 9, 6), (99, 1, 1)]
)
async def test_pruning(store: Any, tenant: str, before: int, limit: int, gone: int) -> None:
    """Lines before a second go, up to a number, and the anchor is the last of them."""
    await lines(store, tenant, 6)
    links = list(await store.links(tenant))
    assert await store.prune(tenant, before=event(0).at + before, limit=limit) == gone
    assert list(await store.links(tenant)) == links[gone:]
    digest = links[gone - 1].digest if gone else ""
    assert await store.anchor(tenant) == ChainPoint(lines=gone, digest=digest)
    assert await store.head(tenant) == ChainPoint(lines=6, digest=links[-1].digest)
    for account, kind in (("", ""), ("a", ""), ("", "attempt.failed"), ("b", "proof.granted")):
        every = [n for n in range(5, gone - 1, -1) if account in ("", "ab"[n % 2])]
        every = [n for n in every if kind in ("", ("attempt.failed", "proof.granted")[n // 2 % 2])]
        assert read(await store.events(tenant, account=account, kind=kind)) == every


@pytest.mark.parametrize(
    ("seconds", "now", "gone"),
    [([5, 10], 10, 1), ([15, 5, 20], 10, 2), ([15, 20], 10, 0), ([10, 5], 10, 0), ([0, 5], 10, 2), ([15, 10], 10, 0)],
)
async def test_pruning_beside_a_clock_ahead(store: Any, tenant: str, seconds: list[int], now: int, gone: int) -> None:
    """A line ahead of the clock, or without a time, is as old as the line behind it."""
    start = event(0).at
    made = [replace(event(n, key=SubjectKey(tenant, "a")), at=at and start + at) for n, at in enumerate(seconds)]
    await store.append(made)
    assert await store.prune(tenant, before=start + 10, now=start + now) == gone


async def test_rewriting(store: Any, tenant: str) -> None:
    """Only a line that is still the same is replaced, in its own tenant."""
    await lines(store, tenant, 3)
    links = list(await store.links(tenant))
    new = [link.line.replace('"a"', '"x"') for link in links]
    await store.rewrite(
        tenant,
        [
            Rewrite(links[0].place, links[0].line, new[0]),
            Rewrite(links[1].place, new[0], "{}"),
            Rewrite(links[2].place + 1, links[2].line, "{}"),
            Rewrite(links[2].place + 999, links[2].line, "{}"),
        ],
    )
    await store.rewrite(f"{tenant}-other", [Rewrite(links[2].place, links[2].line, "{}")])
    assert [link.line for link in await store.links(tenant)] == [new[0], links[1].line, links[2].line]
    assert [link.digest for link in await store.links(tenant)] == [link.digest for link in links]
    assert list(await store.misfiled(tenant)) == []
    assert [read(await store.events(tenant, account=account)) for account in "xab"] == [[0], [2], [1]]


async def test_buckets(store: Any, tenant: str) -> None:
    """A place is free again when its window is over, to the second, and the wait says when."""

    def take(at: int, amount: int = 1, limit: int = 3) -> Take:
        return Take(bucket=tenant, limit=limit, window=60, at=at, count=amount)

    for at, amount, answer in (
        (1000, 2, Taken(totals=(2,))),
        (1010, 1, Taken(totals=(3,))),
        (1010, 1, Taken(refused=0, wait=50)),
        (1059, 1, Taken(refused=0, wait=1)),
        (1059, 2, Taken(refused=0, wait=1)),
        (1059, 3, Taken(refused=0, wait=11)),
        (1059, 4, Taken(refused=0, wait=60)),
        (1060, 2, Taken(totals=(3,))),
        (1069, 1, Taken(refused=0, wait=1)),
        (1070, 1, Taken(totals=(3,))),
    ):
        assert await store.take_all([take(at, amount)]) == answer, (at, amount)
    assert [await store.total(tenant, window=60, now=now) for now in (1070, 1119, 1120, 1129, 1130)] == [3, 3, 1, 1, 0]
    assert [await store.total(tenant, window=window, now=1070) for window in (1, 10, 11)] == [1, 1, 3]
    assert await store.take_all([take(1130, 1, limit=0)]) == Taken(refused=0, wait=60)
    assert await store.take_all([]) == Taken()


async def test_an_earlier_take_counts_where_it_belongs(store: Any, tenant: str) -> None:
    """Takes of clocks that differ are kept in the order of their times (S-118)."""
    for at in (1030, 1000, 1020):
        await store.take_all([Take(bucket=tenant, limit=3, window=60, at=at)])
    refused = Take(bucket=tenant, limit=3, window=60, at=1030)
    assert await store.take_all([refused]) == Taken(refused=0, wait=30)
    assert [await store.total(tenant, window=60, now=now) for now in (1059, 1060, 1080, 1090)] == [3, 2, 1, 0]


async def test_small_values_go_by_their_ends(store: Any, tenant: str) -> None:
    """The oldest end first; one whose end is now is over; a new value has its own end."""
    start = next(_NUMBERS) * 1_000
    names = [f"{tenant}/{letter}" for letter in "abcd"]
    for name, until in zip(names, (30, 10, 20, 0), strict=True):
        await store.put_meta(name, b"x", until=until and start + until)

    async def left() -> str:
        return "".join([name[-1] for name in names if await store.meta(name) is not None])

    await store.prune_meta(before=start)
    for before, limit, gone, kept in ((9, 9, 0, "abcd"), (20, 1, 1, "acd"), (20, 9, 1, "ad"), (29, 9, 0, "ad")):
        assert await store.prune_meta(before=start + before, limit=limit) == gone
        assert await left() == kept
    await store.put_meta(names[0], b"y", until=start + 50)
    assert await store.prune_meta(before=start + 49) == 0
    assert await store.meta(names[0]) == b"y"
    await store.drop_meta(names[0])
    await store.put_meta(names[0], b"z")
    assert await store.prune_meta(before=start + 60) == 0
    assert await left() == "ad"


async def test_parts_of_a_report(store: Any, tenant: str) -> None:
    """Both ends of the hours belong to them.

    Parts of one hour stay in their order where the store keeps it.
    """
    for hour in (12, 10, 11, 13):
        await store.add_report_part(tenant, hour, b"%d" % hour)
    for since, until, hours in (
        (10, 13, [10, 11, 12, 13]),
        (11, 12, [11, 12]),
        (12, 12, [12]),
        (14, 20, []),
        (0, 9, []),
    ):
        parts = await store.report_parts(tenant, since=since, until=until)
        assert [(part.hour, part.body) for part in parts] == [(hour, b"%d" % hour) for hour in hours]
    first, second, *_ = await store.report_parts(tenant, since=10, until=13)
    await store.replace_report_part(tenant, first, b"new")
    await store.replace_report_part(tenant, second, b"")
    await store.replace_report_part(tenant, second, b"too late")
    assert [part.body for part in await store.report_parts(tenant, since=0, until=99)] == [b"new", b"12", b"13"]
    for before, gone in ((10, 0), (11, 1), (13, 1), (13, 0)):
        assert await store.prune_report(tenant, before=before) == gone
    assert await store.prune_report(f"{tenant}-none", before=99) == 0
    assert tenant in await store.reported_tenants()
    assert list(await store.reported_tenants()) == sorted(await store.reported_tenants())


async def test_claims(store: Any, tenant: str) -> None:
    """A name belongs to its first owner, until that one gives it back."""
    one, two = SubjectKey(tenant, "a"), SubjectKey(tenant, "b")
    assert [await store.claim(tenant, key) for key in (one, two, one)] == [True, False, True]
    for key, is_free in ((two, False), (one, True), (one, True)):
        await store.release(tenant, key)
        if is_free:
            assert await store.claim(tenant, two)
            await store.release(tenant, two)
        else:
            assert not await store.claim(tenant, two)


async def test_marks(store: Any, tenant: str) -> None:
    """Marks of two names are apart; what is not there can be forgotten."""
    await store.unmark(tenant, ["a"])
    await store.mark(tenant, ["a", "b", "a"])
    assert await store.marked(tenant, ["b", "c", "a"]) == {"a", "b"}
    assert await store.marked(f"{tenant}-2", ["a"]) == frozenset()
    await store.unmark(tenant, ["a", "c"])
    assert await store.marked(tenant, ["a", "b", "c"]) == {"b"}


async def test_the_clock_of_a_server(store: Any) -> None:
    """A store on a server tells its clock, in seconds."""
    if hasattr(store, "time"):
        before = time.time()
        assert before - 1 <= await store.time() <= time.time() + 1


async def test_a_store_is_opened_once() -> None:
    """A second memory store of this process begins empty, another view of one has what it has."""
    one, two = MemoryStore(), store_from_url("memory://")
    await one.open()
    await two.open()
    key = SubjectKey("clinic", "a")
    assert await one.swap(enrolled(key))
    view = one.another()
    await view.open(make=False)
    assert [(await store.load(key)).version for store in (one, two, view)] == [1, 0, 1]
    await asyncio.gather(*(store.aclose() for store in (one, two, view)))


async def test_a_person_who_is_forgotten_twice(store: Any, tenant: str) -> None:
    """The row of the first time gives way; each time the next version follows."""
    kept = Account(key=SubjectKey(tenant, "a"))
    for version in range(0, 4, 2):
        assert await store.swap(replace(kept, name="Ann", version=version))
        account = await store.load(kept.key)
        assert (account.name, account.version) == ("Ann", version + 1)
        assert await store.swap(replace(account, epoch=4, seen_at=9, forgotten_at=9).without_person())
        kept = await store.load(kept.key)
        assert (kept.is_unknown, kept.version, kept.name) == (True, version + 2, "")
        assert ids_of(await store.page(tenant)) == ("", "")
    assert not await store.swap(replace(kept, version=2))
    assert not await store.swap(Account(key=kept.key, version=3))


@pytest.mark.parametrize(
    ("asked", "found", "is_more"),
    [
        ({}, [5, 4, 3, 2, 1, 0], False),
        ({"limit": 6}, [5, 4, 3, 2, 1, 0], False),
        ({"limit": 5}, [5, 4, 3, 2, 1], True),
        ({"limit": 1}, [5], True),
        ({"after": "0"}, [], False),
        ({"after": "x"}, [], False),
    ],
)
async def test_lines_of_a_browser(store: Any, asked: dict[str, Any], found: list[int], is_more: bool) -> None:
    """Newest first; a full last page leads to no empty one, and the next page follows."""
    if not hasattr(store, "lines_with"):
        return
    tenant = "browsers"
    if not (await store.events(tenant)).items:
        made = [replace(event(n, key=SubjectKey(tenant, "a")), browser=f"b{n % 2}") for n in range(6)]
        await store.append([*made, replace(event(9, key=SubjectKey(tenant, "a")), browser="b7")])
    page = await store.lines_with(tenant, "browser", ["b1", "", "b0"], **asked)
    assert (read(page), bool(page.next)) == (found, is_more)
    if is_more:
        rest = await store.lines_with(tenant, "browser", ["b0", "b1"], after=page.next)
        assert (read(rest), rest.next) == ([n for n in range(5, -1, -1) if n not in found], "")
    assert read(await store.lines_with(tenant, "browser", ["b9", "b7"])) == [9]


@pytest.mark.parametrize(("digits", "found"), [(18, [1, 0]), (19, [])])
async def test_the_longest_cursor(stores: dict[str, Any], tenant: str, digits: int, found: list[int]) -> None:
    """A number that any store could give is one; a longer one is none."""
    for kind, store in stores.items():
        place = f"{tenant}-{kind}"
        await lines(store, place, 2)
        cursor = "9" * digits
        after = f"{cursor}:zz" if kind == "redis" else cursor
        assert read(await store.events(place, after=after)) == found, kind


async def test_lines_of_nobody(store: Any, tenant: str) -> None:
    """A line that names no account stands among the others, and is found by its kind."""
    key = SubjectKey(tenant, "a")
    made = [replace(event(0, key=key), account=""), event(1, key=key), replace(event(2, key=key), account="", kind="k")]
    await store.append(made)
    assert read(await store.events(tenant)) == [2, 1, 0]
    assert read(await store.events(tenant, account="a")) == [1]
    assert read(await store.events(tenant, kind="k")) == [2]
    assert read(await store.trail(tenant)) == [0, 1, 2]
    assert list(await store.misfiled(tenant)) == []
    assert await store.prune(tenant, before=event(2).at) == 2
    assert read(await store.events(tenant)) == [2]
