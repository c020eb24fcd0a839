"""An account that cannot be read is begun anew, and a lock of it stays."""

from __future__ import annotations

import pytest

from mfa_gate.core.model import Account, Lock, SubjectKey
from mfa_gate.errors import DamagedAccount
from mfa_gate.service.admin.damaged_accounts import discard
from tests.harness import START, make_world, running
from tests.service.admin.people import way

ANN = SubjectKey("alpha", "ann")
LOCK = Lock(at=1, cause="attempts", ref="R")


@pytest.mark.parametrize(
    ("locked", "stays"), [(("ann",), True), (("ann2", "ann"), True), (("ann2",), False), ((), False)]
)
async def test_a_lock_stays(monkeypatch: pytest.MonkeyPatch, locked: tuple[str, ...], stays: bool) -> None:
    """The roster tells it, and the lock of somebody with a like id is no lock of this person."""
    async with running(make_world()) as world:
        for id in ("ann", "ann2"):
            lock = LOCK if id in locked else None
            assert await world.store.swap(
                Account(key=SubjectKey("alpha", id), authenticators=(way("totp"),), lock=lock)
            )
        before = await world.store.load(ANN)

        async def damaged(key: SubjectKey) -> Account:
            raise DamagedAccount(str(key), version=before.version)

        with monkeypatch.context() as patch:
            patch.setattr(world.store, "load", damaged)
            moment = world.engine.moment(actor="operator:eve")
            assert await discard(world.engine, moment, ANN, ticket="T", reason="r") is None
        fresh = await world.store.load(ANN)
        assert (fresh.authenticators, fresh.epoch, fresh.seen_at, fresh.logins_from) == (
            (),
            before.version + 1,
            START,
            START,
        )
        (event,) = world.kinds("account.reset")
        kept = Lock(at=START, cause="administrator", ref=event.id, actor="operator:eve")
        assert fresh.lock == (kept if stays else None)
