"""One's own settings: rename, default, add, remove.

Also backup codes, forgetting a browser, and recent activity.
"""

from __future__ import annotations

import re

import pytest

from .conftest import Arrive
from .example import MINUTE, Example
from .person import Person
from .wire import HOME, Pipeline

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::ResourceWarning")]

USER = "user@screening.example"
HOTEL = "203.0.113.25"


def arrive(somebody: Person, example: Example) -> None:
    """Lead the person to the settings, freshly confirmed.

    An authenticator app and a phone were set up at home, and the agreement was accepted.
    """
    at_home = Pipeline(example, USER)
    at_home.enroll_app()
    at_home.enroll_sent("sms", phone="202-555-0151")
    at_home.accept()
    example.advance(MINUTE)
    somebody.sign_in(USER)
    if somebody.heading != "Check your text messages":
        somebody.choose("Text message")
        somebody.press("Send the code")
    somebody.type_code(example.code("sms"), remember=True)
    somebody.page.get_by_role("link", name="Security", exact=True).click()
    somebody.at("Your sign-in security")


def thing(somebody: Person, name: str) -> str:
    """The words of one entry of the list."""
    return " ".join(somebody.page.locator("li.thing", has_text=name).first.inner_text().split())


def test_own_methods(person: Arrive, example: Example, script: bool) -> None:
    """A method is renamed, made the default, and removed with a notice; the last one stays.

    The faults of a new name are told.
    """
    somebody = person(script=script)
    arrive(somebody, example)
    assert "Default" in thing(somebody, "Authenticator app")
    assert "Added" in thing(somebody, "Text message")
    assert "Last used" in thing(somebody, "Text message")
    assert "198.51.100.10" in thing(somebody, "Text message")
    assert HOME in thing(somebody, "Authenticator app")

    phone = somebody.page.locator("li.thing", has_text="•••-••51")
    phone.locator("summary", has_text="Rename").click()
    phone.get_by_label("New name").fill("Authenticator app")
    phone.get_by_role("button", name="Save").click()
    somebody.look()
    somebody.refused("You already use that name.", field="label")
    phone.get_by_label("New name").fill("Work phone")
    phone.get_by_role("button", name="Save").click()
    somebody.look()
    somebody.says("The new name is Work phone.")
    somebody.press("Make default Work phone")
    somebody.says("Work phone is your default now.")
    assert "Default" in thing(somebody, "Work phone")

    app = somebody.page.locator("li.thing", has_text="Authenticator app")
    app.locator("summary", has_text="Remove").click()
    app.get_by_role("button", name=re.compile("^Remove")).click()
    somebody.look()
    somebody.says("Authenticator app was removed.")
    assert any(m["channel"] == "email" and "removed" in m["text"] for m in example.outbox)
    somebody.page.locator("li.thing", has_text="Work phone").locator("summary", has_text="Remove").click()
    somebody.says("Your organization requires at least one.")
    activity = " ".join(somebody.page.locator(".log").all_text_contents())  # older lines are folded
    for words in (
        "was removed",
        "was changed",
        "was added",
        "You accepted the agreement",
        "New backup codes were created",
    ):
        assert words in activity


@pytest.mark.long
def test_forgotten_browser(person: Arrive, example: Example, script: bool) -> None:
    """Both browsers are listed with network and last use.

    The one that is forgotten is asked again, and the other is not.
    """
    somebody = person(script=script)
    arrive(somebody, example)
    example.advance(MINUTE)
    other = person(script=script, address=HOTEL)
    other.sign_in(USER)
    other.choose("Text message")
    other.press("Send the code")
    other.type_code(example.code("sms"), remember=True)
    other.is_in()
    somebody.go("/mfa")
    assert "198.51.100.10" in thing(somebody, "This browser")
    row = somebody.page.locator("li.thing", has_text=HOTEL).filter(has=somebody.page.get_by_role("button"))
    row.get_by_role("button", name=re.compile("^Remove")).click()
    somebody.look()
    somebody.says("was removed. It has to confirm again.")
    other.go("/records")
    assert other.path.startswith("/mfa/challenge")
    somebody.go("/records")
    somebody.at("Checks")


def test_changes_need_a_fresh_proof(person: Arrive, example: Example) -> None:
    """After five minutes the page shows but changes nothing before a new confirmation.

    The confirmation leads back.
    """
    somebody = person()
    arrive(somebody, example)
    example.advance(6 * MINUTE)
    somebody.go("/mfa")
    somebody.says("To make changes here, confirm again that it’s you.")
    assert somebody.page.locator("summary", has_text="Remove").count() == 0
    somebody.press("Confirm now")
    if somebody.heading != "Check your text messages":
        somebody.choose("Text message")
        somebody.press("Send the code")
    somebody.type_code(example.code("sms"))
    somebody.at("Your sign-in security")
    assert somebody.page.locator("summary", has_text="Remove").count() == 2

    example.advance(MINUTE)
    somebody.from_address(HOTEL)
    somebody.go("/mfa")
    somebody.says("You’re on a different network than before")
    somebody.choose("Text message")
    somebody.press("Send the code")
    somebody.type_code(example.code("sms"))
    somebody.at("Your sign-in security")


@pytest.mark.long
def test_new_backup_codes(person: Arrive, example: Example) -> None:
    """A new set ends the old one at once, and the page says so before and after."""
    somebody = person()
    _, old = Pipeline(example, "user@finance.example").enroll_app()
    somebody.sign_in("user@finance.example")
    somebody.choose("Backup codes")
    somebody.type_code(old[0])
    somebody.says("9 are left")
    somebody.go("/mfa")
    somebody.says("9 of 10 codes are left.")
    somebody.press("Make a new set")
    somebody.says("You have a set with 9 codes left. A new set replaces it right away.")
    somebody.press("Make a new set")
    somebody.says("Your earlier set no longer works.")
    new = somebody.keep_codes()
    somebody.at("Your sign-in security")
    assert not set(old) & set(new)
    elsewhere = person(address=HOTEL)
    elsewhere.sign_in("user@finance.example")
    elsewhere.choose("Backup codes")
    elsewhere.type_code(old[5])
    elsewhere.refused("That code isn’t right.")
    elsewhere.type_code(new[5])
    elsewhere.says("9 are left")
