"""The texts that count as made with an older key."""

from __future__ import annotations

import pytest

from mfa_gate.keyring import Keyring
from mfa_gate.service.maintenance.rotation import _is_older
from tests.harness import key

NEW, OLD = Keyring([key(2), key(1)]).ids


@pytest.mark.parametrize(
    ("text", "is_older"),
    [
        (OLD + "x" * (20 - len(OLD)), True),
        (OLD + "x" * (19 - len(OLD)), False),
        (NEW + "x" * 40, False),
        ("", False),
    ],
)
def test_a_digest_of_an_older_key(text: str, is_older: bool) -> None:
    """A short text that begins like the id of a key is a word of somebody."""
    assert _is_older(text, Keyring([key(2), key(1)])) is is_older
