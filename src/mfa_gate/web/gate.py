"""Judge each connection, then pass it on or deny it. The gate knows no rule of its own."""

from __future__ import annotations

import logging
from asyncio import get_running_loop
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..core.assurance import combine, meets
from ..core.decision import FOREVER, Allow, Decision, StepUp
from ..core.model import Seconds, Subject
from ..core.policy import Demand
from ..errors import StoreContention, StoreUnavailable
from ..service import Judgement
from ..service.exemption_uses import EVERYBODY
from . import well_known
from .callers import Identified
from .connection import ANONYMOUS, EXEMPT, Connection, LetIn, Passed, ProofRequired, Timing, seen_in
from .cookies import only_cookies
from .deny import deny
from .departures import Departures
from .endpoint_demands import EndpointDemands
from .late_user_check import LateUserCheck
from .lifespan import ChecksApp, Lifespan, running_loop
from .open_connections import OpenConnections
from .path_rules import PathRules
from .report_only import ReportOnly
from .route_names import RouteNames
from .router import Router
from .scope import app_path, browser_label, caller_kind, is_rooted, note_told_root
from .sightings import Sightings
from .sign_out import SignOut
from .site import Site
from .types import App, Receive, Scope, Send
from .unheard import hear_out

log = logging.getLogger("mfa_gate")


class Gate:
    """The gate around one app or several.

    ``MFAGate`` makes it. ``MFAGateMiddleware`` asks it, and runs the app. ``latest_path_rules`` are of the policy that was
    in force at the last look.
    """

    def __init__(
        self,
        *,
        site: Site,
        check: ChecksApp,
        any_forwarder: bool = False,
        timing: Timing | None = None,
    ) -> None:
        self.service = service = site.service
        self.site = site
        self.engine = service.engine
        self.callers = callers = site.callers
        self.lifespan = Lifespan(service=service, callers=callers, check=check, any_forwarder=any_forwarder)
        self.open, self.aclose = self.lifespan.open, self.lifespan.aclose
        self.connections = OpenConnections(self, timing)
        self.router = Router(site, self.open)
        self._sign_out = SignOut(
            service=service,
            callers=callers,
            path=site.sign_out,
            open=self.open,
            form=site.sign_out_form,
            waits=lambda subject: not self.enforces_nothing(subject),
        )
        self.endpoint_demands = service.access.endpoint_demands = EndpointDemands()
        service.recorder.route_of = RouteNames(self.endpoint_demands.leaves)
        service.access.demands_at = self.endpoint_demands.at
        self.lifespan.at_open.append(self._look_at_sign_out)
        identify = callers.identify
        self.sightings = Sightings(identify)
        self.keeps_forms = site.kept_forms is not None
        self.departures = Departures(site)
        self.late_user_check = LateUserCheck(
            service, identify, spares_all=lambda: self.enforces_nothing(None), told=self.router.told
        )
        self.report_only = ReportOnly(service, callers, open=self.open, look=self.lifespan.look_at_server)
        self._prefix = site.prefix
        self._served = well_known.paths_of(service.engine.wiring.relying_party)
        self.latest_path_rules = self._index()

    @property
    def path_rules(self) -> PathRules:
        """Return the index of the policy in force."""
        if self.latest_path_rules.policy is not self.engine.policy:
            self.latest_path_rules = self._index()
        return self.latest_path_rules

    def _index(self) -> PathRules:
        site, uses, now = self.site, self.engine.exemption_uses, self.engine.now
        found = PathRules(
            self.engine.policy,
            prefix=site.prefix,
            sign_out=site.sign_out,
            served=self._served,
            used=lambda name: uses.note(EVERYBODY, name, now()),
        )
        uses.forget = found.forget
        self.callers.leave_no_mark(self.enforces_nothing if found.reports else None)
        return found

    def add_app(self, app: App) -> None:
        """Take an app that the gate stands around: its routes are looked at."""
        self.endpoint_demands.add_app(app)
        if self.lifespan.loop is not None:
            self._look_at_sign_out()

    def _look_at_sign_out(self) -> None:
        """Find out if the app's sign-out takes POST, and if it takes nothing else."""
        if self.site.sign_out and "POST" in (methods := self.endpoint_demands.methods_of(self.site.sign_out)):
            form = self.site.sign_out_form
            form.takes_post, form.posts = True, form.posts or "GET" not in methods

    # -- each connection -----------------------------------------------------------------------------------------

    async def judge(self, scope: Scope, receive: Receive, send: Send) -> Connection | None:
        """Judge one connection: open it for the app, or answer it here, which gives None."""
        kind = scope["type"]
        if kind not in ("http", "websocket"):
            raise RuntimeError(f"mfa_gate refuses a scope of type {kind!r}: it judges http and websocket only")
        running_loop()
        if self.callers.reads_prefix:
            note_told_root(scope, self.callers.trusted)
        path = app_path(scope)
        prefix = self._prefix
        if path.startswith(prefix) and (len(path) == len(prefix) or path[len(prefix)] == "/"):
            await self.router(scope, receive, send, path[len(prefix) :])
            return None
        if path in self._served and kind == "http":
            await self.router.readable(scope, well_known.answer(self.site, scope, path), path).send(scope, send)
            return None
        passed: Passed = EXEMPT
        subject: Subject | None = None
        try:
            rules = self.path_rules
            way = rules.way_of(scope, path)
            if way == "guarded" or (way == "named" and not self.is_exempt(scope, path)):
                passed, subject = ANONYMOUS, await self.callers.subject(scope)
                if subject is not None and rules.reports and rules.only_reports(subject.tenant):
                    self.sightings.somebody = True
                    passed = await self.report_only.let_in(scope, subject, path, is_named=way == "named")
                elif subject is not None:
                    judged = await self._judge(scope, receive, send, subject, path, is_named=way == "named")
                    if judged is None:
                        return None
                    passed = judged
                elif not self.sightings.somebody:
                    self.sightings.stranger(scope)
        except Exception as error:
            if subject is not None and isinstance(error, StoreUnavailable) and self.has_grace(scope, path, subject):
                passed = LetIn(subject, None, learned=False)
            elif self.path_rules.enforces:
                await hear_out(scope, receive)
                await self.router.fault(scope, receive, send, error)
                return None
            else:
                passed = self.report_only.let_stranger_in(error)
        is_sign_out = way == "named" and rules.signs_out(scope, path)
        leaving = await self._sign_out(scope, send) if is_sign_out else None
        task = self.connections.start()
        if leaving is None:
            return Connection(self, task, scope, seen_in(scope), receive, send, passed)
        connection = Connection(self, task, scope, seen_in(scope), receive, leaving.send, passed)
        connection.afterwards = leaving.finish
        return connection

    def look(self, scope: Scope, subject: Subject, cookies: bytes, address: str) -> LetIn | None:
        """Judge a request that no rule names, without waiting.

        Returns None where it must be judged in full. It passes browsers whose cookie was opened before, and never denies.
        Call it only where the policy reports nothing.
        """
        if not cookies or "mfa_gate" in scope or self.lifespan.loop is None:
            return None
        caller = self.callers.seen(scope, subject, address)
        judgement = None if caller is None else self.service.quick_look.judge(caller)
        if judgement is None:
            return None
        self.service.access.remember(judgement, subject, cookies, address)
        return self.let_in(subject, judgement)

    def is_exempt(self, scope: Scope, path: str) -> bool:
        """Tell whether a rule of the policy exempts ``path`` for everybody."""
        return self.path_rules.is_exempt(scope, path, self.engine.wiring.clock.now())

    def has_grace(self, scope: Scope, path: str, subject: Subject) -> bool:
        """Tell if the policy lets this browser of ``subject`` on although the store is away.

        Never where a rule asks for more.
        """
        try:
            rules = self.path_rules
            if rules.steps_up and rules.way_of(scope, path) != "guarded":
                return False
            return self.service.access.has_grace(subject, only_cookies(scope), self.callers.address(scope))
        except Exception:
            return False

    async def _judge(
        self, scope: Scope, receive: Receive, send: Send, subject: Subject, path: str, *, is_named: bool
    ) -> Passed | None:
        """Judge a signed-in request; None means that it was answered here.

        ``is_named`` says that a rule may mean this path, or one that cannot be told from it.
        """
        self.sightings.somebody = True
        self.lifespan.look_at_server(scope)
        callers = self.callers
        facts = callers.facts(scope, subject, path)
        free = self.service.access.free(subject, facts)
        if free is not None:
            await self._take_login(scope, subject)
            return self.let_in(subject, free)
        if self.lifespan.loop is not get_running_loop():
            await self.open()
        address = callers.address(scope)
        cookies = only_cookies(scope)
        if cookies and not is_named and callers.subject_now is None:
            known = self.service.access.passes(subject, cookies, address)
            if known is not None:
                return known
        found = await callers.identified(scope, subject, address)
        judgement = await self.service.access.judge(found.caller, facts)
        decision = judgement.decision
        demands: tuple[Demand, ...] = ()
        if isinstance(decision, Allow):
            if judgement.requirement.watched:
                self.service.recorder.note(judgement, found.caller, facts, browser_label(scope))
            younger = self._renewal(scope, judgement, decision)
            if younger is None:
                if cookies and not is_named and self.lifespan.loop is not None:
                    self.service.access.remember(judgement, subject, cookies, address)
                return self.let_in(subject, judgement)
            # The challenge is judged by this demand too, or it would lead straight back here.
            demands = (younger,)
            decision = StepUp(why=decision.why, reason="expired", demand=younger)
        await self._deny(scope, receive, send, found, decision, demands)
        return None

    async def _deny(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        found: Identified,
        decision: Decision,
        demands: tuple[Demand, ...],
    ) -> None:
        """Deny a request, or answer the fault that keeps the gate from it.

        ``deny`` reads the body first, so the answer to a fault reads no more of it.
        """
        try:
            if not is_rooted(scope):
                return await self.router.nowhere(scope, receive, send)
            self.callers.unknown.look_for_proxy(scope)
            await deny(self.site, scope, receive, send, found=found, decision=decision, demands=demands)
        except Exception as error:
            await self.router.fault(scope, receive, send, error)

    def let_in(self, subject: Subject, judgement: Judgement) -> LetIn:
        """Keep the reason for as long as the connection lasts."""
        decision = judgement.decision
        return LetIn(subject, judgement.entry, decision.until if isinstance(decision, Allow) else FOREVER)

    async def _take_login(self, scope: Scope, subject: Subject) -> None:
        """Take a sign-in at an identity provider where nothing is demanded.

        A session that is stolen later finds it bound to its owner's network. A store that is away stops nobody here; the
        next request takes it.
        """
        if subject.upstream is None:
            return
        try:
            await self.open()
            await self.callers.identified(scope, subject, self.callers.address(scope))
        except (StoreUnavailable, StoreContention) as error:
            log.warning("mfa_gate: a sign-in at an identity provider is not kept yet: %s", error)

    def _renewal(self, scope: Scope, judgement: Judgement, allow: Allow) -> Demand | None:
        """Demand a younger proof of a page load shortly before the proof ends (U-69), else None.

        Without this, a form on the page could be lost. A rule that asks for a fresher proof at this path is not meant.
        """
        early, evidence = judgement.requirement.rules.freshness.renew_early, judgement.evidence
        if not early or allow.proof is None or evidence is None or scope.get("method") != "GET":
            return None
        demands = judgement.requirement.demands
        younger = replace(combine(demands, rule=demands[0].rule), max_age=Seconds(demands[0].max_age - early))
        if younger.max_age <= 0 or any(meets(proof, younger, self.service.engine.now()) for proof in evidence.proofs):
            return None
        return younger if caller_kind(scope) == "page" else None

    # -- connections that ask for more, or are judged again --------------------------------------------------------

    async def answer_demand(self, scope: Scope, receive: Receive, send: Send, need: ProofRequired) -> None:
        """Answer the demand of an endpoint (``require_proof``)."""
        if self.callers.reads_prefix:
            note_told_root(scope, self.callers.trusted)
        fault, decision, found = need.fault, need.decision, None
        try:
            if fault is None and decision is not None and (subject := await self.callers.subject(scope)) is not None:
                found = await self.callers.identified(scope, subject, self.callers.address(scope))
        except Exception as error:
            fault = error
        if decision is not None and found is not None:
            return await self._deny(scope, receive, send, found, decision, need.demands)
        await hear_out(scope, receive)
        if fault is not None:
            return await self.router.fault(scope, receive, send, fault)
        return await self.router.anonymous(scope, receive, send)

    async def only_reports(self, scope: Scope, demands: tuple[Demand, ...]) -> bool:
        """Tell if an endpoint's demand is only reported here, and count what it would have done."""
        if not self.path_rules.reports:
            return False
        try:
            subject = await self.callers.subject(scope)
        except Exception:
            subject = None
        if not self.enforces_nothing(subject):
            return False
        if subject is not None:
            await self.report_only.let_in(scope, subject, app_path(scope), is_named=True, endpoint=demands)
        return True

    def enforces_nothing(self, subject: Subject | None) -> bool:
        """Tell if the policy only reports for a person.

        For None, if it only reports for everybody.
        """
        rules = self.path_rules
        return rules.reports and (not rules.enforces if subject is None else rules.only_reports(subject.tenant))

    async def judge_again(self, scope: Mapping[str, Any], *, extra: tuple[Demand, ...] = ()) -> Judgement | None:
        """Judge a connection again, with further demands; None where nobody is signed in.

        ``scope`` may be the scope of any part of the app. The path and the root are those that the gate saw.
        """
        seen = scope.get("mfa_gate")
        asked = seen.as_judged(scope) if isinstance(seen, Connection) and seen.gate is self else dict(scope)
        subject = await self.callers.subject(asked)
        return None if subject is None else await self.judge_subject(asked, subject, extra=extra)

    async def judge_subject(self, scope: Scope, subject: Subject, *, extra: tuple[Demand, ...] = ()) -> Judgement:
        """Judge the requests of ``subject`` on this connection now.

        The host is not asked who is signed in.
        """
        facts = self.callers.facts(scope, subject, app_path(scope))
        free = None if extra else self.service.access.free(subject, facts)
        if free is not None:
            return free
        await self.open()
        found = await self.callers.identified(scope, subject, self.callers.address(scope))
        return await self.service.access.judge(found.caller, facts, extra=extra)
