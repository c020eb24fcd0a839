"""The phone's page: in its organization's brand, installed first, honest about a lost key."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from mfa_gate import RelyingParty, Subject
from mfa_gate.core.model import replace as changed
from mfa_gate.core.rules import BrandRules
from mfa_gate.web.assets import asset_name, static_assets
from mfa_gate.web.brand_files import brand_names
from tests.harness import FETCH, JSON, ORIGIN, PAGE, Reply, World, call, http_scope, make_world, running

from .phones import Phone, begin, enrolled, push_policy

PURPLE = BrandRules(name="Clearview", accent="#6a1b9a")


def branded() -> World:
    """A world whose organization alpha has a brand of its own."""
    policy = push_policy()
    rules = replace(policy.base, brand=PURPLE)
    return make_world(policy=changed(policy, tenants={**policy.tenants, "alpha": rules}))


async def page_of(world: World, cookie: str = "", path: str = "") -> Reply:
    """Load the page, or its manifest, with a cookie."""
    headers = [*PAGE, ("cookie", cookie)] if cookie else PAGE
    return await call(world.app, http_scope("GET", f"/mfa/approve{path}", headers=headers))


async def scanned(world: World) -> tuple[Phone, str, str]:
    """Let a phone scan the picture. Returns the phone, the token, and the phone's cookie."""
    browser, phone = await world.browser(), Phone(world)
    uri = (await browser.api("POST", "enroll", {"factor": "push"})).json()["uri"]
    joined = await phone.join(uri)
    (header,) = [value.decode() for name, value in joined.headers if name == b"set-cookie"]
    assert "; Path=/mfa/approve; HttpOnly; SameSite=Lax; Max-Age=34560000" in header
    return phone, uri.rpartition("#e=")[2], header.partition(";")[0]


async def test_the_page_wears_the_brand_of_the_phones_organization() -> None:
    """Name, colors and icon are those that the person knows from the sign-in."""
    async with running(branded()) as world:
        _, _, cookie = await scanned(world)
        stranger, mine = await page_of(world), await page_of(world, cookie)
    sheet, icon = (brand_names(PURPLE)[name] for name in ("brand", "icon-180"))
    assert sheet not in stranger.text
    assert "data-known" not in stranger.text
    assert "data-worn" not in stranger.text
    assert f'<link rel="apple-touch-icon" href="/mfa/static/{icon}">' in mine.text
    assert sheet in mine.text
    assert "– Clearview</title>" in mine.text
    assert " data-known data-worn" in mine.text


async def test_the_cookie_is_kept_as_long_as_the_page_is_used() -> None:
    """Each visit gives it its whole life anew; one that we did not make is worth nothing."""
    async with running(branded()) as world:
        _, _, cookie = await scanned(world)
        assert any(name == b"set-cookie" for name, _ in (await page_of(world, cookie)).headers)
        for bad in (f"{cookie}x", "mfa-phone=alpha", "mfa-phone=", f"mfa-phone={'x' * 3000}"):
            reply = await page_of(world, bad)
            assert "data-known" not in reply.text
            assert reply.cookies == {}


async def test_an_installed_page_starts_with_the_token() -> None:
    """The manifest carries the token from the browser's storage to the installed page's."""
    async with running(branded()) as world:
        browser = await world.browser()
        uri = (await browser.api("POST", "enroll", {"factor": "push"})).json()["uri"]
        token = uri.rpartition("#e=")[2]
        carried = (await page_of(world, f"mfa-carry={token}", "/manifest.webmanifest")).json()
        page = await page_of(world, f"mfa-carry={token}")
    assert (carried["start_url"], carried["id"]) == (f"/mfa/approve#e={token}", "/mfa/approve")
    assert (carried["name"], carried["theme_color"]) == ("Clearview", "#6a1b9a")
    assert [icon["sizes"] for icon in carried["icons"]] == ["180x180", "192x192", "512x512"]
    assert {icon["type"] for icon in carried["icons"]} == {"image/png"}
    assert " data-worn" in page.text
    assert " data-known" not in page.text


@pytest.mark.parametrize("token", ["x y", "%22", "é", "a" * 901, "", "<b>", "abc"])
async def test_only_a_token_of_ours_is_carried(token: str) -> None:
    """Nothing else reaches the start address, and no brand is shown for it."""
    async with running(branded()) as world:
        reply = await page_of(world, f"mfa-carry={token}", "/manifest.webmanifest")
    assert (reply.json()["start_url"], reply.json()["name"]) == ("/mfa/approve", "Example")


async def test_a_phone_of_an_earlier_release_learns_its_brand() -> None:
    """The first answer to its script brings the cookie, and asks for the page again."""
    async with running(branded()) as world:
        browser, phone, id = await enrolled(world)
        await begin(browser, id)
        nonce = (await phone.post("nonce", {})).json()["nonce"]
        body = {"device": phone.device, "nonce": nonce, "signature": phone.sign("waiting", phone.device, nonce)}
        first = await phone.post("waiting", body)
        assert first.json()["worn"] is False
        (header,) = [value.decode() for name, value in first.headers if name == b"set-cookie"]
        headers = [*phone_headers(), ("cookie", header.partition(";")[0])]
        again = await phone.post("waiting", body, headers=headers)
        assert again.json()["worn"] is True
        assert not any(name == b"set-cookie" for name, _ in again.headers)


def phone_headers() -> list[tuple[str, str]]:
    """The headers of the page's script."""
    return [*FETCH, ("origin", ORIGIN), ("x-mfa-gate", "1"), JSON]


async def test_the_challenge_page_names_the_address_of_the_phones_page() -> None:
    """A person without a request on the phone reads the address to open."""
    async with running(branded()) as world:
        browser, _, id = await enrolled(world)
        await browser.page("/records", headers=PAGE)
        await browser.form(f"/mfa/challenge/{id}", {"action": "send"})
        page = await browser.page(f"/mfa/challenge/{id}")
        help = await browser.page(f"/mfa/challenge/help?way={id}")
    for text in (page.text, help.text):
        assert re.search(r'<a href="http://localhost:8000/mfa/approve"[^>]*>localhost:8000/mfa/approve</a>', text)


def test_the_phone_keeps_its_key_for_itself() -> None:
    """No script can read the key, and the browser is asked to keep it."""
    drawer = static_assets()[asset_name("approve-drawer.js")].content.decode()
    worker = static_assets()[asset_name("approve-worker.js")].content.decode()
    assert 'generateKey({ name: "ECDSA", namedCurve: "P-256" }, false' in drawer
    assert "navigator.storage.persist()" in drawer
    assert "navigate" not in worker


async def test_a_phone_of_a_forgotten_person_brings_no_line_back() -> None:
    """An installed page starts with its old token, also after its owner has left."""
    async with running(branded()) as world:
        browser, phone = await world.browser("ann.smith"), Phone(world)
        uri = (await browser.api("POST", "enroll", {"factor": "push"})).json()["uri"]
        assert (await phone.join(uri)).status == 201
        assert (await world.gate.forget(Subject("ann.smith", "alpha"))).pseudonym
        assert (await Phone(world).join(uri)).reason == "code_expired"
        lines = await world.store.links("alpha", limit=1_000)
    assert not [link for link in lines if "ann.smith" in link.line]


async def test_a_sibling_of_the_host_carries_no_token_here() -> None:
    """On https only a cookie counts that no other host of the site can set."""
    party = RelyingParty(id="app.example", name="Example", origins=["https://app.example"])
    policy = push_policy()
    world = make_world(
        policy=changed(policy, tenants={**policy.tenants, "alpha": replace(policy.base, brand=PURPLE)}),
        relying_party=party,
        public_url="https://app.example",
    )
    async with running(world):
        service = world.gate.service
        assert service.out_of_band is not None
        plain = json.dumps(["alpha", "ann", "secret"]).encode()
        token = service.engine.keyring.seal("token/join", plain, row=("join",), nonce=b"n" * 12)
        assert service.out_of_band.tenant_of(token) == "alpha"
        for scheme in ("http", "https"):
            for name, start in (("mfa-carry", "/mfa/approve"), ("__Host-mfa-carry", f"/mfa/approve#e={token}")):
                headers = [*PAGE, ("cookie", f"{name}={token}")]
                scope = http_scope("GET", "/mfa/approve/manifest.webmanifest", headers=headers)
                reply = await call(world.app, {**scope, "scheme": scheme})
                assert reply.json()["start_url"] == start
    script = static_assets()[asset_name("approve-join.js")].content.decode()
    assert '["__Host-", "/; Secure"]' in script


def test_an_address_writes_no_cookie_of_its_own() -> None:
    """The token of an address cannot add a domain or a path to the cookie."""
    script = static_assets()[asset_name("approve-join.js")].content.decode()
    assert "mfa-carry=${encodeURIComponent(token)};" in script
