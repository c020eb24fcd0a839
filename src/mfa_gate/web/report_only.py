"""Let everything pass where a policy only reports, and count what it would have done.

Nothing of ours may reach the answer: no refusal, no header, no error, no wait for a slow store (P-8, decision 44).
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic

from ..core.decision import Allow
from ..core.model import Subject
from ..core.policy import Demand
from ..errors import StoreContention, StoreUnavailable
from ..service import Judgement, Service
from ..service.access import PASS_LIFE
from ..service.accounts import Entry
from ..service.report_recorder import Spot
from .callers import Callers
from .connection import EXEMPT, LetIn, WithoutSubject
from .cookies import only_cookies
from .scope import browser_label
from .types import Scope

log = logging.getLogger("mfa_gate")

PATIENCE = 0.25
"""Seconds that a request waits for its judgement."""
REST = 5.0
"""Seconds in which nobody waits again for a store that was away or slow."""
TOLD_EVERY = 60.0
MAX_KEPT = 5_000
Key = tuple[bytes, str, str, tuple[Demand, ...]]
"""A cookie header, method and path of a request, and the demands of the code that answers."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A judgement that counts the next requests like it, until ``until`` (UTC seconds)."""

    entry: Entry
    subject: Subject
    address: str
    until: int
    spot: Spot


class ReportOnly:
    """The way of requests of tenants whose policy only reports.

    ``open`` opens the store, ``look`` looks at the server during the first requests.
    """

    def __init__(
        self, service: Service, callers: Callers, *, open: Callable[[], Awaitable[None]], look: Callable[[Scope], None]
    ) -> None:
        self._service = service
        self._callers = callers
        self._open = open
        self._look = look
        self._kept: OrderedDict[Key, Kept] = OrderedDict()
        self._rests_until = 0.0
        self._told_at = -TOLD_EVERY

    async def let_in(
        self, scope: Scope, subject: Subject, path: str, *, is_named: bool, endpoint: tuple[Demand, ...] = ()
    ) -> LetIn:
        """Let a request pass, and count what the policy would have done. Raises nothing.

        ``is_named`` says that a rule may mean this path. ``endpoint`` are the demands of the code that answers.
        """
        entry: Entry | None = None
        try:
            if monotonic() < self._rests_until:
                self._service.recorder.unjudged(subject.tenant, "away")
            elif (known := self._known(scope, subject, path, endpoint)) is not None:
                known.spot.hit(scope.get("method", "GET"), path, endpoint)
                entry = known.entry
            else:
                async with asyncio.timeout(PATIENCE):
                    entry = (await self._judged(scope, subject, path, is_named=is_named, endpoint=endpoint)).entry
        except Exception as error:
            self._pass_over(subject.tenant, error)
        return LetIn(subject, entry)

    def let_stranger_in(self, error: Exception) -> WithoutSubject:
        """Let a request pass although nobody could tell who is signed in.

        It is counted in no tenant's name.
        """
        self._pass_over("", error)
        return EXEMPT

    def _known(self, scope: Scope, subject: Subject, path: str, endpoint: tuple[Demand, ...]) -> Kept | None:
        """Find the judgement of the same request a moment ago, if nothing has changed.

        Raises ``StoreUnavailable``.
        """
        key = (only_cookies(scope), scope.get("method", "GET"), path, endpoint)
        known = self._kept.get(key)
        if known is None:
            return None
        self._service.engine.notice()
        if known.entry.stale or self._service.engine.now() >= known.until:
            return None
        return known if known.subject == subject and known.address == self._callers.address(scope) else None

    async def _judged(
        self, scope: Scope, subject: Subject, path: str, *, is_named: bool, endpoint: tuple[Demand, ...]
    ) -> Judgement:
        if not endpoint:
            self._look(scope)
        access, callers = self._service.access, self._callers
        facts = callers.facts(scope, subject, path)
        if not endpoint and (free := access.free(subject, facts)) is not None:
            return free
        await self._open()
        address, cookies = callers.address(scope), only_cookies(scope)
        known = await callers.identified(scope, subject, address)
        judgement = await access.judge(known.caller, facts, extra=endpoint)
        spot = self._service.recorder.note(judgement, known.caller, facts, browser_label(scope), endpoint)
        # Another policy may have come into force while this request was judged; what it enforces is asked of the next one.
        if spot is None or not cookies or not judgement.requirement.report_only:
            return judgement
        if not is_named and callers.subject_now is not None and not endpoint:
            access.remember(judgement, subject, cookies, address, spot)
        else:
            self._keep((cookies, facts.method, path, endpoint), judgement, subject, address, spot)
        return judgement

    def _keep(self, key: Key, judgement: Judgement, subject: Subject, address: str, spot: Spot) -> None:
        """Keep a judgement for the next request like it, while time alone does not change it."""
        decision, entry = judgement.decision, judgement.entry
        if entry is None or entry.stale or len(key[0]) + len(key[2]) > MAX_KEPT:
            return
        until = self._service.engine.now() + PASS_LIFE
        if isinstance(decision, Allow):
            until = min(until, decision.until)
        self._kept[key] = Kept(entry, subject, address, until, spot)
        if len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)

    def _pass_over(self, tenant: str, error: Exception) -> None:
        """Count a request that passes without a look, and log it at most once a minute."""
        slow, away = isinstance(error, TimeoutError), isinstance(error, (StoreUnavailable, StoreContention))
        if slow or away:
            self._rests_until = monotonic() + REST
        why = "slow" if slow else "away" if away else "fault"
        try:
            self._service.recorder.unjudged(tenant, why)
        except Exception:
            log.exception("mfa_gate: report-only: a request could not be counted")
        if monotonic() - self._told_at >= TOLD_EVERY:
            self._told_at = monotonic()
            log.warning(
                "mfa_gate: report-only: requests pass without a look (%s): %s: %s", why, type(error).__name__, error
            )
