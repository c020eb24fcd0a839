"""Answer a question about a real person: what would happen to this request, and why?

The answer is made from the store, and changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..core.evidence import NO_SESSION, SESSION_LIFE, UPSTREAM, skip_key, standing_for
from ..core.model import Account, Browser, Caller, Proof, Subject, SubjectKey, Upstream
from ..core.networks import UNKNOWN
from ..core.policy import Demand, facts_of
from ..core.reasons import Refusal
from ..core.rules import FreshnessRules, Rules, TenantSettings, path_in
from ..policyfile.scenario import Outcome, outcome_of
from .accounts import Engine
from .admin.documents import AccountDocument, account_document
from .admin.rights import Actor, Rights
from .directory import people_of
from .forgotten_tenants import admits

NEW_BROWSER = "new"
"""Stands for a browser in which nothing was ever proven."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A request of a real person.

    ``groups`` are the host's, which no store knows; without them the host's directory is asked. ``address`` is that of the
    request; "" is the one of the browser's newest proof. ``browser`` is the id of one; "" is the one with the newest proof.
    ``at`` is in UTC seconds, None for now. ``endpoint`` are the demands of the code that answers; without them those that
    the running app shows. ``sign_out`` is the path of the host's own sign-out.
    """

    key: SubjectKey
    request: str = "GET /"
    groups: frozenset[str] = frozenset()
    address: str = ""
    browser: str = ""
    at: int | None = None
    endpoint: tuple[Demand, ...] = ()
    sign_out: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofLine:
    """One proof of a person. ``ends_at`` is its end by the usual freshness."""

    browser: str
    label: str
    factor: str
    at: int
    network: str
    ends_at: int
    counts: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The decision with its parts, and the facts of the person that it was made from.

    ``document`` is the account as the desk shows it. ``browser`` is the judged one, None for a new one. ``assumed`` are
    words of ``ASSUMED``.
    """

    outcome: Outcome
    document: AccountDocument
    settings: TenantSettings
    proofs: tuple[ProofLine, ...]
    browser: Browser | None
    network: str
    is_known: bool
    assumed: tuple[str, ...]


class WhatIf:
    """The use case of the question."""

    def __init__(self, engine: Engine, rights: Rights) -> None:
        self.engine = engine
        self.rights = rights

    async def ask(self, actor: Actor, question: Question) -> Answer | Refusal:
        """Judge the request by the functions that judge real ones.

        Raises ``ValueError`` for a request that is none, and for a browser that the person does not have.
        """
        method, _, target = question.request.partition(" ")
        if not method or not target.startswith("/"):
            raise ValueError('the request must be a method and a path, like "GET /charts/1"')
        refusal = await self.rights.permit(actor, "look", question.key, changing=False)
        if refusal is not None:
            return refusal
        engine = self.engine
        if not admits(engine.policy, question.key.tenant):
            return Refusal(reason="not_found")
        groups = question.groups or await self._groups_at_host(question.key)
        rules = engine.rules(question.key.tenant)
        account = await engine.load(question.key)
        settings = await engine.store.settings(question.key.tenant)
        now = engine.now() if question.at is None else question.at
        browser = _browser(account, question.browser)
        network = _network(rules, browser, question.address)
        upstream = _upstream(account, rules.freshness)
        subject = Subject(question.key.id, question.key.tenant, groups, "", upstream)
        caller = Caller(subject=subject, handle=browser.handle if browser else "", network=network)
        evidence = standing_for(
            caller,
            _in_this_session(account, browser, subject, now),
            now=now,
            traits=engine.factors.traits,
            freshness=rules.freshness,
        )
        outcome = outcome_of(
            engine.policy,
            facts_of(subject, method, path_in(target)),
            settings,
            evidence,
            now=now,
            endpoint=question.endpoint or self.rights.access.demands_at(method, path_in(target)),
            sign_out=question.sign_out,
        )
        return Answer(
            outcome=outcome,
            document=account_document(account, actor=actor, rules=rules, now=now),
            settings=settings,
            proofs=_proof_lines(account, rules.freshness, evidence.proofs, browser),
            browser=browser,
            network=network,
            is_known=not account.is_unknown,
            assumed=_assumed(question, groups, browser, upstream, account, now),
        )

    async def _groups_at_host(self, key: SubjectKey) -> frozenset[str]:
        """Ask the host's directory for the groups of a person; none where it does not know them."""
        people = await people_of(self.engine.wiring.directory, key.tenant) or ()
        return next((subject.groups for subject, _ in people if subject.key == key), frozenset())


def _browser(account: Account, wanted: str) -> Browser | None:
    """Find the browser to judge. Raises ``ValueError`` for an unknown id."""
    own = [browser for browser in account.browsers if not browser.handle.startswith(f"{UPSTREAM}:")]
    if wanted == NEW_BROWSER:
        return None
    if wanted:
        found = next((browser for browser in own if browser.id == wanted), None)
        if found is None:
            known = ", ".join(browser.id for browser in own) or "none"
            raise ValueError(f'there is no browser "{wanted}"; known: {known}, and "{NEW_BROWSER}"')
        return found
    proven = [browser for browser in own if browser.proofs]
    return max(proven, key=lambda browser: max(proof.at for proof in browser.proofs), default=None)


def _network(rules: Rules, browser: Browser | None, address: str) -> str:
    if address:
        return rules.network_of(address)
    newest = max(browser.proofs, key=lambda proof: proof.at, default=None) if browser else None
    return newest.network if newest else UNKNOWN


def _upstream(account: Account, freshness: FreshnessRules) -> Upstream | None:
    """Make the latest sign-in elsewhere that became a proof, if the policy trusts any."""
    if not account.logins or not freshness.trusts_logins:
        return None
    at = max(at for at, _ in account.logins)
    return Upstream(amr=freshness.trust_amr[:1], acr="".join(freshness.trust_acr[:1]), auth_time=at)


def _in_this_session(account: Account, browser: Browser | None, subject: Subject, now: int) -> Account:
    """Return the account as in the sign-in of the newest proof.

    No store knows the host's sessions themselves.
    """
    handle = browser.handle if browser else ""
    newest_skip = max((at for _, at in account.skips), default=0)
    skips = ((skip_key(subject, handle), newest_skip),) if newest_skip else ()
    if browser is None:
        return replace(account, skips=skips)
    bound = [proof for proof in browser.proofs if proof.session]
    session = max(bound, key=lambda proof: proof.at).session if bound else ""
    proofs = tuple(
        replace(proof, session="") if proof.session == session and not _is_over(proof, now) else proof
        for proof in browser.proofs
    )
    own = replace(browser, proofs=proofs)
    browsers = tuple(own if other.id == browser.id else other for other in account.browsers)
    return replace(account, browsers=browsers, skips=skips)


def _is_over(proof: Proof, now: int) -> bool:
    return proof.session == NO_SESSION and now - proof.at >= SESSION_LIFE


def _proof_lines(
    account: Account, freshness: FreshnessRules, counting: tuple[Proof, ...], judged: Browser | None
) -> tuple[ProofLine, ...]:
    """List every proof, the newest first.

    ``counting`` are those that count in the judged browser.
    """
    here = {(proof.authenticator, proof.at) for proof in counting}
    lines = [
        ProofLine(
            browser=browser.id,
            label=browser.label,
            factor=proof.factor,
            at=proof.at,
            network=proof.network,
            ends_at=proof.at + freshness.max_age,
            counts=judged is not None and browser.id == judged.id and (proof.authenticator, proof.at) in here,
        )
        for browser in account.browsers
        for proof in browser.proofs
    ]
    return tuple(sorted(lines, key=lambda line: line.at, reverse=True))


ASSUMED = {
    "groups": "the person is in no group: the host knows the groups, so name them",
    "session": "the sign-in of the newest proof still lasts",
    "skip": "the sign-in of the newest skip still lasts",
    "network": "the request comes from the network of the newest proof",
    "login": "the person is signed in by the latest sign-in at the identity provider",
    "time": "the time is that of the account's latest change: no account is judged as of earlier",
}
"""The assumptions on what no store knows, as words and as sentences."""


def _assumed(
    question: Question,
    groups: frozenset[str],
    browser: Browser | None,
    upstream: Upstream | None,
    account: Account,
    now: int,
) -> tuple[str, ...]:
    holds = {
        "groups": not groups,
        "session": browser is not None and any(proof.session for proof in browser.proofs),
        "skip": bool(account.skips) and browser is None,
        "network": not question.address and browser is not None,
        "login": upstream is not None,
        "time": account.seen_at > now,
    }
    return tuple(word for word, is_so in holds.items() if is_so)
