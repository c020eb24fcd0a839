"""The stored documents as they are read: rooms of limits, cursors.

Lines that are damaged.
"""

from __future__ import annotations

from typing import Any

import pytest

from mfa_gate.core.codec import encode
from mfa_gate.core.model import Account, SubjectKey
from mfa_gate.core.trail import LAST_SECOND
from mfa_gate.errors import DamagedAccount, NewerAccount
from mfa_gate.stores.common import network_fs
from mfa_gate.stores.common.documents import account_from, checksum, cursor_from, summary_from, wait_for_room

TAKEN = [(10, 2), (20, 1), (30, 3)]


@pytest.mark.parametrize(
    ("taken", "limit", "now", "more", "wait"),
    [
        ([], 1, 5, 1, 0),
        ([], 1, 5, 2, 60),
        ([], 0, 5, 1, 60),
        ([], 0, 5, 0, 60),
        (TAKEN, 7, 40, 1, 0),
        (TAKEN, 6, 40, 1, 30),
        (TAKEN, 6, 40, 2, 30),
        (TAKEN, 6, 40, 3, 40),
        (TAKEN, 6, 40, 4, 50),
        (TAKEN, 6, 40, 6, 50),
        (TAKEN, 6, 40, 7, 60),
        (TAKEN, 4, 40, 1, 40),
        (TAKEN, 3, 40, 1, 50),
        (TAKEN, 6, 70, 1, 1),
        (TAKEN, 6, 99, 1, 1),
        (TAKEN, 6, 0, 1, 70),
        ([(10, 2)], 2, 40, 2, 30),
    ],
)
def test_the_wait_for_room(taken: list[tuple[int, int]], limit: int, now: int, more: int, wait: int) -> None:
    """It is the time until enough has gone; a clock that steps back makes it longer (S-118)."""
    assert wait_for_room(taken, limit=limit, window=60, now=now, more=more) == wait


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", -1),
        ("0", 0),
        ("12", 12),
        ("9" * 18, 10**18 - 1),
        ("9" * 19, None),
        ("-1", None),
        ("x", None),
        ("\N{ARABIC-INDIC DIGIT ONE}", None),
        ("\N{SUPERSCRIPT TWO}", None),
    ],
)
def test_cursors(text: str, place: int | None) -> None:
    """A text that no page gave is no place."""
    assert cursor_from(text) == place


KEY = SubjectKey("clinic", "alice")


@pytest.mark.parametrize(
    ("body", "check", "words"),
    [
        (b"{}", 0, "is damaged"),
        (b"{}", None, "cannot be read ("),
        (b"no JSON", None, "cannot be read ("),
        (encode(Account(key=KEY)), 7, "is damaged"),
    ],
)
def test_an_account_that_is_damaged(body: bytes, check: int | None, words: str) -> None:
    """It is an outage with the ways out, never an account without factors (F-19)."""
    with pytest.raises(
        DamagedAccount, match="Discard this one account: mfa-gate accounts reset ID --discard"
    ) as caught:
        account_from(KEY, 3, body, checksum(KEY, 3, body) if check is None else check)
    assert f"the account {KEY} in the store {words}" in str(caught.value)
    assert caught.value.version == 3


@pytest.mark.parametrize("body", [b'{"f":2,"a":{}}', b'{"f":1,"a":{"zz":1}}', b'{"f":1,"a":{"l":{"a":1,"zz":1}}}'])
def test_an_account_of_a_newer_release(body: bytes) -> None:
    """It is told as what it is.

    Nobody is advised to discard it: after a roll-back that would unenroll people.
    """
    with pytest.raises(NewerAccount, match="was written by a newer release of mfa_gate") as caught:
        account_from(KEY, 3, body, checksum(KEY, 3, body))
    assert "start that release again" in str(caught.value)
    assert "iscard" not in str(caught.value)
    with pytest.raises(DamagedAccount, match="--discard"):
        account_from(KEY, 3, body, 7)


def test_a_document_belongs_to_its_place() -> None:
    """Its checksum holds for one account, one version and one text."""
    body = encode(Account(key=KEY))
    assert account_from(KEY, 3, body, checksum(KEY, 3, body)).version == 3
    others = [
        (SubjectKey("clinic", "bob"), 3, body),
        (SubjectKey("ward", "alice"), 3, body),
        (KEY, 4, body),
        (KEY, 3, b""),
    ]
    assert checksum(KEY, 3, body) not in {checksum(*other) for other in others}


SOUND: list[object] = ["Ann", "verified", ["totp"], 5, LAST_SECOND]


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (0, None),
        (1, "unheard of"),
        (2, [1]),
        (2, None),
        (3, -1),
        (3, LAST_SECOND + 1),
        (4, -1),
        (4, LAST_SECOND + 1),
        (4, "5"),
        (5, "more"),
    ],
)
def test_a_line_of_the_list_that_is_damaged(caplog: pytest.LogCaptureFixture, place: int, value: object) -> None:
    """It is shown with its id alone, and said in the log."""
    parts = [*SOUND[:place], value, *SOUND[place + 1 :]]
    found = summary_from(KEY, parts)
    assert (found.key, found.name, found.status, found.factors) == (KEY, "?", "not_enrolled", ())
    assert len(caplog.records) == 1
    sound = summary_from(KEY, SOUND)
    assert (sound.name, sound.status, sound.factors, sound.locked_at) == ("Ann", "verified", ("totp",), 5)
    assert sound.last_proof_at == LAST_SECOND
    assert summary_from(KEY, ["", "locked", [], 0, 0]).status == "locked"
    assert len(caplog.records) == 1


def test_a_machine_without_a_list_of_mounts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is known there, so nothing is refused."""

    def none(*_: object, **__: object) -> Any:
        raise FileNotFoundError

    monkeypatch.setattr("builtins.open", none)
    assert network_fs.network_type_of("/x") == ""
