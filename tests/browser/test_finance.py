"""Finance: authenticator apps and backup codes.

Its stories are of seven days, another address, and seven attempts.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from .conftest import OFFICE, Arrive
from .example import DAY, Example
from .person import App
from .wire import Pipeline

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::ResourceWarning")]

USER, SECOND = "user@finance.example", "second@finance.example"
ASKED = "Enter the code from your app"
HOTEL = "203.0.113.25"
LOCKED = "This account is locked"


@pytest.mark.without_script
def test_the_first_visit(person: Arrive, example: Example, script: bool) -> None:
    """The first visit leads from the password to the app.

    There are listed apps, a QR code that any decoder reads, a try-out, backup codes, and the default.
    """
    somebody = person(script=script, accept_downloads=True, permissions=["clipboard-read", "clipboard-write"])
    titles = []
    somebody.sign_in(USER)
    somebody.at("Protect your account")
    somebody.silent("Skip for now")
    titles.append(somebody.page.title())
    assert somebody.page.locator(".qr-card").count() == 0
    somebody.choose("Authenticator app")
    somebody.says("Google Authenticator", "Microsoft Authenticator", "Authy", "1Password")
    titles.append(somebody.page.title())
    uri = somebody.read_qr()
    somebody.page.get_by_text("Can't scan image?").click()
    assert somebody.find("Open the app on this device").get_attribute("href") == uri
    query = parse_qs(urlsplit(uri).query)
    key = somebody.page.locator("#key").inner_text()
    assert re.fullmatch(r"([A-Z2-7]{4} )+[A-Z2-7]{1,4}", key)
    assert key.replace(" ", "") == query["secret"][0]
    somebody.says(USER, query["issuer"][0], "Time-based, 6 digits")

    app = App.scanned(uri, example)
    somebody.type_code(app.wrong())
    somebody.refused("That code isn’t right.")
    somebody.says("6 attempts are left")
    assert somebody.read_qr() == uri
    code = app.code()
    somebody.type_code(f" {code[:3]}-{code[3:]} ")

    somebody.at("Save your backup codes")
    titles.append(somebody.page.title())
    codes = [code.strip() for code in somebody.page.locator("#codes li").all_inner_texts()]
    assert len(set(codes)) == 10
    assert all(re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}", code) for code in codes)
    with somebody.page.expect_download() as waiting:
        somebody.find("Download").click()
    text = waiting.value.path().read_text()
    assert text.startswith("Backup codes for Northgate\n")
    assert all(code in text for code in codes)
    if script:
        somebody.find("Copy").click()
        somebody.find("Copied").wait_for()
        assert somebody.page.evaluate("navigator.clipboard.readText()").split("\n") == codes
        somebody.page.evaluate("window.print = () => { document.title = 'printed' }")
        somebody.find("Print").click()
        assert somebody.page.title() == "printed"
    else:
        assert not somebody.find("Copy").is_visible()
        assert not somebody.find("Print").is_visible()
    somebody.press("Continue")
    somebody.at("Save your backup codes")
    assert len(set(titles)) == len(titles)
    assert somebody.keep_codes() == codes
    somebody.is_in()

    somebody.sign_out()
    somebody.sign_in(USER)
    somebody.is_in()


@pytest.mark.long
def test_seven_days(person: Arrive, example: Example, script: bool) -> None:
    """A proof is good for seven days to the second, and then the gate asks again.

    It says why. Nothing that is done meanwhile extends the proof.
    """
    somebody = person(script=script)
    somebody.sign_in(USER)
    somebody.choose("Authenticator app")
    app = App.scanned(somebody.read_qr(), example)
    code, before = app.code(), example.now
    somebody.type_code(code)
    after = example.now
    somebody.keep_codes()
    for days in (3, 6):
        example.advance(before + days * DAY - example.now)
        somebody.go("/records")
        somebody.at("Payments")
    example.advance(before + 7 * DAY - 20 - example.now)
    somebody.go("/records")
    somebody.at("Payments")
    example.advance(after + 7 * DAY - example.now)
    somebody.go("/records")
    somebody.at(ASKED)
    somebody.says("You last confirmed more than 7 days ago")
    somebody.type_code(app.code())
    assert somebody.path == "/records"
    somebody.at("Payments")


def test_another_address(person: Arrive, script: bool) -> None:
    """Another address asks again and says why, and is no failed attempt.

    Back at a known address nobody is asked.
    """
    somebody = person(script=script)
    app, _ = somebody.enroll_app(USER)
    somebody.is_in()
    for last in range(9):
        somebody.from_address(f"203.0.113.{last + 1}")
        somebody.go("/records")
        somebody.at(ASKED)
        somebody.says("You’re on a different network than before")
        somebody.silent("attempt", "locked")
    somebody.type_code(app.wrong())
    somebody.refused("That code isn’t right.")
    somebody.says("6 attempts are left")
    somebody.type_code(app.code())
    somebody.at("Payments")
    for address in (OFFICE, "203.0.113.9", OFFICE):
        somebody.from_address(address)
        somebody.go("/records")
        somebody.at("Payments")


@pytest.mark.long
def test_backup_codes(person: Arrive, example: Example, script: bool) -> None:
    """A backup code works in place of the app's, once, and the user is told how many are left."""
    _, codes = Pipeline(example, USER).enroll_app()
    elsewhere = person(script=script, address=HOTEL)
    elsewhere.sign_in(USER, to="/records")
    elsewhere.at(ASKED)
    elsewhere.choose("Backup codes")
    elsewhere.at("Enter a backup code")
    elsewhere.type_code(codes[3].replace("-", " ").lower())
    elsewhere.says("You used a backup code. 9 are left.")
    elsewhere.press("Continue to Northgate")
    elsewhere.at("Payments")

    again = person(script=script, address=HOTEL)
    again.sign_in(USER)
    again.choose("Backup codes")
    again.type_code(codes[3])
    again.refused("That code")
    again.type_code(codes[4])
    again.says("8 are left.")
    again.go("/")
    again.is_in()


def test_seven_wrong_codes(person: Arrive, example: Example, script: bool) -> None:
    """Seven wrong codes lock, and the page counts down.

    Waiting, signing in again or a right code do not open it.
    """
    at_home = Pipeline(example, USER)
    app, _ = at_home.enroll_app()
    stranger = person(script=script, address=HOTEL)
    stranger.sign_in(USER)
    stranger.at(ASKED)
    for left in range(6, 0, -1):
        stranger.type_code(app.wrong())
        stranger.refused("That code isn’t right.")
        stranger.says(f"{left} attempt{'s are' if left > 1 else ' is'} left before the account is locked.")
    stranger.type_code(app.wrong())
    stranger.at(LOCKED)
    stranger.says(
        "Only an administrator of your organization can unlock it.", "Call the finance desk: +1 202-555-0192."
    )
    reference = stranger.page.locator("main code").inner_text()
    assert len(reference) >= 6

    example.advance(3 * DAY)
    for path in ("/records", "/mfa/challenge", "/mfa", "/mfa/enroll", "/mfa/recovery"):
        stranger.go(path)
        if path != "/mfa/recovery":
            stranger.at(LOCKED)
            stranger.says(reference)
        assert stranger.page.locator("input[name=code]").count() == 0
    stranger.sign_out()
    stranger.sign_in(USER)
    stranger.at(LOCKED)

    # The owner's proven browser goes on (decisions 27), and nobody else is touched.
    at_home.get("/records")
    assert at_home.heading == "Payments"
    neighbor = Pipeline(example, SECOND, address=HOTEL)
    neighbor.enroll_app()
    neighbor.get("/records")
    assert neighbor.heading == "Payments"
