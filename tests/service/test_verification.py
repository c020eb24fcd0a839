"""An answer is judged against the account of now, and by the authenticator that it fits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.model import Account, SubjectKey
from mfa_gate.core.reasons import Refusal
from mfa_gate.factors.base import Accepted, Rejected
from mfa_gate.service.challenges import Issued
from mfa_gate.service.verification import Verified, _Found, _found
from tests.attacks.test_blame import caller_of
from tests.harness import POLICY, RULES, Browser, World, make_world, running, with_rules
from tests.service.admin.people import way


async def verify(world: World, browser: Browser, **more: Any) -> Verified | Refusal:
    """Give an answer at the service."""
    return await world.gate.service.verification.verify(caller_of(browser), handle="cookie", **more)


async def with_mail(world: World) -> tuple[Browser, str]:
    """Somebody with an app and an address; the id of the address."""
    ann = await world.enrolled()
    id = await ann.enroll_email()
    world.clock.advance(3600)
    return ann, id


async def test_a_challenge_of_another_worker_is_looked_for_in_the_store(world: World) -> None:
    """Its notice may not be here yet.

    The answer is right all the same, and the store is asked once.
    """
    ann, id = await with_mail(world)
    service = world.gate.service
    stale = await service.access.own(caller_of(ann))
    issued = await service.challenges.begin(caller_of(ann), id)
    assert isinstance(issued, Issued)
    loads, load = [], world.engine.load

    async def counted(key: SubjectKey) -> Account:
        loads.append(key)
        return await load(key)

    world.engine.load = counted  # type: ignore[method-assign]
    named = {"challenge": issued.challenge.id, "judgement": stale}
    done = await verify(world, ann, response=world.email.codes[-1], **named)
    assert isinstance(done, Verified)
    assert len(loads) == 1
    refused = await verify(world, ann, response="000000", challenge="none")
    assert isinstance(refused, Refusal)
    assert refused.reason == "not_found"
    assert (await world.account()).attempts.used == 0


async def test_a_known_challenge_is_not_looked_for(world: World) -> None:
    """The account that was judged knows it already."""
    ann, id = await with_mail(world)
    service = world.gate.service
    issued = await service.challenges.begin(caller_of(ann), id)
    assert isinstance(issued, Issued)
    judgement = await service.access.own(caller_of(ann))
    loads, load = [], world.engine.load

    async def counted(key: SubjectKey) -> Account:
        loads.append(key)
        return await load(key)

    world.engine.load = counted  # type: ignore[method-assign]
    done = await verify(world, ann, response=world.email.codes[-1], challenge=issued.challenge.id, judgement=judgement)
    assert isinstance(done, Verified)
    assert loads == []


async def test_a_new_browser_gets_a_handle_and_a_copy_the_same(world: World) -> None:
    """A copy of the right answer is told the same handle, and grants nothing twice."""
    ann = await world.enrolled()
    world.clock.advance(30)
    id, code = await ann.authenticator("totp"), ann.totp()
    first = await verify(world, ann, authenticator=id, response=code)
    again = await verify(world, ann, authenticator=id, response=code)
    assert isinstance(first, Verified)
    assert isinstance(again, Verified)
    assert (first.again, again.again) == (False, True)
    assert (first.granted is not None, again.granted) == (True, None)
    assert first.handle == again.handle != "cookie"
    service = world.gate.service.verification
    assert service.fresh_handle("mine") == "mine"
    assert len(service.fresh_handle("")) == 48
    assert service.fresh_handle("") != service.fresh_handle("")


async def test_a_backup_code_fits_whatever_was_asked(world: World) -> None:
    """It may be typed where a code of the app is asked, and spends itself alone."""
    ann = await world.enrolled()
    world.clock.advance(30)
    done = await verify(world, ann, authenticator=await ann.authenticator("totp"), response=ann.backup[0])
    assert isinstance(done, Verified)
    assert done.granted is not None
    assert done.granted.authenticator.factor == "backup-code"
    refused = await verify(world, ann, authenticator=await ann.authenticator("totp"), response="no code")
    assert refused == Refusal(reason="malformed", member="response")


def test_an_answer_belongs_to_the_authenticator_that_gave_it() -> None:
    """A passkey may answer for another one of the account.

    One that is gone was no right answer.
    """
    one, other = replace(way("totp"), data={"n": 1}), replace(way("sms"), data={"n": 2})
    account = Account(key=SubjectKey("alpha", "ann"), authenticators=(one, other))
    rejected = Rejected(reason="wrong_code")
    assert _found(account, one, rejected) is rejected
    own = Accepted(data={"n": 9})
    assert _found(account, one, own) == _Found(outcome=own, seen=one)
    named = replace(own, target=one.id)
    assert _found(account, one, named) == _Found(outcome=named, seen=one)
    of_other = replace(own, target=other.id)
    assert _found(account, one, of_other) == _Found(outcome=of_other, seen=other)
    unchanged = Accepted(data=one.data, target=other.id)
    assert _found(account, one, unchanged) == _Found(outcome=replace(unchanged, data=other.data), seen=other)
    assert _found(account, one, replace(own, target="gone")) == rejected


async def test_a_code_fits_any_challenge_that_lives(world: World) -> None:
    """A person may type the code of a newer mail into the page of the older one (decision 2)."""
    ann, id = await with_mail(world)
    begin = world.gate.service.challenges.begin
    first = await begin(caller_of(ann), id)
    assert isinstance(first, Issued)
    world.clock.advance(60)
    assert isinstance(await begin(caller_of(ann), id), Issued)
    done = await verify(world, ann, authenticator=id, challenge=first.challenge.id, response=world.email.codes[-1])
    assert isinstance(done, Verified)


async def test_the_authenticator_that_is_named_is_the_one_that_answers(world: World) -> None:
    """A challenge beside it belongs to another page."""
    ann, id = await with_mail(world)
    issued = await world.gate.service.challenges.begin(caller_of(ann), id)
    assert isinstance(issued, Issued)
    app = await ann.authenticator("totp")
    done = await verify(world, ann, authenticator=app, challenge=issued.challenge.id, response=ann.totp())
    assert isinstance(done, Verified)
    assert done.granted is not None
    assert done.granted.authenticator.id == app


@pytest.mark.parametrize("remember", ["browser", "session"])
async def test_a_proof_of_one_sign_in_is_not_remembered(remember: Any) -> None:
    """The answer says so, and the page tells the person."""
    policy = with_rules(lambda rules: replace(rules, freshness=replace(rules.freshness, remember=remember)))
    async with running(make_world(policy=policy)) as world:
        ann = await world.enrolled()
        world.clock.advance(30)
        done = await verify(world, ann, authenticator=await ann.authenticator("totp"), response=ann.totp())
        assert isinstance(done, Verified)
        assert done.remembered == (remember == "browser")


async def test_a_backup_code_where_there_is_none_to_use(world: World) -> None:
    """Without a set, or where the policy allows none, it is input of the wrong shape."""
    ann = await world.enrolled()
    app = await ann.authenticator("totp")
    allowed = replace(RULES, factors=replace(RULES.factors, allowed=("totp", "email", "sms")))
    world.engine.use_policy(replace(POLICY, base=allowed, tenants=dict.fromkeys(POLICY.tenants, allowed)))
    assert await verify(world, ann, authenticator=app, response=ann.backup[0]) == Refusal(
        reason="malformed", member="response"
    )
    world.engine.use_policy(POLICY)
    account = await world.account()
    assert await world.store.swap(replace(account, authenticators=(account.authenticator(app),)))  # type: ignore[arg-type]
    assert await verify(world, ann, authenticator=app, response=ann.backup[0]) == Refusal(
        reason="malformed", member="response"
    )
