"""No sender harms the rest of the process.

Here a DNS does not answer, or two readers read one text differently.
"""

from __future__ import annotations

import asyncio
import io
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mfa_gate import RelyingParty
from mfa_gate.core.web_address import read_address
from mfa_gate.errors import SendFailed, SettingsError
from mfa_gate.factors.twiml import Spoken, say_and_hang_up
from mfa_gate.policyfile.predicates import help_address
from mfa_gate.ports import Closes, Sender
from mfa_gate.senders import ConsoleSender, SMTPSender, TwilioSender, TwilioVoiceSender, WebhookSender
from mfa_gate.senders.lookup import Lookup
from mfa_gate.settings import faults_of_relying_party

from .servers import email_message, text_message

HOST = "dead.example"


@pytest.fixture
def silent_dns(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """The resolver of this machine hangs for one name, until the event is set."""
    end, real = threading.Event(), socket.getaddrinfo

    def look_up(host: Any, *args: Any, **more: Any) -> Any:
        if host in (HOST, HOST.encode()):
            end.wait(10)
            raise socket.gaierror("no such host")
        return real(host, *args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    yield end
    end.set()


def senders() -> list[tuple[Sender, Any]]:
    """One of each that looks names up, and a message for it."""
    url, account = f"https://{HOST}", "AC" + "0" * 32
    voice = TwilioVoiceSender(account, "t", sender="+12025550100", base_url=url, timeout=0.3)
    return [
        (SMTPSender(HOST, sender="a@b.example", timeout=0.3), email_message()),
        (TwilioSender(account, "t", sender="+12025550100", base_url=url, timeout=0.3), text_message()),
        (voice, text_message(callback="https://app.example/mfa/hooks/voice/x")),
        (WebhookSender(f"{url}/hook", secret="s" * 16, timeout=0.3), text_message()),
    ]


@pytest.mark.parametrize("which", range(4), ids=["smtp", "sms", "voice", "webhook"])
async def test_a_dns_that_is_away_holds_up_nothing_else(silent_dns: threading.Event, which: int) -> None:
    """Many messages that wait for a name leave the event loop's own threads free.

    Each is ``unreachable`` in time.
    """
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    sender, message = senders()[which]
    waiting = [asyncio.create_task(sender.send(message)) for _ in range(12)]
    await asyncio.sleep(0)
    await asyncio.sleep(0.05)
    assert await asyncio.wait_for(asyncio.to_thread(lambda: "free"), 30) == "free"
    found = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 5)
    assert {error.reason if isinstance(error, SendFailed) else error for error in found} == {"unreachable"}
    assert isinstance(sender, Closes)
    await sender.aclose()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "[::1]"])
async def test_a_number_is_looked_up_nowhere(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A DNS that is away is no trouble for an address that is a number."""
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("a number was looked up"))
    await Lookup().require(host, 25, within=1)


@pytest.mark.parametrize("which", range(4), ids=["smtp", "sms", "voice", "webhook"])
async def test_a_closed_sender_leaves_no_thread(silent_dns: threading.Event, which: int) -> None:
    """An app that ends is not held up by the threads of its senders."""
    before = {*threading.enumerate()}
    sender, message = senders()[which]
    with pytest.raises(SendFailed):
        await sender.send(message)
    ours = [one for one in {*threading.enumerate()} - before if one.name.startswith("mfa_gate-")]
    assert ours
    assert isinstance(sender, Closes)
    await sender.aclose()
    silent_dns.set()
    for _ in range(600):
        if not any(one.is_alive() for one in ours):
            return
        await asyncio.sleep(0.05)
    raise AssertionError("a thread goes on")


@pytest.mark.parametrize(
    "url",
    [
        "https://192.0.2.9\\@hooks.example/x",
        "https://hooks.example\\.evil.example/x",
        "https://user@hooks.example/x",
        "https://hooks.example/x#y",
        "https://hooks.example./x",
        "https://hooks.example:0/x",
        "https://hooks.example:99999/x",
        "https://hooks.example/x y",
        "https://bücher.example/x",
        "https://0x7f.1/x",
        "https://127.1/x",
        "http://hooks.example/x",
        "http://127.evil.example/x",
        "https:hooks.example/x",
        "https://[::1/x",
    ],
)
def test_no_provider_has_an_odd_address(url: str) -> None:
    """An address that two readers could read differently stops the start of every sender."""
    with pytest.raises(SettingsError):
        WebhookSender(url, secret="s" * 16)
    with pytest.raises(SettingsError):
        TwilioSender("AC" + "0" * 32, "t", sender="+12025550100", base_url=url)


@pytest.mark.parametrize(
    ("url", "made"),
    [
        ("https://h.example", "https://h.example/"),
        ("https://h.example:443/a?b=c", "https://h.example/a?b=c"),
        ("http://127.0.0.1:8080/x", "http://127.0.0.1:8080/x"),
        ("http://[::1]:8080/x", "http://[::1]:8080/x"),
        ("https://10.0.0.5/x", "https://10.0.0.5/x"),
        ("https://mail_hook:8443/x", "https://mail_hook:8443/x"),
    ],
)
def test_an_address_is_made_of_its_parts(url: str, made: str) -> None:
    """An address that was made of its parts is read as the same address again."""
    address = read_address(url)
    assert address is not None
    assert address.url == made
    again = read_address(made)
    assert again is not None
    assert again.url == made


@pytest.mark.parametrize("origin", ["http://127.app.example", "https://app.example:٤٤٣", "https://app.example:99999"])
def test_an_origin_is_one_for_every_browser(origin: str) -> None:
    """Only this machine may be without https.

    A name that looks like this machine is not this machine.
    """
    assert faults_of_relying_party(RelyingParty(id="app.example", name="App", origins=[origin]))


@pytest.mark.parametrize(
    "address",
    ["https://192.0.2.9\\@help.example/", "https://help.example@192.0.2.9/", "https:\\\\evil.example", "/\\e"],
)
def test_a_help_link_leads_where_it_says(address: str) -> None:
    """Browsers read a backslash as a slash."""
    assert not help_address(address)
    assert help_address("https://help.example/x")


def test_a_call_says_no_markup() -> None:
    """Control characters have no place in XML: a name with one would end the call."""
    from xml.etree import ElementTree

    document = say_and_hang_up(('A\x00\x0b\x1b<Hangup/>&"\ufffe',), spoken=Spoken("en-US"))
    (said, _) = ElementTree.fromstring(document)
    assert (said.tag, "<Hangup/>&" in (said.text or "")) == ("Say", True)


async def test_the_console_writes_every_letter() -> None:
    """A stream that lacks a letter shows it as an escape; nothing in a message is obeyed."""
    raw = io.BytesIO()
    sender = ConsoleSender(io.TextIOWrapper(raw, encoding="latin-1", write_through=True), environ={})
    await sender.send(email_message(to="ελ\x1b[2J@x.example", text="Код\n\x9b31m\u202e"))
    shown = raw.getvalue().decode("latin-1")
    assert "\\u03b5\\u03bb" in shown
    assert all(line.isprintable() for line in shown.splitlines())
