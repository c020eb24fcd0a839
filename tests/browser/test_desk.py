"""The security team's desk from both sides.

It is turned on. People are locked and unlocked. The clinic makes its choice. A ticket leads to a reset.
"""

from __future__ import annotations

import re

import pytest

from .conftest import Arrive
from .example import Example
from .person import Person

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::ResourceWarning")]

HOTEL = "203.0.113.25"
WAIT = 31


def enroll_mail(somebody: Person, example: Example, email: str, *, choose: bool = True) -> None:
    """Sign in and set up e-mail; where there is a choice, choose it."""
    somebody.sign_in(email)
    if somebody.path == "/":
        somebody.go("/mfa/enroll")
    if choose:
        somebody.choose("Email")
    else:
        somebody.press("Send the code")
    somebody.type_code(example.code("email"))
    somebody.keep_codes()
    example.advance(WAIT)


def desk(somebody: Person, path: str) -> None:
    """A page of the desk, with a proof that is fresh: it is asked for where it is not."""
    somebody.go(f"/mfa/admin/{path}")


def fold(somebody: Person, name: str) -> None:
    """Open the page of one of an account's actions."""
    somebody.page.locator(".acts").get_by_role("link", name=name, exact=True).click()
    somebody.page.wait_for_load_state("load")


def pick(somebody: Person, name: str) -> None:
    """Open a person's account from the table."""
    somebody.page.locator("table.people").get_by_role("link", name=name).first.click()
    somebody.page.wait_for_load_state("load")


def test_practice(person: Arrive, example: Example) -> None:
    """The administrator prepares the second step, turns it on, and unlocks a user.

    Support looks at the locked user and cannot act.
    """
    boss = person()
    enroll_mail(boss, example, "admin@practice.example")
    desk(boss, "tenant")
    boss.at("Two-step sign-in for Ledgerline")
    boss.says("It’s off. Nobody is asked yet.", "can’t be turned off again")
    boss.press("Send a test message")
    boss.says("A test message is on its way to your own address.")
    assert example.outbox[0]["to"] == "admin@practice.example"
    assert "test message" in example.outbox[0]["subject"]
    boss.press("It arrived")
    boss.page.get_by_role("button", name=re.compile("^Mark as done")).click()
    boss.page.wait_for_load_state("load")
    boss.page.get_by_label("Type “practice” to confirm").fill("Practice")
    boss.press("Turn it on for everybody")
    boss.refused("Type “practice” exactly, to confirm.", field="confirm")
    boss.page.get_by_label("Type “practice” to confirm").fill("practice")
    boss.press("Turn it on for everybody")
    boss.says("Two-step sign-in is now on for everybody.", "It can’t be turned off again.")
    assert boss.page.get_by_role("button", name="Turn it on").count() == 0

    user = person()
    enroll_mail(user, example, "user@practice.example")
    user.is_in()
    thief = person(address=HOTEL)
    thief.sign_in("user@practice.example")
    code = example.code("email")
    for number in range(7):
        wrong = f"{(int(code) + 111 + number) % 10**6:06d}"
        thief.type_code(wrong)
    thief.at("This account is locked")
    user.go("/")
    user.at("This account is locked")

    support = person()
    enroll_mail(support, example, "support@practice.example")
    desk(support, "accounts?status=locked")
    support.at("People")
    pick(support, "Farah Aziz")
    support.says("You can look here, but not change anything.", "the attempts are used up")
    assert support.page.get_by_role("button").count() == 0
    support.go("/mfa/admin/audit")
    support.at("This isn’t allowed")

    example.advance(WAIT)
    desk(boss, "accounts/user@practice.example")
    fold(boss, "Unlock")
    boss.page.get_by_label("Reason").first.fill("called, and knew the last job")
    boss.press("Unlock", within="section.act")
    boss.says("has all attempts back", "7 of 7")
    assert any("unlocked" in mail["subject"] for mail in example.outbox)
    desk(boss, "audit?kind=account.unlocked")
    boss.says("by admin@practice.example", "called, and knew the last job")

    example.advance(WAIT)
    user.go("/")
    if user.path.startswith("/mfa/challenge"):
        user.type_code(example.code("email"))
    user.is_in()


@pytest.mark.long
def test_clinic_by_email_only(person: Arrive, example: Example) -> None:
    """With "Email only" the next user meets no choice page and gets in by e-mail.

    The administrator picks it.
    """
    boss = person()
    enroll_mail(boss, example, "admin@clinic.example")
    desk(boss, "tenant")
    boss.page.get_by_label("Email only").check()
    boss.page.get_by_label("Type “clinic” to confirm").fill("clinic")
    boss.press("Turn it on for everybody")
    boss.says("Two-step sign-in is now on for everybody.")
    user = person()
    user.sign_in("user@clinic.example")
    assert user.path == "/mfa/enroll/email"
    user.silent("Text message", "Choose another method")
    user.press("Send the code")
    user.type_code(example.code("email"))
    user.keep_codes()
    user.is_in()


def test_screening_reset_by_ticket(person: Arrive, example: Example) -> None:
    """A reset by ticket and a temporary password lead to a new set-up.

    The user has a new phone and asks. The administrator resets the account.
    """
    boss = person()
    app, _ = boss.enroll_app("admin@screening.example")
    boss.page.get_by_label("I accept").check()
    boss.press("Confirm")
    user = person()
    user.enroll_app("user@screening.example")
    user.page.get_by_label("I accept").check()
    user.press("Confirm")
    user.is_in()

    lost = person(address=HOTEL)
    lost.sign_in("user@screening.example")
    lost.go("/mfa/recovery")
    lost.page.get_by_label("What happened?").fill("My phone fell into the lake.")
    lost.press("Send the request")
    lost.at("Your request was sent")
    user.go("/mfa")
    user.says("is waiting for an administrator")

    desk(boss, "accounts?status=recovery")
    pick(boss, "Priya Nair")
    boss.says("My phone fell into the lake.")
    fold(boss, "Reset")
    boss.press("Reset", within="section.act")
    if boss.page.locator("#errors").count() == 0:
        boss.page.locator("#ticket-reset").fill("INC-4711")
        boss.page.locator("section.act").get_by_label("Reason").fill("came by with a passport")
        boss.press("Reset", within="section.act")
    boss.says("was reset and will set up again at the next sign-in.")

    mail = next(mail for mail in example.outbox if "Temporary password: " in mail["text"])
    password = re.search(r"Temporary password: (\S+)", mail["text"])
    assert password is not None
    assert any("were removed" in mail["subject"] or "were removed" in mail["text"] for mail in example.outbox)
    user.go("/")
    assert user.path.startswith("/login")
    lost.sign_out()
    lost.page.get_by_label("E-mail address").fill("user@screening.example")
    lost.page.get_by_label("Password", exact=True).fill(password[1])
    lost.press("Sign in")
    app = lost.set_up_app()
    lost.keep_codes()
    lost.is_in()
    assert app.uri


def test_the_link_of_a_notice(person: Arrive, example: Example, script: bool) -> None:
    """A press on "This was not me" without sign-in asks the user again everywhere.

    Requirement U-37.
    """
    user = person(script=script)
    user.enroll_app("user@finance.example")
    user.is_in()
    link = next(
        found[1]
        for mail in example.outbox
        if (found := re.search(r"http://localhost:\d+(/mfa/dispute/\S+)", mail["text"]))
    )
    stranger = person(script=script, address=HOTEL)
    stranger.go(link)
    stranger.at("Wasn’t this you?")
    stranger.page.get_by_label("I didn’t do this").check()
    stranger.press("This was not me")
    stranger.at("Thank you. Your account is safer now")
    user.go("/")
    assert user.path.startswith("/mfa/challenge")
    assert any(mail["to"] == "security@example.org" for mail in example.outbox)
