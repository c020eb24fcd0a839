"""The usual rule by which a signal's subject identifier (RFC 9493) names a person."""

from __future__ import annotations

from typing import Any

import pytest

from mfa_gate import Subject
from mfa_gate.identity import subject_by_sub

ISSUER = "https://idp.example/"
ANN = {"format": "iss_sub", "iss": ISSUER, "sub": "ann"}


@pytest.mark.parametrize(
    ("subject_id", "found"),
    [
        (ANN, "ann"),
        ({"subject_type": "iss-sub", "iss": ISSUER, "sub": "ann"}, "ann"),
        ({**ANN, "iss": "https://elsewhere.example/"}, ""),
        ({**ANN, "sub": 7}, ""),
        ({**ANN, "format": "iss_sub_id"}, ""),
        ({"iss": ISSUER, "sub": "ann"}, ""),
        ({"format": "opaque", "id": "ann"}, "ann"),
        ({"format": "opaque", "id": "bob", "sub": "ann", "iss": ISSUER}, "bob"),
        ({"format": "opaque", "id": ""}, ""),
        ({"format": "complex", "user": ANN, "session": {"format": "opaque", "id": "s"}}, "ann"),
        ({"user": ANN}, "ann"),
        ({"format": "complex", "user": "ann"}, ""),
        ({"format": "opaque", "id": "bob", "user": ANN}, "bob"),
        ({"format": "email", "email": "ann@example.com", "id": "ann"}, ""),
        ({"format": "email", "user": ANN}, ""),
        ({}, ""),
    ],
)
def test_the_usual_rule_for_subjects(subject_id: dict[str, Any], found: str) -> None:
    """Identifiers by sub and id are found, those of another issuer or format are not."""
    assert subject_by_sub("alpha", ISSUER, subject_id) == (Subject(found, "alpha") if found else None)
