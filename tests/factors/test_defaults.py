"""Arguments of the room factors: one that nobody gives is empty, zero or no."""

from __future__ import annotations

from tests.defaults import given

GIVEN = {
    "end_of_item.depth": 16,
    "region_name.lang": "en",
    "told_regions.lang": "en",
    "hotp.algorithm": "sha1",
    "Totp.adopt.algorithm": "sha1",
}
"""The arguments that say something where nobody gives them."""


def test_the_defaults_of_arguments() -> None:
    """An argument that nobody gives is empty, zero or no, unless it stands here."""
    assert given("factors") == GIVEN
