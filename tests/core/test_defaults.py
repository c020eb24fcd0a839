"""Arguments of the room core: one that nobody gives is empty, zero or no."""

from __future__ import annotations

from tests.defaults import given

GIVEN = {
    "kept_browsers.max_age": 7776000,
    "change_demand.max_age": 300,
    "request_recovery.by_hand": True,
    "voice_script.confirm": "pound",
    "email_code.purpose": "sign-in",
    "email_code.code_in_subject": True,
    "sentence.empty": True,
    "unlinked.limit": 40,
}
"""The arguments that say something where nobody gives them."""


def test_the_defaults_of_arguments() -> None:
    """An argument that nobody gives is empty, zero or no, unless it stands here."""
    assert given("core") == GIVEN
