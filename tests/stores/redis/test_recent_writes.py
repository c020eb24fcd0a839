"""A new primary that never had the changes that Redis confirmed (F-3).

The process that they were confirmed to puts them back.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mfa_gate.core.changes.after_failover import regained, regained_settings
from mfa_gate.core.model import Account, Attempts, Authenticator, Challenge, Lock, SubjectKey
from mfa_gate.core.rules import TenantSettings
from mfa_gate.errors import StoreUnavailable
from mfa_gate.service.trail_verification import verify_trail
from mfa_gate.stores.redis import RedisStore
from mfa_gate.stores.redis.history import History
from mfa_gate.stores.redis.recent_writes import EXTRA_KEPT, MAX_KEPT, Lost, RecentWrites, lost
from mfa_gate.stores.redis.timing import USUAL, Timing
from mfa_gate.testing.store_suite import ALICE, enrolled, event
from tests.stores import servers

LOCK = Lock(at=100, cause="attempts", ref="R")


def account(version: int, **more: object) -> Account:
    """An account at a version."""
    return replace(Account(key=ALICE, version=version), **more)  # type: ignore[arg-type]


def test_what_went_back_is_what_was_confirmed() -> None:
    """A store that is only behind gets the confirmed account again.

    The account has the version of the store.
    """
    confirmed = account(9, seen_at=50, attempts=Attempts(used=7), lock=LOCK)
    stored = account(6, seen_at=40, attempts=Attempts(used=4))
    assert regained(stored, confirmed, untouched=True) == replace(confirmed, version=6)


def test_what_others_changed_since_is_stricter() -> None:
    """An account that others have written since keeps their change, made stricter.

    It has the higher count and the lock, and no earlier code or proof.
    """
    code = Challenge(id="c", factor="email", purpose="sign-in", target="t", browser="b", issued_at=1, expires_at=999)
    confirmed = account(9, seen_at=50, epoch=3, attempts=Attempts(used=7, days=((1, 2),)), lock=LOCK)
    stored = account(
        7, seen_at=60, epoch=2, name="new", attempts=Attempts(used=1, days=((1, 1), (2, 1))), challenges=(code,)
    )
    found = regained(stored, confirmed, untouched=False)
    assert (found.version, found.name, found.lock, found.challenges) == (7, "new", LOCK, ())
    assert (found.attempts.used, found.attempts.days) == (7, ((1, 2), (2, 1)))
    assert found.epoch > 3
    assert found.restored_at == 50


def test_the_ledger_is_bounded() -> None:
    """A process remembers a bounded number of accounts for a bounded time.

    S-122. It also remembers the events that went with them.
    """
    recent_writes: RecentWrites[SubjectKey, Account] = RecentWrites(USUAL)
    for number in range(MAX_KEPT + 10):
        key = SubjectKey("t", str(number))
        recent_writes.keep(key, Account(key=key), 1, "op", "1 op", (), 0.0)
    assert len(recent_writes.rows()) == MAX_KEPT
    recent_writes.keep(ALICE, account(3), 4, "four", "4 three four", [event(1)], 1.0)
    recent_writes.keep(ALICE, account(4), 5, "five", "5 three four five", [event(2)], 2.0)
    known = recent_writes.of(ALICE)
    assert lost(known, 5, History("5 three four five")) is None
    assert lost(known, 6, History("6 three four five six")) is None
    missing = lost(known, 4, History("4 three four"))
    assert missing is not None
    assert [line.id for line in missing.events] == ["e2"]
    recent_writes.is_owed = True
    late = SubjectKey("t", "late")
    recent_writes.keep(late, Account(key=late), 1, "op", "1 op", (), USUAL.kept_for + 5.0)
    assert ALICE in recent_writes.rows()
    recent_writes.is_owed = False
    recent_writes.keep(late, Account(key=late), 2, "op2", "2 op op2", (), USUAL.kept_for + 5.0)
    assert recent_writes.rows() == [late]


def test_the_ledger_keeps_as_long_as_the_stores_own_times_say() -> None:
    """A store whose changes settle later remembers them longer.

    F-3. Otherwise a failover could lose them for good.
    """
    store = RedisStore("redis://127.0.0.1:1", timing=Timing(settled_after=300.0))
    ledgers: list[RecentWrites[Any, Any]] = [store._accounts._recent_writes, store._settings._recent_writes]
    for recent_writes in ledgers:
        recent_writes.keep("early", None, 1, "op", "1 op", (), 0.0)
        recent_writes.keep("late", None, 1, "op", "1 op", (), 339.0)
        assert recent_writes.rows() == ["early", "late"]
        recent_writes.keep("later", None, 1, "op", "1 op", (), 341.0)
        assert recent_writes.rows() == ["late", "later"]


@pytest.mark.parametrize(
    ("version", "history", "untouched", "events"),
    [
        (0, "", True, ["e3", "e4", "e5"]),
        (3, "3 c", True, ["e4", "e5"]),
        (5, "5 c d x", False, ["e5"]),
        (5, "5 c x y", False, ["e4", "e5"]),
        (7, "7 c d x y z", False, ["e5"]),
        (9, "9 q r s t u", False, ["e3", "e4", "e5"]),
        (4, "4 c +d =p", True, ["e4", "e5"]),
        (4, "4 c +x =p", False, ["e4", "e5"]),
        (5, "5 c +d =p x", False, ["e4", "e5"]),
    ],
)
def test_what_is_lost(version: int, history: str, untouched: bool, events: list[str]) -> None:
    """The operation's name in the history shows a loss; the number of a version does not.

    F-3. Others may have made that number anew.
    """
    recent_writes: RecentWrites[SubjectKey, Account] = RecentWrites(USUAL)
    for number, op in enumerate("cde", start=3):
        recent_writes.keep(ALICE, account(number - 1), number, op, f"{number} {op}", [event(number)], 0.0)
    missing = lost(recent_writes.of(ALICE), version, History(history))
    assert missing is not None
    assert missing.untouched is untouched
    assert [line.id for line in missing.events] == events


@pytest.mark.parametrize(
    ("version", "history"),
    [(5, "5 c d e"), (6, "6 d e f"), (4, "4 c +d +e =p"), (5, "5 c +e =p x"), (60, "60 u v w"), (50, "50 +x +y z")],
)
def test_what_is_not_lost(version: int, history: str) -> None:
    """An operation in the history is not lost.

    An operation further back than the history reaches is not judged.
    """
    recent_writes: RecentWrites[SubjectKey, Account] = RecentWrites(USUAL)
    recent_writes.keep(ALICE, account(4), 5, "e", "5 c d e", [], 0.0)
    assert lost(recent_writes.of(ALICE), version, History(history)) is None


def test_lines_that_only_this_process_knows() -> None:
    """A put-back by another process has none of this one's lines: this one writes them."""
    recent_writes: RecentWrites[SubjectKey, Account] = RecentWrites(USUAL)
    recent_writes.keep(ALICE, account(4), 5, "e", "5 c d e", [event(5)], 0.0)
    missing = lost(recent_writes.of(ALICE), 5, History("5 c d +e +f =p"))
    assert missing is not None
    assert (missing.value, [line.id for line in missing.events]) == (None, ["e5"])
    recent_writes.has_lines(ALICE)
    assert lost(recent_writes.of(ALICE), 5, History("5 c d +e +f =p")) is None


def test_of_both_the_stricter_holds() -> None:
    """Losses that made an account stricter hold over the later changes of others.

    They are a reset, a removed authenticator, a freeze and a used sign-in.
    """
    old, gone, new = (
        Authenticator(id=id, factor="totp", label=id, created_at=at)
        for id, at in (("old", 1), ("gone", 2), ("new", 70))
    )
    lately = Authenticator(id="lately", factor="totp", label="lately", created_at=49)
    confirmed = account(9, seen_at=50, authenticators=(old, lately), frozen_until=90, quiet_until=80, logins_from=45)
    stored = account(9, seen_at=75, authenticators=(old, gone, new), default="gone", logins_from=10)
    found = regained(stored, confirmed, untouched=False)
    assert [mine.id for mine in found.authenticators] == ["old", "new", "lately"]
    assert (found.default, found.frozen_until, found.quiet_until, found.seen_at) == ("", 90, 80, 75)
    assert found.logins_from >= 50
    reset = replace(stored, epoch=1, authenticators=())
    assert regained(reset, confirmed, untouched=False).authenticators == ()
    again = regained(replace(stored, restored_at=60), confirmed, untouched=False)
    assert (again.restored_at, again.challenges) == (60, ())


def test_a_tenant_stays_on() -> None:
    """A tenant that was turned on is on, whatever was lost."""
    confirmed = TenantSettings(tenant="t", version=4, enabled_at=9, factors=("totp",))
    assert regained_settings(TenantSettings(tenant="t", version=1), confirmed, untouched=True) == replace(
        confirmed, version=1
    )
    stored = TenantSettings(tenant="t", version=4, factors=("email",))
    found = regained_settings(stored, confirmed, untouched=False)
    assert (found.version, found.enabled_at, found.factors) == (4, 9, ("email",))


async def patiently(store: RedisStore) -> Account:
    """The account, as soon as there is a primary."""
    until = time.monotonic() + 20
    while True:
        try:
            return await store.load(ALICE)
        except StoreUnavailable:
            assert time.monotonic() < until
            await asyncio.sleep(0.05)


@pytest.mark.waits
async def test_failover_that_loses(tmp_path: Path) -> None:
    """Attempts, the lock and their events come back after a failover that lost them.

    F-3. Without ``replicas`` the failover loses the changes that the replica did not have. They are back at
    the first look. They come back by themselves for a process that remembers nothing of them.
    """
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
        assert not await verify_trail(other)
        await store.aclose()
        await other.aclose()


@pytest.mark.waits
async def test_failover_after_which_others_write_first(tmp_path: Path) -> None:
    """A lost lock comes back though others write to the new primary first.

    F-3. They make as many changes as were lost, so that all numbers fit. The lock and the attempts come back,
    with everybody's lines. A swap from before fails.
    """
    with servers.pair(tmp_path) as pair:
        url = f"redis+sentinel://127.0.0.1:{pair.sentinel.port}/gate"
        store = RedisStore(url)
        await store.open()
        assert await store.swap(replace(enrolled(ALICE), attempts=Attempts(used=4)), [event(1)])
        with pair.primary.client() as client:
            assert client.execute_command("WAIT", 1, 5000) == 1
        pair.replica.say("REPLICAOF", "127.0.0.1", 1)
        for used in (5, 6, 7):
            lock = LOCK if used == 7 else None
            assert await store.swap(
                replace(await store.load(ALICE), attempts=Attempts(used=used), lock=lock), [event(used)]
            )
        read = await store.load(ALICE)
        pair.primary.stop()
        pair.replica.say("REPLICAOF", "NO", "ONE")
        other = RedisStore(f"redis://127.0.0.1:{pair.replica.port}")
        await other.open()
        for number in range(3):
            now = await other.load(ALICE)
            assert await other.swap(replace(now, attempts=Attempts(used=5 + number % 2)), [event(20 + number)])
        assert (await other.load(ALICE)).version == read.version
        pair.sentinel.say("SENTINEL", "REMOVE", "gate")
        pair.sentinel.say("SENTINEL", "MONITOR", "gate", "127.0.0.1", pair.replica.port, 1)
        until = time.monotonic() + 20
        while (await other.load(ALICE)).lock is None:
            assert time.monotonic() < until
            await asyncio.sleep(0.05)
        assert not await store.swap(replace(read, lock=None), [event(9)])
        found = await store.load(ALICE)
        assert (found.lock, found.attempts.used) == (LOCK, 7)
        ids = {line.id for line in (await other.events(ALICE.tenant)).items}
        assert ids == {"e1", "e5", "e6", "e7", "e20", "e21", "e22"}
        assert not await verify_trail(other)
        await store.aclose()
        await other.aclose()


@pytest.mark.parametrize("untouched", [True, False])
@pytest.mark.parametrize("count", [0, 1, EXTRA_KEPT, EXTRA_KEPT + 1])
def test_the_history_of_a_change_that_puts_back(untouched: bool, count: int) -> None:
    """It names the latest operations that were lost, and says if it does nothing else."""
    names = [f"op{number}" for number in range(count)]
    missing: Lost[str] = Lost("value", untouched, (), tuple(names))
    assert missing.words == (" ".join(f"+{name}" for name in names[-EXTRA_KEPT:]), "=" if untouched else "")
