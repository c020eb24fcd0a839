"""Clinic: each user chooses e-mail or text, with US numbers only and ten-minute codes.

The patient portal is untouched.
"""

from __future__ import annotations

import pytest

from .conftest import Arrive
from .example import MINUTE, Example

pytestmark = [pytest.mark.browser, pytest.mark.ready, pytest.mark.filterwarnings("ignore::ResourceWarning")]

USER, SECOND, PATIENT = "user@clinic.example", "second@clinic.example", "patient@clinic.example"
HOTEL = "203.0.113.25"


@pytest.mark.long
def test_a_us_number(person: Arrive, example: Example, script: bool) -> None:
    """A number from elsewhere or of the wrong kind is refused in words that say why.

    A US number gets ten-minute codes.
    """
    somebody = person(script=script)
    somebody.sign_in(USER)
    assert somebody.offered() == ["Text message", "Email"]
    somebody.choose("Text message")
    for number, words in (
        ("506-234-5678", "That’s a number from Canada. Use a number from: United States."),
        ("+1 876 210 1234", "That’s a number from Jamaica."),
        ("+44 7400 123456", "That’s a number from"),
        ("800-234-5678", "That’s a toll-free number"),
        ("900-234-5678", "That’s a premium-rate number."),
        ("12", "That doesn’t look like a phone number."),
    ):
        somebody.page.get_by_label("Mobile number").fill(number)
        somebody.press("Text me a code")
        somebody.refused(words, field="phone")
        assert somebody.page.get_by_label("Mobile number").input_value() == number
    assert example.outbox == []
    somebody.page.get_by_label("Mobile number").fill("1 (202) 555-0177")
    somebody.press("Text me a code")
    somebody.says("(202) 555-0177", "in about 10 minutes")
    code = example.code("sms")
    example.advance(10 * MINUTE)
    somebody.type_code(code)
    somebody.refused("That code has expired.", field="")
    somebody.press("Send a new code")
    somebody.type_code(example.code("sms"))
    somebody.keep_codes()
    somebody.is_in()


def test_email(person: Arrive, example: Example, script: bool) -> None:
    """Another user of the clinic chooses e-mail, and is asked by e-mail from then on."""
    somebody = person(script=script)
    somebody.sign_in(SECOND)
    somebody.choose("Email")
    somebody.says("in about 10 minutes")
    somebody.type_code(example.code("email"))
    somebody.keep_codes()
    somebody.is_in()
    example.advance(MINUTE)
    somebody.from_address(HOTEL)
    somebody.go("/records")
    somebody.at("Check your email")
    somebody.type_code(example.code("email"))
    assert somebody.path == "/records"


def test_patients(person: Arrive, example: Example, script: bool) -> None:
    """Patients reach their portal with their password alone, from anywhere.

    Nothing is sent to them.
    """
    patient = person(script=script)
    patient.sign_in(PATIENT)
    assert patient.path == "/portal"
    patient.at("Welcome, Zoe")
    patient.from_address(HOTEL)
    patient.go("/portal")
    patient.at("Welcome, Zoe")
    assert example.outbox == []
