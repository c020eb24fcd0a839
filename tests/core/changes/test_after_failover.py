"""A store that lost its latest changes is trusted as little as an old copy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.changes.after_failover import regained, regained_settings
from mfa_gate.core.model import Account, Attempts, Lock
from mfa_gate.core.rules import TenantSettings

from ..builders import NOW, account, authenticator

LOCK = Lock(cause="attempts", at=NOW, ref="R")


def of(*ids: str, **parts: Any) -> Account:
    held = tuple(authenticator("app", id, created_at=NOW - 100) for id in ids)
    return account(authenticators=held, **{"seen_at": NOW, "version": 3, **parts})


def test_an_account_that_nobody_has_changed_since() -> None:
    """It goes on as it was confirmed, with the store's own stamp."""
    confirmed = of("a", seen_at=NOW + 5, version=9, stamp="new", epoch=2)
    made = regained(of(version=4, stamp="old"), confirmed, untouched=True)
    assert made == replace(confirmed, version=4, stamp="old")


def test_proofs_and_codes_are_void() -> None:
    """The epoch is above both, and the times are the later ones."""
    made = regained(of(epoch=2, seen_at=NOW), of(epoch=5, seen_at=NOW + 9), untouched=False)
    assert (made.epoch, made.seen_at, made.logins_from, made.version) == (6, NOW + 9, NOW + 9, 3)
    assert made.restored_at == NOW + 9
    other = regained(of(epoch=5, seen_at=NOW + 9, logins_from=NOW + 20), of(epoch=2), untouched=False)
    assert (other.epoch, other.seen_at, other.logins_from) == (6, NOW + 9, NOW + 20)
    assert regained(of(restored_at=NOW + 50), of(), untouched=False).restored_at == NOW + 50


@pytest.mark.parametrize(("stored", "confirmed"), [(LOCK, None), (None, LOCK), (LOCK, LOCK)])
def test_a_lock_stays(stored: Lock | None, confirmed: Lock | None) -> None:
    """A lock that either of them has holds."""
    assert regained(of(lock=stored), of(lock=confirmed), untouched=False).lock == LOCK


def test_the_higher_counts_hold() -> None:
    """No attempt, wait or skip comes back."""
    one = Attempts(used=5, series=1, charged_at=NOW, days=((1, 4), (2, 1)))
    other = Attempts(used=3, series=7, charged_at=NOW + 1, days=((2, 6), (3, 2)))
    for stored, confirmed in ((one, other), (other, one)):
        made = regained(of(attempts=stored), of(attempts=confirmed), untouched=False).attempts
        assert made == Attempts(used=5, series=8, charged_at=NOW + 1, days=((1, 4), (2, 6), (3, 2)))
    late = {"frozen_until": NOW + 9, "quiet_until": NOW + 8, "skip_count": 4}
    for stored_parts, confirmed_parts in ((late, {}), ({}, late)):
        made_account = regained(of(**stored_parts), of(**confirmed_parts), untouched=False)
        assert (made_account.frozen_until, made_account.quiet_until, made_account.skip_count) == (NOW + 9, NOW + 8, 4)


def test_what_may_end_a_stop_of_changes() -> None:
    """Only an authenticator that both call free of the dispute ends it."""
    mine, other = ("app-1", NOW), ("key-1", NOW)
    made = regained(of(undo_by=(mine, other)), of(undo_by=(mine,)), untouched=False)
    assert made.undo_by == (mine,)


def ids(made: Account) -> list[str]:
    return [mine.id for mine in made.authenticators]


def test_removed_ones_stay_removed_and_lost_ones_come_back() -> None:
    """Of the store's authenticators those stay that were confirmed or are newer.

    Lost ones come back unless the account was reset.
    """
    newer = authenticator("app", "new", created_at=NOW + 1)
    stored = replace(of("a", "removed", default="removed"), authenticators=(*of("a", "removed").authenticators, newer))
    made = regained(stored, of("a", "lost"), untouched=False)
    assert ids(made) == ["a", "new", "lost"]
    assert made.default == ""
    assert regained(replace(stored, default="a"), of("a"), untouched=False).default == "a"
    same = replace(newer, created_at=NOW)
    assert ids(regained(replace(stored, authenticators=(same,)), of("a"), untouched=False)) == ["a"]
    assert ids(regained(of(epoch=1), of("lost", epoch=1), untouched=False)) == ["lost"]
    assert ids(regained(of(epoch=2), of("lost", epoch=1), untouched=False)) == [], "reset since"


ON = TenantSettings(
    tenant="clinic",
    enabled_at=7,
    factors=("totp",),
    announced_at=5,
    tested_at=6,
    epoch=9,
    ended_at=9,
    tokens=("t1", "t2"),
)
BLANK = TenantSettings(tenant="clinic", version=3, stamp="s")


def test_settings() -> None:
    """A tenant that was turned on stays on, and ended proofs stay ended.

    A token must be on both sides.
    """
    assert regained_settings(BLANK, ON, untouched=True) == replace(ON, version=3, stamp="s")
    for stored, confirmed in ((BLANK, ON), (replace(ON, version=3, stamp="s"), replace(BLANK, version=8, stamp="x"))):
        made = regained_settings(stored, confirmed, untouched=False)
        assert made == replace(ON, version=3, stamp="s", tokens=())
    both = regained_settings(replace(ON, tokens=("t2", "t3")), ON, untouched=False)
    assert both.tokens == ("t2",)
    assert regained_settings(replace(ON, enabled_at=1, epoch=10), ON, untouched=False).epoch == 10
    assert regained_settings(replace(ON, enabled_at=1), ON, untouched=False).enabled_at == 1
