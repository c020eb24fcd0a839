"""Backup codes: 50 bits, read as people write them, each good once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfa_gate.core.model import Authenticator, Fields
from mfa_gate.factors.backup_code import LENGTH, BackupCode, BackupCodeRules
from mfa_gate.factors.base import Accepted, Draft, Rejected
from mfa_gate.factors.codes import ALPHABET

from .builders import BOB, ELSEWHERE, context, rules

PAPER = BackupCode()


def made(nonce: str = "set", **parts: Any) -> tuple[list[str], Fields]:
    """Make a set of codes, and return the shown codes and the stored data."""
    within = context(nonce, **parts)
    draft = PAPER.draft(within)
    assert isinstance(draft, Draft)
    return PAPER.show(within, draft.data)["codes"].split(), draft.data


def verify(response: object, data: Fields, **parts: Any) -> Accepted | Rejected:
    return PAPER.verify(context(**parts), data=data, challenges=(), response=response)


def read(text: object) -> object:
    return PAPER.read(text, rules())


def test_ten_codes_of_fifty_bits() -> None:
    """D-31: ten codes of ten characters of a 32-letter alphabet, all different, five and five."""
    codes, data = made()
    assert len(ALPHABET) ** LENGTH == 2**50
    assert len(set(codes)) == len(codes) == 10
    assert all(len(code) == 11 and code[5] == "-" for code in codes)
    assert not any(code.replace("-", "") in repr(data) for code in codes)
    assert PAPER.hint(context(), data) == "10"
    assert len(made(rules=rules(backup_code=BackupCodeRules(count=12)))[0]) == 12


def test_letters_are_uniform() -> None:
    """S-43, D-31: each letter comes equally often, so a code has all of its fifty bits."""
    letters = Counter("".join("".join(made(f"n{n}")[0]) for n in range(60)).replace("-", ""))
    assert set(letters) == set(ALPHABET)
    assert all(130 <= count <= 250 for count in letters.values())


@pytest.mark.parametrize(("made_at", "void"), [(99, True), (100, True), (101, False)])
def test_a_set_of_before_a_restore_is_void(made_at: int, void: bool) -> None:
    """A set of codes that was made before an older copy was accepted is void.

    S-123: no code of it counts, though the copy has the code as unused. A right code costs nothing. A wrong
    code is a guess as ever. A set that was made since counts.
    """
    codes, data = made()
    after = verify(read(codes[0]), data)
    assert isinstance(after, Accepted)
    mine = Authenticator(id="p", factor="backup-code", label="Paper", created_at=made_at)
    app = Authenticator(id="a", factor="totp", label="App", created_at=500)
    parts: dict[str, Any] = {"known": (app, mine), "used_until": 100}
    outcome = verify(read(codes[1]), after.data, **parts)
    assert outcome == Rejected(reason="code_expired", free=True) if void else isinstance(outcome, Accepted)
    assert PAPER.hint(context(**parts), after.data) == ("0" if void else "9")
    assert verify(read(codes[0]), after.data, **parts) == Rejected(reason="code_already_used", free=True)
    assert verify(read("AAAAA-AAAAA"), after.data, **parts) == Rejected(reason="wrong_code")


def test_each_works_once() -> None:
    """A backup code counts once; the other codes stay good.

    S-92. A used code is known as used and costs nothing.
    """
    codes, data = made()
    for number, code in enumerate(codes):
        outcome = verify(read(code), data)
        assert isinstance(outcome, Accepted)
        data = outcome.data
        assert PAPER.hint(context(), data) == str(9 - number)
        assert verify(read(code), data) == Rejected(reason="code_already_used", free=True)
    assert verify(read(made("other")[0][0]), data) == Rejected(reason="wrong_code")


def test_a_new_set_ends_the_old_one() -> None:
    """S-92: after making new codes the old ones are wrong ones."""
    old, _ = made("old")
    new, data = made("new")
    assert verify(read(old[0]), data) == Rejected(reason="wrong_code")
    assert isinstance(verify(read(new[0]), data), Accepted)


@pytest.mark.parametrize("key", [BOB, ELSEWHERE])
def test_codes_are_of_one_person(key: Any) -> None:
    """S-46, S-49: another person's codes are wrong ones, also where the stored row is copied."""
    codes, data = made()
    assert verify(read(codes[0]), data, key=key) == Rejected(reason="wrong_code")


@pytest.mark.parametrize(
    "text",
    [
        "01ABC-DEFGH",
        "01abcdefgh",
        " 01ABC DEFGH ",
        "oIabc-defgh",
        "OLABC.DEFGH",
        "0 1 a b c d e f g h",
        "01ABC\tDEFGH",
        "01ABC\u200b-DEFGH",
        "01ABC\u2011DEFGH",
        "3. 01ABC-DEFGH",
        "My code is 01abc-defgh.",
    ],
)
def test_how_people_write_them(text: str) -> None:
    """Crockford: case and spacing mean nothing, O is read as 0, I and L as 1."""
    assert read(text) == "01ABCDEFGH"


@pytest.mark.parametrize(
    "text",
    [
        *(None, 5, [], {}, ["01ABCDEFGH"], b"01ABCDEFGH", True),
        *("", " ", "01ABCDEFG", "01ABCDEFGHJ", "01ABCDEFGU", "01ABCDEFG!", "０1ABCDEFGH", "01ABCDEFGÉ", "x" * 65),
        *("0" * 1_000_000, "01ABCDEFG\x00", "\ud800"),
    ],
    ids=lambda text: repr(text)[:20],
)
def test_what_is_no_backup_code(text: object) -> None:
    """An entry of another type, length or letter is malformed and never matches.

    S-38, S-45. It is refused before anything is looked up.
    """
    assert read(text) is None
    assert isinstance(verify(text, made()[1]), Rejected)


@given(st.text(max_size=70))
def test_only_the_alphabet_comes_out(text: str) -> None:
    """Any typed text becomes ten letters of the alphabet, or nothing, before the comparison.

    S-61.
    """
    found = read(text)
    assert found is None or (isinstance(found, str) and len(found) == LENGTH and set(found) <= set(ALPHABET))


@pytest.mark.parametrize("data", [{"left": [], "used": []}, {"left": None, "used": "x"}, {"left": 5, "used": {}}])
def test_no_codes_left(data: Mapping[str, object]) -> None:
    """S-45: where no code is stored none matches, whatever stands there."""
    assert verify("01ABCDEFGH", data) == Rejected(reason="wrong_code")
    assert PAPER.hint(context(), data) in ("0", "1")


def test_nothing_is_sent() -> None:
    """Backup codes are on paper: nothing is issued and nothing is limited.

    Alone they count for nothing (S-93).
    """
    assert PAPER.issue(context(), {}) is None
    assert PAPER.limits(rules()) is None
    assert (PAPER.traits.backup, PAPER.traits.single) == (True, True)


def test_the_shape_of_a_backup_code() -> None:
    """Letters belong to it, and one of the set is asked for at a time."""
    shape = BackupCode().code(rules())
    assert shape is not None
    assert (shape.length, shape.letters) == (LENGTH, True)
