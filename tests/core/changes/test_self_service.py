"""Renaming, the default, removing, forgetting a browser, accepting a text."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.changes import (
    accept_agreement,
    amend_authenticator,
    drop_old_copies,
    forget_browsers,
    remove,
    rename,
    saved_backup,
    set_default,
)
from mfa_gate.core.decision import Agree, Allow, StepUp
from mfa_gate.core.entropy import handle_digest
from mfa_gate.core.model import MAX_ACCEPTANCES, Account, Authenticator, Subject
from mfa_gate.core.reasons import Refusal
from mfa_gate.core.rules import AgreementRules

from ..builders import (
    ANN,
    HOME,
    NOW,
    TRAITS,
    account,
    authenticator,
    caller,
    challenge,
    judged,
    moment,
    proof,
    requirement,
    rules_with,
)


def word(answer: object) -> str:
    return answer.reason if isinstance(answer, Refusal) else ""


@pytest.mark.parametrize(
    ("label", "reason"),
    [
        ("Work phone", ""),
        ("App", ""),
        ("  Work   phone ", ""),
        ("KEY", "label_taken"),
        ("👩\u200d💻 laptop", ""),
        ("", "malformed"),
        ("   ", "malformed"),
        ("x" * 40, ""),
        ("x" * 41, "malformed"),
        ("a\u202eb", "malformed"),
        ("\ud800", "malformed"),
        ("a\x00b", "malformed"),
    ],
)
def test_renaming(label: str, reason: str) -> None:
    """A new name is one printable line of at most 40 characters, unique for the subject.

    No other authenticator of the subject may have it.
    """
    of = account("app", "key")
    change = rename(of, moment(), id="app-1", label=label)
    assert word(change.answer) == reason
    assert change.account.authenticators[0].label == (" ".join(label.split()) if not reason else "app")
    assert [event.reason for event in change.events] == ([] if reason else ["renamed"])


def test_one_default() -> None:
    """The first offer is one's own factor; backup codes cannot be it."""
    of = account("app", "paper", "unheard-of")
    change = set_default(of, moment(), id="app-1", traits=TRAITS)
    assert (change.account.default, change.events[0].reason) == ("app-1", "default")
    assert set_default(of, moment(), id="unheard-of-1", traits=TRAITS).account.default == "unheard-of-1"
    assert word(set_default(of, moment(), id="paper-1", traits=TRAITS).answer) == "not_allowed"


def test_what_is_not_ones_own_is_unknown() -> None:
    """S-86: an id that is not this subject's is an unknown one, for every change."""
    of = account("app")
    for change in (
        rename(of, moment(), id="x", label="y"),
        set_default(of, moment(), id="x", traits=TRAITS),
        remove(of, moment(), id="x", traits=TRAITS, stage="off", permanent=False),
        forget_browsers(of, moment(), ids=("x",)),
    ):
        assert word(change.answer) == "not_found"
        assert (change.account, change.events) == (of, ())


@pytest.mark.parametrize(
    ("factors", "stage", "permanent", "reason", "left"),
    [
        (("app",), "required", False, "last_factor", ("app",)),
        (("app",), "required", True, "last_factor", ("app",)),
        (("app",), "optional", True, "last_factor", ("app",)),
        (("app",), "off", True, "last_factor", ("app",)),
        (("app",), "optional", False, "", ()),
        (("app", "paper"), "required", True, "last_factor", ("app", "paper")),
        (("app", "paper"), "optional", False, "", ()),
        (("app", "key"), "required", True, "", ("key",)),
        (("app", "unheard-of"), "required", True, "", ("unheard-of",)),
    ],
)
def test_removing(factors: tuple[str, ...], stage: Any, permanent: bool, reason: str, left: tuple[str, ...]) -> None:
    """The last factor stays while it is required, or for good if the policy says so.

    S-88, S-93. The backup codes go with a last factor that may be removed.
    """
    change = remove(account(*factors), moment(), id="app-1", traits=TRAITS, stage=stage, permanent=permanent)
    assert word(change.answer) == reason
    assert tuple(a.factor for a in change.account.authenticators) == left


def test_backup_codes_may_always_go() -> None:
    """Backup codes are no factor: removing them removes no last one."""
    of = account("app", "paper")
    change = remove(of, moment(), id="paper-1", traits=TRAITS, stage="required", permanent=True)
    assert [a.factor for a in change.account.authenticators] == ["app"]


def test_what_goes_with_a_removed_factor() -> None:
    """S-26: its proofs end in every browser, its codes die, the default moves on."""
    of = account(
        "app", "key", proofs=(proof("app"), proof("key", age=3 * 86_400)), default="app-1",
        challenges=(challenge(target="app-1"), challenge("c2", target="key-1")),
    )  # fmt: skip
    after = remove(of, moment(), id="app-1", traits=TRAITS, stage="required", permanent=True).account
    assert [p.factor for p in after.browsers[0].proofs] == ["key"]
    assert [c.id for c in after.challenges] == ["c2"]
    assert after.default == "key-1"
    kept = remove(of, moment(), id="key-1", traits=TRAITS, stage="required", permanent=True).account
    assert kept.default == "app-1"


def test_a_forgotten_browser_is_forgotten() -> None:
    """S-26: its handle is dead at once."""
    of = account("app", proofs=(proof(),))
    assert isinstance(judged(of), Allow)
    change = forget_browsers(of, moment(), ids=("b1", "unknown"))
    assert (change.account.browsers, change.answer) == ((), 1)
    assert isinstance(judged(change.account), StepUp)
    assert change.events[0].browser == "b1"


def agreement(again: Any = "new-version", **parts: Any) -> AgreementRules:
    return AgreementRules(**{"id": "data", "version": "2", "title": "T", "file": "f", "digest": "d" * 64, **parts},
                          again=again)  # fmt: skip


def test_an_acceptance_is_written_down() -> None:
    """An acceptance keeps and reports the version and the digest of the text.

    It also keeps the time and the network. The session is kept only as its digest.
    """
    change = accept_agreement(account("app"), moment(), caller(), agreement=agreement(), version="2")
    kept = change.account.acceptances[0]
    assert (kept.version, kept.digest, kept.at, kept.network) == ("2", "d" * 64, NOW, HOME)
    assert kept.session == handle_digest(ANN.session)
    assert change.events[0].detail == {"agreement": "data", "version": "2", "digest": "d" * 16}


def test_only_the_version_that_was_shown() -> None:
    """Accepting another version than the one in force accepts nothing."""
    change = accept_agreement(account("app"), moment(), caller(), agreement=agreement(), version="1")
    assert (word(change.answer), change.account.acceptances) == ("malformed", ())


def test_two_devices_do_not_ask_in_turns() -> None:
    """The second device's acceptance does not end the acceptance of the first.

    With ``each-sign-in`` each sign-in accepts for itself.
    """
    rules = agreement("each-sign-in")
    of = account("app", proofs=(proof(),))
    other = Subject("ann", "clinic", session="sign-in 2")
    asked = requirement(rules_with(agreement=rules))
    for subject in (ANN, other):
        assert isinstance(judged(of, asked, caller(subject)), Agree)
        of = accept_agreement(of, moment(), caller(subject), agreement=rules, version="2").account
    for subject in (ANN, other):
        assert isinstance(judged(of, asked, caller(subject)), Allow)


def test_acceptances_are_bounded() -> None:
    """Once a version it is one acceptance; each sign-in keeps the last five."""
    of: Account = account("app")
    for n in range(9):
        who = caller(Subject("ann", "clinic", session=f"s{n}"))
        of = accept_agreement(of, moment(), who, agreement=agreement("each-sign-in"), version="2").account
    assert len(of.acceptances) == MAX_ACCEPTANCES
    assert len(accept_agreement(of, moment(), caller(), agreement=agreement(), version="2").account.acceptances) == 1


def test_saved_backup_codes_cannot_be_shown_again() -> None:
    """The copy for showing backup codes again is gone once the person has saved them."""
    of = account(authenticators=(authenticator(), authenticator("paper", data={"left": ["1"], "kept": "sealed"})))
    assert saved_backup(account("app"), moment(), factor="paper").account == account("app")
    change = saved_backup(of, moment(), factor="paper")
    assert change.account.authenticators[1].data == {"left": ["1"]}
    assert isinstance(change.account.authenticators[0], Authenticator)


def test_where_a_device_is_woken_is_written_into_the_data_of_now() -> None:
    """A device's wake address is written into the data that the account has now.

    The step makes the new data from the data that it is given. A change since the device was looked at stays.
    """
    seen = authenticator("app", data={"key": "k", "count": 1})
    of = account(authenticators=(replace(seen, data={"key": "k", "count": 2}),))
    change = amend_authenticator(of, moment(), seen=seen, amend=lambda data: {**data, "wake": "w"})
    assert change.account.authenticators[0].data == {"key": "k", "count": 2, "wake": "w"}


def test_an_old_copy_of_backup_codes_goes_with_any_change() -> None:
    """Backup codes cannot be read any more a quarter of an hour after they were made.

    S-92. Any change of the account drops the old copy. The digests of the codes stay as they are.
    """
    data = {"left": ["1"], "used": [], "kept": "sealed", "kept_until": NOW}
    of = account(authenticators=(authenticator(), authenticator("paper", data=data)))
    young = replace(
        of, authenticators=(of.authenticators[0], authenticator("paper", data={**data, "kept_until": NOW + 1}))
    )
    assert rename(of, moment(), id="app-1", label="x").account.authenticators[1].data == {"left": ["1"], "used": []}
    assert "kept" in rename(young, moment(), id="app-1", label="x").account.authenticators[1].data
    assert drop_old_copies(of, moment()).account.authenticators[1].data == {"left": ["1"], "used": []}
    assert drop_old_copies(young, moment()).account is young
