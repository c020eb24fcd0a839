"""The evidence of a situation, as the rules of one side see it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from ....core.assurance import VERIFIED, TraitsOf
from ....core.entropy import handle_digest
from ....core.evidence import UPSTREAM, Evidence, login_handle, skip_key, standing_for
from ....core.model import (
    Acceptance,
    Account,
    Attempts,
    Authenticator,
    Browser,
    Caller,
    Grant,
    Lock,
    Proof,
    Subject,
    Upstream,
)
from ....core.rules import AgreementRules, Rules
from .situations import Held, Login, Session, Situation

NOW = 1 << 33
"""The moment of every request, in the evidence: nothing but ages depends on it."""
HANDLE = "browser"
HOUR = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """The rules of one side, and all else that evidence depends on besides the situation.

    ``agreement`` is the text that people may have accepted. ``network_of`` is that of the rules, with a memory.
    """

    rules: Rules
    agreement: AgreementRules | None
    traits: TraitsOf
    network_of: Callable[[str], str]


def ground_of(rules: Rules, agreement: AgreementRules | None, traits: TraitsOf) -> Ground:
    """Make the ground of ``rules``."""
    return Ground(rules=rules, agreement=agreement, traits=traits, network_of=cache(rules.network_of))


def evidence_in(situation: Situation, ground: Ground, proven: str = "") -> Evidence:
    """Collect the evidence of ``situation``.

    ``proven`` is the id of an authenticator that gave a proof just now, in place of the one of the situation.
    """
    by, at = situation.holder.proven_by, NOW - situation.age
    upstream = Upstream(amr=(by.amr,) if by.amr else (), acr=by.acr, auth_time=at) if isinstance(by, Login) else None
    subject = Subject("somebody", session="this", upstream=upstream)
    return standing_for(
        Caller(subject=subject, handle=HANDLE, network=ground.network_of(situation.around.place.request)),
        _account(situation, ground, subject, proven),
        now=NOW,
        traits=ground.traits,
        freshness=ground.rules.freshness,
    )


def id_of(held: Held) -> str:
    """Name the authenticator of a person; a person has at most one of each."""
    return f"{held.kind}{'+' if held.verified else ''}"


def _account(situation: Situation, ground: Ground, subject: Subject, proven: str) -> Account:
    around, holds = situation.around, situation.holder.holds
    state, login = around.state, subject.upstream
    just_now = next((held for held in holds if id_of(held) == proven), None)
    browsers: tuple[Browser, ...] = ()
    if just_now is not None:
        browsers = _browser(just_now, HANDLE, ground, at=NOW, address=around.place.request, session="this")
    elif situation.holder.proven_by is not None:
        by, at = situation.holder.proven_by, NOW - situation.age
        handle = login_handle(login) if login else HANDLE
        browsers = _browser(by, handle, ground, at=at, address=around.place.proof, session=around.session)
    return Account(
        key=subject.key,
        authenticators=tuple(
            Authenticator(id=id_of(held), factor=held.kind, label="", created_at=0, data={VERIFIED: held.verified})
            for held in holds
        ),
        browsers=browsers,
        logins=((login.auth_time, NOW),) if login else (),
        lock=Lock(at=NOW, cause=state.lock, ref="") if state.lock else None,
        attempts=Attempts(used=state.wrong),
        skips=((skip_key(subject, HANDLE), NOW),) if state.skipped else (),
        skip_count=state.skips,
        grant=_grant() if state.granted else None,
        acceptances=_acceptances(around.agreed, ground.agreement),
    )


def _browser(
    by: Held | Login, handle: str, ground: Ground, *, at: int, address: str, session: Session
) -> tuple[Browser, ...]:
    """Make the browser with its one proof. It ends with the sign-in where the rules say so."""
    network = ground.network_of(address)
    if isinstance(by, Login):
        proof = Proof(factor=UPSTREAM, authenticator=UPSTREAM, at=at, network=network, epoch=0)
    else:
        proof = Proof(
            factor=by.kind,
            authenticator=id_of(by),
            at=at,
            network=network,
            epoch=0,
            phishing_resistant=ground.traits[by.kind].phishing_resistant,
            user_verified=by.verified,
            session=handle_digest(session) if ground.rules.freshness.remember == "session" else "",
        )
    return (Browser(id="b", handle=handle, label="", created_at=0, proofs=(proof,)),)


def _grant() -> Grant:
    end = NOW + HOUR
    return Grant(ref="", asked_by="", asked_at=NOW, reason="", ticket="", life=HOUR, epoch=0, ends_at=end)


def _acceptances(agreed: str, agreement: AgreementRules | None) -> tuple[Acceptance, ...]:
    if agreement is None or not agreed:
        return ()
    accepted = Acceptance(
        agreement=agreement.id,
        version=agreement.version,
        digest=agreement.digest,
        at=NOW,
        network="",
        session=handle_digest(agreed),
    )
    return (accepted,)
