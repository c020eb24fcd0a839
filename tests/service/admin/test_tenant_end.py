"""The end of all proofs of a tenant goes by a number.

No clock keeps a proof alive or a person out.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from mfa_gate import Subject
from mfa_gate.core.changes import Change, tenant_end
from mfa_gate.core.changes.after_failover import regained_settings
from mfa_gate.core.changes.tenant_end import with_tenant
from mfa_gate.core.model import Account, Caller, Recovery, Seconds, SubjectKey
from mfa_gate.core.reasons import Refusal
from mfa_gate.core.rules import DAY, TenantSettings
from mfa_gate.core.settings_codec import settings_from, settings_to
from mfa_gate.core.slow_recovery import opens_at
from mfa_gate.service.admin.rights import Actor
from mfa_gate.service.what_if import Answer, Question
from mfa_gate.stores.memory import MemoryStore
from tests.harness import HOME, Browser, World, make_world, running, with_rules

OPERATOR = Actor(name="operator:eve")
KEY = SubjectKey("alpha", "ann")


async def end(world: World, tenant: str = "alpha") -> None:
    """End all proofs of the tenant, by the hand of the operator."""
    assert (
        await world.gate.service.tenant_desk.end_proofs(OPERATOR, tenant, reason="keys leaked", confirm=tenant) is None
    )


def touched(account: Account) -> Change[None]:
    """Write the account as it is, with a later time."""
    return Change(account=replace(account, seen_at=account.seen_at + 1), events=(), answer=None)


async def proven(ann: Browser) -> bool:
    """Prove anew, and tell if the browser is in."""
    await ann.prove()
    return await ann.is_in()


async def test_a_clock_that_runs_ahead_locks_nobody_out() -> None:
    """A new proof counts at once after an end by a worker whose clock is a day ahead."""
    async with running(make_world()) as world:
        ann = await world.enrolled("ann")
        world.clock.advance(DAY)
        await end(world)
        world.clock.advance(60 - DAY)
        assert not await ann.is_in()
        assert await proven(ann)


async def test_a_proof_of_a_clock_that_ran_ahead_ends() -> None:
    """A proof that carries a time of tomorrow ends today."""
    async with running(make_world()) as world:
        world.clock.advance(DAY)
        ann = await world.enrolled("ann")
        world.clock.advance(-DAY)
        assert await ann.is_in()
        await end(world)
        assert not await ann.is_in()


async def test_what_an_administrator_does_right_after_the_end_is_after_it() -> None:
    """A grant that is asked for after the end can be confirmed.

    No request comes between the two.
    """
    async with running(make_world()) as world:
        ann = await world.enrolled("ann")
        assert await ann.is_in()
        await end(world)
        desk = world.gate.service.account_desk
        asked = await desk.act(OPERATOR, "break-glass", KEY, reason="lost", ticket="T-1", hours=4)
        assert not isinstance(asked, Refusal)
        grant = (await world.gate.service.engine.load(KEY)).grant
        assert grant is not None
        mallory = Actor(name="operator:mallory")
        assert not isinstance(await desk.act(mallory, "confirm", KEY, ref=grant.ref, reason="yes"), Refusal)
        assert (await world.account("ann")).tenant_epoch == 1


async def test_a_proof_of_the_same_second_counts_by_its_order() -> None:
    """In one second: the proof before the end is over, the one after it counts."""
    async with running(make_world()) as world:
        ann = await world.enrolled("ann")
        world.clock.advance(60)
        assert await proven(ann)
        await end(world)
        assert not await ann.is_in()
        world.clock.advance(30)
        await end(world)
        assert await proven(ann)


async def test_a_skip_ends() -> None:
    """A person who had put the enrollment off is asked again."""
    policy = with_rules(lambda rules: replace(rules, enrollment=replace(rules.enrollment, stage="optional")))
    async with running(make_world(policy=policy)) as world:
        ann = await world.browser("ann")
        assert (await ann.api("POST", "enroll/skip", {})).status == 200
        assert await ann.is_in()
        world.clock.advance(60)
        await end(world)
        assert not await ann.is_in()
        assert (await ann.api("POST", "enroll/skip", {})).status == 200
        assert await ann.is_in()


async def test_a_slow_recovery_opens_no_more() -> None:
    """A request that would have opened by itself waits for an administrator.

    The person can ask anew."""
    wait = Seconds(3 * DAY)
    policy = with_rules(lambda rules: replace(rules, recovery=replace(rules.recovery, self_service=wait)))
    async with running(make_world(policy=policy)) as world:
        await world.enrolled("ann")
        caller = Caller(subject=Subject("ann", "alpha"), handle="thief", network=HOME)
        service = world.gate.service
        await service.self_service.request_recovery(caller, about="I lost it")
        await end(world)
        world.clock.advance(wait + 60)
        world.email.messages.clear()
        await service.slow_recovery.keep()
        await world.engine.effects.idle()
        assert not world.email.messages
        refused = await service.slow_recovery.set_up_anew(caller)
        assert refused is not None
        assert refused.reason == "not_allowed"
        assert (await world.account("ann")).authenticators
        await service.self_service.request_recovery(caller, about="I lost it")
        assert opens_at((await world.account("ann")).recovery, wait) == world.engine.now() + wait


async def test_a_worker_that_has_not_heard_of_the_end_keeps_nothing_alive() -> None:
    """An answer that this worker takes under the settings of before is over for all others."""
    store = MemoryStore()
    async with running(make_world(store=store)) as one, running(make_world(store=store)) as two:
        ann = await one.enrolled("ann")
        old = await one.engine.settings("alpha")
        await end(two)
        one.engine._settings["alpha"] = old
        one.clock.advance(60)
        two.clock.advance(60)
        await one.engine.change(KEY, touched)
        judged = await two.engine.load(KEY)
        kept = [proof.epoch for browser in judged.browsers for proof in browser.proofs]
        assert kept
        assert judged.epoch not in kept
        assert not await ann.is_in()


async def test_the_question_sees_the_end() -> None:
    """The question what would happen gets the same answer as a request."""
    async with running(make_world()) as world:
        await world.enrolled("ann")
        question = Question(key=KEY, request="GET /records")
        before = await world.gate.service.what_if.ask(OPERATOR, question)
        await end(world)
        after = await world.gate.service.what_if.ask(OPERATOR, question)
        assert isinstance(before, Answer)
        assert isinstance(after, Answer)
        assert [line.counts for line in (*before.proofs, *after.proofs)] == [True, False]
        settings = await world.store.settings("alpha")
        assert settings_from("alpha", settings.version, settings_to(settings)) == settings


def test_settings_of_before_the_number() -> None:
    """An end by time of an earlier release is the first end by number."""
    read = settings_from("t", 3, '{"enabled_at":1,"factors":[],"proofs_from":50}')
    assert (read.epoch, read.ended_at, read.enabled_at) == (1, 50, 1)
    assert settings_from("t", 3, '{"proofs_from":0}') == TenantSettings(tenant="t", version=3)
    assert with_tenant(Account(key=KEY, version=1), read, 60).epoch == 1


@pytest.mark.parametrize(
    ("mine", "theirs", "joined"),
    [
        ((0, 0), (0, 0), (0, 0)),
        ((0, 0), (1, 9), (1, 9)),
        ((2, 9), (1, 5), (2, 9)),
        ((1, 5), (1, 9), (2, 9)),
        ((1, 9), (2, 5), (3, 9)),
        ((3, 9), (2, 5), (3, 9)),
    ],
)
def test_two_stores_with_ends_of_their_own(
    mine: tuple[int, int], theirs: tuple[int, int], joined: tuple[int, int]
) -> None:
    """A failover or an import keeps every end. To join again changes nothing more."""
    stored, other = (TenantSettings(tenant="t", epoch=epoch, ended_at=at) for epoch, at in (mine, theirs))
    once = regained_settings(stored, other, untouched=False)
    assert (once.epoch, once.ended_at) == joined
    assert regained_settings(once, other, untouched=False) == once


@pytest.mark.parametrize(("ended_at", "logins_from"), [(100, 100), (1_000, 70)])
def test_sign_ins_elsewhere(ended_at: int, logins_from: int) -> None:
    """Sign-ins of before the end are over.

    An end far ahead of the clock ends those that were seen."""
    account = Account(key=KEY, version=1, logins=((70, 71),), epoch=4)
    ended = with_tenant(account, TenantSettings(tenant="alpha", epoch=1, ended_at=ended_at), now=110)
    assert (ended.logins_from, ended.epoch, ended.tenant_epoch) == (logins_from, 5, 1)


def test_an_end_is_taken_once() -> None:
    """An account that has seen the end is left alone, and a new person begins with the number."""
    settings = tenant_end.ended(TenantSettings(tenant="alpha"), 50)
    account = with_tenant(
        Account(key=KEY, version=1, recovery=Recovery(ref="r", at=1, about="", network="", opens_at=9)), settings, 60
    )
    assert with_tenant(account, settings, 70) is account
    assert account.recovery is not None
    assert not account.recovery.opens_at
    fresh = with_tenant(Account(key=KEY), settings, 60)
    assert (fresh.epoch, fresh.is_unknown) == (0, True)
    assert with_tenant(Account(key=KEY, version=4, forgotten_at=1), settings, 60).is_forgotten
