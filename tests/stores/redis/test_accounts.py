"""Rows that Redis has lost, while others write them."""

from __future__ import annotations

from typing import Any

import pytest

from mfa_gate.core.model import Account
from mfa_gate.core.rules import TenantSettings
from mfa_gate.errors import StoreUnavailable
from mfa_gate.stores.redis import accounts, settings
from mfa_gate.stores.redis.accounts import RedisAccounts
from mfa_gate.stores.redis.recent_writes import Lost
from mfa_gate.stores.redis.settings import RedisSettings
from mfa_gate.stores.redis.timing import USUAL
from mfa_gate.testing.store_suite import ALICE


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
