"""People are counted by the strongest factor that they have."""

from __future__ import annotations

import pytest

from mfa_gate.core.model import Account, SubjectKey
from mfa_gate.service.admin import factor_counts as module
from mfa_gate.service.admin.factor_counts import FactorCounts, factor_counts
from tests.harness import make_world, running
from tests.service.admin.people import way

PEOPLE = {
    "key": ("webauthn",),
    "both": ("totp", "webauthn", "backup-code"),
    "app": ("totp",),
    "texts": ("sms", "backup-code"),
    "gone": ("carrier-pigeon", "email"),
    "codes": ("backup-code",),
    "only-gone": ("carrier-pigeon",),
    "none": (),
}


@pytest.mark.parametrize("at_once", [1, 3, 50])
async def test_each_person_counts_once(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    """Backup codes alone are no factor, nor is a kind that is gone."""
    monkeypatch.setattr(module, "AT_ONCE", at_once)
    async with running(make_world()) as world:
        for id, kinds in PEOPLE.items():
            account = Account(key=SubjectKey("alpha", id), skip_count=1, authenticators=tuple(map(way, kinds)))
            assert await world.store.swap(account)
        assert await factor_counts(world.engine, ["alpha", "beta"]) == {
            "alpha": FactorCounts(resistant=2, other=3, without=3)
        }
