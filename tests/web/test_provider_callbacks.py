"""Phone calls from end to end.

The tests look at the number that is called, the words of the call, and the callbacks that change anything.
"""

from __future__ import annotations

from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest

from mfa_gate.core.model import Challenge
from mfa_gate.service.strangers import Strangers
from tests.harness import FETCH, FORM, JSON, ORIGIN, Browser, running

from .calls import CALL, TOKEN, Phones

NUMBER = "+1 202-555-0142"


async def with_call(phones: Phones, id: str = "ann") -> tuple[Browser, str]:
    """Enroll a person's phone by a call one day ago, in another browser.

    Returns the person's browser of now, and the authenticator's id.
    """
    first = await phones.world.browser(id)
    begun = (await first.api("POST", "enroll", {"factor": "voice", "phone": NUMBER})).json()
    await phones.answer()
    done = await first.api("POST", "enroll/confirm", {"enrollment": begun["enrollment"], "response": ""})
    assert done.status == 201, done.text
    phones.world.clock.advance(86_400)
    return await phones.world.browser(id, sid="later"), done.json()["authenticator"]["id"]


async def asked(phones: Phones) -> tuple[Browser, str, str]:
    """Start a call, and return browser, authenticator and challenge."""
    browser, id = await with_call(phones)
    begun = await browser.api("POST", "challenge", {"authenticator": id})
    assert begun.status == 201, begun.text
    return browser, id, begun.json()["challenge"]


async def newest(phones: Phones, id: str = "ann") -> Challenge:
    """The challenge that was issued last."""
    return (await phones.world.account(id)).challenges[-1]


async def status(browser: Browser, challenge: str) -> str:
    """Return the status that the waiting page is told."""
    return str((await browser.api("GET", f"challenge/{challenge}")).json()["status"])


async def test_a_call_confirmed_with_the_pound_key_opens_the_app() -> None:
    """The call is answered, # is pressed, and the browser that asked is in, after it collects."""
    phones = Phones.make()
    async with running(phones.world):
        browser, id, challenge = await asked(phones)
        assert phones.provider.last.to == "+12025550142"
        assert await status(browser, challenge) == "pending"
        await phones.answer()
        assert await status(browser, challenge) == "approved"
        assert not await browser.is_in(), "a callback is never a success of the factor by itself (S-128)"
        done = await browser.api("POST", "verify", {"authenticator": id, "challenge": challenge, "response": ""})
        assert done.json()["state"] == "verified"
        assert await browser.is_in()
        assert (await phones.world.account()).attempts.used == 0


async def test_the_page_waits_then_leads_on() -> None:
    """The page without script waits with a button, which leads on after the answer.

    Before that the button says "not yet" for free. Then it leads to the place where the person was going.
    """
    phones = Phones.make()
    async with running(phones.world):
        browser, id = await with_call(phones)
        assert (await browser.page("/records")).location == "/mfa/challenge"
        await browser.form(f"/mfa/challenge/{id}", {"action": "send"})
        page = await browser.page(f"/mfa/challenge/{id}")
        challenge = (await newest(phones)).id
        assert f'data-poll="/mfa/api/challenge/{challenge}"' in page.text
        assert 'name="code"' not in page.text
        early = await browser.form(f"/mfa/challenge/{id}", {"action": "check", "challenge": challenge})
        assert early.status == 422
        assert "Still waiting" in early.text
        await phones.answer()
        done = await browser.form(f"/mfa/challenge/{id}", {"action": "check", "challenge": challenge})
        assert (done.status, done.location) == (303, "/records#")


async def test_enrollment_by_page_needs_the_key_press() -> None:
    """ "Call me" calls, the page waits, and only after # is the phone enrolled."""
    phones = Phones.make()
    async with running(phones.world):
        browser = await phones.world.browser()
        await browser.form("/mfa/enroll/voice", {"action": "start", "phone": NUMBER})
        page = await browser.page("/mfa/enroll/voice")
        assert "data-poll=" in page.text
        enrollment = (await phones.world.account()).enrollments[-1].id
        early = await browser.form("/mfa/enroll/voice", {"action": "confirm", "enrollment": enrollment})
        assert early.status == 422
        await phones.answer()
        done = await browser.form("/mfa/enroll/voice", {"action": "confirm", "enrollment": enrollment})
        assert done.location in ("/mfa/backup-codes#", "/mfa/enroll/done#")
        assert await browser.is_in()


async def test_asking_whether_it_was_answered_costs_nothing() -> None:
    """S-98: 30 times "was it answered" by page and by JSON take no attempt and write nothing."""
    phones = Phones.make()
    async with running(phones.world):
        browser, id, challenge = await asked(phones)
        before = await phones.world.account()
        for _ in range(30):
            reply = await browser.api("POST", "verify", {"authenticator": id, "challenge": challenge, "response": ""})
            assert reply.reason == "pending"
            assert await status(browser, challenge) == "pending"
        assert await phones.world.account() == before


async def test_an_approval_frees_only_the_browser_that_asked() -> None:
    """S-96: another browser of the same person, with the same challenge, gets nothing."""
    phones = Phones.make()
    async with running(phones.world):
        _, id, challenge = await asked(phones)
        other = await phones.world.browser(sid="third", address="198.51.100.9")
        await phones.answer()
        body = {"authenticator": id, "challenge": challenge, "response": ""}
        assert (await other.api("POST", "verify", body)).reason == "nothing_sent"
        assert (await other.api("GET", f"challenge/{challenge}")).status == 404
        assert not await other.is_in()


async def test_without_the_challenge_nothing_is_collected() -> None:
    """Only a client that knows the challenge collects it.

    Clients without cookies share a handle.
    """
    phones = Phones.make()
    async with running(phones.world):
        browser, id, _ = await asked(phones)
        await phones.answer()
        assert (await browser.api("POST", "verify", {"authenticator": id, "response": ""})).reason == "nothing_sent"


async def test_an_approval_is_collected_once() -> None:
    """The same approval, sent again from a new handle, is used up and charges nothing."""
    phones = Phones.make()
    async with running(phones.world):
        browser, id, challenge = await asked(phones)
        await phones.answer()
        body = {"authenticator": id, "challenge": challenge, "response": ""}
        assert (await browser.api("POST", "verify", body)).status == 200
        phones.world.clock.advance(60)
        again = await browser.api("POST", "verify", body)
        assert again.reason in ("code_already_used", "nothing_sent")
        assert (await phones.world.account()).attempts.used == 0


THANKS = {"de-DE": "Vielen Dank", "arb": "شكرًا", "en-US": "Thank you"}


@pytest.mark.parametrize(
    ("accept", "language", "greeting"),
    [
        ("de-DE,de;q=0.9,en;q=0.5", "de-DE", "Guten Tag."),
        ("en-US", "en-US", "Hello."),
        ("ar", "arb", "مرحبًا."),
        ("xx", "en-US", "Hello."),
        ("", "en-US", "Hello."),
    ],
)
async def test_the_call_speaks_the_language_of_the_page(accept: str, language: str, greeting: str) -> None:
    """A call speaks the language of the page if it can be spoken, else English.

    The provider's own ``Accept-Language`` says nothing.
    """
    phones = Phones.make()
    async with running(phones.world):
        browser, id = await with_call(phones)
        headers = [*FETCH, JSON, ("origin", ORIGIN), ("x-mfa-gate", "1"), ("accept-language", accept)]
        begun = await browser.api("POST", "challenge", {"authenticator": id}, headers=headers)
        assert begun.status == 201, begun.text
        for params in (None, {"Digits": "1"}, {"Digits": "#"}):
            said = ElementTree.fromstring((await phones.callback(params)).body)
            spoken = list(said.iter("Say"))
            assert {say.get("language") for say in spoken} == {language}
            assert (spoken[0].text or "").startswith(greeting) or params == {"Digits": "#"}
        assert (spoken[0].text or "").startswith(THANKS[language])


# -- hostile callbacks ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "signature",
    ["", "x", "é", "A" * 28, "AAAAAAAAAAAAAAAAAAAAAAAAAAA="],
)
async def test_forged_callbacks_change_nothing(signature: str) -> None:
    """Without the provider's own signature both steps are 403.

    The challenge stays as it was. Requirement S-128.
    """
    phones = Phones.make()
    async with running(phones.world):
        browser, _, challenge = await asked(phones)
        before = await newest(phones)
        for params in ({}, {"Digits": "#"}):
            assert (await phones.callback(params, signature=signature)).status == 403
        assert await newest(phones) == before
        await phones.callback()
        assert (await phones.callback({"Digits": "#"}, signature=signature)).status == 403
        assert await status(browser, challenge) == "pending"
        assert phones.world.kinds("attempt.refused")


async def test_a_signature_covers_every_field_and_the_address() -> None:
    """S-128: a signature for other fields, or for the same path of another host, is none."""
    phones = Phones.make()
    async with running(phones.world):
        browser, _, challenge = await asked(phones)
        await phones.callback()
        quiet = {"CallSid": CALL, "CallStatus": "in-progress"}
        assert (await phones.callback({"Digits": "#"}, signed=quiet)).status == 403
        evil = phones.provider.last.callback.replace(ORIGIN, "http://evil.example")
        assert (await phones.callback({"Digits": "#"}, url=evil)).status == 403
        assert (await phones.callback({"Digits": "#"}, query=b"Digits=%23")).status == 403
        assert await status(browser, challenge) == "pending"


async def test_a_get_does_nothing() -> None:
    """S-55: a callback by GET is not even looked at."""
    phones = Phones.make()
    async with running(phones.world):
        browser, _, challenge = await asked(phones)
        await phones.callback()
        assert (await phones.callback({"Digits": "#"}, method="GET")).status == 405
        assert await status(browser, challenge) == "pending"


async def test_a_key_before_the_greeting_changes_nothing() -> None:
    """A key for a call that was never answered is refused, also with a right signature.

    So callbacks in another order change nothing.
    """
    phones = Phones.make()
    async with running(phones.world):
        browser, _, challenge = await asked(phones)
        assert (await phones.callback({"Digits": "#"})).status == 403
        assert await status(browser, challenge) == "pending"


async def test_a_key_of_another_call_changes_nothing() -> None:
    """A callback that the provider signed for another call does not answer this one."""
    phones = Phones.make()
    async with running(phones.world):
        browser, _, challenge = await asked(phones)
        await phones.callback()
        assert (await phones.callback({"Digits": "#", "CallSid": "CA" + "f" * 32})).status == 403
        assert await status(browser, challenge) == "pending"


async def test_copies_after_the_answer_are_refused() -> None:
    """Every further callback after # is 403, and the state does not move.

    Such callbacks are duplicates and replays.
    """
    phones = Phones.make()
    async with running(phones.world):
        browser, id, challenge = await asked(phones)
        assert (await phones.answer()).status == 200
        approved = await newest(phones)
        for params in ({}, {"Digits": "#"}, {"Digits": "1"}):
            assert (await phones.callback(params)).status == 403
        assert await newest(phones) == approved
        body = {"authenticator": id, "challenge": challenge, "response": ""}
        assert (await browser.api("POST", "verify", body)).status == 200
        assert (await phones.callback({"Digits": "#"})).status == 403


async def test_late_callbacks_are_refused() -> None:
    """After the call's life a right key from the right call answers nothing.

    Nothing can be collected.
    """
    phones = Phones.make()
    async with running(phones.world):
        browser, id, challenge = await asked(phones)
        await phones.callback()
        phones.world.clock.advance(300)
        assert (await phones.callback({"Digits": "#"})).status == 403
        assert await status(browser, challenge) == "expired"
        body = {"authenticator": id, "challenge": challenge, "response": ""}
        assert (await browser.api("POST", "verify", body)).reason == "code_expired"


async def test_an_approval_that_nobody_collects_ends() -> None:
    """An approval waits two minutes past its time for the browser at most."""
    phones = Phones.make()
    async with running(phones.world):
        browser, id, challenge = await asked(phones)
        await phones.answer()
        phones.world.clock.advance(300)
        body = {"authenticator": id, "challenge": challenge, "response": ""}
        assert (await browser.api("POST", "verify", body)).reason == "code_expired"
        assert not await browser.is_in()


async def test_a_callback_of_one_person_answers_no_other() -> None:
    """A right callback for Ann leaves Bob waiting.

    The token names one challenge of one account.
    """
    phones = Phones.make()
    async with running(phones.world):
        await with_call(phones, "bob")
        ann, _, _ = await asked(phones)
        for_ann = phones.provider.last.callback
        bob = await phones.world.browser("bob", sid="later")
        begun = await bob.api("POST", "challenge", {"authenticator": await bob.authenticator("voice")})
        await phones.callback(url=for_ann)
        await phones.callback({"Digits": "#"}, url=for_ann)
        assert await status(bob, begun.json()["challenge"]) == "pending"
        assert ann.id == "ann"


@pytest.mark.parametrize("token", ["", "x", "a" * 5000, "%00", "é", "a/b", "../voice/x"])
async def test_made_up_tokens_are_refused(token: str) -> None:
    """A token that is not ours is refused and told to nobody's account."""
    phones = Phones.make()
    async with running(phones.world):
        reply = await phones.callback(url=f"{ORIGIN}/mfa/hooks/voice/{token}")
        assert reply.status in (403, 404)
        kinds = {event.account for event in phones.world.kinds("attempt.refused")}
        assert kinds <= {""}


async def test_an_altered_token_is_refused() -> None:
    """Each character of the token counts."""
    phones = Phones.make()
    async with running(phones.world):
        await asked(phones)
        url = phones.provider.last.callback
        start = len(url) - len(url.rsplit("/", 1)[1])
        for place in range(start, len(url), 7):
            changed = url[:place] + ("A" if url[place] != "A" else "B") + url[place + 1 :]
            assert (await phones.callback(url=changed)).status == 403


async def test_other_kinds_hear_nothing() -> None:
    """A kind without callbacks has no address for them."""
    phones = Phones.make()
    async with running(phones.world):
        await asked(phones)
        url = phones.provider.last.callback.replace("/voice/", "/totp/")
        assert (await phones.callback(url=url)).status == 403


async def test_a_locked_account_is_not_answered() -> None:
    """After the lock no call approves anything: its challenges are gone."""
    phones = Phones.make()
    async with running(phones.world):
        browser = await phones.world.enrolled()
        begun = (await browser.api("POST", "enroll", {"factor": "voice", "phone": NUMBER})).json()
        await phones.answer()
        await browser.api("POST", "enroll/confirm", {"enrollment": begun["enrollment"], "response": ""})
        phones.world.clock.advance(3600)
        later = await phones.world.browser(sid="later")
        later.secret = browser.secret
        await later.api("POST", "challenge", {"authenticator": await later.authenticator("voice")})
        await phones.callback()
        await later.lock()
        assert (await phones.callback({"Digits": "#"})).status == 403


async def test_a_sixth_call_in_an_hour_does_not_go_out() -> None:
    """S-50: calls keep the policy's wait and the hour's limit."""
    phones = Phones.make()
    async with running(phones.world):
        browser, id = await with_call(phones)
        before = len(phones.provider.messages)
        for _ in range(20):
            await browser.api("POST", "challenge", {"authenticator": id})
            phones.world.clock.advance(31)
        assert len(phones.provider.messages) - before == 5


@pytest.mark.parametrize("number", ["+44 20 7946 0018", "+1 900 555 0100", "+1 800 555 0100", "+882 16 1234567"])
async def test_no_call_leaves_the_accepted_countries(number: str) -> None:
    """A number of another country, or one that costs, is refused before anything is called."""
    phones = Phones.make()
    async with running(phones.world):
        browser = await phones.world.browser()
        reply = await browser.api("POST", "enroll", {"factor": "voice", "phone": number})
        assert reply.status == 422
        assert phones.provider.messages == []


# -- what the call says ---------------------------------------------------------------------------------------------------


def verbs(document: str) -> list[str]:
    """List the verbs of a document in their order, nested ones in brackets.

    The document must be well-formed and begin with Response.
    """
    root = ElementTree.fromstring(document)
    assert root.tag == "Response"
    return [f"{e.tag}[{','.join(c.tag for c in e)}]" if len(e) else e.tag for e in root]


async def test_the_greeting_has_the_documented_shape() -> None:
    """The first document gathers exactly one key, # included.

    It ends the call if nobody presses one.
    """
    phones = Phones.make()
    async with running(phones.world):
        await asked(phones)
        reply = await phones.callback()
        assert reply.header("content-type").startswith("text/xml")
        assert reply.header("cache-control") == "no-store"
        assert verbs(reply.text) == ["Gather[Say,Say]", "Say", "Hangup"]
        gather = ElementTree.fromstring(reply.text)[0]
        assert gather.attrib == {
            "input": "dtmf",
            "numDigits": "1",
            "finishOnKey": "",
            "timeout": "10",
            "method": "POST",
            "action": phones.provider.last.callback,
        }
        assert all(said.attrib == {"language": "en-US"} for said in gather)
        pressed = await phones.callback({"Digits": "#"})
        assert verbs(pressed.text) == ["Say", "Say", "Hangup"]


async def test_another_key_is_asked_again() -> None:
    """A key beside # is no answer: the greeting comes again and nothing is approved."""
    phones = Phones.make()
    async with running(phones.world):
        browser, _, challenge = await asked(phones)
        reply = await phones.answer("5")
        assert verbs(reply.text) == ["Gather[Say,Say]", "Say", "Hangup"]
        assert await status(browser, challenge) == "pending"
        assert (await phones.callback({"Digits": "#"})).status == 200
        assert await status(browser, challenge) == "approved"


async def test_the_code_is_read_only_after_a_key_and_once() -> None:
    """With confirm = "code" the greeting has no digit of the code, and # reads it twice.

    Another # reads nothing. Requirement S-56.
    """
    phones = Phones.make(confirm="code")
    async with running(phones.world):
        browser = await phones.world.browser()
        begun = (await browser.api("POST", "enroll", {"factor": "voice", "phone": NUMBER})).json()
        code = phones.provider.last.code
        greeting = await phones.callback()
        greeted = "".join(ElementTree.fromstring(greeting.text).itertext())
        assert "#" in greeted or "pound" in greeted, greeted
        assert not any(letter.isdigit() for letter in greeted)
        read = await phones.callback({"Digits": "#"})
        said = "".join(ElementTree.fromstring(read.text).itertext())
        assert said.count(", ".join(code)) == 2
        assert (await phones.callback({"Digits": "#"})).status == 403
        done = await browser.api("POST", "enroll/confirm", {"enrollment": begun["enrollment"], "response": code})
        assert done.status == 201
        assert code not in urlsplit(phones.provider.last.callback).path


async def test_the_heard_code_is_guessed_at_a_price() -> None:
    """A wrong code after a call costs an attempt as any other does.

    The key press alone approves nothing.
    """
    phones = Phones.make(confirm="code")
    async with running(phones.world):
        browser = await phones.world.browser()
        begun = (await browser.api("POST", "enroll", {"factor": "voice", "phone": NUMBER})).json()
        await phones.answer()
        code = phones.provider.last.code
        wrong = f"{(int(code) + 1) % 10**6:06d}"
        for response, reason in (("", "malformed"), (wrong, "wrong_code")):
            body = {"enrollment": begun["enrollment"], "response": response}
            assert (await browser.api("POST", "enroll/confirm", body)).reason == reason
        assert (await phones.world.account()).attempts.used == 1


async def test_names_cannot_bring_markup_into_a_call() -> None:
    """A service name with markup is said as text, and the document of the call parses.

    Requirement S-54.
    """
    from mfa_gate import RelyingParty, Senders
    from tests.harness import make_world

    from .calls import Provider, voice_policy

    provider = Provider()
    name = "A & B </Say><Dial>+1900</Dial>"
    party = RelyingParty(id="localhost", name=name, origins=[ORIGIN])
    world = make_world(policy=voice_policy(), senders=Senders(sms=Provider(), voice=provider), relying_party=party)
    phones = Phones(world=world, provider=provider)
    async with running(world):
        browser = await world.browser()
        await browser.api("POST", "enroll", {"factor": "voice", "phone": NUMBER})
        reply = await phones.callback()
        assert verbs(reply.text) == ["Gather[Say,Say]", "Say", "Hangup"]


def test_the_provider_signs_as_documented() -> None:
    """The signature of the provider's own documented example, worked out here byte by byte."""
    import base64
    import hashlib
    import hmac

    from mfa_gate.senders import TwilioVoiceSender

    url = "https://app.example/mfa/hooks/voice/abc"
    params = {"To": "+18005551212", "CallSid": "CA1234567890ABCDE", "Digits": "1234", "From": "+12349013030"}
    text = f"{url}CallSidCA1234567890ABCDEDigits1234From+12349013030To+18005551212"
    signature = base64.b64encode(hmac.new(TOKEN.encode(), text.encode(), hashlib.sha1).digest()).decode()
    sender = TwilioVoiceSender("AC0123456789abcdef0123456789abcdef", TOKEN, sender="+12025550100")
    assert sender.verify_callback(url, params, {"x-twilio-signature": signature})
    assert not sender.verify_callback(url, {**params, "Digits": "#"}, {"x-twilio-signature": signature})
    assert not sender.verify_callback(url + "x", params, {"x-twilio-signature": signature})
    assert not sender.verify_callback(url, params, {})
    assert not sender.verify_callback(url, params, {"x-twilio-signature": "é"})
    with_port = text.replace("app.example/", "app.example:443/")
    ported = base64.b64encode(hmac.new(TOKEN.encode(), with_port.encode(), hashlib.sha1).digest()).decode()
    assert sender.verify_callback(url, params, {"x-twilio-signature": ported})


@pytest.mark.parametrize(
    ("path", "headers", "body"),
    [
        ("/mfa/hooks/voice/x", [FORM], b"CallSid=CA1"),
        ("/mfa/hooks/nothing/x", [FORM], b"CallSid=CA1"),
        ("/mfa/approve/join", [*FETCH, ("x-mfa-gate", "1"), JSON], b'{"token": "x", "key": "x", "signature": "x"}'),
    ],
)
async def test_strangers_do_not_occupy_the_hook(path: str, headers: list[tuple[str, str]], body: bytes) -> None:
    """A refusal without a sign-in is told with its network, at most 20 an hour for each.

    Requirement S-124.
    """
    phones = Phones.make()
    async with running(phones.world):
        world = phones.world
        for _ in range(60):
            for address in ("203.0.113.9", "2001:db8:1:2::7", "2001:db8:1:2::8"):
                reply = await Browser(world, address=address).ask("POST", path, headers=headers, body=body)
                assert reply.status in (403, 404, 410, 422), reply.text
        told = world.kinds("attempt.refused")
        counts = {network: sum(event.network == network for event in told) for network in {e.network for e in told}}
        assert counts == {"203.0.113.9": 20, "2001:db8:1:2::/64": 20}
        world.clock.advance(3600)
        await Browser(world, address="203.0.113.9").ask("POST", path, headers=headers, body=body)
        assert len(world.kinds("attempt.refused")) == 41


CALLBACKS: dict[str, tuple[int, str, tuple[str, str, tuple[str, str], bytes]]] = {
    "no kind": (404, "not_found", ("POST", "/mfa/hooks/", FORM, b"a=1")),
    "no token": (404, "not_found", ("POST", "/mfa/hooks/voice", FORM, b"a=1")),
    "unknown": (403, "not_allowed", ("POST", "/mfa/hooks/voice/x", FORM, b"a=1")),
    "a page load": (405, "method_not_allowed", ("GET", "/mfa/hooks/voice/x", FORM, b"")),
    "a query": (403, "not_allowed", ("POST", "/mfa/hooks/voice/x?a=1", FORM, b"a=1")),
    "JSON": (415, "media_type", ("POST", "/mfa/hooks/voice/x", JSON, b"{}")),
    "too many fields": (422, "malformed", ("POST", "/mfa/hooks/voice/x", FORM, b"&".join([b"a=1"] * 101))),
    "too large": (413, "too_large", ("POST", "/mfa/hooks/voice/x", FORM, b"a=" + b"x" * 70_000)),
}


@pytest.mark.parametrize("name", CALLBACKS)
async def test_what_is_no_callback(name: str) -> None:
    """Each is refused by a problem document, with the status that fits."""
    status, reason, (method, path, kind, body) = CALLBACKS[name]
    phones = Phones.make()
    async with running(phones.world):
        reply = await Browser(phones.world).ask(method, path, headers=[*FETCH, kind], body=body)
        assert (reply.status, reply.reason, reply.header("allow")) == (status, reason, "POST" if status == 405 else "")
        assert reply.header("cache-control") == "no-store"


async def test_many_networks_gain_nothing() -> None:
    """A stranger with a network for each request is bounded as well.

    The hook is told of 500 refusals an hour in all.
    """
    strangers = Strangers()
    told = sum(strangers.admits(f"2001:db8:{number:x}::/64", 7200) for number in range(20_000))
    assert told == 500
    assert strangers.admits("192.0.2.1/32", 10_800)
