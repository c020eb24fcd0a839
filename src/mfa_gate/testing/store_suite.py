"""Prove a store: subclass ``StoreSuite``, give it stores, and pass."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import replace
from weakref import WeakKeyDictionary

from ..core.events import Event
from ..core.model import Account, Attempts, Authenticator, Browser, Lock, Proof, Recovery, SubjectKey
from ..core.rules import TenantSettings
from ..core.summary import STATUSES, Summary, summary_of
from ..errors import StoreMissing, StoreUnavailable
from ..service.trail_verification import verify_trail
from ..storage import (
    END,
    EVERYTHING,
    ChainPoint,
    Changed,
    ChecksColumns,
    EventPage,
    FindsLines,
    Link,
    Reader,
    ReportParts,
    Rewrite,
    Store,
    Take,
    Taken,
    take_one,
)

__all__ = ["StoreSuite"]

ALICE = SubjectKey("clinic", "alice")
BOB = SubjectKey("clinic", "bob")
ODD_IDS = (
    "user@clinic.example",
    "Zoë 日本 🜁",
    'o\'hara "q" `b`',
    "100%_sure",
    "a/b\\c:d;e|f",
    "{tag}",
    "x*?[y]",
    "-1",
    "x" * 255,
    "é" * 127,
)


def enrolled(key: SubjectKey, **parts: object) -> Account:
    """An account with something in every corner of it."""
    proof = Proof(factor="totp", authenticator="a1", at=1_700_000_000, network="192.0.2.1/32", epoch=0)
    account = Account(
        key=key,
        name="Ada Lovelace",
        attempts=Attempts(used=3, series=2, charged_at=1_700_000_000, days=((19_675, 3),)),
        authenticators=(
            Authenticator(id="a1", factor="totp", label="Phone", created_at=1, data={"sealed_secret": "x", "step": 2}),
        ),
        browsers=(Browser(id="b1", handle="h", label="Firefox", created_at=1, proofs=(proof,)),),
        skips=(("2024-01-01", 5),),
        tenant_epoch=3,
    )
    return replace(account, **parts)  # type: ignore[arg-type]


def event(number: int, *, key: SubjectKey = ALICE, kind: str = "attempt.failed") -> Event:
    """One of several events that can be told apart."""
    return Event(
        id=f"e{number}", kind=kind, at=1_700_000_000 + number, tenant=key.tenant, account=key.id, detail={"n": number}
    )


class Listener:
    """One of a store's readers, as a gate is one."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._reader = Reader()

    def changed(self) -> Changed:
        """Tell the changes since this listener's last look."""
        return self._store.changed(self._reader)


_READERS: WeakKeyDictionary[Store, Reader] = WeakKeyDictionary()


def changed(store: Store) -> Changed:
    """Look at what changed in ``store``, as its one reader in a test."""
    return store.changed(_READERS.setdefault(store, Reader()))


async def settle(store: Store) -> None:
    """Take note of all that happened so far, so that the next look shows only what is new."""
    for _ in range(100):
        if changed(store) == frozenset():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("changed() must return an empty frozenset when nothing is new, and did not within a second")


async def heard(store: Store, enough: Callable[[Changed], bool]) -> Changed:
    """Collect the notices of a reader until they are enough, for at most a second.

    Another process's change may take a moment.
    """
    return await heard_by(lambda: changed(store), enough)


async def heard_by(look: Callable[[], Changed], enough: Callable[[Changed], bool]) -> Changed:
    """As ``heard``, for one of several readers."""
    told: Changed = frozenset()
    for _ in range(200):
        new = look()
        told = told | new if isinstance(told, frozenset) and isinstance(new, frozenset) else EVERYTHING
        if enough(told):
            break
        await asyncio.sleep(0.005)
    return told


def tells(key: SubjectKey) -> Callable[[Changed], bool]:
    """Tell if a notice covers ``key``."""
    return lambda told: not isinstance(told, frozenset) or key in told


def _one(bucket: str, *, limit: int) -> Take:
    """One of ``limit`` in a minute."""
    return Take(bucket=bucket, limit=limit, window=60, at=1000)


async def _is_missing(store: Store) -> bool:
    """Tell if a store that may not be made refuses to open."""
    try:
        await store.open(make=False)
    except StoreMissing:
        return True
    return False


async def _is_refused(call: Callable[[], Awaitable[object]]) -> bool:
    """Tell if a call raises ``StoreUnavailable``."""
    try:
        await call()
    except StoreUnavailable:
        return True
    return False


class StoreSuite:
    """The conformance suite of ``mfa_gate.ports.Store``.

    A subclass provides three pytest fixtures: ``store``, an opened and empty store; ``other``, a second opened store object
    on the same backend, as another worker would have it; and ``missing``, a store object that nobody has opened, on a
    backend without a store (closing them is the fixture's business). In pytest-asyncio's strict mode the subclass needs
    ``pytestmark = pytest.mark.asyncio``.
    """

    async def test_unknown_is_empty(self, store: Store) -> None:
        """An unknown subject is an empty account at version zero, and looking does not make one."""
        assert await store.load(ALICE) == Account(key=ALICE)
        assert await store.keys() == ()
        assert (await store.page("clinic")).items == ()

    async def test_swap_and_load(self, store: Store, other: Store) -> None:
        """A swapped account comes back whole, one version higher, at once and in every worker."""
        account = enrolled(ALICE)
        assert await store.swap(account)
        assert await store.load(ALICE) == replace(account, version=1)
        assert await other.load(ALICE) == replace(account, version=1)
        assert await store.swap(replace(account, version=1, attempts=Attempts(used=4)))
        assert (await other.load(ALICE)).attempts.used == 4
        assert (await other.load(ALICE)).version == 2

    async def test_lost_swap_writes_nothing(self, store: Store, other: Store) -> None:
        """S-31: a swap from any version but the stored one is refused.

        It leaves no account, event, summary or notice.
        """
        assert await store.swap(enrolled(ALICE), [event(1)])
        await settle(store)
        await settle(other)
        for version in (0, 2, 7):
            assert not await other.swap(enrolled(ALICE, version=version, name="Mallory"), [event(2)])
        assert not await other.swap(enrolled(BOB, version=1), [event(3, key=BOB)])
        assert await store.load(ALICE) == enrolled(ALICE, version=1)
        assert await store.load(BOB) == Account(key=BOB)
        assert [line.id for line in (await store.events("clinic")).items] == ["e1"]
        assert [line.name for line in (await store.page("clinic")).items] == ["Ada Lovelace"]
        await asyncio.sleep(0.05)
        assert changed(store) == frozenset()

    async def test_one_of_many_wins(self, store: Store, other: Store) -> None:
        """S-31: of 200 swaps of one version at once exactly one wins, over two workers.

        Only its event is written.
        """
        assert await store.swap(enrolled(ALICE))
        tries = [
            (store if number % 2 else other).swap(enrolled(ALICE, version=1, name=f"n{number}"), [event(number)])
            for number in range(200)
        ]
        won = [number for number, done in enumerate(await asyncio.gather(*tries)) if done]
        assert len(won) == 1
        account = await store.load(ALICE)
        assert (account.version, account.name) == (2, f"n{won[0]}")
        assert [line.id for line in (await store.events("clinic")).items] == [f"e{won[0]}"]

    async def test_no_update_is_lost(self, store: Store, other: Store) -> None:
        """S-31: forty counters that load, add one and swap until they win end at forty."""

        async def add_one(worker: Store) -> None:
            while True:
                account = await worker.load(ALICE)
                used = replace(account.attempts, used=account.attempts.used + 1)
                if await worker.swap(replace(account, attempts=used)):
                    return
                await asyncio.sleep(0)

        await asyncio.gather(*(add_one(worker) for worker in (store, other) for _ in range(20)))
        account = await store.load(ALICE)
        assert (account.attempts.used, account.version) == (40, 40)

    async def test_cancelled_calls(self, store: Store) -> None:
        """S-117: calls cancelled at any moment leave whole swaps behind.

        Nobody else's answer is mixed up.
        """
        assert await store.swap(enrolled(ALICE))
        for number in range(60):
            task = asyncio.ensure_future(store.swap(enrolled(BOB, version=number), [event(number, key=BOB)]))
            for _ in range(number % 7):
                await asyncio.sleep(0)
            if number % 5 == 4:
                await asyncio.sleep(0.001)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            alice, keys = await asyncio.gather(store.load(ALICE), store.keys())
            assert alice.key == ALICE
            assert alice.name == "Ada Lovelace"
            assert keys[0] == ALICE
        for _ in range(100):  # a swap may still be on its way after its caller is gone
            bob, lines = await store.load(BOB), (await store.events("clinic", account="bob", limit=200)).items
            if bob.version == len(lines):
                break
            await asyncio.sleep(0.01)
        assert bob.version == len(lines)

    async def test_odd_names(self, store: Store, other: Store) -> None:
        """Ids and tenants with any characters are told apart, found and listed (S-121).

        None of them is ever another's.
        """
        keys = [SubjectKey(tenant, id) for tenant in ("t", *ODD_IDS) for id in ODD_IDS]
        assert all(await asyncio.gather(*(store.swap(enrolled(key, name=key.id), [event(1, key=key)]) for key in keys)))
        for key in keys[:: len(ODD_IDS) + 1]:
            assert (await other.load(key)).name == key.id
            assert (await other.events(key.tenant, account=key.id)).items == (event(1, key=key),)
            assert [line.key for line in (await other.page(key.tenant, query=key.id)).items] == [key]
        for tenant in ODD_IDS:
            assert [line.key.id for line in (await store.page(tenant)).items] == sorted(ODD_IDS)
            assert sum((await store.counts(tenant)).values()) == len(ODD_IDS)
        assert await store.keys() == tuple(sorted(keys, key=lambda key: (key.tenant, key.id)))

    async def test_joined_names_are_not_mixed_up(self, store: Store) -> None:
        """S-121: tenant "a" with id "b/c" is not tenant "a/b" with id "c".

        It holds for every separator of the store.
        """
        for mark in "/:\\|}{%_ .":
            left, right = SubjectKey("a", f"b{mark}c"), SubjectKey(f"a{mark}b", "c")
            assert await store.swap(enrolled(left))
            assert await store.load(right) == Account(key=right)

    async def test_events_commit_in_order(self, store: Store, other: Store) -> None:
        """Events come back whole, the newest first, in the order within their swap.

        Pages have no gap and no double.
        """
        assert await store.swap(enrolled(ALICE), [event(1), event(2, kind="account.locked")])
        assert await store.swap(enrolled(BOB), [event(3, key=BOB)])
        await store.append([event(4), event(5, key=SubjectKey("finance", "alice"))])
        assert (await other.events("clinic")).items == (
            event(4),
            event(3, key=BOB),
            event(2, kind="account.locked"),
            event(1),
        )
        assert [line.id for line in (await other.events("")).items] == ["e5", "e4", "e3", "e2", "e1"]
        seen: list[str] = []
        after = ""
        for _ in range(9):
            page = await other.events("clinic", after=after, limit=1)
            seen += [line.id for line in page.items]
            after = page.next
            if not after:
                break
        assert seen == ["e4", "e3", "e2", "e1"]
        assert (await store.events("clinic", limit=4)).next == "", "a full last page leads to no empty one"

    async def test_lines_of_another_tenant_go_with_a_change(self, store: Store, other: Store) -> None:
        """A change writes its lines in the trails of all tenants that they name.

        A change that came too late writes none.
        """
        theirs = event(1, key=SubjectKey("finance", "x"))
        for lines in ([event(1), theirs], [theirs]):
            assert await store.swap(enrolled(SubjectKey("clinic", str(len(lines)))), lines)
            assert not await other.swap(enrolled(SubjectKey("clinic", str(len(lines)))), lines)
            chosen = TenantSettings(tenant="clinic", version=2 - len(lines))
            assert await store.swap_settings(chosen, lines)
            assert not await other.swap_settings(chosen, lines)
        assert (await other.events("clinic")).items == (event(1),) * 2
        assert (await other.events("finance")).items == (theirs,) * 4

    async def test_events_are_filtered(self, store: Store) -> None:
        """The trail is cut by tenant, account and kind together.

        Another tenant's lines never show (S-121).
        """
        for number in range(12):
            key = SubjectKey(("clinic", "finance")[number % 2], ("alice", "bob")[number // 2 % 2])
            await store.append([event(number, key=key, kind=("attempt.failed", "proof.granted")[number // 4 % 2])])
        clinic = await store.events("clinic", account="alice", kind="attempt.failed")
        assert [line.id for line in clinic.items] == ["e8", "e0"]
        assert [line.id for line in (await store.events("finance", kind="proof.granted")).items] == ["e7", "e5"]
        assert [line.id for line in (await store.events("", account="bob")).items] == [
            "e11",
            "e10",
            "e7",
            "e6",
            "e3",
            "e2",
        ]
        first = await store.events("clinic", account="alice", limit=1)
        assert [line.id for line in first.items] == ["e8"]
        rest = await store.events("clinic", account="alice", after=first.next)
        assert [line.id for line in rest.items] == ["e4", "e0"]
        assert (await store.events("screening")).items == ()

    async def test_trails_hold(self, store: Store, other: Store) -> None:
        """A trail that nobody touched is whole, of one tenant and of all.

        It holds also while two workers write to it.
        """
        assert await verify_trail(store) == {}
        finance = SubjectKey("finance", "x")
        writes = [
            (store, other)[number % 2].append([event(number), event(number, key=finance)]) for number in range(40)
        ]
        broken, *_ = await asyncio.gather(verify_trail(store), *writes)
        assert broken == {}
        assert await verify_trail(store) == {}
        assert await verify_trail(other, "clinic") == {}
        assert await verify_trail(other, "nobody") == {}

    async def test_trail_reads_forward(self, store: Store, other: Store) -> None:
        """The trail is read oldest first, in pieces, one tenant at a time.

        From the end only later lines come. Nothing is missed or doubled.
        """
        finance = SubjectKey("finance", "x")
        assert await store.trail("clinic") == EventPage(items=(), next=(await store.trail("clinic", after=END)).next)
        for number in range(7):
            await (store, other)[number % 2].append([event(number), event(number, key=finance)])
        seen: list[str] = []
        after = ""
        while (page := await other.trail("clinic", after=after, limit=3)).items:
            assert all(line.tenant == "clinic" for line in page.items)
            seen += [line.id for line in page.items]
            after = page.next
        assert seen == [f"e{number}" for number in range(7)]
        assert page.next == after
        end = (await store.trail("clinic", after=END)).next
        assert (await store.trail("clinic", after=end)).items == ()
        await other.append([event(8)])
        assert [line.id for line in (await store.trail("clinic", after=end)).items] == ["e8"]
        assert [line.id for line in (await store.trail("clinic", after=after)).items] == ["e8"]
        for odd in ("x", "-5", "9" * 40, "' OR 1=1 --"):
            assert (await store.trail("clinic", after=odd)) == EventPage(items=(), next=odd)
        assert set(await store.trails()) == {"clinic", "finance"}

    async def test_lines_of_a_clock_ahead_are_pruned_in_their_order(self, store: Store, other: Store) -> None:
        """A line of a clock ahead is as old as the line behind it.

        It holds up no other line.
        """
        await store.append([event(9_000), event(0), event(9_001), event(1), event(20), event(9_002)])
        start = event(0).at
        assert await store.prune("clinic", before=start + 10, now=start + 100, limit=3) == 3
        assert await other.prune("clinic", before=start + 10, now=start + 100) == 1
        assert [line.id for line in (await store.trail("clinic")).items] == ["e20", "e9002"]
        assert await verify_trail(store) == {}

    async def test_pruned_trails_hold(self, store: Store, other: Store) -> None:
        """The oldest lines go, up to the first that is young enough.

        The rest verifies, also while others write.
        """
        finance = SubjectKey("finance", "x")
        for number in range(20):
            await store.append([event(number), event(number, key=finance, kind="account.locked")])
        start = event(0).at
        assert await store.anchor("clinic") == ChainPoint()
        assert await store.prune("clinic", before=start) == 0
        assert await store.prune("clinic", before=start + 12, limit=5) == 5
        assert await other.prune("clinic", before=start + 12) == 7
        assert await other.prune("clinic", before=start + 12) == 0
        assert (await store.anchor("clinic")).lines == 12
        assert await store.anchor("finance") == ChainPoint()
        assert [line.id for line in (await store.trail("clinic", limit=2)).items] == ["e12", "e13"]
        assert len((await store.events("clinic")).items) == 8
        assert len((await store.events("clinic", account="alice")).items) == 8
        assert len((await store.events("clinic", kind="attempt.failed")).items) == 8
        assert len((await store.events("finance")).items) == 20
        writes = [other.append([event(100 + number)]) for number in range(10)]
        prunes = [(store, other)[n % 2].prune("clinic", before=start + 16, limit=2) for n in range(4)]
        await asyncio.gather(*writes, *prunes, verify_trail(store))
        assert await verify_trail(store) == {}
        assert (await store.anchor("clinic")).lines == 16
        # A line that is younger than one behind it keeps what is behind it: only the beginning of a trail goes.
        await store.append([event(-50)])
        assert await store.prune("clinic", before=start) == 0
        assert await store.prune("clinic", before=start + 1000) == 15
        assert await verify_trail(store) == {}
        await other.append([event(200)])
        assert [line.id for line in (await store.trail("clinic")).items] == ["e200"]
        assert await verify_trail(store) == {}

    async def test_lines_are_rewritten_in_their_place(self, store: Store, other: Store) -> None:
        """A rewritten line keeps its place and its digest, and is found by its new account only."""
        for start in range(0, 603, 67):
            await store.append([event(number, key=(ALICE, BOB)[number % 2]) for number in range(start, start + 67)])
        links, place = list[Link](), -1
        while piece := await store.links("clinic", after=place, limit=250):
            links += piece
            place = piece[-1].place
        assert await store.links("clinic", after=links[3].place, limit=2) == links[4:6]
        mine = [link for link in links if '"alice"' in link.line]
        new = [Rewrite(link.place, link.line, link.line.replace('"alice"', '"x"')) for link in mine]
        stale = Rewrite(links[1].place, "another text", "{}")
        half = len(new) // 2
        await asyncio.gather(
            store.rewrite("clinic", [new[0], stale, *new[1:half]]),
            other.rewrite("clinic", new[half:]),
            other.append([event(9_000, key=BOB)]),
        )
        await store.rewrite("clinic", [])
        await store.rewrite("nobody", new[:1])
        after, place = list[Link](), -1
        while piece := await other.links("clinic", after=place, limit=250):
            after += piece
            place = piece[-1].place
        assert [(link.place, link.digest) for link in after[:603]] == [(link.place, link.digest) for link in links]
        assert [link.line for link in after[:603]] == [link.line.replace('"alice"', '"x"') for link in links]
        assert len(after) == 604
        assert (await other.events("clinic", account="alice")).items == ()
        found = (await other.events("clinic", account="x", limit=1_000)).items
        assert [line.id for line in found] == [f"e{number}" for number in range(602, -1, -2)]
        assert (await other.events("clinic", account="bob", limit=1)).items == (event(9_000, key=BOB),)
        back = [Rewrite(line.place, line.line, line.before) for line in new]
        pruned, _ = await asyncio.gather(
            other.prune("clinic", before=1_700_000_100, limit=1_000), store.rewrite("clinic", back)
        )
        assert pruned == 100
        assert len(await store.links("clinic", limit=2_000)) == 504
        assert len((await store.events("clinic", account="alice", limit=1_000)).items) == 252
        assert (await store.events("clinic", account="x")).items == ()
        await store.rewrite("clinic", [Rewrite(new[0].place, new[0].line, "{}")])
        assert await store.events("nobody") == EventPage(items=())

    async def test_lines_are_found_by_their_parts(self, store: Store, other: Store) -> None:
        """A store that finds lines by a part finds what a look at every line finds.

        This holds page by page, for stores with ``FindsLines``.
        """
        if not isinstance(store, FindsLines):
            return
        places = [("192.0.2.3", "192.0.2.3"), ("192.0.2.9", "=campus"), ("", "=campus"), ("", "192.0.2.3"), ("", "")]
        places += [("2001:db8::1", "2001:db8::/64"), ("", "=Zoë\0\"'")]
        lines = [
            replace(
                event(number, key=SubjectKey(("clinic", "ward")[number % 5 == 0], "alice")),
                address=places[number % 7][0],
                network=places[number % 7][1],
                browser=("", "b1", "b2")[number % 3],
                detail={"address": "192.0.2.3", "browser": "b3", "id": "e1", "network": "=campus"}
                if number % 2
                else {},
            )
            for number in range(70)
        ]
        await store.append(lines[:40])
        assert await store.swap(enrolled(ALICE), lines[40:60])
        assert await other.swap_settings(TenantSettings(tenant="ward", enabled_at=5), lines[60:])
        wanted: list[tuple[str, list[str]]] = [("address", ["192.0.2.3"]), ("address", ["=campus", "2001:db8::1"])]
        wanted += [("address", ["192.0.2.9", "=campus", "nowhere"]), ("browser", ["b1"]), ("browser", ["b2", "b1"])]
        wanted += [("id", ["e7", "e70", "e10"]), ("id", ["e1"]), ("browser", ["b3"]), ("address", [])]
        for tenant, (name, values) in itertools.product(("clinic", "ward", "nobody"), wanted):
            parts = {"address": ("address", "network")}.get(name, (name,))
            fit = [
                line
                for line in reversed(lines)
                if line.tenant == tenant and any(getattr(line, part) in values for part in parts)
            ]
            found, after = list[Event](), ""
            while True:
                page = await store.lines_with(tenant, name, values, after=after, limit=3)
                assert len(page.items) <= 3
                found += page.items
                assert bool(page.next) == (len(found) < len(fit)), "a full last page leads to no empty one"
                after = page.next
                if not after:
                    break
            assert [line.id for line in found] == [line.id for line in fit], (tenant, name, values)
        links = await store.links("clinic")
        new = [Rewrite(link.place, link.line, link.line.replace('"b1"', '"b9"')) for link in links]
        await store.rewrite("clinic", [line for line in new if line.line != line.before])
        assert (await store.lines_with("clinic", "browser", ["b1"])).items == ()
        assert len((await store.lines_with("clinic", "browser", ["b9"])).items) > 10
        assert await store.prune("clinic", before=1_700_000_035) > 20
        assert (await store.lines_with("clinic", "id", ["e1"])).items == ()
        assert (await store.lines_with("clinic", "address", ["192.0.2.3"], after="nonsense")).items == ()
        assert not isinstance(store, ChecksColumns) or list(await store.misfiled("clinic")) == []

    async def test_marks(self, store: Store, other: Store) -> None:
        """A mark under a name is found by all until it is forgotten; names do not mix."""
        ids = ["a", "b", *ODD_IDS]
        assert await store.marked("one", ids) == frozenset()
        await store.mark("one", ids)
        await store.mark("one", ids[:2])
        assert await other.marked("one", [*ids, "never"]) == frozenset(ids)
        assert await other.marked("two", ids) == frozenset()
        await other.unmark("one", [*ids[:1], "never"])
        assert await store.marked("one", ids) == frozenset(ids[1:])
        for nothing in (store.mark("one", []), store.unmark("one", [])):
            await nothing
        assert await store.marked("one", []) == frozenset()

    async def test_foreign_cursors(self, store: Store) -> None:
        """A cursor that no page gave finds nothing and breaks nothing."""
        await store.append([event(1)])
        for after in ("x", "0", "-5", "9" * 40, "' OR 1=1 --", "\N{ARABIC-INDIC DIGIT ONE}", "\ud800", "a-b"):
            assert (await store.events("clinic", after=after)).items == (), after
        for query in ("\ud800", "\0", "' OR 1=1 --"):
            assert (await store.page("clinic", query=query)).items == (), query

    async def test_changed_begins_with_everything(self, store: Store) -> None:
        """A store that has just been opened knows nothing yet.

        Afterwards silence means that nothing changed.
        """
        assert changed(store) is EVERYTHING
        assert changed(store) == frozenset()
        await store.load(ALICE)
        assert changed(store) == frozenset()

    async def test_changed_tells_own_and_others_commits(self, store: Store, other: Store) -> None:
        """Every worker is told of a commit, its own included, and told once."""
        await settle(store)
        await settle(other)
        assert await store.swap(enrolled(ALICE))
        assert tells(ALICE)(await heard(store, tells(ALICE)))
        assert tells(ALICE)(await heard(other, tells(ALICE)))
        await asyncio.sleep(0.05)
        assert changed(other) == frozenset()
        assert await other.swap(enrolled(BOB))
        assert await other.swap(enrolled(ALICE, version=1))
        assert tells(BOB)(await heard(store, lambda told: tells(ALICE)(told) and tells(BOB)(told)))

    async def test_changed_names_the_account(self, store: Store, other: Store) -> None:
        """A notice names who changed, so that the other accounts stay in the caches."""
        await settle(store)
        assert await other.swap(enrolled(ALICE))
        assert await heard(store, tells(ALICE)) == frozenset({ALICE})

    async def test_each_reader_hears_of_every_change(self, store: Store, other: Store) -> None:
        """Two gates with one store object are two readers.

        A change that one has heard of is heard by the other as well.
        """
        readers = [Listener(store), Listener(store)]
        await settle(store)
        for reader in readers:
            assert reader.changed() is EVERYTHING
            assert reader.changed() == frozenset()
        for number, worker in enumerate((store, other, store)):
            assert await worker.swap(enrolled(ALICE, version=number, name=str(number)))
            for reader in readers:
                told = await heard_by(reader.changed, tells(ALICE))
                assert told == frozenset({ALICE})
        assert await other.swap_settings(TenantSettings(tenant="clinic", enabled_at=5))
        for reader in readers:
            assert await heard_by(reader.changed, lambda told: told is EVERYTHING) is EVERYTHING
        await store.aclose()
        await store.open()
        assert await other.swap(enrolled(BOB))
        for reader in (*readers, Listener(store)):
            assert tells(BOB)(await heard_by(reader.changed, tells(BOB)))

    async def test_a_sleeper_misses_nothing(self, store: Store, other: Store) -> None:
        """A worker that did not look for a long time is told of every change.

        It is told by name, or by "everything".
        """
        await settle(other)
        keys = [SubjectKey("clinic", f"user{number}") for number in range(300)]
        assert all(await asyncio.gather(*(store.swap(Account(key=key)) for key in keys)))
        told = await heard(other, lambda told: all(tells(key)(told) for key in keys))
        assert all(tells(key)(told) for key in keys)

    async def test_accepting(self, store: Store, other: Store) -> None:
        """F-38: an accepted store keeps locks, attempts, factors and trail, and goes on."""
        lock = Lock(at=100, cause="attempts", ref="R")
        assert await store.swap(enrolled(ALICE, lock=lock), [event(1)])
        await store.accept()
        account = await other.load(ALICE)
        kept = enrolled(ALICE, lock=lock)
        assert (account.lock, account.attempts, account.authenticators) == (lock, kept.attempts, kept.authenticators)
        assert await other.swap(account, [event(2)])
        assert [line.id for line in (await store.events("clinic")).items] == ["e2", "e1"]
        assert (await store.load(ALICE)).version == 2
        assert await verify_trail(store) == {}

    async def test_settings(self, store: Store, other: Store) -> None:
        """A tenant's settings swap as accounts do, and everything is forgotten after it."""
        assert await store.settings("clinic") == TenantSettings(tenant="clinic")
        await settle(store)
        await settle(other)
        chosen = TenantSettings(
            tenant="clinic",
            enabled_at=5,
            factors=("totp", "email"),
            announced_at=6,
            tested_at=7,
            epoch=2,
            ended_at=8,
        )
        assert await store.swap_settings(chosen, [event(1, kind="tenant.enabled")])
        assert await other.settings("clinic") == replace(chosen, version=1)
        assert await heard(other, lambda told: told is EVERYTHING) is EVERYTHING
        assert await heard(store, lambda told: told is EVERYTHING) is EVERYTHING
        assert not await other.swap_settings(chosen, [event(2)])
        assert not await other.swap_settings(replace(chosen, version=2), [event(3)])
        assert await other.swap_settings(replace(chosen, version=1, factors=()))
        assert (await store.settings("clinic")).factors == ()
        assert await store.settings("finance") == TenantSettings(tenant="finance")
        assert [line.id for line in (await store.events("clinic")).items] == ["e1"]

    async def test_claims(self, store: Store, other: Store) -> None:
        """A name belongs to one subject over the whole store until that subject gives it back."""
        for name in ("credential", *ODD_IDS):
            assert await store.claim(name, ALICE)
            assert await other.claim(name, ALICE)
            assert not await other.claim(name, BOB)
            await other.release(name, BOB)
            assert not await other.claim(name, BOB)
            await other.release(name, ALICE)
            await other.release(name, ALICE)
            assert await store.claim(name, BOB)
        assert sum(await asyncio.gather(*(store.claim("one", SubjectKey("t", str(n))) for n in range(50)))) == 1

    async def test_take(self, store: Store, other: Store) -> None:
        """No more than the limit fits in any window.

        A refused caller is told when one is free, and then it is.
        """
        now = 1_700_000_000
        assert [await take_one((store, other)[n % 2], "b", limit=3, window=60, now=now + 10 * n) for n in range(3)] == [
            0,
            0,
            0,
        ]
        wait = await take_one(other, "b", limit=3, window=60, now=now + 25)
        assert wait == 35
        assert await take_one(store, "b", limit=3, window=60, now=now + 25 + wait - 1) > 0
        assert await take_one(store, "b", limit=3, window=60, now=now + 25 + wait) == 0
        assert await take_one(store, "b", limit=3, window=60, now=now + 25 + wait) > 0
        assert await take_one(store, "another", limit=3, window=60, now=now) == 0

    async def test_take_refuses_for_free(self, store: Store) -> None:
        """Being refused takes nothing, so asking again and again does not put off the end."""
        assert await take_one(store, "b", limit=1, window=60, now=1000) == 0
        assert [await take_one(store, "b", limit=1, window=60, now=1000 + n) for n in (1, 30, 59)] == [59, 30, 1]
        assert await take_one(store, "b", limit=1, window=60, now=1060) == 0
        assert await take_one(store, "none", limit=0, window=60, now=1060) == 60

    async def test_take_and_the_clock(self, store: Store) -> None:
        """S-118: a clock that steps back gives nothing away; F-17: times after 2038 are times."""
        assert await take_one(store, "b", limit=1, window=60, now=5_000_000_000) == 0
        assert await take_one(store, "b", limit=1, window=60, now=4_999_999_000) > 0
        assert await take_one(store, "b", limit=1, window=60, now=5_000_000_060) == 0

    async def test_take_at_once(self, store: Store, other: Store) -> None:
        """S-31: of 100 that come at the same moment to two workers, the limit passes."""
        tries = [take_one((store, other)[n % 2], "b", limit=7, window=60, now=1000) for n in range(100)]
        assert (await asyncio.gather(*tries)).count(0) == 7

    async def test_take_all(self, store: Store, other: Store) -> None:
        """One is taken from every bucket, or from none.

        A refusal by one bucket leaves the others as they were. Totals are told.
        """
        wide, narrow = Take(bucket="wide", limit=100, window=60, at=1000, count=40), _one("narrow", limit=2)
        assert await store.take_all([narrow, wide]) == Taken(totals=(1, 40))
        assert await other.take_all([narrow, wide]) == Taken(totals=(2, 80))
        assert await store.take_all([wide, _one("third", limit=2)]) == Taken(refused=0, wait=60)
        assert await store.take_all([_one("third", limit=2), narrow]) == Taken(refused=1, wait=60)
        totals = [await other.total(bucket, window=60, now=1059) for bucket in ("wide", "narrow", "third")]
        assert totals == [80, 2, 0]
        assert await other.total("wide", window=60, now=1060) == 0
        larger = Take(bucket="small", limit=5, window=60, at=1000, count=6)
        assert await store.take_all([larger]) == Taken(refused=0, wait=60)

    async def test_take_all_at_once(self, store: Store, other: Store) -> None:
        """S-31: of 60 takers at one moment no bucket serves more than it has.

        They come to two workers.
        """
        takes = [_one("shared", limit=20), Take(bucket="money", limit=100, window=60, at=1000, count=7)]
        done = await asyncio.gather(*((store, other)[n % 2].take_all(takes) for n in range(60)))
        passed = sum(not taken.wait for taken in done)
        assert 1 <= passed <= 14
        assert await store.total("money", window=60, now=1000) <= 98

    async def test_roster(self, store: Store, other: Store) -> None:
        """A page has the summaries by id, and goes on where the one before it ended."""
        accounts = [enrolled(SubjectKey("clinic", f"u{number:02}"), name=f"Name {number}") for number in range(23)]
        for account in [*accounts, enrolled(SubjectKey("finance", "u03"))]:
            assert await store.swap(account)
        seen: list[Summary] = []
        after, pages = "", 0
        while True:
            page = await other.page("clinic", after=after, limit=5)
            seen += page.items
            after, pages = page.next, pages + 1
            if not after:
                break
        assert seen == [summary_of(account) for account in accounts]
        assert pages == 5
        assert (await store.page("clinic", limit=23)).next == ""

    async def test_roster_follows_the_account(self, store: Store) -> None:
        """Status, counts and summary are those of the account as it is now."""
        assert await store.counts("clinic") == dict.fromkeys(STATUSES, 0)
        assert await store.swap(Account(key=ALICE))
        assert await store.swap(enrolled(BOB))
        assert await store.counts("clinic") == {"verified": 1, "not_enrolled": 1, "locked": 0, "recovery": 0}
        lock = Lock(at=50, cause="attempts", ref="r")
        assert await store.swap(enrolled(BOB, version=1, lock=lock))
        assert await store.swap(enrolled(ALICE, version=1, recovery=Recovery(ref="r", at=1, about="", network="")))
        assert await store.counts("clinic") == {"verified": 0, "not_enrolled": 0, "locked": 1, "recovery": 1}
        (line,) = (await store.page("clinic", status="locked")).items
        assert line == summary_of(enrolled(BOB, lock=lock))
        assert (await store.page("clinic", status="verified")).items == ()
        assert await store.counts("finance") == dict.fromkeys(STATUSES, 0)

    async def test_summaries_of_named_people(self, store: Store, other: Store) -> None:
        """An answer about named people has those who have an account, in that tenant only."""
        accounts = [enrolled(SubjectKey("clinic", f"u{number:04}"), name=f"Name {number}") for number in range(3)]
        for account in [*accounts, enrolled(SubjectKey("finance", "else"))]:
            assert await store.swap(account)
        named = [*(f"u{number:04}" for number in range(1_200)), "else", "nobody", "odd%_\u202e"]
        found = await other.summaries("clinic", named)
        assert found == {account.key.id: summary_of(account) for account in accounts}
        assert await other.summaries("clinic", []) == {}
        assert await other.summaries("unknown", ["u0000"]) == {}

    async def test_a_forgotten_person_is_nowhere(self, store: Store, other: Store) -> None:
        """A forgotten person is in no list, search or count, and comes back as a new one."""
        for key in (ALICE, BOB):
            assert await store.swap(enrolled(key, name=key.id.title()))
        before = replace(enrolled(ALICE), version=1, epoch=4, seen_at=9, forgotten_at=9)
        assert await store.swap(before.without_person(), [event(1, key=SubjectKey("clinic", "forgotten-1"))])
        kept = await other.load(ALICE)
        assert kept.is_unknown
        assert (kept.version, kept.epoch, kept.name, kept.authenticators) == (2, 4, "", ())
        assert await other.keys() == (BOB,)
        assert [line.key for line in (await other.page("clinic")).items] == [BOB]
        assert (await other.page("clinic", query="alice")).items == ()
        assert sum((await other.counts("clinic")).values()) == 1
        assert await other.swap(replace(kept, name="Alice Newcomer"))
        assert [line.key for line in (await store.page("clinic", query="newcomer")).items] == [ALICE]
        assert await store.keys() == (ALICE, BOB)
        assert not (await store.load(ALICE)).is_unknown

    async def test_roster_search(self, store: Store) -> None:
        """A query is a part of id or name, in any case of any alphabet.

        % or _ mean themselves.
        """
        names = {
            "u1": "Ada Lovelace",
            "u2": "ÉMILIE du Châtelet",
            "u3": "100%_sure",
            "ada@x.example": "Grace",
            "u4": "Straße",
        }
        for id, name in names.items():
            assert await store.swap(enrolled(SubjectKey("clinic", id), name=name))
        found = {
            "ada": ["ada@x.example", "u1"],
            "émilie": ["u2"],
            "DU CHÂ": ["u2"],
            "%": ["u3"],
            "_": ["u3"],
            "STRASSE": ["u4"],
            "@X.": ["ada@x.example"],
            "nobody": [],
            "'": [],
        }
        for query, ids in found.items():
            assert [line.key.id for line in (await store.page("clinic", query=query)).items] == ids, query
        first = await store.page("clinic", query="ada", limit=1)
        rest = await store.page("clinic", query="ada", limit=1, after=first.next)
        assert [line.key.id for line in (*first.items, *rest.items)] == ["ada@x.example", "u1"]
        assert rest.next == "", "the last page is full, and there is none behind it"
        assert (await store.page("clinic", query="ada", limit=len(first.items + rest.items))).next == ""
        assert (await store.page("clinic", query="ada", status="locked")).items == ()

    async def test_meta(self, store: Store, other: Store) -> None:
        """Small values of the store's own: absent, any bytes, overwritten."""
        assert await store.meta("canary") is None
        await store.put_meta("canary", b"\x00\xff'")
        assert await other.meta("canary") == b"\x00\xff'"
        await other.put_meta("canary", b"")
        assert await store.meta("canary") == b""

    async def test_meta_with_an_end(self, store: Store, other: Store) -> None:
        """A small value with an end goes when it is over; one without an end stays."""
        await store.put_meta("stays", b"1")
        for name, until in (("form/a:{x}", 100), ("form/b", 101), ("form/c", 102), ("longer", 100), ("kept", 100)):
            await store.put_meta(name, b"2", until=until)
        await other.put_meta("longer", b"3", until=500)
        await other.put_meta("kept", b"4")
        assert await store.prune_meta(before=99) == 0
        assert await other.prune_meta(before=101, limit=1) == 1
        assert await store.meta("form/a:{x}") is None
        assert await other.meta("form/b") == b"2"
        assert (await store.prune_meta(before=101), await store.prune_meta(before=101)) == (1, 0)
        left = [await other.meta(name) for name in ("form/b", "form/c", "longer", "kept", "stays")]
        assert left == [None, b"2", b"3", b"4", b"1"]
        for name in ("form/c", "stays", "never"):
            await store.drop_meta(name)
        assert [await other.meta(name) for name in ("form/c", "stays", "never")] == [None] * 3
        await store.put_meta("form/c", b"5")
        assert await other.prune_meta(before=499) == 0
        assert await store.meta("form/c") == b"5"

    async def test_report_parts(self, store: Store, other: Store) -> None:
        """A store that keeps records of report-only has each part, by tenant and hour."""
        if not isinstance(store, ReportParts) or not isinstance(other, ReportParts):
            return  # an optional part of a store
        for hour, body in ((12, b"c"), (11, b"a"), (11, b"a"), (10, b"\x00\xff'")):
            await store.add_report_part("clinic", hour, body)
        await other.add_report_part("odd/{tag}", 11, b"theirs")
        found = await other.report_parts("clinic", since=10, until=11)
        assert [(part.hour, part.body) for part in found] == [(10, b"\x00\xff'"), (11, b"a"), (11, b"a")]
        assert await store.reported_tenants() == ("clinic", "odd/{tag}")
        await other.replace_report_part("clinic", found[1], b"")
        await other.replace_report_part("clinic", found[2], b"b")
        await other.replace_report_part("odd/{tag}", found[0], b"not its own")
        assert [part.body for part in await store.report_parts("clinic", since=11, until=99)] == [b"b", b"c"]
        await other.replace_report_part("clinic", found[1], b"gone meanwhile")
        assert await store.prune_report("clinic", before=12) == 2
        assert [part.body for part in await other.report_parts("clinic", since=0, until=99)] == [b"c"]
        assert [part.body for part in await other.report_parts("odd/{tag}", since=0, until=99)] == [b"theirs"]

    async def test_keys(self, store: Store) -> None:
        """Every account's key comes once, in order, over all tenants, a page at a time."""
        keys = [SubjectKey(tenant, f"u{number:03}") for tenant in ("a", "b", "c") for number in range(40)]
        assert all(await asyncio.gather(*(store.swap(Account(key=key)) for key in reversed(keys))))
        seen: list[SubjectKey] = []
        while page := await store.keys(after=seen[-1] if seen else None, limit=50):
            seen += page
        assert seen == keys

    async def test_open_again(self, store: Store, other: Store) -> None:
        """A store that was closed, twice, opens again with all that was in it."""
        assert await store.swap(enrolled(ALICE), [event(1)])
        await store.aclose()
        await store.aclose()
        for look in (lambda: store.load(ALICE), lambda: store.swap(enrolled(BOB))):
            assert await _is_refused(look), "a closed store answers"
        await store.open()
        assert await store.load(ALICE) == enrolled(ALICE, version=1)
        assert changed(store) is EVERYTHING
        for version in range(2):
            await store.aclose()
            assert await other.swap(enrolled(BOB, version=version))
            await store.open()
            assert tells(BOB)(changed(store)), "a store that was closed tells what it has missed"
            await settle(store)

    async def test_no_store_is_made(self, missing: Store) -> None:
        """An ``open`` that may make no store says each time that none is there (F-8)."""
        for _ in range(2):
            assert await _is_missing(missing)
            await missing.aclose()
        await missing.open()
        await missing.aclose()
        await missing.open(make=False)
        assert await missing.keys() == ()

    async def test_a_store_that_is_there(self, store: Store, other: Store) -> None:
        """An ``open`` that may make no store opens one that is there, with all that is in it."""
        assert await store.swap(enrolled(ALICE))
        await other.aclose()
        await other.open(make=False)
        assert await other.load(ALICE) == enrolled(ALICE, version=1)

    async def test_answers_do_not_mix(self, store: Store) -> None:
        """S-117: a hundred calls in flight each get their own answer."""
        keys = [SubjectKey("clinic", f"u{number}") for number in range(100)]
        await asyncio.gather(*(store.swap(enrolled(key, name=key.id)) for key in keys))
        calls: list[Awaitable[Account]] = [store.load(key) for key in keys]
        assert [account.name for account in await asyncio.gather(*calls)] == [key.id for key in keys]
