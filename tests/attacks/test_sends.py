"""The limits of texts and calls hold, however many people press "send".

Texts and calls cost money and annoy people. No blocked country is called.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mfa_gate import Contacts, Senders, Subject
from mfa_gate.core.model import Caller, Seconds
from mfa_gate.core.reasons import Refusal
from mfa_gate.core.rules import Policy, PriceRules, SendCount, SendRules, UnansweredRules, Units
from mfa_gate.errors import SendFailed
from mfa_gate.factors.phone import PhoneRules
from mfa_gate.factors.voice import VoiceRules
from mfa_gate.ports import PhoneSend
from mfa_gate.service.challenges import Issued
from mfa_gate.testing import enrolled
from mfa_gate.testing.stores import keep_store
from tests.harness import START, Outbox, World, make_world, running, with_rules
from tests.web.calls import Provider

SHARED = "+12025550142"


def policy(*, regions: tuple[str, ...] | None = ("US",), **sends: object) -> Policy:
    """Texts and calls, apps and mail; ``sends`` are the limits."""
    return with_rules(
        lambda r: replace(
            r,
            factors=replace(
                r.factors,
                allowed=("totp", "sms", "voice", "email", "backup-code"),
                order=("sms", "voice", "email", "totp"),
                options={"sms": PhoneRules(regions=regions), "voice": VoiceRules(regions=regions)},
            ),
            sends=SendRules(**sends),  # type: ignore[arg-type]
        )
    )


def host(*, sms: Outbox | None = None, **more: object) -> World:
    """A host with a provider of texts and calls (both go into ``world.sms``) and one of mail."""
    phone, mail = sms or Provider(), Outbox()
    world = make_world(senders=Senders(email=mail, sms=phone, voice=phone), **more)  # type: ignore[arg-type]
    world.sms, world.email = phone, mail
    return world


def per(count: int, window: int = 86_400) -> SendCount:
    return SendCount(count=count, window=Seconds(window))


async def bosses(tenant: str) -> Iterable[tuple[Subject, Contacts]]:
    """Return the people of the host's directory: two administrators, and one other person."""
    people = {"boss": ("admin",), "chief": ("security",), "ann": ("staff",)}
    return [
        (Subject(id, tenant, groups=frozenset(groups)), Contacts(email=f"{id}@desk.example"))
        for id, groups in people.items()
    ]


async def crowd(world: World, numbers: Sequence[str], *, factor: str = "sms") -> list[tuple[Caller, str]]:
    """A subject for each number, from fifty networks, with that number enrolled."""
    keep_store(world.gate)
    found = []
    for place, number in enumerate(numbers):
        subject = Subject(f"u{place:04}", "alpha")
        made = await enrolled(world.gate, subject, factor, phone=number)
        found.append((Caller(subject=subject, handle=f"h{place}", network=f"198.51.100.{place % 50}"), made.id))
    return found


async def press(world: World, people: Sequence[tuple[Caller, str]], *, at_once: int = 32) -> list[Issued | Refusal]:
    """Everybody presses "send", so many at the same moment."""
    gate = asyncio.Semaphore(at_once)

    async def one(caller: Caller, id: str) -> Issued | Refusal:
        async with gate:
            return await world.gate.service.challenges.begin(caller, id)

    return list(await asyncio.gather(*(one(*person) for person in people)))


def reasons(answers: Iterable[Issued | Refusal]) -> Counter[str]:
    return Counter(a.reason if isinstance(a, Refusal) else "sent" for a in answers)


def american(count: int) -> list[str]:
    """List so many different numbers that are set aside for examples."""
    return [f"+1{area}55501{last:02}" for area in (201, 202, 203, 205, 206) for last in range(100)][:count]


@pytest.mark.slow
async def test_a_thousand_press_send(tmp_path: Path) -> None:
    """1,000 people of one tenant press "send", and the money is the bound.

    The store is a real SQLite file. There are 500 numbers, 300 people with one number, and 200 people in a country that
    was blocked after they enrolled. The one number gets at most its ten, and the blocked country gets none. Nobody
    loses an attempt, and the administrators hear of it once. Requirements S-129, F-24.
    """
    limits: dict[str, Any] = {
        "per_destination": per(10),
        "per_range": per(10_000),
        "price": PriceRules(sms=8, voice=14),
        "cap_per_day": Units(2_000),
    }
    world = host(policy=policy(regions=None, **limits), store=f"sqlite:///{tmp_path / 'mfa.db'}", directory=bosses)
    async with running(world):
        numbers = american(500) + [SHARED] * 300 + [f"+44740012{n:04}" for n in range(200)]
        people = await crowd(world, numbers)
        mixed = [people[(place * 7919) % len(people)] for place in range(len(people))]
        world.engine.use_policy(policy(**limits))
        began = time.perf_counter()
        said = reasons(await press(world, mixed))
        took = time.perf_counter() - began
        await world.engine.effects.idle()
        to = Counter(message.to for message in world.sms.messages)
        print(f"1,000 presses in {took:.1f} s: {dict(said)}; {sum(to.values())} texts, {to[SHARED]} to the one number")
        assert sum(to.values()) == said["sent"] == 2_000 // 8
        assert to[SHARED] <= 10
        assert said["phone_region"] == 200
        assert not [number for number in to if not number.startswith("+1")]
        assert said["sent"] + said["too_soon"] + said["factor_unavailable"] + said["phone_region"] == 1_000
        for caller, _ in mixed[::25]:
            account = await world.store.load(caller.subject.key)
            assert account.attempts.used == 0
            assert len(account.sent) == len(account.challenges) <= 1
        assert len(world.kinds("sends.cap_near")) == len(world.kinds("sends.cap_reached")) == 1
        told = Counter(message.to for message in world.email.messages)
        assert set(told) == {"boss@desk.example", "chief@desk.example"}
        trail = (await world.store.events("alpha", kind="challenge.refused", limit=200)).items
        assert len(trail) <= 20, "pressing does not fill the trail"
        again = reasons(await press(world, people[:50]))
        assert not again["sent"], "and all day nothing more"
        world.clock.advance(86_400)
        assert (await press(world, people[:1]))[0].__class__ is Issued, "until the next day"


async def test_one_number_for_text_and_call() -> None:
    """A number is one destination for texts and calls, of all people.

    The digest in its name is no number.
    """
    world = host(policy=policy(per_destination=per(5), per_range=per(1000)))
    async with running(world):
        texts, calls = await crowd(world, [SHARED] * 4), await crowd_of_calls(world, 4)
        said = reasons(await press(world, [*texts, *calls]))
        assert said == {"sent": 5, "too_soon": 3}
        waits = [a.retry_after for a in await press(world, [*texts[:1], *calls[-1:]]) if isinstance(a, Refusal)]
        assert [0 < (wait or 0) <= 86_400 for wait in waits] == [True, True]
        assert not [name for name in buckets(world) if SHARED[3:] in name or "198.51" in name]


def buckets(world: World) -> list[str]:
    return list(world.store._contents.taken)  # type: ignore[attr-defined]


async def crowd_of_calls(world: World, count: int) -> list[tuple[Caller, str]]:
    found = []
    for place in range(count):
        subject = Subject(f"v{place:04}", "alpha")
        made = await enrolled(world.gate, subject, "voice", phone=SHARED)
        found.append((Caller(subject=subject, handle=f"v{place}", network="192.0.2.1"), made.id))
    return found


@pytest.mark.parametrize(
    ("limits", "passes"),
    [
        ({}, 30),
        ({"per_tenant": per(7)}, 7),
        ({"per_range": per(6, 3600)}, 6),
        ({"per_network": per(5, 3600)}, 5),
        ({"per_destination": per(1)}, 30),
        ({"price": PriceRules(sms=3), "cap_per_day": Units(14)}, 4),
        ({"price": PriceRules(voice=3), "cap_per_day": Units(3)}, 30),
    ],
    ids=["none reached", "tenant", "range", "network", "destination", "money", "money of calls"],
)
async def test_each_limit_alone(limits: dict[str, Any], passes: int) -> None:
    """Each limit lets through as many sends as it says, and holds no other tenant's people.

    30 people of one network send to 30 numbers of one range.
    """
    world = host(policy=policy(**limits))
    async with running(world):
        people = [(replace(caller, network="203.0.113.9"), id) for caller, id in await crowd(world, american(30))]
        assert reasons(await press(world, people))["sent"] == passes == len(world.sms.messages)
        other = Subject("zoe", "beta")
        made = await enrolled(world.gate, other, "sms", phone="+12125550150")
        caller = Caller(subject=other, handle="z", network="203.0.113.9")
        assert isinstance(await world.gate.service.challenges.begin(caller, made.id), Issued)


async def test_what_is_refused_uses_up_nothing_else() -> None:
    """S-121: a tenant at its limit does not use up the destinations that it asks for."""
    world = host(policy=policy(per_tenant=per(1), per_destination=per(2)))
    async with running(world):
        people = await crowd(world, [SHARED] * 10)
        assert reasons(await press(world, people)) == {"sent": 1, "too_soon": 9}
        other = Subject("zoe", "beta")
        made = await enrolled(world.gate, other, "sms", phone=SHARED)
        caller = Caller(subject=other, handle="z", network="192.0.2.7")
        assert isinstance(await world.gate.service.challenges.begin(caller, made.id), Issued)


async def test_pages_and_json_are_refused_alike() -> None:
    """A refused send is 429 with Retry-After by JSON, and says when to ask again by page.

    Nothing is sent and no attempt is taken. The page has the other ways.
    """
    world = host(policy=policy(per_tenant=per(1)))
    async with running(world):
        ann, bob = await phone_of(world, "ann"), await phone_of(world, "bob")
        first = await world.browser("ann", sid="x")
        assert (await first.api("POST", "challenge", {"authenticator": ann})).status == 201
        second = await world.browser("bob", sid="y")
        refused = await second.api("POST", "challenge", {"authenticator": bob})
        assert (refused.status, refused.reason) == (429, "too_soon")
        assert 0 < int(refused.header("retry-after")) <= 86_400
        page = await second.form(f"/mfa/challenge/{bob}", {"action": "send"})
        assert page.status == 422
        assert "You can ask again in" in page.text
        assert len(world.sms.messages) == 1
        assert (await world.account("bob")).attempts.used == 0


async def phone_of(world: World, id: str, *, phone: str = SHARED, email: bool = False) -> str:
    """Somebody with a number (and an address) enrolled; the number's authenticator."""
    made = await enrolled(world.gate, Subject(id, "alpha"), "sms", phone=phone)
    if email:
        await enrolled(world.gate, Subject(id, "alpha"), "email")
    return made.id


async def test_at_the_cap_the_telephone_is_off_and_the_rest_goes_on() -> None:
    """At the cap texts are shown as not available, and e-mail is offered and sent instead.

    JSON lists the number and refuses its challenge with a reason of its own. Text notices stop as well. The next day
    everything is back. Requirement F-24.
    """
    rules = policy(price=PriceRules(sms=10, voice=10), cap_per_day=Units(10))
    world = host(policy=rules, directory=bosses)
    async with running(world):
        id = await phone_of(world, "ann", email=True)
        await phone_of(world, "bob", phone="+12125550150")
        assert isinstance((await press(world, [(caller_of("bob"), await authenticator(world, "bob"))]))[0], Issued)
        browser = await world.browser("ann")
        assert (await browser.page("/records")).status == 303
        page = await browser.page("/mfa/challenge")
        assert "Check your email" in page.text, page.text
        assert "Not available right now" in page.text
        assert [m.to for m in world.email.messages if m.code] == ["ann@alpha.example"]
        closed = await browser.page(f"/mfa/challenge/{id}")
        assert "We can’t send anything this way right now" in closed.text
        assert 'value="send"' not in closed.text
        assert (await browser.form(f"/mfa/challenge/{id}", {"action": "send"})).status == 422
        state = (await browser.api("GET", "state")).json()
        assert id in [mine["id"] for mine in state["authenticators"]]
        refused = await browser.api("POST", "challenge", {"authenticator": id})
        assert (refused.status, refused.reason) == (503, "factor_unavailable")
        left = 86_400 - START % 86_400
        assert left - 5 <= int(refused.header("retry-after")) <= left
        assert not await world.gate.service.sending.pay("alpha", "sms")
        assert len(world.sms.messages) == 1
        world.clock.advance(left)
        assert (await browser.api("POST", "challenge", {"authenticator": id})).status == 201


def caller_of(id: str) -> Caller:
    return Caller(subject=Subject(id, "alpha"), handle=f"h-{id}", network="192.0.2.1")


async def authenticator(world: World, id: str) -> str:
    return (await world.account(id)).authenticators[0].id


async def test_warning_first_then_the_end() -> None:
    """At 80 % of the money there is one warning, and at the end one alarm.

    Each goes to every administrator once, with the numbers.
    """
    world = host(policy=policy(price=PriceRules(sms=10), cap_per_day=Units(100), per_range=per(1000)), directory=bosses)
    async with running(world):
        people = await crowd(world, american(14))
        for place, person in enumerate(people):
            await press(world, [person])
            expected = (int(place >= 7), int(place >= 9))
            assert (len(world.kinds("sends.cap_near")), len(world.kinds("sends.cap_reached"))) == expected, place
        await world.engine.effects.idle()
        assert [dict(e.detail) for e in world.kinds("sends.cap_near")] == [{"spent": 80, "cap": 100}]
        subjects = Counter((m.to, m.subject.partition(": ")[2]) for m in world.email.messages)
        assert set(subjects.values()) == {1}
        assert len(subjects) == 4
        assert "Spent: 80\nLimit: 100" in world.email.messages[0].text


@pytest.mark.parametrize(("answered", "alarms"), [(0, 1), (2, 1), (3, 0)])
async def test_many_asked_for_and_few_answered(answered: int, alarms: int) -> None:
    """A day's texts with less than 30 % answered make one alarm, after ten texts.

    There is not one alarm for each text. Requirement S-129.
    """
    rules = policy(unanswered=UnansweredRules(below=30, after=10), per_range=per(1000))
    world = host(policy=rules)
    async with running(world):
        people = await crowd(world, american(14))
        for place, (caller, id) in enumerate(people):
            await press(world, [(caller, id)])
            if place < answered:
                code = world.sms.codes[-1]
                await world.gate.service.verification.verify(
                    caller, handle=f"h{place}", authenticator=id, response=code
                )
        await world.engine.effects.idle()
        assert len(world.kinds("sends.unanswered")) == alarms


# -- the host's own word -------------------------------------------------------------------------------------------------


async def yes(asked: PhoneSend) -> object:
    return True


async def slow(asked: PhoneSend) -> object:
    await asyncio.sleep(60)
    return True


def slow_thread(asked: PhoneSend) -> object:
    time.sleep(2.4)
    return True


async def broken(asked: PhoneSend) -> object:
    raise RuntimeError("the provider of signals is away: +12025550142")


@pytest.mark.parametrize(
    ("hook", "word"),
    [
        (yes, ""),
        (lambda asked: True, ""),
        (lambda asked: "sim-swap", "sim-swap"),
        (lambda asked: None, "refused"),
        (lambda asked: False, "refused"),
        (lambda asked: 1, "refused"),
        (lambda asked: "a\nb", "refused"),
        (broken, "failed"),
        (slow, "timeout"),
        (slow_thread, "timeout"),
    ],
)
async def test_the_host_is_asked_first(hook: object, word: str, caplog: pytest.LogCaptureFixture) -> None:
    """Only a clear yes of ``before_send`` in time lets a text out.

    Every other answer refuses it, is in the trail with its word and without the number, and sends the person another
    way.
    """
    world = host(policy=policy(), before_send=hook)
    world.gate.service.sending.hook_within = 0.3 if word == "timeout" else 30
    async with running(world):
        id = await phone_of(world, "ann", email=True)
        browser = await world.browser("ann")
        reply = await browser.api("POST", "challenge", {"authenticator": id})
        events = world.kinds("challenge.refused")
        if not word:
            assert (reply.status, len(world.sms.messages), events) == (201, 1, [])
            return
        assert (reply.status, reply.reason) == (403, "send_refused")
        assert world.sms.messages == []
        assert [(e.reason, e.detail["word"], e.factor, e.account) for e in events] == [
            ("before_send", word, "sms", "ann")
        ]
        assert reply.json()["ref"] == events[0].id
        assert SHARED not in str(events) + "".join(record.getMessage() for record in caplog.records)
        page = await browser.form(f"/mfa/challenge/{id}", {"action": "send"})
        assert "Choose another method" in page.text
        assert (await world.account()).attempts.used == 0


async def test_a_hook_that_hangs_holds_up_nothing_else() -> None:
    """A ``before_send`` that hangs holds up no other way: it has threads of its own.

    The other ways go on in the event loop's own threads.
    """
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    end = threading.Event()
    world = host(policy=policy(), before_send=lambda asked: end.wait(60))
    world.gate.service.sending.hook_within = 0.2
    try:
        async with running(world):
            id = await phone_of(world, "ann", email=True)
            browser = await world.browser("ann")
            assert (await browser.api("POST", "challenge", {"authenticator": id})).reason == "send_refused"
            mail = {"authenticator": await browser.authenticator("email")}
            assert (await asyncio.wait_for(browser.api("POST", "challenge", mail), 30)).status == 201
    finally:
        end.set()


async def test_the_hooks_threads_end_with_the_gate() -> None:
    """The threads of a plain ``before_send`` stop when the gate is closed.

    An object with an async ``__call__`` runs in no thread, as ``on_event`` does.
    """

    class Later:
        async def __call__(self, asked: PhoneSend) -> object:
            return True

    def threads() -> list[str]:
        return [t.name for t in threading.enumerate() if "before_send" in t.name and t not in before]

    for hook, count in ((Later(), 0), (lambda asked: True, 1)):
        before = threading.enumerate()
        async with running(host(policy=policy(), before_send=hook)) as world:
            id = await phone_of(world, "ann")
            browser = await world.browser("ann")
            assert (await browser.api("POST", "challenge", {"authenticator": id})).status == 201
            assert len(threads()) == count
        until = time.monotonic() + 5
        while threads() and time.monotonic() < until:
            await asyncio.sleep(0.01)
        assert threads() == []


async def test_what_the_host_is_told() -> None:
    """The hook gets the subject, the factor, the whole number and the purpose.

    It is called for texts and calls and for nothing else.
    """
    asked: list[PhoneSend] = []

    def hook(send: PhoneSend) -> object:
        asked.append(send)
        return True

    world = host(policy=policy(), before_send=hook)
    async with running(world):
        browser = await world.browser("ann")
        assert (await browser.api("POST", "enroll", {"factor": "email"})).status == 201
        assert asked == []
        for factor in ("sms", "voice"):
            begun = await browser.api("POST", "enroll", {"factor": factor, "phone": "(202) 555-0142"})
            assert begun.status == 201, begun.text
        told = [(a.subject.id, a.subject.tenant, a.factor, a.number, a.purpose) for a in asked]
        assert told == [("ann", "alpha", "sms", SHARED, "enroll"), ("ann", "alpha", "voice", SHARED, "enroll")]
        assert SHARED not in repr(asked)


# -- a provider in trouble -----------------------------------------------------------------------------------------------


class Paused(Provider):
    """A sender that leaves its provider in peace for now."""

    available = False


async def test_a_provider_in_trouble_is_not_tried() -> None:
    """The factor of a paused provider is not offered first, not sent by itself, and refused.

    The refusal has a reason. If the factor is the only one, the page says so. When the provider is back, so is the
    factor. Requirement S-127.
    """
    paused = Paused()
    world = host(policy=policy(), sms=paused)
    async with running(world):
        id = await phone_of(world, "ann", email=True)
        browser = await world.browser("ann")
        await browser.page("/records")
        page = await browser.page("/mfa/challenge")
        assert "Check your email" in page.text
        assert "Not available right now" in page.text
        assert len(world.email.codes) == 1
        refused = await browser.api("POST", "challenge", {"authenticator": id})
        assert (refused.status, refused.reason, refused.header("retry-after")) == (503, "factor_unavailable", "30")
        assert (await world.account()).challenges[-1].factor == "email"
        alone = await phone_of(world, "bob")
        bob = await world.browser("bob")
        await bob.page("/records")
        page = await bob.page("/mfa/challenge")
        assert "We can’t send anything this way right now" in page.text
        assert paused.messages == []
        paused.available = True
        assert (await bob.api("POST", "challenge", {"authenticator": alone})).status == 201


async def test_a_failure_counts_as_spent() -> None:
    """A send that failed counts as spent: it may have gone out.

    So a provider that fails each time does not make sending free. Requirement F-21.
    """
    world = host(policy=policy(price=PriceRules(sms=10), cap_per_day=Units(20)))
    async with running(world):
        world.sms.failure = SendFailed("timeout", transient=True)
        said = await press(world, await crowd(world, american(5)))
        assert sum(isinstance(a, Issued) and a.failed == "timeout" for a in said) == 2
        assert reasons(said)["factor_unavailable"] == 3
