"""A sign-out ends the proofs of that sign-in alone.

Other ways end the other browsers, or all.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from mfa_gate.core.changes import decline_agreement, end_everywhere, end_sign_in, forget_others
from mfa_gate.core.evidence import NO_SESSION, login_handle, session_mark, skip_key
from mfa_gate.core.model import Account, Proof, Recovery, Subject, Upstream

from ..builders import ANN, HANDLE, NO_SESSION_ANN, NOW, account, browser, caller, moment, proof

HERE, THERE = proof("app", session=session_mark(ANN)), proof("key", session="of another sign-in")
KEPT, NAMELESS = proof("text"), proof("app", session=NO_SESSION)


def owner(*mine: Proof, also: tuple[Proof, ...] = (KEPT,)) -> Account:
    browsers = (browser(*mine), browser(*also, id="b2", handle="other"))
    return account("app", browsers=browsers)


def left(of: Account) -> dict[str, tuple[Proof, ...]]:
    return {known.handle: known.proofs for known in of.browsers}


@pytest.mark.parametrize(
    ("of", "who", "kept"),
    [
        (owner(HERE, THERE, KEPT), ANN, {HANDLE: (THERE, KEPT), "other": (KEPT,)}),
        (owner(HERE), ANN, {"other": (KEPT,)}),
        (owner(KEPT, also=(HERE, THERE)), ANN, {HANDLE: (KEPT,), "other": (THERE,)}),
        (owner(KEPT), ANN, {HANDLE: (KEPT,), "other": (KEPT,)}),
        (owner(NAMELESS, KEPT, also=(NAMELESS,)), NO_SESSION_ANN, {HANDLE: (KEPT,), "other": (NAMELESS,)}),
        (owner(), NO_SESSION_ANN, {HANDLE: (), "other": (KEPT,)}),
        (owner(HERE), NO_SESSION_ANN, {HANDLE: (HERE,), "other": (KEPT,)}),
    ],
)
def test_which_proofs_a_sign_out_ends(of: Account, who: Subject, kept: dict[str, tuple[Proof, ...]]) -> None:
    """D-12: those of this sign-in, in every browser.

    Without a name, those of this browser that are not remembered.

    A browser that has no other proof is forgotten.
    """
    change = end_sign_in(of, moment(), caller(who))
    assert left(change.account) == kept
    assert [event.kind for event in change.events] == ["session.ended"] * (left(of) != kept)


def test_the_sign_out_reaches_every_worker() -> None:
    """It is kept, once for each sign-in, so that open connections end.

    So are the skips of others.
    """
    mine, other = skip_key(ANN, HANDLE), skip_key(Subject("ann", "clinic", session="x"), HANDLE)
    of = replace(owner(KEPT), skips=((mine, NOW), (other, NOW)), sign_outs=((mine, NOW - 9), (other, NOW - 9)))
    change = end_sign_in(of, moment(), caller())
    assert change.account.skips == ((other, NOW),)
    assert change.account.sign_outs == ((other, NOW - 9), (mine, NOW))
    assert [event.kind for event in change.events] == ["session.ended"]


def test_a_stranger_who_signs_out_is_not_written_down() -> None:
    """An account without a browser or a skip needs no document for it."""
    for of in (account(), account("app")):
        change = end_sign_in(of, moment(), caller())
        assert change.account is of
    skipped = account(skips=((skip_key(ANN, HANDLE), NOW),))
    assert end_sign_in(skipped, moment(), caller()).account.sign_outs == ((skip_key(ANN, HANDLE), NOW),)


def test_the_other_browsers_are_forgotten() -> None:
    """All but this one, each with its line in the trail; the number is told."""
    of = replace(owner(KEPT), browsers=(*owner(KEPT).browsers, browser(id="b3", handle="third")))
    change = forget_others(of, moment(), handle="other")
    assert (left(change.account), change.answer) == ({"other": (KEPT,)}, 2)
    assert [(event.kind, event.browser) for event in change.events] == [
        ("browser.forgotten", "b1"),
        ("browser.forgotten", "b3"),
    ]


def test_every_browser_is_signed_out() -> None:
    """S-26: this one as well, and a recovery that opens by itself is taken back.

    The administrators' one stays.
    """
    slow = Recovery(ref="R", at=NOW - 9, about="lost", network="", opens_at=NOW + 99)
    for waiting in (slow, replace(slow, opens_at=0), None):
        change = end_everywhere(replace(owner(KEPT), recovery=waiting), moment())
        assert (change.account.browsers, change.account.epoch, change.answer) == ((), 1, 2)
        stops = waiting is not None and bool(waiting.opens_at)
        assert change.account.recovery == (None if stops else waiting)
        told = [(event.kind, event.reason) for event in change.events]
        assert told == [
            ("proofs.revoked", "signed-out-everywhere"),
            *([("recovery.stopped", "signed-out-everywhere")] if stops else []),
        ]
        assert [event.detail.get("told_by") for event in change.events[1:]] == ["proofs.revoked"] * stops


def test_who_declines_the_agreement_starts_anew() -> None:
    """This browser goes, and the sign-in at the identity provider with it.

    Other browsers stay.
    """
    upstream = Upstream(("mfa",), "", NOW)
    login = browser(KEPT, id="b3", handle=login_handle(upstream))
    of = replace(owner(KEPT), browsers=(*owner(KEPT).browsers, login))
    change = decline_agreement(of, moment(), caller(replace(ANN, upstream=upstream)))
    assert [*left(change.account)] == ["other"]
    assert [*left(decline_agreement(of, moment(), caller()).account)] == ["other", login.handle]
    assert [event.kind for event in change.events] == ["agreement.declined"]
