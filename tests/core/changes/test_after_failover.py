"""An account that a failover set back: of two values the stricter one holds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mfa_gate.core.changes.after_failover import regained, regained_settings
from mfa_gate.core.model import Account, Attempts, Lock
from mfa_gate.core.rules import TenantSettings
from tests.core.builders import NOW, account, authenticator, proof

LOCK = Lock(at=NOW, cause="attempts", ref="R")
CONFIRMED = account(
    "app", proofs=(proof(),), seen_at=NOW, version=9, lock=LOCK, attempts=Attempts(used=7, days=((1, 5),))
)
STORED = account(
    "app", proofs=(proof(),), seen_at=NOW - 60, version=4, attempts=Attempts(used=2, days=((1, 3), (2, 4)))
)


def test_an_untouched_account_is_put_back() -> None:
    """An account that nobody has changed since is the confirmed one.

    It has the version that the store has now.
    """
    assert regained(STORED, CONFIRMED, untouched=True) == replace(CONFIRMED, version=4, stamp=STORED.stamp)


@pytest.mark.parametrize(("stored", "confirmed"), [(STORED, CONFIRMED), (CONFIRMED, STORED)])
def test_the_stricter_value_holds(stored: Account, confirmed: Account) -> None:
    """The lock stays, the higher counts stay day by day, and no proof of before counts."""
    found = regained(stored, confirmed, untouched=False)
    assert found.lock == LOCK
    assert (found.attempts.used, found.attempts.days) == (7, ((1, 5), (2, 4)))
    assert found.epoch > max(stored.epoch, confirmed.epoch)
    assert not any(p.epoch == found.epoch for browser in found.browsers for p in browser.proofs)


@pytest.mark.parametrize(("epoch", "kept"), [(0, ["app-1", "text-1"]), (1, ["app-1"])])
def test_a_lost_authenticator_comes_back_unless_the_account_was_reset(epoch: int, kept: list[str]) -> None:
    """A reset since then has ended all factors of before, so none of them comes back."""
    confirmed = replace(CONFIRMED, authenticators=(authenticator("app"), authenticator("text")))
    found = regained(replace(STORED, epoch=epoch), confirmed, untouched=False)
    assert [mine.id for mine in found.authenticators] == kept


def test_settings() -> None:
    """A tenant that was turned on stays on, whether somebody has written since or not."""
    stored, confirmed = (
        TenantSettings(tenant="clinic", version=2),
        TenantSettings(tenant="clinic", enabled_at=5, version=7),
    )
    assert regained_settings(stored, confirmed, untouched=True) == replace(confirmed, version=2, stamp=stored.stamp)
    assert regained_settings(stored, confirmed, untouched=False).enabled_at == 5
