"""WebPushSender against a real HTTP server: its encryption, its hosts and its failures."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import http_ece
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mfa_gate.cli import main
from mfa_gate.errors import MissingExtra, SendFailed, SettingsError
from mfa_gate.ports import Message
from mfa_gate.senders import WebPushSender
from mfa_gate.senders.delivery import Breakers
from mfa_gate.senders.push import make_vapid_key, public_vapid_key

from .servers import Behavior, answers, hang_up, http_server, silence

KEY = make_vapid_key()
PHONE = ec.generate_private_key(ec.SECP256R1())
AUTH = os.urandom(16)


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def subscription(endpoint: str, **changes: Any) -> str:
    point = PHONE.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return json.dumps({"endpoint": endpoint, "keys": {"p256dh": b64(point), "auth": b64(AUTH)}} | changes)


def message(to: str) -> Message:
    return Message(channel="push", to=to, tenant="t", subject="Example", text="Somebody wants to sign in.", key="k")


def sender(**options: Any) -> WebPushSender:
    return WebPushSender(KEY, subject="mailto:ops@app.example", **{"services": ("127.0.0.1",), **options})


ODD = (
    "https://192.0.2.9\\@push.example/x",
    "https://192.0.2.9\\.push.example/x",
    "https://192.0.2.9%5C@push.example/x",
    "https://push.example@192.0.2.9/x",
    "https://user:word@push.example/x",
    "https://@push.example/x",
    "https://push.example:1/x",
    "https://push.example:8443/x",
    "https://push.example:80/x",
    "https://push.example:/x",
    "https://push.example:00443443/x",
    "http://push.example/x",
    "http://push.example:443/x",
    "https://push.example./x",
    "https://PUSH.example/x",
    "HTTPS://push.example/x",
    "https://push。example/x",
    "https://192.0.2.9#@push.example/x",
    "https://192.0.2.9?@push.example/x",
    "https://192.0.2.9/@push.example/x",
    "https://192.0.2.9;.push.example/x",
    "https://192.0.2.9\t.push.example/x",
    "https:/\\192.0.2.9/.push.example/x",
    "https:///push.example/x",
    "https://push.example/x#y",
    "https://push.example//192.0.2.9/x",
    "https://push.example/\\192.0.2.9",
    "https://push.example/x y",
    "https://-.push.example/x",
    "https://..push.example/x",
    " https://push.example/x",
    "https://push.example/x\r\n",
)


class _Never:
    """Stands where the library does, and fails the test that reaches it."""

    WebPushException = ZeroDivisionError

    def webpush(self, *found: Any, **__: object) -> None:
        raise AssertionError("a push service was asked")


@pytest.mark.parametrize("endpoint", ODD)
async def test_odd_addresses_are_asked_nowhere(endpoint: str) -> None:
    """An endpoint that two readers could take for two hosts, ports or users is refused.

    It is refused before a connection is made.
    """
    mine = sender(services=("push.example",))
    assert not mine.takes(subscription(endpoint))
    mine._library = _Never()
    with pytest.raises(SendFailed, match="rejected-destination"):
        await mine.send(message(subscription(endpoint)))


@pytest.mark.parametrize(
    ("endpoint", "asked"),
    [
        ("https://push.example/x", "https://push.example/x"),
        ("https://push.example:443/x?a=b/c%20d", "https://push.example/x?a=b/c%20d"),
        ("https://eu.push.example/wpush/v2/gAAA-_~:.", "https://eu.push.example/wpush/v2/gAAA-_~:."),
        ("https://push.example", "https://push.example/"),
    ],
)
async def test_the_address_that_is_asked_is_made_of_its_parts(endpoint: str, asked: str) -> None:
    """The library is handed the checked parts, and reads the same host in them as we did."""
    seen: list[str] = []

    class Library(_Never):
        def webpush(self, *found: Any, **__: object) -> None:
            seen.append(found[0]["endpoint"])

    mine = sender(services=("push.example",))
    mine._library = Library()
    await mine.send(message(subscription(endpoint)))
    assert seen == [asked]
    import requests

    prepared = requests.Request("POST", asked).prepare()
    assert prepared.url == asked


async def test_a_dead_host_switches_no_other_off() -> None:
    """Failures are counted for each host and port.

    One that does not answer is left in peace, and the next is asked.
    """
    mine = sender(services=("127.0.0.1",))
    async with http_server(answers(503)) as broken, http_server(answers(201)) as good:
        for _ in range(6):
            with pytest.raises(SendFailed):
                await mine.send(message(subscription(f"{broken.url}/x")))
        assert len(broken.requests) == 5
        await mine.send(message(subscription(f"{good.url}/x")))
        assert len(good.requests) == 1
    assert mine.available
    await mine.aclose()


async def test_hosts_that_do_not_answer_hold_up_nothing_else() -> None:
    """Many pushes that hang leave the event loop's own threads free.

    Another push service is free as well.
    """
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(1))
    mine = sender(services=("127.0.0.1", "localhost"), timeout=60.0)
    async with http_server(silence) as dead, http_server(answers(201)) as good:
        # One address each, so that no breaker helps.
        hanging = [asyncio.create_task(mine.send(message(subscription(f"{dead.url}/{n}")))) for n in range(16)]
        while dead.connections < 4:
            await asyncio.sleep(0.01)
        assert await asyncio.wait_for(asyncio.to_thread(lambda: "free"), 30) == "free"
        port = good.url.rpartition(":")[2]
        await asyncio.wait_for(mine.send(message(subscription(f"http://localhost:{port}/x"))), 30)
        assert dead.connections == 4
        for task in hanging:
            task.cancel()
        failed = await asyncio.gather(*hanging, return_exceptions=True)
    assert len(failed) == 16
    await mine.aclose()


async def test_only_the_phone_can_read_what_wakes_it() -> None:
    """The body opens with the phone's key alone (RFC 8291).

    It names the sender (RFC 8292) and its lifetime.
    """
    async with http_server(answers(201)) as server:
        await sender().send(message(subscription(f"{server.url}/push/abc")))
        (request,) = server.requests
    assert (request.method, request.path, request.headers["ttl"]) == ("POST", "/push/abc", "60")
    assert request.headers["authorization"].startswith("vapid ")
    assert public_vapid_key(KEY) in request.headers["authorization"]
    assert b"Somebody" not in request.body
    plain = http_ece.decrypt(request.body, private_key=PHONE, auth_secret=AUTH, version="aes128gcm")
    assert json.loads(plain) == {
        "notification": {"title": "Example", "body": "Somebody wants to sign in.", "tag": "waiting"}
    }


async def test_a_push_declares_its_notification_and_the_page_that_it_opens() -> None:
    """A browser shows it without any script (Push API, declarative push messages)."""
    async with http_server(answers(201)) as server:
        told = replace(message(subscription(f"{server.url}/push/abc")), url="https://app.example/mfa/approve")
        await sender().send(told)
        (request,) = server.requests
    assert request.headers["content-type"] == "application/notification+json"
    plain = json.loads(http_ece.decrypt(request.body, private_key=PHONE, auth_secret=AUTH, version="aes128gcm"))
    assert plain["web_push"] == 8030
    assert plain["notification"] == {
        "title": "Example",
        "body": "Somebody wants to sign in.",
        "navigate": "https://app.example/mfa/approve",
        "tag": "waiting",
    }


@pytest.mark.parametrize(
    "to",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"endpoint": 1, "keys": {}}',
        subscription("https://evil.example/push"),
        subscription("https://127.0.0.1.evil.example/push"),
        subscription("https://evil.example/127.0.0.1"),
        subscription("http://169.254.169.254/latest"),
        subscription("file:///etc/passwd"),
        subscription("https://x@evil.example:1/#127.0.0.1"),
        *map(subscription, ODD),
    ],
)
async def test_only_known_services_are_asked(to: str) -> None:
    """S-127: the phone names the address, so every other host is refused without being asked."""
    with pytest.raises(SendFailed, match="rejected-destination"):
        await sender().send(message(to))


@pytest.mark.parametrize(
    ("behavior", "reason", "transient"),
    [
        (answers(410), "rejected-destination", False),
        (answers(404), "rejected-destination", False),
        (answers(400), "refused", False),
        (answers(429), "refused", True),
        (answers(500), "refused", True),
        (answers(503), "refused", True),
        (answers(302, headers="Location: http://127.0.0.1:9/x\r\n"), "refused", False),
        (hang_up, "unreachable", True),
        (silence, "timeout", True),
    ],
)
async def test_failures_have_their_words(behavior: Behavior, reason: str, transient: bool) -> None:
    """Each way to fail is told by its own word.

    Nothing is followed elsewhere, and nothing is sent twice. Five failures that may pass pause the service, and those of
    one phone do not.
    """
    mine = sender(timeout=0.2 if behavior is silence else 3.0)
    async with http_server(behavior) as server:
        for number in range(1, 7):
            with pytest.raises(SendFailed) as failed:
                await mine.send(message(subscription(f"{server.url}/x")))
            is_paused = transient and number == 6
            assert (failed.value.reason, failed.value.transient) == ("unreachable" if is_paused else reason, transient)
            while len(server.requests) < min(number, 5):  # a slow machine reads it after the sender gave up
                await asyncio.sleep(0.01)
            assert len(server.requests) == (5 if is_paused else number)
    await mine.aclose()


async def test_a_service_that_hangs() -> None:
    """Four pushes to one service go out at a time; a fifth was never sent.

    Nobody knows if the four arrive.
    """
    end, begun = threading.Event(), list[str]()

    class Hangs(_Never):
        def webpush(self, *found: Any, **__: object) -> None:
            begun.append(found[0]["endpoint"])
            end.wait(60)

    mine = sender(services=("push.example",), timeout=0.5)
    mine._library = Hangs()
    sent = [mine.send(message(subscription(f"https://h{n}.push.example/x"))) for n in range(5)]
    found = await asyncio.gather(*sent, return_exceptions=True)
    end.set()
    reasons = [error.reason for error in found if isinstance(error, SendFailed) and error.transient]
    assert sorted(reasons) == ["timeout"] * len(begun) + ["unreachable"] * (5 - len(begun))
    assert len(begun) == 4
    await mine.aclose()


async def test_the_environments_proxy_is_not_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A push goes to its service and not to the environment's proxy (S-127)."""
    async with http_server(answers(201)) as proxy, http_server(answers(201)) as server:
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        await sender().send(message(subscription(f"{server.url}/x")))
    assert (proxy.connections, len(server.requests)) == (0, 1)


def test_hosts_are_remembered_within_a_bound() -> None:
    """Failures of 256 places are counted; the least recently used gives way."""
    made = Breakers()
    first, second = made.at(0), made.at(1)
    for place in range(2, 256):
        made.at(place)
    assert made.at(0) is first
    made.at(256)
    assert made.at(0) is first
    assert made.at(1) is not second


def test_a_sender_that_cannot_work_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing address of the operator, or a missing extra, is named."""
    with pytest.raises(SettingsError, match="mailto: or https:"):
        WebPushSender(KEY, subject="ops@app.example")
    assert sender().takes(subscription("http://127.0.0.1:1/x")) is True
    monkeypatch.setitem(sys.modules, "pywebpush", None)
    with pytest.raises(MissingExtra, match=r"mfa-gate\[push\]"):
        sender()


@pytest.mark.parametrize("change", [{"keys": {"p256dh": "x", "auth": "y"}}, {"keys": {"p256dh": "", "auth": ""}}])
async def test_keys_that_are_none_are_refused(change: dict[str, Any]) -> None:
    """A subscription that nothing can be encrypted for fails as one."""
    async with http_server(answers(201)) as server:
        with pytest.raises(SendFailed):
            await sender().send(message(subscription(f"{server.url}/x", **change)))
        assert server.requests == []


@pytest.mark.parametrize(
    "key",
    ["", "x", "é", KEY[:-4], KEY + "AAAA", b64(b"\x00" * 32)],
    ids=["empty", "short", "umlaut", "cut", "longer", "zero"],
)
def test_a_key_that_is_none_is_a_fault_at_start(key: str) -> None:
    """The message names the command that makes one, and never shows the key."""
    with pytest.raises(SettingsError, match="mfa-gate keys vapid") as wrong:
        sender_of(key)
    assert not key or key not in str(wrong.value) or len(key) < 3


def sender_of(key: str) -> WebPushSender:
    return WebPushSender(key, subject="mailto:ops@app.example")


def test_the_command_prints_a_key_that_works(capsys: pytest.CaptureFixture[str]) -> None:
    """``mfa-gate keys vapid`` prints the private key alone.

    With --json it prints its public one as well.
    """
    assert main(["keys", "vapid"]) == 0
    assert sender_of(capsys.readouterr().out.strip()).application_server_key
    assert main(["keys", "vapid", "--json"]) == 0
    both = json.loads(capsys.readouterr().out)
    assert public_vapid_key(both["private_key"]) == both["public_key"]
