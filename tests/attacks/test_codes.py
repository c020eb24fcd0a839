"""A code is right only for its user and purpose, in its browser, once, and in its time."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.model import Account, Seconds, SubjectKey
from mfa_gate.core.rules import CodeRules, EnrollmentRules
from mfa_gate.errors import SendFailed
from mfa_gate.factors.email import EmailRules
from mfa_gate.factors.phone import PhoneRules
from tests.harness import FETCH, FORM, ORIGIN, PAGE, Browser, Reply, World, make_world, running, with_rules

TTL = 600


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A world in which Ann has her e-mail enrolled."""
    async with running(make_world()) as made:
        await (await made.browser()).enroll_email()
        made.clock.advance(60)
        made.email.messages.clear()
        made.events.clear()
        yield made


@pytest.fixture
async def ann(world: World) -> Browser:
    """Somebody with Ann's password, in a new browser."""
    return await world.browser()


async def send(browser: Browser) -> str:
    """Ask for a code; the code."""
    world, before = browser.world, len(browser.world.email.codes)
    reply = await browser.api("POST", "challenge", {"authenticator": await browser.authenticator("email")})
    assert reply.status == 201, reply.text
    assert len(world.email.codes) == before + 1
    world.clock.advance(30)
    return world.email.codes[-1]


async def answer(browser: Browser, code: Any, **more: Any) -> Reply:
    """Answer the e-mail challenge over JSON."""
    id = await browser.authenticator("email")
    return await browser.api("POST", "verify", {"authenticator": id, "response": code, **more})


async def used(world: World, id: str = "ann", tenant: str = "alpha") -> int:
    """Return the number of attempts that are spent."""
    return (await world.account(id, tenant)).attempts.used


async def test_the_right_code_works(ann: Browser) -> None:
    """The other side of this file: a code that was sent to the right place is accepted."""
    assert (await answer(ann, await send(ann))).status == 200
    assert await ann.is_in()


# -- whose, for what, from where ---------------------------------------------------------------------------------------


async def test_foreign_browser(world: World, ann: Browser) -> None:
    """A code that one browser asked for opens no other browser, and costs an attempt there.

    Requirement S-46; decisions 2.
    """
    code = await send(ann)
    other = await world.browser()
    reply = await answer(other, code)
    assert (reply.status, reply.reason) == (422, "wrong_code")
    assert await used(world) == 1
    assert not await other.is_in()
    assert (await answer(ann, code)).status == 200


async def test_foreign_user(world: World, ann: Browser) -> None:
    """S-46: a code of one user is nothing to another, and the other's is nothing here."""
    await (await world.browser("bob")).enroll_email()
    bob = await world.browser("bob")
    world.clock.advance(60)
    mine, his = await send(ann), await send(bob)
    assert (await answer(ann, his)).reason == "wrong_code"
    assert (await answer(bob, mine)).reason == "wrong_code"
    assert (await used(world), await used(world, "bob")) == (1, 1)


async def test_foreign_tenant(world: World, ann: Browser) -> None:
    """The same id in another tenant is another person, with other codes and another counter.

    Requirements S-46, S-121.
    """
    await (await world.browser("ann", "beta")).enroll_email()
    namesake = await world.browser("ann", "beta")
    world.clock.advance(60)
    code = await send(ann)
    assert (await answer(namesake, code)).reason == "wrong_code"
    assert (await used(world), await used(world, "ann", "beta")) == (0, 1)


async def test_an_enrollment_code_is_no_proof(world: World) -> None:
    """A code that confirms a new address answers no sign-in, and a sign-in's confirms none.

    Requirement S-46.
    """
    proven = await world.enrolled("bob")
    draft = (await proven.api("POST", "enroll", {"factor": "email"})).json()["enrollment"]
    code = world.email.codes[-1]
    id = await proven.authenticator("totp")
    assert (await proven.api("POST", "verify", {"authenticator": id, "response": code})).reason == "wrong_code"
    world.clock.advance(60)
    await (await world.browser("carl")).enroll_email()
    carl = await world.browser("carl")
    world.clock.advance(60)
    sign_in = await send(carl)
    assert (
        await proven.api("POST", "enroll/confirm", {"enrollment": draft, "response": sign_in})
    ).reason == "wrong_code"
    assert (await answer(carl, code)).reason == "wrong_code"
    done = await proven.api("POST", "enroll/confirm", {"enrollment": draft, "response": code})
    assert done.status == 201


async def test_a_contact_code_is_no_enrollment_code() -> None:
    """S-46: a code that proves the contact on file confirms no enrollment, and the reverse."""
    policy = with_rules(lambda rules: replace(rules, enrollment=EnrollmentRules(first="contact")))
    async with running(make_world(policy=policy)) as world:
        new = await world.browser("new")
        await new.form("/mfa/enroll", {"action": "contact-send", "kind": "email"})
        contact = world.email.codes[-1]
        world.clock.advance(60)
        draft = (await new.api("POST", "enroll", {"factor": "email"})).json()["enrollment"]
        enroll = world.email.codes[-1]
        confirm = {"enrollment": draft, "response": contact}
        assert (await new.api("POST", "enroll/confirm", confirm)).reason == "wrong_code"
        wrong = await new.form("/mfa/enroll", {"action": "contact-verify", "kind": "email", "code": enroll})
        assert wrong.status == 422
        assert (await world.account("new")).leave is None
        assert (await world.account("new")).attempts.used == 2
        right = await new.form("/mfa/enroll", {"action": "contact-verify", "kind": "email", "code": contact})
        assert right.status == 303


@pytest.mark.parametrize("target", ["challenge", "authenticator"])
async def test_the_challenge_of_another_browser(world: World, ann: Browser, target: str) -> None:
    """A challenge or an authenticator of somebody else is answered with 404.

    It costs no attempt. Requirements S-46, S-86.
    """
    id = await ann.authenticator("email")
    issued = (await ann.api("POST", "challenge", {"authenticator": id})).json()["challenge"]
    code = world.email.codes[-1]
    other, bob = await world.browser(), await world.browser("bob")
    named = issued if target == "challenge" else id
    for browser in (other, bob) if target == "challenge" else (bob,):
        reply = await browser.api("POST", "verify", {target: named, "response": code})
        assert (reply.status, reply.reason) == (404, "not_found")
    assert await used(world) == 0


# -- when --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("age", "status", "reason"), [(TTL - 1, 200, ""), (TTL, 422, "code_expired")])
async def test_the_end_of_a_code(ann: Browser, age: int, status: int, reason: str) -> None:
    """A code is good one second before its life ends, and dead exactly at its end.

    A dead code costs nothing. Requirement S-47.
    """
    code = await send(ann)
    ann.world.clock.advance(age - 30)
    reply = await answer(ann, code)
    assert (reply.status, reply.reason) == (status, reason)
    assert await used(ann.world) == 0


async def test_the_life_is_the_tenants() -> None:
    """Decisions 1: the life of a code is policy: a quarter of an hour here."""
    longer = EmailRules(code=CodeRules(ttl=Seconds(900)))
    async with running(
        make_world(
            policy=with_rules(lambda rules: replace(rules, factors=replace(rules.factors, options={"email": longer})))
        )
    ) as world:
        await (await world.browser()).enroll_email()
        world.clock.advance(60)
        ann = await world.browser()
        code = await send(ann)
        world.clock.advance(899 - 30)
        assert (await answer(ann, code)).status == 200


async def test_a_clock_that_steps_back_revives_nothing(ann: Browser) -> None:
    """S-118: a code that was seen dead stays dead when the clock steps back."""
    code = await send(ann)
    ann.world.clock.advance(TTL)
    assert (await answer(ann, code)).reason == "code_expired"
    ann.world.clock.advance(-TTL)
    assert (await answer(ann, code)).reason == "code_expired"


async def test_any_live_code_works_and_all_end_with_it(ann: Browser) -> None:
    """The first of several codes is as good as the last, and one success spends them all.

    Requirement S-44; decisions 2.
    """
    codes = [await send(ann) for _ in range(3)]
    assert len(set(codes)) == 3
    assert (await answer(ann, codes[0])).status == 200
    again = await ann.world.browser(cookies=ann.cookies)
    for code in codes[1:]:
        assert (await answer(again, code)).status == 422
    account = await ann.world.account()
    assert [challenge.spent_at > 0 for challenge in account.challenges] == [True] * 3
    assert account.attempts.used == 2


async def test_a_used_code_is_used(ann: Browser) -> None:
    """S-44: a code that was accepted is refused to the browser that comes with it later."""
    code = await send(ann)
    before = dict(ann.cookies)
    assert (await answer(ann, code)).status == 200
    ann.world.clock.advance(31)
    replay = await ann.world.browser(cookies=before)
    assert (await answer(replay, code)).reason == "code_already_used"
    assert not await replay.is_in()
    assert len(ann.world.kinds("proof.granted")) == 1


async def test_totp_steps_count_once(world: World) -> None:
    """A time step is accepted once, in all digits, and no earlier step is accepted after it.

    Requirements S-59, S-60.
    """
    proven = await world.enrolled("bob")
    world.clock.advance(90)
    pending = await world.browser("bob")
    pending.secret = proven.secret
    id = await pending.authenticator("totp")
    code = pending.totp()
    assert (await pending.api("POST", "verify", {"authenticator": id, "response": code})).status == 200
    wide = "".join(chr(0xFF10 + int(digit)) for digit in code)
    arabic = "".join(chr(0x0660 + int(digit)) for digit in code)
    other = await world.browser("bob")
    for spelled in (code, wide, arabic, f" {code[:3]}-{code[3:]} ", pending.totp(-1)):
        reply = await other.api("POST", "verify", {"authenticator": id, "response": spelled})
        assert (reply.status, reply.reason) == (422, "code_already_used")
    assert not await other.is_in()


@pytest.mark.parametrize(("steps", "status"), [(-2, 422), (-1, 200), (0, 200), (1, 200), (2, 422)])
async def test_totp_window(world: World, steps: int, status: int) -> None:
    """S-62: one step each side counts, two do not."""
    proven = await world.enrolled("bob")
    world.clock.advance(300)
    id = await proven.authenticator("totp")
    assert (await proven.api("POST", "verify", {"authenticator": id, "response": proven.totp(steps)})).status == status


async def test_a_backup_code_works_once(world: World) -> None:
    """S-92: a backup code opens once; the second time it is refused, in any spelling."""
    code = (await world.enrolled("bob")).backup[0]
    pending = await world.browser("bob")
    id = await pending.authenticator("backup-code")
    assert (await pending.api("POST", "verify", {"authenticator": id, "response": code})).status == 200
    other = await world.browser("bob")
    for spelled in (code, code.lower(), code.replace("-", ""), " " + code):
        reply = await other.api("POST", "verify", {"authenticator": id, "response": spelled})
        assert (reply.status, reply.reason) == (422, "code_already_used")


# -- what is no code ---------------------------------------------------------------------------------------------------

NO_CODES: tuple[Any, ...] = (
    None,
    "",
    " ",
    "\t\n",
    "None",
    "null",
    "undefined",
    "true",
    "false",
    0,
    123456,
    1e5,
    True,
    False,
    [],
    ["{code}"],
    ["{code}", "{code}"],
    {},
    {"code": "{code}"},
    {"$ne": ""},
    [[]],
    "{code}0",
    "0{code}",
    "{short}",
    "{code} {code}",
    "{code}{code}",
    "-{code}{code}",
    "+1",
    "1e5",
    "0x1234",
    "12345६7",
    "²³¹⁴⁵⁶",
    "①②③④⑤⑥",
    "一二三四五六",
    "{code}\x00",
    "%00{code}",
    "' OR 1=1 --",
    "*",
    "......",
    "{code}" * 10_000,
)


@pytest.mark.parametrize("response", NO_CODES, ids=lambda value: repr(value)[:24])
async def test_no_code(ann: Browser, response: Any) -> None:
    """A response without the shape of a code is refused before an attempt is reserved.

    This holds with a code waiting and without. Requirements S-38, S-45, S-61.
    """
    for code in ("314159", await send(ann)):
        text = json.dumps(response).replace("{code}", code).replace("{short}", code[:5])
        reply = await answer(ann, json.loads(text))
        assert reply.status in (413, 422), reply.text
        assert reply.reason in ("malformed", "too_large")
    assert await used(ann.world) == 0
    assert ann.world.kinds("proof.granted") == []


@pytest.mark.parametrize("response", ["000000", "123456", "999999"])
async def test_without_a_code_no_code_matches(ann: Browser, response: str) -> None:
    """S-45: where nothing was sent nothing matches: each try is wrong and costs an attempt."""
    reply = await answer(ann, response)
    assert (reply.status, reply.reason) == (422, "wrong_code")
    assert await used(ann.world) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b"1",
        b"{}",
        b'{"response": "123456", "response": "123456"}',
        b'{"response": "123456", "user": "bob"}',
        b'{"response": "123456", "subject": {"id": "bob"}}',
        b'{"response": "123456", "remember": "yes"}',
        b'{"response": "123456", "remember": 1}',
        b'{"response": NaN}',
        b'{"response": {"a":' * 2000 + b"1" + b"}" * 4000,
        b"\xff\xfe",
        b'\xef\xbb\xbf{"response": "123456"}',
        b'{"authenticator": ["x"], "response": "123456"}',
        b'{"authenticator": null, "response": "123456"}',
        b'{"authenticator": "\\ud800", "response": "123456"}',
    ],
)
async def test_no_such_body(ann: Browser, body: bytes) -> None:
    """A body with wrong types, a member twice, or too much data is 4xx and costs nothing.

    Requirements S-104, S-105.
    """
    reply = await ann.api("POST", "verify", body)
    assert reply.status in (404, 422), reply.text
    assert await used(ann.world) == 0


@pytest.mark.parametrize("form", [True, False], ids=["page", "api"])
async def test_a_megabyte(ann: Browser, form: bool) -> None:
    """S-104: a megabyte is refused without being read whole."""
    read = 0
    id = await ann.authenticator("email")
    token = await ann.token()
    head = f"csrf_token={token}&code=".encode() if form else b'{"response": "'
    chunks = [head, *([b"1" * 8192] * 128)]
    headers = [(b"cookie", ann.cookie_header().encode()), (b"origin", ORIGIN.encode())]
    if form:
        headers += [(b"content-type", FORM[1].encode()), (b"accept", b"text/html")]
    else:
        headers += [(b"content-type", b"application/json"), (b"x-mfa-gate", b"1")]

    async def receive() -> dict[str, Any]:
        nonlocal read
        read += 1
        return {"type": "http.request", "body": chunks[read - 1], "more_body": True}

    sent: list[dict[str, Any]] = []

    async def take(message: Any) -> None:
        sent.append(message)

    from tests.harness import http_scope

    path = f"/mfa/challenge/{id}" if form else "/mfa/api/verify"
    await ann.world.app({**http_scope("POST", path), "headers": headers}, receive, take)
    assert sent[0]["status"] == 413
    assert read <= 10
    assert await used(ann.world) == 0


@pytest.mark.parametrize("spelling", ["wide", "arabic", "spaced", "dashed", "sentence", "hash"])
async def test_what_a_person_means(ann: Browser, spelling: str) -> None:
    """Digits of any script, spaces, hyphens and a pasted sentence are read as the code.

    Requirement U-2; decisions 30.
    """
    code = await send(ann)
    written = {
        "wide": "".join(chr(0xFF10 + int(digit)) for digit in code),
        "arabic": "".join(chr(0x0660 + int(digit)) for digit in code),
        "spaced": f" {code[:3]} {code[3:]} ",
        "dashed": "-".join(code),
        "sentence": f"Your code is {code}",
        "hash": f"#{code}",
    }
    assert (await answer(ann, written[spelling])).status == 200


@pytest.mark.parametrize("fields", [{}, {"code": ""}, {"code": " "}, {"code": "12345"}, {"code": "x" * 65}])
async def test_no_code_in_the_form(ann: Browser, fields: dict[str, str]) -> None:
    """S-38: the same holds for the page: 422, and no attempt."""
    id = await ann.authenticator("email")
    await send(ann)
    reply = await ann.form(f"/mfa/challenge/{id}", {"challenge": "x", **fields})
    assert reply.status in (303, 422)
    assert not await ann.is_in()
    assert await used(ann.world) == 0


async def test_malformed_answers_have_a_rate(ann: Browser) -> None:
    """S-38: answers without the shape of a code cost no attempt, but there is a bound to them."""
    reasons = [(await answer(ann, "x")).reason for _ in range(70)]
    assert reasons[:50] == ["malformed"] * 50
    assert reasons[-1] == "too_soon"


# -- how often ---------------------------------------------------------------------------------------------------------


async def begin(browser: Browser) -> Reply:
    """Ask for a code, and return any answer."""
    return await browser.api("POST", "challenge", {"authenticator": await browser.authenticator("email")})


async def test_resend_limits(ann: Browser) -> None:
    """Sends are limited to one in 30 s, five an hour and ten a day, over all browsers.

    A refused send sends nothing. Requirement S-50.
    """
    clock, email = ann.world.clock, ann.world.email
    clock.advance(86_400)
    assert (await begin(ann)).status == 201
    early = await begin(await ann.world.browser())
    assert (early.status, early.reason) == (429, "too_soon")
    assert early.header("retry-after") == "30"
    for _ in range(4):
        clock.advance(30)
        assert (await begin(ann)).status == 201
    clock.advance(30)
    assert (await begin(ann)).reason == "too_soon"
    clock.advance(3600)
    for _ in range(5):
        assert (await begin(ann)).status == 201
        clock.advance(30)
    clock.advance(3600)
    late = await begin(ann)
    assert (late.status, late.reason) == (429, "too_soon")
    assert int(late.header("retry-after")) > 3600
    assert len(email.codes) == 10


async def test_five_codes_live_at_most(world: World) -> None:
    """S-50, decisions 2: of more than five outstanding codes the oldest is dropped."""
    few = EmailRules(code=CodeRules(live=2))
    async with running(
        make_world(
            policy=with_rules(lambda rules: replace(rules, factors=replace(rules.factors, options={"email": few})))
        )
    ) as small:
        await (await small.browser()).enroll_email()
        small.clock.advance(60)
        ann = await small.browser()
        codes = [await send(ann) for _ in range(3)]
        assert (await answer(ann, codes[0])).reason == "wrong_code"
        assert (await answer(ann, codes[1])).status == 200


async def test_a_failing_sender_counts(ann: Browser) -> None:
    """A send that fails counts and is told as failed, and its code stays good.

    The message may yet arrive. Requirements S-50, F-21.
    """
    ann.world.email.failure = RuntimeError("provider")
    reply = await begin(ann)
    assert (reply.status, reply.reason) == (502, "send_failed")
    assert (await begin(ann)).reason == "too_soon"
    assert "provider" not in reply.text


@pytest.mark.parametrize(
    ("reason", "next_one"),
    [
        ("unreachable", "send_failed"),
        ("refused", "send_failed"),
        ("rejected-destination", "send_failed"),
        ("timeout", "too_soon"),
    ],
)
async def test_a_failure_is_told_to_the_log(
    ann: Browser, reason: str, next_one: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Each failed send is one warning with the provider's reason, bounded, on one line.

    The person waits only if the message may be on its way. Requirement F-21.
    """
    caplog.set_level(logging.WARNING, logger="mfa_gate")
    ann.world.email.failure = SendFailed(reason, transient=True, detail="SMTP 554\r\nforged line " + "x" * 5000)
    assert (await begin(ann)).reason == "send_failed"
    assert (await begin(ann)).reason == next_one
    told = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING and "was not delivered" in r.message]
    assert len(told) == (2 if next_one == "send_failed" else 1)
    assert all(f"{reason}: SMTP 554 forged line" in line and len(line) < 400 and "\n" not in line for line in told)
    assert "ann@" not in caplog.text


async def test_failures_have_no_wait_but_a_bound(ann: Browser) -> None:
    """Pressing "send" again while the provider is down is bounded by the hour.

    The bound is the same as for sends that arrive. Requirement S-50.
    """
    ann.world.email.failure = SendFailed("unreachable", transient=True)
    replies = [(await begin(ann)).reason for _ in range(8)]
    assert replies[0] == "send_failed"
    assert replies[-1] == "too_soon"


async def test_refused_sends_use_up_no_destination(world: World) -> None:
    """A send that is refused as too soon is not counted against the destination.

    Else one account could stop all messages to a number that others use. Requirements S-121, F-25.
    """
    mallory = await world.enrolled("mallory", "beta")
    phone = {"factor": "sms", "phone": "+1 202-555-0123"}
    for _ in range(40):
        await mallory.api("POST", "enroll", phone)
    assert len(world.sms.codes) == 1
    victim = await world.enrolled("victim")
    assert (await victim.api("POST", "enroll", phone)).status == 201
    assert len(world.sms.codes) == 2


async def test_nothing_is_sent_while_locked(ann: Browser) -> None:
    """Nothing is sent and nothing is compared while the account is locked.

    A right code is refused like a wrong one, for ever. Requirement S-34.
    """
    world = ann.world
    code = await send(ann)
    sent = len(world.email.codes)
    for number in range(7):
        await ann.guess(number * 10, "email")
    world.clock.advance(40)
    assert (await begin(ann)).reason == "locked"
    for wait in (0, 86_400, 400 * 86_400):
        world.clock.advance(wait)
        for response in (code, ann.wrong()):
            reply = await answer(ann, response)
            assert (reply.status, reply.reason) == (403, "locked")
    id = await ann.authenticator("email")
    for path in (f"/mfa/challenge/{id}", "/mfa/challenge", "/mfa/challenge/help", "/mfa/recovery"):
        await ann.page(path)
    await ann.form("/mfa/recovery", {"about": "help"})
    assert len(world.email.codes) == sent
    assert len(world.kinds("account.locked")) == 1


async def test_the_counter_says_what_is_left(ann: Browser) -> None:
    """Decisions 7, 20: seven attempts, told after each failure; the seventh locks."""
    await send(ann)
    left = [(await ann.guess(number * 10, "email")).json()["attempts_remaining"] for number in range(7)]
    assert left == [6, 5, 4, 3, 2, 1, 0]
    assert (await ann.state())["state"] == "locked"


async def spend(browser: Browser, count: int = 6) -> None:
    """Fail so many times."""
    for number in range(count):
        await browser.guess(number * 10, "email")


async def _resend(browser: Browser) -> None:
    await send(browser)


async def _new_sign_in(browser: Browser) -> None:
    await browser.world.browser(sid="another")


async def _other_address(browser: Browser) -> None:
    (await browser.world.browser(address="198.51.100.9")).address = "198.51.100.9"


async def _time(browser: Browser) -> None:
    browser.world.clock.advance(365 * 86_400)


async def _pages(browser: Browser) -> None:
    for path in ("/mfa", "/mfa/challenge", "/mfa/challenge/help", "/mfa/enroll", "/mfa/recovery", "/mfa/backup-codes"):
        await browser.page(path)


async def _restart(browser: Browser) -> None:
    browser.world.engine.forget_all()
    await browser.world.gate.web.aclose()
    await browser.world.gate.web.open()


async def _recovery(browser: Browser) -> None:
    await browser.api("POST", "recovery", {"about": "I lost my phone"})


async def _used_code(browser: Browser) -> None:
    browser.world.clock.advance(TTL)
    assert (await answer(browser, browser.world.email.codes[0])).reason == "code_expired"


async def _enroll(browser: Browser) -> None:
    for factor in ("totp", "email", "sms"):
        await browser.api("POST", "enroll", {"factor": factor, "phone": "+12025550123"})


async def _contact(browser: Browser) -> None:
    await browser.form("/mfa/enroll", {"action": "contact-send", "kind": "email"})


@pytest.mark.parametrize(
    "deed",
    [_resend, _new_sign_in, _other_address, _time, _pages, _restart, _recovery, _used_code, _enroll, _contact],
    ids=lambda deed: deed.__name__.strip("_"),
)
async def test_nothing_gives_attempts_back(ann: Browser, deed: Any) -> None:
    """No deed of somebody with the password makes an eighth comparison possible.

    Each deed is done after six failures. Requirement S-33.
    """
    await send(ann)
    await spend(ann)
    assert await used(ann.world) == 6
    await deed(ann)
    assert await used(ann.world) == 6
    reply = await ann.guess(999, "email")
    assert reply.json()["attempts_remaining"] == 0
    assert (await ann.world.account()).lock is not None


async def test_a_success_gives_all_back(ann: Browser) -> None:
    """A success sets the counter to 0, and the failures of the month are still known.

    Decisions 7.
    """
    code = await send(ann)
    await spend(ann, 3)
    assert (await answer(ann, code)).status == 200
    account = await ann.world.account()
    assert account.attempts.used == 0
    assert sum(count for _, count in account.attempts.days) == 3


async def test_the_rolling_budget(world: World) -> None:
    """Fifty failures in thirty days lock the account, with the owner's successes between them.

    So the owner's successes give an attacker no fresh guesses. Decisions 7.
    """
    owner = await world.enrolled("bob")
    attacker = await world.browser("bob")
    attacker.secret = owner.secret
    failures = 0
    for _ in range(60):
        for number in range(5):
            failures += 1
            await attacker.guess(number * 10)
            if (await world.account("bob")).lock:
                assert failures == 50
                return
        assert (await owner.prove()).status == 200
    raise AssertionError("never locked")


async def test_one_counter_over_factors_and_browsers(world: World) -> None:
    """Failures with all factors, in several browsers and at several addresses, are one count.

    The factors here are the app, the e-mail and a backup code. Requirement S-32.
    """
    proven = await world.enrolled("bob")
    await proven.enroll_email()
    tries = 0
    for address, factor, response in (
        ("203.0.113.1", "totp", "000001"),
        ("203.0.113.2", "email", "000002"),
        ("198.51.100.1", "backup-code", "00000-00000"),
    ):
        browser = await world.browser("bob", address=address)
        browser.secret = proven.secret
        for _ in range(2):
            id = await browser.authenticator(factor)
            reply = await browser.api("POST", "verify", {"authenticator": id, "response": response})
            tries += 1
            assert reply.json()["attempts_remaining"] == 7 - tries
    page = await (await world.browser("bob")).form(
        f"/mfa/challenge/{await proven.authenticator('totp')}", {"code": "000003"}
    )
    assert (page.status, page.location) == (303, "/mfa/locked")
    assert (await world.account("bob")).lock is not None


# -- sending by itself -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        (("accept", "text/html"),),
        (("accept", "text/html"), ("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image")),
        (("accept", "text/html"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")),
        (("accept", "text/html"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "object")),
        (*PAGE, ("sec-purpose", "prefetch")),
        (*PAGE, ("sec-purpose", "prefetch;prerender")),
        (*PAGE, ("purpose", "prefetch")),
        FETCH,
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_no_guess_of_a_browser_sends(ann: Browser, headers: Any, method: str) -> None:
    """Only a person's own navigation makes a code go out.

    No frame, image, prefetch, HEAD request or script does it. Requirements U-13, S-55.
    """
    id = await ann.authenticator("email")
    await ann.page("/mfa/challenge", headers=(("accept", "text/html"),))
    for path in ("/mfa/challenge", f"/mfa/challenge/{id}", "/records", "/mfa/api/state"):
        await ann.ask(method, path, headers=headers)
    assert ann.world.email.codes == []


async def test_a_get_never_verifies(ann: Browser) -> None:
    """S-55: a code in an address does nothing: mail scanners follow links."""
    code = await send(ann)
    id = await ann.authenticator("email")
    for path in (f"/mfa/challenge/{id}?code={code}", f"/mfa/api/verify?response={code}", f"/mfa/challenge?code={code}"):
        await ann.page(path)
    assert not await ann.is_in()
    assert (await answer(ann, code)).status == 200


def _plain(account: Account) -> str:
    return repr(account)


async def test_stored_codes_are_digests(ann: Browser) -> None:
    """S-49, S-64: the store holds neither a code nor a secret nor an address in the clear."""
    code = await send(ann)
    proven = await ann.world.enrolled("bob")
    stored = _plain(await ann.world.account()) + _plain(await ann.world.store.load(SubjectKey("alpha", "bob")))
    for secret in (
        code,
        proven.secret,
        "ann@alpha.example",
        *proven.backup,
        *(c.replace("-", "") for c in proven.backup),
    ):
        assert secret not in stored


def test_the_rules_of_this_file() -> None:
    """The numbers above are the policy's defaults."""
    assert CodeRules().ttl == TTL
    assert CodeRules().live == 5
    assert PhoneRules().resend.per_day == 10
