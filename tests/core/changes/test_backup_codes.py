"""A new set of backup codes ends the old one, and goes to a person who has another factor."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.changes import replace_backup, saved_backup
from mfa_gate.core.events import TOLD_BY
from mfa_gate.core.model import MAX_AUTHENTICATORS, Account, Authenticator
from mfa_gate.core.reasons import Refusal

from ..builders import HANDLE, NOW, account, authenticator, browser, moment, proof

OLD = authenticator("paper", "old")
BY_OLD = proof("paper", authenticator="old")
OTHER = browser(BY_OLD, id="b2", handle="other")
NAMELESS = browser(BY_OLD, id="b3", handle="")


def remade(of: Account, **parts: Any) -> Any:
    return replace_backup(of, moment(), factor="paper", data={"left": ["x"]}, label="Codes", **parts)


def owner(*factors: str) -> Account:
    return replace(account(*factors), browsers=(browser(BY_OLD), OTHER, NAMELESS))


@pytest.mark.parametrize("browser", ["", HANDLE])
def test_the_browser_that_makes_the_new_set(browser: str) -> None:
    """A sign-in by a code of the old set goes on only in the browser that makes the new one."""
    of = replace(owner("app"), authenticators=(authenticator("app"), OLD))
    change = remade(of, browser=browser)
    assert isinstance(change.answer, Authenticator)
    assert [mine.id for mine in change.account.authenticators] == ["app-1", change.answer.id]
    by = {known.handle: [proof.authenticator for proof in known.proofs] for known in change.account.browsers}
    assert by == {HANDLE: [change.answer.id if browser else "old"], "other": ["old"], "": ["old"]}


@pytest.mark.parametrize("told_by", ["", "factor.enrolled"])
def test_the_person_is_told_of_a_new_set_once(told_by: str) -> None:
    """A set that comes with a factor is told with that factor's notice.

    A set that comes alone is told for itself.
    """
    (event,) = remade(owner("app"), told_by=told_by).events
    assert event.kind == "backup_codes.made"
    assert event.detail.get(TOLD_BY, "") == told_by
    assert (TOLD_BY in event.detail) is bool(told_by)


@pytest.mark.parametrize(
    ("of", "reason"),
    [
        (owner(), "enrollment_required"),
        (owner("paper"), "enrollment_required"),
        (owner(*(f"k{number}" for number in range(MAX_AUTHENTICATORS))), "too_many"),
        (account(authenticators=(authenticator("app", data={"x": "x" * 11_900}),)), "too_many"),
    ],
)
def test_no_set(of: Account, reason: str) -> None:
    """S-93: no codes without another factor, nor where the account has no room for them."""
    change = remade(of)
    assert isinstance(change.answer, Refusal)
    assert (change.answer.reason, change.account, change.events) == (reason, of, ())


def test_one_less_than_the_most_leaves_room_for_a_set() -> None:
    """The set is one authenticator: with nineteen others it is the twentieth."""
    made = remade(owner(*(f"k{number}" for number in range(MAX_AUTHENTICATORS - 1)), "paper"))
    assert len(made.account.authenticators) == MAX_AUTHENTICATORS


def test_saved_codes_cannot_be_read_again() -> None:
    """S-92: the copy that could be read goes, the digests stay.

    Without a copy nothing is written.
    """
    copy = replace(OLD, data={"left": ["x"], "kept": "sealed", "kept_until": NOW + 9})
    of = account(authenticators=(authenticator("app"), copy))
    saved = saved_backup(of, moment(), factor="paper").account
    assert saved.authenticators == (authenticator("app"), replace(copy, data={"left": ["x"]}))
    for same in (saved, account("app")):
        assert saved_backup(same, moment(), factor="paper").account is same
