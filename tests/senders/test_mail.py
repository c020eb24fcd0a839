"""No text that people can write becomes a header, a body or another mailbox.

The tests look at the mail as it goes out.
"""

from __future__ import annotations

import base64
import contextlib
import email.policy
import warnings
from collections.abc import Callable
from email import message_from_bytes
from typing import Any

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from aiosmtpd.smtp import SMTP, AuthResult

from mfa_gate.errors import SendFailed, SettingsError
from mfa_gate.senders import SMTPSender
from mfa_gate.senders.mail import Unwritable, _require_ours, mailbox_of, written

from .servers import Trust, email_message
from .test_smtp import SENDER, Inbox, failure_of, is_paused_after_five, mail_in, plain_sender, smtp_server

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:aiosmtpd")

HEADERS = ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted"]
INJECTION = "=?utf-8?q?x=0aX-Test=3A_1=0a=0aHello?="


def raw_head(inbox: Inbox) -> list[str]:
    """The names in the block of headers, as a reader that decodes nothing sees them."""
    content = inbox.envelopes[0].content
    assert isinstance(content, bytes)
    lines = content.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    assert not {"\r", "\n"} & {*"".join(lines)}
    return [line.partition(":")[0] for line in lines if line[:1] not in (" ", "\t")]


@pytest.mark.parametrize(
    "to",
    [
        f"{INJECTION}@mail.example",
        f"ann@{INJECTION}",
        f"a.{INJECTION}.b@mail.example",
        "=?utf-8?b?eApYLVRlc3Q6IDEKCkhlbGxv?=@mail.example",
        "=?@mail.example",
        "ann@mail.=?example",
        "ännchen=?utf-8?q?=0a?=@mail.example",
        "ann\u200b@mail.example",
        "ann@mail\u3002example",
        "ä@mail\u3002example",
        "ann@\uff4dail.example",
        "ann@\ud800.example",
        "\udcff@mail.example",
        "ann@" + "ü" * 63 + ".example",
        "ann@a..\u00fc.example",
        "ann@\u00fc\u202e.example",
    ],
)
async def test_no_address_writes_a_header(to: str) -> None:
    """An address that any reader could decode or fold is refused as an address.

    It is refused before a connection is made.
    """
    async with smtp_server(Inbox()) as inbox:
        fault = await failure_of(plain_sender(inbox.port), to=to)
    assert fault.reason == "rejected-destination"
    assert inbox.servers == []


@pytest.mark.parametrize(
    ("to", "header"),
    [
        ("a..b@mail.example", '"a..b"@mail.example'),
        (".a@mail.example", '".a"@mail.example'),
        ("a.@mail.example", '"a."@mail.example'),
        ("a.b@mail.example", "a.b@mail.example"),
        *[(f"{odd}@mail.example",) * 2 for odd in ("ann", "a+b=c?d/e!f#g$h%i&j'k*l^m`n{o|p}q~")],
    ],
)
async def test_unusual_addresses_that_exist_arrive(to: str, header: str) -> None:
    """Dots at odd places and all signs of RFC 5322 lead a reader to the same address.

    Quotation marks stand around odd dots alone (RFC 5322 3.4.1).
    """
    async with smtp_server(Inbox()) as inbox:
        await plain_sender(inbox.port).send(email_message(to=to))
    (found,) = mail_in(inbox)["To"].addresses
    assert (found.username, found.domain) == tuple(to.rsplit("@", 1))
    content = inbox.envelopes[0].content
    assert isinstance(content, bytes)
    assert f"To: {header}\r\n".encode() in content
    assert raw_head(inbox)[:6] == HEADERS


@pytest.mark.parametrize(
    "subject",
    [
        INJECTION,
        f"493817 is your code for {INJECTION}",
        "=?utf-8?b?eApCY2M6IGV2ZUBldmlsLmV4YW1wbGU=?=",
        "493817 für Ännchen " + "ä" * 200,
        "x" * 500,
        "  two blanks  ",
        "日本語のコード 493817",
        "a: b; c, <d@e.example>",
        "",
    ],
)
async def test_a_subject_arrives_as_it_is_and_adds_nothing(subject: str) -> None:
    """All characters of a subject stand in the subject, letter by letter, and nowhere else."""
    async with smtp_server(Inbox()) as inbox:
        await plain_sender(inbox.port).send(email_message(subject=subject))
    mail = mail_in(inbox)
    assert str(mail["Subject"] or "") == subject
    assert [name for name in raw_head(inbox) if name in HEADERS] == [n for n in HEADERS if subject or n != "Subject"]
    assert mail["X-Test"] is None
    assert mail["Bcc"] is None
    assert mail.get_content().strip().startswith("Your security code")


async def test_what_cannot_be_written_is_a_failure_to_send() -> None:
    """Text without an encoding ends as ``SendFailed``, with no exception behind it.

    No exception of a library is its cause or context.
    """
    async with smtp_server(Inbox()) as inbox:
        for change in ({"text": "\ud800"}, {"html": "<p>\udcff</p>"}, {"key": "\ud800\r\n"}):
            sender = plain_sender(inbox.port)
            if "key" in change:
                await sender.send(email_message(**change))
                continue
            fault = await failure_of(sender, **change)
            assert (fault.reason, fault.__cause__, fault.__context__) == ("refused", None, None)
            assert sender.available


@pytest.mark.parametrize("sender", [f"{INJECTION} <a@b.example>", f"App <{INJECTION}@b.example>", "App <ä@b.example>"])
def test_an_encoded_sender_stops_the_start(sender: str) -> None:
    """The From address is held to the same."""
    with pytest.raises(SettingsError, match="sender"):
        SMTPSender("mail.clinic.example", sender=sender)


async def test_a_name_with_commas_or_umlauts_arrives() -> None:
    """The sender's name is quoted or encoded, and is read as it was given."""
    for name in ("Clinic, Ltd.", "Praxis Müller", 'The "App"'):
        async with smtp_server(Inbox()) as inbox:
            quoted = name.replace('"', '\\"')
            sender = SMTPSender("127.0.0.1", inbox.port, sender=f'"{quoted}" <a@b.example>', security="none")
            await sender.send(email_message())
        (found,) = mail_in(inbox)["From"].addresses
        assert (found.display_name, found.addr_spec) == (name, "a@b.example")


# -- domains with other letters ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("domain", "sent"),
    [
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("bu\u0308cher.example", "xn--bcher-kva.example"),
        ("straße.example", "xn--strae-oqa.example"),
        ("日本.example", "xn--wgv71a.example"),
        ("mail.bücher.example", "mail.xn--bcher-kva.example"),
    ],
)
async def test_a_domain_goes_out_in_its_ascii_form(domain: str, sent: str) -> None:
    """A domain goes out in its ASCII form, in the envelope and in the header.

    So a server without SMTPUTF8 takes an ASCII mailbox at such a domain.
    """
    async with smtp_server(Inbox(), enable_SMTPUTF8=False) as inbox:
        await plain_sender(inbox.port).send(email_message(to=f"ann@{domain}"))
    assert inbox.envelopes[0].rcpt_tos == [f"ann@{sent}"]
    assert mail_in(inbox)["To"] == f"ann@{sent}"


@pytest.mark.parametrize(
    ("to", "is_taken"),
    [
        ("a" * 64 + "@" + "m" * 181 + ".example", True),  # 254
        ("a" * 64 + "@" + "m" * 182 + ".example", False),
        ("ann@" + "ä." * 60 + "example", False),  # too long in its ASCII form alone
        ("ann@x.bücher.example", True),
        ("ann@" + "m" * 63 + ".bücher.example", True),
        ("ann@" + "m" * 64 + ".bücher.example", False),
        ("ann@bücher..example", False),
    ],
)
def test_the_longest_address(to: str, is_taken: bool) -> None:
    """An address has at most 254 characters (RFC 5321), and a label 63 (RFC 1035)."""
    assert (mailbox_of(to) is not None) is is_taken


@pytest.mark.parametrize(
    ("head", "is_ours"),
    [
        (b"From: a\r\nTo: b\r\nContent-Type: text/plain\r\n", True),
        (b"Subject: a\r\n b\r\n\tc\r\n", True),
        (b"From: a\r\nBcc: b\r\n", False),
        (b"From: a\r\nFrom: b\r\n", False),
        (b"Content-Type: a\r\nContent-Type: b\r\n", False),
        (b"From: a\nBcc: b\r\n", False),
        (b"From: a\rBcc: b\r\n", False),
        (b"no header\r\n", False),
        (b"Subject: " + b"x" * 989 + b"\r\n", True),  # 998
        (b"Subject: " + b"x" * 990 + b"\r\n", False),
    ],
)
def test_the_finished_headers_are_looked_at(head: bytes, is_ours: bool) -> None:
    """A strange or doubled header, a bare line break and a long line stop the mail."""
    with contextlib.nullcontext() if is_ours else pytest.raises(Unwritable):
        _require_ours(head + b"\r\ntext")


def test_no_mail_is_written_with_a_strange_header() -> None:
    """The finished mail is looked at: a header that slipped in stops it."""
    with pytest.raises(Unwritable):
        written(email_message(), sender="A <a@b.example>\r\nBcc: eve@evil.example", domain="b.example", to="a@b", now=0)


def test_a_mailbox_beyond_ascii_keeps_its_domain() -> None:
    """Such an address needs SMTPUTF8 anyway, and goes out as it is."""
    assert mailbox_of("ännchen@bücher.example") == "ännchen@bücher.example"


# -- sign-in by token --------------------------------------------------------------------------------------------------


class Provider(Inbox):
    """A server that knows XOAUTH2 and one token.

    It refuses as large providers do: by a challenge.
    """

    asked: list[bytes]

    async def auth_XOAUTH2(self, server: SMTP, args: list[bytes]) -> AuthResult:
        self.asked.append(base64.b64decode(args[1]))
        if self.asked[-1] == b"user=app@clinic.example\x01auth=Bearer t0ken-1\x01\x01":
            return AuthResult(success=True)
        more = await server.challenge_auth(b'{"status":"401"}')
        assert more == b""
        return AuthResult(success=False, handled=False)


async def _async_token() -> str:
    return "t0ken-1"


def provider_options(trust: Trust) -> dict[str, Any]:
    return {"tls_context": trust.server, "require_starttls": True, "auth_exclude_mechanism": ["LOGIN", "PLAIN"]}


@pytest.mark.parametrize("token", [lambda: "t0ken-1", _async_token], ids=["plain", "async"])
async def test_a_token_signs_in(trust: Trust, token: Callable[[], Any]) -> None:
    """A mail is sent with XOAUTH2 and the function's token, over TLS."""
    inbox = Provider()
    inbox.asked = []
    async with smtp_server(inbox, **provider_options(trust)):
        sender = SMTPSender(
            "127.0.0.1", inbox.port, sender=SENDER, username="app@clinic.example", token=token, tls_context=trust.client
        )
        assert await sender.check() == ""
        await sender.send(email_message())
        await sender.aclose()
    assert len(inbox.envelopes) == 1
    assert len(inbox.asked) == 2


def _failing() -> str:
    raise RuntimeError("s3cret")


@pytest.mark.parametrize(
    ("token", "reason", "asked"),
    [
        (lambda: "0ther", "refused", 1),
        (lambda: "t0ken\x01auth=x", "refused", 0),
        (lambda: "t0ken\r\nRSET", "refused", 0),
        (lambda: "", "refused", 0),
        (lambda: None, "refused", 0),
        (_failing, "unreachable", 0),
    ],
    ids=["wrong", "separator", "line", "empty", "none", "raises"],
)
async def test_a_token_that_is_none(
    trust: Trust, token: Callable[[], Any], reason: str, asked: int, caplog: pytest.LogCaptureFixture
) -> None:
    """A token that is refused, or missing, ends as ``SendFailed``.

    No mail is handed over, and nothing secret is shown.
    """
    inbox = Provider()
    inbox.asked = []
    async with smtp_server(inbox, **provider_options(trust)):
        sender = SMTPSender(
            "127.0.0.1", inbox.port, sender=SENDER, username="app@clinic.example", token=token, tls_context=trust.client
        )
        with pytest.raises(SendFailed) as failed:
            await sender.send(email_message())
        assert (failed.value.reason, len(inbox.asked), inbox.envelopes) == (reason, asked, [])
        assert failed.value.transient is (reason == "unreachable")
        assert await is_paused_after_five(sender, had=1)
    shown = repr(sender) + repr(failed.value) + str(failed.value) + caplog.text
    assert not any(word in shown for word in ("s3cret", "0ther", "t0ken", "app@clinic"))


async def test_a_function_that_hangs_costs_the_connection_time_only(trust: Trust) -> None:
    """A token that does not come is a server that cannot be reached."""
    import threading

    gate, threads = threading.Event(), list[threading.Thread]()

    def slow() -> str:
        threads.append(threading.current_thread())
        gate.wait(5)
        return "t0ken-1"

    inbox = Provider()
    inbox.asked = []
    async with smtp_server(inbox, **provider_options(trust)):
        sender = SMTPSender(
            "127.0.0.1", inbox.port, sender=SENDER, username="a", token=slow, tls_context=trust.client, timeout=0.3
        )
        assert (await failure_of(sender)).reason == "unreachable"
        gate.set()
        await sender.aclose()
    assert threads != [threading.main_thread()]


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"token": _async_token}, "username"),
        ({"username": "a", "password": "b", "token": _async_token}, "not both"),
        ({"username": "a\x01b", "token": _async_token}, "username"),
        ({"username": "a", "token": _async_token, "security": "none"}, "token in the clear"),
    ],
)
def test_settings_of_a_token(options: dict[str, Any], word: str) -> None:
    """Settings that cannot work, or would show the token to the network, stop the start."""
    with pytest.raises(SettingsError, match=word):
        SMTPSender("mail.clinic.example", **({"sender": SENDER} | options))


def test_the_parser_of_the_library_agrees() -> None:
    """The block is read back with every policy that the library has, and says the same."""
    mail = written(
        email_message(subject=INJECTION), sender="App <a@b.example>", domain="b.example", to="ann@x.example", now=0.0
    )
    for policy in (email.policy.default, email.policy.SMTP, email.policy.compat32):
        read = message_from_bytes(mail, policy=policy)
        assert [name for name in read.keys() if name in HEADERS] == HEADERS  # noqa: SIM118
        assert read["X-Test"] is None
