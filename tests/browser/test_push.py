"""Screening as its own users live it.

One has a phone that scans, types the number, and says no. One has a call that is confirmed with #.
"""

from __future__ import annotations

import re

import pytest

from .conftest import Arrive
from .example import DAY, Example
from .person import Person

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::ResourceWarning")]

USER = "user@screening.example"
PHONE = "192.0.2.44"
HOTEL = "203.0.113.25"
NUMBER = "Number on your other screen"


def number_on(desktop: Person) -> str:
    """The number that the page shows."""
    return desktop.page.locator(".number").inner_text().strip()


def scan(desktop: Person, phone: Person) -> None:
    """The phone's camera reads the picture and opens its link."""
    link = desktop.read_qr()
    assert link.startswith(f"{desktop.example.origin}/mfa/approve#e=")
    phone.page.goto(link)
    phone.page.get_by_label(NUMBER).wait_for()
    look_closely(phone, "Let's try it out")
    phone.look()


DIVIDED = """() => [...document.querySelectorAll(":is(.request, [data-answers] li) .muted > :is(bdi, time)")].filter(fact => {
    const range = document.createRange();
    range.selectNodeContents(fact);
    return new Set([...range.getClientRects()].map(box => Math.round(box.top))).size > 1;
}).map(fact => fact.textContent)"""
LARGEST = """() => [...document.querySelectorAll("main :is(h1, h2)")].filter(one => one.offsetWidth > 1)
    .sort((one, other) => parseFloat(getComputedStyle(other).fontSize) - parseFloat(getComputedStyle(one).fontSize))
    .map(one => one.textContent.trim())[0]"""


def look_closely(phone: Person, heading: str) -> None:
    """This heading leads, no fact of a line is divided, and no line begins with a dot."""
    page, before = phone.page, phone.page.viewport_size
    for width in (320, 390):
        page.set_viewport_size({"width": width, "height": 720})
        assert page.evaluate(LARGEST) == heading
        assert page.evaluate(DIVIDED) == []
    assert before
    page.set_viewport_size(before)
    lines = page.locator(":is(.request, [data-answers] li) .muted").filter(visible=True).all_text_contents()
    assert lines
    for line in lines:
        assert re.search(r"[^\s·]\u00a0· \S", line)
        assert not re.search(r"(?<!\u00a0)·", line)


def type_number(phone: Person, number: str) -> None:
    """Type a number on the phone and approve."""
    phone.page.get_by_label(NUMBER).fill(number)
    phone.page.locator("[data-approve]").click()


def set_up(desktop: Person, phone: Person) -> None:
    """From the password to the app, with a phone that approves."""
    desktop.sign_in(USER)
    desktop.choose("Approve on your phone")
    desktop.says("I want to use a different authenticator app", "I want to set up a different method")
    desktop.says("Let's try it out")
    scan(desktop, phone)
    type_number(phone, number_on(desktop))
    phone.page.get_by_text("It works. Go on with your other screen.").wait_for()


def finish(desktop: Person) -> None:
    """Backup codes, the agreement, the app."""
    desktop.keep_codes()
    desktop.page.get_by_label("I accept").check()
    desktop.press("Confirm")
    desktop.is_in()


def test_a_phone_approves(person: Arrive, example: Example, script: bool) -> None:
    """A phone scans and is tried out, and later types the number that opens the app.

    A day later another place shows the number.
    """
    desktop, phone = person(script=script), person(address=PHONE)
    set_up(desktop, phone)
    look_closely(phone, "Approve sign-ins here")
    if script:
        desktop.page.wait_for_url(re.compile("/mfa/backup-codes"))
    else:
        desktop.press("I’ve answered, continue")
    finish(desktop)

    example.advance(DAY)
    hotel = person(script=script, address=HOTEL)
    hotel.sign_in(USER)
    hotel.at("Approve on your phone")
    number = number_on(hotel)
    assert re.fullmatch(r"\d\d", number)
    field = phone.page.get_by_label(NUMBER)
    field.wait_for()
    words = phone.text
    assert "Yes, sign me in" in words
    assert HOTEL in words
    assert "Clearview" in words
    look_closely(phone, "Are you signing in to Clearview?")
    type_number(phone, f"{(int(number) + 1) % 100:02d}")
    phone.page.get_by_text("That isn’t the number.").wait_for()
    assert field.get_attribute("aria-invalid") == "true"
    phone.look()
    type_number(phone, number)
    phone.page.get_by_text("Approved. Go on with your other screen.").wait_for()
    if script:
        hotel.page.wait_for_url(re.compile(rf"^{example.origin}/(#\w*)?$"))
    else:
        hotel.press("I’ve answered, continue")
    hotel.is_in()


def test_the_phone_says_no(person: Arrive, example: Example) -> None:
    """A denied request is stopped, and the asking browser is told.

    It cannot ask again for a while.
    """
    desktop, phone = person(), person(address=PHONE)
    set_up(desktop, phone)
    desktop.page.wait_for_url(re.compile("/mfa/backup-codes"))
    finish(desktop)
    example.advance(DAY)
    thief = person(address=HOTEL)
    thief.sign_in(USER)
    thief.at("Approve on your phone")
    phone.page.get_by_label(NUMBER).wait_for()
    phone.page.get_by_role("button", name="No, it was not me").click()
    phone.page.get_by_text("Stopped. Your administrators were told.").wait_for()
    thief.page.get_by_text("The request was denied on your phone.").first.wait_for()
    thief.press("Send the request")
    thief.says("You can ask again in")
    phone.page.wait_for_timeout(2500)
    assert phone.page.get_by_label(NUMBER).count() == 0


@pytest.mark.long
def test_a_phone_without_script_is_told(person: Arrive) -> None:
    """A phone's browser without script is told that the page needs one."""
    phone = person(script=False, address=PHONE)
    phone.page.goto(f"{phone.example.origin}/mfa/approve")
    assert "This page needs JavaScript" in phone.page.locator("noscript").inner_text()


@pytest.mark.long
def test_call_me(person: Arrive, example: Example, script: bool) -> None:
    """The call of "Call me" is answered with #, and again from another place.

    It is reached by "I want to set up a different method".
    """
    desktop, demo = person(script=script), person()
    desktop.sign_in(USER)
    desktop.choose("Approve on your phone")
    desktop.press("I want to set up a different method")
    desktop.choose("Phone call")
    desktop.page.get_by_label("Phone number").fill("202-555-0147")
    desktop.press("Call me")
    desktop.at("We’re calling you now")
    demo.page.goto(f"{example.origin}/demo")
    demo.page.get_by_role("button", name="Answer and press #").first.click()
    if script:
        desktop.page.wait_for_url(re.compile("/mfa/backup-codes"))
    else:
        desktop.press("I’ve answered, continue")
    finish(desktop)
    example.advance(60)
    hotel = person(script=script, address=HOTEL)
    hotel.sign_in(USER)
    hotel.at("Answer our call")
    if not script:
        hotel.press("I’ve answered, continue")
        hotel.says("Still waiting.")
    demo.page.goto(f"{example.origin}/demo")
    demo.page.get_by_role("button", name="Answer and press #").first.click()
    if script:
        hotel.page.wait_for_url(re.compile(rf"^{example.origin}/(#\w*)?$"))
    else:
        hotel.press("I’ve answered, continue")
    hotel.is_in()


IPHONE = """
Object.defineProperty(Navigator.prototype, "standalone", { get: () => INSTALLED });
Object.defineProperty(Navigator.prototype, "maxTouchPoints", { get: () => 5 });
"""
MANIFEST = """async () => {
  const link = document.querySelector("link[rel=manifest]");
  return (await fetch(link.href, { credentials: "include" })).json();
}"""


@pytest.mark.long
def test_an_iphone_installs_the_page_first(person: Arrive) -> None:
    """The installed page, with a storage of its own, joins by the token in its start address.

    It finds its key again with every later start, and tells when the key was lost.
    """
    desktop, browser, installed = person(), person(address=PHONE), person(address=PHONE)
    browser.page.add_init_script(IPHONE.replace("INSTALLED", "false"))
    installed.page.add_init_script(IPHONE.replace("INSTALLED", "true"))
    desktop.sign_in(USER)
    desktop.choose("Approve on your phone")
    browser.page.goto(desktop.read_qr())
    browser.page.get_by_text("Choose “Add to Home Screen”.").wait_for()
    browser.look()
    manifest = browser.page.evaluate(MANIFEST)
    assert manifest["name"] == "Clearview"
    start = f"{desktop.example.origin}{manifest['start_url']}"
    installed.page.goto(start)
    installed.page.get_by_label(NUMBER).wait_for()
    assert installed.page.title().startswith("(1) ")
    type_number(installed, number_on(desktop))
    installed.page.get_by_text("It works. Go on with your other screen.").wait_for()
    assert installed.page.locator("#live-now").inner_text() == ""
    installed.page.goto("about:blank")
    installed.page.goto(start)
    installed.page.get_by_text("No request is waiting.").wait_for()
    assert "Tried out" in installed.text
    assert "– Clearview" in installed.page.title()
    installed.look()
    installed.page.evaluate("indexedDB.deleteDatabase('mfa-gate')")
    installed.page.goto("about:blank")
    installed.page.goto(start.partition("#")[0])
    installed.page.get_by_text("This phone no longer has its key.").wait_for()
    installed.look()


@pytest.mark.long
def test_it_was_me_but_cancel(person: Arrive, example: Example) -> None:
    """The request ends, nobody is alarmed, and the next one comes at once."""
    desktop, phone = person(), person(address=PHONE)
    set_up(desktop, phone)
    desktop.page.wait_for_url(re.compile("/mfa/backup-codes"))
    finish(desktop)
    example.advance(DAY)
    hotel = person(address=HOTEL)
    hotel.sign_in(USER)
    hotel.at("Approve on your phone")
    hotel.says("No request? Open")
    phone.page.get_by_label(NUMBER).wait_for()
    phone.page.get_by_role("button", name="It was me, but cancel").click()
    phone.page.get_by_text("Canceled. Nobody was signed in.").wait_for()
    hotel.page.get_by_role("button", name="Send the request").click()
    phone.page.get_by_label(NUMBER).wait_for()
