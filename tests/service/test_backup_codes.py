"""A set of backup codes is counted, and shown again for a while.

It is made anew only with a fresh proof.
"""

from __future__ import annotations

import pytest

from mfa_gate.core.reasons import Refusal
from mfa_gate.factors.base import Rejected
from tests.attacks.test_blame import caller_of
from tests.harness import World


async def test_the_codes_that_are_left(world: World) -> None:
    """Each one that was used is one less; nobody without a set has any."""
    ann, service = await world.enrolled(), world.gate.service
    caller = caller_of(ann)
    assert service.backup.left(caller, await service.access.own(caller)) == 10
    assert service.backup.stock(await service.access.own(caller)) == (10, 3)
    await ann.api("POST", "verify", {"authenticator": await ann.authenticator("totp"), "response": ann.backup[0]})
    caller = caller_of(ann)
    assert service.backup.left(caller, await service.access.own(caller)) == 9
    new = await world.browser("new")
    await new.api("POST", "enroll", {"factor": "totp"})
    stranger = caller_of(new)
    assert service.backup.left(stranger, await service.access.own(stranger)) == 0


@pytest.mark.parametrize(("age", "shown"), [(299, True), (300, False)])
async def test_a_fresh_set_is_shown_again(world: World, age: int, shown: bool) -> None:
    """It is shown only to somebody who may change factors.

    Five minutes after a proof it takes another one.
    """
    ann, service = await world.enrolled(), world.gate.service
    made = await service.backup.make(caller_of(ann))
    world.clock.advance(age)
    found = await service.backup.kept(caller_of(ann))
    assert (found is not None) == shown
    if found is not None:
        assert (found[0].factor, found[1]) == ("backup-code", made)
        await service.backup.saved(caller_of(ann))
        assert await service.backup.kept(caller_of(ann)) is None


@pytest.mark.parametrize(("age", "shown"), [(899, True), (900, False)])
async def test_a_set_is_shown_for_a_quarter_of_an_hour(world: World, age: int, shown: bool) -> None:
    """A fresh proof does not make it longer."""
    ann, service = await world.enrolled(), world.gate.service
    await service.backup.make(caller_of(ann))
    world.clock.advance(age - 30)
    await ann.prove()
    assert ((await service.backup.kept(caller_of(ann))) is not None) == shown


async def test_another_set_takes_the_place_of_the_first(world: World) -> None:
    """It needs a proof of now, and the old codes are over at once."""
    ann, service = await world.enrolled(), world.gate.service
    world.clock.advance(300)
    refused = await service.backup.make(caller_of(ann))
    assert isinstance(refused, Refusal)
    assert (refused.reason, refused.max_age) == ("proof_required", 300)
    await ann.prove()
    made = await service.backup.make(caller_of(ann))
    assert not isinstance(made, Refusal)
    assert (len(made), set(made) & set(ann.backup)) == (10, set())
    found = await service.backup.kept(caller_of(ann))
    assert found is not None
    assert found[1] == made
    old = await ann.api("POST", "verify", {"authenticator": await ann.authenticator("totp"), "response": ann.backup[0]})
    assert old.status == 422


async def test_a_kind_of_codes_that_makes_none(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The set of before stays."""
    ann, service = await world.enrolled(), world.gate.service
    before = await world.account()
    part = type(world.engine.factors["backup-code"])
    monkeypatch.setattr(part, "draft", lambda *_: Rejected(reason="fault"))
    assert await service.backup.make(caller_of(ann)) == ()
    assert await world.account() == before
