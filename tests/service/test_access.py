"""The results that are kept of judged requests: few of each account, and none for long."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mfa_gate import Subject
from mfa_gate.core.decision import Allow, Decision, Deny, Enroll, StepUp
from mfa_gate.core.model import Account, Caller, Seconds, SubjectKey
from mfa_gate.core.policy import Demand, Facts, requirement_for
from mfa_gate.core.reasons import Refusal
from mfa_gate.core.rules import PathRule, StepUpRule
from mfa_gate.errors import StoreUnavailable
from mfa_gate.service import access as module
from mfa_gate.service.access import Judgement, Pass, owed
from tests.harness import FETCH, HOME, Browser, World, make_world, running, with_rules


def kept(world: World, browser: Browser) -> list[bytes]:
    """List the cookie headers under which a person's results are kept, the oldest first."""
    found = world.gate.service.access._passes.items()
    return [cookies for cookies, result in found if result.subject.id == browser.id]


async def vary(browser: Browser, number: int) -> None:
    """Ask once with one more cookie, as a header of its own each time."""
    header = f"{browser.cookie_header()}; other={number}"
    reply = await browser.ask("GET", "/records", headers=[*FETCH, ("cookie", header)])
    assert reply.status == 200


async def test_one_person_pushes_out_nobody_elses_result(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Endless variants of the cookies cost the own results alone."""
    monkeypatch.setattr(module, "MAX_PASSES", 100)
    ann, bob = await world.enrolled(), await world.enrolled("bob")
    assert await ann.is_in()
    mine = kept(world, ann)
    assert mine
    for number in range(200):
        await vary(bob, number)
    assert kept(world, ann) == mine
    theirs = kept(world, bob)
    assert len(theirs) == 64
    assert theirs[-1].endswith(b"; other=199")


async def test_the_oldest_of_all_goes_first(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of all results has a bound of its own."""
    monkeypatch.setattr(module, "MAX_PASSES", 3)
    ann, bob = await world.enrolled(), await world.enrolled("bob")
    await ann.is_in()
    for number in range(3):
        await vary(bob, number)
    assert kept(world, ann) == []
    assert len(kept(world, bob)) == 3
    access = world.gate.service.access
    assert sum(map(len, access._kept_for.values())) == len(access._passes) == 3
    assert all(access._kept_for.values()), "nothing is left of somebody without a result"


async def test_nothing_is_left_of_a_result_that_has_ended(world: World) -> None:
    """A request that is judged again has one result, as the newest of its account."""
    ann = await world.enrolled()
    access = world.gate.service.access
    for number in (1, 2, 1):
        await vary(ann, number)
        world.clock.advance(30)
    assert [cookies.rpartition(b"=")[2] for cookies in kept(world, ann)] == [b"2", b"1"]
    assert [*access._kept_for.values()] == [dict.fromkeys(access._passes)]


async def judged(world: World, browser: Browser) -> Judgement:
    """Judge a person at a path that no rule names, with the proof of the browser."""
    account = await world.account(browser.id)
    handle = account.browsers[0].handle if account.browsers else ""
    caller = Caller(subject=Subject(browser.id, "alpha"), handle=handle, network="203.0.113.7", address=HOME)
    return await world.gate.service.access.own(caller)


COOKIES = b"session=1"


def keeps(world: World, judgement: Judgement, *, cookies: bytes = COOKIES, counts: Any = None) -> Pass | None:
    """Return the result that is kept of a judged request, None for none."""
    access = world.gate.service.access
    access._passes.clear()
    access.remember(judgement, Subject("ann", "alpha"), cookies, HOME, counts)
    return access._passes.get(cookies)


async def test_only_a_plain_proof_is_remembered(world: World) -> None:
    """A result is kept for half a minute.

    The result of a watched request, of a grant, of a stale account or a huge header is not.
    """
    judgement = await judged(world, await world.enrolled())
    assert isinstance(judgement.decision, Allow)
    assert judgement.entry is not None
    now, until = world.engine.now(), judgement.decision.until
    known = keeps(world, judgement)
    assert known is not None
    assert (known.until, known.ends_at, known.address, known.counts) == (now + 30, until, HOME, None)
    assert keeps(world, judgement, cookies=b"c" * 2048) is not None
    assert keeps(world, judgement, cookies=b"c" * 2049) is None
    for decision in (
        replace(judgement.decision, why=replace(judgement.decision.why, watched=("export",))),
        replace(judgement.decision, granted=True),
        Deny(why=judgement.decision.why, ref="R", cause="attempts"),
    ):
        assert keeps(world, replace(judgement, decision=decision)) is None, decision
        counted = keeps(world, replace(judgement, decision=decision), counts=Counter())
        assert counted is not None, "where the policy only reports, every result is kept"
        assert counted.until == now + 30
    exempt = replace(judgement.requirement, free_kind="exempt")
    assert keeps(world, replace(judgement, requirement=exempt)) is None
    assert keeps(world, replace(judgement, entry=None)) is None
    judgement.entry.stale = True
    assert keeps(world, judgement) is None


class Counter:
    """A receiver of requests that pass by a kept result."""

    def hit(self, method: str, path: str, /) -> None:
        """Do nothing."""


async def test_a_result_ends_with_its_proof_or_with_the_calendar(world: World) -> None:
    """It is judged again at each date of the policy, and before the proof ends.

    ``renew_early`` makes that earlier.
    """
    judgement = await judged(world, await world.enrolled())
    assert isinstance(judgement.decision, Allow)
    now = world.engine.now()
    soon = replace(judgement, decision=replace(judgement.decision, until=now + 25))
    rules = judgement.requirement.rules
    early = replace(rules, freshness=replace(rules.freshness, renew_early=Seconds(10)))
    for given, counts, until in ((rules, None, 25), (early, None, 15), (early, Counter(), 25)):
        made = replace(soon, requirement=replace(soon.requirement, rules=given))
        known = keeps(world, made, counts=counts)
        assert known is not None
        assert (known.until - now, known.ends_at - now) == (until, 25)
    for name in ("optional_from", "required_from"):
        for date, until in ((now + 5, 5), (now, 30), (now - 5, 30), (now + 31, 30)):
            dated = replace(rules, enrollment=replace(rules.enrollment, **{name: date}))  # type: ignore[arg-type]
            known = keeps(world, replace(judgement, requirement=replace(judgement.requirement, rules=dated)))
            assert known is not None
            assert known.until - now == until, (name, date - now)


async def test_a_kept_result_is_for_one_person_at_one_address(world: World) -> None:
    """Another subject, another address, a changed account and the end of its time find none."""
    judgement, access = await judged(world, await world.enrolled()), world.gate.service.access
    known, ann = keeps(world, judgement), Subject("ann", "alpha")
    assert access.passes(ann, COOKIES, HOME) is known
    assert access.passes(Subject("bob", "alpha"), COOKIES, HOME) is None
    assert access.passes(ann, COOKIES, "203.0.113.8") is None
    assert access.passes(ann, b"other", HOME) is None
    world.clock.advance(29)
    assert access.passes(ann, COOKIES, HOME) is known
    world.clock.advance(1)
    assert access.passes(ann, COOKIES, HOME) is None
    assert access._passes == {}
    assert keeps(world, judgement) is not None
    judgement.entry.stale = True  # type: ignore[union-attr]
    assert access.passes(ann, COOKIES, HOME) is None
    assert access._passes == {}


async def test_the_grace_while_the_store_is_away(world: World) -> None:
    """A known browser passes for as long as the policy says, and as its proof lasts."""
    judgement, access, engine = await judged(world, await world.enrolled()), world.gate.service.access, world.engine
    known, ann = keeps(world, judgement), Subject("ann", "alpha")
    assert known is not None
    engine.away_since = engine.now()
    assert not access.has_grace(ann, COOKIES, HOME), "the policy gives none"
    graceful = with_rules(lambda rules: replace(rules, freshness=replace(rules.freshness, outage_grace=Seconds(60))))
    engine.policy = engine.factors.complete(graceful)
    assert access.has_grace(ann, COOKIES, HOME)
    assert not access.has_grace(Subject("bob", "alpha"), COOKIES, HOME)
    assert not access.has_grace(ann, COOKIES, "203.0.113.8")
    assert not access.has_grace(ann, b"other", HOME)
    world.clock.advance(59)
    assert access.has_grace(ann, COOKIES, HOME)
    world.clock.advance(1)
    assert not access.has_grace(ann, COOKIES, HOME)
    engine.away_since = engine.now()
    known.ends_at = engine.now() + 1
    assert access.has_grace(ann, COOKIES, HOME)
    world.clock.advance(1)
    assert not access.has_grace(ann, COOKIES, HOME)
    known.ends_at += 100
    assert access.has_grace(ann, COOKIES, HOME)
    known.entry.stale = True
    assert not access.has_grace(ann, COOKIES, HOME)
    known.entry.stale, engine.away_since = False, None
    assert not access.has_grace(ann, COOKIES, HOME), "the store is there"


async def test_what_is_owed_for_an_act_on_the_own_settings(world: World) -> None:
    """Each decision has its refusal.

    Where nothing is demanded, a proof must still be as fresh as the policy says.
    """
    judgement = await judged(world, await world.enrolled())
    decision, now = judgement.decision, world.engine.now()
    assert isinstance(decision, Allow)
    assert owed(judgement, now) is None
    demand = Demand(rule="export", max_age=Seconds(300))
    refusals: list[tuple[Decision, Refusal]] = [
        (Deny(why=decision.why, ref="R", cause="attempts"), Refusal(reason="locked", ref="R", attempts_remaining=0)),
        (StepUp(why=decision.why, reason="step_up", demand=demand), Refusal(reason="proof_required", max_age=300)),
        (Enroll(why=decision.why), Refusal(reason="enrollment_required")),
    ]
    for other, refusal in refusals:
        assert owed(replace(judgement, decision=other), now) == refusal
    free = replace(judgement, decision=replace(decision, proof=None))
    max_age = judgement.requirement.rules.freshness.max_age
    assert owed(free, now) is None
    assert owed(free, now + max_age - 1) is None
    assert owed(free, now + max_age) == Refusal(reason="proof_required", max_age=max_age)
    assert owed(replace(free, evidence=None), now) == Refusal(reason="proof_required", max_age=max_age)


async def test_who_acts_as_whom_is_told_with_the_network(world: World) -> None:
    """The line is in the trail of the other person, and names the acting one.

    It comes before the request passes.
    """
    mary, ann = Subject("mary", "alpha"), Subject("ann", "alpha")
    caller = Caller(subject=mary, handle="h", network="203.0.113.0/24", address=HOME, acts_as=ann)
    await world.gate.service.access._tell_acting(caller, ann)
    (event,) = (await world.store.events("alpha", kind="account.impersonated")).items
    assert (event.account, event.actor, event.network, event.address) == ("ann", "mary", "203.0.113.0/24", HOME)


async def test_another_worker_has_told_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line for all workers.

    A worker asks the store once in twelve hours, and forgets all when it knows too many.
    """
    access, ann = world.gate.service.access, Subject("ann", "alpha")
    callers = [Caller(subject=Subject(f"m{n}", "alpha"), handle="h", network="n", acts_as=ann) for n in range(3)]

    async def asked() -> int:
        return int(
            await world.store.total(
                world.engine.bucket("acting", callers[0].subject.key, ann.key), window=99_999, now=world.engine.now()
            )
        )

    await access._tell_acting(callers[0], ann)
    access._acting.clear()
    await access._tell_acting(callers[0], ann)
    assert await asked() == 1
    assert len(world.kinds("account.impersonated")) == 1
    monkeypatch.setattr(module, "MAX_PASSES", 2)
    for caller in callers[1:]:
        await access._tell_acting(caller, ann)
    assert len(access._acting) == 1
    assert len(world.kinds("account.impersonated")) == 3


async def test_a_dead_end_is_logged_once(
    world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Demands that nobody can meet are named with the request, once each.

    Their number is bounded.
    """
    access, ann = world.gate.service.access, await judged(world, await world.enrolled())

    def tell(rule: str, tenant: str = "alpha") -> None:
        facts = Facts(tenant=tenant, groups=frozenset(), method="GET", path="/export")
        strong = Demand(rule=rule, max_age=Seconds(60), factors_any=("fax",))
        access._tell_dead_end(facts, replace(ann.requirement, demands=(strong,)))

    def logged() -> list[str]:
        return [record.getMessage() for record in caplog.records if "is refused to everybody" in record.getMessage()]

    tell("one")
    tell("one")
    assert len(logged()) == 1
    assert (
        "'GET' '/export' is refused to everybody in tenant 'alpha': no allowed factor meets one together" in logged()[0]
    )
    tell("one", "beta")
    assert len(logged()) == 2
    monkeypatch.setattr(module, "MAX_TOLD", 3)
    tell("two")
    tell("three")
    assert len(logged()) == 3


async def test_floors_of_somebody_who_acts_as_another(world: World) -> None:
    """Somebody who acts as another person is held to the floors of all groups."""
    tree = (PathRule(text="/records/**"),)
    rule = StepUpRule(name="doctors", paths=tree, phishing_resistant=True, groups_any=("doctor",))
    world.engine.use_policy(with_rules(lambda rules: replace(rules, step_up=(rule,))))

    async def floors(groups: set[str], *, acting: bool) -> list[str]:
        subject = Subject("mary", "alpha", groups=frozenset(groups))
        caller = Caller(subject=subject, handle="h", network="n", acts_as=Subject("ann", "alpha") if acting else None)
        judgement = await world.gate.service.access.own(caller)
        return [floor.rule for floor in judgement.requirement.floors]

    assert await floors(set(), acting=False) == []
    assert await floors({"doctor"}, acting=False) == ["doctors"]
    assert await floors(set(), acting=True) == ["doctors"]


async def test_the_demands_of_a_request_are_made_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """To ask if anything is demanded, and then to judge, looks at the policy once.

    Another request looks anew.
    """
    ann, access, made = await world.enrolled(), world.gate.service.access, list[Facts]()
    real = requirement_for

    def counted(policy: Any, facts: Facts, *more: Any) -> Any:
        made.append(facts)
        return real(policy, facts, *more)

    monkeypatch.setattr(module, "requirement_for", counted)
    facts = Facts(tenant="alpha", groups=frozenset(), method="GET", path="/records")
    caller = (await judged(world, ann)).evidence
    assert caller is not None
    made.clear()
    for one in (facts, replace(facts), replace(facts, path="/public")):
        access.free(caller.subject, one)
        access.free(caller.subject, one)
    assert [one.path for one in made] == ["/records", "/records", "/public"]
    world.clock.advance(1)
    access.free(caller.subject, facts)
    access.free(caller.subject, facts)
    assert len(made) == 4


async def test_a_request_that_nobody_could_meet(world: World) -> None:
    """It is our fault only if nothing can be enrolled and no allowed factor meets the demands."""
    judgement = await judged(world, await world.enrolled())
    strong = replace(
        judgement.requirement, demands=(Demand(rule="vault", max_age=Seconds(60), phishing_resistant=True),)
    )
    nothing, something = Enroll(why=judgement.decision.why), Enroll(why=judgement.decision.why, factors=("totp",))
    for decision, requirement, nobody in (
        (nothing, strong, True),
        (nothing, judgement.requirement, False),
        (something, strong, False),
        (judgement.decision, strong, False),
    ):
        assert replace(judgement, decision=decision, requirement=requirement).nobody_passes is nobody


@pytest.mark.parametrize("wanted", [True, False])
async def test_a_challenge_asks_for_a_verified_user(world: World, wanted: bool) -> None:
    """It does where the demand says so, and never where nothing is owed."""
    judgement = await judged(world, await world.enrolled())
    demand = Demand(rule="vault", max_age=Seconds(60), user_verification=wanted)
    owing = replace(judgement, decision=StepUp(why=judgement.decision.why, reason="step_up", demand=demand))
    assert owing.user_verification is wanted
    assert judgement.user_verification is False


async def test_a_store_that_comes_back_is_asked_anew(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it is away the fault is raised. Behind it nothing is remembered."""
    judgement, access, engine = await judged(world, await world.enrolled()), world.gate.service.access, world.engine
    ann = Subject("ann", "alpha")
    assert keeps(world, judgement) is not None

    def away(*_: object) -> None:
        raise StoreUnavailable("the store is away")

    with monkeypatch.context() as patch:
        patch.setattr(world.store, "changed", away)
        with pytest.raises(StoreUnavailable):
            access.passes(ann, COOKIES, HOME)
        assert engine.away_since == engine.now()
    assert access.passes(ann, COOKIES, HOME) is None
    assert engine.away_since is None


async def test_one_result_for_one_header(world: World) -> None:
    """A browser that another person has signed in with has the result of that person alone."""
    access = world.gate.service.access
    for id in ("ann", "bob"):
        access.remember(await judged(world, await world.enrolled(id)), Subject(id, "alpha"), COOKIES, HOME)
    assert [key.id for key in access._kept_for] == ["bob"]
    assert access._passes[COOKIES].subject.id == "bob"


async def test_a_result_of_a_refusal_lasts_for_nobody(world: World) -> None:
    """It has no end of a proof, so no outage is bridged by it."""
    judgement = await judged(world, await world.enrolled())
    denied = replace(judgement, decision=Deny(why=judgement.decision.why, ref="R", cause="attempts"))
    counted = keeps(world, denied, counts=Counter())
    assert counted is not None
    assert counted.ends_at == 0


async def test_what_a_judgement_reads(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exempt path reads no account, unless its endpoint demands something."""
    await world.enrolled()
    access, account = world.gate.service.access, await world.account()
    caller = Caller(
        subject=Subject("ann", "alpha"), handle=account.browsers[0].handle, network="203.0.113.7", address=HOME
    )
    read, load = list[str](), world.store.load

    async def counting(key: SubjectKey) -> Account:
        read.append(key.id)
        return await load(key)

    monkeypatch.setattr(world.store, "load", counting)

    async def judge(path: str, **more: Any) -> Judgement:
        world.engine.forget_all()
        read.clear()
        return await access.judge(caller, Facts(tenant="alpha", groups=frozenset(), method="GET", path=path), **more)

    assert ((await judge("/public")).entry, read) == (None, [])
    demand = Demand(rule="export", max_age=Seconds(300))
    found = await judge("/public", extra=(demand,))
    assert (found.entry is not None, read, isinstance(found.decision, Allow)) == (True, ["ann"], True)
    found = await judge("/records")
    assert (found.requirement.floors, read, isinstance(found.decision, Allow)) == ((), ["ann"], True)


async def test_the_floors_are_for_our_own_pages(world: World) -> None:
    """Only a page that changes factors is judged by the demands of the whole app."""
    rule = StepUpRule(name="vault", paths=(PathRule(text="/vault/**"),), phishing_resistant=True)
    world.engine.use_policy(with_rules(lambda rules: replace(rules, step_up=(rule,))))
    caller = Caller(subject=Subject("ann", "alpha"), handle="h", network="n")
    facts = Facts(tenant="alpha", groups=frozenset(), method="GET", path="/records")
    for floors, names in ((False, []), (True, ["vault"])):
        found = await world.gate.service.access.judge(caller, facts, floors=floors)
        assert [floor.rule for floor in found.requirement.floors] == names


@pytest.mark.parametrize(("mode", "told"), [("enforce", 1), ("report-only", 0)])
async def test_acting_for_another_is_told_where_the_policy_holds(mode: Any, told: int) -> None:
    """A policy that only reports lets everybody pass, and tells nothing of it."""
    async with running(make_world(policy=with_rules(lambda rules: replace(rules, mode=mode)))) as world:
        await world.enrolled("mary")
        account = await world.account("mary")
        mary = Caller(
            subject=Subject("mary", "alpha"),
            handle=account.browsers[0].handle,
            network="203.0.113.7",
            address=HOME,
            acts_as=Subject("ann", "alpha"),
        )
        facts = Facts(tenant="alpha", groups=frozenset(), method="GET", path="/records", acting=True)
        assert isinstance((await world.gate.service.access.judge(mary, facts)).decision, Allow)
        assert len(world.kinds("account.impersonated")) == told
