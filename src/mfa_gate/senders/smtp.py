"""A sender of e-mail by SMTP, with TLS that nobody on the way can remove."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import inspect
import logging
import re
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

import aiosmtplib

from ..errors import SettingsError
from ..ports import Message
from ..thread_pool import ThreadPool
from .addresses import is_loopback
from .delivery import DELIVERED, Breaker, Outcome
from .lookup import Lookup
from .mail import Unwritable, is_writable, mailbox_of, sender_of, written

Security = Literal["starttls", "tls", "none"]
TokenOf = Callable[[], str] | Callable[[], Awaitable[str]]

log = logging.getLogger("mfa_gate")

DELIVERY_TIME = 2.0
FAREWELL_TIME = 0.5
TOKEN_THREADS = 2

_TOKEN = re.compile(r"[!-~]{1,16384}")
_POLICY_REFUSAL = re.compile(r"5\.7\.\d")
_OF_NO_MAILBOX = frozenset({500, 502, 503, 530, 534, 535, 538})
"""Answers to RCPT about the command, or about the sign-in at the server: the mailbox is not to blame."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class _Login:
    username: str
    password: str = ""
    token: TokenOf | None = None


class SMTPSender:
    """A sender of e-mail through one SMTP server, with a new connection for each message.

    ``sender`` is the From address, with or without a name. ``security`` is ``starttls`` (required, never given up for
    plain text), ``tls`` (from the first byte, usually port 465) or ``none``. ``timeout`` is the seconds until connected
    and signed in; a whole delivery takes at most two more. ``tls_context`` replaces the system's trust, e.g. for a
    private authority. ``now`` is UTC seconds for the Date header, ``clock`` monotonic seconds for the breaker.

    ``token`` is for providers that have ended passwords. It is a function, plain or async, that returns an OAuth access token
    for ``username`` (XOAUTH2). It is called for each mail, and must keep the token itself while that is valid. A plain
    function runs in a thread, within ``timeout``.

    Raises ``SettingsError`` for an unusable sender, or for credentials that would be sent unencrypted.
    """

    def __init__(
        self,
        host: str,
        port: int = 587,
        *,
        sender: str,
        username: str | None = None,
        password: str | None = None,
        token: TokenOf | None = None,
        security: Security = "starttls",
        timeout: float = 3.0,
        tls_context: ssl.SSLContext | None = None,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        mine = sender_of(sender)
        faults = []
        if mine is None:
            faults.append(f'SMTPSender: sender {sender!r} is not an address like "App <no-reply@app.example>"')
        if security not in ("starttls", "tls", "none"):
            faults.append(f'SMTPSender: security {security!r} is none of "starttls", "tls", "none"')
        if token is not None and password is not None:
            faults.append("SMTPSender: give a password or a token, not both")
        elif (username is None) != (password is None and token is None):
            faults.append("SMTPSender: username and password (or token) belong together")
        if token is not None and username is not None and not is_writable(username):
            faults.append("SMTPSender: username holds a control character")
        if username is not None and security == "none" and not is_loopback(host):
            word = "password" if token is None else "token"
            faults.append(f'SMTPSender: security="none" would send the {word} in the clear; use "starttls" or "tls"')
        if faults or mine is None:
            raise SettingsError(faults)
        self.host = host
        self.port = port
        self.security: Security = security
        self._from, self._address = mine
        self._domain = self._address.rpartition("@")[2]
        self._login = None if username is None else _Login(username=username, password=password or "", token=token)
        self._threads = ThreadPool("token", TOKEN_THREADS)
        self._lookup = Lookup()
        self._timeout = timeout
        self._tls = (tls_context or ssl.create_default_context()) if security != "none" else None
        self._now = now
        self._breaker = Breaker(clock=clock)

    def __repr__(self) -> str:
        return f"SMTPSender(host={self.host!r}, port={self.port}, security={self.security!r})"

    @property
    def available(self) -> bool:
        """Return False during the pause after repeated failures."""
        return not self._breaker.is_open

    async def send(self, message: Message) -> None:
        """Hand ``message`` to the server, once. Raises ``SendFailed``."""
        await self._breaker.deliver(lambda: self._attempt(message))

    async def aclose(self) -> None:
        """Stop the threads that look the server up and get tokens."""
        self._threads.close()
        self._lookup.close()

    async def check(self) -> str:
        """Return "" if the server is reached and trusted, and takes the credentials.

        Otherwise returns one sentence without secrets.
        """
        client = self._client()
        try:
            async with asyncio.timeout(self._timeout):
                failure = await self._connect(client)
        except (aiosmtplib.SMTPException, OSError) as fault:
            failure = _failure(fault, handed_over=False)
        finally:
            client.close()
        return f"{self.host}:{self.port}: {failure.reason}, {failure.detail}" if failure else ""

    def _client(self) -> aiosmtplib.SMTP:
        return aiosmtplib.SMTP(
            hostname=self.host,
            port=self.port,
            # The default would ask the resolver for this machine's name, which may take too long.
            local_hostname=self._domain,
            timeout=self._timeout,
            use_tls=self.security == "tls",
            start_tls=False,
            tls_context=self._tls,
        )

    async def _connect(self, client: aiosmtplib.SMTP) -> Outcome | None:
        await self._lookup.require(self.host, self.port, within=self._timeout)
        await client.connect()
        await client.ehlo()
        if self.security == "starttls":
            # Without the offer nothing is sent: somebody on the way may have removed it.
            if not client.supports_extension("starttls"):
                return Outcome(reason="refused", detail="STARTTLS is not offered", provider_down=True)
            await client.starttls()
            await client.ehlo()
        if self._login is not None and self._login.token is not None:
            return await self._sign_in(client, self._login.username, self._login.token)
        if self._login is not None:
            await client.login(self._login.username, self._login.password)
        return None

    async def _sign_in(self, client: aiosmtplib.SMTP, username: str, token_of: TokenOf) -> Outcome | None:
        """Sign in with XOAUTH2. Returns None, or the failure.

        A server refuses with a challenge, which must be answered by an empty line.
        """
        try:
            said = token_of() if inspect.iscoroutinefunction(token_of) else await self._threads.run(token_of)
            token = await said if inspect.isawaitable(said) else said
        except Exception as error:
            log.warning("SMTPSender: the function token= failed with %s, so no mail can be sent", type(error).__name__)
            return Outcome(reason="unreachable", transient=True, detail="there is no token", provider_down=True)
        if not isinstance(token, str) or not _TOKEN.fullmatch(token):
            return Outcome(reason="refused", detail="token= gave no text of visible characters", provider_down=True)
        plain = f"user={username}\x01auth=Bearer {token}\x01\x01".encode()
        response = await client.execute_command(b"AUTH", b"XOAUTH2", base64.b64encode(plain))
        if response.code == aiosmtplib.SMTPStatus.auth_continue:
            response = await client.execute_command(b"")
        if response.code != aiosmtplib.SMTPStatus.auth_successful:
            raise aiosmtplib.SMTPAuthenticationError(response.code, "")
        return None

    async def _attempt(self, message: Message) -> Outcome:
        to = mailbox_of(message.to)
        if to is None:
            return Outcome(reason="rejected-destination", detail="not an e-mail address")
        try:
            mail = written(message, sender=self._from, domain=self._domain, to=to, now=self._now())
        except Unwritable as error:
            return Outcome(reason="refused", detail=str(error))
        client = self._client()
        handed_over = False
        try:
            async with asyncio.timeout(self._timeout + DELIVERY_TIME):
                async with asyncio.timeout(self._timeout):
                    refused = await self._connect(client)
                if refused is not None:
                    return refused
                international = not to.isascii()
                if international and not client.supports_extension("smtputf8"):
                    return Outcome(reason="rejected-destination", detail="the server takes ASCII addresses only")
                encoding = "utf-8" if international else "ascii"
                await client.mail(self._address, options=["SMTPUTF8"] if international else [])
                await client.rcpt(to, encoding=encoding)
                handed_over = True
                await client.data(mail)
        except (aiosmtplib.SMTPException, OSError) as fault:
            return _failure(fault, handed_over=handed_over)
        else:
            with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                await client.quit(timeout=FAREWELL_TIME)
            return DELIVERED
        finally:
            client.close()


def _failure(fault: Exception, *, handed_over: bool) -> Outcome:
    """Translate an error into an ``Outcome``.

    ``handed_over``: the server had the recipient and was being given the text.
    """
    code = fault.code if isinstance(fault, aiosmtplib.SMTPResponseException) else 0
    match fault:
        case aiosmtplib.SMTPResponseException() if not 400 <= code < 600:
            # No refusal. After the text it may as well stand for "taken".
            reason = "timeout" if handed_over else "refused"
            detail = f"SMTP {code}" if code >= 100 else "no answer of SMTP"
            return Outcome(reason=reason, transient=True, detail=detail, provider_down=True)
        case aiosmtplib.SMTPRecipientRefused() if (
            code >= 500 and code not in _OF_NO_MAILBOX and not _POLICY_REFUSAL.match(fault.message)
        ):
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
