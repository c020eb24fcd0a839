"""Approving on the phone: one phone answers once, for the browser that asked.

All other answers are refused.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from mfa_gate import Contacts, Senders, Subject
from mfa_gate.core.model import Account
from mfa_gate.errors import SendFailed
from tests.harness import FETCH, JSON, ORIGIN, PAGE, Browser, Outbox, World, call, http_scope, make_world, running

from .phones import Phone, b64, begin, enrolled, other, push_policy, push_world


async def collect(browser: Browser, id: str, challenge: str) -> Any:
    """Collect the approval from the browser that asked."""
    return await browser.api("POST", "verify", {"authenticator": id, "challenge": challenge, "response": ""})


async def status(browser: Browser, challenge: str) -> str:
    """Return the status that the waiting page is told."""
    return str((await browser.api("GET", f"challenge/{challenge}")).json()["status"])


async def nothing_happened(world: World, browser: Browser, challenge: str) -> Account:
    """The request still waits, and nobody is in."""
    assert await status(browser, challenge) == "pending"
    assert not await browser.is_in()
    return await world.account(browser.id)


async def test_the_right_number_on_the_phone_opens_the_app() -> None:
    """The right number on the phone opens the app in the browser that asked.

    The browser shows a number and the phone types it. The browser has a proof, and no attempt was used.
    """
    world = push_world()
    async with running(world):
        browser, phone, id = await enrolled(world)
        asked = await begin(browser, id)
        assert len(asked["number"]) == 2
        assert (await phone.approve(asked["number"])).status == 200
        assert await status(browser, asked["challenge"]) == "approved"
        assert not await browser.is_in(), "an approval is not a proof until the browser collects it"
        assert (await collect(browser, id, asked["challenge"])).json()["state"] == "verified"
        assert await browser.is_in()
        assert (await world.account()).attempts.used == 0
        assert world.kinds("challenge.approved")


async def test_the_phone_is_told_who_where_and_when_but_never_the_number() -> None:
    """The phone is told the person, the network, the browser and the time.

    Nothing that it can fetch has the number in it. Requirement S-95.
    """
    world = push_world(digits=6)
    async with running(world):
        browser, phone, id = await enrolled(world)
        agent = ("user-agent", "Mozilla/5.0 (Windows NT 10.0) Firefox/140.0")
        headers = [*FETCH, ("origin", ORIGIN), ("x-mfa-gate", "1"), JSON, agent]
        asked = (await browser.api("POST", "challenge", {"authenticator": id}, headers=headers)).json()
        found = await phone.look()
        assert asked["number"] not in str(found)
        (request,) = found["requests"]
        assert (found["person"], request["where"], request["agent"]) == ("Ann", "203.0.113.7", "Firefox on Windows")
        polled = await browser.api("GET", f"challenge/{asked['challenge']}")
        assert polled.json() == {"status": "pending"}


async def test_the_page_shows_the_number_and_waits() -> None:
    """The page without script shows the number and a button, and "not yet" costs nothing.

    After the approval the button leads on.
    """
    world = push_world()
    async with running(world):
        browser, phone, id = await enrolled(world)
        await browser.page("/records", headers=PAGE)
        sent = await browser.form(f"/mfa/challenge/{id}", {"action": "send"})
        assert sent.status == 303
        page = await browser.page(f"/mfa/challenge/{id}")
        challenge = (await world.account()).challenges[-1]
        number = world.gate.service.challenges.face(_caller(browser, challenge), await world.account(), challenge)[
            "number"
        ]
        assert f'<p class="number" dir="ltr">{number}</p>' in page.text
        assert f'data-poll="/mfa/api/challenge/{challenge.id}"' in page.text
        early = await browser.form(f"/mfa/challenge/{id}", {"action": "check", "challenge": challenge.id})
        assert early.status == 422
        assert number in early.text
        await phone.approve(number)
        done = await browser.form(f"/mfa/challenge/{id}", {"action": "check", "challenge": challenge.id})
        assert (done.status, done.location) == (303, "/records#")


def _caller(browser: Browser, challenge: Any) -> Any:
    from mfa_gate import Subject
    from mfa_gate.core.model import Caller

    return Caller(subject=Subject(id=browser.id, tenant=browser.tenant), handle=challenge.browser, network="")


# -- numbers -----------------------------------------------------------------------------------------------------------


async def test_a_wrong_number_costs_an_attempt_and_approves_nothing() -> None:
    """S-98: each wrong number is charged; the seventh locks the account."""
    world = push_world()
    async with running(world):
        browser, phone, id = await enrolled(world)
        asked = await begin(browser, id)
        for used in range(1, 7):
            reply = await phone.approve(other(asked["number"]))
            assert (reply.reason, reply.json()["attempts_remaining"]) == ("wrong_code", 7 - used)
        account = await nothing_happened(world, browser, asked["challenge"])
        assert account.attempts.used == 6
        assert (await phone.approve(other(asked["number"]))).json()["attempts_remaining"] == 0
        assert (await world.account()).lock is not None
        assert (await phone.look())["requests"] == []


async def test_a_hundred_wrong_numbers_at_once_are_seven() -> None:
    """S-31: attempts are charged before anything is compared, also on the phone's way in."""
    world = push_world()
    async with running(world):
        browser, phone, id = await enrolled(world)
        asked = await begin(browser, id)
        body = phone.body(await phone.look(), other(asked["number"]))
        replies = await asyncio.gather(*(phone.post("answer", body) for _ in range(40)))
        assert sum(reply.reason == "wrong_code" for reply in replies) == 7
        assert (await world.account()).lock is not None


@pytest.mark.parametrize("number", ["", "4", "123", "ab", "  ", "4 ", "-7", "٤", "99999999999"])
async def test_without_a_number_nothing_is_approved(number: str) -> None:
    """An answer without a number of the right length is malformed.

    Nothing is compared and nothing is charged.
    """
    world = push_world()
    async with running(world):
        browser, phone, id = await enrolled(world)
        asked = await begin(browser, id)
        reply = await phone.approve(number)
        assert reply.reason in ("malformed", "too_soon")
        assert (await nothing_happened(world, browser, asked["challenge"])).attempts.used == 0


async def test_a_number_typed_with_spaces_is_the_number() -> None:
    """A number with spaces or digits of another script is read as people mean it.

    The signature is over the text as it was sent.
    """
    world = push_world(digits=6)
    async with running(world):
        browser, phone, id = await enrolled(world)
        asked = await begin(browser, id)
        spelled = f" {asked['number'][:3]} {asked['number'][3:]}"
        assert (await phone.approve(spelled)).status == 200


# -- whose request, and when -------------------------------------------------------------------------------------------


async def test_an_approval_of_one_request_is_none_of_another() -> None:
    """An approval of one request is refused for another one, and costs nothing.

    The signature names the request. Requirement S-96.
    """
    world = push_world()
    async with running(world):
        browser, phone, id = await enrolled(world)
        first = await begin(browser, id)
        old = phone.body(await phone.look(), first["number"])
        second = await begin(browser, id)
        reply = await phone.post("answer", {**old, "request": second["challenge"], "number": second["number"]})
        assert reply.status == 403
        assert (await phone.post("answer", old)).reason == "code_expired"
        assert (await nothing_happened(world, browser, second["challenge"])).attempts.used == 0


async def test_the_phone_of_one_person_answers_no_other() -> None:
    """Bob's phone neither sees nor answers Ann's request, under the name of either phone."""
    world = push_world()
    async with running(world):
        ann, ann_phone, id = await enrolled(world)
        _, bob_phone, _ = await enrolled(world, "bob")
        asked = await begin(ann, id)
        seen = await ann_phone.look()
        assert (await bob_phone.look())["requests"] == []
        for device in (bob_phone.device, ann_phone.device):
            body = {**bob_phone.body(seen, asked["number"]), "device": device}
            assert (await bob_phone.post("answer", body)).status in (403, 422)
        assert (await nothing_happened(world, ann, asked["challenge"])).attempts.used == 0


async def test_another_phone_of_the_same_person_answers_nothing() -> None:
    """A second enrolled phone does not see the request of the first, and cannot answer it."""
    world = push_world()
    async with running(world):
        browser, phone, id = await enrolled(world)
        asked = await begin(browser, id)
        await phone.approve(asked["number"])
        await collect(browser, id, asked["challenge"])
        begun = (await browser.api("POST", "enroll", {"factor": "push"})).json()
        second = Phone(world)
        await second.join(begun["uri"])
        await second.approve(begun["number"])
        await browser.api("POST", "enroll/confirm", {"enrollment": begun["enrollment"], "response": ""})
        world.clock.advance(3600)
        later = await world.browser(sid="third")
        asked = await begin(later, id)
        assert (await second.look())["requests"] == []
        body = {**second.body(await phone.look(), asked["number"])}
        assert (await second.post("answer", body)).status == 422
        await nothing_happened(world, later, asked["challenge"])


async def test_after_its_minute_a_request_cannot_be_approved() -> None:
    """S-97: sixty seconds, to the second."""
    world = push_world()
    async with running(world):
        browser, phone, id = await enrolled(world)
        asked = await begin(browser, id)
        body = phone.body(await phone.look(), asked["number"])
        world.clock.advance(60)
        assert (await phone.post("answer", body)).reason == "code_expired"
        assert await status(browser, asked["challenge"]) == "expired"
        assert (await collect(browser, id, asked["challenge"])).reason == "code_expired"


async def test_an_answer_counts_once() -> None:
    """An answer counts once, and the state never moves back.

    A second answer is refused, and so is a replay with the old signature after the browser is in.
    """
    world = push_world()
    async with running(world):
        browser, phone, id = await enrolled(world)
        asked = await begin(browser, id)
        found = await phone.look()
        body, no = phone.body(found, asked["number"]), phone.body(found, "", verb="deny")
        assert (await phone.post("answer", body)).status == 200
        for again in (body, no):
            assert (await phone.post("answer", again)).status in (403, 422)
        assert await status(browser, asked["challenge"]) == "approved"
        assert (await collect(browser, id, asked["challenge"])).status == 200
        assert (await phone.post("answer", body)).status in (403, 422)
        world.clock.advance(86_400 * 8)
        later = await begin(browser, id)
        assert (await phone.post("answer", {**body, "request": later["challenge"]})).status == 403
        await nothing_happened(world, browser, later["challenge"])


async def test_only_the_browser_that_asked_is_freed() -> None:
    """S-96: another browser of the same person, which knows the challenge, gets nothing."""
    world = push_world()
    async with running(world):
        browser, phone, id = await enrolled(world)
        asked = await begin(browser, id)
        thief = await world.browser(sid="stolen", address="192.0.2.66")
        await phone.approve(asked["number"])
        assert (await collect(thief, id, asked["challenge"])).reason == "nothing_sent"
        assert (await thief.api("GET", f"challenge/{asked['challenge']}")).status == 404
        assert not await thief.is_in()
        assert (await collect(browser, id, asked["challenge"])).status == 200


# -- signatures --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "bend",
    [
        {"signature": ""},
        {"signature": "A" * 86},
        {"signature": "A" * 85},
        {"signature": "é" * 86},
        {"signature": "not base64!"},
        {"number": "00"},
        {"verb": "deny"},
        {"verb": "APPROVE"},
        {"device": ""},
        {"device": "x" * 3000},
        {"device": "é"},
        {"request": ""},
        {"request": "../x"},
    ],
)
async def test_what_is_not_signed_as_it_is_sent_is_refused(bend: dict[str, str]) -> None:
    """An answer with a part that was changed after signing is refused.

    Nothing is accepted, nothing is charged, and nothing fails.
    """
    world = push_world()
    async with running(world):
        browser, phone, id = await enrolled(world)
        asked = await begin(browser, id)
        body = phone.body(await phone.look(), "01" if asked["number"] == "00" else asked["number"]) | bend
        reply = await phone.post("answer", body)
        assert reply.status in (403, 404, 422), reply.text
        assert (await nothing_happened(world, browser, asked["challenge"])).attempts.used == 0


@pytest.mark.parametrize("place", ["subject", "expires", "host"])
async def test_the_signature_is_over_subject_end_and_site(place: str) -> None:
    """An approval that was signed for another subject, another end or another site is none."""
    world = push_world()
    async with running(world):
        browser, phone, id = await enrolled(world)
        asked = await begin(browser, id)
        found = await phone.look()
        if place == "subject":
            found["subject"] = "alpha/bob"
        elif place == "expires":
            found["requests"][0]["expires"] = "9999999999"
        else:
            phone.host = "localhost.evil.example"
        assert (await phone.post("answer", phone.body(found, asked["number"]))).status == 403
        await nothing_happened(world, browser, asked["challenge"])


async def test_another_key_is_another_phone() -> None:
    """The device's token without its key is worth nothing: it neither reads nor answers."""
    world = push_world()
    async with running(world):
        browser, phone, id = await enrolled(world)
        asked = await begin(browser, id)
        seen = await phone.look()
        thief = Phone(world, device=phone.device)
        assert "requests" not in await thief.look()
        assert (await thief.post("answer", thief.body(seen, asked["number"]))).status == 403
        await nothing_happened(world, browser, asked["challenge"])


@pytest.mark.parametrize("nonce", ["", "x", "1750086400.", "1750086400.abc", "-1.x", "٣.x", "9" * 400])
async def test_an_old_or_made_up_nonce_reads_nothing(nonce: str) -> None:
    """The waiting requests are told only over a fresh nonce of ours."""
    world = push_world()
    async with running(world):
        browser, phone, id = await enrolled(world)
        await begin(browser, id)
        signature = phone.sign("waiting", phone.device, nonce)
        reply = await phone.post("waiting", {"device": phone.device, "nonce": nonce, "signature": signature})
        assert reply.reason == "code_expired"
        good = (await phone.post("nonce", {})).json()["nonce"]
        signature = phone.sign("waiting", phone.device, good)
        world.clock.advance(120)
        reply = await phone.post("waiting", {"device": phone.device, "nonce": good, "signature": signature})
        assert reply.reason == "code_expired"


# -- how many, and no --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at_once", [False, True])
async def test_of_twenty_requests_three_go_out(at_once: bool) -> None:
    """S-97: three in a quarter of an hour, one live at a time; the fourth says when."""
    world = push_world()
    async with running(world):
        browser, phone, id = await enrolled(world)
        ask = [browser.api("POST", "challenge", {"authenticator": id}) for _ in range(20)]
        replies = list(await asyncio.gather(*ask)) if at_once else [await one for one in ask]
        assert sorted(reply.status for reply in replies) == [201] * 3 + [429] * 17
        assert len(world.kinds("challenge.sent")) == 3
        assert len((await phone.look())["requests"]) == 1
        late = next(reply for reply in replies if reply.status == 429)
        assert 0 < late.json()["retry_after"] <= 900
        world.clock.advance(900)
        assert (await browser.api("POST", "challenge", {"authenticator": id})).status == 201


async def test_a_no_stops_further_requests_and_tells() -> None:
    """After a denial no request goes out for an hour, and the browser is told.

    The trail has an alarm. The tenant's administrators get one mail each that names the account. Nobody else gets one.
    Requirement S-97.
    """

    async def directory(tenant: str) -> list[tuple[Subject, Contacts]]:
        people = {"boss": {"admin"}, "sam": {"security"}, "tim": {"staff"}}
        known = [
            (Subject(id, tenant, groups=frozenset(groups)), Contacts(email=f"{id}@desk.example"))
            for id, groups in people.items()
        ]
        return [*known, (Subject("eve", "beta", groups=frozenset({"admin"})), Contacts(email="eve@desk.example"))]

    world = push_world(directory=directory)
    async with running(world):
        browser, phone, id = await enrolled(world)
        asked = await begin(browser, id)
        assert (await phone.deny()).status == 200
        assert await status(browser, asked["challenge"]) == "denied"
        assert (await collect(browser, id, asked["challenge"])).reason == "denied"
        (event,) = world.kinds("challenge.denied")
        assert event.detail["alarm"]
        await world.engine.effects.idle()
        mails = [m for m in world.email.messages if "denied on the phone" in m.subject]
        assert sorted(m.to for m in mails) == ["boss@desk.example", "sam@desk.example"]
        assert "Account: ann" in mails[0].text
        assert f"Reference: {event.id}" in mails[0].text
        timeless = [line for line in mails[0].text.splitlines() if not line.startswith("When:")]
        assert asked["number"] not in " ".join(timeless).split()
        assert (await world.account()).attempts.used == 0
        world.clock.advance(3000)
        refused = await browser.api("POST", "challenge", {"authenticator": id})
        assert (refused.status, refused.json()["retry_after"]) == (429, 600)
        world.clock.advance(600)
        assert (await browser.api("POST", "challenge", {"authenticator": id})).status == 201


@pytest.mark.parametrize("end", ["time", "another way"])
async def test_a_no_that_comes_late_counts(end: str) -> None:
    """A denial alarms and stops further requests although the request has ended.

    Its minute is over, or the browser that asked was let in by another factor, which may be the attacker's (S-97).
    """
    world = push_world()
    async with running(world):
        browser, phone, id = await enrolled(world)
        first = await begin(browser, id)
        await phone.approve(first["number"])
        await collect(browser, id, first["challenge"])
        await browser.enroll()
        world.clock.advance(1800)
        thief = await world.browser("ann", sid="thief")
        await begin(thief, id)
        found = await phone.look()
        no, own = phone.body(found, "", verb="deny"), phone.body(found, "", verb="cancel")
        if end == "time":
            world.clock.advance(61)
        else:
            assert (await thief.prove(browser.secret)).status == 200
        world.events.clear()
        assert (await phone.post("answer", own)).status == 422
        assert world.kinds("challenge.denied") == []
        assert (await phone.post("answer", no)).status == 200
        (event,) = world.kinds("challenge.denied")
        assert event.detail["alarm"]
        assert (await phone.post("answer", no)).reason == "code_already_used"
        assert (await world.account()).quiet_until
        world.clock.advance(1800)
        other = await world.browser("ann", sid="other")
        assert (await other.api("POST", "challenge", {"authenticator": id})).status == 429


async def test_canceling_ones_own_request_alarms_nobody() -> None:
    """The browser is told as after a denial, and the next request goes to the phone at once."""
    world = push_world()
    async with running(world):
        browser, phone, id = await enrolled(world)
        asked = await begin(browser, id)
        assert (await phone.deny(verb="cancel")).status == 200
        assert await status(browser, asked["challenge"]) == "denied"
        assert world.kinds("challenge.denied") == []
        (event,) = world.kinds("challenge.cancelled")
        assert "alarm" not in event.detail
        assert (await browser.api("POST", "challenge", {"authenticator": id})).status == 201


async def test_requests_to_the_phone_do_not_use_up_the_days_codes() -> None:
    """Ten requests on one day leave the e-mail codes of that day untouched: they cost nothing."""
    world = push_world()
    async with running(world):
        browser, phone, id = await enrolled(world)
        asked = await begin(browser, id)
        await phone.approve(asked["number"])
        await collect(browser, id, asked["challenge"])
        mail = await browser.enroll_email()
        for _ in range(12):
            world.clock.advance(400)
            await begin(browser, id)
        assert (await browser.api("POST", "challenge", {"authenticator": mail})).status == 201


# -- enrollment --------------------------------------------------------------------------------------------------------


async def test_the_picture_serves_one_phone() -> None:
    """The first phone that scans it is bound; the same picture is then void for every other.

    The same phone may join again: its first answer may be lost. The last answer counts, and only until the try-out.
    """
    world = push_world()
    async with running(world):
        browser = await world.browser()
        begun = (await browser.api("POST", "enroll", {"factor": "push"})).json()
        assert begun["uri"].startswith(f"{ORIGIN}/mfa/approve#e=")
        first, second = Phone(world), Phone(world)
        assert (await first.join(begun["uri"])).status == 201
        assert (await second.join(begun["uri"])).reason == "code_expired"
        lost = first.device
        assert (await first.join(begun["uri"])).status == 201
        assert first.device != lost
        assert (await first.approve(begun["number"])).status == 200
        confirm = {"enrollment": begun["enrollment"], "response": ""}
        assert (await browser.api("POST", "enroll/confirm", confirm)).status == 201
        assert (await first.join(begun["uri"])).reason == "code_expired"
        assert set((await world.account()).authenticators[0].data) == {"device", "key", "phone", "token_key"}


async def test_two_phones_at_once_are_one() -> None:
    """A race for the same picture has one winner."""
    world = push_world()
    async with running(world):
        browser = await world.browser()
        uri = (await browser.api("POST", "enroll", {"factor": "push"})).json()["uri"]
        replies = await asyncio.gather(*(Phone(world).join(uri) for _ in range(6)))
        assert sorted(reply.status for reply in replies) == [201] + [422] * 5


async def test_a_scanned_phone_does_not_count_before_the_try_out() -> None:
    """Without the number typed on the phone nothing is enrolled, and asking is free."""
    world = push_world()
    async with running(world):
        browser, phone = await world.browser(), Phone(world)
        begun = (await browser.api("POST", "enroll", {"factor": "push"})).json()
        confirm = {"enrollment": begun["enrollment"], "response": ""}
        assert (await browser.api("POST", "enroll/confirm", confirm)).reason == "pending"
        await phone.join(begun["uri"])
        assert (await browser.api("POST", "enroll/confirm", confirm)).reason == "pending"
        assert (await phone.approve(other(begun["number"]))).reason == "wrong_code"
        account = await world.account()
        assert (account.authenticators, account.attempts.used) == ((), 1)
        await phone.approve(begun["number"])
        done = await browser.api("POST", "enroll/confirm", confirm)
        assert done.json()["authenticator"]["label"] == "Chrome on Android"
        assert await browser.is_in()


async def test_a_picture_ends_after_ten_minutes() -> None:
    """A phone that comes later is refused."""
    world = push_world()
    async with running(world):
        browser = await world.browser()
        uri = (await browser.api("POST", "enroll", {"factor": "push"})).json()["uri"]
        world.clock.advance(600)
        assert (await Phone(world).join(uri)).reason == "code_expired"


P384 = ec.generate_private_key(ec.SECP384R1())


@pytest.mark.parametrize(
    "bend",
    [
        {"signature": "A" * 86},
        {"key": ""},
        {"key": "A" * 87},
        {"key": b64(b"\x04" + b"\x01" * 64)},
        {"key": b64(b"\x02" + b"\x01" * 32)},
        {"key": "é"},
        {"token": "x"},
        {"token": ""},
    ],
)
async def test_a_key_that_cannot_sign_is_not_bound(bend: dict[str, str]) -> None:
    """A key that is no point of the curve, or without possession or our token, is refused.

    The picture still serves the right phone.
    """
    world = push_world()
    async with running(world):
        browser = await world.browser()
        uri = (await browser.api("POST", "enroll", {"factor": "push"})).json()["uri"]
        assert (await Phone(world).join(uri, **bend)).status in (403, 422)
        assert (await Phone(world).join(uri)).status == 201


async def test_a_removed_phone_is_a_stranger() -> None:
    """After its authenticator is gone the phone reads and answers nothing."""
    world = push_world()
    async with running(world):
        browser, phone, id = await enrolled(world)
        asked = await begin(browser, id)
        await phone.approve(asked["number"])
        await collect(browser, id, asked["challenge"])
        await browser.enroll_email()
        asked = await begin(browser, id)
        body = phone.body(await phone.look(), asked["number"])
        assert (await browser.api("DELETE", f"authenticators/{id}")).status == 204
        assert (await phone.look())["reason"] == "not_found"
        assert (await phone.post("answer", body)).status == 404


async def test_a_phone_is_woken_and_told_nothing_else() -> None:
    """The push says only that somebody waits; number, place and person stay with us.

    A push that fails harms nothing.
    """
    outbox = Outbox()
    world = make_world(policy=push_policy(digits=6), senders=Senders(email=Outbox(), sms=Outbox(), push=outbox))
    async with running(world):
        browser, phone, id = await enrolled(world)
        assert outbox.messages == []
        subscription = '{"endpoint": "https://push.example/x"}'
        assert (await phone.wake(subscription)).status == 200
        asked = await begin(browser, id)
        (message,) = outbox.messages
        assert (message.to, message.code) == (subscription, "")
        assert asked["number"] not in message.text + message.subject
        assert "push.example" not in str(await world.account())
        outbox.failure = SendFailed("unreachable", transient=True)
        asked = await begin(browser, id)
        assert await status(browser, asked["challenge"]) == "pending"
        assert (await phone.approve(asked["number"])).status == 200
        assert (await phone.wake("")).status == 200
        await collect(browser, id, asked["challenge"])
        await begin(browser, id)
        assert len(outbox.messages) == 1


async def test_only_the_phone_says_where_it_is_woken() -> None:
    """Another key cannot turn the pushes elsewhere, and too long an address is refused."""
    world = push_world()
    async with running(world):
        _, phone, _ = await enrolled(world)
        thief = Phone(world, device=phone.device)
        assert (await thief.wake("{}")).status == 403
        assert (await phone.wake("x" * 3000)).reason == "malformed"


@pytest.mark.parametrize(
    "subscription",
    [
        "x",
        "{}",
        '{"endpoint": 1}',
        '{"endpoint": "https://192.0.2.9\\\\@push.example/x"}',
        '{"endpoint": "https://192.0.2.9/x"}',
        '{"endpoint": "https://[2001:db8::1]/x"}',
        '{"endpoint": "https://push.example:1/x"}',
        '{"endpoint": "https://someone@push.example/x"}',
        '{"endpoint": "https://PUSH.example/x"}',
        '{"endpoint": "https://push.example./x"}',
        '{"endpoint": "https://bücher.example/x"}',
        '{"endpoint": "https://3221225993/x"}',
        '{"endpoint": "https://0xc0.0.2.9/x"}',
        '{"endpoint": "https://push.example/x", "keys": {"p256dh": "\\n", "auth": 1}}',
    ],
)
async def test_an_odd_place_to_be_woken_at_is_not_kept(subscription: str) -> None:
    """A text that is no address of a push service is refused when the phone names it."""
    world = push_world()
    async with running(world):
        _, phone, id = await enrolled(world)
        assert (await phone.wake(subscription)).reason == "malformed"
        authenticator = (await world.account()).authenticator(id)
        assert authenticator is not None
        assert "wake" not in authenticator.data


# -- the address -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["nonce", "join", "waiting", "answer", "wake"])
@pytest.mark.parametrize(
    ("headers", "body", "reasons"),
    [
        ([*FETCH, ("origin", ORIGIN), JSON], b"{}", {"csrf"}),
        ([("x-mfa-gate", "1"), ("origin", "https://evil.example"), JSON], b"{}", {"csrf"}),
        ([("x-mfa-gate", "1"), ("content-type", "text/plain")], b"{}", {"media_type"}),
        ([("x-mfa-gate", "1"), JSON], b"[]", {"malformed"}),
        ([("x-mfa-gate", "1"), JSON], b'{"device": 1}', {"malformed"}),
        ([("x-mfa-gate", "1"), JSON], b'{"a": "b"}', {"malformed"}),
        ([("x-mfa-gate", "1"), JSON], b"\xff", {"malformed"}),
        ([("x-mfa-gate", "1"), JSON], b'{"device": "' + b"x" * 20_000 + b'"}', {"too_large"}),
    ],
)
async def test_the_addresses_take_one_shape_only(
    name: str, headers: list[tuple[str, str]], body: bytes, reasons: set[str]
) -> None:
    """The addresses take only JSON from our own page, with exactly the documented texts.

    All else is refused before it is looked at.
    """
    world = push_world()
    async with running(world):
        reply = await Phone(world).post(name, body, headers=headers)
        assert reply.reason in reasons


@pytest.mark.parametrize("path", ["/mfa/approve", "/mfa/approve/manifest.webmanifest", "/mfa/approve/worker.js"])
async def test_the_page_and_its_files_need_no_sign_in(path: str) -> None:
    """The phone's browser gets the page, its manifest and its worker without any sign-in.

    POST is not served.
    """
    world = push_world()
    async with running(world):
        reply = await call(world.app, http_scope("GET", path, headers=PAGE))
        assert reply.status == 200
        assert reply.header("cache-control") == "no-store"
        assert reply.cookies == {}
        assert (await call(world.app, http_scope("POST", path, headers=PAGE))).status == 405


async def test_the_worker_may_look_after_the_page_only() -> None:
    """Its scope is the page's own address; the manifest begins there as well."""
    world = push_world()
    async with running(world):
        worker = await call(world.app, http_scope("GET", "/mfa/approve/worker.js"))
        assert worker.header("service-worker-allowed") == "/mfa/approve"
        manifest = await call(world.app, http_scope("GET", "/mfa/approve/manifest.webmanifest"))
        assert (manifest.json()["scope"], manifest.json()["start_url"]) == ("/mfa/approve", "/mfa/approve")


@pytest.mark.parametrize("path", ["/mfa/approve/", "/mfa/approve/x", "/mfa/approve/answer/x", "/mfa/approvex"])
async def test_nothing_else_is_there(path: str) -> None:
    """Other addresses beside it are none of its own."""
    world = push_world()
    async with running(world):
        assert (await call(world.app, http_scope("GET", path, headers=FETCH))).status in (401, 404)
