"""People are led on to a place on this site, whatever request was interrupted."""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit

import pytest

from mfa_gate.web.responses import leading
from mfa_gate.web.scope import safe_path
from tests.harness import FETCH, FORM, ORIGIN, PAGE, QUIET, Browser, Headers, Reply, World, call, http_scope

TRICKS = (
    "//evil.example",
    "//evil.example/records",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\\/evil.example",
    "\\/evil.example",
    "/\t/evil.example",
    "/\r\n/evil.example",
    "/\n//evil.example",
    "\t//evil.example",
    " //evil.example",
    "/ /evil.example",
    "/%2f/evil.example",
    "/%5cevil.example",
    "/%09/evil.example",
    "/.//evil.example",
    "/..//evil.example",
    "/x/..//evil.example",
    "https://evil.example",
    "https:evil.example",
    "https:/evil.example",
    "http://evil.example/",
    "//evil.example\\@localhost:8000/",
    "//localhost:8000@evil.example/",
    "/@evil.example",
    "//[::1]/",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\nscript:alert(1)",
    "data:text/html,x",
    "/records\r\nSet-Cookie: a=b",
    "/records\r\nLocation: https://evil.example",
    "/\u2028/evil.example",
    "/\uff0f/evil.example",
    "\uff0f\uff0fevil.example",
    "/\u3002evil.example",
    "/\x00/evil.example",
    "",
    "*",
    ".",
    "evil.example",
)
QUERIES = (
    "next=https://evil.example",
    "next=//evil.example",
    "url=javascript:alert(1)",
    "//evil.example",
    "\r\nSet-Cookie: a=b",
    "a=\\\\evil.example",
    "to=%2f%2fevil.example",
    "a" * 5000,
)


def is_here(location: str) -> bool:
    """Return true if a browser that is at the app stays there.

    The address is read as browsers read it, which is not as Python does.
    """
    if any(ord(char) < 33 or ord(char) > 126 for char in location):
        return False
    read = location.replace("\\", "/")
    target = urlsplit(urljoin(ORIGIN + "/mfa/challenge", read))
    return read.startswith("/") and not read.startswith("//") and f"{target.scheme}://{target.netloc}" == ORIGIN


def header_is_whole(reply: Reply) -> bool:
    """Return true if each header is one line of plain characters.

    Some servers would send any other as it is.
    """
    return all(value.isascii() and value.decode().isprintable() for _, value in reply.headers)


def links(reply: Reply) -> list[str]:
    """All that a page links or posts to, or loads; the empty icon aside."""
    return [link for link in re.findall(r'(?:href|action|src)="([^"#]+)', reply.text) if link != "data:,"]


async def led_to(world: World, browser: Browser, secret: str) -> Reply:
    """Answer the challenge by its form; where that leads."""
    world.clock.advance(30)
    browser.secret = secret
    id = await browser.authenticator("totp")
    reply = await browser.form(f"/mfa/challenge/{id}", {"code": browser.totp(), "remember": "1"})
    assert reply.status == 303, reply.text
    assert header_is_whole(reply)
    return reply


@pytest.mark.parametrize("path", TRICKS)
async def test_after_the_challenge(world: World, path: str) -> None:
    """The path that was asked for leads back to this site only, and no header can be split.

    Requirements S-101, S-102.
    """
    secret = (await world.enrolled()).secret
    pending = await world.browser()
    reply = await call(world.app, http_scope("GET", path, headers=[*PAGE, ("cookie", pending.cookie_header())]))
    assert (reply.status, reply.location) == (303, "/mfa/challenge")
    assert header_is_whole(reply)
    pending.take(reply)
    assert is_here((await led_to(world, pending, secret)).location)


@pytest.mark.parametrize("query", QUERIES)
async def test_after_the_challenge_with_a_query(world: World, query: str) -> None:
    """S-101: a query is led back to as it is or dropped; nothing in it is taken for a target."""
    secret = (await world.enrolled()).secret
    pending = await world.browser()
    scope = http_scope("GET", "/records", query=query.encode(), headers=[*PAGE, ("cookie", pending.cookie_header())])
    pending.take(await call(world.app, scope))
    location = (await led_to(world, pending, secret)).location
    assert is_here(location)
    assert urlsplit(location).path in ("/records", "/")


async def test_a_plain_place_is_kept(world: World) -> None:
    """An honest path and query are led back to.

    This is the other side: else the tests above would show nothing.
    """
    secret = (await world.enrolled()).secret
    pending = await world.browser()
    await pending.page("/records/7?sort=name&page=2")
    assert (await led_to(world, pending, secret)).location == "/records/7?sort=name&page=2#"


@pytest.mark.parametrize("name", ["referer", "hx-current-url"])
@pytest.mark.parametrize(
    "value",
    [
        "https://evil.example/records",
        "//evil.example",
        "http://localhost:8000//evil.example/x",
        "http://localhost:8000/\\evil.example",
        "http://localhost:8000/x?next=//evil.example",
        "javascript:alert(1)",
        "http://[",
        "http://localhost:8000@evil.example//evil.example",
        "http://localhost:8000/\t/evil.example",
        "\xff",
    ],
)
async def test_the_page_of_a_form(world: World, name: str, value: str) -> None:
    """After a form or a fragment the person is led back to its page, on this site.

    The browser names the page. A header that is no address makes no fault. Requirement U-71.
    """
    secret = (await world.enrolled()).secret
    for kind in ((), (("hx-request", "true"),)):
        pending = await world.browser()
        reply = await pending.ask("POST", "/records", headers=[*PAGE, *kind, (name, value)])
        assert reply.status in (303, 403)
        assert header_is_whole(reply)
        assert is_here((await led_to(world, pending, secret)).location)


FORGED: tuple[str, ...] = (
    "eyJ0byI6Ii8vZXZpbC5leGFtcGxlIn0=",
    "eyJ0byI6Ii8vZXZpbC5leGFtcGxlIn0=.",
    "eyJ0byI6Ii8vZXZpbC5leGFtcGxlIn0=.AAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "//evil.example",
)


@pytest.mark.parametrize("value", FORGED)
async def test_a_forged_note(world: World, value: str) -> None:
    """S-102: where somebody was going is signed; a forged note counts as none."""
    secret = (await world.enrolled()).secret
    pending = await world.browser()
    await pending.page("/records")
    note = next(name for name in pending.cookies if name.endswith("-to"))
    pending.cookies[note] = value
    assert (await led_to(world, pending, secret)).location == "/#"


async def test_the_note_of_another_user(world: World) -> None:
    """S-102: a note that was made for one user counts as none for another."""
    secret = (await world.enrolled()).secret
    bob = await world.browser("bob")
    await bob.page("/records/of-bob")
    value = next(value for name, value in bob.cookies.items() if name.endswith("-to"))
    pending = await world.browser()
    await pending.page("/records")
    pending.cookies[next(name for name in pending.cookies if name.endswith("-to"))] = value
    assert (await led_to(world, pending, secret)).location == "/#"


@pytest.mark.parametrize("field", ["next", "to", "return_to", "redirect", "url", "going", "continue"])
async def test_no_field_names_the_target(world: World, field: str) -> None:
    """S-102: neither a form field nor a query of our own pages says where it goes on."""
    secret = (await world.enrolled()).secret
    pending = await world.browser()
    world.clock.advance(30)
    pending.secret = secret
    id = await pending.authenticator("totp")
    path = f"/mfa/challenge/{id}?{field}=//evil.example"
    reply = await pending.form(path, {"code": pending.totp(), field: "https://evil.example"})
    assert (reply.status, reply.location) == (303, "/#")


@pytest.mark.parametrize("skip", ["/mfa/enroll", "/mfa/api/enroll/skip"])
async def test_after_skipping(world: World, skip: str) -> None:
    """S-101: putting enrollment off leads on no other way than a challenge does."""
    browser = await world.browser("new", "optional")
    pending = http_scope("GET", "//evil.example", headers=[*PAGE, ("cookie", browser.cookie_header())])
    browser.take(await call(world.app, pending))
    if skip.startswith("/mfa/api"):
        assert "evil" not in (await browser.api("POST", "enroll/skip", {})).text
        return
    reply = await browser.form(skip, {"action": "skip"})
    assert reply.status == 303
    assert is_here(reply.location)


SPLITS = ("x\r\nSet-Cookie: evil=1", "x\nX: y", "x\x00", "\u2028", "é", "//evil.example", "..", "\\\\evil.example", " ")


@pytest.mark.parametrize("name", SPLITS)
@pytest.mark.parametrize("page", ["challenge", "enroll"])
async def test_choosing_a_language_leads_nowhere_else(world: World, page: str, name: str) -> None:
    """The language switch redirects to the page it was used on, and its name splits no header.

    Requirement S-101.
    """
    await world.enrolled()
    pending = await world.browser()
    reply = await pending.page(f"/mfa/{page}/{name}?lang=en")
    assert header_is_whole(reply)
    assert reply.status in (303, 404)
    if reply.status == 303:
        assert is_here(reply.location)


@pytest.mark.parametrize("name", [*SPLITS, "\udcff", "%0d%0aX: y", "challenge/..", "a/b", "static/x", "api/x"])
async def test_an_address_with_a_foreign_note(world: World, name: str) -> None:
    """The text behind a note that is nobody's reaches no header as it is, and is no fault.

    Requirement S-101.
    """
    await world.enrolled()
    pending = await world.browser()
    for place in (f"~x/{name}", f"~x{name}/challenge", f"~x/challenge/{name}"):
        for headers in (PAGE, FETCH):
            reply = await pending.ask("GET", f"/mfa/{place}", headers=headers)
            assert header_is_whole(reply), place
            assert reply.status in (303, 404), place
            assert not reply.location or is_here(reply.location), place
            assert not reply.location or urljoin(ORIGIN, reply.location).startswith(f"{ORIGIN}/mfa/challenge"), place
    assert not world.kinds("gate.fault")


@pytest.mark.parametrize("page", ["", "/", "/challenge", "/challenge/", "/challenge/x", "/enroll/totp"])
async def test_a_foreign_note_leads_to_the_plain_page(world: World, page: str) -> None:
    """A page of ours is found although the note in its address is nobody's.

    This is the other side: else the test above would show nothing.
    """
    await world.enrolled()
    reply = await (await world.browser()).page(f"/mfa/~x{page}")
    assert (reply.status, reply.location) == (303, f"/mfa{page if page == '/' else page.rstrip('/')}")


@pytest.mark.parametrize("more", ["\r\nX: y", "\r\n\r\n", "....", "\x00", "é", "\u2028", "/..", " ", "=", "."])
async def test_a_note_counts_only_as_it_was_written(world: World, more: str) -> None:
    """S-25: a note with foreign characters does not open.

    Base64 skips them, so a link would carry them on.
    """
    await world.enrolled()
    ann = await world.browser()
    refused = await ann.ask("GET", "/records", headers=(*FETCH, ("referer", f"{ORIGIN}/records")))
    note = refused.json()["challenge_url"].split("/")[2]
    assert (await ann.page(f"/mfa/{note}/challenge")).status == 200
    for altered in (f"/mfa/{note}{more}/challenge", f"/mfa/{note[:9]}{more}{note[9:]}/challenge"):
        reply = await ann.page(f"{altered}?return_to=/records")
        assert header_is_whole(reply)
        assert (reply.status, reply.location) in ((303, "/mfa/challenge"), (404, ""))


@pytest.mark.parametrize("name", SPLITS)
async def test_the_return_address_of_a_script_splits_nothing(world: World, name: str) -> None:
    """S-101: the address without ``return_to`` is sent as one line, whatever stands in it."""
    await world.enrolled()
    pending = await world.browser()
    reply = await pending.page(f"/mfa/challenge/{name}?return_to=/records")
    assert header_is_whole(reply)
    assert reply.status in (303, 404)
    assert not reply.location or is_here(reply.location)


@pytest.mark.parametrize("text", [*TRICKS, *SPLITS, "\udcff", "\U0001f512", "\x7f", "\x85"])
def test_no_text_ends_the_header_of_an_address(text: str) -> None:
    """An address leaves in printable ASCII, and one that is so already leaves as it is."""
    _, value = leading(b"location", text)
    assert value.isascii()
    assert value.decode().isprintable()
    assert b" " not in value
    assert leading(b"location", value.decode())[1] == value


@pytest.mark.parametrize("path", ["//evil.example/x", "///evil.example", "/\\evil.example", "javascript:alert(1)"])
async def test_the_links_of_a_fault(world: World, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """S-101: the page that says "try again" links to a place on this site, or to nothing."""
    pending = await world.browser()

    def raises() -> None:
        raise OSError("gone")

    monkeypatch.setattr(world.store, "changed", raises)
    scope = http_scope("GET", path, headers=[*PAGE, ("cookie", pending.cookie_header())])
    reply = await call(world.app, scope)
    assert reply.status == 503
    found = links(reply)
    assert found
    assert all(is_here(link) for link in found)


@pytest.mark.parametrize(
    "path", ["/mfa//evil.example", "/mfa/\\evil.example", "/mfa/x\r\nA: b", "/mfa/challenge//evil.example"]
)
@pytest.mark.parametrize("headers", [PAGE, QUIET, (("accept", "*/*"),)])
async def test_the_links_of_our_own_pages(world: World, path: str, headers: Headers) -> None:
    """No page of ours links or posts to another site, at any address.

    Requirement S-101.
    """
    await world.enrolled()
    pending = await world.browser()
    for reply in (
        await pending.ask("GET", path, headers=headers),
        await pending.ask("POST", path, headers=[*headers, FORM, ("origin", ORIGIN)], body=b"csrf_token=x"),
    ):
        assert header_is_whole(reply)
        assert all(is_here(link) for link in links(reply))
        assert bool(links(reply)) == reply.header("content-type").startswith("text/html"), "a page has links to judge"


@pytest.mark.parametrize("path", [*TRICKS, *(f"/{trick}" for trick in TRICKS)])
def test_safe_path(path: str) -> None:
    """A kept place is on this site, for every trick of the table.

    Requirement S-101.
    """
    kept = safe_path(path)
    assert not kept or is_here(kept)


async def test_sign_in_is_the_hosts(world: World) -> None:
    """A stranger at one of our pages is led to the host's sign-in.

    The request cannot name another place.
    """
    reply = await Browser(world).page("/mfa/challenge?next=//evil.example")
    assert (reply.status, reply.location) == (303, "/login")
