"""A sign-in at an identity provider counts once, when it is first seen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.changes.trusted_sign_in import SKEW, is_new_login, take_login
from mfa_gate.core.evidence import UPSTREAM, login_handle, session_mark
from mfa_gate.core.model import MAX_LOGINS, Account, Caller, Lock, Upstream
from mfa_gate.core.networks import UNKNOWN
from mfa_gate.core.rules import FreshnessRules, Rules

from ..builders import ANN, HOME, NOW, WEEK, account, caller, moment, rules_with

TRUSTS = rules_with(freshness=FreshnessRules(trust_amr=("mfa",), trust_acr=("gold",)))


@pytest.mark.parametrize(
    ("upstream", "trusted"),
    [
        (Upstream(("mfa",), "", 1), True),
        (Upstream(("mfa",), "", 0), False),
        (Upstream(("pwd",), "gold", 1), True),
        (Upstream(("pwd", "mfa"), "", 1), True),
        (Upstream(("pwd",), "", 1), False),
        (Upstream((), "silver", 1), False),
    ],
)
def test_which_sign_ins_elsewhere_are_trusted(upstream: Upstream, trusted: bool) -> None:
    """Those whose words the policy names, and only with their time."""
    assert FreshnessRules(trust_amr=("mfa",), trust_acr=("gold",)).trusts(upstream) is trusted


def signed_in(at: int = NOW - 60, *, amr: tuple[str, ...] = ("pwd", "mfa"), acr: str = "", **parts: Any) -> Caller:
    return caller(replace(ANN, upstream=Upstream(amr, acr, at)), **parts)


@pytest.mark.parametrize(
    ("age", "counts"), [(0, True), (-SKEW, True), (-SKEW - 1, False), (WEEK - 1, True), (WEEK, False)]
)
def test_its_time(age: int, counts: bool) -> None:
    """It may be a little ahead of our clock, and is as old as a proof may be."""
    assert is_new_login(account(), signed_in(NOW - age), TRUSTS, NOW) is counts
    assert SKEW == 60


NOT_TAKEN: list[tuple[Account, Caller, Rules]] = [
    (account(), caller(), TRUSTS),
    (account(), signed_in(amr=("pwd",)), TRUSTS),
    (account(), signed_in(), rules_with()),
    (account(), signed_in(network=UNKNOWN), TRUSTS),
    (account(lock=Lock(cause="attempts", at=NOW, ref="R")), signed_in(), TRUSTS),
    (account(logins=((NOW - 60, NOW - 50),)), signed_in(), TRUSTS),
    (account(logins_from=NOW - 60), signed_in(), TRUSTS),
]


@pytest.mark.parametrize(("of", "who", "rules"), NOT_TAKEN)
def test_a_sign_in_that_does_not_count(of: Account, who: Caller, rules: Rules) -> None:
    """A sign-in without a second factor, or that was seen or ended, is not taken.

    The step looks again: the account may have changed since the caller looked.
    """
    assert not is_new_login(of, who, rules, NOW)
    change = take_login(of, moment(), who, rules)
    assert (change.account, change.events, change.answer) == (of, (), None)


@pytest.mark.parametrize(
    ("amr", "acr", "word"), [(("pwd", "mfa"), "", "mfa"), (("pwd",), "gold", "gold"), (("mfa",), "gold", "mfa")]
)
def test_it_is_taken(amr: tuple[str, ...], acr: str, word: str) -> None:
    """A sign-in becomes a proof of this network, kept like a browser.

    The trail names the word that counted.
    """
    who = signed_in(amr=amr, acr=acr, label="Firefox")
    change = take_login(account(), moment(), who, TRUSTS)
    (kept,) = change.account.browsers
    assert (kept.handle, kept.kind, kept.label, kept.created_at) == (f"{UPSTREAM}:{NOW - 60}", UPSTREAM, "Firefox", NOW)
    assert kept.handle == login_handle(who.subject.upstream or Upstream())
    (taken,) = kept.proofs
    assert (taken.at, taken.network, taken.factor, taken.session) == (NOW - 60, HOME, UPSTREAM, "")
    assert change.account.logins == ((NOW - 60, NOW),)
    assert [(e.kind, e.factor, e.reason) for e in change.events] == [("proof.upstream", UPSTREAM, word)]


def test_a_clock_that_is_ahead() -> None:
    """The proof of a sign-in from our future counts from now on."""
    change = take_login(account(), moment(), signed_in(NOW + 30), TRUSTS)
    assert change.account.browsers[0].proofs[0].at == NOW


def test_a_proof_of_the_session() -> None:
    """A proof is bound to the host's sign-in if the policy says so."""
    rules = rules_with(freshness=FreshnessRules(trust_amr=("mfa",), remember="session"))
    change = take_login(account(), moment(), signed_in(), rules)
    assert change.account.browsers[0].proofs[0].session == session_mark(ANN)


def test_the_latest_few_are_remembered() -> None:
    """A sign-in that was dropped from the list never counts again."""
    seen = tuple((NOW - 1000 + place, NOW - 1000) for place in range(MAX_LOGINS))
    change = take_login(account(logins=seen), moment(), signed_in(), TRUSTS)
    assert (len(change.account.logins) <= MAX_LOGINS, change.account.logins_from) == (True, NOW - 1000)
    assert change.account.logins[-1] == (NOW - 60, NOW)
