"""A sign-in at an identity provider that does not count leaves the account as it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mfa_gate.core.changes.trusted_sign_in import is_new_login, take_login
from mfa_gate.core.model import Account, Lock, Upstream
from mfa_gate.core.rules import FreshnessRules
from tests.core.builders import ANN, NOW, account, caller, moment, rules_with

RULES = rules_with(freshness=FreshnessRules(trust_amr=("mfa",)))
SIGNED_IN = replace(ANN, upstream=Upstream(amr=("mfa",), at=NOW - 5))
LOCK = Lock(at=NOW, cause="attempts", ref="R")


@pytest.mark.parametrize(
    ("before", "who"),
    [
        (account("app", lock=LOCK), SIGNED_IN),
        (account("app"), ANN),
        (account("app"), replace(ANN, upstream=Upstream(amr=("pwd",), at=NOW - 5))),
        (account("app", logins_from=NOW), SIGNED_IN),
    ],
    ids=["locked", "no statement", "one factor only", "ended since"],
)
def test_a_sign_in_that_does_not_count(before: Account, who: object) -> None:
    """A locked account takes none, and what was ended once never counts again (decisions 8)."""
    asked = caller(who)  # type: ignore[arg-type]
    assert not is_new_login(before, asked, RULES, NOW)
    change = take_login(before, moment(), asked, RULES)
    assert (change.account, change.events) == (before, ())


def test_a_sign_in_that_counts() -> None:
    """The same sign-in without those obstacles is taken once."""
    change = take_login(account("app"), moment(), caller(SIGNED_IN), RULES)
    assert [event.kind for event in change.events] == ["proof.upstream"]
    assert not is_new_login(change.account, caller(SIGNED_IN), RULES, NOW)
