"""Write a proof into the store, as if a browser had just been through the challenge."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from ..core.changes import Change
from ..core.entropy import draw_id, handle_digest
from ..core.model import MAX_BROWSERS, Acceptance, Account, Authenticator, Browser, Caller, Proof, Subject
from ..core.rules import Rules
from .enrollment import enrolled
from .stores import require_test_store

if TYPE_CHECKING:
    from ..gate import MFAGate

__all__ = ["proven"]


async def proven(
    gate: MFAGate,
    subject: Subject,
    *,
    address: str,
    fresh: bool = True,
    age: float | None = None,
    factor: str = "",
    native: bool = False,
) -> str:
    """Give ``subject`` a browser at ``address`` with a proof, and return its handle.

    The arguments are those of ``verified``. Raises ``RuntimeError`` for a store that outlives the test.
    """
    require_test_store(gate)
    await gate.web.open()
    engine = gate.service.engine
    rules, traits = engine.rules(subject.tenant), engine.factors.traits
    used = await _authenticator(gate, subject, factor)
    if age is None:
        age = 0 if fresh else int(rules.freshness.max_age) // 2
    handle = secrets.token_hex(24)
    at = engine.now() - int(age)
    kind = "client" if native else "browser"

    def step(account: Account) -> Change[None]:
        proof = Proof(
            factor=used.factor,
            authenticator=used.id,
            at=at,
            network=rules.network_of(address),
            epoch=account.epoch,
            phishing_resistant=traits[used.factor].phishing_resistant,
            user_verified=traits[used.factor].verifies_user,
        )
        browser = Browser(
            id=draw_id(handle.encode(), "browser"),
            handle=handle_digest(handle),
            label="Test client",
            created_at=at,
            proofs=(proof,),
            last_used_at=at,
            last_factor=used.id,
            kind=kind,
        )
        browsers = (*account.browsers, browser)[-MAX_BROWSERS:]
        changed = replace(account, browsers=browsers, acceptances=_accepted(account, rules, subject, engine.now()))
        return Change(account=changed, events=(), answer=None)

    await engine.change(subject.key, step)
    return handle


async def _authenticator(gate: MFAGate, subject: Subject, factor: str) -> Authenticator:
    engine = gate.service.engine
    judgement = await gate.service.access.own(Caller(subject=subject, handle="", network=""))
    wanted = (factor,) if factor else judgement.requirement.factors or engine.rules(subject.tenant).factors.allowed
    known = engine.factors.traits
    usable = [kind for kind in wanted if factor or (kind in known and not known[kind].backup)]
    account = await engine.store.load(subject.key)
    found = next((a for a in account.authenticators if a.factor in usable), None)
    if found is not None:
        return found
    kind = "totp" if "totp" in usable else next(iter(usable), "totp")
    made = await enrolled(gate, subject, kind)
    mine = (await engine.store.load(subject.key)).authenticator(made.id)
    if mine is None:
        raise LookupError("the authenticator was removed meanwhile")
    return mine


def _accepted(account: Account, rules: Rules, subject: Subject, now: int) -> tuple[Acceptance, ...]:
    agreement = rules.agreement
    if agreement is None:
        return account.acceptances
    accepted = Acceptance(
        agreement=agreement.id,
        version=agreement.version,
        digest=agreement.digest,
        at=now,
        network="",
        session=handle_digest(subject.session),
    )
    return (*(a for a in account.acceptances if a.agreement != agreement.id), accepted)
