"""A primary dies under load, and its standby takes over.

With ``synchronous_standby_names`` nothing that was confirmed is lost. Without it the loss is measured and printed.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import pytest

from mfa_gate.core.model import SubjectKey
from mfa_gate.errors import StoreUnavailable
from mfa_gate.service.trail_verification import verify_trail
from mfa_gate.stores.postgres import PostgresStore
from mfa_gate.testing.store_suite import enrolled, event

from .. import postgres_servers
from ..faults import READS, refusal, refused, silence
from ..link import Link
from ..postgres_servers import Postgres

pytestmark = pytest.mark.waits
T = TypeVar("T")

BACK_WITHIN = 5.0
BUSY = 2.0
"""Seconds that a busy machine may add."""
PEOPLE = 12
LATE = 0.3


@dataclass
class Pair:
    """A primary and its standby."""

    primary: Postgres
    standby: Postgres

    @property
    def url(self) -> str:
        """Return a URL with both hosts."""
        return f"postgresql://gate@127.0.0.1:{self.primary.port},127.0.0.1:{self.standby.port}/postgres"


@pytest.fixture
def pair() -> Iterator[Pair]:
    with postgres_servers.server() as primary:
        standby = primary.standby()
        try:
            yield Pair(primary, standby)
        finally:
            standby.kill()


def wait_for_each_commit(pair: Pair) -> None:
    """Let the primary confirm nothing that the standby does not have."""
    pair.primary.say("ALTER SYSTEM SET synchronous_standby_names = '*'")
    pair.primary.say("SELECT pg_reload_conf()")
    until = time.monotonic() + 30
    while pair.primary.say("SELECT sync_state FROM pg_stat_replication") != [("sync",)]:
        assert time.monotonic() < until
        time.sleep(0.05)


async def write_on(store: PostgresStore, key: SubjectKey, confirmed: dict[SubjectKey, int]) -> None:
    """Change one account as fast as the store confirms it."""
    while True:
        try:
            account = await store.load(key)
            if await store.swap(enrolled(key, version=account.version), [event(account.version, key=key)]):
                confirmed[key] = account.version + 1
        except StoreUnavailable:
            await asyncio.sleep(0.02)


async def read_on(store: PostgresStore, key: SubjectKey) -> None:
    """Load one account again and again."""
    while True:
        with contextlib.suppress(StoreUnavailable):
            await store.load(key)
        await asyncio.sleep(0.02)


async def taken_over(pair: Pair, store: PostgresStore) -> tuple[dict[SubjectKey, int], float]:
    """Kill the primary under load and promote the standby.

    Returns the confirmed versions, and the seconds until the store answered again.
    """
    confirmed: dict[SubjectKey, int] = {}
    keys = [SubjectKey("clinic", f"u{number}") for number in range(PEOPLE)]
    tasks = [asyncio.ensure_future(write_on(store, key, confirmed)) for key in keys]
    while sum(confirmed.values()) < 60:
        await asyncio.sleep(0.02)
    pair.primary.kill()
    for task in tasks:  # else they would write again what was lost
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    at_death = dict(confirmed)
    tasks = [asyncio.ensure_future(read_on(store, key)) for key in keys]
    await asyncio.to_thread(pair.standby.promote)
    began = time.monotonic()
    while True:
        try:
            await store.load(keys[0])
            break
        except StoreUnavailable:
            assert time.monotonic() < began + BACK_WITHIN + BUSY
            await asyncio.sleep(0.02)
    seconds = time.monotonic() - began
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return at_death, seconds


async def test_nothing_confirmed_is_lost(pair: Pair) -> None:
    """With a synchronous standby every confirmed change is on the new primary (F-3).

    The store goes on within five seconds, and never back to the old primary (F-4).
    """
    store = PostgresStore(pair.url)
    await store.open()
    wait_for_each_commit(pair)
    await silence(store)
    confirmed, seconds = await taken_over(pair, store)
    print(f"back after {seconds:.2f} s")
    for key, version in confirmed.items():
        assert (await store.load(key)).version >= version
        lines = (await store.events("clinic", account=key.id, limit=500)).items
        assert len(lines) == (await store.load(key)).version
    assert await verify_trail(store) == {}
    await silence(store, within=10)
    pair.standby.kill()
    pair.primary.start()
    pair.primary.say("ALTER SYSTEM RESET ALL")
    await refused(store, READS)
    assert "before the failover" in await refusal(store)
    await store.aclose()


async def reached(ask: Callable[[PostgresStore], Awaitable[T]], store: PostgresStore) -> T:
    """Ask until the store is back: a pool may try the lost server once more."""
    for _ in range(20):
        with contextlib.suppress(StoreUnavailable):
            return await ask(store)
        await asyncio.sleep(0.25)
    return await ask(store)


async def test_the_loss_without_a_synchronous_standby() -> None:
    """Without one, a failover loses the changes that were on their way to the standby.

    They are measured and printed. What is left is whole: the trail verifies, and the log says what happened.
    """
    link = Link(LATE)
    with postgres_servers.server() as primary:
        pair = Pair(primary, primary.standby(link=link))
        store = PostgresStore(pair.url)
        try:
            await store.open()
            while not pair.standby.say("SELECT to_regclass('mfa_gate.account')")[0][0]:
                await asyncio.sleep(0.05)
            confirmed, seconds = await taken_over(pair, store)
            found = {key: (await store.load(key)).version for key in confirmed}
            lost = sum(max(0, version - found[key]) for key, version in confirmed.items())
            print(
                f"the standby was {LATE} s behind: {lost} of {sum(confirmed.values())} confirmed changes lost; "
                f"back after {seconds:.2f} s"
            )
            assert lost > 0, "else nothing was measured"
            assert await reached(verify_trail, store) == {}
            key = SubjectKey("clinic", "u0")
            assert await store.swap(enrolled(key, version=(await store.load(key)).version))
        finally:
            await store.aclose()
            link.close()
            pair.standby.kill()
