"""Practice: e-mail or text from the record on file, and fifteen-minute codes.

There are seven attempts, and a lock that ends sessions.
"""

from __future__ import annotations

import pytest

from .conftest import OFFICE, Arrive
from .example import DAY, MINUTE, Example
from .person import Person
from .wire import Pipeline

pytestmark = [pytest.mark.browser, pytest.mark.ready, pytest.mark.filterwarnings("ignore::ResourceWarning")]

USER, SECOND = "user@practice.example", "second@practice.example"
HOTEL = "203.0.113.25"
LOCKED = "This account is locked"
WAIT = 31


def enroll(somebody: Person, example: Example) -> None:
    """Both contacts on file, as the practice's users have them."""
    somebody.sign_in(USER)
    somebody.choose("Text message")
    somebody.press("Text me a code")
    somebody.type_code(example.code("sms"))
    somebody.keep_codes()
    somebody.is_in()
    somebody.go("/mfa/enroll")
    somebody.choose("Email")
    somebody.type_code(example.code("email"))
    somebody.says("Email was added.")
    somebody.go("/")
    somebody.is_in()
    example.advance(WAIT)


def enrolled(example: Example, email: str = USER) -> None:
    """Enroll at home on an earlier day."""
    wire = Pipeline(example, email)
    wire.enroll_sent("sms")
    wire.enroll_sent("email")
    example.advance(WAIT)


@pytest.mark.long
def test_either_contact_on_file(person: Arrive, example: Example, script: bool) -> None:
    """The number is the one on file, and is not typed.

    At sign-in the user picks text or e-mail, with two interactions each (U-68).
    """
    somebody = person(script=script)
    somebody.sign_in(USER)
    somebody.choose("Text message")
    somebody.says("+1 202-555-0105", "This is the number we have on file for you.")
    assert somebody.page.locator("input:visible").count() == 0
    somebody.sign_out()
    enroll(somebody, example)

    for way, channel in (("Text message", "sms"), ("Email", "email")):
        elsewhere = person(script=script, address=HOTEL)
        elsewhere.sign_in(USER, to="/records")
        if way in elsewhere.offered():
            elsewhere.choose(way)
            elsewhere.press("Send the code")
        elsewhere.says("in about 15 minutes")
        elsewhere.type_code(example.code(channel))
        elsewhere.at("Jobs")
        example.advance(MINUTE)


def test_any_live_code(person: Arrive, example: Example, script: bool) -> None:
    """Each of several codes works for its own fifteen minutes, and one success ends them all.

    A resend has to wait.
    """
    enrolled(example)
    somebody = person(script=script, address=HOTEL)
    somebody.sign_in(USER)
    somebody.at("Check your text messages")
    first = example.code("sms")
    somebody.press("Send a new code")
    somebody.says("You can ask again in")
    somebody.silent("There is a problem")
    assert example.code("sms") == first
    example.advance(WAIT)
    somebody.press("Send a new code")
    somebody.says("A new code is on its way to", "•••-••05")
    second = example.code("sms")
    example.advance(10 * MINUTE)
    somebody.press("I did not get a code")
    somebody.at("I did not get a code")
    somebody.says(
        "•••-••05", "Earlier codes still work until they expire.", "Ask your practice's system administrator."
    )
    somebody.press("Send a new code")
    third = example.code("sms")
    assert len({first, second, third}) == 3
    example.advance(4 * MINUTE + 45)
    somebody.type_code(first)
    somebody.refused("That code has expired.")
    somebody.silent("6 attempts")
    somebody.type_code(second)
    somebody.is_in()

    again = person(script=script, address=HOTEL)
    example.advance(MINUTE)
    again.sign_in(USER)
    again.type_code(third)
    again.refused("That code isn’t right.")
    again.says("6 attempts are left")


@pytest.mark.long
def test_fifteen_minutes(person: Arrive, example: Example, script: bool) -> None:
    """A code that nobody typed within fifteen minutes has ended.

    The page offers a new one in one press (U-72).
    """
    enrolled(example)
    somebody = person(script=script, address=HOTEL)
    somebody.sign_in(USER)
    code = example.code("sms")
    example.advance(15 * MINUTE)
    somebody.type_code(code)
    somebody.refused("That code has expired.", field="")
    somebody.press("Send the code")
    somebody.type_code(example.code("sms"))
    somebody.is_in()


@pytest.mark.long
def test_another_address(person: Arrive, example: Example, script: bool) -> None:
    """Within the seven days another address asks again; after them the office does as well."""
    somebody = person(script=script)
    enroll(somebody, example)
    somebody.from_address(HOTEL)
    somebody.go("/")
    somebody.says("You’re on a different network than before")
    somebody.at("Check your email")
    somebody.type_code(example.code("email"))
    somebody.is_in()
    somebody.from_address(OFFICE)
    somebody.go("/")
    somebody.is_in()
    example.advance(7 * DAY)
    somebody.go("/")
    somebody.says("You last confirmed more than 7 days ago")


def test_the_lock_ends_sessions(person: Arrive, example: Example, script: bool) -> None:
    """Seven failures over both ways lock, and the lock ends the user's other browsers, too.

    Customer care may only look.
    """
    at_work = person(script=script)
    enroll(at_work, example)
    stranger = person(script=script, address=HOTEL)
    stranger.sign_in(USER)
    for left in (6, 5, 4):
        stranger.type_code("000000" if example.code("sms") != "000000" else "111111")
        stranger.says(f"{left} attempts are left")
    stranger.choose("Email")
    stranger.press("Send the code")
    for left in (3, 2, 1, 0):
        stranger.type_code("000000" if example.code("email") != "000000" else "111111")
        if left:
            stranger.says(f"{left} attempt")
    stranger.at(LOCKED)
    stranger.says("Ask your practice's system administrator. Customer care can look, but may not unlock.")
    sent = len(example.codes("sms")) + len(example.codes("email"))
    at_work.go("/records")
    at_work.at(LOCKED)
    example.advance(DAY)
    at_work.go("/")
    at_work.at(LOCKED)
    assert len(example.codes("sms")) + len(example.codes("email")) == sent
    enrolled(example, SECOND)
