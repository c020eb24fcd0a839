"""The gate itself: asks who is signed in and what is decided, obeys, and knows no rule of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from starlette.requests import HTTPConnection

from ..core.assurance import meets
from ..core.decision import Allow, Decision, StepUp
from ..core.entropy import handle_digest
from ..core.model import Caller, Seconds, Subject
from ..core.networks import Network
from ..core.policy import Demand, Facts
from ..errors import SettingsError, StoreUnavailable
from ..ports import Identify
from ..service import Judgement, Service
from .cookies import Cookies, Jar, is_native, only_cookies, proof_token
from .door import Door
from .facts import (
    Scope,
    address_of,
    app_path,
    browser_label,
    caller_kind,
    is_clean,
)
from .lifespan import lifespan
from .refusing import refuse
from .ruled import Ruled
from .site import Site
from .tripwire import tripwired
from .watch import Watch, end

if TYPE_CHECKING:
    from .visit import Visit

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

IDENTIFY_TIMEOUT = 5.0


class ProofRequired(Exception):
    """An endpoint demands more than the request has; the gate turns it into the right answer."""

    def __init__(self, decision: Decision | None, demands: tuple[Demand, ...]) -> None:
        self.decision = decision
        self.demands = demands
        super().__init__("a fresher or stronger second factor is needed, and no gate is there to ask for it")


class Guard:
    """Stands around one app or several. Made by ``bootstrap``; ``MFAGateMiddleware`` is its thin ASGI shell."""

    def __init__(
        self,
        *,
        service: Service,
        identify: Identify,
        cookies: Cookies,
        site: Site,
        trusted: Sequence[Network],
        check: Callable[[Any], Sequence[str]],
    ) -> None:
        self.service = service
        self._engine = service.engine
        self._passes = service.judge.passes
        self.identify = identify
        self.site = site
        self.door = Door(self, site)
        self.watch = Watch(self)
        self._cookies = cookies
        self._trusted = tuple(trusted)
        self.faults = check
        self._subject_of: Callable[[Mapping[str, Any]], Subject | None] | None = getattr(identify, "subject_of", None)
        self._sees_user: Callable[[Mapping[str, Any]], bool] | None = getattr(identify, "sees_user", None)
        self._prefix = site.prefix
        self._opened = False
        self._opening: asyncio.Task[None] | None = None
        self.ruled = Ruled(service.engine, prefix=site.prefix, sign_out=site.sign_out)

    # -- start and end -------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Open the store and check the keys, once. Raises ``SettingsError`` or ``StoreUnavailable``; then try again."""
        if self._opened:
            return
        if self._opening is None or self._opening.done() or self._opening.get_loop() is not asyncio.get_running_loop():
            self._opening = asyncio.create_task(self._open())
        await asyncio.shield(self._opening)

    async def _open(self) -> None:
        fault = await self.service.open()
        if fault:
            await self.service.aclose()
            raise SettingsError(fault)
        self._opened = True

    async def aclose(self) -> None:
        """Let go of store and senders. A later request opens them again."""
        self._opened = False
        await self.service.aclose()

    # -- each connection -----------------------------------------------------------------------------------------

    def waves_through(self, scope: Scope) -> bool:
        """Whether a request passes for a reason that needs no waiting: it is exempt, anonymous, or of a browser that was
        judged a moment ago. False means: judge; whatever fails here fails there again, and is refused."""
        subject_of = self._subject_of
        if subject_of is None or scope["type"] != "http":
            return False
        path = app_path(scope) if scope.get("root_path") else scope["path"]
        try:
            ruled = self.ruled
            if self._engine.policy is not ruled.policy:
                ruled.learn(self._engine.policy)
            if path in ruled.paths or path.startswith(ruled.trees):
                return not path.startswith(self._prefix) and ruled.is_exempt(scope, path)
            if ruled.steps_up and not is_clean(path):
                return False
            subject = subject_of(scope)
            if subject is None:
                return self._sees_user is None
            cookies = b""
            for key, value in scope["headers"]:
                if key == b"cookie":
                    if cookies:
                        return False
                    cookies = value
            if not cookies or not self._opened:
                return False
            client = scope.get("client")
            address = address_of(scope, self._trusted) if self._trusted or client is None else client[0]
            return self._passes(subject, cookies, address)
        except Exception:
            return False

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
            return await self.door(scope, receive, send, path[len(prefix) :])
        try:
            if not self.ruled.is_exempt(scope, path):
                subject = await self.who(scope)
                if subject is not None:
                    if await self._judge(scope, receive, send, subject, path):
                        return None
                elif self._sees_user is not None:
                    send = tripwired(self.service, scope, send, sees_user=self._sees_user)
        except StoreUnavailable as error:
            if not await self._has_grace(scope, path):
                return await self.door.fault(scope, receive, send, error)
        except Exception as error:
            return await self.door.fault(scope, receive, send, error)
        return await self.enter(app, scope, receive, send)

    async def enter(self, app: App, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the app. Its exceptions travel through; only an endpoint's own demand is answered here."""
        scope["mfa_gate"] = self
        task = self.watch.hold(scope)
        try:
            await app(scope, receive, send)
        except (ProofRequired, asyncio.CancelledError) as error:
            await self.interrupted(error, task, scope, receive, send)
        finally:
            self.watch.open.pop(task, None)

    async def interrupted(
        self, error: BaseException, task: asyncio.Task[Any] | None, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Answer what an endpoint demanded, or end a connection that the watch cancelled; any other one is raised again."""
        if isinstance(error, ProofRequired):
            return await self._step_up_answer(scope, receive, send, error)
        if task is None or not self.watch.ended(task, scope):
            raise error
        task.uncancel()
        return await end(scope, send)

    async def _has_grace(self, scope: Scope, path: str) -> bool:
        """Whether the policy lets this browser on for a while although the store is away. Never where a rule asks for more."""
        try:
            subject = await self.who(scope)
            if subject is None or (self.ruled.steps_up and self.ruled.names(path)):
                return False
            return self.service.judge.has_grace(subject, only_cookies(scope), address_of(scope, self._trusted))
        except Exception:
            return False

    async def _identify(self, scope: Scope) -> Subject | None:
        """Ask the host, with a copy of the scope and for a bounded time."""
        copy = {**scope, "state": dict(scope.get("state", ()))}
        async with asyncio.timeout(IDENTIFY_TIMEOUT):
            return await self.identify(HTTPConnection(copy))

    async def _judge(self, scope: Scope, receive: Receive, send: Send, subject: Subject, path: str) -> bool:
        """Judge a signed-in request. True: it was answered here."""
        await self.open()
        address = address_of(scope, self._trusted)
        cookies = only_cookies(scope)
        ruled = self.ruled.names(path)
        if cookies and not ruled and self._subject_of is None and self.service.judge.passes(subject, cookies, address):
            return False
        jar, _, caller = await self.asker(scope, subject, address)
        judgement = await self.service.judge.judge(caller, self.facts(scope, subject, path))
        decision = judgement.decision
        demands: tuple[Demand, ...] = ()
        if isinstance(decision, Allow):
            if decision.why.watched:
                await self.service.judge.report(judgement, caller)
            younger = self._renewal(scope, judgement, decision)
            if younger is None:
                if cookies and not ruled:
                    self.service.judge.remember(judgement, subject, cookies, address)
                return False
            # The challenge is judged by this demand too, or it would lead straight back here.
            demands = (younger,)
            decision = StepUp(why=decision.why, reason="expired", demand=younger)
        elif judgement.requirement.report_only:
            await self.service.judge.report(judgement, caller)
            return False
        await refuse(self, scope, receive, send, jar=jar, caller=caller, decision=decision, demands=demands)
        return True

    def _renewal(self, scope: Scope, judgement: Judgement, allow: Allow) -> Demand | None:
        """The younger proof that a page load asks for so shortly before the end of the one it has that a form on it would be
        lost (U-69); None where it is early enough. A rule that asks for a fresher proof at this path is not meant."""
        early, standing = judgement.requirement.rules.freshness.renew_early, judgement.standing
        if not early or allow.proof is None or standing is None or scope.get("method") != "GET":
            return None
        usual = judgement.requirement.demands[0]
        younger = replace(usual, max_age=Seconds(usual.max_age - early))
        if younger.max_age <= 0 or any(meets(proof, younger, self.service.engine.now()) for proof in standing.proofs):
            return None
        return younger if caller_kind(scope) == "page" else None

    async def asker(self, scope: Scope, subject: Subject, address: str) -> tuple[Jar, str, Caller]:
        """The subject's cookies, the handle in them (or in a client's proof token; "" for none), and who asks from where. A
        sign-in elsewhere that counts is taken here, before anything is judged."""
        jar = self._cookies.jar(subject.key, scope)
        value = self._cookies.value(jar, scope) or proof_token(scope)
        handle = self._cookies.open(jar, value) if value else ""
        rules = self.service.engine.rules(subject.tenant)
        caller = Caller(
            subject=subject,
            handle=handle_digest(handle),
            network=rules.network_of(address),
            label=browser_label(scope),
            kind="client" if is_native(scope) else "browser",
            also=tuple(handle_digest(other) for other in self._cookies.others(jar, scope, handle)),
        )
        if subject.upstream is not None:
            await self.service.upstream.take(caller)
        return jar, handle, caller

    def facts(self, scope: Scope, subject: Subject, path: str) -> Facts:
        """What the policy may look at."""
        method = scope["method"] if scope["type"] == "http" else "GET"
        return Facts(tenant=subject.tenant, groups=subject.groups, method=method, path=path, clean=is_clean(path))

    async def visit(self, scope: Scope, subject: Subject) -> Visit:
        """The visit of a subject at one of our pages; a browser without a handle gets a fresh one, which proves nothing."""
        from .visit import Visit

        await self.open()
        jar, handle, caller = await self.asker(scope, subject, self.address(scope))
        fresh = not handle
        if fresh:
            native = self.service.engine.keyring.digest("client", subject.tenant, subject.id, subject.session)
            handle = native if is_native(scope) else self._cookies.fresh()
            caller = replace(caller, handle=handle_digest(handle))
        path, tail = scope["path"], app_path(scope)
        root = path[: len(path) - len(tail)] if path.endswith(tail) else ""
        return Visit(
            site=self.site,
            scope=scope,
            subject=subject,
            jar=jar,
            handle=handle,
            fresh=fresh,
            caller=caller,
            root=root,
        )

    def address(self, scope: Scope) -> str:
        """The client's address, as the trusted proxies tell it."""
        return address_of(scope, self._trusted)

    async def who(self, scope: Scope) -> Subject | None:
        """Who is signed in, for our own pages."""
        return self._subject_of(scope) if self._subject_of is not None else await self._identify(scope)

    # -- what is out of the ordinary -----------------------------------------------------------------------------

    async def _step_up_answer(self, scope: Scope, receive: Receive, send: Send, need: ProofRequired) -> None:
        """An endpoint asked for more (``require_proof``)."""
        try:
            subject = await self.who(scope)
            decision = need.decision
            if subject is None or decision is None:
                return await self.door.stranger(scope, receive, send)
            jar, _, caller = await self.asker(scope, subject, self.address(scope))
            await refuse(self, scope, receive, send, jar=jar, caller=caller, decision=decision, demands=need.demands)
        except Exception as error:
            await self.door.fault(scope, receive, send, error)

    async def judge_again(self, scope: Scope, *, extra: tuple[Demand, ...] = ()) -> Judgement | None:
        """Judge a connection again, with further demands; None where nobody is signed in."""
        subject = await self.who(scope)
        if subject is None:
            return None
        await self.open()
        _, _, caller = await self.asker(scope, subject, self.address(scope))
        facts = self.facts(scope, subject, app_path(scope))
        return await self.service.judge.judge(caller, facts, extra=extra)
