"""Delivers e-mail by SMTP, over TLS that is not negotiated away."""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import formatdate, parseaddr
from typing import Literal

import aiosmtplib

from ..errors import SettingsError
from ..ports import Message
from .addresses import is_loopback
from .delivery import DELIVERED, Breaker, Outcome, header_safe

Security = Literal["starttls", "tls", "none"]

DELIVERY_TIME = 2.0
FAREWELL_TIME = 0.5
MAX_ADDRESS = 254

_ADDRESS = re.compile(r"""[^\s@<>()\[\]\\,;:"\x00-\x20\x7f]{1,64}@[^\s@<>()\[\]\\,;:"\x00-\x20\x7f]{1,253}""")
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_POLICY_REFUSAL = re.compile(r"5\.7\.\d")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class _Login:
    username: str
    password: str


class SMTPSender:
    """Delivers e-mail through one SMTP server, a connection a message.

    ``sender`` is the From address, with or without a name. ``security`` is ``starttls`` (required, never given up for
    plain text), ``tls`` (from the first byte, usually port 465) or ``none``. ``timeout`` is the seconds until connected
    and signed in; a whole delivery takes at most two more. ``tls_context`` replaces the system's trust, e.g. for a
    private authority. ``now`` is UTC seconds for the Date header, ``clock`` monotonic seconds for the breaker.

    Raises ``SettingsError`` for an unusable sender, or for credentials that would travel in the clear.
    """

    def __init__(
        self,
        host: str,
        port: int = 587,
        *,
        sender: str,
        username: str | None = None,
        password: str | None = None,
        security: Security = "starttls",
        timeout: float = 3.0,
        tls_context: ssl.SSLContext | None = None,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        name, address = parseaddr(sender)
        faults = []
        if not address.isascii() or not _ADDRESS.fullmatch(address) or _UNPRINTABLE.search(sender):
            faults.append(f'SMTPSender: sender {sender!r} is not an address like "App <no-reply@app.example>"')
        if security not in ("starttls", "tls", "none"):
            faults.append(f'SMTPSender: security {security!r} is none of "starttls", "tls", "none"')
        if (username is None) != (password is None):
            faults.append("SMTPSender: username and password belong together")
        if username is not None and security == "none" and not is_loopback(host):
            faults.append('SMTPSender: security="none" would send the password in the clear; use "starttls" or "tls"')
        if faults:
            raise SettingsError(faults)
        self.host = host
        self.port = port
        self.security: Security = security
        self._from = Address(display_name=name, addr_spec=address)
        self._login: _Login | None = None
        if username is not None and password is not None:
            self._login = _Login(username=username, password=password)
        self._timeout = timeout
        self._tls = (tls_context or ssl.create_default_context()) if security != "none" else None
        self._now = now
        self._breaker = Breaker(clock=clock)

    def __repr__(self) -> str:
        return f"SMTPSender(host={self.host!r}, port={self.port}, security={self.security!r})"

    @property
    def available(self) -> bool:
        """False while the server is left in peace after repeated failures."""
        return not self._breaker.is_open

    async def send(self, message: Message) -> None:
        """Hand ``message`` to the server, once. Raises ``SendFailed``."""
        await self._breaker.deliver(lambda: self._attempt(message))

    async def aclose(self) -> None:
        """Nothing is held between messages."""

    async def check(self) -> str:
        """ "" if the server is reached, trusted and takes the credentials, else one sentence without secrets."""
        client = self._client()
        try:
            async with asyncio.timeout(self._timeout):
                failure = await self._connect(client)
                if failure is None:
                    await client.noop()
        except (aiosmtplib.SMTPException, OSError) as fault:
            failure = _failure(fault, handed_over=False)
        finally:
            client.close()
        return f"{self.host}:{self.port}: {failure.reason}, {failure.detail}" if failure else ""

    def _client(self) -> aiosmtplib.SMTP:
        return aiosmtplib.SMTP(
            hostname=self.host,
            port=self.port,
            # Given, because the default asks the resolver for this machine's name, which may take longer than we have.
            local_hostname=self._from.domain,
            timeout=self._timeout,
            use_tls=self.security == "tls",
            start_tls=False,
            tls_context=self._tls,
        )

    async def _connect(self, client: aiosmtplib.SMTP) -> Outcome | None:
        await client.connect()
        await client.ehlo()
        if self.security == "starttls":
            # A server, or somebody in between, that does not offer it gets nothing from us.
            if not client.supports_extension("starttls"):
                return Outcome(reason="refused", detail="STARTTLS is not offered", provider_down=True)
            await client.starttls()
            await client.ehlo()
        if self._login is not None:
            await client.login(self._login.username, self._login.password)
        return None

    async def _attempt(self, message: Message) -> Outcome:
        if len(message.to) > MAX_ADDRESS or not _ADDRESS.fullmatch(message.to) or _UNPRINTABLE.search(message.to):
            return Outcome(reason="rejected-destination", detail="not an e-mail address")
        if _UNPRINTABLE.search(message.subject):
            return Outcome(reason="refused", detail="the subject holds a line break or a control character")
        mail = self._compose(message)
        client = self._client()
        handed_over = False
        try:
            async with asyncio.timeout(self._timeout + DELIVERY_TIME):
                async with asyncio.timeout(self._timeout):
                    refused = await self._connect(client)
                if refused is not None:
                    return refused
                international = not message.to.isascii()
                if international and not client.supports_extension("smtputf8"):
                    return Outcome(reason="rejected-destination", detail="the server takes ASCII addresses only")
                encoding = "utf-8" if international else "ascii"
                await client.mail(self._from.addr_spec, options=["SMTPUTF8"] if international else [])
                await client.rcpt(message.to, encoding=encoding)
                handed_over = True
                await client.data(mail.as_bytes(policy=SMTPUTF8 if international else SMTP))
        except (aiosmtplib.SMTPException, OSError) as fault:
            return _failure(fault, handed_over=handed_over)
        else:
            with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                await client.quit(timeout=FAREWELL_TIME)
            return DELIVERED
        finally:
            client.close()

    def _compose(self, message: Message) -> EmailMessage:
        mail = EmailMessage(policy=SMTPUTF8)
        mail["From"] = self._from
        mailbox, _, domain = message.to.rpartition("@")
        mail["To"] = Address(username=mailbox, domain=domain)
        mail["Subject"] = message.subject
        mail["Date"] = formatdate(self._now())
        mail["Message-ID"] = f"<{header_safe(message.key)}@{self._from.domain}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.text)
        if message.html:
            mail.add_alternative(message.html, subtype="html")
        return mail


def _failure(fault: Exception, *, handed_over: bool) -> Outcome:
    """What a fault means. ``handed_over``: the server had the recipient and was being given the text."""
    code = fault.code if isinstance(fault, aiosmtplib.SMTPResponseException) else 0
    match fault:
        case aiosmtplib.SMTPRecipientRefused() if code >= 500 and not _POLICY_REFUSAL.match(fault.message):
            return Outcome(reason="rejected-destination", detail=f"SMTP {code}")
        case aiosmtplib.SMTPRecipientRefused() | aiosmtplib.SMTPDataError() if code >= 400:
            return Outcome(reason="refused", transient=code < 500, detail=f"SMTP {code}", provider_down=code == 421)
        case aiosmtplib.SMTPResponseException() if code >= 500:
            return Outcome(reason="refused", detail=f"SMTP {code}", provider_down=True)
        case aiosmtplib.SMTPResponseException():
            return Outcome(reason="refused", transient=True, detail=f"SMTP {code}", provider_down=True)
        case OSError() if isinstance(fault, ssl.SSLError) or isinstance(fault.__cause__, ssl.SSLError):
            return Outcome(reason="unreachable", transient=True, detail="no trusted TLS connection", provider_down=True)
        case TimeoutError():
            reason = "timeout" if handed_over else "unreachable"
            return Outcome(reason=reason, transient=True, detail="no answer in time", provider_down=True)
        case OSError():
            reason = "timeout" if handed_over else "unreachable"
            return Outcome(reason=reason, transient=True, detail="connection lost", provider_down=True)
        case _:
            return Outcome(reason="refused", detail="the server lacks a needed extension", provider_down=True)
