"""People for tests of reviews: one for each fact that a reviewer asks for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from mfa_gate import Contacts, Subject
from mfa_gate.core.model import (
    Acceptance,
    Account,
    Authenticator,
    Browser,
    Caller,
    Grant,
    Lock,
    Proof,
    Recovery,
    SubjectKey,
    Ticket,
)
from mfa_gate.core.rules import DAY, Policy, Rules, SubjectExemption
from mfa_gate.service import Actor
from tests.harness import HOME, START, World, with_rules

EXEMPT = SubjectExemption(name="robots", groups_any=("robot",), reason="no person", expires_at=START + 20 * DAY)


def _exempting(rules: Rules) -> Rules:
    roles = replace(rules.roles, look=("support", "admin"), audit=("admin", "auditor"))
    return replace(rules, owner="owner@example.org", exempt_subjects=(EXEMPT,), roles=roles)


REVIEWED: Policy = with_rules(_exempting)
"""A policy with an exemption of people, an owner, and a group that may only read the trail."""


def way(factor: str, *, used: int = START - DAY) -> Authenticator:
    """Return an authenticator of a kind that was used a day before."""
    return Authenticator(id=f"{factor}-1", factor=factor, label=factor, created_at=1, last_used_at=used)


FACTS: dict[str, dict[str, Any]] = {
    "app": {"authenticators": (way("totp"),)},
    "bare": {},
    "both": {"authenticators": (way("sms"), way("totp"))},
    "grant": {
        "authenticators": (way("totp"),),
        "grant": Grant(ref="G", asked_by="x", asked_at=START - 60, reason="r", ticket="T", life=3600, epoch=0),
    },
    "key": {"authenticators": (way("webauthn"), way("backup-code"))},
    "locked": {
        "authenticators": (way("totp"),),
        "lock": Lock(at=START - 60, cause="administrator", ref="LOCK000001", actor="mary"),
    },
    "lost": {
        "authenticators": (way("totp"),),
        "recovery": Recovery(ref="R", at=START - 7200, about="lake", network="192.0.2.1"),
    },
    "old": {"authenticators": (way("email", used=START - 200 * DAY),)},
    "opened": {
        "authenticators": (way("totp"),),
        "grant": Grant(
            ref="O", asked_by="x", asked_at=START - 60, reason="r", ticket="T", life=3600, epoch=0, ends_at=START + 3000
        ),
    },
    "stolen": {"authenticators": (way("totp"),), "frozen_until": START + 1000},
    "texts": {"authenticators": (way("sms"), way("backup-code"))},
    "ticket": {"ticket": Ticket(digest="d", expires_at=START + 1000, actor="mary", ref="T")},
    "terms": {
        "authenticators": (way("totp"),),
        "acceptances": (Acceptance(agreement="terms", version="2", digest="d", at=9, network=""),),
    },
}
"""The accounts by id. The order of the ids is that of the alphabet, nearly."""
BEGUN = {
    "grant": "break_glass.asked",
    "opened": "break_glass.granted",
    "stolen": "account.disputed",
    "ticket": "enrollment.ticket",
}
"""The events that began a short-lived state."""


async def fill(world: World, tenant: str = "alpha") -> None:
    """Write the people into the world's store, with the events that the trail would have."""
    for id, facts in FACTS.items():
        key, moment = SubjectKey(tenant, id), world.engine.moment(actor="mary")
        events = [moment.event(BEGUN[id], key)] if id in BEGUN else []
        if id == "locked":
            events = [replace(moment.event("account.locked", key, reason="phone stolen"), id="LOCK000001")]
        account = Account(key=key, name=id.title(), **facts)
        assert await world.store.swap(account, world.engine.chained(events))


async def administrator(world: World, *groups: str, id: str = "boss", at: int = START, tenant: str = "alpha") -> Actor:
    """Write an account of somebody in ``groups`` with a proof, and return the actor."""
    proof = Proof(factor="totp", authenticator="totp-1", at=at, network=HOME, epoch=0)
    known = Browser(id="b", handle=f"h-{id}", label="Firefox", created_at=1, proofs=(proof,))
    version = (await world.store.load(SubjectKey(tenant, id))).version
    account = Account(key=SubjectKey(tenant, id), version=version, authenticators=(way("totp"),), browsers=(known,))
    assert await world.store.swap(account)
    return Actor(name=id, caller=Caller(subject=Subject(id, tenant, frozenset(groups)), handle=f"h-{id}", network=HOME))


async def directory(tenant: str) -> AsyncIterator[tuple[Subject, Contacts]]:
    """List everybody in the store but "old", two people who were never here, and a robot."""
    if tenant == "alpha":
        for id in ["boss", *(id for id in FACTS if id != "old"), "never1", "never2"]:
            yield Subject(id, tenant), Contacts(name=id.title(), email=f"{id}@alpha.example")
        yield Subject("robot", tenant, groups=frozenset({"robot"})), Contacts(name="Robot", email="r@alpha.example")
