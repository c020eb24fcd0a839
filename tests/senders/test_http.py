"""TwilioSender, TwilioVoiceSender and WebhookSender against a real HTTP server.

The server is well and badly behaved.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import hmac
import json
import logging
import ssl
import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import pytest

from mfa_gate.errors import MissingExtra, SendFailed, SettingsError
from mfa_gate.ports import Message
from mfa_gate.senders import TwilioSender, TwilioVoiceSender, WebhookSender
from mfa_gate.senders.delivery import Outcome
from mfa_gate.senders.posting import Answer, Courier, _default_tls
from mfa_gate.senders.twilio import _outcome as twilio_outcome

from .servers import (
    Behavior,
    Request,
    Trust,
    answers,
    endless,
    half_an_answer,
    hang_up,
    http_server,
    silence,
    text_message,
)

SID = "AC0123456789abcdef0123456789abcdef"
TOKEN = "t0ken-of-the-account"
SECRET = "a secret of the receiver"
CALLBACK = "https://app.example/mfa/hooks/voice/abc"

AnySender = TwilioSender | TwilioVoiceSender | WebhookSender


def sms(url: str, **options: Any) -> TwilioSender:
    return TwilioSender(SID, TOKEN, sender="+12025550100", base_url=url, **options)


def voice(url: str, **options: Any) -> TwilioVoiceSender:
    return TwilioVoiceSender(SID, TOKEN, sender="+12025550100", base_url=url, **options)


def webhook(url: str, **options: Any) -> WebhookSender:
    return WebhookSender(f"{url}/hook", secret=SECRET, **options)


every_sender = pytest.mark.parametrize("make", [sms, voice, webhook])


def message() -> Message:
    return text_message(callback=CALLBACK)


async def failure_of(sender: AnySender, told: Message | None = None) -> SendFailed:
    with pytest.raises(SendFailed) as caught:
        await sender.send(told or message())
    return caught.value


def problem(code: int) -> bytes:
    return json.dumps({"code": code, "message": "about +12025550143: 493817", "status": 400}).encode()


async def test_a_text_message_in_twilios_shape() -> None:
    """The form, the credentials and the idempotency key are where Twilio's API has them."""
    async with http_server(answers(201, b'{"sid": "SM1", "status": "queued", "error_code": null}')) as server:
        sender = sms(server.url + "/")
        await sender.send(message())
        await sender.aclose()
        await sender.aclose()
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", f"/2010-04-01/Accounts/{SID}/Messages.json")
    assert parse_qs(request.body.decode()) == {
        "To": ["+12025550143"],
        "From": ["+12025550100"],
        "Body": [message().text],
    }
    assert request.headers["authorization"] == "Basic " + base64.b64encode(f"{SID}:{TOKEN}".encode()).decode()
    assert request.headers["idempotency-key"] == "challenge-1"
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"


async def test_a_messaging_service_as_sender() -> None:
    """A sender ``MG…`` goes out as the messaging service."""
    service = "MG" + "0" * 32
    async with http_server(answers(201)) as server:
        await TwilioSender(SID, TOKEN, sender=service, base_url=server.url).send(message())
    form = parse_qs(server.requests[0].body.decode())
    assert form["MessagingServiceSid"] == [service]
    assert "From" not in form


async def test_a_call_in_twilios_shape() -> None:
    """S-56: a call carries the callback's address only; no code and no text is in the request."""
    async with http_server(answers(201)) as server:
        await voice(server.url).send(message())
    (request,) = server.requests
    assert request.path == f"/2010-04-01/Accounts/{SID}/Calls.json"
    form = parse_qs(request.body.decode())
    assert form == {
        "To": ["+12025550143"],
        "From": ["+12025550100"],
        "Url": [CALLBACK],
        "Method": ["POST"],
        "Timeout": ["30"],
    }
    assert b"493817" not in request.body


@pytest.mark.parametrize("callback", ["", "http://app.example/hook", "javascript:alert(1)", "https://a b/"])
async def test_a_call_without_a_safe_callback(callback: str) -> None:
    """A call whose words would be fetched in the clear is not placed."""
    async with http_server(answers(201)) as server:
        fault = await failure_of(voice(server.url), text_message(callback=callback))
    assert (fault.reason, fault.transient) == ("refused", False)
    assert server.connections == 0


async def test_the_webhook_and_its_signature() -> None:
    """The signature covers time stamp and raw body, and the document has the message.

    Requirement S-128.
    """
    async with http_server(answers(204, b"")) as server:
        await webhook(server.url, now=lambda: 1_700_000_000.9).send(message())
    (request,) = server.requests
    assert json.loads(request.body) == {
        "channel": "sms",
        "to": "+12025550143",
        "tenant": "clinic",
        "subject": "",
        "text": message().text,
        "key": "challenge-1",
        "code": "493817",
        "callback": CALLBACK,
    }
    assert request.headers["x-mfa-gate-timestamp"] == "1700000000"
    expected = hmac.new(SECRET.encode(), b"1700000000." + request.body, hashlib.sha256).hexdigest()
    assert request.headers["x-mfa-gate-signature"] == f"v1={expected}"
    assert request.headers["content-type"] == "application/json"


async def test_a_webhook_without_code_says_none() -> None:
    """A notice has neither ``code`` nor ``callback``."""
    async with http_server(answers(200)) as server:
        await webhook(server.url).send(Message(channel="email", to="a@b.example", tenant="t", text="Hi", key="k"))
    assert {"code", "callback"}.isdisjoint(json.loads(server.requests[0].body))


@every_sender
@pytest.mark.parametrize(
    ("status", "reason", "transient"),
    [
        (300, "refused", False),
        (400, "refused", False),
        (401, "refused", False),
        (404, "refused", False),
        (429, "refused", True),
        (499, "refused", False),
        (500, "refused", True),
        (503, "refused", True),
    ],
)
async def test_what_a_status_means(make: Callable[..., AnySender], status: int, reason: str, transient: bool) -> None:
    """4xx is final, 429 and 5xx may pass; nothing of it is tried again."""
    async with http_server(answers(status, b"not JSON 493817")) as server:
        fault = await failure_of(make(server.url))
    assert (fault.reason, fault.transient, fault.detail) == (reason, transient, f"HTTP {status}")
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (400, 21610, "opted-out"),
        (400, 21211, "rejected-destination"),
        (400, 21614, "rejected-destination"),
        (400, 21408, "rejected-destination"),
        (400, 20003, "refused"),
        (201, 21610, "opted-out"),
        (201, 30001, "refused"),
    ],
)
@pytest.mark.parametrize("make", [sms, voice])
async def test_what_twilios_codes_mean(make: Callable[..., AnySender], status: int, code: int, reason: str) -> None:
    """A number that sent STOP, or takes no texts, is told as that.

    The provider's words stay out of the error. Requirement U-19.
    """
    async with http_server(answers(status, problem(code))) as server:
        fault = await failure_of(make(server.url))
    assert (fault.reason, fault.transient) == (reason, False)
    assert "12025550143" not in str(fault)
    assert "493817" not in str(fault)


MEANT = {
    "opted-out": (21610,),
    "rejected-destination": (
        13223, 13224, 21211, 21214, 21215, 21216, 21217, 21219, 21408, 21612, 21614, 21635,
    ),
    "refused": (
        20003, 20404, 20429, 21201, 21205, 21210, 21212, 21213, 21218, 21220, 21401, 21407, 21409, 21601, 21602, 21603,
        21606, 21609, 21611, 21613, 21617, 21620, 21634, 21636, 13222, 13225, 30001, 30007,
    ),
}  # fmt: skip
"""Twilio's dictionary of errors: what is the person's, what is the number's, and what is the account's or the text's."""


def test_each_number_in_twilios_dictionary() -> None:
    """Errors about a number or its person are told apart from all others (U-19)."""
    found: dict[str, list[int]] = {reason: [] for reason in MEANT}
    for code in (code for codes in MEANT.values() for code in codes):
        outcome = twilio_outcome(Answer(status=400, body=problem(code)))
        assert not outcome.transient
        assert not outcome.provider_down
        found[outcome.reason].append(code)
    assert found == {reason: list(codes) for reason, codes in MEANT.items()}


@pytest.mark.parametrize("status", [201, 400])
async def test_a_provider_that_compresses(status: int) -> None:
    """It is asked for the plain text, by which a number that sent STOP is told."""

    async def behave(request: Request, writer: asyncio.StreamWriter) -> None:
        body, headers = problem(21610), ""
        if request.headers.get("accept-encoding") != "identity":
            body, headers = gzip.compress(body), "Content-Encoding: gzip\r\n"
        await answers(status, body, headers=headers)(request, writer)

    async with http_server(behave) as server:
        assert (await failure_of(sms(server.url))).reason == "opted-out"


@pytest.mark.parametrize("body", [b"[]", b"7", b'"x"', b"{", b'{"code": "21610"}', b"[" * 50_000, b"\xff\xfe"])
async def test_garbage_in_a_good_answer(body: bytes) -> None:
    """A 2xx is delivered, also if its body is garbage.

    Otherwise the user would ask again.
    """
    async with http_server(answers(200, body)) as server:
        await sms(server.url).send(message())
        await webhook(server.url).send(message())
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"reason": "opted-out"}', "opted-out"),
        (b'{"reason": "rejected-destination"}', "rejected-destination"),
        (b'{"reason": "anything"}', "refused"),
        (b'{"reason": ["opted-out"]}', "refused"),
        (b"[]", "refused"),
    ],
)
async def test_a_receiver_may_say_why(body: bytes, reason: str) -> None:
    """A webhook's 422 passes on the two reasons that have a way on.

    Other words are not believed. Requirement U-19.
    """
    async with http_server(answers(422, body)) as server:
        assert (await failure_of(webhook(server.url))).reason == reason


@pytest.mark.parametrize(
    ("status", "reason"),
    [(399, "refused"), (400, "opted-out"), (429, "refused"), (499, "opted-out"), (500, "refused"), (503, "refused")],
)
async def test_a_receiver_says_why_in_a_final_refusal_only(status: int, reason: str) -> None:
    """A receiver that is busy, or sends elsewhere, says nothing about the person."""
    async with http_server(answers(status, b'{"reason": "opted-out"}')) as server:
        assert (await failure_of(webhook(server.url))).reason == reason


@every_sender
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(make: Callable[..., AnySender], status: int) -> None:
    """S-127: a redirect is a refusal; neither credentials nor text go where it points."""
    async with http_server(answers(200)) as elsewhere:
        redirect = answers(status, headers=f"Location: {elsewhere.url}/stolen\r\n")
        async with http_server(redirect) as server:
            fault = await failure_of(make(server.url))
    assert (fault.reason, fault.transient) == ("refused", False)
    assert elsewhere.connections == 0


@every_sender
@pytest.mark.parametrize("behavior", [hang_up, half_an_answer], ids=["no answer", "half an answer"])
async def test_dropped_connections_are_never_tried_again(make: Callable[..., AnySender], behavior: Behavior) -> None:
    """A connection that drops after the request went out is ``timeout``, and not tried again.

    Perhaps the message was sent. Requirements S-127, F-22.
    """
    async with http_server(behavior) as server:
        fault = await failure_of(make(server.url))
    assert (fault.reason, fault.transient) == ("timeout", True)
    assert len(server.requests) == 1


async def test_a_slow_provider() -> None:
    """F-21: no answer in time is ``timeout``, within the bound and with one request in all."""
    async with http_server(silence) as server:
        sender = sms(server.url, timeout=0.1)
        sender._account._courier.answer_time = 0.1
        started = asyncio.get_running_loop().time()
        fault = await failure_of(sender)
        assert asyncio.get_running_loop().time() - started < 3
    assert (fault.reason, fault.transient) == ("timeout", True)
    assert len(server.requests) == 1


async def test_an_endless_answer() -> None:
    """An answer without end is read to its bound only."""
    async with http_server(endless) as server:
        await sms(server.url).send(message())


@every_sender
async def test_nobody_listens(make: Callable[..., AnySender], free_port: int) -> None:
    """A refused connection is unreachable: certainly not sent."""
    sender = make(f"http://127.0.0.1:{free_port}")
    fault = await failure_of(sender)
    assert (fault.reason, fault.transient) == ("unreachable", True)
    assert "unreachable" in await sender.check()


@every_sender
@pytest.mark.parametrize("way", ["no name", "no listener", "no TLS", "hang up", "half an answer"])
async def test_five_failures_of_the_way_pause_the_provider(
    make: Callable[..., AnySender], way: str, free_port: int
) -> None:
    """A provider that is not reached, or gives no answer, is left alone after five messages.

    Each message may be tried later, and each was one connection. Requirement F-21.
    """
    closed: list[asyncio.StreamWriter] = []

    def close(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        closed.append(writer)
        writer.close()

    closing = await asyncio.start_server(close, "127.0.0.1", 0)
    async with http_server(half_an_answer if way == "half an answer" else hang_up) as server, closing:
        url = {
            "no name": "https://no-such-host.invalid",
            "no listener": f"http://127.0.0.1:{free_port}",
            "no TLS": f"https://127.0.0.1:{closing.sockets[0].getsockname()[1]}",
        }.get(way, server.url)
        sender = make(url)
        for _ in range(5):
            assert sender.available
            fault = await failure_of(sender)
            assert fault.transient
            assert fault.reason == ("timeout" if way in ("hang up", "half an answer") else "unreachable")
        assert not sender.available
        paused = await failure_of(sender)
    assert (paused.reason, paused.transient) == ("unreachable", True)
    assert len(server.requests) == server.connections == (5 if way in ("hang up", "half an answer") else 0)
    assert len(closed) == (5 if way == "no TLS" else 0)


async def test_four_failures_and_a_success_are_none() -> None:
    """A delivery begins the count anew: only failures in a row pause a provider."""
    async with http_server(answers(503)) as server:
        sender = sms(server.url)
        for _ in range(2):
            server.behavior = answers(503)
            for _ in range(4):
                await failure_of(sender)
            assert sender.available
            server.behavior = answers(201)
            await sender.send(message())


async def test_one_request() -> None:
    """A courier reads 64 KiB of an answer, and asks no address that is read in two ways."""
    courier = Courier(what="a test", timeout=3.0)
    async with http_server(answers(200, b"x" * 70_000)) as server:
        answer = await courier.request("GET", server.url, headers={})
        odd = await courier.request("GET", server.url + "/a b", headers={})
    assert isinstance(answer, Answer)
    assert (answer.status, len(answer.body)) == (200, 65_536)
    assert isinstance(odd, Outcome)
    assert (odd.reason, odd.transient, odd.provider_down) == ("refused", False, False)
    assert server.connections == 1
    courier.close()


async def test_only_the_scheme_and_the_host_are_lowered() -> None:
    """The rest of an address is the provider's, letter by letter."""
    async with http_server(answers(200)) as server:
        sender = WebhookSender(f"{server.url.replace('http', 'HTTP')}/Hook?to=HTTPS://APP.example", secret=SECRET)
        await sender.send(message())
    assert server.requests[0].path == "/Hook?to=HTTPS://APP.example"


@pytest.mark.parametrize(
    ("asked", "signed"),
    [
        ("https://app.example/cb?a=1", "https://app.example/cb?a=1"),
        ("https://app.example/cb?a=1", "https://app.example:443/cb?a=1"),
        ("https://app.example:8443/cb", "https://app.example:8443/cb"),
        ("https://app.example:8443/cb", "https://app.example/cb"),
        ("http://127.0.0.1/cb", "http://127.0.0.1:80/cb"),
        ("https://[2001:db8::1]/cb", "https://[2001:db8::1]:443/cb"),
        ("https://[2001:db8::1]:8443/cb", "https://[2001:db8::1]/cb"),
    ],
)
def test_the_signature_of_a_callback(asked: str, signed: str) -> None:
    """Twilio signs the address and the sorted fields, with or without the port.

    Another field, address, port or token is another signature.
    """
    params = {"To": "+18005551212", "CallSid": "CA1234567890ABCDE", "Digits": "1234"}

    def signature(url: str, token: str = TOKEN) -> dict[str, str]:
        text = url + "CallSidCA1234567890ABCDEDigits1234To+18005551212"
        made = hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()
        return {"x-twilio-signature": base64.b64encode(made).decode()}

    sender = voice("https://provider.example")
    assert sender.verify_callback(asked, params, signature(signed))
    assert not sender.verify_callback(asked, params | {"Digits": "#"}, signature(signed))
    assert not sender.verify_callback(asked, params, signature(signed + "x"))
    assert not sender.verify_callback(asked, params, signature(signed, "another"))
    assert not sender.verify_callback(asked, params, signature(asked.replace("//", "//x.")))
    assert not sender.verify_callback(asked, params, {})


async def test_https_needs_a_trusted_certificate(trust: Trust) -> None:
    """A certificate that nobody vouches for ends the delivery before the request.

    A trusted one delivers.
    """
    async with http_server(answers(200), tls=trust.server) as server:
        assert (await failure_of(webhook(server.url))).reason == "unreachable"
        assert server.requests == []
        await webhook(server.url, tls_context=trust.client).send(message())
    assert len(server.requests) == 1
    assert (_default_tls().verify_mode, _default_tls().check_hostname) == (ssl.CERT_REQUIRED, True)


@every_sender
async def test_the_breaker(make: Callable[..., AnySender]) -> None:
    """Five failures in a row pause the provider for 30 seconds, and then one attempt decides.

    Requirement F-21.
    """
    time = [50.0]
    async with http_server(answers(503)) as server:
        sender = make(server.url, clock=lambda: time[0])
        for _ in range(5):
            assert sender.available
            await failure_of(sender)
        assert not sender.available
        assert "paused" in (await failure_of(sender)).detail
        assert len(server.requests) == 5
        time[0] += 30
        await failure_of(sender)
        assert len(server.requests) == 6
        assert not sender.available
        time[0] += 30
        server.behavior = answers(200)
        await sender.send(message())
        await sender.send(message())
    assert len(server.requests) == 8


async def test_refusals_of_one_number_do_not_open_the_breaker() -> None:
    """F-21: nobody closes the channel for others with a number that cannot be reached."""
    async with http_server(answers(400, problem(21614))) as server:
        sender = sms(server.url)
        for _ in range(8):
            assert (await failure_of(sender)).reason == "rejected-destination"
    assert len(server.requests) == 8


@pytest.mark.parametrize("make", [sms, voice])
@pytest.mark.parametrize(
    "to", ["", "2025550143", "+0123456", "+1202555014x", "+1" + "2" * 20, "+12025550143\n", "+١٢٣٤٥٦٧"]
)
async def test_what_is_not_a_number(make: Callable[..., AnySender], to: str) -> None:
    """A number that is not E.164 is refused before a connection is made."""
    async with http_server(answers(201)) as server:
        fault = await failure_of(make(server.url), text_message(to=to, callback=CALLBACK))
    assert fault.reason == "rejected-destination"
    assert server.connections == 0


@every_sender
@pytest.mark.parametrize("key", ["a\r\nX-Evil: 1", "ключ", "", "k" * 300])
async def test_header_injection_by_key(make: Callable[..., AnySender], key: str) -> None:
    """A key that is not a plain word enters the header as its digest only."""
    async with http_server(answers(200)) as server:
        await make(server.url).send(text_message(key=key, callback=CALLBACK))
    headers = server.requests[0].headers
    assert "x-evil" not in headers
    assert len(headers["idempotency-key"]) == 64


async def test_the_environments_proxy_is_not_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests go to the configured host and not to the environment's proxy.

    Requirement S-127.
    """
    async with http_server(answers(200)) as proxy, http_server(answers(200)) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        await webhook(server.url).send(message())
    assert proxy.connections == 0
    assert len(server.requests) == 1


async def test_check() -> None:
    """The doctor hears "" from a provider that takes the credentials.

    It hears the status from one that does not take them.
    """
    async with http_server(answers(200)) as server:
        assert [await make(server.url).check() for make in (sms, voice, webhook)] == ["", "", ""]
        assert [request.method for request in server.requests] == ["GET", "GET", "OPTIONS"]
        server.behavior = answers(401)
        told = await sms(server.url).check()
    assert "HTTP 401" in told
    assert TOKEN not in told


URLS = [
    "http://app.example/hook",
    "ftp://app.example",
    "app.example",
    "https://",
    "https://user:pass@app.example/",
    "https://app.example/#x",
    "https://app.example:port/",
    "https://app.example/a b",
    "http://127.0.0.1.evil.example/",
    "http://localhost.evil.example/",
    "http://127.0.0.1@evil.example/",
]


@pytest.mark.parametrize("url", URLS)
def test_unsafe_addresses_stop_the_start(url: str) -> None:
    """Codes and credentials travel by https, or stay on this machine."""
    said = "neither user:password@ nor #fragment" if "@" in url or "#" in url else "https:// address"
    with pytest.raises(SettingsError, match=said):
        WebhookSender(url, secret=SECRET)
    with pytest.raises(SettingsError, match=said):
        sms(url)


def test_other_wrong_settings() -> None:
    """A weak secret, a path in the account, empty credentials or sender stop the start.

    The message shows no secret.
    """
    with pytest.raises(SettingsError) as caught:
        WebhookSender("https://app.example/", secret="weakling")
    assert "weakling" not in str(caught.value)
    with pytest.raises(SettingsError, match="16 bytes"):
        WebhookSender("https://app.example/", secret="s" * 15)
    WebhookSender("https://app.example/", secret="s" * 16)
    with pytest.raises(SettingsError, match=r"\?query"):
        sms("https://app.example/?a=b")
    for sid, token, sender in [("../x", "t", "+1"), ("AC1", "", "+1"), ("AC1", "t", ""), ("AC1", "t", "a\nb")]:
        with pytest.raises(SettingsError):
            TwilioSender(sid, token, sender=sender)


@every_sender
def test_without_the_extra(make: Callable[..., AnySender], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its optional dependency a sender names the command that installs it."""
    monkeypatch.setitem(sys.modules, "httpx2", None)
    with pytest.raises(MissingExtra, match=r"mfa-gate\[sms\]"):
        make("https://provider.example")


@every_sender
async def test_no_secret_in_repr_logs_or_errors(
    make: Callable[..., AnySender], caplog: pytest.LogCaptureFixture
) -> None:
    """No code, number, token, secret or signature is logged or shown, at any level.

    Requirement S-48.
    """
    caplog.set_level(logging.DEBUG)
    async with http_server(answers(200)) as server:
        sender = make(server.url)
        await sender.send(message())
        server.behavior = answers(400, problem(21211))
        fault = await failure_of(sender)
        server.behavior = hang_up
        dropped = await failure_of(sender)
    assert fault.__context__ is None
    assert dropped.__context__ is None
    shown = " ".join(
        [repr(sender), repr(fault), str(fault), repr(message()), *(r.getMessage() for r in caplog.records)]
    )
    signature = server.requests[0].headers.get("x-mfa-gate-signature", "v1=none")
    for secret in (
        "493817",
        "2025550143",
        TOKEN,
        SECRET,
        signature,
        "/hook",
        base64.b64encode(TOKEN.encode()).decode(),
    ):
        assert secret not in shown


async def test_a_canceled_attempt_counts_as_nothing() -> None:
    """A request that the caller gave up on does not open the breaker.

    Nor does it block the attempt after a pause.
    """
    time = [0.0]
    async with http_server(answers(503)) as server:
        sender = sms(server.url, clock=lambda: time[0])
        for _ in range(5):
            await failure_of(sender)
        time[0] += 30
        server.behavior = silence
        probe = asyncio.create_task(sender.send(message()))
        await asyncio.sleep(0.1)
        assert not sender.available
        probe.cancel()
        with pytest.raises(asyncio.CancelledError):
            await probe
        assert sender.available
