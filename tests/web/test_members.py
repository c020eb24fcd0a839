"""The members of a JSON body: each of its very type, and each fault in words."""

from __future__ import annotations

from typing import Any

import pytest

from mfa_gate.web.members import ASSERTION, MEMBERS, BadMember, members, typed, unknown, words_of

KNOWN = members("reason", "mail", response=ASSERTION)


def test_null_is_absent_and_types_are_exact() -> None:
    """True is no number, and a number no text."""
    assert typed({"reason": "x", "mail": None}, KNOWN, ["reason"]) == {"reason": "x"}
    assert typed({"response": {"id": 1}, "mail": False}, KNOWN) == {"response": {"id": 1}, "mail": False}
    assert typed({"hours": 1}, members("hours")) == {"hours": 1}


@pytest.mark.parametrize(
    ("body", "name", "title", "detail"),
    [
        ({"hours": True}, "hours", "A value is not right", '"hours" must be a whole number from 1 to 11.'),
        ({"mail": 1}, "mail", "A value is not right", '"mail" must be true or false.'),
        ({}, "reason", "A member is missing", '"reason" is missing: it must be text of 1 to 200 printable characters.'),
        (
            {"reason": None},
            "reason",
            "A member is missing",
            '"reason" is missing: it must be text of 1 to 200 printable characters.',
        ),
        (
            {"raison": "x"},
            "raison",
            "A member is unknown",
            '"raison" is not a member of this call. It has: "hours", "mail", "reason".',
        ),
    ],
)
def test_the_words_of_a_fault(body: dict[str, Any], name: str, title: str, detail: str) -> None:
    """The name of the member, and what would be right."""
    with pytest.raises(BadMember) as bad:
        typed(body, members("hours", "mail", "reason"), ["reason"])
    assert (bad.value.member, bad.value.title, bad.value.detail) == (name, title, detail)


def test_a_long_name_is_repeated_in_part() -> None:
    """A caller chooses the name: 64 characters of it come back."""
    long = unknown("n" * 65, {}, "filter")
    assert long.member == "n" * 64
    assert long.title == "A filter is unknown"
    assert long.detail == f'"{"n" * 64}" is not a filter of this call. It has: none.'
    assert unknown("n" * 64, {}).member == "n" * 64


def test_the_schema_of_a_member() -> None:
    """Texts that must not be empty say so, and a passkey's answer names its form."""
    assert {name for name, one in MEMBERS.items() if one.schema.get("minLength") == 1} == {"about", "reason", "ticket"}
    assert {one.schema.get("minLength") for one in MEMBERS.values()} == {None, 1}
    assert MEMBERS["reason"].schema == {"type": "string", "maxLength": 1024, "minLength": 1}
    assert MEMBERS["label"].schema == {"type": "string", "maxLength": 1024}
    assert MEMBERS["hours"].schema == {"type": "integer", "minimum": 1, "maximum": 11}
    assert ASSERTION.schema == {
        "anyOf": [{"type": "string"}, {"$ref": "#/components/schemas/PasskeyAssertion"}],
    }


@pytest.mark.parametrize(
    ("reason", "name", "words"),
    [
        ("not_found", "", None),
        ("too_soon", "label", None),
        ("malformed", "", None),
        ("malformed", "response", None),
        ("malformed", "mail", ("A value is not right", '"mail" must be true or false.')),
    ],
)
def test_words_for_a_refused_member(reason: str, name: str, words: tuple[str, str] | None) -> None:
    """A member without words has those of the reason."""
    assert words_of(reason, name) == words
