"""Find the caller: the subject, the browser or client, the address, the facts for rules."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from inspect import isawaitable
from typing import Any

from starlette.requests import HTTPConnection

from ..core.entropy import handle_digest
from ..core.model import Caller, Subject, SubjectKey
from ..core.networks import UNKNOWN, Proxy
from ..core.policy import Facts, facts_of
from ..core.rules import Policy
from ..host_faults import misbehaved
from ..identity.first import FirstOf
from ..identity.values import WiringFault
from ..ports import Identify, LeavesMark, NamesSession, ReadsScope
from ..service import Service
from .cookies import Cookies, Jar, cookie_value, is_native, proof_token
from .scope import FORWARDED_FOR, address_of, browser_label
from .types import Scope
from .unknown_address import UnknownAddresses

log = logging.getLogger("mfa_gate")

IDENTIFY_TIMEOUT = 5.0
MAX_PEOPLE = 10_000
MAX_OWN = 8
"""The most people whose opened cookies are kept, and the most cookies of one person."""
NO_SESSION_NAMED = (
    'identify: the subject names no sign-in session, so "Don\'t remember this browser" holds until sign_out is asked for, or for '
    "12 hours, and outlives a session that ends in any other way; name an id that each sign-in makes anew, e.g. "
    'SessionUser("user_id", session="sid")'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identified:
    """The caller of one request, with the names of its cookies and its handle.

    ``handle`` comes from the cookie or from the proof token; "" where the request has none.
    """

    jar: Jar
    handle: str
    caller: Caller


@dataclass(frozen=True, slots=True)
class Opened:
    """A cookie that was opened, and all from which its caller was found besides the cookie."""

    handle: str
    caller: Caller
    subject: Subject
    address: str
    policy: Policy


@dataclass(slots=True, eq=False)
class OpenedCookies:
    """The cookies of one person that were opened, by their text, under the names of ``jar``."""

    jar: Jar
    scheme: object
    by_text: dict[str, Opened] = field(default_factory=dict)


class Callers:
    """The reader of callers from connections.

    ``trusted`` are the proxies whose forwarded addresses count. ``told_in`` is the header in which they tell them, in lower
    case. ``reads_prefix`` says that they also tell the path that they take off.
    """

    def __init__(
        self,
        *,
        service: Service,
        identify: Identify,
        cookies: Cookies,
        trusted: Sequence[Proxy],
        told_in: bytes = FORWARDED_FOR,
        reads_prefix: bool = False,
    ) -> None:
        self._service = service
        self._origins = frozenset(service.engine.wiring.relying_party.web_origins)
        self.identify = identify
        self.cookies = cookies
        self.opened: OrderedDict[SubjectKey, OpenedCookies] = OrderedDict()
        """The cookies that were opened, so that none is opened twice. The keys of a gate never change."""
        self.trusted = tuple(trusted)
        self.told_in = told_in
        self.reads_prefix = reads_prefix
        self.subject_now: Callable[[Mapping[str, Any]], Subject | None] | None = (
            identify.subject_of if isinstance(identify, ReadsScope) else None
        )
        """The adapter's own fast form, which does not wait; None where the adapter has none."""
        self.unknown = UnknownAddresses(trusted, told_in)
        self.identify_within = IDENTIFY_TIMEOUT
        self._warned = False

    def leave_no_mark(self, on: Callable[[Subject], bool] | None) -> None:
        """Let the look at the sessions of these people not show in the answer; None for nobody."""
        adapters = self.identify.adapters if isinstance(self.identify, FirstOf) else (self.identify,)
        for adapter in adapters:
            if isinstance(adapter, LeavesMark):
                adapter.leaves_no_mark = on

    async def subject(self, scope: Scope) -> Subject | None:
        """Ask the host for the signed-in subject.

        Raises the errors of the host, or ``TimeoutError`` after five seconds.
        """
        try:
            if self.subject_now is not None:
                found = self.subject_now(scope)
            else:
                copy = {**scope, "state": dict(scope.get("state", ()))}
                async with asyncio.timeout(self.identify_within):
                    answer = self.identify(HTTPConnection(copy))
                    if not isawaitable(answer):
                        raise WiringFault(
                            f"identify: {self.identify!r} is a plain function, and the gate awaits its answer: write async "
                            "def"
                        )
                    found = await answer
        except Exception:
            raise
        except BaseException as error:
            raise misbehaved("identify", error) from error
        if found is None or isinstance(found, Subject):
            return found
        raise WiringFault(
            f"identify: {self.identify!r} has returned a value of type {type(found).__name__}: return a "
            "mfa_gate.Subject, or None where nobody is signed in"
        )

    def address(self, scope: Scope) -> str:
        """Return the client's address, as the trusted proxies tell it."""
        return address_of(scope, self.trusted, self.told_in)

    def facts(self, scope: Scope, subject: Subject, path: str) -> Facts:
        """Collect the facts that the policy may look at. ``path`` is the app's own path."""
        method = scope["method"] if scope["type"] == "http" else "GET"
        return facts_of(subject, method, path)

    async def identified(self, scope: Scope, subject: Subject, address: str) -> Identified:
        """Find the caller, and take the subject's sign-in at an identity provider, if it has one.

        This comes before anything is judged. Raises ``StoreUnavailable`` and ``StoreContention``.
        """
        found = self.known(scope, subject, address)
        if subject.upstream is not None:
            await self._service.upstream.take(replace(found.caller, label=browser_label(scope)))
        return found

    def known(self, scope: Scope, subject: Subject, address: str) -> Identified:
        """Find the caller from the connection alone.

        The caller has no label: only a request that may write makes one. Where the subject is impersonated, the caller is the
        actor.
        """
        acts_as = None
        if subject.actor:
            subject, acts_as = subject.judged, subject
        if not subject.session:
            self.warn_of_sessions()
        jar = self.cookies.jar(subject.key, scope)
        native, value, mine = is_native(scope, self._origins), "", None
        if native:
            handle = self.cookies.open_token(jar, proof_token(scope))
        else:
            value = self.cookies.value(jar, scope)
            # To check a signature takes as long as to judge. What it says of one subject under the listed keys never changes,
            # and only texts that could be opened are kept.
            mine = self.opened.get(subject.key)
            opened = mine.by_text.get(value) if mine is not None else None
            handle = opened.handle if opened is not None else self.cookies.open(jar, value)
        policy = self._service.engine.policy
        if policy.tenants_are == "closed" and subject.tenant not in policy.tenants:
            raise WiringFault(
                f'identify: the policy does not name the tenant {subject.tenant!r}, and says tenants_are = "closed": '
                "name it there, or let identify tell one that is named"
            )
        network = policy.rules_for(subject.tenant).network_of(address)
        if network == UNKNOWN:
            self.unknown.tell(scope)
        caller = Caller(
            subject=subject,
            handle=handle_digest(handle or (self._unproven(scope, subject, address) if native else "")),
            network=network,
            address=address,
            kind="client" if native else "browser",
            also=tuple(handle_digest(other) for other in self.cookies.others(jar, scope, handle))
            if jar.earlier and not native
            else (),
            acts_as=acts_as,
        )
        if value and handle and network != UNKNOWN and acts_as is None and subject.upstream is None and not caller.also:
            if mine is None or mine.jar is not jar or len(mine.by_text) >= MAX_OWN:
                mine = self.opened[subject.key] = OpenedCookies(jar, scope.get("scheme"))
            mine.by_text[value] = Opened(handle, caller, subject, address, policy)
            if len(self.opened) > MAX_PEOPLE:
                self.opened.popitem(last=False)
        return Identified(jar=jar, handle=handle, caller=caller)

    def seen(self, scope: Scope, subject: Subject, address: str) -> Caller | None:
        """Find the caller of a browser that comes back as it was, else None.

        No cookie is opened. Cookie, subject, address and policy are the same, so the caller is the same. Never returned are
        callers that act for another, have a sign-in at an identity provider, or hold several handles.
        """
        mine = self.opened.get(subject.key)
        if mine is None or mine.scheme != scope.get("scheme"):
            return None
        known = mine.by_text.get(cookie_value(scope, mine.jar.handle))
        if known is None or known.address != address or known.policy is not self._service.engine.policy:
            return None
        if known.subject is not subject and known.subject != subject:
            return None
        if mine.jar.earlier and any(cookie_value(scope, name) for name in mine.jar.earlier):
            return None
        return known.caller

    def with_handle(self, found: Identified, scope: Scope, address: str) -> Identified:
        """Give a fresh handle, which proves nothing, to a caller that has none."""
        if found.handle:
            return found
        subject, native = found.caller.subject, found.caller.kind == "client"
        handle = self._unproven(scope, subject, address) if native else self.cookies.fresh()
        return replace(found, handle=handle, caller=replace(found.caller, handle=handle_digest(handle)))

    def _unproven(self, scope: Scope, subject: Subject, address: str) -> str:
        """Make the handle of a client that has no token yet, for its drafts and skips.

        The sign-in session tells clients apart. Where the host names no session, the credential, the address and the
        program tell them apart.
        """
        parts = [subject.tenant, subject.id, subject.session]
        if not subject.session:
            telling = (b"authorization", b"user-agent")
            shown = [b": ".join(item).decode("latin-1") for item in scope["headers"] if item[0] in telling]
            parts += [address, *shown]
        return self._service.engine.keyring.digest("client", *parts)

    def check_sessions(self) -> None:
        """Warn at the start where the adapter names no sign-in session."""
        if isinstance(self.identify, NamesSession) and not self.identify.names_session:
            self.warn_of_sessions()

    def warn_of_sessions(self) -> None:
        """Log once that the sign-ins have no name, and what follows from it."""
        if not self._warned:
            self._warned = True
            log.warning("mfa_gate: %s", NO_SESSION_NAMED)
