"""A new primary that never had what Redis confirmed: the process that it was confirmed to puts it back (F-3)."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest

from mfa_gate.core.changes.lost import regained
from mfa_gate.core.model import Account, Attempts, Challenge, Lock, SubjectKey
from mfa_gate.errors import StoreUnavailable
from mfa_gate.stores.redis import RedisStore
from mfa_gate.stores.redis.ledger import KEPT_FOR, MAX_KEPT, Ledger, lost
from mfa_gate.testing.store_suite import ALICE, enrolled, event
from tests.stores import servers

pytestmark = pytest.mark.waits

LOCK = Lock(at=100, cause="attempts", ref="R")


def account(version: int, **more: object) -> Account:
    """An account at a version."""
    return replace(Account(key=ALICE, version=version), **more)  # type: ignore[arg-type]


def test_what_went_back_is_what_was_confirmed() -> None:
    """A store that is only behind gets the confirmed account again, at the version that it has."""
    confirmed = account(9, seen_at=50, attempts=Attempts(used=7), lock=LOCK)
    stored = account(6, seen_at=40, attempts=Attempts(used=4))
    assert regained(stored, confirmed) == replace(confirmed, version=6)


def test_what_others_changed_since_is_stricter() -> None:
    """Where somebody has written since, theirs stands, with the higher count, the lock, and no code or proof of before."""
    code = Challenge(id="c", factor="email", purpose="sign-in", target="t", browser="b", issued_at=1, expires_at=999)
    confirmed = account(9, seen_at=50, epoch=3, attempts=Attempts(used=7, days=((1, 2),)), lock=LOCK)
    stored = account(
        7, seen_at=60, epoch=2, name="new", attempts=Attempts(used=1, days=((1, 1), (2, 1))), challenges=(code,)
    )
    found = regained(stored, confirmed)
    assert (found.version, found.name, found.lock, found.challenges) == (7, "new", LOCK, ())
    assert (found.attempts.used, found.attempts.days) == (7, ((1, 2), (2, 1)))
    assert found.epoch > 3
    assert found.restored_at == 50


def test_the_ledger_is_bounded() -> None:
    """S-122: a process remembers so many accounts, for so long, and the events that went with them."""
    ledger = Ledger()
    for number in range(MAX_KEPT + 10):
        ledger.keep(Account(key=SubjectKey("t", str(number))), "op", (), 0.0)
    assert len(ledger.subjects()) == MAX_KEPT
    ledger.keep(account(3), "three", [event(1)], 1.0)
    ledger.keep(account(4), "four", [event(2)], 2.0)
    known = ledger.of(ALICE)
    assert lost(known, account(5), "four") is None
    assert lost(known, account(6), "five") is None
    missing = lost(known, account(4), "three")
    assert missing is not None
    assert [line.id for line in missing.events] == ["e2"]
    other = lost(known, account(5), "somebody else's")
    assert other is not None
    ledger.keep(Account(key=SubjectKey("t", "late")), "op", (), KEPT_FOR + 5.0)
    assert ledger.subjects() == [SubjectKey("t", "late")]


async def patiently(store: RedisStore) -> Account:
    """The account, as soon as there is a primary."""
    until = time.monotonic() + 20
    while True:
        try:
            return await store.load(ALICE)
        except StoreUnavailable:
            assert time.monotonic() < until
            await asyncio.sleep(0.05)


async def test_failover_that_loses(tmp_path: Path) -> None:
    """F-3: without ``replicas`` a failover loses what the replica did not have; attempts, the lock and their events are back
    at the first look, and by themselves for a process that remembers nothing of them."""
    with servers.pair(tmp_path) as pair:
        url = f"redis+sentinel://127.0.0.1:{pair.sentinel.port}/gate"
        store, other = RedisStore(url), RedisStore(url)
        await store.open()
        await other.open()
        assert await store.swap(replace(enrolled(ALICE), attempts=Attempts(used=3)), [event(1)])
        with pair.primary.client() as client:
            assert client.execute_command("WAIT", 1, 5000) == 1
        pair.replica.say("REPLICAOF", "127.0.0.1", 1)
        now = await store.load(ALICE)
        assert await store.swap(replace(now, attempts=Attempts(used=6)), [event(2)])
        now = await store.load(ALICE)
        assert await store.swap(replace(now, attempts=Attempts(used=7), lock=LOCK), [event(3)])
        pair.primary.stop()
        with pair.replica.client() as client:
            assert client.info("persistence")["loading"] == 0
        pair.replica.say("REPLICAOF", "NO", "ONE")
        pair.sentinel.say("SENTINEL", "REMOVE", "gate")
        pair.sentinel.say("SENTINEL", "MONITOR", "gate", "127.0.0.1", pair.replica.port, 1)
        found = await patiently(store)
        assert (found.attempts.used, found.lock) == (7, LOCK)
        until = time.monotonic() + 10
        while (await patiently(other)).lock is None:
            assert time.monotonic() < until
            await asyncio.sleep(0.1)
        page = await other.events(ALICE.tenant)
        assert {line.id for line in page.items} == {"e1", "e2", "e3"}
        assert not await other.verify_trail()
        await store.aclose()
        await other.aclose()
