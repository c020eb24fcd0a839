"""Names in the address of a QR code are cut by their size there."""

from __future__ import annotations

import pytest

from mfa_gate.core.names_in_addresses import quoted_size, shortened


@pytest.mark.parametrize(
    ("name", "most", "kept"),
    [
        ("Example", 7, "Example"),
        ("Example", 6, "Exampl"),
        ("Alpha Beta", 12, "Alpha Beta"),
        ("Alpha Beta", 11, "Alpha"),
        ("A Verylongword", 10, "A Verylo"),
        ("Alpha, Beta & Co", 16, "Alpha"),
        ("Alpha, Beta & Co", 18, "Alpha, Beta"),
        ("Alpha - Betagamma", 16, "Alpha"),
        ("a:b", 5, "a b"),
        ("äöü", 18, "äöü"),
        ("äöü", 17, "äö"),
        ("", 5, ""),
        ("Exampleé", 6, "Exampl"),
    ],
)
def test_shortened(name: str, most: int, kept: str) -> None:
    """The cut is at the end of a word, unless that would leave less than half.

    A colon ends no name.
    """
    assert shortened(name, most) == kept
    assert quoted_size(kept) <= most


def test_the_size_in_an_address() -> None:
    """A letter that is no ASCII takes six or nine characters, and a slash three."""
    assert [quoted_size(name) for name in ("a", "ä", "日", "/", " ")] == [1, 6, 9, 3, 3]
