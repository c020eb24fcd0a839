"""A person in a replay.

The account as recorded, and the answers that the person would have given.

Every answer is made by the pure steps that a real one takes, so proofs, browsers and bounds are the gate's own.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ...core.assurance import VERIFIED
from ...core.changes.proof import grant
from ...core.decision import Agree, Decision, Enroll, StepUp
from ...core.entropy import handle_digest
from ...core.events import Moment
from ...core.evidence import UPSTREAM, Evidence, standing_for
from ...core.model import Acceptance, Account, Authenticator, Browser, Caller, Proof
from ...core.networks import parse_address
from ...core.policy import Requirement
from ...core.report import Situation
from ...core.rules import Rules
from ...factors import Registry
from ..access import Judgement
from ..factor_choice import first_offer

NONCE = bytes(32)


@dataclass(slots=True)
class VirtualPerson:
    """The answers of one person so far.

    ``added`` are the factors that the person would have enrolled, ``browsers`` the browsers with the proofs that would
    have been made, by the mark that tells them apart.
    """

    factors: Registry
    by_session: bool = False
    added: dict[str, Authenticator] = field(default_factory=dict)
    browsers: dict[str, Browser] = field(default_factory=dict)
    acceptances: tuple[Acceptance, ...] = ()
    default: str = ""
    _known: dict[tuple[Situation, int], Account] = field(default_factory=dict)

    def caller(self, situation: Situation, rules: Rules) -> Caller:
        """Make the caller of a request in ``situation``."""
        return Caller(
            subject=situation.subject,
            handle=self.browser_of(situation, rules),
            network=rules.network_of(situation.address),
            label=situation.family,
            kind=situation.kind,
            address=situation.address,
        )

    def browser_of(self, situation: Situation, rules: Rules) -> str:
        """Return the mark of the browser.

        Its cookie, or else its family, or its sign-in where proofs end with that.
        """
        if situation.handle:
            return situation.handle
        if situation.session and (self.by_session or rules.freshness.remember == "session"):
            return f"session:{situation.session}"
        return f"family:{situation.kind}:{situation.family}"

    def evidence(self, situation: Situation, requirement: Requirement, now: int) -> Evidence:
        """Join the recorded account with the answers so far."""
        rules = requirement.rules
        return standing_for(
            self.caller(situation, rules),
            self.account(situation, rules),
            now=now,
            traits=self.factors.traits,
            freshness=rules.freshness,
        )

    def account(self, situation: Situation, rules: Rules) -> Account:
        """Return the recorded account with the answers of the person so far."""
        account = self._known.get((situation, id(rules)))
        if account is None:
            recorded = situation.known_account()
            browsers = tuple(_placed(browser, rules) for browser in recorded.browsers)
            account = self._known[situation, id(rules)] = replace(recorded, browsers=browsers)
        held = {_strength(one) for one in account.authenticators}
        more = tuple(one for one in self.added.values() if _strength(one) not in held)
        mark = self.browser_of(situation, rules)
        browsers = account.browsers
        if (virtual := self.browsers.get(mark)) is not None:
            real = account.browser(mark)
            proofs = [*virtual.proofs, *(p for p in (real.proofs if real else ()) if p not in virtual.proofs)]
            others = tuple(one for one in browsers if one.handle != mark)
            browsers = (*others, replace(virtual, proofs=tuple(proofs)))
        return replace(
            account,
            authenticators=(*account.authenticators, *more),
            default=account.default or self.default,
            browsers=browsers,
            acceptances=(*account.acceptances, *self.acceptances),
        )

    def answer(
        self,
        situation: Situation,
        decision: Decision,
        requirement: Requirement,
        evidence: Evidence,
        now: int,
        *,
        enrolls: str = "",
    ) -> None:
        """Give the answer that the person would give at once.

        ``enrolls`` is the factor that is enrolled.
        """
        match decision:
            case Agree():
                self._accept(situation, decision, now)
            case Enroll():
                self._enroll(situation, requirement, enrolls, now)
            case StepUp():
                judgement = Judgement(
                    decision=decision, requirement=requirement, factors=self.factors, evidence=evidence
                )
                chosen = first_offer(judgement)
                if chosen is None and decision.authenticators:
                    chosen = evidence.account.authenticator(decision.authenticators[0])
                if chosen is not None:
                    self._prove(situation, requirement, chosen, now)
                else:
                    self._sign_in_again(situation, requirement, now)

    def _accept(self, situation: Situation, decision: Agree, now: int) -> None:
        agreement = decision.agreement
        accepted = Acceptance(
            agreement=agreement.id,
            version=agreement.version,
            digest=agreement.digest,
            at=now,
            network="",
            session=handle_digest(situation.session),
        )
        self.acceptances = (*self.acceptances, accepted)

    def _enroll(self, situation: Situation, requirement: Requirement, kind: str, now: int) -> None:
        traits = self.factors.traits[kind]
        data = {VERIFIED: True} if traits.verifies_user else {}
        mine = Authenticator(id=f"virtual-{kind}", factor=kind, label="", created_at=now, data=data)
        self.added[kind] = mine
        self.default = self.default or mine.id
        self._prove(situation, requirement, mine, now)

    def _prove(self, situation: Situation, requirement: Requirement, mine: Authenticator, now: int) -> None:
        rules = requirement.rules
        caller, account = self.caller(situation, rules), self.account(situation, rules)
        after, _, _ = grant(
            account,
            Moment(now=now, nonce=NONCE, network=caller.network),
            rules,
            caller,
            authenticator=mine,
            user_verified=bool(mine.data.get(VERIFIED)),
            phishing_resistant=self.factors.traits[mine.factor].phishing_resistant,
            remember=True,
            new_handle=caller.handle,
            answer="",
        )
        made = after.browser(caller.handle)
        if made is not None:
            self.browsers[caller.handle] = made

    def _sign_in_again(self, situation: Situation, requirement: Requirement, now: int) -> None:
        """Sign in again at the identity provider: a proof of this moment, in this browser."""
        caller = self.caller(situation, requirement.rules)
        account = self.account(situation, requirement.rules)
        proof = Proof(
            factor=UPSTREAM,
            authenticator=UPSTREAM,
            at=now,
            network=caller.network,
            epoch=account.epoch,
            phishing_resistant=any(demand.phishing_resistant for demand in requirement.demands),
        )
        before = account.browser(caller.handle)
        kept = before.proofs if before is not None else ()
        self.browsers[caller.handle] = Browser(
            id="", handle=caller.handle, label="", created_at=now, proofs=(proof, *kept)
        )


def _strength(mine: Authenticator) -> tuple[str, bool]:
    """Return the kind, and if it verifies its user.

    A person may enroll a stronger one of a kind that is held.
    """
    return mine.factor, bool(mine.data.get(VERIFIED))


def _placed(browser: Browser, rules: Rules) -> Browser:
    """Write the networks of recorded proofs as ``rules`` compare them.

    One that is a prefix already stays.
    """
    proofs = tuple(
        replace(proof, network=rules.network_of(proof.network)) if parse_address(proof.network) is not None else proof
        for proof in browser.proofs
    )
    return replace(browser, proofs=proofs)
