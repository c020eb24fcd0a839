"""Limits of messages hold to the second and to the unit.

Trail and administrators are told of them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from mfa_gate import Senders, Subject
from mfa_gate.core.model import Account, Caller, Seconds, SubjectKey
from mfa_gate.core.reasons import Refusal
from mfa_gate.core.rules import Policy, PriceRules, SendCount, SendRules, UnansweredRules, Units
from mfa_gate.factors.base import Delivery
from mfa_gate.ports import PhoneSend
from tests.harness import START, Outbox, World, make_world, running, with_rules

HOUR, DAY = 3600, 86_400
MIDNIGHT = START - START % DAY
PRICED = SendRules(price=PriceRules(sms=10, voice=30), cap_per_day=Units(100))


def policy(sends: SendRules, *, allowed: tuple[str, ...] = ("totp", "sms", "email")) -> Policy:
    """Texts, codes by mail and apps under these limits, and an owner who hears of alarms."""
    return with_rules(
        lambda rules: replace(
            rules,
            sends=sends,
            owner="owner@example.org",
            factors=replace(rules.factors, allowed=(*allowed, "backup-code"), order=allowed),
        )
    )


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A day at its beginning. Texts and calls have a sender."""
    phone = Outbox()
    made = make_world(senders=Senders(email=(mail := Outbox()), sms=phone, voice=phone), policy=policy(SendRules()))
    made.email, made.sms = mail, phone
    async with running(made):
        moment = made.engine.moment()
        account = Account(key=SubjectKey("alpha", "ann"))
        assert await made.store.swap(account, made.engine.chained([moment.event("factor.enrolled", account.key)]))
        made.clock.at = MIDNIGHT
        yield made


async def ask(
    world: World, to: str = "+12025550142", *, factor: str = "sms", network: str = "192.0.2.1", id: str = "ann"
) -> Refusal | None:
    """Ask if a message may go out."""
    caller, service = Caller(subject=Subject(id, "alpha"), handle="h", network=network), world.gate.service
    rules = world.engine.rules("alpha")
    context = service.challenges.context(caller, rules, purpose="enroll", account=Account(key=caller.subject.key))
    channel = world.engine.factors.traits[factor].sends
    return await service.sending.permit(caller, context, Delivery(channel=channel, to=to, text=""), factor)


def use(world: World, sends: SendRules, **more: tuple[str, ...]) -> None:
    """Work under these limits."""
    world.engine.use_policy(policy(sends, **more))


def per(count: int, window: int) -> SendCount:
    return SendCount(count=count, window=Seconds(window))


def number(place: int, *, range_: str = "55501") -> str:
    return f"+1202{range_}{place:02}"


@pytest.mark.parametrize(
    ("name", "same", "other"),
    [
        ("per_destination", {"to": "+12025550142"}, {"to": "+12025550143"}),
        ("per_range", {"to": "+12025559999", "id": "bob"}, {"to": "+12025560142"}),
        ("per_network", {"to": "+12035550142", "id": "bob"}, {"to": "+12035550142", "network": "192.0.2.2"}),
        ("per_tenant", {"to": "+12035550142", "id": "bob", "network": "192.0.2.2"}, None),
    ],
)
async def test_a_limit_and_its_end(world: World, name: str, same: dict[str, str], other: dict[str, str] | None) -> None:
    """The second message is refused until the first is as old as the window.

    The trail names the limit.
    """
    use(world, SendRules(**{name: per(1, HOUR)}))  # type: ignore[arg-type]
    world.clock.at = MIDNIGHT + 1
    assert await ask(world) is None
    world.clock.advance(600)
    refused = await ask(world, **same)
    assert refused == Refusal(reason="too_soon", retry_after=HOUR - 600)
    (event,) = (await world.store.events("alpha", kind="challenge.refused")).items
    assert (event.account, event.factor, event.reason) == (same.get("id", "ann"), "sms", name)
    assert event.network == same.get("network", "192.0.2.1")
    if other is not None:
        assert await ask(world, **other) is None
    world.clock.advance(HOUR - 601)
    assert await ask(world, **same) == Refusal(reason="too_soon", retry_after=1)
    world.clock.advance(1)
    assert await ask(world, **same) is None


async def test_a_mailbox_is_another_destination_than_a_number(world: World) -> None:
    """Mails count by themselves, have no range, and cost no money."""
    use(world, replace(PRICED, per_destination=per(1, HOUR), per_range=per(1, HOUR), cap_per_day=Units(10)))
    assert await ask(world) is None
    for to in ("a@x.example", "b@x.example"):
        assert await ask(world, to, factor="email") is None
    assert await ask(world, "a@x.example", factor="email") == Refusal(reason="too_soon", retry_after=HOUR)


@pytest.mark.parametrize(("count", "counted_at"), [(100, 35), (101, 0)])
async def test_a_large_limit_is_counted_coarsely(world: World, count: int, counted_at: int) -> None:
    """More than a hundred are counted in hundredths of the window.

    The wait that is told is right all the same.
    """
    use(world, SendRules(per_tenant=per(count, HOUR), per_range=per(1000, HOUR)))
    world.clock.advance(35)
    for place in range(count):
        assert await ask(world, number(place % 100), network=f"192.0.2.{place}") is None
    world.clock.at = MIDNIGHT + 50
    ends = MIDNIGHT + counted_at + HOUR
    assert await ask(world) == Refusal(reason="too_soon", retry_after=ends - world.engine.now())
    world.clock.at = ends - 1
    assert await ask(world) == Refusal(reason="too_soon", retry_after=1)
    world.clock.at = ends
    assert await ask(world) is None


async def test_a_large_limit_of_a_short_window(world: World) -> None:
    """A window of less than a hundred seconds is counted by the second."""
    use(world, SendRules(per_tenant=per(101, 60)))
    world.clock.at = MIDNIGHT + 1
    for place in range(101):
        assert await ask(world, number(place % 100)) is None
    assert await ask(world) == Refusal(reason="too_soon", retry_after=60)


async def alarms(world: World) -> list[tuple[str, dict[str, object]]]:
    """List the alarms of the trail, the oldest first."""
    await world.engine.effects.idle()
    kinds = ("sends.cap_near", "sends.cap_reached", "sends.unanswered")
    found = [event for kind in kinds for event in (await world.store.events("alpha", kind=kind)).items]
    assert {(event.account, event.actor) for event in found} <= {("", "policy")}
    return [(event.kind, dict(event.detail)) for event in sorted(found, key=lambda event: event.at)]


async def test_the_money_of_a_day(world: World) -> None:
    """The warning comes at 80 of 100, the alarm with the last message, each once a day.

    Then the telephone is off.
    """
    use(world, PRICED)
    service = world.gate.service.sending
    for place in range(7):
        assert await ask(world, number(place)) is None
    assert await alarms(world) == []
    world.clock.advance(1)
    assert await ask(world, number(7)) is None
    assert await alarms(world) == [("sends.cap_near", {"spent": 80, "cap": 100})]
    assert await service.off("alpha") == {"voice"}
    assert await ask(world, number(8)) is None
    assert await service.off("alpha") == {"voice"}
    world.clock.advance(1)
    assert await ask(world, number(9)) is None
    assert (await alarms(world))[1:] == [("sends.cap_reached", {"spent": 100, "cap": 100})]
    assert await service.off("alpha") == {"sms", "voice"}
    world.clock.at = MIDNIGHT + DAY - 10
    assert await ask(world, number(10)) == Refusal(reason="factor_unavailable", retry_after=10)
    (event,) = (await world.store.events("alpha", kind="challenge.refused")).items
    assert (event.factor, event.reason) == ("sms", "cap_per_day")
    assert not await service.pay("alpha", "sms")
    assert len(await alarms(world)) == 2
    assert {message.to for message in world.email.messages} == {"owner@example.org"}
    assert len(world.email.messages) == 2
    world.clock.at = MIDNIGHT + DAY
    assert await service.off("alpha") == frozenset()
    assert await ask(world, number(10)) is None


async def test_the_dearest_channel_that_is_allowed_ends_the_money(world: World) -> None:
    """The alarm comes when the dearest allowed message finds no money any more.

    Calls that nobody may use do not count.
    """
    use(world, PRICED, allowed=("totp", "sms", "voice"))
    for place in range(7):
        assert await ask(world, number(place)) is None
    assert await alarms(world) == []
    assert await ask(world, number(7)) is None
    assert await alarms(world) == [("sends.cap_reached", {"spent": 80, "cap": 100})]
    assert await ask(world, number(8), factor="voice") == Refusal(reason="factor_unavailable", retry_after=DAY)
    assert await ask(world, number(8)) is None


async def test_a_refused_call_alarms_with_what_was_spent(world: World) -> None:
    """The money may end by a refusal alone; the alarm then tells what was spent."""
    use(world, replace(PRICED, cap_per_day=Units(39)))
    assert await ask(world) is None
    assert await alarms(world) == []
    assert await ask(world, number(3), factor="voice") == Refusal(reason="factor_unavailable", retry_after=DAY)
    assert await alarms(world) == [("sends.cap_reached", {"spent": 10, "cap": 39})]


async def test_notices_are_paid_from_the_same_money(world: World) -> None:
    """A notice counts, raises the same alarms, and costs nothing where nothing has a price."""
    use(world, replace(PRICED, cap_per_day=Units(20)))
    pay = world.gate.service.sending.pay
    assert await pay("alpha", "sms")
    assert await alarms(world) == []
    assert await pay("alpha", "email")
    assert await pay("alpha", "sms")
    assert await alarms(world) == [("sends.cap_reached", {"spent": 20, "cap": 20})]
    assert not await pay("alpha", "sms")
    assert await pay("alpha", "email")
    assert await pay("beta", "sms"), "each organization has money of its own"
    use(world, SendRules(price=PriceRules(sms=10)))
    assert await pay("alpha", "sms")
    assert await world.gate.service.sending.off("alpha") == frozenset()


@pytest.mark.parametrize(("answered", "told"), [(5, None), (4, 20)])
async def test_unanswered_messages(world: World, answered: int, told: int | None) -> None:
    """From the twentieth text on, every tenth is looked at.

    With less than a quarter answered, an alarm says so.
    """
    use(world, SendRules(unanswered=UnansweredRules(below=25, after=20), per_network=per(1000, DAY)))
    for _ in range(answered):
        await world.gate.service.sending((), Account(key=SubjectKey("alpha", "ann")))
    for place in range(19):
        assert await ask(world, number(place)) is None
    assert await ask(world, "a@x.example", factor="email") is None
    assert await alarms(world) == []
    assert await ask(world, number(19)) is None
    found = [("sends.unanswered", {"asked": 20, "answered": answered})] if told else []
    assert await alarms(world) == found
    for place in range(20, 29):
        assert await ask(world, number(place)) is None
    assert await alarms(world) == found
    assert await ask(world, number(29)) is None
    assert await alarms(world) == (found or [("sends.unanswered", {"asked": 30, "answered": answered})])


async def test_a_day_counts_from_midnight(world: World) -> None:
    """The texts and the answers of yesterday count no more today."""
    use(world, SendRules(unanswered=UnansweredRules(below=25, after=20), per_network=per(1000, DAY)))
    world.clock.at = MIDNIGHT + DAY - 1
    for place in range(19):
        assert await ask(world, number(place)) is None
    world.clock.advance(1)
    assert await ask(world, number(19)) is None
    assert await alarms(world) == []


@pytest.mark.parametrize(
    ("said", "word"), [(True, ""), ("w" * 64, "w" * 64), ("w" * 65, "w" * 64), ("", "refused"), (None, "refused")]
)
async def test_the_hosts_word(said: object, word: str) -> None:
    """A refusal by the host is in the trail with its word and the purpose.

    The word is bounded.
    """
    asked: list[PhoneSend] = []

    def hook(send: PhoneSend) -> object:
        asked.append(send)
        return said

    async with running(make_world(before_send=hook, policy=policy(SendRules()))) as world:
        refused = await ask(world)
        assert [(send.number, send.purpose, send.factor) for send in asked] == [("+12025550142", "enroll", "sms")]
        events = world.kinds("challenge.refused")
        if not word:
            assert (refused, events) == (None, [])
            return
        assert refused == Refusal(reason="send_refused", ref=events[0].id)
        assert [(event.reason, event.factor, event.detail) for event in events] == [
            ("before_send", "sms", {"word": word, "purpose": "enroll"})
        ]


@pytest.mark.parametrize(("price", "kind"), [(793, None), (800, "sends.cap_near"), (1000, "sends.cap_near")])
async def test_money_that_only_notices_spend(world: World, price: int, kind: str | None) -> None:
    """Its end is near from the named share on, where nobody is asked by text."""
    sends = SendRules(price=PriceRules(sms=price), cap_per_day=Units(1000))
    use(world, sends, allowed=("totp", "email"))
    assert await world.gate.service.sending.pay("alpha", "sms")
    assert await alarms(world) == ([(kind, {"spent": price, "cap": 1000})] if kind else [])


@pytest.mark.parametrize(
    ("after", "below", "answered", "is_told"),
    [(7, 50, 3, True), (7, 50, 4, False), (101, 50, 50, True), (6, 50, 3, False)],
)
async def test_from_so_many_messages_on(world: World, after: int, below: int, answered: int, is_told: bool) -> None:
    """The share of answers is compared with the first message of the number."""
    watched = UnansweredRules(below=below, after=after)
    use(
        world,
        SendRules(unanswered=watched, per_network=per(1000, DAY), per_range=per(1000, DAY), per_tenant=per(1000, DAY)),
    )
    for _ in range(answered):
        await world.gate.service.sending((), Account(key=SubjectKey("alpha", "ann")))
    for place in range(after):
        assert await alarms(world) == []
        assert await ask(world, number(place % 100, range_=f"555{place // 100:02}")) is None
    assert await alarms(world) == ([("sends.unanswered", {"asked": after, "answered": answered})] if is_told else [])
