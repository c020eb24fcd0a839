"""Ids that say something to people."""

from __future__ import annotations

import pytest

from mfa_gate.core.readable_ids import readable_id


@pytest.mark.parametrize("id", ["ann", "jdoe2", "Ann.Smith", "ann@clinic.example", "Ümit", "o'neil", "a-b_c"])
def test_a_name_is_readable(id: str) -> None:
    """Names that people choose, and addresses."""
    assert readable_id(id) == id


@pytest.mark.parametrize(
    "id",
    [
        "",
        "1",
        "42",
        "00451",
        "7f3a9c",
        "f3a9c127",
        "user1234567",
        "0b8e3c1e-3b1a-4c62-9a53-3c3b1f4d2a10",
        "a" * 60,
        "<b>",
        "x y",
    ],
)
def test_a_number_is_not(id: str) -> None:
    """Numbers of a database, UUIDs and texts that are no name."""
    assert readable_id(id) == ""
