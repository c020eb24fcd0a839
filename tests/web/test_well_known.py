"""Passkeys at several domains and in native apps, and the documents that say so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from mfa_gate import RelyingParty
from mfa_gate.core.changes.admin import reset
from mfa_gate.errors import SettingsError
from mfa_gate.testing import SoftKey
from tests.harness import FETCH, FORM, ORIGIN, PAGE, Browser, World, make_world, routes, running, secret, with_rules

APP = "android:apk-key-hash:pNiP5iKyQ8JwgGOaKA1zGPUPJIS-0H1xKCQcfIoGLck"
OTHER = "https://app.other.example"
PATHS = {"related_origins": "/.well-known/webauthn", "passkey_endpoints": "/.well-known/passkey-endpoints"}
POLICY = with_rules(
    lambda r: replace(
        r, factors=replace(r.factors, allowed=("totp", "webauthn", "backup-code"), order=("webauthn", "totp"))
    )
)


def party(*more: str, **switches: bool) -> RelyingParty:
    """Make a relying party at localhost with further origins."""
    return RelyingParty(id="localhost", name="Example", origins=[*more, ORIGIN], **switches)


def world_of(site: RelyingParty, **more: Any) -> World:
    """Make a host whose people may use passkeys."""
    return make_world(policy=POLICY, relying_party=site, **more)


# -- the documents -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", [[], FETCH, PAGE])
async def test_browsers_read_the_related_origins(headers: Any) -> None:
    """Everybody gets the list of web origins in JSON; apps are no part of it."""
    async with running(world_of(party(APP, OTHER, related_origins=True))) as world:
        for browser in (Browser(world), await world.browser(), await world.enrolled("bob")):
            reply = await browser.ask("GET", PATHS["related_origins"], headers=headers)
            assert (reply.status, reply.json()) == (200, {"origins": [OTHER, ORIGIN]})
            assert reply.header("content-type") == "application/json"
        assert not world.reached
        assert (await Browser(world).ask("HEAD", PATHS["related_origins"])).body == b""
        assert (await Browser(world).ask("POST", PATHS["related_origins"], headers=[FORM])).status == 405


async def test_password_managers_find_the_pages() -> None:
    """The addresses are whole, and lie below the root that people use."""
    async with running(world_of(party(passkey_endpoints=True))) as world:
        path = PATHS["passkey_endpoints"]
        told = (await Browser(world).ask("GET", path)).json()
        assert told == {"enroll": f"{ORIGIN}/mfa/enroll/webauthn", "manage": f"{ORIGIN}/mfa"}
        await (await world.browser()).ask("GET", "/app/mfa/enroll", root_path="/app")
        assert (await Browser(world).ask("GET", path)).json()["manage"] == f"{ORIGIN}/app/mfa"


@pytest.mark.parametrize("switch", PATHS)
async def test_both_are_off_by_default(switch: str) -> None:
    """The address is the app's own until it is switched on; the other switch does not count."""
    own = [*routes(), *(Route(path, secret) for path in PATHS.values())]
    for on in (False, True):
        site = party(**{name: on and name != switch for name in PATHS})
        async with running(world_of(site, app=Starlette(routes=own))) as world:
            assert (await Browser(world).ask("GET", PATHS[switch])).body.startswith(b"of the app")
            assert (await (await world.browser()).ask("GET", PATHS[switch])).status == 303


@pytest.mark.parametrize(
    "path",
    [
        "/.well-known/webauthn/",
        "/.well-known/webauthn/x",
        "/.well-known//webauthn",
        "/.WELL-KNOWN/webauthn",
        "/.well-known",
    ],
)
async def test_no_other_spelling_is_free(path: str) -> None:
    """A person who owes a proof reaches nothing of the app by an address that looks like it."""
    async with running(world_of(party(related_origins=True))) as world:
        assert (await (await world.browser()).ask("GET", path)).status == 303
        assert not world.reached


# -- origins -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("origin", [ORIGIN, APP, OTHER])
async def test_a_passkey_of_each_listed_origin_counts(origin: str) -> None:
    """A native app and another domain make a passkey of the same id, and prove with it."""
    async with running(world_of(party(APP, OTHER, related_origins=True))) as world:
        browser = await world.browser()
        key = SoftKey(origin=origin)
        begun = (await browser.api("POST", "enroll", {"factor": "webauthn"})).json()
        made = {"enrollment": begun["enrollment"], "response": key.create(begun["public_key"])}
        done = await browser.api("POST", "enroll/confirm", made)
        assert done.status == 201, done.text
        world.clock.advance(8 * 86_400)
        asked = (await browser.api("POST", "challenge", {"authenticator": done.json()["authenticator"]["id"]})).json()
        answer = {"challenge": asked["challenge"], "response": key.get(asked["public_key"])}
        assert (await browser.api("POST", "verify", answer)).status == 200
        assert await browser.is_in()


@pytest.mark.parametrize(
    "origin", [APP[:-1] + "g", "https://evil.example", APP.upper(), f"{APP}=", "android:" + ORIGIN]
)
async def test_a_passkey_of_another_origin_does_not(origin: str) -> None:
    """An app that is signed with another certificate is as foreign as another site."""
    async with running(world_of(party(APP))) as world:
        browser = await world.browser()
        begun = (await browser.api("POST", "enroll", {"factor": "webauthn"})).json()
        made = {"enrollment": begun["enrollment"], "response": SoftKey(origin=origin).create(begun["public_key"])}
        assert (await browser.api("POST", "enroll/confirm", made)).reason == "wrong_code"


async def test_an_app_is_no_place_for_mails_cookies_or_forms() -> None:
    """An app is no origin of a browser: links, forms and cookies go by the web origins."""
    secure = RelyingParty(id="app.example", name="App", origins=[APP, "https://app.example"])
    async with running(world_of(secure)) as world:
        assert world.gate.web.site.origins == ("https://app.example",)
        assert world.engine.public("") == "https://app.example/mfa"
        browser = await world.browser()
        page = await browser.page("/mfa/enroll")
        assert "__Host-mfa-" in page.header("set-cookie")
        refused = await browser.ask("POST", "/mfa/enroll/totp", headers=[*PAGE, FORM, ("origin", APP)])
        assert refused.status in (403, 422)


@pytest.mark.parametrize(
    ("origins", "more", "told"),
    [
        ([APP], {}, "lists apps alone"),
        (["android:apk-key-hash:", "https://app.example"], {}, "is no app"),
        (["android:apk-key-hash:" + "A" * 42, "https://app.example"], {}, "is no app"),
        (["android:apk-key-hash:" + "A" * 44, "https://app.example"], {}, "is no app"),
        (["android:apk-key-hash:" + "A" * 42 + "B", "https://app.example"], {}, "is no app"),
        (["android:apk-key-hash:" + "+" * 43, "https://app.example"], {}, "is no app"),
        (["android:apk-key-hash-sha256:" + "A" * 43, "https://app.example"], {}, "is no app"),
        (["ANDROID:apk-key-hash:" + "A" * 43, "https://app.example"], {}, "is no origin"),
        (["https://app.example", OTHER], {}, "related_origins=True"),
        (["https://app.example", "http://app.other.example"], {"related_origins": True}, "not https"),
        (["https://app.example", *(f"https://s{n}.example" for n in range(6))], {"related_origins": True}, "5 at most"),
        (["https://app.example"], {"related_origins": 1}, "True or False"),
        (["https://app.example"], {"passkey_endpoints": "yes"}, "True or False"),
    ],
)
def test_a_wrong_relying_party_stops_the_start(origins: list[str], more: dict[str, Any], told: str) -> None:
    """The message names the setting, the value and the fix."""
    with pytest.raises(SettingsError) as caught:
        world_of(RelyingParty(id="app.example", name="App", origins=origins, **more))
    assert [fault for fault in caught.value.faults if fault.startswith("relying_party.") and told in fault]


def test_five_domains_are_read() -> None:
    """The endings and the subdomains of one name count once."""
    origins = [f"https://{sub}.s{n}.{end}" for n in range(5) for sub in ("a", "b") for end in ("example", "test")]
    world_of(RelyingParty(id="a.s0.example", name="App", origins=origins, related_origins=True))


# -- one name for a person ---------------------------------------------------------------------------------------------


async def test_authenticators_know_a_person_by_one_name() -> None:
    """Two drafts at once, and one after a reset, have one user handle.

    So a password manager lists one account. Requirement S-78.
    """
    async with running(world_of(party())) as world:
        first, second = await world.browser(), await world.browser()
        handles = [
            (await browser.api("POST", "enroll", {"factor": "webauthn"})).json()["public_key"]["user"]["id"]
            for browser in (first, second)
        ]
        moment = world.engine.moment(actor="boss")
        key = (await world.account("ann")).key
        await world.engine.change(key, lambda account: reset(account, moment, ticket="T-1", reason="lost"))
        again = await world.browser()
        handles.append((await again.api("POST", "enroll", {"factor": "webauthn"})).json()["public_key"]["user"]["id"])
        other = await world.browser("bob")
        stranger = (await other.api("POST", "enroll", {"factor": "webauthn"})).json()["public_key"]["user"]["id"]
    assert len(set(handles)) == 1
    assert stranger not in handles
