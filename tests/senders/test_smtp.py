"""SMTPSender against a real SMTP server, well and badly behaved."""

from __future__ import annotations

import asyncio
import email
import email.policy
import logging
import ssl
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from mfa_gate.errors import SendFailed, SettingsError
from mfa_gate.senders import SMTPSender

from .servers import Trust, email_message

# aiosmtpd's own use of what the interpreter has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:aiosmtpd")

SENDER = "Clinic App <no-reply@clinic.example>"


@dataclass
class Inbox:
    """The answers of the server at each step, and the mails that it was handed."""

    mail: str = "250 OK"
    rcpt: str = "250 OK"
    data: str = "250 OK"
    data_delay: float = 0
    drop_in_data: bool = False
    envelopes: list[Envelope] = field(default_factory=list)
    tls: list[bool] = field(default_factory=list)
    port: int = 0
    servers: list[SMTP] = field(default_factory=list)
    farewells: int = 0

    async def handle_QUIT(self, _: SMTP, __: Session, ___: Envelope) -> str:
        self.farewells += 1
        return "221 Bye"

    async def handle_RCPT(self, server: SMTP, _: Session, envelope: Envelope, to: str, __: list[str]) -> str:
        if self.rcpt.startswith("250"):
            envelope.rcpt_tos.append(to)
        return self.rcpt

    async def handle_MAIL(self, _: SMTP, __: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        if self.mail.startswith("250"):
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return self.mail

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.drop_in_data:
            transport = server.transport
            assert isinstance(transport, asyncio.Transport)
            transport.abort()
        await asyncio.sleep(self.data_delay)
        self.envelopes.append(envelope)
        self.tls.append(session.ssl is not None)
        return self.data


def mail_in(inbox: Inbox) -> EmailMessage:
    content = inbox.envelopes[0].content
    assert isinstance(content, bytes)
    return email.message_from_bytes(content, policy=email.policy.default)


@asynccontextmanager
async def smtp_server(inbox: Inbox, *, tls: ssl.SSLContext | None = None, **options: Any) -> AsyncIterator[Inbox]:
    """A server on a free port of 127.0.0.1; ``tls`` from the first byte."""
    loop = asyncio.get_running_loop()
    options.setdefault("enable_SMTPUTF8", True)

    def protocol() -> SMTP:
        server = SMTP(inbox, hostname="mail.clinic.example", loop=loop, **options)
        inbox.servers.append(server)
        return server

    listening = await loop.create_server(protocol, "127.0.0.1", 0, ssl=tls)
    inbox.port = listening.sockets[0].getsockname()[1]
    try:
        yield inbox
    finally:
        listening.close()
        for server in inbox.servers:
            if server.transport is not None:
                server.transport.close()
        await asyncio.sleep(0.05)


def plain_sender(port: int, **options: Any) -> SMTPSender:
    return SMTPSender("127.0.0.1", port, sender=SENDER, security="none", **options)


async def failure_of(sender: SMTPSender, **changes: str) -> SendFailed:
    with pytest.raises(SendFailed) as caught:
        await sender.send(email_message(**changes))
    return caught.value


async def is_paused_after_five(sender: SMTPSender, *, had: int = 0) -> bool:
    """Fail five times in all, and tell if the server is left alone then, and not before."""
    for _ in range(5 - had):
        assert sender.available
        await failure_of(sender)
    return not sender.available


async def test_the_mail_as_it_arrives() -> None:
    """The text comes first, the HTML second, and the code opens the subject.

    No robot answers the mail. Requirement U-8.
    """
    async with smtp_server(Inbox()) as inbox:
        sender = plain_sender(inbox.port, now=lambda: 1_700_000_000.0)
        await sender.send(email_message(html="<p>493817</p>"))
        await sender.aclose()
        await sender.aclose()
    mail = mail_in(inbox)
    assert mail["From"] == "Clinic App <no-reply@clinic.example>"
    assert mail["To"] == "ann@clinic.example"
    assert mail["Subject"] == "493817 is your security code for App"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Message-ID"] == "<challenge-1@clinic.example>"
    assert mail["Date"].datetime.timestamp() == 1_700_000_000
    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    first = mail.get_body(("plain",))
    assert first is not None
    assert "493817" in first.get_content().splitlines()
    assert inbox.envelopes[0].mail_from == "no-reply@clinic.example"
    assert inbox.envelopes[0].rcpt_tos == ["ann@clinic.example"]
    assert inbox.farewells == 1


async def test_without_html_it_is_one_plain_part() -> None:
    """A message without HTML is plain text, not an empty alternative."""
    async with smtp_server(Inbox()) as inbox:
        await plain_sender(inbox.port).send(email_message())
    assert mail_in(inbox).get_content_type() == "text/plain"


async def test_an_international_mailbox() -> None:
    """An address beyond ASCII is sent by SMTPUTF8 where the server has it."""
    async with smtp_server(Inbox()) as inbox:
        await plain_sender(inbox.port).send(email_message(to="ännchen@clinic.example", subject="493817 für Ännchen"))
    assert inbox.envelopes[0].rcpt_tos == ["ännchen@clinic.example"]
    assert mail_in(inbox)["Subject"] == "493817 für Ännchen"


async def test_an_international_mailbox_at_an_old_server() -> None:
    """A server without SMTPUTF8 cannot reach such a mailbox, and it is told as that."""
    async with smtp_server(Inbox(), enable_SMTPUTF8=False) as inbox:
        fault = await failure_of(plain_sender(inbox.port), to="ännchen@clinic.example")
    assert (fault.reason, fault.transient) == ("rejected-destination", False)
    assert inbox.envelopes == []


async def test_a_server_that_takes_no_credentials() -> None:
    """Credentials that cannot be used are a fault of the configuration.

    The mail is not sent without them.
    """
    async with smtp_server(Inbox()) as inbox:
        sender = plain_sender(inbox.port, username="app", password="")
        fault = await failure_of(sender)
        assert await is_paused_after_five(sender, had=1)
    assert (fault.reason, fault.transient) == ("refused", False)
    assert inbox.envelopes == []


async def test_a_canceled_delivery_lets_go_of_its_connection() -> None:
    """A caller that gives up leaves no connection behind, and the next message goes through."""
    async with smtp_server(Inbox(data_delay=0.3)) as inbox:
        sender = plain_sender(inbox.port)
        delivery = asyncio.create_task(sender.send(email_message()))
        await asyncio.sleep(0.15)
        delivery.cancel()
        with pytest.raises(asyncio.CancelledError):
            await delivery
        await asyncio.sleep(0.05)
        assert inbox.servers[0].transport is None or inbox.servers[0].transport.is_closing()
        inbox.data_delay = 0
        await sender.send(email_message())


async def test_starttls(trust: Trust) -> None:
    """STARTTLS with a trusted certificate: the mail and the password travel encrypted."""

    def authenticate(_: SMTP, __: Session, ___: Envelope, ____: str, login: LoginPassword) -> AuthResult:
        return AuthResult(success=login == LoginPassword(b"app", b"s3cret"), handled=False)

    options: dict[str, Any] = {"tls_context": trust.server, "require_starttls": True, "authenticator": authenticate}
    async with smtp_server(Inbox(), **options) as inbox:
        sender = SMTPSender(
            "127.0.0.1", inbox.port, sender=SENDER, username="app", password="s3cret", tls_context=trust.client
        )
        assert await sender.check() == ""
        await sender.send(email_message())
        wrong = SMTPSender(
            "127.0.0.1", inbox.port, sender=SENDER, username="app", password="wr0ng", tls_context=trust.client
        )
        fault = await failure_of(wrong)
        told = await wrong.check()
    assert inbox.tls == [True]
    assert (fault.reason, fault.transient) == ("refused", False)
    assert "535" in told
    assert "wr0ng" not in told


async def test_tls_from_the_first_byte(trust: Trust) -> None:
    """Implicit TLS delivers."""
    async with smtp_server(Inbox(), tls=trust.server) as inbox:
        sender = SMTPSender("127.0.0.1", inbox.port, sender=SENDER, security="tls", tls_context=trust.client)
        await sender.send(email_message())
        assert await sender.check() == ""
    assert len(inbox.envelopes) == 1


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_an_untrusted_certificate_gets_nothing(trust: Trust, security: Any) -> None:
    """A certificate that nobody vouches for ends the delivery before anything is said."""
    implicit = trust.server if security == "tls" else None
    options: dict[str, Any] = {} if implicit else {"tls_context": trust.server}
    async with smtp_server(Inbox(), tls=implicit, **options) as inbox:
        fault = await failure_of(SMTPSender("127.0.0.1", inbox.port, sender=SENDER, security=security))
    assert fault.reason == "unreachable"
    assert "TLS" in fault.detail
    assert inbox.envelopes == []


async def test_downgrade_no_starttls_offered(trust: Trust) -> None:
    """A server that does not offer STARTTLS gets neither password nor mail.

    An attacker in between may have removed the offer.
    """
    async with smtp_server(Inbox(), auth_require_tls=False) as inbox:
        sender = SMTPSender(
            "127.0.0.1", inbox.port, sender=SENDER, username="app", password="s3cret", tls_context=trust.client
        )
        fault = await failure_of(sender)
        assert "STARTTLS is not offered" in await sender.check()
        assert await is_paused_after_five(sender, had=1)
    assert (fault.reason, fault.transient, fault.detail) == ("refused", False, "STARTTLS is not offered")
    assert inbox.envelopes == []


@pytest.mark.parametrize(
    ("step", "answer", "reason", "transient", "paused"),
    [
        ("mail", "400 Later", "refused", True, True),
        ("mail", "421 4.3.2 Shutting down", "refused", True, True),
        ("mail", "451 4.3.0 Try later", "refused", True, True),
        ("mail", "499 Later", "refused", True, True),
        ("mail", "500 What?", "refused", False, True),
        ("mail", "550 5.7.60 You may not send as this address", "refused", False, True),
        ("rcpt", "354 Go on", "refused", True, True),
        ("rcpt", "400 Later", "refused", True, False),
        ("rcpt", "421 4.3.2 Shutting down", "refused", True, True),
        ("rcpt", "422 4.2.2 Mailbox full", "refused", True, False),
        ("rcpt", "450 4.2.0 Greylisted", "refused", True, False),
        ("rcpt", "500 What?", "refused", False, False),
        ("rcpt", "501 5.1.3 Bad recipient address syntax", "rejected-destination", False, False),
        ("rcpt", "502 Not implemented", "refused", False, False),
        ("rcpt", "503 Bad sequence of commands", "refused", False, False),
        ("rcpt", "530 Authentication required", "refused", False, False),
        ("rcpt", "535 Sign in first", "refused", False, False),
        ("rcpt", "550 5.1.1 No such user ann@clinic.example", "rejected-destination", False, False),
        ("rcpt", "554 5.7.1 Relay access denied", "refused", False, False),
        ("data", "354 Go on", "timeout", True, True),
        ("data", "400 Later", "refused", True, False),
        ("data", "421 4.3.2 Shutting down", "refused", True, True),
        ("data", "422 Later", "refused", True, False),
        ("data", "451 4.3.0 Try later", "refused", True, False),
        ("data", "500 What?", "refused", False, False),
        ("data", "554 5.7.1 Spam: 493817", "refused", False, False),
    ],
)
async def test_what_the_server_refuses(step: str, answer: str, reason: str, transient: bool, paused: bool) -> None:
    """A refusal with 4xx may be tried later, and one with 5xx not.

    A bad mailbox is told apart. The server's words stay out of the error. Five refusals of the sender pause the server;
    those of one mailbox or one text do not.
    """
    inbox = Inbox()
    setattr(inbox, step, answer)
    async with smtp_server(inbox):
        sender = plain_sender(inbox.port)
        fault = await failure_of(sender)
        assert (fault.reason, fault.transient) == (reason, transient)
        assert fault.detail == f"SMTP {answer[:3]}"
        assert await is_paused_after_five(sender, had=1) is paused


@pytest.mark.parametrize(
    "answer", ["what?", "2", "999 what", "", "HTTP/1.1 400 Bad Request", "220 x", "250 " + "x" * 70_000]
)
@pytest.mark.parametrize(("step", "reason"), [("rcpt", "refused"), ("data", "timeout")])
async def test_an_answer_that_is_none(step: str, reason: str, answer: str) -> None:
    """After the text nobody knows if the mail was taken: its code stays good.

    Before the text nothing was handed over, and nobody's mailbox is to blame.
    """
    inbox = Inbox()
    setattr(inbox, step, answer)
    async with smtp_server(inbox):
        fault = await failure_of(plain_sender(inbox.port))
    assert (fault.reason, fault.transient) == (reason, True)
    assert len(inbox.envelopes) == (step == "data")


async def test_one_bad_mailbox_does_not_close_the_channel() -> None:
    """An address that is refused for now many times leaves the breaker closed for others.

    Requirement F-21.
    """
    async with smtp_server(Inbox(rcpt="450 4.2.2 Mailbox full")) as inbox:
        sender = plain_sender(inbox.port)
        for _ in range(6):
            await failure_of(sender)
        inbox.rcpt = "250 OK"
        await sender.send(email_message())
    assert len(inbox.envelopes) == 1


async def test_slow_after_the_text() -> None:
    """No answer to the text within the time is ``timeout``, without a second try.

    The mail may still arrive. Requirement F-21.
    """
    async with smtp_server(Inbox(data_delay=0.6)) as inbox:
        fault = await failure_of(plain_sender(inbox.port, timeout=0.2))
        await asyncio.sleep(0.5)
    assert (fault.reason, fault.transient) == ("timeout", True)
    assert len(inbox.servers) == 1


async def test_dropped_in_the_middle_of_the_text() -> None:
    """A connection lost while the text was handed over is of unknown fate.

    The mail is not tried again.
    """
    async with smtp_server(Inbox(drop_in_data=True)) as inbox:
        fault = await failure_of(plain_sender(inbox.port))
    assert (fault.reason, fault.transient) == ("timeout", True)
    assert len(inbox.servers) == 1


async def test_a_server_that_never_greets() -> None:
    """A server that takes the connection and says nothing costs only the connection's time."""

    hung_up = asyncio.Semaphore(0)

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        hung_up.release()

    listening = await asyncio.start_server(mute, "127.0.0.1", 0)
    started = asyncio.get_running_loop().time()
    fault = await failure_of(plain_sender(listening.sockets[0].getsockname()[1], timeout=0.2))
    assert asyncio.get_running_loop().time() - started < 2.5
    assert (fault.reason, fault.transient) == ("unreachable", True)
    assert ": unreachable, " in await plain_sender(listening.sockets[0].getsockname()[1], timeout=0.1).check()
    await hung_up.acquire()
    await hung_up.acquire()
    listening.close()


async def test_nobody_listens(free_port: int) -> None:
    """A refused connection is unreachable, and five of them pause the server (F-21).

    The pause is 30 seconds.
    """
    time = [100.0]
    sender = plain_sender(free_port, clock=lambda: time[0])
    for _ in range(5):
        assert sender.available
        assert (await failure_of(sender)).reason == "unreachable"
    assert not sender.available
    assert "paused" in (await failure_of(sender)).detail
    time[0] += 30
    assert sender.available
    assert "paused" not in (await failure_of(sender)).detail
    assert await sender.check() != ""


@pytest.mark.parametrize("ending", ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\x00"])
async def test_header_injection_by_subject(ending: str) -> None:
    """A subject with a line break, in any spelling, is refused before a connection is made.

    Requirement S-54.
    """
    async with smtp_server(Inbox()) as inbox:
        fault = await failure_of(plain_sender(inbox.port), subject=f"Hello{ending}Bcc: eve@evil.example")
    assert (fault.reason, fault.transient) == ("refused", False)
    assert inbox.servers == []


@pytest.mark.parametrize(
    "to",
    [
        "",
        "ann",
        "ann@",
        "@clinic.example",
        "ann@clinic.example, eve@evil.example",
        "ann@clinic.example\r\nRCPT TO:<eve@evil.example>",
        "ann@clinic.example> SIZE=1",
        "Ann <ann@clinic.example>",
        '"a b"@clinic.example',
        "ann@clinic.example\x85",
        "a" * 65 + "@clinic.example",
        "ann@" + "x" * 300,
    ],
)
async def test_injection_by_recipient(to: str) -> None:
    """A recipient that is not exactly one plain address is refused before a connection.

    Requirement S-54.
    """
    async with smtp_server(Inbox()) as inbox:
        fault = await failure_of(plain_sender(inbox.port), to=to)
    assert fault.reason == "rejected-destination"
    assert inbox.servers == []


@pytest.mark.parametrize("key", ["a>\r\nBcc: eve@evil.example", "ключ", "k" * 500, ""])
async def test_injection_by_key(key: str) -> None:
    """A key that is not a plain word enters the Message-ID as its digest only."""
    async with smtp_server(Inbox()) as inbox:
        await plain_sender(inbox.port).send(email_message(key=key))
    assert mail_in(inbox)["Bcc"] is None
    assert mail_in(inbox)["Message-ID"].endswith("@clinic.example>")
    assert len(mail_in(inbox)["Message-ID"]) < 100


async def test_lines_of_dots_and_long_lines() -> None:
    """A text with a lone dot or a very long line arrives whole and ends nothing early."""
    text = "493817\n.\nRCPT TO:<eve@evil.example>\n" + "x" * 3000 + "\n"
    async with smtp_server(Inbox()) as inbox:
        await plain_sender(inbox.port).send(email_message(text=text))
    assert mail_in(inbox).get_content().replace("\r\n", "\n") == text
    assert inbox.envelopes[0].rcpt_tos == ["ann@clinic.example"]


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"sender": "nobody"}, "sender"),
        ({"sender": "App\r\nBcc: eve@evil.example <a@b.example>"}, "sender"),
        ({"security": "maybe"}, "security"),
        ({"username": "app"}, "together"),
        ({"username": "app", "password": "s3cret", "security": "none"}, "password in the clear"),
    ],
)
def test_wrong_settings(options: dict[str, Any], word: str) -> None:
    """Settings that cannot work, or would show the password to the network, stop the start.

    The message says what to do.
    """
    with pytest.raises(SettingsError, match=word) as caught:
        SMTPSender("mail.clinic.example", **({"sender": SENDER} | options))
    assert "s3cret" not in str(caught.value)


def test_usual_settings() -> None:
    """The port is the one for STARTTLS; a password may go in the clear to this machine."""
    assert "port=587, security='starttls'" in repr(SMTPSender("mail.clinic.example", sender=SENDER))
    for host in ("localhost", "LocalHost", "127.0.0.1", "::1"):
        SMTPSender(host, sender=SENDER, username="app", password="s3cret", security="none")


async def test_no_secret_in_repr_logs_or_errors(caplog: pytest.LogCaptureFixture, trust: Trust) -> None:
    """Code, text, whole destination and password are in no log, repr or chained error.

    Requirement S-48.
    """
    caplog.set_level(logging.DEBUG, logger="mfa_gate")
    caplog.set_level(logging.DEBUG, logger="aiosmtplib")
    caplog.set_level(logging.DEBUG, logger="asyncio")
    async with smtp_server(Inbox(rcpt="550 5.1.1 ann@clinic.example 493817")) as inbox:
        sender = SMTPSender("127.0.0.1", inbox.port, sender=SENDER, security="none", username=None, password=None)
        fault = await failure_of(sender)
    assert fault.__cause__ is None
    assert fault.__context__ is None
    with_login = SMTPSender("mail.clinic.example", sender=SENDER, username="app-user", password="s3cret")
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("mail.")]
    shown = " ".join([repr(sender), repr(with_login), repr(fault), str(fault), repr(email_message()), *ours])
    for secret in ("493817", "ann@clinic.example", "s3cret", "app-user"):
        assert secret not in shown
