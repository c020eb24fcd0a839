"""Addresses that leave are built from quoted parts, and never from a visitor's text.

A success ends in a fragment of its own.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest

from tests.harness import FETCH, ORIGIN, PAGE, Browser, World, call, http_scope, make_world, socket_scope

HOSTILE = (
    "/\\evil.example",
    "/\\\\evil.example",
    "//evil.example",
    "/%5Cevil.example",
    "/\tevil.example",
    "/a\r\nset-cookie: x=y",
    "/\x00",
    "/a b",
    "/a;b",
    "/..",
    "/.",
    "/a/../b",
    "/\u2028",
    "/\u200e",
    "/\x7f",
)
HTMX = (("hx-request", "true"), ("sec-fetch-mode", "cors"), ("sec-fetch-site", "same-origin"))


async def outer(
    world: World, root: str, path: str, headers: Any, *, method: str = "GET", cookies: dict[str, str]
) -> Any:
    """A request below ``Mount("/{org}")``, whose parameter is ``root``."""
    sent = [*headers, ("cookie", "; ".join(f"{name}={value}" for name, value in cookies.items()))]
    return await call(world.app, http_scope(method, root + path, headers=sent, root_path=root))


def leads_home(place: str) -> bool:
    """Return true if a browser that is led to ``place`` stays on this site."""
    url = urlsplit(urljoin(ORIGIN + "/x", place.replace("\\", "/").replace("\t", "")))
    return f"{url.scheme}://{url.netloc}" == ORIGIN


@pytest.mark.parametrize("root", HOSTILE)
async def test_no_hostile_root_leaves(root: str) -> None:
    """A root that no clean path could have is refused: no header and no document names it."""
    world = make_world()
    browser = await world.browser()
    for headers in (PAGE, FETCH, HTMX, (("authorization", "Bearer x"),)):
        for path in ("/records", "/mfa", "/mfa/challenge", "/mfa/api/state", "/mfa/approve", "/mfa/dispute/x"):
            reply = await outer(world, root, path, headers, cookies=browser.cookies)
            assert reply.status == 404, (headers, path)
            is_page = headers is PAGE and path != "/mfa/api/state"
            assert (reply.reason == "not_found") is not is_page, (headers, path)
            assert (b"<h1>Not found</h1>" in reply.body) is is_page, (headers, path)
            told = b"".join(name + value for name, value in reply.headers) + reply.body
            assert b"evil" not in told, (headers, path)
            assert not world.reached, (headers, path)


@pytest.mark.parametrize("root", HOSTILE)
async def test_no_hostile_root_leaves_a_websocket(root: str) -> None:
    """The refusal of a websocket names no address there either."""
    world = make_world()
    browser = await world.browser()
    scope = socket_scope(root + "/chat", headers=[("cookie", browser.cookie_header())])
    reply = await call(world.app, {**scope, "root_path": root})
    assert reply.reason == "not_found"
    assert not world.reached


@pytest.mark.parametrize(
    ("root", "quoted"), [("/acme", "/acme"), ("/münchen", "/m%C3%BCnchen"), ("/a'b\"c", "/a'b%22c")]
)
async def test_a_root_is_quoted(root: str, quoted: str) -> None:
    """Roots in any script lead to the same place in headers, documents and pages.

    Such roots are names of organizations.
    """
    world = make_world()
    browser = await world.browser()
    page = await outer(world, root, "/records", PAGE, cookies=browser.cookies)
    assert page.location == f"{quoted}/mfa/enroll"
    asked = await outer(world, root, "/records", FETCH, cookies=browser.cookies)
    assert asked.json()["challenge_url"] == f"{quoted}/mfa/enroll"
    htmx = await outer(world, root, "/records", HTMX, cookies=browser.cookies)
    assert htmx.header("hx-redirect") == f"{quoted}/mfa/enroll"
    shown = await outer(world, root, "/mfa/enroll", PAGE, cookies=browser.cookies)
    assert shown.status == 200
    links = re.findall(r'(?:href|src|action)="(/[^"]*)"', shown.text)
    assert links
    assert all(leads_home(link) for link in links)
    assert any(link.startswith(f"{quoted.replace(chr(39), '&#39;')}/mfa/") for link in links)


async def test_a_proven_person_is_not_refused_for_a_root() -> None:
    """A proven person is not refused for a root that makes no address.

    Only the gate's own answers need an address. The app's own pages are the app's matter.
    """
    world = make_world()
    browser = await world.enrolled()
    reply = await outer(world, "/a b", "/records", FETCH, cookies=browser.cookies)
    assert reply.status == 200


# -- what a success leads to -------------------------------------------------------------------------------------------


async def challenged(world: World, wanted: str) -> Browser:
    """Make a browser that was interrupted on its way to ``wanted``.

    Its person has an authenticator app.
    """
    first = await world.enrolled()
    browser = await world.browser()
    browser.secret = first.secret
    assert (await browser.ask("GET", wanted)).status == 303
    world.clock.advance(30)
    return browser


async def test_a_success_ends_in_a_fragment_of_its_own() -> None:
    """A success does not take the form's ``#errors`` along to the page that was wanted.

    A missing fragment is kept by browsers (Fetch 4.5), so a success has one of its own.
    """
    world = make_world()
    browser = await challenged(world, "/records?page=2")
    id = await browser.authenticator("totp")
    done = await browser.form(f"/mfa/challenge/{id}", {"code": browser.totp(), "action": "check"})
    assert (done.status, done.location) == (303, "/records?page=2#")


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("/inbox/7?x=1", "/inbox/7?x=1"),
        ("!/a%20b", "!/a%20b"),
        ("", ""),
        ("a b", ""),
        ("a\r\nset-cookie: x=y", ""),
        ("\u00e9", ""),
        ('"><script>', ""),
        ("#x", ""),
        ("a" * 2000, ""),
    ],
)
async def test_the_fragment_that_our_script_kept_goes_on(sent: str, kept: str) -> None:
    """The script on our page sends it along; only plain characters go into the address."""
    world = make_world()
    browser = await challenged(world, "/records?page=2")
    id = await browser.authenticator("totp")
    done = await browser.form(f"/mfa/challenge/{id}", {"code": browser.totp(), "fragment": sent})
    assert (done.status, done.location) == (303, f"/records?page=2#{kept}")


async def test_a_fragment_without_a_wanted_page_goes_nowhere() -> None:
    """At home there is nothing that it belongs to."""
    world = make_world(home="/#/home")
    first = await world.enrolled()
    browser = await world.browser()
    browser.secret = first.secret
    world.clock.advance(30)
    id = await browser.authenticator("totp")
    done = await browser.form(f"/mfa/challenge/{id}", {"code": browser.totp(), "fragment": "/x"})
    assert (done.status, done.location) == (303, "/#/home")


@pytest.mark.parametrize(
    "wanted",
    [
        "/records?redirect_uri=https://client.example/cb",
        "/records?redirect_uri=https%3A%2F%2Fclient.example%2Fcb",
        "/records?redirect_uri=com.example.app%3A%2Fcb&state=1",
        "/records?client_id=abc&response_type=code",
        "/records?SAMLRequest=abc",
        "/records?wtrealm=urn%3Ax",
        "/records?service=https://client.example",
        "/authorize",
        "/o/OAuth2/v2/auth?id=1",
    ],
)
async def test_a_page_that_may_lead_to_another_origin_is_gone_to_from_one_of_ours(wanted: str) -> None:
    """A wanted page that may lead to another origin is reached from a page of ours.

    Browsers hold a form's redirects to ``form-action``, which names this site alone. So a page of ours goes on instead.
    """
    world = make_world()
    browser = await challenged(world, wanted)
    id = await browser.authenticator("totp")
    done = await browser.form(f"/mfa/challenge/{id}", {"code": browser.totp(), "action": "check"})
    assert done.status == 200
    assert not done.location
    assert done.header("refresh") == f"0;url={wanted}"
    assert f'href="{wanted.replace("&", "&amp;")}"' in done.text
    assert "You’re confirmed" in done.text
    assert await browser.is_in()


# -- other sites, and early data ---------------------------------------------------------------------------------------


def navigation(site: str | None) -> list[tuple[str, str]]:
    """A page load that began at ``site``."""
    rest = [(name, value) for name, value in PAGE if name != "sec-fetch-site"]
    return rest if site is None else [*rest, ("sec-fetch-site", site)]


@pytest.mark.parametrize(
    ("site", "early", "sent"),
    [
        ("same-origin", False, 1),
        ("none", False, 1),
        ("cross-site", False, 0),
        ("same-site", False, 0),
        (None, False, 0),
        ("none", True, 0),
    ],
)
@pytest.mark.parametrize("path", ["/mfa/challenge", "/mfa/challenge/{id}"])
async def test_only_a_persons_own_way_sends_a_code(path: str, site: str | None, early: bool, sent: int) -> None:
    """Another site's link shows the page with its button and sends no code.

    Nor does a replay of the first packets send one.
    """
    world = make_world()
    first = await world.browser()
    id = await first.enroll_email()
    browser = await world.browser()
    await browser.ask("GET", "/records")
    world.email.messages.clear()
    world.clock.advance(60)
    headers = navigation(site) + ([("early-data", "1")] if early else [])
    page = await browser.page(path.format(id=id), headers=headers)
    assert page.status == 200
    assert len(world.email.codes) == sent
    assert re.search(r'<button[^>]+name="action" value="send"', page.text)
    if not sent:
        await browser.form(f"/mfa/challenge/{id}", {"action": "send"})
        assert len(world.email.codes) == 1


EARLY = (
    [("early-data", "1")],
    [("early-data", "1"), ("early-data", "1")],
    [("early-data", "1, 1")],
    [("early-data", "")],
)


@pytest.mark.parametrize("early", EARLY)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/mfa/challenge"),
        ("POST", "/mfa/api/verify"),
        ("DELETE", "/mfa/api/browsers/x"),
        ("POST", "/mfa/dispute/x"),
        ("POST", "/mfa/approve/state"),
        ("POST", "/mfa/hooks/voice/x"),
        ("POST", "/mfa/nowhere"),
    ],
)
@pytest.mark.parametrize("headers", [PAGE, FETCH])
async def test_no_change_comes_early(method: str, path: str, early: Any, headers: Any) -> None:
    """No change is made by early data, at any address of ours (RFC 8470, 5.1).

    The number of the headers and their values do not matter. Requirement S-19.
    """
    world = make_world()
    browser = await world.browser()
    reply = await browser.ask(method, path, headers=[*headers, *early, ("x-mfa-gate", "1")])
    assert reply.status == 425
    assert (await browser.ask("GET", "/mfa/api/state", headers=[*FETCH, *early])).status == 200
