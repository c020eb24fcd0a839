"""Browsers: several users of one, tabs beside each other, twice and back.

Others are not remembered, or have no cookies.
"""

from __future__ import annotations

import pytest

from .conftest import Arrive
from .example import Example
from .wire import Pipeline

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::ResourceWarning")]

USER, SECOND = "user@finance.example", "second@finance.example"
NAMES = {USER: "Uma Krishnan", SECOND: "Victor Hale"}
ASKED = "Enter the code from your app"
HOTEL = "203.0.113.25"


@pytest.mark.long
def test_several_users_of_one_browser(person: Arrive, example: Example) -> None:
    """Two people who share a browser each keep their own proof, and neither has the other's."""
    shared = person()
    for email in (USER, SECOND):
        app, _ = Pipeline(example, email).enroll_app()
        shared.sign_in(email)
        shared.at(ASKED)
        shared.type_code(app.code(), remember=True)
        shared.is_in()
        if email == USER:
            shared.sign_out()
    for email in (USER, SECOND, USER):
        shared.sign_out()
        shared.sign_in(email)
        shared.is_in()
        shared.go("/mfa")
        shared.says("This browser")
        assert NAMES[email] in shared.page.locator(".menu > summary").inner_text()
        assert shared.page.locator(".thing-name", has_text="This browser").count() == 1


@pytest.mark.long
def test_not_remembered(person: Arrive, example: Example, script: bool) -> None:
    """Without "Remember this browser" a proof ends with the sign-in.

    With it, the proof outlives the sign-in.
    """
    app, _ = Pipeline(example, USER).enroll_app()
    public = person(script=script, address=HOTEL)
    public.sign_in(USER)
    assert public.page.get_by_label("Remember this browser for 7 days").is_visible()
    public.says("on a shared or public computer.")
    public.type_code(app.code(), remember=False)
    public.is_in()
    public.go("/records")
    public.at("Payments")
    public.sign_out()
    public.sign_in(USER)
    public.at(ASKED)
    public.type_code(app.code(), remember=True)
    public.sign_out()
    public.sign_in(USER)
    public.is_in()


def test_a_cleared_box_stays_cleared(person: Arrive, example: Example) -> None:
    """U-11: the way over help, another method, another language and a reload ticks no box.

    On a shared computer the next person would need the password alone.
    """
    app, _ = Pipeline(example, USER).enroll_app()
    public = person(address=HOTEL)
    public.sign_in(USER)
    public.page.get_by_role("checkbox").set_checked(False)
    public.press("I need help with this")
    public.choose("Backup codes")
    box = public.page.get_by_role("checkbox")
    assert not box.is_checked()
    public.open_menu()
    public.press("Deutsch")
    assert not box.is_checked()
    public.page.reload()
    assert not box.is_checked()
    public.open_menu()
    public.press("English")
    public.go("/mfa/challenge")
    public.type_code(app.code())
    public.is_in()
    public.sign_out()
    public.sign_in(USER)
    public.at(ASKED)


def test_three_tabs(person: Arrive, example: Example, script: bool) -> None:
    """One of three tabs with the challenge lets the others forward after its success (U-73).

    The next step in the other tabs does not matter.
    """
    app, _ = Pipeline(example, USER).enroll_app()
    first = person(script=script, address=HOTEL)
    first.sign_in(USER, to="/records")
    second, third = person(beside=first), person(beside=first)
    for tab in (second, third):
        tab.go("/records")
        tab.at(ASKED)
    code = app.code()
    first.type_code(code)
    first.at("Payments")
    second.type_code(code)
    second.at("Payments")
    third.press("I need help with this")
    third.is_in()


def test_back_after_success(person: Arrive, example: Example) -> None:
    """Back after success shows no dead end, and the old code again is no failure.

    The old page leads on.
    """
    app, _ = Pipeline(example, USER).enroll_app()
    somebody = person(address=HOTEL)
    somebody.sign_in(USER, to="/records")
    code = app.code()
    somebody.type_code(code)
    somebody.at("Payments")
    somebody.page.go_back()
    if somebody.heading == ASKED:
        somebody.type_code(code)
    somebody.go("/mfa/challenge")
    somebody.at("Payments")
    for path in ("/mfa/enroll/totp", "/mfa/locked", "/mfa/agreement", "/mfa/recovery"):
        somebody.go(path)
        assert "error" not in somebody.page.title().lower()
        assert somebody.path in ("/", "/mfa/enroll/totp")


def test_pressed_twice(person: Arrive, example: Example, script: bool) -> None:
    """Two quick presses of "Confirm" with the right code are one success, in the app (U-55)."""
    app, _ = Pipeline(example, USER).enroll_app()
    somebody = person(script=script, address=HOTEL)
    somebody.sign_in(USER, to="/records")
    somebody.page.get_by_role("textbox", name="Security code").fill(app.code())
    somebody.page.get_by_role("button", name="Confirm").dblclick()
    somebody.page.wait_for_url(f"{example.origin}/records*")
    somebody.at("Payments")
    somebody.go("/mfa")
    assert somebody.page.locator(".log-what", has_text="You confirmed with").count() == 2
    assert somebody.page.locator(".log-what", has_text="wrong").count() == 0


@pytest.mark.long
def test_sent_twice_without_a_script(person: Arrive, example: Example) -> None:
    """The same right code from two tabs at once is one success, and both arrive."""
    app, _ = Pipeline(example, USER).enroll_app()
    one = person(script=False, address=HOTEL)
    one.sign_in(USER, to="/records")
    twin = person(beside=one)
    twin.go("/records")
    code = app.code()
    for tab in (one, twin):
        tab.page.get_by_role("textbox", name="Security code").fill(code)
    for tab in (one, twin):
        tab.page.get_by_role("button", name="Confirm").click(no_wait_after=True)
    for tab in (one, twin):
        tab.page.wait_for_url(lambda url: "/mfa" not in url)
        assert tab.heading in ("Payments", "Hello, Uma")
    one.go("/mfa")
    assert one.page.locator(".log-what", has_text="You confirmed with").count() == 2


def test_no_cookies(person: Arrive, example: Example) -> None:
    """A person whose browser drops the gate's cookies is told so, with a way on.

    No code is counted.
    """
    app, _ = Pipeline(example, USER).enroll_app()
    somebody = person(address=HOTEL)
    somebody.sign_in(USER)
    somebody.at(ASKED)
    kept = [cookie for cookie in somebody.context.cookies() if cookie["name"] == "session"]
    somebody.context.clear_cookies()
    somebody.context.add_cookies([{**cookie} for cookie in kept])  # type: ignore[typeddict-item]
    somebody.type_code(app.wrong())
    somebody.says("cookie")
    somebody.page.locator("p.go a").click()
    somebody.at(ASKED)
    somebody.type_code(app.wrong())
    somebody.says("6 attempts are left")


def test_a_stale_form(person: Arrive, example: Example) -> None:
    """A form from before the last sign-in comes back with a fresh token (U-56).

    Nothing is lost but the press.
    """
    app, _ = Pipeline(example, USER).enroll_app()
    old = person(address=HOTEL)
    old.sign_in(USER, to="/records")
    new = person(beside=old)
    new.go("/logout")
    new.sign_in(USER, to="/records")
    new.at(ASKED)
    code = app.code()
    old.type_code(code)
    old.refused("Please send that again. Your page was out of date.", field="")
    old.type_code(code)
    old.at("Payments")
