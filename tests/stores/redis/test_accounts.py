"""Rows that Redis has lost, while others write them."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from mfa_gate.core.codec import encode
from mfa_gate.core.model import Account, SubjectKey
from mfa_gate.core.rules import TenantSettings
from mfa_gate.core.settings_codec import settings_to
from mfa_gate.errors import StoreUnavailable
from mfa_gate.stores.common.documents import checksum
from mfa_gate.stores.redis import accounts, scripts, settings, writes
from mfa_gate.stores.redis.accounts import RedisAccounts
from mfa_gate.stores.redis.history import History
from mfa_gate.stores.redis.pipeline import OutcomeUnknown
from mfa_gate.stores.redis.recent_writes import Lost, lost
from mfa_gate.stores.redis.settings import RedisSettings
from mfa_gate.stores.redis.timing import USUAL
from mfa_gate.testing.store_suite import ALICE, event


async def never() -> Any:
    """Give no session: nobody asks for one here."""
    raise AssertionError


def missing(value: Any) -> Lost[Any]:
    """Make a change that was lost."""
    return Lost(value=value, untouched=True, events=(), operations=())


class Racing:
    """Rows that are behind each time, and that others write in between."""

    def __init__(self, row: Any, *, wins_at: int) -> None:
        self.row = row
        self.wins_at = wins_at
        self.looks = 0

    async def look(self, key: object) -> tuple[Any, Lost[Any]]:
        """Find the row without the change."""
        self.looks += 1
        return self.row, missing(self.row)

    async def swap(self, *_: object) -> bool:
        """Lose against another writer, or win at last."""
        return self.looks == self.wins_at


@pytest.mark.parametrize("wins_at", [1, accounts._TURNS, 0])
async def test_a_lost_account_is_put_back_or_refused(wins_at: int) -> None:
    """A row that cannot be put back, because others write it all the time, is an outage (F-3)."""
    rows, race = RedisAccounts(never, timing=USUAL, reads_back=True), Racing(Account(key=ALICE), wins_at=wins_at)
    rows._look, rows.swap = race.look, race.swap  # type: ignore[assignment,method-assign]
    if wins_at:
        assert (await rows.load(ALICE)).version == 1
    else:
        with pytest.raises(StoreUnavailable, match=r"Redis has lost changes of .*, and others write it now"):
            await rows.load(ALICE)
    assert race.looks == (wins_at or accounts._TURNS)


@pytest.mark.parametrize("wins_at", [1, settings._TURNS, 0])
async def test_lost_settings_are_put_back_or_refused(wins_at: int) -> None:
    """The same for the settings of a tenant."""
    rows = RedisSettings(never, timing=USUAL, reads_back=True)
    race = Racing(TenantSettings(tenant="clinic"), wins_at=wins_at)
    rows._look, rows.swap = race.look, race.swap  # type: ignore[assignment,method-assign]
    if wins_at:
        assert (await rows.load("clinic")).version == 1
    else:
        with pytest.raises(StoreUnavailable, match="Redis has lost settings of 'clinic', and others write them now"):
            await rows.load("clinic")
    assert race.looks == (wins_at or settings._TURNS)


LINES = [event(1), event(2)]


async def test_lost_lines_are_written_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines that another process left out when it put a row back are written.

    Then no more.
    """
    written = list[Any]()

    async def append(session: object, tenant: str, events: Any) -> None:
        written.append((tenant, [line.id for line in events]))

    async def session() -> Any:
        return None

    monkeypatch.setattr(accounts, "append_lines", append)
    monkeypatch.setattr(settings, "append_lines", append)
    history = History("3 two +three other")
    people = RedisAccounts(session, timing=USUAL, reads_back=True)
    people._recent_writes.keep(ALICE, Account(key=ALICE), 3, "three", "3 two three", LINES, 0.0)
    tenants = RedisSettings(session, timing=USUAL, reads_back=True)
    chosen = TenantSettings(tenant="clinic")
    tenants._recent_writes.keep("clinic", chosen, 3, "three", "3 two three", LINES, 0.0)

    async def look(key: Any) -> Any:
        rows: Any = people if key is ALICE else tenants
        row: Any = Account(key=ALICE, version=3) if key is ALICE else replace(chosen, version=3)
        return row, lost(rows._recent_writes.of(key), 3, history)

    people._look = look  # type: ignore[method-assign]
    tenants._look = look  # type: ignore[assignment,method-assign]
    for _ in range(3):
        assert (await people.load(ALICE)).version == 3
        assert (await tenants.load("clinic")).version == 3
    assert written == [("clinic", ["e1", "e2"])] * 2


@pytest.mark.parametrize("reads_back", [True, False])
@pytest.mark.parametrize("is_there", [True, False])
@pytest.mark.parametrize("took", [0.1, 0.7])
async def test_a_change_without_a_reply(
    monkeypatch: pytest.MonkeyPatch, reads_back: bool, is_there: bool, took: float
) -> None:
    """A change whose reply got lost is looked up while there is time.

    Never made again (F-7).

    With replicas it is not: what is there may not be safe. Only a change that is there is told to the readers.
    """
    calls, confirmed, times = list[str](), list[object](), [0.0, took]

    async def in_tenant(*_: object) -> Any:
        calls.append("made")
        raise OutcomeUnknown("no reply")

    async def landed(*_: object) -> str | None:
        calls.append("looked up")
        return "4 op" if is_there else None

    monkeypatch.setattr(writes, "in_tenant", in_tenant)
    monkeypatch.setattr(writes, "landed", landed)
    session: Any = SimpleNamespace(
        loop=SimpleNamespace(time=lambda: times.pop(0)),
        invalidation=SimpleNamespace(name="channel", confirm=lambda *given: confirmed.append(given)),
    )
    operation = writes.Operation("clinic", "alice", "op", "row", ("v", "o", "h"), 4)
    call = writes.change(session, operation, scripts.SWAP, [], reads_back=reads_back)
    looks = reads_back and took < 0.6
    if looks and is_there:
        assert await call == "4 op"
        assert confirmed == [(ALICE, "op")]
    else:
        with pytest.raises(OutcomeUnknown):
            await call
        assert confirmed == []
    assert calls == (["made", "looked up"] if looks else ["made"])


@pytest.mark.parametrize("name", ["accounts", "settings"])
async def test_changes_that_are_owed_grow_not_too_old(name: str) -> None:
    """Until all is put back.

    It is tried for each row, and the log says how many are left (F-3).
    """
    rows: Any = (RedisAccounts if name == "accounts" else RedisSettings)(never, timing=USUAL, reads_back=True)
    keys = [SubjectKey("clinic", id) for id in "abc"] if name == "accounts" else ["one", "two", "three"]
    for key in keys:
        rows._recent_writes.keep(key, "value", 1, "op", "1 op", [], 0.0)
    loaded, away = list[object](), {keys[1]}

    async def load(key: object) -> None:
        loaded.append(key)
        if key in away:
            raise StoreUnavailable("away")

    rows.load = load
    rows.owe()
    assert rows._recent_writes.is_owed is True
    assert await rows.regain() is False
    assert rows._recent_writes.is_owed is True
    assert loaded == (keys if name == "accounts" else keys[:2])
    away.clear()
    assert await rows.regain() is True
    assert rows._recent_writes.is_owed is False


HEADS: dict[str, tuple[bytes | None, bool, str]] = {
    "sound": (b"id", False, ""),
    "another store": (b"other", False, "Redis has lost a part of tenant 'clinic'"),
    "no head": (None, False, "Redis has lost a part of tenant 'clinic'"),
    "never written": (None, True, ""),
}


@pytest.mark.parametrize("is_there", [True, False])
@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize("kind", ["account", "settings"])
async def test_a_row_beside_a_head_that_does_not_fit(kind: str, name: str, is_there: bool) -> None:
    """A row without its head, or of another store, is a part of a copy.

    A row that is not there may be new.
    """
    head, is_unknown, words = HEADS[name]
    checked = list[object]()

    async def unknown(tenant: str) -> bool:
        return is_unknown

    async def ask(key: str, *commands: Any) -> list[Any]:
        if kind == "settings":
            row = (
                [b"1", settings_to(TenantSettings(tenant="clinic")).encode(), b"op", b"1 op"]
                if is_there
                else [None] * 4
            )
            return [[*row, head, b"7", None]]
        body = encode(Account(key=ALICE))
        row = [b"1", body, str(checksum(ALICE, 1, body)).encode(), b"op", b"1 op"] if is_there else [None] * 5
        return [row] if len(commands) == 1 else [row, [head, b"7", None]]

    session: Any = SimpleNamespace(
        store_id="id",
        ask=ask,
        is_unknown=unknown,
        newest=lambda tenant: 5,
        require_current=lambda *given: checked.append(given),
    )

    async def ready() -> Any:
        return session

    rows: Any = (RedisAccounts if kind == "account" else RedisSettings)(ready, timing=USUAL, reads_back=True)
    key: Any = ALICE if kind == "account" else "clinic"
    refused = bool(words) or (name == "never written" and is_there)
    if refused:
        with pytest.raises(StoreUnavailable, match="Redis has lost a part of tenant 'clinic': restore it from a copy"):
            await rows.load(key)
    else:
        found = await rows.load(key)
        assert (found.version, found.stamp) == ((1, "op") if is_there else (0, ""))
    assert checked == [("clinic", b"7", 5)]


@pytest.mark.parametrize("kind", ["account", "settings"])
@pytest.mark.parametrize(("restored", "is_put_back"), [(None, True), (b"50", True), (b"51", False)])
async def test_a_write_from_before_an_accepted_copy(kind: str, restored: bytes | None, is_put_back: bool) -> None:
    """It is not put back: the operator chose the older copy (S-123)."""

    async def ask(key: str, *commands: Any) -> list[Any]:
        if kind == "settings":
            return [[None, None, None, None, b"id", b"7", restored]]
        return [[None] * 5] if len(commands) == 1 else [[None] * 5, [b"id", b"7", restored]]

    session: Any = SimpleNamespace(store_id="id", ask=ask, newest=lambda tenant: 0, require_current=lambda *_: None)

    async def ready() -> Any:
        return session

    rows: Any = (RedisAccounts if kind == "account" else RedisSettings)(ready, timing=USUAL, reads_back=True)
    key: Any = ALICE if kind == "account" else "clinic"
    value: Any = Account(key=ALICE, restored_at=50) if kind == "account" else TenantSettings(tenant="clinic")
    more = {} if kind == "account" else {"restored_at": 50}
    rows._recent_writes.keep(key, value, 1, "op", "1 op", [], 0.0, **more)
    _, missing = await rows._look(key)
    assert (missing is not None) is is_put_back
