"""A person's own acts: each needs a proof of now, returns what it did, and is told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.model import Account, Authenticator, Caller, Seconds, Subject, SubjectKey
from mfa_gate.core.reasons import Refusal
from tests.attacks.test_blame import caller_of
from tests.harness import Browser, World, make_world, running, with_rules
from tests.service.admin.people import way

Act = Callable[[World, Any, str], Awaitable[Any]]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A host where people ask administrators for help."""
    policy = with_rules(lambda rules: replace(rules, recovery=replace(rules.recovery, ways=("request",))))
    async with running(make_world(policy=policy)) as made:
        yield made


async def rename(world: World, caller: Any, id: str) -> Any:
    """Give the app another name."""
    return await world.gate.service.self_service.rename(caller, id=id, label="Work phone")


async def prefer(world: World, caller: Any, id: str) -> Any:
    """Choose the app as the first offer."""
    return await world.gate.service.self_service.set_default(caller, id=id)


async def remove(world: World, caller: Any, id: str) -> Any:
    """Remove the address, so that the app stays."""
    return await world.gate.service.self_service.remove(caller, id=id)


async def both(world: World) -> tuple[Browser, str, str]:
    """Somebody with an app and an address."""
    ann = await world.enrolled()
    return ann, await ann.authenticator("totp"), await ann.enroll_email()


@pytest.mark.parametrize("act", [rename, prefer, remove])
@pytest.mark.parametrize(("age", "done"), [(299, True), (300, False)])
async def test_a_change_needs_a_proof_of_five_minutes(world: World, act: Act, age: int, done: bool) -> None:
    """It answers with the authenticator, and one that is not there is refused."""
    ann, app, mail = await both(world)
    world.clock.advance(age)
    id = mail if act is remove else app
    found = await act(world, caller_of(ann), id)
    if not done:
        assert isinstance(found, Refusal)
        assert (found.reason, found.max_age) == ("proof_required", 300)
        return
    assert isinstance(found, Authenticator)
    assert found.id == id
    assert await act(world, caller_of(ann), "none") == Refusal(reason="not_found")
    account = await world.account()
    if act is rename:
        assert [a.label for a in account.authenticators if a.id == app] == ["Work phone"]
    elif act is remove:
        assert account.authenticator(mail) is None
        (event,) = world.kinds("factor.removed")
        assert (event.account, event.factor) == ("ann", "email")


async def test_a_removed_name_is_free_again(world: World) -> None:
    """Somebody else may enroll the same passkey afterwards."""
    ann, _, mail = await both(world)
    account = await world.account()
    claimed = [replace(a, data={**a.data, "claim": "passkey:1"}) if a.id == mail else a for a in account.authenticators]
    assert await world.store.swap(replace(account, authenticators=tuple(claimed)))
    assert await world.store.claim("passkey:1", account.key)
    other = replace(account.key, id="other")
    assert not await world.store.claim("passkey:1", other)
    assert isinstance(await remove(world, caller_of(ann), mail), Authenticator)
    assert await world.store.claim("passkey:1", other)


async def test_browsers_are_forgotten_and_counted(world: World) -> None:
    """One, all others, or all; each needs a proof that the policy counts."""
    ann, _, _ = await both(world)
    for sid in ("a", "b", "c"):
        other = await world.browser(sid=sid)
        other.secret = ann.secret
        assert (await other.prove()).status == 200
    own = world.gate.service.self_service
    mine = caller_of(ann)
    account = await world.account()
    ids = [browser.id for browser in account.browsers if browser.handle != mine.handle]
    assert len(ids) == 3
    assert await own.forget(mine, ids=ids[:1]) == 1
    assert await own.forget(mine, ids=("none",)) == Refusal(reason="not_found")
    assert await own.forget_others(mine) == 2
    assert [browser.handle for browser in (await world.account()).browsers] == [mine.handle]
    assert await own.sign_out_everywhere(mine) == 1
    assert not await ann.is_in()
    for act in (own.forget_others, own.sign_out_everywhere):
        assert await act(mine) == Refusal(reason="proof_required", max_age=7 * 86_400)


async def test_a_request_for_help(world: World) -> None:
    """It is told with its words, once; where the policy has no such way, nothing is written."""
    ann, _, _ = await both(world)
    own = world.gate.service.self_service
    ref = await own.request_recovery(caller_of(ann), about="lake")
    assert isinstance(ref, str)
    recovery = (await world.account()).recovery
    assert recovery is not None
    assert (recovery.ref, recovery.about, recovery.told) == (ref, "lake", "")
    assert await own.request_recovery(caller_of(ann), about="sea") == ref
    without = with_rules(lambda rules: replace(rules, recovery=replace(rules.recovery, ways=("backup-code",))))
    world.engine.use_policy(without)
    bob = await world.enrolled("bob")
    assert await own.request_recovery(caller_of(bob), about="x") == Refusal(reason="not_allowed")
    assert (await world.account("bob")).recovery is None


@pytest.mark.parametrize(
    ("ways", "wait", "reason"),
    [((), 0, "not_allowed"), ((), 3600, ""), (("request",), 0, ""), (("request",), 3600, "")],
)
async def test_a_way_back_in(ways: tuple[str, ...], wait: int, reason: str) -> None:
    """An administrator answers, or a wait does; without either there is no request."""
    policy = with_rules(
        lambda rules: replace(rules, recovery=replace(rules.recovery, ways=ways, self_service=Seconds(wait)))
    )
    async with running(make_world(policy=policy)) as world:
        assert await world.store.swap(Account(key=SubjectKey("alpha", "ann"), authenticators=(way("totp"),)))
        caller = Caller(subject=Subject("ann", "alpha"), handle="h", network="n")
        done = await world.gate.service.self_service.request_recovery(caller, about="lake")
        assert (done.reason if isinstance(done, Refusal) else "") == reason
        recovery = (await world.account()).recovery
        assert (recovery is None) is bool(reason)
        if recovery is not None:
            assert recovery.opens_at == (world.engine.now() + wait if wait else 0)
