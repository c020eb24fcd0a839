"""The stories that matter in Safari's engine (WebKit) and in Firefox: ``-m matrix``.

Each browser is started once a story. Neither can be told another address, so everybody is at home here.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.web.gallery import served, write

from .engines import firefox, screen, webkit
from .example import DAY, MINUTE, Example
from .visitor import Visitor

pytestmark = [
    pytest.mark.matrix,
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore:setting remote_server_addr"),  # Selenium about itself
]

USER = "user@screening.example"
PAGES = (
    "challenge-totp-wrong",
    "challenge-all-ways",
    "enroll-required",
    "enroll-totp-confirm",
    "codes-first",
    "settings-good",
    "agreement",
    "recovery",
    "locked",
    "approve",
    "admin-tenant",
    "admin-account-above",
    "admin-many",
)
TOO_WIDE = """return [...document.querySelectorAll("body *")].filter(one => one.getBoundingClientRect().right > innerWidth + 1)
    .slice(0, document.scrollingElement.scrollWidth > innerWidth ? 3 : 0).map(one => one.outerHTML.slice(0, 90))"""
PLACES = """document.getAnimations().forEach(one => one.cancel());
return [...document.querySelectorAll("main *")].map(one => [one.outerHTML.slice(0, 90), one.getBoundingClientRect()])
    .map(([name, at]) => [name, ...[at.left, at.top + scrollY, at.width, at.height].map(Math.round)])"""

Arrive = Callable[..., Visitor]


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    """A screen for the windows of WebKit."""
    with screen() as name:
        yield name


@pytest.fixture(params=["webkit", "firefox"])
def engine(request: pytest.FixtureRequest, display: str) -> Callable[..., AbstractContextManager[Any]]:
    """Each of the browsers, as a function that starts one."""
    return {"webkit": lambda folder, **more: webkit(folder, display, **more), "firefox": firefox}[request.param]


@pytest.fixture
def visitor(
    engine: Callable[..., AbstractContextManager[Any]], example: Example, tmp_path: Path
) -> Iterator[Callable[..., Visitor]]:
    """A function that makes a person at a fresh browser."""
    with ExitStack() as browsers:
        count = iter(range(9))

        def make(*, width: int = 390, **options: bool) -> Visitor:
            driver = browsers.enter_context(engine(tmp_path / f"browser-{next(count)}", **options))
            made = Visitor(example=example, driver=driver)
            made.size(width)
            return made

        yield make


@pytest.mark.parametrize("script", [True, False], ids=["script", "noscript"])
def test_from_the_first_day_to_a_backup_code(visitor: Arrive, example: Example, script: bool) -> None:
    """Somebody sets up an app and keeps backup codes; a week later one of them is typed.

    There is an agreement, a wrong code, and another language.
    """
    somebody = visitor(script=script, dark=not script)
    somebody.sign_in(USER)
    somebody.at("Protect your account")
    app = somebody.set_up_app()
    codes = somebody.keep_codes()
    assert len(codes) == 10
    somebody.one("[name=accept]").click()
    somebody.press("Confirm")
    somebody.is_in()

    example.advance(8 * DAY)
    somebody.go("/records")
    somebody.at("Enter the code from your app")
    somebody.waited(lambda: somebody.script("return document.activeElement.name") == "code")
    somebody.type_code(app.wrong())
    somebody.waited(lambda: somebody.driver.title.startswith("Error: "))
    somebody.waited(lambda: somebody.script("return document.activeElement.id") == "errors")
    somebody.type_code(codes[0])
    somebody.at("You’re confirmed")
    somebody.says("9 are left.")
    somebody.press("Continue to Clearview")
    somebody.waited(lambda: somebody.path == "/records")

    somebody.go("/mfa")
    somebody.says("Good: you have 1 sign-in method and 9 backup codes.")
    somebody.one("details.menu > summary").click()
    somebody.press("Deutsch")
    somebody.waited(lambda: somebody.script("return document.documentElement.lang") == "de")
    assert somebody.script(TOO_WIDE) == []


def test_a_phone_approves(visitor: Arrive, example: Example) -> None:
    """The phone keeps its key when its page is opened anew, and approves.

    Another number is refused.
    """
    desk, phone = visitor(width=1280), visitor()
    desk.sign_in(USER)
    desk.choose("Approve on your phone")
    phone.driver.get(str(desk.one("main a[href*='#e=']").get_dom_attribute("href")))
    answer(phone, number_on(desk))
    phone.says("It works.")
    desk.waited(lambda: desk.path.startswith("/mfa/backup-codes"))
    desk.keep_codes()
    desk.one("[name=accept]").click()
    desk.press("Confirm")
    desk.is_in()

    phone.go("/mfa/approve")
    example.advance(8 * DAY)
    desk.go("/records")
    desk.at("Approve on your phone")
    number = number_on(desk)
    answer(phone, f"{(int(number) + 1) % 100:02d}")
    phone.says("That isn’t the number.")
    answer(phone, number)
    phone.says("Approved.")
    desk.waited(lambda: desk.path == "/records")


def number_on(desk: Visitor) -> str:
    """The number that the page shows."""
    return str(desk.waited(lambda: (re.findall(r"^\d\d$", desk.one(".number").text.strip()) or [""])[0]))


def answer(phone: Visitor, number: str) -> None:
    """Type a number on the phone and approve."""
    field = phone.waited(lambda: next((one for one in phone.all("main form input") if one.is_displayed()), None))
    field.clear()
    field.send_keys(number)
    next(one for one in phone.all("[data-approve]") if one.is_displayed()).click()


def test_passkeys_are_offered_where_there_are_some(visitor: Arrive) -> None:
    """WebKitGTK has none, and is told so; Firefox has them."""
    somebody = visitor()
    somebody.sign_in(USER)
    offered = [row.text for row in somebody.all(".row") if "Passkey" in row.text]
    has = somebody.script("return 'PublicKeyCredential' in window")
    assert bool(offered) == has
    if not has:
        somebody.says("Not available in this browser: Passkey or security key")


def test_pages_have_room(engine: Callable[..., AbstractContextManager[Any]], tmp_path: Path) -> None:
    """No page is wider than a phone, with large text neither.

    A phone that was turned and turned back shows the same as before.
    """
    names, faults = write(tmp_path, {"lang": "de"}, PAGES), []
    with served(tmp_path) as address, engine(tmp_path / "browser") as driver:
        somebody = Visitor(example=Example(origin=address, starter=None, process=0), driver=driver)  # type: ignore[arg-type]
        for name in names:
            somebody.size(390)
            somebody.go(f"/{name}.html")
            before = at_rest(somebody)
            somebody.size(844)
            faults += [f"{name}, turned: {one}" for one in somebody.script(TOO_WIDE)]
            somebody.size(390)
            moved = [pair for pair in zip(before, somebody.script(PLACES), strict=True) if pair[0] != pair[1]]
            faults += [f"{name}: {one} is {other[1:]} after a turn" for one, other in moved[-1:]]
            somebody.script("document.documentElement.style.fontSize = '200%'")
            faults += [f"{name}, large: {one}" for one in somebody.script(TOO_WIDE)]
    assert faults == []


def at_rest(somebody: Visitor) -> list[list[object]]:
    """Return where the page's parts are, once its script has shown what it shows later."""
    places = [somebody.script(PLACES)]

    def rested() -> bool:
        time.sleep(0.2)
        places.append(somebody.script(PLACES))
        return len(places) > 3 and all(one == places[-1] for one in places[-4:])

    somebody.waited(rested)
    return list(places[-1])


def test_people_on_the_desk(visitor: Arrive) -> None:
    """The table of people is whole on a wide screen, and a list on a phone."""
    boss = visitor(width=1280)
    boss.sign_in("admin@finance.example")
    boss.set_up_app()
    boss.keep_codes()
    boss.go("/mfa/admin/accounts")
    boss.at("People")
    table, rows = boss.one("table.people"), boss.one(".people-rows")
    assert (table.is_displayed(), rows.is_displayed()) == (True, False)
    assert boss.script(TOO_WIDE) == []
    boss.click(lambda: boss.one("table.people thead a"))
    boss.waited(lambda: boss.all("table.people th[aria-sort]"))
    boss.size(390)
    boss.waited(lambda: boss.one(".people-rows").is_displayed() and not boss.one("table.people").is_displayed())
    assert boss.script(TOO_WIDE) == []


def test_a_form_after_its_time(visitor: Arrive, example: Example) -> None:
    """A set-up that was open for too long says so, and begins anew without a dead end."""
    somebody = visitor()
    somebody.sign_in(USER)
    somebody.choose("Authenticator app")
    old = somebody.scan()
    example.advance(180 * MINUTE)
    somebody.type_code(old.code())
    somebody.says("That set-up has expired. Please start again.")
    somebody.press("Set it up")
    somebody.type_code(somebody.scan().code())
    somebody.keep_codes()


def test_copy_buttons(visitor: Arrive) -> None:
    """The key of an app and the backup codes get to the clipboard, and the button says so."""
    from selenium.webdriver.common.keys import Keys

    somebody = visitor()
    somebody.sign_in(USER)
    somebody.choose("Authenticator app")
    somebody.press("Can't scan image?")
    key = somebody.one("#key").text.replace(" ", "")
    somebody.press("Copy the key")
    somebody.waited(lambda: any(one.text == "Copied" for one in somebody.all("[data-copy]")))
    somebody.one("[name=code]").send_keys(Keys.CONTROL, "v")
    somebody.waited(lambda: somebody.script("return document.querySelector('[name=code]').value") == key)
    somebody.fill("[name=code]", somebody.scan().code())
    somebody.press("Confirm")
    somebody.at("Save your backup codes")
    somebody.press("Copy")
    somebody.waited(lambda: any(one.text == "Copied" for one in somebody.all("[data-copy]")))
