"""Judge a request without waiting, where all that is needed is in memory.

The decision is that of ``Access.judge``, by the same pure functions, from the account in the cache and the time of the clock.
Nothing about the decision is kept, so an ended proof, a lock or a later date counts at once. Only its shape is smaller:
whatever needs a read, a write or a refusal is left to ``Access.judge``.
"""

from __future__ import annotations

from time import perf_counter

from ..core.decision import Allow, decide
from ..core.model import Caller, Subject
from ..core.policy import Facts, Requirement, requirement_for
from ..core.rules import Policy, TenantSettings
from .access import Access, Judgement

MAX_REQUIREMENTS = 256


class QuickLook:
    """The judge of requests that no rule names, of callers that are known already."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._engine = access.engine
        self._second = -1
        self._policy: Policy | None = None
        self._requirements: dict[tuple[str, frozenset[str]], tuple[TenantSettings, Requirement]] = {}

    def judge(self, caller: Caller) -> Judgement | None:
        """Judge a request that passes, or return None: then ask ``Access.judge``.

        Call ``Access.passes`` just before, which hears the store's changes. ``caller`` acts as nobody else, and has no sign-in
        at an identity provider.
        """
        engine = self._engine
        observer, began = engine.effects.observer, perf_counter()
        subject = caller.subject
        settings, entry = engine.known_settings(subject.tenant), engine.known_entry(subject.key)
        if settings is None or entry is None or entry.stale:
            return None
        now = engine.now()
        requirement = self._requirement(subject, settings, now)
        if requirement.free_kind or requirement.watched or requirement.report_only:
            return None
        evidence = self._access.evidence(caller, entry.account, requirement, now)
        decision = decide(requirement, evidence, now)
        if not isinstance(decision, Allow) or decision.granted:
            return None
        if now >= decision.until - requirement.rules.freshness.renew_early:
            return None
        if observer is not None:
            observer.judged(began, decision)
        return Judgement(
            decision=decision, requirement=requirement, factors=engine.factors, evidence=evidence, entry=entry
        )

    def _requirement(self, subject: Subject, settings: TenantSettings, now: int) -> Requirement:
        """Return the demands on these people at paths that no rule names.

        They follow from policy, tenant, groups and the second of ``now`` alone, so each is made once a second.
        """
        policy = self._engine.policy
        if now != self._second or policy is not self._policy or len(self._requirements) > MAX_REQUIREMENTS:
            self._second, self._policy, self._requirements = now, policy, {}
        key = (subject.tenant, subject.groups)
        known = self._requirements.get(key)
        if known is not None and known[0] is settings:
            return known[1]
        facts = Facts(tenant=subject.tenant, groups=subject.groups, method="GET", path="")
        made = requirement_for(policy, facts, settings, now)
        self._requirements[key] = (settings, made)
        return made
