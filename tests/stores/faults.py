"""The demands of the fault tests on every store that is out of order."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest

from mfa_gate.core.model import SubjectKey
from mfa_gate.core.rules import TenantSettings
from mfa_gate.errors import StoreUnavailable
from mfa_gate.storage import EVERYTHING, ReportPart, Rewrite, Store, Take, take_one
from mfa_gate.testing.store_suite import ALICE, BOB, changed, enrolled, event

T = TypeVar("T")

READS: dict[str, Callable[[Store], Awaitable[object]]] = {
    "load": lambda store: store.load(ALICE),
    "settings": lambda store: store.settings("clinic"),
    "page": lambda store: store.page("clinic"),
    "counts": lambda store: store.counts("clinic"),
    "events": lambda store: store.events("clinic"),
    "meta": lambda store: store.meta("canary"),
    "keys": lambda store: store.keys(),
}
WRITES: dict[str, Callable[[Store], Awaitable[object]]] = {
    "swap": lambda store: store.swap(enrolled(BOB), [event(9, key=BOB)]),
    "append": lambda store: store.append([event(9)]),
    "claim": lambda store: store.claim("name", BOB),
    "release": lambda store: store.release("name", BOB),
    "take": lambda store: take_one(store, "bucket", limit=1, window=60, now=1000),
    "swap_settings": lambda store: store.swap_settings(TenantSettings(tenant="screening")),
    "put_meta": lambda store: store.put_meta("canary", b"x"),
}

MORE_READS: dict[str, Callable[[Any], Awaitable[object]]] = {
    "trail": lambda store: store.trail("clinic"),
    "trails": lambda store: store.trails(),
    "links": lambda store: store.links("clinic"),
    "misfiled": lambda store: store.misfiled("clinic"),
    "lines_with": lambda store: store.lines_with("clinic", "id", ["e1"]),
    "anchor": lambda store: store.anchor("clinic"),
    "head": lambda store: store.head("clinic"),
    "total": lambda store: store.total("bucket", window=60, now=1000),
    "summaries": lambda store: store.summaries("clinic", ["alice"]),
    "marked": lambda store: store.marked("seen", ["a"]),
    "report_parts": lambda store: store.report_parts("clinic", since=0, until=99),
    "reported_tenants": lambda store: store.reported_tenants(),
    "time": lambda store: store.time(),
}
MORE_WRITES: dict[str, Callable[[Any], Awaitable[object]]] = {
    "take_all": lambda store: store.take_all([Take(bucket=name, limit=9, window=60, at=1000) for name in "ab"]),
    "rewrite": lambda store: store.rewrite("clinic", [Rewrite(0, "", "{}")]),
    "prune": lambda store: store.prune("clinic", before=1_800_000_000),
    "drop_meta": lambda store: store.drop_meta("canary"),
    "put_meta_until": lambda store: store.put_meta("canary", b"x", until=100),
    "prune_meta": lambda store: store.prune_meta(before=101),
    "mark": lambda store: store.mark("seen", ["a"]),
    "unmark": lambda store: store.unmark("seen", ["a"]),
    "add_report_part": lambda store: store.add_report_part("clinic", 12, b"x"),
    "replace_report_part": lambda store: store.replace_report_part("clinic", ReportPart("1", 12, b"x"), b"y"),
    "prune_report": lambda store: store.prune_report("clinic", before=99),
}
"""With ``READS`` and ``WRITES``, every method that asks the backend, the optional ones among them."""
IN_TIME = 3.0
"""Seconds for an answer that is due within one: a busy machine stands still for up to two."""

LISTS = {"keys", "page", "counts", "summaries", "events", "lines_with", "trail", "trails", "links", "misfiled", "head"}
LISTS |= {"report_parts", "reported_tenants"}
"""Those that may take long, and must hold up nobody's sign-in."""


async def refused(store: Store, calls: dict[str, Callable[[Store], Awaitable[object]]]) -> None:
    """Each call raises ``StoreUnavailable``, and nothing else, within a second."""
    for name, call in calls.items():
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            pytest.fail(f"{name} answered {await call(store)!r}")
        assert time.monotonic() - began < IN_TIME, name


async def changed_refused(store: Store) -> None:
    """``changed`` raises ``StoreUnavailable`` from within a second on, and goes on doing so."""
    began = time.monotonic()
    while time.monotonic() - began < IN_TIME:
        try:
            changed(store)
        except StoreUnavailable:
            break
        await asyncio.sleep(0.02)
    for _ in range(20):
        with pytest.raises(StoreUnavailable):
            changed(store)
        await asyncio.sleep(0.02)


async def silence(store: Store, *, within: float = 90) -> None:
    """Wait until ``changed`` has nothing to tell: change notices arrive."""
    until = time.monotonic() + within
    while changed(store) != frozenset():
        assert time.monotonic() < until, "change notices do not arrive"
        await asyncio.sleep(0.02)


async def noise(store: Store) -> None:
    """Check that ``changed`` says "everything" or refuses within a second.

    It goes on doing so: no cache may be believed. On a machine that stands still the second has 50 looks all the same.
    """
    until, looks = time.monotonic() + 1, 0
    while time.monotonic() < until or looks < 50:
        looks += 1
        try:
            if changed(store) is EVERYTHING and changed(store) is EVERYTHING:
                return
        except StoreUnavailable:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("changed() goes on saying that nothing changed")


async def answers(store: Store, *, within: float = 2) -> None:
    """Within so many seconds ``changed`` and a load answer again."""
    until = time.monotonic() + within
    while True:
        try:
            changed(store)
            await store.load(ALICE)
            changed(store)
            return
        except StoreUnavailable:
            if time.monotonic() > until:
                raise
        await asyncio.sleep(0.02)


async def refusal(store: Store, *, within: float = 2) -> str:
    """Return the words of the store when it refuses a load.

    It must refuse within ``within`` seconds.
    """
    until = time.monotonic() + within
    while True:
        try:
            await store.load(ALICE)
        except StoreUnavailable as error:
            return str(error)
        assert time.monotonic() < until, "load goes on answering"
        await asyncio.sleep(0.02)


async def prepared(store: Store) -> None:
    """Store an account with an event, settings and a small value, which could be lost.

    After this the store has no new change to report.
    """
    assert await store.swap(enrolled(ALICE), [event(1)])
    assert await store.swap_settings(TenantSettings(tenant="clinic", enabled_at=5))
    await store.put_meta("canary", b"sings")
    changed(store)


async def after_all(call: Callable[[], Awaitable[T]]) -> T:
    """Return what a store that works says, as soon as a busy machine lets it answer."""
    until = time.monotonic() + 10
    while True:
        try:
            return await call()
        except StoreUnavailable:
            if time.monotonic() > until:
                raise
        await asyncio.sleep(0.02)


async def nothing_lost(store: Store) -> None:
    """Check that all of ``prepared`` is there, and nothing of the refused writes.

    The store works again: it reports changes, reads and writes.
    """
    assert (await after_all(lambda: store.load(ALICE))).version == 1
    assert [line.id for line in (await after_all(lambda: store.events("clinic"))).items] == ["e1"]
    assert (await after_all(lambda: store.load(BOB))).version == 0
    assert (await after_all(lambda: store.settings("clinic"))).enabled_at == 5
    assert await after_all(lambda: store.meta("canary")) == b"sings"
    carol = SubjectKey("clinic", "carol")
    changed(store)
    assert await store.swap(enrolled(carol), [event(2, key=carol)])
    told = changed(store)
    assert not isinstance(told, frozenset) or carol in told
    assert await store.swap(enrolled(ALICE, version=1), [event(3)])
    assert [line.id for line in (await store.events("clinic")).items] == ["e3", "e2", "e1"]
