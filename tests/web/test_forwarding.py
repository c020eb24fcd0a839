"""Other headers of proxies are off until named, and believed from trusted proxies alone."""

from __future__ import annotations

from typing import Any

import pytest

from mfa_gate.errors import SettingsError
from mfa_gate.stores.memory import MemoryStore
from mfa_gate.web.callers import Callers
from tests.harness import FETCH, PAGE, Browser, Reply, World, http_scope, make_world, running

PROXY, HOME, AWAY = "10.0.0.5", "203.0.113.7", "198.51.100.99"
TOLD = {
    "Forwarded": 'for="{0}:4711";proto=https',
    "CF-Connecting-IP": "{0}",
    "X-Real-IP": "{0}",
    "X-Forwarded-For": "{0}",
}
LIED = {"forwarded": f"for={AWAY}", "cf-connecting-ip": AWAY, "x-real-ip": AWAY, "x-forwarded-for": AWAY}


def behind(**more: Any) -> World:
    """An app behind one proxy."""
    return make_world(trusted_proxies=[PROXY], **more)


def address_in(world: World, peer: str, headers: list[tuple[str, str]]) -> str:
    """The client's address, as the gate reads it."""
    return world.gate.web.callers.address(http_scope("GET", "/", headers=headers, address=peer))


@pytest.mark.parametrize("name", TOLD)
async def test_the_named_header_is_read(name: str) -> None:
    """A proof is bound to the address that the proxy tells there, and to no other."""
    async with running(behind(address_header=name)) as world:
        ann = await world.browser()

        async def ask(address: str) -> Reply:
            headers = [*FETCH, (name, TOLD[name].format(address))]
            return await ann.ask("GET", "/records", headers=headers, address=PROXY)

        ann.address = HOME
        await ann.enroll()
        assert (await ask(HOME)).status == 200
        assert (await ask(HOME)).status == 200
        assert (await ask(AWAY)).status == 403


@pytest.mark.parametrize("name", TOLD)
def test_no_other_header_is_read(name: str) -> None:
    """A client that writes all of them is still at the address that the named one tells."""
    world = behind(address_header=name)
    lies = [(header, value) for header, value in LIED.items() if header != name.lower()]
    told = (name.lower(), TOLD[name].format(HOME))
    assert address_in(world, PROXY, [*lies, told]) == HOME
    assert address_in(world, HOME, [*lies, (name.lower(), TOLD[name].format(AWAY))]) == HOME


@pytest.mark.parametrize("trusted", [[], [PROXY]])
def test_all_are_off_by_default(trusted: list[str]) -> None:
    """Without the option a client that sends them has the address of its socket."""
    world = make_world(trusted_proxies=trusted)
    lies = [(header, value) for header, value in LIED.items() if header != "x-forwarded-for"]
    assert address_in(world, HOME, [*lies, ("x-forwarded-for", AWAY)]) == HOME
    assert address_in(world, PROXY, lies) == PROXY


@pytest.mark.parametrize("name", ["Forwarded", "CF-Connecting-IP"])
async def test_a_proxy_that_does_not_tell_is_nobodys_address(name: str) -> None:
    """Its own address would be everybody's: the client is unknown, and asked each time."""
    world = behind(address_header=name)
    assert address_in(world, PROXY, [("x-forwarded-for", HOME)]) == ""
    if name != "Forwarded":
        assert address_in(world, PROXY, [(name.lower(), HOME), (name.lower(), HOME)]) == ""


def test_the_header_of_one_address_is_no_list() -> None:
    """Two addresses in it mean that somebody else wrote one: the client is unknown."""
    world = behind(address_header="CF-Connecting-IP")
    assert address_in(world, PROXY, [("cf-connecting-ip", f"{AWAY}, {HOME}")]) == ""


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"address_header": "Forwarded"}, "trusted_proxies"),
        ({"address_header": "CF-Connecting-IP"}, "trusted_proxies"),
        ({"forwarded_prefix": True}, "trusted_proxies"),
        ({"address_header": "a b", "trusted_proxies": [PROXY]}, "must be the name of one header"),
        ({"address_header": "", "trusted_proxies": [PROXY]}, "must be the name of one header"),
        ({"address_header": ["Forwarded"], "trusted_proxies": [PROXY]}, "must be the name of one header"),
        ({"forwarded_prefix": "/app", "trusted_proxies": [PROXY]}, "True or False"),
    ],
)
def test_a_wrong_setting_stops_the_start(more: dict[str, Any], told: str) -> None:
    """The message names the option, its value and the fix."""
    name = "forwarded_prefix" if "forwarded_prefix" in more else "address_header"
    with pytest.raises(SettingsError, match=f"{name}=.*{told}"):
        make_world(**more)


# -- the prefix --------------------------------------------------------------------------------------------------------


async def prefixed(world: World, path: str, *told: str, peer: str = PROXY, **more: Any) -> Reply:
    """A page load whose proxy has taken a prefix off."""
    browser = await world.browser("bob")
    headers = [*PAGE, *(("x-forwarded-prefix", value) for value in told), ("x-forwarded-for", HOME)]
    return await browser.ask("GET", path, headers=headers, address=peer, **more)


@pytest.mark.parametrize("told", ["/app", "/app/", " /app "])
async def test_the_prefix_stands_before_every_address(told: str) -> None:
    """Redirects, documents, pages, and the link of a mail later on."""
    async with running(behind(forwarded_prefix=True)) as world:
        assert (await prefixed(world, "/records?page=2", told)).location == "/app/mfa/enroll"
        page = await prefixed(world, "/mfa/enroll", told)
        assert 'href="/app/mfa/static/' in page.text
        assert 'href="/mfa' not in page.text
        assert "/app/logout" in page.text
        assert world.engine.own_address.root == "/app"
        stranger = await Browser(world).ask("GET", "/mfa", headers=[*PAGE, ("x-forwarded-prefix", told)], address=PROXY)
        assert stranger.location == "/app/login"


async def test_the_prefix_stands_before_the_servers_own_root() -> None:
    """A mount inside of the proxied app: the browser sees both."""
    async with running(behind(forwarded_prefix=True)) as world:
        led = await prefixed(world, "/sub/records", "/app", root_path="/sub")
        assert led.location == "/app/sub/mfa/enroll"


async def test_the_policy_and_the_app_see_the_path_without_it() -> None:
    """An app path that begins like the prefix is not cut: ``/open`` stays exempt."""
    async with running(behind(forwarded_prefix=True)) as world:
        assert (await prefixed(world, "/open/door", "/open")).status == 200
        assert world.reached[-1][2] == "/open/door"
        assert (await prefixed(world, "/door", "/open")).location == "/open/mfa/enroll"
        assert (await prefixed(world, "/open/mfa/x", "/records")).status == 404


async def test_the_person_returns_below_the_prefix() -> None:
    """The wanted page, and the way back from a demand of an endpoint, have the prefix."""
    async with running(behind(forwarded_prefix=True)) as world:
        ann = await world.enrolled(address=HOME)
        world.clock.advance(8 * 86_400)
        told = [*PAGE, ("x-forwarded-prefix", "/app"), ("x-forwarded-for", HOME)]
        assert (await ann.ask("GET", "/records?page=2", headers=told, address=PROXY)).location == "/app/mfa/challenge"
        done = await ann.form(f"/mfa/challenge/{await ann.authenticator('totp')}", {"code": ann.totp()})
        assert done.location == "/app/records?page=2#"


@pytest.mark.parametrize("more", [{}, {"forwarded_prefix": True}])
async def test_a_client_that_writes_a_prefix_is_not_believed(more: dict[str, Any]) -> None:
    """Off, or from a peer that is no proxy of ours: nothing of it leaves."""
    async with running(behind(**more)) as world:
        peer = HOME if more else PROXY
        assert (await prefixed(world, "/records", "/evil", peer=peer)).location == "/mfa/enroll"
        assert "/evil" not in (await prefixed(world, "/mfa/enroll", "/evil", peer=peer)).text
        assert world.engine.own_address.root == ""


@pytest.mark.parametrize(
    "told",
    [
        ("/app", "/app"),
        ("/app", "/evil"),
        ("//evil.example",),
        ("/\\evil.example",),
        ("/a/../b",),
        ("/a b",),
        ("/a,/b",),
        ("/a, /b",),
        ("app",),
        ("https://evil.example",),
        ("/a%2fb",),
        ("/a;b",),
        ("/münchen",),
        ("/a?b",),
        ("/a#b",),
    ],
)
@pytest.mark.parametrize("path", ["/records", "/mfa/enroll", "/mfa"])
async def test_a_prefix_that_is_no_plain_path_is_refused(told: tuple[str, ...], path: str) -> None:
    """Nothing of the gate is sent below it, as below any other impossible root (S-101)."""
    async with running(behind(forwarded_prefix=True)) as world:
        reply = await prefixed(world, path, *told)
        assert reply.status == 404
        assert "evil" not in reply.text + str(reply.headers)
        assert world.engine.own_address.root is None


def test_nothing_is_read_where_nothing_is_named() -> None:
    """The default costs no request anything: the headers are not looked for."""
    callers = make_world(store=MemoryStore()).gate.web.callers
    assert isinstance(callers, Callers)
    assert not callers.reads_prefix
    assert callers.told_in == b"x-forwarded-for"
