"""An intruder who can write every byte of the store is found, with the place.

The intruder holds no key.
"""

# mypy: disable-error-code="func-returns-value"
# An attack is a row of calls in a tuple; their results are of no use.

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from mfa_gate.core.events import Event
from mfa_gate.core.model import Seconds
from mfa_gate.core.rules import DAY, AuditRules
from mfa_gate.service.trail_heads import read_head
from mfa_gate.stores.memory import MemoryStore
from tests.harness import POLICY, RULES, START, World, make_world, running
from tests.stores import servers
from tests.stores.patience import REDIS

from .intruder import IntoMemory, IntoRedis, IntoSQLite, Loot, Row, Stolen

KEPT = replace(RULES, audit=AuditRules(retention=Seconds(30 * DAY)))
KINDS = ("attempt.failed", "proof.granted", "account.locked", "account.unlocked")
A, B, OLD = "alpha", "beta", "gamma"


def events(tenant: str, first: int, count: int, *, at: int = START) -> list[Event]:
    """Some lines of a tenant."""
    return [
        Event(id=f"{tenant}{n}", kind=KINDS[n % 4], at=at + n, tenant=tenant, account=f"user{n % 3}", reason=f"r{n}")
        for n in range(first, first + count)
    ]


@dataclass
class Scene:
    """A store with three trails, and the intruder's copies of it.

    Somebody keeps heads of the trails elsewhere.
    """

    world: World
    into: Any
    yesterday: Loot
    today: Loot
    heads: dict[str, str]

    def alter(self, attack: Callable[[Loot, Loot], object]) -> None:
        """Alter the store, and leave it so."""
        loot = self.today.copy()
        attack(loot, self.yesterday.copy())
        self.into.put(loot)

    async def found(self, attack: Callable[[Loot, Loot], None], *, expect: bool = False) -> dict[str, int]:
        """Alter the store, verify it, and set it right again.

        Returns the places by tenant, counted from 1.
        """
        self.alter(attack)
        service = self.world.gate.service
        points = {}
        for tenant, word in self.heads.items() if expect else ():
            points[tenant] = [read_head(word, service.engine.trail_keys.verify_key).point]
        try:
            verdict = await service.retention.verify(expected=points)
            return {tenant: fault.place + 1 for tenant, fault in verdict.broken.items()}
        finally:
            self.into.put(self.today)


@contextlib.asynccontextmanager
async def scene_on(store: Any, into: Callable[[], Any]) -> AsyncIterator[Scene]:
    policy = replace(POLICY, tenants={A: RULES, B: RULES, OLD: KEPT})
    async with running(make_world(policy=policy, store=store)) as world:
        service = world.gate.service
        await service.engine.record(events(OLD, 0, 12, at=START - 60 * DAY))
        await service.engine.record([*events(A, 0, 10), *events(B, 0, 10), *events(OLD, 12, 8)])
        await service.retention.prune(actor="operator:eve")
        await service.trail_signer.flush()
        intruder = into()
        yesterday = intruder.take()
        await service.engine.record([*events(A, 10, 10), *events(B, 10, 2)])
        await service.trail_signer.flush()
        heads = {tenant: await service.trail_reader.head(tenant) for tenant in (A, B, OLD)}
        service.engine.sign_heads = None
        scene = Scene(world, intruder, yesterday, intruder.take(), heads)
        assert (await service.retention.verify()).broken == {}
        yield scene


def cut(loot: Loot, first: int, last: int, *, tenant: str = A) -> Stolen:
    """Remove lines, counted from 1."""
    trail = loot.trails[tenant]
    del trail.rows[first - 1 : last]
    return trail


def edit(row: Row, **parts: object) -> None:
    """Alter parts of a line, and its columns with them."""
    line = {**json.loads(row.line), **parts}
    row.line = json.dumps(line, sort_keys=True, separators=(",", ":"))
    row.account, row.kind = str(line.get("account", "")), str(line["kind"])


def a_row(loot: Loot, number: int) -> Row:
    return loot.trails[A].rows[number - 1]


def swap(loot: Loot, one: int, other: int) -> Stolen:
    """Let two lines change places."""
    first, second = a_row(loot, one), a_row(loot, other)
    first.place, second.place = second.place, first.place
    loot.trails[A].rows.sort(key=lambda row: row.place)
    return loot.trails[A]


def without_keys(trail: Stolen) -> None:
    """Make all lines look as if they were of before the chain had a key, and chain them anew."""
    for row in trail.rows:
        line = json.loads(row.line)
        line.pop("key", None)
        row.line = json.dumps(line, sort_keys=True, separators=(",", ":"))
    trail.rechain()


def notes(loot: Loot, part: str) -> list[str]:
    return [name for name in loot.notes if part in name]


def drop_notes(loot: Loot, *parts: str) -> None:
    for part in parts:
        for name in notes(loot, part):
            del loot.notes[name]


def old_head(loot: Loot, before: Loot, tenant: str = A) -> None:
    """Put yesterday's signed head back."""
    for name in notes(before, "trail-head"):
        if name.endswith(tenant):
            loot.notes[name] = before.notes[name]


def cut_and_rechain(first: int, last: int) -> Callable[[Loot, Loot], None]:
    def attack(loot: Loot, before: Loot) -> None:
        cut(loot, first, last).rechain(first - 1)

    return attack


def insert(loot: Loot, at: int, *, chained: bool) -> None:
    """Put a line of one's own in the place of the last of a tenant's gaps."""
    trail = loot.trails[A]
    row = Row(trail.rows[-1].place + 50, trail.rows[at - 1].line, "", "eve", "account.unlocked")
    edit(row, account="eve", kind="account.unlocked")
    trail.rows.append(row)
    trail.rechain(len(trail.rows) - 1) if chained else trail.set_head()


def exchange(loot: Loot) -> None:
    """Let two tenants exchange their trails, whole, with the signed heads."""
    loot.trails[A], loot.trails[B] = loot.trails[B], loot.trails[A]
    one, other = (next(n for n in notes(loot, "trail-head") if n.endswith(tenant)) for tenant in (A, B))
    loot.notes[one], loot.notes[other] = loot.notes[other], loot.notes[one]


def take_line_of(loot: Loot) -> None:
    """Put a whole line of another tenant behind the last line."""
    source, trail = loot.trails[B].rows.pop(), loot.trails[A]
    loot.trails[B].set_head()
    source.place = max(trail.rows[-1].place, source.place) + 60
    trail.rows.append(source)
    trail.set_head()


def more_pruned(loot: Loot, lines: int) -> None:
    """Remove lines behind the anchor, and move it as the gate does."""
    trail = loot.trails[OLD]
    gone = trail.rows[lines - 1]
    trail.anchor = (trail.anchor[0] + lines, gone.digest)
    del trail.rows[:lines]


def pruned_anew(loot: Loot) -> None:
    trail = loot.trails[A]
    trail.anchor = (4, trail.rows[3].digest)
    del trail.rows[:4]


def everything_plain(loot: Loot) -> None:
    """Make the whole store look as if no gate had ever signed a trail."""
    for trail in loot.trails.values():
        without_keys(trail)
    drop_notes(loot, "trail-head", "trail-pruned", "trails", "trail-keys")


def delete_tenant(loot: Loot, *more: str) -> None:
    del loot.trails[B]
    drop_notes(loot, *more)


def empty(loot: Loot, *, head: bool) -> None:
    loot.trails[B].rows = []
    if head:
        loot.trails[B].head = (0, "")


def forge(loot: Loot, note: str, change: Callable[[bytes], bytes]) -> None:
    for name in notes(loot, note):
        loot.notes[name] = change(loot.notes[name])


LIST = "(list of trails)"


def shifted(loot: Loot, tenant: str) -> None:
    """Let each line of a trail stand behind all others, in their order."""
    last = max(row.place for trail in loot.trails.values() for row in trail.rows)
    for number, row in enumerate(loot.trails[tenant].rows, 1):
        row.place = last + number


ATTACKS: dict[str, tuple[Callable[[Loot, Loot], object], dict[str, int]]] = {
    "the first line is removed": (lambda loot, old: cut(loot, 1, 1).set_head(), {A: 1}),
    "the first line is removed and the rest chained anew": (cut_and_rechain(1, 1), {A: 1}),
    "the first five lines are removed": (lambda loot, old: cut(loot, 1, 5).set_head(), {A: 1}),
    "a line in the middle is removed": (lambda loot, old: cut(loot, 9, 9).set_head(), {A: 9}),
    "a line in the middle is removed and the rest chained anew": (cut_and_rechain(9, 9), {A: 9}),
    "many lines in the middle are removed": (lambda loot, old: cut(loot, 5, 15).set_head(), {A: 5}),
    "many lines in the middle are removed and the rest chained anew": (cut_and_rechain(5, 15), {A: 5}),
    "the last line is removed": (lambda loot, old: cut(loot, 20, 20), {A: 20}),
    "the last line is removed and the head put back": (lambda loot, old: cut(loot, 20, 20).set_head(), {A: 20}),
    "the last ten lines are removed and the head put back": (lambda loot, old: cut(loot, 11, 20).set_head(), {A: 11}),
    "the last line is removed, the head and the signed head with it": (
        lambda loot, old: (cut(loot, 20, 20).set_head(), drop_notes(loot, "trail-head:alpha", "trail-head%3Aalpha")),
        {A: 20},
    ),
    "a line is altered": (lambda loot, old: edit(a_row(loot, 7), reason="x"), {A: 7}),
    "a line is altered and the rest chained anew": (
        lambda loot, old: (edit(a_row(loot, 7), reason="x"), loot.trails[A].rechain(6)),
        {A: 7},
    ),
    "the last line is altered and chained anew": (
        lambda loot, old: (edit(a_row(loot, 20), reason="x"), loot.trails[A].rechain(19)),
        {A: 20},
    ),
    "a line tells of somebody else": (lambda loot, old: edit(a_row(loot, 3), account="mallory"), {A: 3}),
    "a line is of another time": (lambda loot, old: edit(a_row(loot, 3), at=START + 99), {A: 3}),
    "a line has another address": (lambda loot, old: edit(a_row(loot, 3), address="192.0.2.1"), {A: 3}),
    "a line names another tenant": (lambda loot, old: edit(a_row(loot, 3), tenant=B), {A: 3}),
    "a line names a key that nobody has": (
        lambda loot, old: (edit(a_row(loot, 3), key="xxxx"), loot.trails[A].rechain(2)),
        {A: 3},
    ),
    "a line loses its key and is chained anew": (
        lambda loot, old: (edit(a_row(loot, 20), key=""), loot.trails[A].rechain(19)),
        {A: 20},
    ),
    "a line is made to look erased": (
        lambda loot, old: edit(a_row(loot, 3), was="0" * 64, erased=[["X", "", ""]], reason="x"),
        {A: 3},
    ),
    "a line is damaged": (lambda loot, old: setattr(a_row(loot, 3), "line", "{"), {A: 3}),
    "two lines change places": (lambda loot, old: swap(loot, 4, 12), {A: 4}),
    "two lines change places and the rest is chained anew": (lambda loot, old: swap(loot, 4, 12).rechain(3), {A: 4}),
    "a line is added": (lambda loot, old: insert(loot, 5, chained=False), {A: 21}),
    "a line is added and chained": (lambda loot, old: insert(loot, 5, chained=True), {A: 21}),
    "a line of another tenant is added": (lambda loot, old: take_line_of(loot), {A: 21, B: 12}),
    "a digest is altered": (lambda loot, old: setattr(a_row(loot, 6), "digest", "f" * 64), {A: 6}),
    "a column names another person": (lambda loot, old: setattr(a_row(loot, 6), "account", "mallory"), {A: 6}),
    "a column names another kind": (lambda loot, old: setattr(a_row(loot, 6), "kind", "proof.granted.x"), {A: 6}),
    "the head has another digest": (lambda loot, old: setattr(loot.trails[A], "head", (20, "f" * 64)), {A: 21}),
    "the head counts fewer lines": (
        lambda loot, old: setattr(loot.trails[A], "head", (12, loot.trails[A].head[1])),
        {A: 13},
    ),
    "the head counts more lines": (
        lambda loot, old: setattr(loot.trails[A], "head", (25, loot.trails[A].head[1])),
        {A: 21},
    ),
    "the signed head is removed": (
        lambda loot, old: drop_notes(loot, "trail-head:alpha", "trail-head%3Aalpha"),
        {A: 21},
    ),
    "all signed heads are removed": (lambda loot, old: drop_notes(loot, "trail-head"), {A: 21, B: 13, OLD: 22}),
    "the signed head is altered": (
        lambda loot, old: forge(loot, "alpha", lambda note: note.replace(b'"lines":20', b'"lines":19')),
        {A: 21},
    ),
    "the signed head is of another tenant": (
        lambda loot, old: loot.notes.update(
            {
                next(n for n in notes(loot, "alpha")): loot.notes[
                    next(n for n in notes(loot, "trail-head") if n.endswith(B))
                ]
            }
        ),
        {A: 21},
    ),
    "the list of trails is removed": (
        lambda loot, old: [loot.notes.pop(name) for name in [*loot.notes] if name.endswith("trails")],
        {LIST: 1},
    ),
    "lines are removed and an anchor is forged": (lambda loot, old: pruned_anew(loot), {A: 1}),
    "more is pruned than the gate has pruned": (lambda loot, old: more_pruned(loot, 3), {OLD: 13}),
    "the anchor counts fewer lines": (
        lambda loot, old: setattr(loot.trails[OLD], "anchor", (9, loot.trails[OLD].anchor[1])),
        {OLD: 19},
    ),
    "the anchor is removed": (lambda loot, old: setattr(loot.trails[OLD], "anchor", (0, "")), {OLD: 1}),
    "the leave to prune is removed": (lambda loot, old: drop_notes(loot, "trail-pruned"), {OLD: 1}),
    "two tenants exchange their trails": (lambda loot, old: exchange(loot), {A: 1, B: 1}),
    "a trail is emptied": (lambda loot, old: empty(loot, head=False), {B: 1}),
    "a trail is emptied with its head": (lambda loot, old: empty(loot, head=True), {B: 1}),
    "a trail is deleted": (lambda loot, old: delete_tenant(loot), {B: 1}),
    "a trail is deleted with its signed head": (
        lambda loot, old: delete_tenant(loot, "trail-head:beta", "trail-head%3Abeta"),
        {B: 1},
    ),
    "a trail is deleted with all that was signed": (
        lambda loot, old: delete_tenant(loot, "trail-head", "trail-pruned", "trails"),
        {LIST: 1, OLD: 1},
    ),
    "the places of a trail are shifted": (lambda loot, old: shifted(loot, A), {A: 20}),
    "a trail is restored from yesterday": (
        lambda loot, old: loot.trails.update({A: old.trails[A]}),
        {A: 11},
    ),
    "a trail is put back to before there were keys": (lambda loot, old: without_keys(loot.trails[A]), {A: 1}),
    "the whole store is made to look unsigned": (
        lambda loot, old: everything_plain(loot),
        {A: 1, B: 1, OLD: 1, LIST: 1},
    ),
}
"""Each way with the places that are named, counted from 1."""

OUTSIDE: dict[str, tuple[Callable[[Loot, Loot], object], dict[str, int]]] = {
    "a trail and its signed head are restored from yesterday": (
        lambda loot, old: (loot.trails.update({A: old.trails[A]}), old_head(loot, old)),
        {A: 11},
    ),
    "the whole store is restored from yesterday": (
        lambda loot, old: (loot.trails.update(old.trails), loot.notes.update(old.notes)),
        {A: 11, B: 11},
    ),
}
"""What nothing in the store can tell: a head that was kept elsewhere tells it."""


def test_forty_ways() -> None:
    assert len(ATTACKS) + len(OUTSIDE) >= 40


@contextlib.contextmanager
def backends(kind: str, folder: Path) -> Iterator[tuple[Any, Callable[[], Any]]]:
    """Yield a store, and the way of the intruder into it."""
    if kind == "memory":
        store = MemoryStore()
        yield store, lambda: IntoMemory(store)
    elif kind == "sqlite":
        yield f"sqlite:///{folder}/mfa.db", lambda: IntoSQLite(folder / "mfa.db")
    else:
        with servers.single(folder) as server:
            from mfa_gate.stores.redis import RedisStore

            yield RedisStore(f"redis://127.0.0.1:{server.port}", timing=REDIS), lambda: IntoRedis(server)


@pytest.mark.parametrize("kind", ["memory", "sqlite", "redis"])
def test_every_way_is_found_with_its_place(kind: str, tmp_path: Path) -> None:
    """S-124: lines, columns, heads, anchors, tenants and notes; the other trails hold."""

    async def story(store: Any, into: Callable[[], Any]) -> dict[str, tuple[object, object]]:
        wrong: dict[str, tuple[object, object]] = {}
        async with scene_on(store, into) as scene:
            for name, (attack, places) in ATTACKS.items():
                found = await scene.found(lambda loot, old, attack=attack: attack(loot, old) and None)  # type: ignore[misc]
                if found != places:
                    wrong[name] = (found, places)
            for name, (attack, places) in OUTSIDE.items():
                found = await scene.found(lambda loot, old, attack=attack: attack(loot, old) and None, expect=True)  # type: ignore[misc]
                if found != places:
                    wrong[name] = (found, places)
            assert (await scene.world.gate.service.retention.verify()).broken == {}
        return wrong

    with backends(kind, tmp_path) as (store, into):
        assert asyncio.run(story(store, into)) == {}


SWALLOWS = (
    "CREATE TRIGGER swallows AFTER UPDATE ON trail WHEN new.tenant = 'alpha' BEGIN"
    " DELETE FROM event WHERE tenant = 'alpha' AND digest = new.digest;"
    " UPDATE trail SET digest = old.digest, length = old.length WHERE tenant = 'alpha'; END"
)


async def test_lines_that_vanish_as_they_are_written(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A trigger that takes the newest line away and sets the head back is told of.

    It leaves a trail that is whole. The process that has written the line misses it before it signs.
    """
    path = tmp_path / "mfa.db"
    async with scene_on(f"sqlite:///{path}", lambda: IntoSQLite(path)) as scene:
        service = scene.world.gate.service
        signer = service.trail_signer
        service.engine.sign_heads = signer._due
        for number in range(3):  # as a running gate does: lines come while heads are signed
            await service.engine.record(events(A, 100 + number, 1))
            await asyncio.gather(signer.flush(), service.engine.record(events(A, 200 + 10 * number, 2)))
        await signer.flush()
        assert "altered" not in caplog.text
        scene.into._do(lambda connection: connection.execute(SWALLOWS))
        await service.engine.record(events(A, 300, 1))
        await signer.flush()
        scene.into._do(lambda connection: connection.execute("DROP TRIGGER swallows"))
        assert (await service.retention.verify()).broken == {}
        assert "lines that were written are not there any more" in caplog.text


@pytest.mark.parametrize("name", ["id", "kind", "account", "address"])
async def test_an_emptied_index_is_found(tmp_path: Path, name: str) -> None:
    """An emptied index is found, though every line and its columns are right.

    A search would find nothing any more.
    """
    path = tmp_path / "mfa.db"
    async with scene_on(f"sqlite:///{path}", lambda: IntoSQLite(path)) as scene:
        service = scene.world.gate.service
        await service.engine.record([replace(event, address="192.0.2.7") for event in events(A, 400, 3)])
        await service.trail_signer.flush()
        assert (await service.retention.verify(A)).broken == {}

        def work(connection: sqlite3.Connection) -> None:
            (text,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (f"event_{name}",)).fetchone()
            connection.execute(f"DROP INDEX event_{name}")
            partial = text.partition(" WHERE ")[0] + " WHERE seq < 0"
            connection.execute(partial)
            connection.execute("PRAGMA writable_schema = ON")
            connection.execute("UPDATE sqlite_master SET sql = ? WHERE name = ?", (text, f"event_{name}"))
            connection.execute("PRAGMA writable_schema = RESET")

        connection = sqlite3.connect(path, isolation_level=None)
        work(connection)
        connection.close()
        (fault,) = (await service.retention.verify(A)).broken.values()
        assert fault.what == "columns of the store say something else than the line"
