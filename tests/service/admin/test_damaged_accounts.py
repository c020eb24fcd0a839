"""An account that cannot be read is begun anew, and a lock of it stays."""

from __future__ import annotations

import pytest

from mfa_gate.core.model import Account, Lock, SubjectKey
from mfa_gate.core.reasons import Refusal
from mfa_gate.errors import DamagedAccount, NewerAccount
from mfa_gate.service import Actor, Done
from mfa_gate.service.admin.damaged_accounts import discard
from mfa_gate.service.erasure import empty_damaged
from tests.harness import START, make_world, running
from tests.service.admin.people import administrator, way

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


@pytest.mark.parametrize(
    ("act", "who", "reason", "is_done"),
    [
        ("forget", "operator", "she left", True),
        ("forget", "operator", "", False),
        ("forget", "boss", "she left", False),
        ("lock", "operator", "stolen", False),
    ],
)
async def test_a_record_that_cannot_be_read_is_erased_by_the_operator(
    monkeypatch: pytest.MonkeyPatch, act: str, who: str, reason: str, is_done: bool
) -> None:
    """It needs a reason. Any other act or actor is told that the record is damaged."""
    async with running(make_world()) as world:
        assert await world.store.swap(Account(key=ANN, authenticators=(way("totp"),)))
        actor = Actor(name="operator:eve") if who == "operator" else await administrator(world, "admin", "security")
        load = world.store.load

        async def damaged(key: SubjectKey) -> Account:
            if key == ANN:
                raise DamagedAccount(str(key), version=1)
            return await load(key)

        with monkeypatch.context() as patch:
            patch.setattr(world.store, "load", damaged)
            desk = world.gate.service.account_desk
            if is_done:
                done = await desk.act(actor, act, ANN, reason=reason)
                assert isinstance(done, Done)
                assert done.pseudonym
            else:
                with pytest.raises(DamagedAccount):
                    await desk.act(actor, act, ANN, reason=reason)
        account = await world.store.load(ANN)
        assert (account.is_forgotten, bool(account.authenticators)) == (is_done, not is_done)


async def test_a_record_that_somebody_wrote_meanwhile_is_not_emptied() -> None:
    """The fault that was met is raised, and the new record stays."""
    async with running(make_world()) as world:
        assert await world.store.swap(Account(key=ANN, authenticators=(way("totp"),)))
        before, error = await world.store.load(ANN), DamagedAccount(str(ANN), version=7)
        with pytest.raises(DamagedAccount) as raised:
            await empty_damaged(world.engine, ANN, error, world.engine.moment(), pseudonym="forgotten-1")
        assert raised.value is error
        assert await world.store.load(ANN) == before


async def test_a_record_of_a_newer_release_is_not_discarded(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a roll-back nobody loses the factors that the newer release reads."""
    async with running(make_world()) as world:
        assert await world.store.swap(Account(key=ANN, authenticators=(way("totp"),)))
        before = await world.store.load(ANN)

        async def newer(key: SubjectKey) -> Account:
            raise NewerAccount(str(key), version=before.version)

        with monkeypatch.context() as patch:
            patch.setattr(world.store, "load", newer)
            moment = world.engine.moment(actor="operator:eve")
            refused = await discard(world.engine, moment, ANN, ticket="T", reason="r")
        assert isinstance(refused, Refusal)
        assert (refused.reason, "newer release" in refused.detail) == ("not_allowed", True)
        assert await world.store.load(ANN) == before
        assert world.kinds("account.reset") == []
