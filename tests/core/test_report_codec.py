"""The records of report-only: rows that count requests, and their bytes."""

from __future__ import annotations

import json
import zlib
from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.entropy import handle_digest
from mfa_gate.core.evidence import NO_SESSION, session_mark, skip_key
from mfa_gate.core.model import Acceptance, Account, Attempts, Grant, Lock, Ticket, Upstream
from mfa_gate.core.policy import Demand, Facts
from mfa_gate.core.report import HOUR, Part, Place, Row, Situation, situation_of
from mfa_gate.core.report_codec import pack, part_document, part_from, row_from, situation_from, situation_to, unpack
from mfa_gate.core.rules import TenantSettings
from mfa_gate.core.stops import Stop

from .builders import ANN, HANDLE, NO_SESSION_ANN, NOW, account, authenticator, browser, caller, demand, proof

START = NOW - NOW % HOUR
FACTS = Facts(tenant="clinic", groups=frozenset({"staff", "admin"}), method="GET", path="/x")
ON = TenantSettings(tenant="clinic", enabled_at=9, factors=("totp", "email"))


def situation(of: Account | None = None, **parts: Any) -> Situation:
    return replace(situation_of(caller(), FACTS, ON, of or account("app", proofs=(proof(),))), **parts)


def row(**parts: Any) -> Row:
    place = Place("GET", "/x/{id}", "/x/1", clean=False, endpoint=(demand("end", strong=True, factors=("key",)),))
    made = Row(situation(), place, Stop("asked", "step_up", ("a", "b")), count=3, first=START + 61, last=START + 125)
    return replace(made, **parts)


@pytest.mark.parametrize(
    ("first", "last", "minutes", "moments"),
    [
        (61, 61, 0, [61]),
        (61, 70, 0b10, [61]),
        (61, 125, 0b110, [61, 125]),
        (61, 190, 0b1110, [61, 120, 190]),
        (0, 3599, 1 | 1 << 59, [0, 3599]),
        (61, 125, 0b10, [125]),
    ],
)
def test_the_moments_of_a_row(first: int, last: int, minutes: int, moments: list[int]) -> None:
    """One moment a minute; the first and the last are exact."""
    made = row(first=START + first, last=START + last, minutes=minutes)
    assert [moment - START for moment in made.moments()] == moments


PART = Part(
    uid="u1",
    app="app",
    policy="digest",
    hour=START,
    rows=[row(minutes=0b110), row(count=1), row(situation=situation(id="bob", login=(("pwd",), "acr", 7)))],
    dropped=2,
    unjudged={"exempt": 4},
    unseen=("/health",),
)


def test_a_part_comes_back() -> None:
    """Rows share a situation that is the same, and nothing is lost.

    That holds for bytes and for a document.
    """
    assert unpack(pack(PART)) == PART
    document = json.loads(json.dumps(part_document(PART)))
    assert len(document["situations"]) == 2
    assert part_from(document) == PART
    assert part_from(part_document(replace(PART, unjudged=None))).unjudged == {}
    weaker = Demand(rule="uv", max_age=PART.rows[0].place.endpoint[0].max_age, user_verification=True)
    other = replace(PART, rows=[row(place=Place("GET", "/", "/", endpoint=(weaker,)))])
    assert unpack(pack(other)) == other


@pytest.mark.parametrize("parts", [{}, {"groups": None}, {"login": (("pwd", "otp"), "acr", 7)}, {"chosen": ()}])
def test_a_situation_comes_back(parts: dict[str, Any]) -> None:
    """Groups that nobody asked for, and a sign-in elsewhere, are kept as they are."""
    made = situation(**parts)
    assert situation_from(json.loads(json.dumps(situation_to(made)))) == made


@pytest.mark.parametrize(
    "damage",
    [
        {"report": 2},
        {"rows": 7},
        {"rows": [[0]]},
        {"rows": [None]},
        {"hour": None},
        {"situations": [["clinic"]]},
        {"unjudged": []},
        {"unseen": None},
        {"dropped": "many"},
    ],
)
def test_a_damaged_part(damage: dict[str, Any]) -> None:
    """It is refused as a whole, with one kind of error."""
    with pytest.raises(ValueError):
        part_from(json.loads(json.dumps(part_document(PART))) | damage)


@pytest.mark.parametrize("document", [None, [], {}, "text", {"report": 1}])
def test_no_part(document: object) -> None:
    """Any other document is refused."""
    with pytest.raises(ValueError, match="no part of a report"):
        part_from(document)


@pytest.mark.parametrize("body", [b"", b"no zlib", zlib.compress(b"no JSON"), pack(PART)[:-9]])
def test_bytes_that_are_none(body: bytes) -> None:
    """Bytes of something else, or cut off, are refused."""
    with pytest.raises(ValueError):
        unpack(body)


def test_a_row_with_another_situation() -> None:
    """A number of no situation, or a row of another length, is refused."""
    values = list(json.loads(json.dumps(part_document(PART)))["rows"][0])
    assert row_from(values, [situation()]) == row(minutes=0b110)
    for odd in ([5, *values[1:]], values[:-1], [*values, 1], [*values[:5], [["end"]], *values[6:]]):
        with pytest.raises(ValueError):
            row_from(odd, [situation()])


def test_what_a_situation_tells() -> None:
    """Key, person, settings and account are as any policy may look at them."""
    made = situation(login=(("pwd",), "acr", 7))
    assert (made.key.tenant, made.key.id) == ("clinic", "ann")
    assert made.groups == ("admin", "staff")
    assert made.subject.groups == {"staff", "admin"}
    assert made.subject.upstream == Upstream(("pwd",), "acr", 7)
    assert situation(groups=None).subject.groups == frozenset()
    assert situation().subject.upstream is None
    assert (made.settings.tenant, made.settings.enabled_at, made.settings.factors) == ("clinic", 1, ("totp", "email"))
    assert situation(enabled=False).settings.enabled_at == 0


def test_no_secret_in_a_situation() -> None:
    """The account is kept without data, labels, codes and handles.

    Sessions and browsers are only told apart.
    """
    secret = authenticator("app", data={"secret": "sealed-s3cret"}, label="Ann's phone")
    of = account(proofs=(proof(),), authenticators=(secret,), name="Ann B.")
    made = situation(of)
    for word in ("s3cret", "phone", "Ann B.", "sign-in 1", HANDLE):
        assert word not in made.account
    known = made.known_account()
    assert [(mine.id, mine.factor, mine.data, mine.label) for mine in known.authenticators] == [
        ("app-1", "app", {}, "")
    ]
    assert len(made.session) == len(made.handle) == 12
    assert known.browsers[0].handle == made.handle == HANDLE[:12]
    assert [one.factor for one in known.browsers[0].proofs] == ["app"]


def test_only_this_browser_and_sign_in() -> None:
    """Proofs of other sessions and browsers are left out.

    A verified passkey is told.
    """
    mine = browser(proof(), proof(session="other"), id="b1")
    of = account(browsers=(mine, browser(proof(), id="b2", handle="x" * 22)), authenticators=(authenticator("key"),))
    known = situation(of).known_account()
    assert [(len(one.proofs), one.handle) for one in known.browsers] == [(1, HANDLE[:12])]
    assert known.authenticators[0].data == {"uv": True}
    assert situation_of(caller(handle="y" * 22), FACTS, ON, of).handle == ""


def test_what_a_situation_keeps_of_an_account() -> None:
    """Grants, acceptances, tickets and locks are kept without names and reasons.

    Of sign-ins elsewhere only the last one is kept.
    """
    grant = Grant(
        ref="G",
        asked_by="eve",
        asked_at=NOW,
        reason="why",
        ticket="T-1",
        life=9,
        epoch=0,
        confirmed_by="x",
        ends_at=NOW + 9,
    )
    taken = tuple(
        Acceptance(agreement="a", version=version, digest="d", at=NOW, network="n", session=handle_digest(session))
        for version, session in (("1", ANN.session), ("2", "other"))
    )
    of = account(
        "app",
        grant=grant,
        acceptances=taken,
        attempts=Attempts(used=3, series=9, charged_at=NOW, days=((1, 2),)),
        lock=Lock(at=NOW, cause="administrator", ref="L", actor="eve"),
        ticket=Ticket(digest="secret", expires_at=NOW, actor="eve", ref="T"),
        logins=((1, 2), (3, 4)),
    )
    known = situation(of).known_account()
    assert known.attempts == Attempts(used=3, days=((1, 2),))
    assert known.grant == replace(grant, asked_by="", confirmed_by="", reason="", ticket="")
    assert known.lock == Lock(at=NOW, cause="administrator", ref="L")
    assert known.ticket == Ticket(digest="", expires_at=NOW, actor="", ref="T")
    assert known.logins == ((3, 4),)
    here = handle_digest(situation(of).session)
    assert [(one.network, one.session) for one in known.acceptances] == [("", here), ("", "-")]
    assert known.version == 0


def test_a_proof_of_this_sign_in_is_told_from_one_without_a_name() -> None:
    """The mark of the sign-in takes the place of its digest.

    Proofs that are remembered have none.
    """
    mine = browser(proof(session=session_mark(ANN)), proof("mail", session=NO_SESSION), proof("key"))
    made = situation(account("app", browsers=(mine,)))
    marks = [one.session for one in made.known_account().browsers[0].proofs]
    assert marks == [handle_digest(made.session), NO_SESSION, ""]


@pytest.mark.parametrize(("subject", "own", "kept"), [(ANN, "s:", 1), (NO_SESSION_ANN, "b:", 1), (ANN, "b:", 0)])
def test_skips(subject: Any, own: str, kept: int) -> None:
    """A skip of this sign-in is kept with its mark.

    Where sign-ins have no name, a skip of this browser is.
    """
    who = caller(subject)
    where = skip_key(subject, HANDLE) if (own == "s:") == bool(subject.session) else f"b:{HANDLE}"
    of = account("app", skips=((where, NOW), ("s:other", NOW)), skip_count=2, subject=subject)
    known = situation_of(who, FACTS, ON, of).known_account()
    assert len(known.skips) == kept
    assert [at for _, at in known.skips] == [NOW] * kept
    assert [place[:2] for place, _ in known.skips] == [own] * kept
    assert known.skip_count == 2
