"""Passkeys in a real browser: made, used, cancelled, held twice, copied.

They need a script, and never act by themselves.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from .authenticator import Authenticator
from .conftest import Arrive, more
from .example import DAY, Example
from .person import Person

if TYPE_CHECKING:
    from playwright.sync_api import Route

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::ResourceWarning")]

USER = "user@finance.example"
HOTEL, AIRPORT = "203.0.113.25", "203.0.113.99"
WAY = "Passkey or security key"
MAKE = "Make a passkey"
USE = "Use your face, fingerprint, or screen lock"
NOTHING = "Nothing happened. Try again, or choose another method."


def press_passkey(somebody: Person, name: str) -> None:
    """Press the button of the ceremony and wait until the browser is on another page."""
    with somebody.page.expect_navigation():
        somebody.find(name).click()
    somebody.page.wait_for_load_state("load")
    somebody.look()


def to_the_button(somebody: Person) -> None:
    """From the choice of ways to the page that makes a passkey."""
    somebody.choose(WAY)
    somebody.at("Add a passkey")


def enroll(somebody: Person) -> None:
    """The whole way in of somebody new with a passkey."""
    somebody.sign_in(USER)
    to_the_button(somebody)
    press_passkey(somebody, MAKE)
    somebody.keep_codes()
    somebody.is_in()


def asked_again(somebody: Person, address: str) -> None:
    """Come from another network, and stand before the question."""
    somebody.from_address(address)
    somebody.go("/")
    somebody.at("Use your passkey")


@pytest.mark.parametrize(
    ("transport", "verifies", "synced"),
    [
        ("internal", True, False),
        *more(("internal", True, True), ("usb", False, False), ("usb", True, False)),
    ],
)
def test_make_and_use(person: Arrive, transport: str, verifies: bool, synced: bool) -> None:
    """A passkey is made and used, and listed by its kind.

    It is on this device or a key, verified or not, synced or not.
    """
    somebody = person()
    authenticator = Authenticator.plug(somebody.page, transport=transport, verifies=verifies, synced=synced)
    enroll(somebody)
    (held,) = authenticator.credentials()
    assert held["rpId"] == "localhost"
    asked_again(somebody, HOTEL)
    press_passkey(somebody, USE)
    somebody.is_in()
    somebody.go("/mfa")
    somebody.says("Synced" if synced else "On one device only")
    (somebody.silent if synced else somebody.says)("If you lose the device, this passkey is gone. Set up a second one.")


WITHOUT_JSON = """
delete PublicKeyCredential.parseCreationOptionsFromJSON;
delete PublicKeyCredential.parseRequestOptionsFromJSON;
delete PublicKeyCredential.prototype.toJSON;
"""
BROKEN_JSON = "PublicKeyCredential.prototype.toJSON = () => { throw new TypeError('Illegal invocation') }"
MANAGERS_OBJECT = """
const asIs = (made, kind, fields) => Object.create(kind.prototype, Object.fromEntries(
  fields.filter((name) => name in made).map((name) => [name, { value: made[name], enumerable: true }])));
for (const ask of ["create", "get"]) {
  const real = navigator.credentials[ask].bind(navigator.credentials);
  navigator.credentials[ask] = async (options) => {
    const made = await real(options);
    const inner = ["clientDataJSON", "attestationObject", "authenticatorData", "signature"];
    const kind = ask === "create" ? AuthenticatorAttestationResponse : AuthenticatorAssertionResponse;
    const response = asIs(made.response, kind, inner);
    return Object.create(asIs(made, PublicKeyCredential, ["id", "rawId", "type"]), { response: { value: response } });
  };
}
"""
"""A password manager's object: it has the browser's prototypes, whose methods and other fields throw there."""


@pytest.mark.parametrize(
    "script", [WITHOUT_JSON, *more(BROKEN_JSON), MANAGERS_OBJECT], ids=["none", "broken", "manager"]
)
def test_a_browser_without_json(person: Arrive, script: str) -> None:
    """A passkey is made and used where the browser reads and writes no JSON of it (U-48)."""
    somebody = person()
    Authenticator.plug(somebody.page)
    somebody.page.add_init_script(script)
    enroll(somebody)
    asked_again(somebody, HOTEL)
    press_passkey(somebody, USE)
    somebody.is_in()


SLOW_PERSON = """
for (const ask of ["create", "get"]) {
  const real = navigator.credentials[ask].bind(navigator.credentials);
  const come = new Promise((come) => window.addEventListener("come", come));
  navigator.credentials[ask] = (options) => come.then(() => real(options));
}
"""
COME = "dispatchEvent(new Event('come'))"
"""The person comes to the authenticator, and from then on all that asks is answered, and all that was let go is not."""


@pytest.mark.parametrize("pressed_again", [False, *more(True)])
def test_an_answer_after_long(person: Arrive, pressed_again: bool) -> None:
    """After two minutes the button works again, and an answer that comes then counts.

    A phone that must be fetched first takes that long (U-43).
    """
    somebody = person()
    authenticator = Authenticator.plug(somebody.page)
    somebody.page.clock.install()
    somebody.page.add_init_script(SLOW_PERSON)
    somebody.sign_in(USER)
    to_the_button(somebody)
    somebody.find(MAKE).click()
    somebody.page.wait_for_timeout(500)
    somebody.page.clock.fast_forward(121_000)
    somebody.page.locator("[data-passkey-says]").get_by_text(NOTHING).wait_for()
    if pressed_again:
        somebody.find(MAKE).click()
        somebody.page.wait_for_timeout(500)
        assert not somebody.page.locator("[data-passkey-says]").is_visible()
    with somebody.page.expect_navigation():
        somebody.page.evaluate(COME)
    somebody.page.wait_for_load_state("load")
    assert len(authenticator.credentials()) == 1
    somebody.keep_codes()
    somebody.is_in()


@pytest.mark.long
def test_not_by_itself(person: Arrive) -> None:
    """Neither page asks the authenticator by itself (U-41)."""
    somebody = person()
    authenticator = Authenticator.plug(somebody.page)
    somebody.sign_in(USER)
    to_the_button(somebody)
    somebody.page.wait_for_timeout(300)
    assert authenticator.credentials() == []
    assert somebody.path.startswith("/mfa/enroll")


@pytest.mark.long
def test_an_address_without_passkeys(person: Arrive) -> None:
    """The page says that the browser refuses the site itself.

    Trying again would not help (V-17).
    """
    somebody = person()
    refuse = "navigator.credentials.create = async () => { throw new DOMException('', 'SecurityError') }"
    somebody.page.add_init_script(refuse)
    somebody.sign_in(USER)
    to_the_button(somebody)
    somebody.find(MAKE).click()
    somebody.page.get_by_text("This site isn’t set up for passkeys at this address.").first.wait_for()


def test_a_browser_without_passkeys(person: Arrive) -> None:
    """Passkeys are not offered, but named as not available (U-40)."""
    somebody = person()
    somebody.page.add_init_script("delete window.PublicKeyCredential")
    somebody.sign_in(USER)
    assert not [row for row in somebody.page.locator(".row:visible").all_inner_texts() if "Passkey" in row]
    somebody.says("Not available in this browser: Passkey or security key")
    somebody.go("/mfa/enroll/webauthn")
    somebody.page.get_by_text("This browser can’t use passkeys. Choose another method.").first.wait_for()


@pytest.mark.long
def test_a_page_at_another_address(person: Arrive) -> None:
    """A call that is refused for its origin sends the form, whose answer says why (V-8)."""
    somebody = person()
    somebody.sign_in(USER)
    to_the_button(somebody)
    refusal = json.dumps({"reason": "csrf", "status": 403})
    somebody.page.route("**/mfa/api/enroll", lambda route: route.fulfill(status=403, body=refusal))
    with somebody.page.expect_request(lambda request: request.method == "POST" and request.is_navigation_request()):
        somebody.find(MAKE).click()


def test_cancelled(person: Arrive) -> None:
    """A cancelled passkey is no error: the page stays and says so (U-43).

    No attempt is gone, also after many times.
    """
    somebody = person()
    authenticator = Authenticator.plug(somebody.page)
    enroll(somebody)
    asked_again(somebody, HOTEL)
    held = authenticator.forget()
    note = somebody.page.locator("[data-passkey-says]")
    for _ in range(8):
        note.evaluate("note => { note.hidden = true }")
        somebody.find(USE).click()
        note.get_by_text(NOTHING).wait_for()
        somebody.at("Use your passkey")
    authenticator.learn(held)
    press_passkey(somebody, USE)
    somebody.is_in()


def test_in_the_field_of_a_code(person: Arrive) -> None:
    """The field of a code offers a passkey, and picking it there opens the app.

    Chromium's own authenticator picks at once. Without a passkey nothing is asked, no window opens, and the code does.
    Requirement U-42.
    """
    somebody = person()
    authenticator = Authenticator.plug(somebody.page)
    enroll(somebody)
    somebody.go("/mfa/enroll")
    app = somebody.set_up_app()
    somebody.says("was added")
    held = authenticator.forget()
    somebody.from_address(HOTEL)
    somebody.go("/")
    somebody.at("Enter the code from your app")
    field = somebody.page.locator("#code")
    assert field.get_attribute("autocomplete") == "one-time-code webauthn"
    somebody.page.wait_for_timeout(500)
    somebody.at("Enter the code from your app")
    somebody.type_code(app.code())
    somebody.is_in()
    authenticator.learn(held)
    somebody.from_address(AIRPORT)
    somebody.page.goto(f"{somebody.example.origin}/", wait_until="commit")
    somebody.page.wait_for_url(lambda url: url.partition("#")[0] == f"{somebody.example.origin}/", timeout=10_000)
    somebody.page.wait_for_load_state("load")
    somebody.is_in()


def test_a_passkey_in_the_field_leads_to_the_page_of_its_tab(person: Arrive) -> None:
    """A passkey in the field leads to the page of its tab, and to its fragment (U-42)."""
    somebody = person()
    Authenticator.plug(somebody.page)
    enroll(somebody)
    somebody.go("/mfa/enroll")
    somebody.set_up_app()
    somebody.from_address(HOTEL)
    somebody.page.add_init_script(SLOW_PERSON)
    somebody.page.goto(f"{somebody.example.origin}/records#/inbox")
    somebody.at("Enter the code from your app")
    somebody.page.wait_for_timeout(500)
    other = person(beside=somebody)
    other.go("/")
    other.at("Enter the code from your app")
    with somebody.page.expect_navigation(wait_until="load"):
        somebody.page.evaluate(COME)
    assert somebody.page.url.removeprefix(somebody.example.origin) == "/records#/inbox"


@pytest.mark.long
def test_a_removed_passkey_is_told_to_the_browser(person: Arrive) -> None:
    """The browser is told the passkeys that still count right after one was removed.

    It drops the other. Requirement U-47.
    """
    somebody = person()
    authenticator = Authenticator.plug(somebody.page)
    enroll(somebody)
    somebody.go("/mfa/enroll")
    somebody.set_up_app()
    somebody.says("was added")
    (held,) = authenticator.credentials()
    somebody.go("/mfa")
    mine = somebody.page.locator("li.thing", has_text="one device only")
    mine.locator("summary", has_text="Remove").click()
    mine.get_by_role("button", name="Remove").click()
    somebody.look()
    somebody.says("was removed")
    told = json.loads(somebody.page.locator("[data-signal]").get_attribute("data-signal") or "")
    accepted = told["AllAcceptedCredentials"]
    assert accepted == {"rpId": "localhost", "userId": accepted["userId"], "allAcceptedCredentialIds": []}
    assert len(accepted["userId"]) == 86
    if somebody.page.evaluate("'signalAllAcceptedCredentials' in PublicKeyCredential"):
        somebody.page.wait_for_timeout(500)
        assert authenticator.credentials() == [], held["credentialId"]
    somebody.go("/mfa")
    assert somebody.page.locator("[data-signal]").count() == 0


@pytest.mark.long
def test_held_already(person: Arrive) -> None:
    """A device that has a passkey here is told so, and nothing is charged (U-44)."""
    somebody = person()
    authenticator = Authenticator.plug(somebody.page)
    enroll(somebody)
    somebody.go("/mfa/enroll")
    to_the_button(somebody)
    somebody.find(MAKE).click()
    somebody.page.get_by_text("This device already has a passkey here.").first.wait_for()
    assert len(authenticator.credentials()) == 1


@pytest.mark.long
def test_two(person: Arrive) -> None:
    """Two passkeys a person: either answers, each by its own name."""
    somebody = person()
    first = Authenticator.plug(somebody.page)
    enroll(somebody)
    first.unplug()
    second = Authenticator.plug(somebody.page, transport="usb")
    somebody.go("/mfa/enroll")
    to_the_button(somebody)
    press_passkey(somebody, MAKE)
    somebody.says("was added")
    asked_again(somebody, HOTEL)
    press_passkey(somebody, USE)
    somebody.is_in()
    assert len(second.credentials()) == 1


@pytest.mark.long
def test_copied(person: Arrive) -> None:
    """A counter that went back is refused and costs an attempt (S-75)."""
    somebody = person()
    authenticator = Authenticator.plug(somebody.page, transport="usb")
    enroll(somebody)
    for address in (HOTEL, AIRPORT):
        asked_again(somebody, address)
        if address == AIRPORT:
            authenticator.learn([{**held, "signCount": 0} for held in authenticator.forget()])
        press_passkey(somebody, USE)
    somebody.at("Use your passkey")
    somebody.says("6 attempts are left")


def test_a_passkey_of_another_tab_is_kept(person: Arrive) -> None:
    """A passkey that another tab has made meanwhile stays in the browser (U-47)."""
    somebody = person()
    Authenticator.plug(somebody.page)
    enroll(somebody)
    somebody.go("/mfa/enroll")
    app = somebody.set_up_app()
    somebody.from_address(HOTEL)
    somebody.page.add_init_script(SLOW_PERSON)
    somebody.go("/")
    somebody.at("Enter the code from your app")
    somebody.page.wait_for_timeout(500)
    other = person(beside=somebody)
    beside = Authenticator.plug(other.page)
    other.go("/")
    other.type_code(app.code())
    other.go("/mfa/enroll")
    to_the_button(other)
    press_passkey(other, MAKE)
    other.says("was added")
    manager = Authenticator.plug(somebody.page, transport="usb")
    manager.learn(beside.credentials())
    with somebody.page.expect_navigation():
        somebody.page.evaluate(COME)
    somebody.page.wait_for_load_state("load")
    assert len(manager.credentials()) == 1


@pytest.mark.parametrize("script", [True, False], ids=["script", "noscript"])
def test_another_way_that_this_browser_lacks(person: Arrive, script: bool) -> None:
    """A browser without passkeys is not offered one at a challenge, too.

    It is named as not available (U-40).
    """
    first = person()
    Authenticator.plug(first.page)
    enroll(first)
    first.go("/mfa/enroll")
    first.set_up_app()
    somebody = person(script=script, address=AIRPORT)
    somebody.page.add_init_script("delete window.PublicKeyCredential")
    somebody.sign_in(USER)
    somebody.choose("Authenticator app")
    somebody.at("Enter the code from your app")
    for page in (somebody.path, "/mfa/recovery"):
        somebody.go(page)
        somebody.unfold(".exits details:not([open])")
        if "recovery" not in page:
            somebody.says("Not available in this browser")
        offered = somebody.page.locator(".row:visible .row-name").all_inner_texts()
        assert offered
        assert not [name for name in offered if "asskey" in name or "hrom" in name], offered


def test_without_a_script(person: Arrive) -> None:
    """Without a script the choice lists it as not available.

    And its page has no dead button but the other ways.
    """
    somebody = person(script=False)
    somebody.sign_in(USER)
    somebody.says("Not available in this browser")
    assert not somebody.find(WAY).is_visible()
    somebody.go("/mfa/enroll/webauthn")
    somebody.says("A passkey needs JavaScript", "Choose another method below.")
    assert not somebody.find(MAKE).is_visible()
    assert somebody.find("Authenticator app").is_visible()


@pytest.mark.parametrize("accepted", [True, *more(False)])
def test_the_offer_after_a_code(person: Arrive, example: Example, accepted: bool) -> None:
    """A device that makes passkeys is offered one after a code: it is made, or put off.

    Both lead on to the page that was asked for.
    """
    somebody = person()
    app, _ = somebody.enroll_app(USER)
    example.advance(DAY)
    authenticator = Authenticator.plug(somebody.page)
    somebody.from_address(HOTEL)
    somebody.go("/records")
    somebody.type_code(app.code())
    somebody.at("Use your face or fingerprint next time?")
    assert authenticator.credentials() == []
    if accepted:
        press_passkey(somebody, MAKE)
        somebody.at("You’re all set")
        somebody.press("Continue to Northgate")
    else:
        somebody.press("Not now")
    assert somebody.path == "/records"
    assert len(authenticator.credentials()) == int(accepted)


BY_ITSELF = """
const make = navigator.credentials.create.bind(navigator.credentials);
PublicKeyCredential.getClientCapabilities = async () => ({ conditionalCreate: true });
navigator.credentials.create = ({ mediation, ...rest }) => {
  window.told(mediation || "pressed");
  return make(rest);
};
"""


@pytest.mark.long
def test_a_password_manager_makes_the_passkey_by_itself(person: Arrive) -> None:
    """After a code a browser that can makes the passkey without a question."""
    somebody = person()
    app, _ = somebody.enroll_app(USER)
    authenticator, asked = Authenticator.plug(somebody.page), list[str]()
    somebody.page.expose_function("told", lambda word: asked.append(word))
    somebody.page.add_init_script(BY_ITSELF)
    somebody.from_address(HOTEL)
    somebody.go("/")
    somebody.page.locator("#code").fill(app.code())
    somebody.page.get_by_role("button", name="Confirm").click()
    somebody.page.get_by_text("was added").first.wait_for()
    assert asked == ["conditional"]
    assert len(authenticator.credentials()) == 1


SLOW_TO_SAY = BY_ITSELF.replace("async () => (", "async () => await new Promise((say) => setTimeout(say, 500)) || (")


def hold_what_was_pressed(route: Route) -> None:
    """Let the answer to a press come two seconds after the browser's own question."""
    if "conditional" not in (route.request.post_data or ""):
        time.sleep(2)
    route.continue_()


@pytest.mark.long
def test_a_press_goes_before_what_the_browser_does_by_itself(person: Arrive) -> None:
    """A press while the browser is still asked what it can ends the creation without a press."""
    somebody = person()
    app, _ = somebody.enroll_app(USER)
    authenticator, asked = Authenticator.plug(somebody.page), list[str]()
    somebody.page.expose_function("told", lambda word: asked.append(word))
    somebody.page.add_init_script(SLOW_TO_SAY)
    somebody.page.route("**/mfa/api/enroll", hold_what_was_pressed)
    somebody.from_address(HOTEL)
    somebody.go("/")
    somebody.page.wait_for_timeout(2000)  # until the page of the code knows that this device makes passkeys
    somebody.page.locator("#code").fill(app.code())
    somebody.page.get_by_role("button", name="Confirm").click()
    somebody.page.wait_for_load_state("load")
    press_passkey(somebody, MAKE)
    somebody.at("You’re all set")
    assert asked == ["pressed"]
    assert len(authenticator.credentials()) == 1
