"""The proofs that count here and now, and why the others do not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.changes.tenant_end import with_tenant
from mfa_gate.core.evidence import (
    NO_SESSION,
    SESSION_LIFE,
    UPSTREAM,
    Evidence,
    login_handle,
    session_mark,
    skip_key,
    skip_time,
    standing_for,
)
from mfa_gate.core.model import Account, Subject, Upstream
from mfa_gate.core.rules import FreshnessRules, TenantSettings

from .builders import ANN, AWAY, HANDLE, NO_SESSION_ANN, NOW, TRAITS, account, browser, caller, evidence, proof


def found(of: Account, who: Any = None) -> Evidence:
    return standing_for(who or caller(), of, now=NOW, traits=TRAITS, freshness=FreshnessRules())


@pytest.mark.parametrize("ages", [(60, 90), (90, 60)])
def test_the_latest_proof_is_the_first(ages: tuple[int, int]) -> None:
    """The order in which the account keeps them says nothing."""
    of = account("app", "text", proofs=(proof("app", age=ages[0]), proof("text", age=ages[1])))
    assert [NOW - one.at for one in evidence(of).proofs] == [60, 90]


@pytest.mark.parametrize(
    ("parts", "counts", "others", "ended"),
    [
        ({}, 1, 0, 0),
        ({"network": AWAY}, 0, 1, 0),
        ({"epoch": 1}, 0, 0, 1),
        ({"authenticator": "gone"}, 0, 0, 1),
        ({"session": session_mark(ANN)}, 1, 0, 0),
        ({"session": "other"}, 0, 0, 0),
        ({"session": NO_SESSION}, 0, 0, 0),
    ],
)
def test_a_proof_of_something_else(parts: dict[str, Any], counts: int, others: int, ended: int) -> None:
    """A proof of another network, epoch, authenticator or sign-in does not count.

    Each has its own reason.
    """
    made = evidence(account("app", proofs=(proof("app", **parts),)))
    assert (len(made.proofs), made.other_networks, made.ended) == (counts, others, ended)


def test_where_the_network_does_not_matter() -> None:
    """A policy that only writes changes of the network down counts proofs of all."""
    of = account("app", proofs=(proof("app", network=AWAY),))
    assert len(evidence(of, any_network=True).proofs) == 1


@pytest.mark.parametrize(("seen", "counts"), [(0, 0), (1, 1), (2, 0)])
def test_all_proofs_of_a_tenant_were_ended(seen: int, counts: int) -> None:
    """They count where the account has seen as many ends as its tenant has had."""
    of = replace(account("app", proofs=(proof("app", age=60),)), version=1, tenant_epoch=seen)
    made = found(with_tenant(of, TenantSettings(tenant=of.key.tenant, epoch=1, ended_at=NOW), NOW))
    assert (len(made.proofs), made.ended) == (counts, 1 - counts)


@pytest.mark.parametrize(("age", "counts"), [(SESSION_LIFE - 1, 1), (SESSION_LIFE, 0)])
def test_a_sign_in_without_a_name(age: int, counts: int) -> None:
    """A proof that is bound to it ends after a while."""
    of = account("app", proofs=(proof("app", age=age, session=NO_SESSION),), subject=NO_SESSION_ANN)
    assert len(found(of, caller(NO_SESSION_ANN)).proofs) == counts


@pytest.mark.parametrize("subject", [Subject("bob", "clinic"), Subject("ann", "other")])
def test_an_account_of_somebody_else(subject: Subject) -> None:
    """Nobody passes with the proof of another account (S-23)."""
    with pytest.raises(ValueError, match="another subject"):
        found(account("app"), caller(subject))


def test_skips() -> None:
    """The latest skip of this sign-in counts; one of a browser ends after a while."""
    key = skip_key(ANN, HANDLE)
    of = account(skips=((key, NOW - 9), ("s:other", NOW), (key, NOW - 5)))
    assert (skip_time(of, ANN, HANDLE), skip_time(account(), ANN, HANDLE)) == (NOW - 5, 0)
    assert evidence(of).skipped
    assert not evidence(account(skips=(("s:other", NOW),))).skipped
    assert skip_key(NO_SESSION_ANN, HANDLE) == f"b:{HANDLE}"
    for age, skipped in ((SESSION_LIFE - 1, True), (SESSION_LIFE, False)):
        old = account(skips=((f"b:{HANDLE}", NOW - age),), subject=NO_SESSION_ANN)
        assert found(old, caller(NO_SESSION_ANN)).skipped is skipped


def test_what_is_held() -> None:
    """Backup codes alone are no factor, but a first enrollment is over (S-82, S-83)."""
    assert [evidence(account(*kinds)).enrolled for kinds in ((), ("paper",), ("app",))] == [False, False, True]
    assert [evidence(account(*kinds)).holds for kinds in ((), ("paper",), ("app",))] == [False, True, True]


@pytest.mark.parametrize(("acr", "counts", "resistant"), [("phr", 1, True), ("gold", 1, False), ("silver", 0, False)])
def test_a_sign_in_elsewhere(acr: str, counts: int, resistant: bool) -> None:
    """Its class says if it counts, and if it resists phishing.

    The policy's words decide, not the kept proof.
    """
    trusts = FreshnessRules(trust_acr=("gold", "phr"))
    upstream = Upstream(("pwd",), acr, NOW - 60)
    login = browser(proof(UPSTREAM, authenticator=UPSTREAM), handle=login_handle(upstream), id="l", kind=UPSTREAM)
    of = account(browsers=(login,), logins=((NOW - 60, NOW),))
    who = caller(replace(ANN, upstream=upstream))
    made = standing_for(who, of, now=NOW, traits=TRAITS, freshness=trusts)
    assert [one.phishing_resistant for one in made.proofs] == [resistant] * counts
    assert made.upstream
    assert found(of, who).proofs == ()
    assert not found(of, who).upstream
    gone = standing_for(who, replace(of, browsers=()), now=NOW, traits=TRAITS, freshness=trusts)
    assert gone.proofs == ()
