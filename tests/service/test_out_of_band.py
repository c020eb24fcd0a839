"""The phone's answers, when the account has changed between the look and the answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.model import SubjectKey
from mfa_gate.core.push_subscription import MAX_SUBSCRIPTION
from mfa_gate.core.reasons import Refusal
from mfa_gate.service import Actor, Done
from mfa_gate.stores.memory import MemoryStore
from tests.harness import HOME, Outbox, World, key, make_world, running
from tests.service.meanwhile import before
from tests.web.phones import begin, enrolled, push_policy, push_world

ANN = SubjectKey("alpha", "ann")
PLACE = '{"endpoint": "https://push.example/x"}'


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Ann approves on her phone."""
    async with running(push_world()) as made:
        yield made


async def act(world: World, action: str, *, ticket: str = "") -> None:
    """Do an operator's act on Ann's account."""
    desk = world.gate.service.account_desk
    assert isinstance(await desk.act(Actor(name="operator:eve"), action, ANN, reason="r", ticket=ticket), Done)


@pytest.mark.parametrize("verb", ["approve", "deny", "cancel"])
@pytest.mark.parametrize(
    ("happened", "want"),
    [("lock", (403, "locked")), ("end-sessions", (422, "code_expired")), ("cancelled", (422, "code_expired"))],
)
async def test_an_answer_that_comes_too_late(
    world: World, monkeypatch: pytest.MonkeyPatch, verb: str, happened: str, want: tuple[int, str]
) -> None:
    """After a lock, an end of all sessions or another answer, an answer does nothing.

    It costs no attempt, and the browser that asked does not get in.
    """
    browser, phone, id = await enrolled(world)
    asked = await begin(browser, id)
    world.events.clear()
    shown = phone.body(await phone.look(), asked["number"] if verb == "approve" else "", verb=verb)
    first = phone.body(await phone.look(), "", verb="cancel")

    async def deed() -> None:
        if happened == "cancelled":
            assert (await phone.post("answer", first)).status == 200
        else:
            await act(world, happened)

    done = before(monkeypatch, world, "swap", deed)
    reply = await phone.post("answer", shown)
    assert done
    assert (reply.status, reply.reason) == want
    assert (await world.account()).attempts.used == 0
    assert not world.kinds("challenge.approved")
    assert not world.kinds("challenge.denied")
    collected = {"authenticator": id, "challenge": asked["challenge"], "response": ""}
    assert (await browser.api("POST", "verify", collected)).status >= 400
    assert not await browser.is_in()


@pytest.mark.parametrize("verb", ["deny", "cancel"])
async def test_two_answers_at_once(world: World, monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    """After an approval no denial counts: one answer, one event, one way in."""
    browser, phone, id = await enrolled(world)
    asked = await begin(browser, id)
    world.events.clear()
    shown = phone.body(await phone.look(), "", verb=verb)
    first = phone.body(await phone.look(), asked["number"])

    async def deed() -> None:
        assert (await phone.post("answer", first)).status == 200

    done = before(monkeypatch, world, "swap", deed)
    reply = await phone.post("answer", shown)
    assert done
    assert (reply.status, reply.reason) == (422, "code_already_used")
    assert [event.kind for event in world.events] == ["challenge.approved"]
    collected = {"authenticator": id, "challenge": asked["challenge"], "response": ""}
    assert (await browser.api("POST", "verify", collected)).json()["state"] == "verified"
    assert (await world.account()).attempts.used == 0


@pytest.mark.parametrize("happened", ["reset", "lock"])
async def test_a_phone_that_is_gone_or_locked_says_where_it_is_woken(
    world: World, monkeypatch: pytest.MonkeyPatch, happened: str
) -> None:
    """A phone that was removed meanwhile has no address to keep; a locked one has."""
    _, phone, id = await enrolled(world)
    done = before(monkeypatch, world, "swap", lambda: act(world, happened, ticket="T" if happened == "reset" else ""))
    reply = await phone.wake(PLACE)
    assert done
    account = await world.account()
    if happened == "reset":
        assert (reply.status, reply.reason) == (404, "not_found")
        assert account.authenticators == ()
    else:
        assert reply.status == 200
        assert account.authenticator(id) is not None
        assert account.lock is not None


async def device_of(world: World) -> tuple[Any, str, Any]:
    """Ann's phone, the nonce that it may sign now, and the use cases of its page."""
    _, phone, _ = await enrolled(world)
    use_cases = world.gate.service.out_of_band
    assert use_cases is not None
    return phone, use_cases.nonce(), use_cases


@pytest.mark.parametrize(("age", "is_good"), [(-1, False), (0, True), (119, True), (120, False)])
async def test_a_nonce_is_good_for_two_minutes(world: World, age: int, is_good: bool) -> None:
    """It is judged without being stored.

    An older one, and one of a clock ahead, reads nothing.
    """
    phone, nonce, use_cases = await device_of(world)
    world.clock.advance(age)
    found = await use_cases.waiting(
        device=phone.device, nonce=nonce, signature=phone.sign("waiting", phone.device, nonce)
    )
    assert (found == Refusal(reason="code_expired")) == (not is_good)
    woken = await use_cases.wake_at(
        device=phone.device, nonce=nonce, signature=phone.sign("wake", phone.device, nonce, ""), subscription=""
    )
    assert woken == (None if is_good else Refusal(reason="code_expired"))


@pytest.mark.parametrize("nonce", ["", ".", "12", "-5.x", "٧.x", "1" * 13 + ".x", "{now}.x", "{now}"])
async def test_a_nonce_that_we_did_not_make(world: World, nonce: str) -> None:
    """Whatever stands there, nothing is read."""
    phone, _, use_cases = await device_of(world)
    nonce = nonce.format(now=world.engine.now())
    signature = phone.sign("waiting", phone.device, nonce)
    assert await use_cases.waiting(device=phone.device, nonce=nonce, signature=signature) == Refusal(
        reason="code_expired"
    )


async def test_what_a_phone_is_told(world: World) -> None:
    """Its own requests that wait, with place, browser and times, and nothing of others."""
    browser, phone, id = await enrolled(world)
    await begin(browser, id)
    use_cases = world.gate.service.out_of_band
    assert use_cases is not None
    nonce = use_cases.nonce()
    signature = phone.sign("waiting", phone.device, nonce)
    found: Any = await use_cases.waiting(device=phone.device, nonce=nonce, signature=signature)
    (challenge,) = [c for c in (await world.account()).challenges if c.factor == "push" and not c.spent_at]
    (request,) = found.requests
    assert (request.id, request.purpose, request.at, request.expires_at) == (
        challenge.id,
        "sign-in",
        challenge.issued_at,
        challenge.expires_at,
    )
    assert (request.where, bool(request.agent)) == (str(challenge.data["where"]), bool(challenge.data["agent"]))
    assert (found.subject, found.nonce) == (str(ANN), nonce)
    assert (found.device.token, found.device.tenant, found.device.service) == (phone.device, "alpha", "Example")
    world.clock.at = challenge.expires_at - 1
    nonce = use_cases.nonce()
    found = await use_cases.waiting(
        device=phone.device, nonce=nonce, signature=phone.sign("waiting", phone.device, nonce)
    )
    assert len(found.requests) == 1
    world.clock.advance(1)
    found = await use_cases.waiting(
        device=phone.device, nonce=nonce, signature=phone.sign("waiting", phone.device, nonce)
    )
    assert found.requests == ()


async def test_who_is_no_device_of_ours(world: World) -> None:
    """An unknown token, another key and a made-up picture are refused.

    The trail has the network.
    """
    phone, nonce, use_cases = await device_of(world)
    named = {"nonce": nonce, "signature": "x"}
    assert await use_cases.waiting(device="none", **named) == Refusal(reason="not_found")
    assert await use_cases.wake_at(device="none", subscription="", **named) == Refusal(reason="not_found")
    world.events.clear()
    for refused in (
        await use_cases.waiting(device=phone.device, address="192.0.2.9", **named),
        await use_cases.wake_at(device=phone.device, subscription="", address="192.0.2.9", **named),
    ):
        assert (refused.reason, bool(refused.ref)) == ("not_allowed", True)
    joined = await use_cases.join(token="none", key="k", signature="s", label="l", address="192.0.2.9")
    assert joined.reason == "code_expired"
    assert use_cases.tenant_of("none") is None
    await world.engine.effects.idle()
    told = [(event.account, event.reason, event.network, event.factor) for event in world.kinds("attempt.refused")]
    assert told == [
        ("ann", "not_allowed", "192.0.2.9", "push"),
        ("ann", "not_allowed", "192.0.2.9", "push"),
        ("", "not_found", "192.0.2.9", "push"),
    ]
    long = "x" * (MAX_SUBSCRIPTION + 1)
    for subscription in (long, "no place"):
        signed = phone.sign("wake", phone.device, nonce, subscription)
        assert await use_cases.wake_at(
            device=phone.device, nonce=nonce, signature=signed, subscription=subscription
        ) == Refusal(reason="malformed", member="subscription")
    several = await use_cases.waiting(device=phone.device, nonce=nonce, signature=phone.sign("waiting", "a\nb", nonce))
    assert several.reason == "not_allowed"


async def test_the_key_of_a_phones_token_is_kept_once() -> None:
    """The id of the newest key is kept, also if the phone shows an older token again.

    Another write for each look would fill the store, and ``keys rotate`` would count a phone that has moved on.
    """
    store = MemoryStore()
    async with running(make_world(store=store, keys=[key(1)], policy=push_policy())) as world:
        _, phone, id = await enrolled(world)
    later = make_world(store=store, keys=[key(2), key(1)], policy=push_policy())
    newest, oldest = later.engine.keyring.ids
    async with running(later):
        use_cases = later.gate.service.out_of_band
        assert use_cases is not None

        async def kept(device: str) -> tuple[int, str]:
            nonce = use_cases.nonce()
            signature = phone.sign("waiting", device, nonce)
            looked: Any = await use_cases.waiting(device=device, nonce=nonce, signature=signature)
            account = await later.account()
            mine = account.authenticator(id)
            assert mine is not None
            phone.device = looked.device.token
            return account.version, use_cases.part.key_id_of(mine.data)

        old = phone.device
        version, named = await kept(old)
        assert named == oldest
        assert later.engine.keyring.key_of(phone.device) == newest
        assert await kept(phone.device) == (version + 1, newest)
        assert await kept(old) == (version + 1, newest)
        assert await kept(phone.device) == (version + 1, newest)


async def test_a_word_with_a_line_end_is_signed_by_nobody(world: World) -> None:
    """Words are signed line by line, so one that holds a line end could be read as two."""
    browser, phone, id = await enrolled(world)
    asked = await begin(browser, id)
    challenge = next(c for c in (await world.account()).challenges if c.id == asked["challenge"])
    use_cases = world.gate.service.out_of_band
    assert use_cases is not None
    words = ("deny", challenge.id, "7\n7", str(ANN), str(challenge.expires_at))
    given = {"device": phone.device, "request": challenge.id, "verb": "deny", "address": HOME}
    refused = await use_cases.answer(number="7\n7", signature=phone.sign(*words), **given)
    assert refused is not None
    assert refused.reason == "not_allowed"
    words = ("deny", challenge.id, "77", str(ANN), str(challenge.expires_at))
    assert await use_cases.answer(number="77", signature=phone.sign(*words), **given) is None


async def test_the_sender_says_if_it_would_wake_a_phone(world: World) -> None:
    """One that says nothing about places takes each that is well formed."""

    class Choosing(Outbox):
        def takes(self, to: str, /) -> bool:
            return "good" in to

    use_cases = world.gate.service.out_of_band
    assert use_cases is not None
    good = PLACE.replace("push.example", "good.example")
    for push, taken in ((Outbox(), [True, True, False]), (Choosing(), [True, False, False])):
        world.engine.wiring = replace(world.engine.wiring, senders=replace(world.engine.wiring.senders, push=push))
        assert [use_cases._can_wake(place) for place in (good, PLACE, "no place")] == taken


@pytest.mark.parametrize(("size", "reason"), [(MAX_SUBSCRIPTION, "not_allowed"), (MAX_SUBSCRIPTION + 1, "malformed")])
async def test_the_longest_place_of_a_push_service(world: World, size: int, reason: str) -> None:
    """A longer one is not even verified."""
    phone, nonce, use_cases = await device_of(world)
    refused = await use_cases.wake_at(device=phone.device, nonce=nonce, signature="x", subscription="x" * size)
    assert refused is not None
    assert refused.reason == reason
