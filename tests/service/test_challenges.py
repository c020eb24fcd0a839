"""Challenges of the service tell when the next one may be asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from mfa_gate import Contacts, Senders, Subject
from mfa_gate.core.events import Event
from mfa_gate.core.model import Account, Caller
from mfa_gate.core.reasons import Refusal
from mfa_gate.errors import SendFailed, StoreUnavailable
from mfa_gate.factors.base import Issue, Rejected
from mfa_gate.service import Issued
from tests.attacks.test_blame import caller_of
from tests.harness import make_world, running
from tests.web.phones import begin as push_begin
from tests.web.phones import enrolled as push_enrolled
from tests.web.phones import push_world


async def test_the_time_of_the_next_mail() -> None:
    """The page counts down to it: the policy's wait after this mail."""
    async with running(make_world()) as world:
        ann = await world.browser()
        mail = await ann.enroll_email()
        world.clock.advance(60)
        issued = await world.gate.service.challenges.begin(caller_of(ann), mail)
        assert isinstance(issued, Issued)
        assert issued.resend_at == issued.challenge.issued_at + 30 == world.clock.now() + 30


@pytest.mark.parametrize(
    ("failure", "reason", "wait"),
    [
        (SendFailed("refused", transient=False), "refused", 0),
        (SendFailed("unreachable", transient=True), "unreachable", 0),
        (SendFailed("timeout", transient=True), "timeout", 30),
        (RuntimeError("a fault of the sender"), "timeout", 30),
    ],
    ids=str,
)
async def test_a_message_that_was_not_delivered(failure: Exception, reason: str, wait: int) -> None:
    """The person waits for the next one only if this one may still arrive.

    Its code stays good (F-21).
    """
    async with running(make_world()) as world:
        ann = await world.browser()
        mail = await ann.enroll_email()
        world.clock.advance(60)
        world.email.failure = failure
        begin = world.gate.service.challenges.begin
        issued = await begin(caller_of(ann), mail)
        assert isinstance(issued, Issued)
        assert (issued.failed, issued.resend_at - world.engine.now()) == (reason, wait)
        (event,) = world.kinds("challenge.send_failed")
        assert (event.factor, event.reason, event.account) == ("email", reason, "ann")
        assert issued.challenge.id in [challenge.id for challenge in (await world.account()).challenges]
        world.email.failure = None
        if wait:
            assert await begin(caller_of(ann), mail) == Refusal(reason="too_soon", retry_after=wait)
            world.clock.advance(wait)
        again = await begin(caller_of(ann), mail)
        assert isinstance(again, Issued)
        assert again.failed == ""


@pytest.mark.parametrize("written", [True, False], ids=["answer-lost", "nothing-written"])
@pytest.mark.parametrize("refuses", [False, True], ids=["before", "after-a-refusal"])
async def test_a_store_that_fails_round_the_sending(
    written: bool, refuses: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D-41: nobody waits for the next code where the store failed and none has left.

    The page speaks of no code on its way, and the trail tells that none went out.
    """
    async with running(make_world()) as world:
        ann = await world.browser()
        mail = await ann.enroll_email()
        world.clock.advance(60)
        challenges, swap, left = world.gate.service.challenges, world.store.swap, {"fails": 3, "passes": int(refuses)}
        monkeypatch.setattr("mfa_gate.service.challenges.PAUSES", (0, 0, 0, 0))
        world.email.failure = SendFailed("refused", transient=False) if refuses else None
        before, sent = await world.account(), len(world.email.messages)

        async def fails(account: Account, events: Sequence[Event] = (), /) -> bool:
            if left["passes"]:
                left["passes"] -= 1
                return await swap(account, events)
            if left["fails"]:
                left["fails"] -= 1
                if written and left["fails"] == 2:
                    await swap(account, events)
                raise StoreUnavailable("away")
            return await swap(account, events)

        monkeypatch.setattr(world.store, "swap", fails)
        with pytest.raises(StoreUnavailable):
            await challenges.begin(caller_of(ann), mail)
        await world.engine.effects.idle()
        account = await world.account()
        assert account.challenges == before.challenges
        assert len(account.sent) - len(before.sent) == int(refuses and written), "a refused message counts (S-50)"
        assert len(world.email.messages) == sent
        told = [e.reason for e in world.kinds("challenge.send_failed")]
        assert told[-1:] == (["store_unavailable"] if written or refuses else [])
        world.email.failure, left["fails"] = None, 0
        assert isinstance(await challenges.begin(caller_of(ann), mail), Issued)


async def test_what_is_sent() -> None:
    """The message has the tenant, and the challenge as its key.

    So a provider knows a second copy.
    """
    async with running(make_world()) as world:
        ann = await world.browser()
        mail = await ann.enroll_email()
        world.clock.advance(60)
        issued = await world.gate.service.challenges.begin(caller_of(ann), mail)
        assert isinstance(issued, Issued)
        message = world.email.messages[-1]
        assert (message.channel, message.to, message.tenant) == ("email", "ann@alpha.example", "alpha")
        assert message.key == issued.challenge.id
        assert message.code in message.text
        assert message.code in message.html
        assert message.subject
        assert issued.hint != message.to


async def test_a_sender_that_is_gone() -> None:
    """A channel without a sender refuses, and no code is lost without a word."""
    async with running(make_world()) as world:
        ann = await world.browser()
        mail = await ann.enroll_email()
        world.clock.advance(60)
        world.engine.wiring = replace(world.engine.wiring, senders=Senders())
        issued = await world.gate.service.challenges.begin(caller_of(ann), mail)
        assert isinstance(issued, Issued)
        assert issued.failed == "refused"
        (event,) = world.kinds("challenge.send_failed")
        assert event.reason == "refused"


@pytest.mark.parametrize(
    ("answer", "reason"), [(None, "nothing_sent"), (Rejected(reason="phone_region"), "phone_region")]
)
async def test_a_factor_that_issues_nothing(
    answer: Rejected | None, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own reason is told, and nothing is written or sent."""
    async with running(make_world()) as world:
        ann = await world.browser()
        mail = await ann.enroll_email()
        world.clock.advance(60)
        sent, before = len(world.email.messages), await world.account()
        monkeypatch.setattr(type(world.engine.factors["email"]), "issue", lambda *_: answer)
        refused = await world.gate.service.challenges.begin(caller_of(ann), mail)
        assert refused == Refusal(reason=reason)
        assert len(world.email.messages) == sent
        assert await world.account() == before


@pytest.mark.parametrize(
    ("own", "kept", "used"),
    [("Asia/Tokyo", "Europe/Rome", "Asia/Tokyo"), ("", "Europe/Rome", "Europe/Rome"), ("", "", "")],
)
async def test_what_a_factor_is_told(own: str, kept: str, used: str) -> None:
    """The person's zone of now, or the one of before.

    The name of the brand, and the app's own origins last.
    """
    async with running(make_world()) as world:
        caller = Caller(subject=Subject("ann", "alpha"), handle="h", network="n", lang="de", zone=own, label="Firefox")
        account = Account(key=caller.subject.key, zone=kept, seen_at=7, restored_at=9)
        rules = world.engine.rules("alpha")
        context = world.gate.service.challenges.context(caller, rules, purpose="sign-in", account=account)
        assert (context.zone, context.lang, context.where, context.agent) == (used, "de", "n", "Firefox")
        assert (context.seen_at, context.used_until, context.now) == (7, 9, world.engine.now())
        assert (context.service, context.person, context.contacts) == ("Example", "ann", Contacts())
        branded = replace(rules, brand=replace(rules.brand, name="Clinic"))
        named = replace(account, name="Ann B.")
        context = world.gate.service.challenges.context(caller, branded, purpose="notice", account=named)
        assert (context.service, context.person, context.purpose) == ("Clinic", "Ann B.", "notice")


async def test_only_its_browser_sees_a_challenge() -> None:
    """The texts that a waiting challenge shows are for the browser that asked."""
    async with running(push_world()) as world:
        browser, _, id = await push_enrolled(world)
        asked = await push_begin(browser, id)
        account = await world.account()
        challenge = next(c for c in account.challenges if c.id == asked["challenge"])
        face, caller = world.gate.service.challenges.face, replace(CALLER, handle=challenge.browser)
        assert asked["number"] in face(caller, account, challenge).values()
        assert face(replace(CALLER, handle="other"), account, challenge) == {}
        assert face(caller, account, None) == {}
        assert face(caller, account, replace(challenge, factor="totp")) == {}
        assert face(caller, account, replace(challenge, factor="gone")) == {}


CALLER = Caller(subject=Subject("ann", "alpha"), handle="", network="n")


async def test_what_is_not_sent_can_be_asked_for_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A challenge without a message has no wait."""
    async with running(make_world()) as world:
        ann = await world.browser()
        mail = await ann.enroll_email()
        world.clock.advance(60)
        monkeypatch.setattr(type(world.engine.factors["email"]), "issue", lambda *_: Issue(data={"x": "y"}, ttl=60))
        issued = await world.gate.service.challenges.begin(caller_of(ann), mail)
        assert isinstance(issued, Issued)
        assert (issued.resend_at, issued.failed, issued.ref) == (issued.challenge.issued_at, "", "")
