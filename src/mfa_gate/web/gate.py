"""The gate itself: asks who is signed in and what is decided, obeys, and knows no rule of its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from starlette.requests import HTTPConnection

from ..core.assurance import combine, meets
from ..core.decision import FOREVER, Allow, StepUp
from ..core.entropy import handle_digest
from ..core.model import Caller, Seconds, Subject
from ..core.networks import Proxy
from ..core.policy import Demand, Facts
from ..core.rules import plain_path
from ..errors import SettingsError, StoreContention, StoreUnavailable
from ..ports import Identify, NamesSession, SeesUsers
from ..service import Judgement, Service
from .callers import (
    Scope,
    address_of,
    app_path,
    browser_label,
    caller_kind,
    is_clean,
    root_of,
)
from .connection import Connection, LetIn, Passed, ProofRequired
from .cookies import Cookies, Jar, is_native, only_cookies, proof_token
from .deny import refuse
from .endpoint_demands import EndpointDemands
from .forwarders import FAULT, is_forwarded, server_believes_everybody
from .late_user_check import check_late_user
from .lifespan import lifespan
from .open_connections import OpenConnections, Timing
from .path_rules import PathRules
from .router import Router
from .sightings import Sightings
from .sign_out import leave
from .site import Site

if TYPE_CHECKING:
    from .request import PageRequest

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

log = logging.getLogger("mfa_gate")

IDENTIFY_TIMEOUT = 5.0
NO_SESSION_NAMED = (
    'identify: the subject names no sign-in session, so "Don\'t remember this browser" holds until sign_out is asked for, or for '
    "12 hours, and outlives a session that ends in any other way; name an id that each sign-in makes anew, e.g. "
    'SessionUser("user_id", session="sid")'
)


class Gate:
    """Stands around one app or several. Made by ``bootstrap``; ``MFAGateMiddleware`` is its thin ASGI shell."""

    def __init__(
        self,
        *,
        service: Service,
        identify: Identify,
        cookies: Cookies,
        site: Site,
        trusted: Sequence[Proxy],
        check: Callable[[Any], Sequence[str]],
        any_forwarder: bool = False,
        timing: Timing | None = None,
    ) -> None:
        self.service = service
        self._engine = service.engine
        self._passes = service.access.passes
        self.identify = identify
        self.site = site
        self.router = Router(self, site)
        self.connections = OpenConnections(self, timing)
        self.endpoint_demands = service.access.endpoint_demands = EndpointDemands()
        self._cookies = cookies
        self._trusted = tuple(trusted)
        self.faults = check
        self._subject_of: Callable[[Mapping[str, Any]], Subject | None] | None = getattr(identify, "subject_of", None)
        self.sightings = Sightings(identify)
        # Asked once: the test for a protocol costs more than all the rest of an anonymous request.
        self._sees_user = identify.sees_user if isinstance(identify, SeesUsers) else None
        self._any_forwarder = any_forwarder
        self._looked: set[bool] = set()
        self._prefix = site.prefix
        self._opened = False
        self._warned = False
        self._opening: asyncio.Task[None] | None = None
        self.path_rules = PathRules(service.engine, prefix=site.prefix, sign_out=site.sign_out)

    # -- start and end -------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Open the store and check the keys, once. Raises ``SettingsError`` or ``StoreUnavailable``; then try again."""
        if self._opened:
            return
        self._look_at_server(replaced=False)
        self._looked.clear()
        if self._opening is None or self._opening.done() or self._opening.get_loop() is not asyncio.get_running_loop():
            self._opening = asyncio.create_task(self._open())
        await asyncio.shield(self._opening)

    def _look_at_server(self, *, replaced: bool) -> None:
        """Refuse to work behind a server that believes every client's word for its address. Raises ``SettingsError``."""
        if self._any_forwarder or replaced in self._looked:
            return
        if server_believes_everybody(replaced=replaced):
            raise SettingsError(FAULT)
        self._looked.add(replaced)

    async def _open(self) -> None:
        fault = await self.service.open()
        if fault:
            await self.service.aclose()
            raise SettingsError(fault)
        self._opened = True
        if isinstance(self.identify, NamesSession) and not self.identify.names_session:
            self._warn_of_sessions()

    def _warn_of_sessions(self) -> None:
        """Say once that sign-ins have no name, and what follows from it."""
        if not self._warned:
            self._warned = True
            log.warning("mfa_gate: %s", NO_SESSION_NAMED)

    async def aclose(self) -> None:
        """Let go of store and senders. A later request opens them again."""
        self._opened = False
        await self.service.aclose()

    # -- each connection -----------------------------------------------------------------------------------------

    def remembered(self, scope: Scope) -> Passed | None:
        """Tell why a request passes, where that needs no waiting: it is exempt, anonymous, or of a browser that was
        judged a moment ago. None means: judge; whatever fails here fails there again, and is refused. A stranger's
        request goes on with the ``send`` of ``as_anonymous``."""
        subject_of = self._subject_of
        if subject_of is None or scope["type"] != "http":
            return None
        path = app_path(scope) if scope.get("root_path") else scope["path"] or "/"
        try:
            ruled = self.path_rules
            if self._engine.policy is not ruled.policy:
                ruled.learn(self._engine.policy)
            plain = plain_path(path)
            if plain in ruled.paths or plain.startswith(ruled.trees):
                if path.startswith(self._prefix) or ruled.signs_out(scope, path):
                    return None
                return "exempt" if ruled.is_exempt(scope, path) else None
            if ruled.steps_up and not is_clean(path):
                return None
            subject = subject_of(scope)
            if subject is None:
                return "anonymous"
            cookies = b""
            for key, value in scope["headers"]:
                if key == b"cookie":
                    cookies = cookies + b"; " + value if cookies else value
            if not cookies or not self._opened:
                return None
            client = scope.get("client")
            address = address_of(scope, self._trusted) if self._trusted or client is None else client[0]
            return self._passes(subject, cookies, address)
        except Exception:
            return None

    async def __call__(self, app: App, scope: Scope, receive: Receive, send: Send) -> None:
        """Judge one connection: pass it to the app, or answer it."""
        kind = scope["type"]
        if kind == "lifespan":
            return await lifespan(self, app, scope, receive, send)
        if kind not in ("http", "websocket"):
            raise RuntimeError(f"mfa_gate refuses a scope of type {kind!r}: it judges http and websocket only")
        path = app_path(scope)
        prefix = self._prefix
        if path.startswith(prefix) and (len(path) == len(prefix) or path[len(prefix)] == "/"):
            return await self.router(scope, receive, send, path[len(prefix) :])
        passed: Passed = "exempt"
        subject: Subject | None = None
        try:
            if not self.path_rules.is_exempt(scope, path):
                passed, subject = "anonymous", await self.who(scope)
                if subject is not None:
                    judged = await self._judge(scope, receive, send, subject, path)
                    if judged is None:
                        return None
                    passed = judged
                else:
                    send = self.as_anonymous(scope, send)
        except StoreUnavailable as error:
            if subject is None or not await self.has_grace(scope, path):
                return await self.router.fault(scope, receive, send, error)
            passed = LetIn(subject, None, learned=False)
        except Exception as error:
            return await self.router.fault(scope, receive, send, error)
        if self.path_rules.signs_out(scope, path):
            return await leave(self, scope, send, lambda watched: self.enter(app, scope, receive, watched, passed))
        return await self.enter(app, scope, receive, send, passed)

    def as_anonymous(self, scope: Scope, send: Send) -> Send:
        """Make the ``send`` of a request that passes because nobody is signed in (S-14)."""
        self.sightings.stranger(scope)
        return check_late_user(self.service, scope, send, self._sees_user)

    async def enter(self, app: App, scope: Scope, receive: Receive, send: Send, passed: Passed) -> None:
        """Call the app, and watch the connection while it lasts. The app's exceptions travel through."""
        watch, loop = self.connections, asyncio.get_running_loop()
        if watch.loop is not loop:
            watch.start(loop)
        connection = Connection(self, asyncio.current_task(loop), scope, receive, send, passed)
        scope["mfa_gate"] = connection
        watch.open.add(connection)
        try:
            await app(scope, connection.receive, connection.send)
        except BaseException as error:
            if not connection.over:
                raise
            await connection.finish(error)
        else:
            if connection.over:
                await connection.finish(None)
        finally:
            watch.open.discard(connection)
            scope.pop("mfa_gate", None)

    async def has_grace(self, scope: Scope, path: str) -> bool:
        """Whether the policy lets this browser on for a while although the store is away. Never where a rule asks for more."""
        try:
            subject = await self.who(scope)
            if subject is None or (self.path_rules.steps_up and self.path_rules.names(path)):
                return False
            return self.service.access.has_grace(subject, only_cookies(scope), address_of(scope, self._trusted))
        except Exception:
            return False

    async def _identify(self, scope: Scope) -> Subject | None:
        """Ask the host, with a copy of the scope and for a bounded time."""
        copy = {**scope, "state": dict(scope.get("state", ()))}
        async with asyncio.timeout(IDENTIFY_TIMEOUT):
            return await self.identify(HTTPConnection(copy))

    async def _judge(self, scope: Scope, receive: Receive, send: Send, subject: Subject, path: str) -> Passed | None:
        """Judge a signed-in request. None: it was answered here."""
        self.sightings.somebody = True
        if len(self._looked) < 2:
            # The first look at the server may have been before any request: a start outside of its calls, or none.
            self._look_at_server(replaced=is_forwarded(scope))
        facts = self.facts(scope, subject, path)
        free = self.service.access.free(subject, facts)
        if free is not None:
            await self._take_login(scope, subject)
            return self.let_in(subject, free)
        await self.open()
        address = address_of(scope, self._trusted)
        cookies = only_cookies(scope)
        ruled = self.path_rules.names(path)
        if cookies and not ruled and self._subject_of is None:
            known = self.service.access.passes(subject, cookies, address)
            if known is not None:
                return known
        jar, _, caller = await self.asker(scope, subject, address)
        judgement = await self.service.access.judge(caller, facts)
        decision = judgement.decision
        demands: tuple[Demand, ...] = ()
        if isinstance(decision, Allow):
            if decision.why.watched:
                await self.service.access.report(judgement, caller)
            younger = self._renewal(scope, judgement, decision)
            if younger is None:
                if cookies and not ruled:
                    self.service.access.remember(judgement, subject, cookies, address)
                return self.let_in(subject, judgement)
            # The challenge is judged by this demand too, or it would lead straight back here.
            demands = (younger,)
            decision = StepUp(why=decision.why, reason="expired", demand=younger)
        elif judgement.requirement.report_only:
            await self.service.access.report(judgement, caller)
            return self.let_in(subject, judgement)
        await refuse(self, scope, receive, send, jar=jar, caller=caller, decision=decision, demands=demands)
        return None

    def let_in(self, subject: Subject, judgement: Judgement) -> LetIn:
        """Keep by what somebody was let in, for as long as the connection lasts."""
        decision = judgement.decision
        return LetIn(subject, judgement.entry, decision.until if isinstance(decision, Allow) else FOREVER)

    async def _take_login(self, scope: Scope, subject: Subject) -> None:
        """Take a sign-in elsewhere where nothing is demanded.

        A session that is stolen later finds it bound to its owner's network. A store that is away stops nobody here; the
        next request takes it."""
        if subject.upstream is None:
            return
        try:
            await self.open()
            await self.asker(scope, subject, self.address(scope))
        except (StoreUnavailable, StoreContention) as error:
            log.warning("mfa_gate: a sign-in at an identity provider is not kept yet: %s", error)

    def _renewal(self, scope: Scope, judgement: Judgement, allow: Allow) -> Demand | None:
        """The younger proof that a page load asks for so shortly before the end of the one it has that a form on it would be
        lost (U-69); None where it is early enough. A rule that asks for a fresher proof at this path is not meant."""
        early, evidence = judgement.requirement.rules.freshness.renew_early, judgement.evidence
        if not early or allow.proof is None or evidence is None or scope.get("method") != "GET":
            return None
        demands = judgement.requirement.demands
        younger = replace(combine(demands, rule=demands[0].rule), max_age=Seconds(demands[0].max_age - early))
        if younger.max_age <= 0 or any(meets(proof, younger, self.service.engine.now()) for proof in evidence.proofs):
            return None
        return younger if caller_kind(scope) == "page" else None

    async def asker(self, scope: Scope, subject: Subject, address: str) -> tuple[Jar, str, Caller]:
        """The subject's cookies, the handle in them (or in a client's proof token; "" for none), and who asks from where. A
        sign-in elsewhere that counts is taken here, before anything is judged."""
        jar, handle, caller = self.known(scope, subject, address)
        if subject.upstream is not None:
            await self.service.upstream.take(caller)
        return jar, handle, caller

    def known(self, scope: Scope, subject: Subject, address: str) -> tuple[Jar, str, Caller]:
        """Read the same from the connection alone."""
        if not subject.session:
            self._warn_of_sessions()
        jar = self._cookies.jar(subject.key, scope)
        native = is_native(scope)
        if native:
            handle = self._cookies.open_token(jar, proof_token(scope))
        else:
            handle = self._cookies.open(jar, self._cookies.value(jar, scope))
        rules = self.service.engine.rules(subject.tenant)
        caller = Caller(
            subject=subject,
            handle=handle_digest(handle or (self._unproven(scope, subject, address) if native else "")),
            network=rules.network_of(address),
            label=browser_label(scope),
            kind="client" if native else "browser",
            also=() if native else tuple(handle_digest(other) for other in self._cookies.others(jar, scope, handle)),
        )
        return jar, handle, caller

    def _unproven(self, scope: Scope, subject: Subject, address: str) -> str:
        """Make the handle of a client that has no token yet, for its drafts and skips.

        The sign-in session tells clients apart; where the host names none, the credential, the place and the program do.
        """
        parts = [subject.tenant, subject.id, subject.session]
        if not subject.session:
            outbox = (b"authorization", b"user-agent")
            shown = [b": ".join(item).decode("latin-1") for item in scope["headers"] if item[0] in outbox]
            parts += [address, *shown]
        return self.service.engine.keyring.digest("client", *parts)

    def facts(self, scope: Scope, subject: Subject, path: str) -> Facts:
        """What the policy may look at."""
        method = scope["method"] if scope["type"] == "http" else "GET"
        return Facts(tenant=subject.tenant, groups=subject.groups, method=method, path=path, clean=is_clean(path))

    async def page_request(self, scope: Scope, subject: Subject) -> PageRequest:
        """The visit of a subject at one of our pages; a browser without a handle gets a fresh one, which proves nothing."""
        from .request import PageRequest

        await self.open()
        jar, handle, caller = await self.asker(scope, subject, self.address(scope))
        fresh = not handle
        if fresh:
            native = caller.kind == "client"
            handle = self._unproven(scope, subject, self.address(scope)) if native else self._cookies.fresh()
            caller = replace(caller, handle=handle_digest(handle))
        return PageRequest(
            site=self.site,
            scope=scope,
            subject=subject,
            jar=jar,
            handle=handle,
            fresh=fresh,
            caller=caller,
            root=root_of(scope),
        )

    def address(self, scope: Scope) -> str:
        """The client's address, as the trusted proxies tell it."""
        return address_of(scope, self._trusted)

    async def who(self, scope: Scope) -> Subject | None:
        """Who is signed in, for our own pages."""
        return self._subject_of(scope) if self._subject_of is not None else await self._identify(scope)

    # -- what is out of the ordinary -----------------------------------------------------------------------------

    async def answer_demand(self, scope: Scope, receive: Receive, send: Send, need: ProofRequired) -> None:
        """Answer what an endpoint asked for (``require_proof``)."""
        try:
            if need.fault is not None:
                return await self.router.fault(scope, receive, send, need.fault)
            subject = await self.who(scope)
            decision = need.decision
            if subject is None or decision is None:
                return await self.router.stranger(scope, receive, send)
            jar, _, caller = await self.asker(scope, subject, self.address(scope))
            await refuse(self, scope, receive, send, jar=jar, caller=caller, decision=decision, demands=need.demands)
        except Exception as error:
            await self.router.fault(scope, receive, send, error)

    async def judge_again(self, scope: Mapping[str, Any], *, extra: tuple[Demand, ...] = ()) -> Judgement | None:
        """Judge a connection again, with further demands; None where nobody is signed in.

        ``scope`` is that of any part of the app; path and root are those that the gate saw.
        """
        seen = scope.get("mfa_gate")
        asked = seen.as_judged(scope) if isinstance(seen, Connection) and seen.gate is self else dict(scope)
        subject = await self.who(asked)
        return None if subject is None else await self.judge_subject(asked, subject, extra=extra)

    async def judge_subject(self, scope: Scope, subject: Subject, *, extra: tuple[Demand, ...] = ()) -> Judgement:
        """Judge what ``subject`` may do on this connection now, without asking the host who it is."""
        facts = self.facts(scope, subject, app_path(scope))
        free = None if extra else self.service.access.free(subject, facts)
        if free is not None:
            return free
        await self.open()
        _, _, caller = await self.asker(scope, subject, self.address(scope))
        return await self.service.access.judge(caller, facts, extra=extra)
