"""Assessments: optional first, mandatory later, and never off again.

The factors are e-mail and text message. One story is of a lost phone.
"""

from __future__ import annotations

import re

import pytest

from .conftest import Arrive
from .example import DAY, Example

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::ResourceWarning")]

USER = "user@assessments.example"
CHOICE = "Protect your account"
HOTEL = "203.0.113.25"


@pytest.mark.long
def test_optional(person: Arrive, example: Example, script: bool) -> None:
    """An optional enrollment has a "Skip for now" as large as the others.

    The next sign-in reminds.
    """
    somebody = person(script=script)
    somebody.sign_in(USER)
    somebody.at(CHOICE)
    somebody.says("Brightpath requires two-step sign-in from", "We’ll ask again the next time you sign in.")
    assert [row for row in somebody.offered() if "pass" not in row.lower()] == ["Text message", "Email"]
    skip = somebody.find("Skip for now").bounding_box()
    assert skip is not None
    assert skip["height"] >= 44
    somebody.press("Skip for now")
    somebody.is_in()
    example.advance(DAY)
    somebody.go("/records")
    somebody.at("Assessments")
    somebody.sign_out()
    somebody.sign_in(USER, to="/records")
    somebody.at(CHOICE)
    somebody.press("Skip for now")
    somebody.at("Assessments")


def test_email_then_phone(person: Arrive, example: Example, script: bool) -> None:
    """The account's own address is used and not typed.

    Then a phone is typed once, and can be read until it is proven.

    A method counts once its code came back.
    """
    somebody = person(script=script)
    somebody.sign_in(USER)
    assert example.outbox == []
    somebody.choose("Email")
    somebody.says("u•••@a•••.example", "in about 10 minutes")
    somebody.silent(USER)
    sent = example.codes("email")[0]
    assert sent["to"] == USER
    assert sent["subject"].startswith(sent["code"])
    somebody.go("/records")
    somebody.at(CHOICE)
    somebody.choose("Email")
    somebody.at("Enter the code from the email")
    somebody.type_code(sent["code"])
    somebody.keep_codes()
    assert somebody.path == "/records"

    somebody.go("/mfa/enroll")
    somebody.choose("Text message")
    somebody.page.get_by_label("Mobile number").fill("(202) 555 01 23")
    somebody.says("Message and data rates may apply.")
    somebody.press("Text me a code")
    somebody.says("(202) 555-0123", "Change")
    text = example.codes("sms")[0]
    assert text["to"] == "+12025550123"
    assert text["text"].splitlines()[-1] == f"@localhost #{text['code']}"
    somebody.type_code(text["code"])
    somebody.at("Your sign-in security")
    somebody.says("Text message was added.")

    # The same browser, signing in regularly: no question.
    for _ in range(3):
        example.advance(DAY)
        somebody.sign_out()
        somebody.sign_in(USER)
        somebody.is_in()
    # Somebody who shares the sign-in: the code goes to the owner's own, and the page says where it went, masked.
    shared = person(script=script)
    shared.sign_in(USER)
    shared.at("Check your email")
    shared.says("u•••@a•••.example")
    shared.silent(USER, "0123")
    shared.choose("Text message")
    shared.says("•••-••23")
    shared.press("Send the code")
    shared.type_code(example.code("sms"))
    shared.is_in()


def test_lost_phone(person: Arrive, example: Example, script: bool) -> None:
    """The link "Lost access to this phone?" leads to another way if there is one.

    It also leads to a person who helps.
    """
    owner = person(script=script)
    owner.sign_in(USER)
    owner.choose("Text message")
    owner.page.get_by_label("Mobile number").fill("202-555-0142")
    owner.press("Text me a code")
    owner.type_code(example.code("sms"))
    owner.keep_codes()
    example.advance(DAY)

    elsewhere = person(script=script, address=HOTEL)
    elsewhere.sign_in(USER)
    elsewhere.at("Check your text messages")
    elsewhere.press("Lost access to this phone?")
    elsewhere.at("Lost access")
    assert elsewhere.offered() == ["Backup codes"]
    elsewhere.press("Send the request")
    elsewhere.refused("Tell your administrator what happened.", field="about")
    elsewhere.page.get_by_label("What happened?").fill("My phone fell into the river.")
    elsewhere.press("Send the request")
    elsewhere.at("Your request was sent")
    assert len(elsewhere.page.locator(".reference code").inner_text()) >= 6
    elsewhere.go("/records")
    assert elsewhere.path.startswith("/mfa/challenge")
    elsewhere.press("Lost access to this phone?")
    elsewhere.says("is waiting for an administrator")
    elsewhere.says("Use a backup code")


@pytest.mark.long
def test_mandatory(person: Arrive, example: Example, script: bool) -> None:
    """From the day on there is no skip and no way around.

    A person who has enrolled cannot turn it off.
    """
    somebody = person(script=script)
    somebody.sign_in(USER)
    somebody.press("Skip for now")
    example.advance(31 * DAY)
    somebody.go("/records")
    somebody.at(CHOICE)
    somebody.says("Brightpath has required two-step sign-in since")
    assert not somebody.find("Skip for now").is_visible()
    assert somebody.find("Not now? Sign out").is_visible()
    somebody.choose("Email")
    assert not somebody.find("Skip for now").is_visible()
    somebody.type_code(example.code("email"))
    somebody.keep_codes()
    somebody.at("Assessments")

    somebody.go("/mfa")
    somebody.page.locator("summary", has_text="Remove").click()
    somebody.says("Your organization requires at least one. Add another one before you remove this one.")
    assert somebody.page.get_by_label("Sign-in methods").get_by_role("button", name=re.compile("^Remove")).count() == 0


@pytest.mark.long
def test_optional_is_not_off(person: Arrive, example: Example, script: bool) -> None:
    """The last method stays once enrolled, also while it is optional.

    Another browser is asked.
    """
    somebody = person(script=script)
    somebody.sign_in(USER)
    somebody.choose("Email")
    somebody.type_code(example.code("email"))
    somebody.keep_codes()
    somebody.go("/mfa")
    somebody.page.locator("summary", has_text="Remove").click()
    somebody.says("Your organization requires at least one.")
    elsewhere = person(script=script, address=HOTEL)
    elsewhere.sign_in(USER)
    assert elsewhere.path.startswith("/mfa/challenge")
    elsewhere.silent("Skip")
