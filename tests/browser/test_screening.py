"""Screening: authenticator app or text message.

There is an agreement to accept before the app opens.
"""

from __future__ import annotations

import pytest

from .conftest import Arrive
from .example import DAY, Example

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::ResourceWarning")]

USER = "user@screening.example"
AGREEMENT = "Data Access Agreement"
HOTEL = "203.0.113.25"


@pytest.mark.without_script
def test_app_then_agreement(person: Arrive, example: Example, script: bool) -> None:
    """After the set-up comes the agreement, which is accepted once and not asked again."""
    somebody = person(script=script)
    somebody.sign_in(USER, to="/records")
    somebody.set_up_app()
    somebody.keep_codes()
    somebody.at(AGREEMENT)
    somebody.go("/records")
    somebody.at(AGREEMENT)
    somebody.says("Version 2025-01")
    box = somebody.page.get_by_label("I accept")
    assert not box.is_checked()
    somebody.press("Confirm")
    somebody.at(AGREEMENT)
    box.check()
    somebody.press("Confirm")
    assert somebody.path == "/records"
    somebody.at("Checks")
    example.advance(DAY)
    somebody.sign_out()
    somebody.sign_in(USER)
    somebody.is_in()


def test_text_message(person: Arrive, example: Example, script: bool) -> None:
    """The way "Text me a code" is set up, and another place asks for a texted code.

    It does not ask for the agreement again.
    """
    somebody = person(script=script)
    somebody.sign_in(USER)
    somebody.choose("Text message")
    somebody.page.get_by_label("Mobile number").fill("202-555-0151")
    somebody.press("Text me a code")
    somebody.type_code(example.code("sms"))
    somebody.keep_codes()
    somebody.page.get_by_label("I accept").check()
    somebody.press("Confirm")
    somebody.is_in()
    example.advance(60)
    elsewhere = person(script=script, address=HOTEL)
    elsewhere.sign_in(USER)
    elsewhere.at("Check your text messages")
    elsewhere.type_code(example.code("sms"))
    elsewhere.is_in()


@pytest.mark.long
def test_declined(person: Arrive, script: bool) -> None:
    """Declining is explained, ends this browser's proof, and leads to the sign-out.

    The next sign-in asks again.
    """
    somebody = person(script=script)
    somebody.sign_in(USER)
    app = somebody.set_up_app()
    somebody.keep_codes()
    somebody.press("Decline and sign out")
    somebody.at("You declined")
    somebody.says(f"You can’t use the app without accepting “{AGREEMENT}”.")
    somebody.press("Sign out", within="main")
    somebody.at("Sign in")
    somebody.go("/")
    somebody.at("Sign in")
    somebody.sign_in(USER)
    somebody.type_code(app.code())
    somebody.at(AGREEMENT)
