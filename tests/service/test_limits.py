"""Limits in time: so many of a thing in a window, the next one not, and again after it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace

import pytest

from mfa_gate import Contacts, Subject
from mfa_gate.core.automation import text_of
from mfa_gate.core.model import Account, Browser, Caller, SubjectKey
from mfa_gate.core.reasons import Refusal
from mfa_gate.errors import SettingsError
from mfa_gate.factors.tokens import Named
from mfa_gate.service import Actor
from mfa_gate.service.refusals import tell_refused
from mfa_gate.service.request_limits import CHALLENGES, DRAFTS, RequestLimit, too_many
from mfa_gate.service.trail_signer import LOST
from mfa_gate.service.trail_verification import Fault
from tests.harness import START, World, make_world, running, with_rules
from tests.service.admin.people import administrator

ANN = SubjectKey("alpha", "ann")
EVE = Actor(name="operator:eve")
HOUR, DAY = 3600, 86_400
Deed = Callable[[World, int], Awaitable[bool]]


async def directory(tenant: str) -> AsyncIterator[tuple[Subject, Contacts]]:
    """List one person who has nothing set up."""
    yield Subject("never", tenant), Contacts(email="never@alpha.example")


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A store that knows Ann, and an owner of the policy who reads alarms."""
    policy = with_rules(lambda rules: replace(rules, owner="owner@example.org"))
    async with running(make_world(policy=policy, directory=directory)) as made:
        moment = made.engine.moment()
        assert await made.store.swap(Account(key=ANN), made.engine.chained([moment.event("factor.enrolled", ANN)]))
        yield made


async def mailed(world: World, before: int) -> bool:
    """Tell if one more mail has gone out since there were ``before``."""
    await world.engine.effects.idle()
    return len(world.email.messages) > before


async def unreadable(world: World, number: int) -> bool:
    """Send an answer of the wrong shape."""
    return world.gate.service.verification.malformed(caller()).reason == "malformed"


def wait_of(world: World) -> int | None:
    """Return the wait that an answer of the wrong shape is told behind its limit."""
    return world.gate.service.verification.malformed(caller()).retry_after


async def one_network(world: World, number: int) -> bool:
    """Be refused without a sign-in, always from one network."""
    return world.engine.strangers.admits("192.0.2.1", world.engine.now())


async def many_networks(world: World, number: int) -> bool:
    """Be refused without a sign-in, each time from another network."""
    return world.engine.strangers.admits(f"192.0.2.{number}", world.engine.now())


def caller(id: str = "ann", network: str = "192.0.2.1") -> Caller:
    """Make the caller of a browser without a proof."""
    return Caller(subject=Subject(id, "alpha"), handle=f"h-{id}", network=network)


async def refused(world: World, number: int) -> bool:
    """Be refused at an address without a sign-in, for a known account."""
    before = len((await world.store.events("alpha", kind="attempt.refused", limit=100)).items)
    await tell_refused(world.engine, Named(key=ANN, secret="x"), "push", "not_allowed", address="192.0.2.1")
    return len((await world.store.events("alpha", kind="attempt.refused", limit=100)).items) > before


async def alarm(world: World, number: int) -> bool:
    """Raise an alarm about one kind of event."""
    before = len(world.email.messages)
    event = world.engine.moment().event("challenge.denied", ANN, alarm="request denied")
    await world.gate.service.alarms.raise_for(event)
    return await mailed(world, before)


async def owners_alarm(world: World, number: int) -> bool:
    """Raise an alarm that belongs to no tenant."""
    before = len(world.email.messages)
    event = world.engine.moment().event("policy.loosened", SubjectKey("", ""))
    await world.gate.service.alarms.tell_owners(event, ("owner@example.org",))
    return await mailed(world, before)


async def remind_all(world: World, number: int) -> bool:
    """Remind everybody who has nothing set up."""
    return not isinstance(await world.gate.service.tenant_messages.remind(EVE, "alpha"), Refusal)


async def remind_one(world: World, number: int) -> bool:
    """Remind one person."""
    return not isinstance(await world.gate.service.tenant_messages.remind(EVE, "alpha", ids=["never"]), Refusal)


async def mail_ticket(world: World, number: int) -> bool:
    """Mail a ticket to one person."""
    done = await world.gate.service.account_desk.ticket_mails.address(ANN)
    return not (isinstance(done, Refusal) and done.reason == "too_soon")


async def in_trail(world: World, kind: str, before: int) -> bool:
    """Tell if the trail has more lines of a kind than ``before``."""
    return await lines(world, kind) > before


async def lines(world: World, kind: str) -> int:
    """Count the lines of a kind."""
    return len((await world.store.events("alpha", kind=kind, limit=300)).items)


async def refused_send(world: World, number: int) -> bool:
    """Ask for a message that a limit refuses."""
    before = await lines(world, "challenge.refused")
    await world.gate.service.sending._tell_refused(caller(), "sms", "per_tenant")
    assert len(world.kinds("challenge.refused")) == number + 1 or number < 3, "the hook hears of each"
    return await in_trail(world, "challenge.refused", before)


async def denied(world: World, number: int) -> bool:
    """Be refused at the desk."""
    before = await lines(world, "admin.denied")
    await world.gate.service.rights.deny(Actor(name="mary", caller=caller("mary")), ANN, Refusal(reason="not_allowed"))
    return await in_trail(world, "admin.denied", before)


async def act_as(world: World, number: int) -> bool:
    """Act in another person's name."""
    before = await lines(world, "account.impersonated")
    mary = replace(caller("mary"), acts_as=Subject("ann", "alpha"))
    await world.gate.service.access._tell_acting(mary, Subject("ann", "alpha"))
    return await in_trail(world, "account.impersonated", before)


async def ask_for_help(world: World, number: int) -> bool:
    """Ask for a way back in, and take it back."""
    done = await world.gate.service.self_service.request_recovery(caller(), about="lake")
    account = await world.store.load(ANN)
    assert await world.store.swap(replace(account, recovery=None))
    return not (isinstance(done, Refusal) and done.reason == "too_soon")


async def try_message(world: World, number: int) -> bool:
    """Send a test message to oneself."""
    boss = await administrator(world, "admin", at=world.engine.now())
    done = await world.gate.service.tenant_messages.send_trial(boss, "alpha")
    return not (isinstance(done, Refusal) and done.reason == "too_soon")


async def dispute(world: World, number: int) -> bool:
    """Press the button behind a link."""
    event = world.engine.moment().event("factor.enrolled", ANN)
    token = (await world.gate.service.disputing.url("factor.enrolled", event)).rpartition("/")[2]
    done = await world.gate.service.disputing.dispute(token, network="192.0.2.1")
    return not (isinstance(done, Refusal) and done.reason == "too_soon")


async def faulty_policy(world: World, number: int) -> bool:
    """Put another faulty policy in the file's place."""
    before = await lines(world, "policy.refused")
    await world.gate.service.policy_life._refused(SettingsError([f"fault {number} at {world.clock.at}"]), "signal")
    return await in_trail(world, "policy.refused", before)


async def altered_trail(world: World, number: int) -> bool:
    """Find that somebody has altered the trail."""
    before = await lines(world, "audit.altered")
    await world.gate.service.trail_signer.tell("alpha", Fault(3, LOST))
    return await in_trail(world, "audit.altered", before)


async def refused_token(world: World, number: int) -> bool:
    """Show a program's token with a wrong secret."""
    before = await lines(world, "token.refused")
    automation = world.gate.service.automation
    known = await automation.tokens("alpha")
    if not known:
        made = await automation.create(
            "operator:eve", "alpha", name="hr", rights=["look"], everywhere=False, life=DAY, reason="hr"
        )
        assert not isinstance(made, Refusal)
        known = (made[1],)
    assert isinstance(await automation.use(text_of("alpha", known[0].id, "wrong"), call="GET state"), Refusal)
    return await in_trail(world, "token.refused", before)


async def challenges(world: World, number: int) -> bool:
    """Ask for a passkey's challenge in a browser that is known."""
    return await counted(world, CHALLENGES, caller())


async def drafts(world: World, number: int) -> bool:
    """Begin to enroll in a browser that is known."""
    return await counted(world, DRAFTS, caller())


async def challenges_of_strangers(world: World, number: int) -> bool:
    """Ask for a passkey's challenge with a password alone, each time from elsewhere."""
    return await counted(world, CHALLENGES, caller(network=f"192.0.2.{number}"), handle="")


async def challenges_of_a_network(world: World, number: int) -> bool:
    """Ask for a passkey's challenge with a password alone, from one network."""
    return await counted(world, CHALLENGES, caller(), handle="")


async def drafts_of_strangers(world: World, number: int) -> bool:
    """Begin to enroll with a password alone, each time from elsewhere."""
    return await counted(world, DRAFTS, caller(network=f"192.0.2.{number}"), handle="")


async def drafts_of_a_network(world: World, number: int) -> bool:
    """Begin to enroll with a password alone, from one network."""
    return await counted(world, DRAFTS, caller(), handle="")


async def counted(world: World, limit: RequestLimit, who: Caller, *, handle: str = "h-ann") -> bool:
    """Make a limited request at an account that knows the browser ``handle``."""
    account = Account(key=ANN, browsers=(Browser(id="B", handle=handle, label="", created_at=1),) if handle else ())
    return await too_many(world.store, who, account, limit, now=world.engine.now()) is None


async def test_the_wait_behind_answers_of_the_wrong_shape(world: World) -> None:
    """The limit is a minute's, and so is the wait."""
    for _ in range(2):
        assert [wait_of(world) for _ in range(61)] == [None] * 60 + [60]
        world.clock.advance(60)


@dataclass(frozen=True)
class Limit:
    """So many of a deed in ``window`` seconds."""

    deed: Deed
    most: int
    window: int

    def __str__(self) -> str:
        return self.deed.__name__


LIMITS = [
    Limit(unreadable, 60, 60),
    Limit(one_network, 20, HOUR),
    Limit(many_networks, 500, HOUR),
    Limit(refused, 20, HOUR),
    Limit(alarm, 10, HOUR),
    Limit(owners_alarm, 10, HOUR),
    Limit(remind_all, 1, DAY),
    Limit(remind_one, 1, DAY),
    Limit(mail_ticket, 5, DAY),
    Limit(try_message, 5, HOUR),
    Limit(refused_send, 20, HOUR),
    Limit(refused_token, 20, HOUR),
    Limit(denied, 200, HOUR),
    Limit(act_as, 1, 12 * HOUR),
    Limit(ask_for_help, 5, DAY),
    Limit(dispute, 10, HOUR),
    Limit(faulty_policy, 10, HOUR),
    Limit(altered_trail, 1, DAY),
    Limit(challenges, 60, 600),
    Limit(challenges_of_strangers, 11, 600),
    Limit(challenges_of_a_network, 6, 600),
    Limit(drafts, 30, 1800),
    Limit(drafts_of_strangers, 7, 1800),
    Limit(drafts_of_a_network, 4, 1800),
]


@pytest.mark.parametrize("limit", LIMITS, ids=str)
async def test_a_limit(world: World, limit: Limit) -> None:
    """As many as the limit says, not one more before the window is over, and then again."""
    world.clock.at = START - START % DAY
    done = [await limit.deed(world, number) for number in range(limit.most + 2)]
    assert done == [True] * limit.most + [False] * 2
    world.clock.advance(limit.window - 1)
    assert not await limit.deed(world, 1)
    world.clock.advance(1)
    assert await limit.deed(world, 2)
