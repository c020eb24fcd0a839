"""A person in a browser reads a page at every address of the gate.

Programs get JSON there, or nothing.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from mfa_gate import RelyingParty
from mfa_gate.core.rules import RecoveryRules
from mfa_gate.core.spoken import Spoken
from mfa_gate.factors.backup_code import BackupCode
from mfa_gate.factors.totp import Totp
from mfa_gate.web import pages
from mfa_gate.web.assets import asset_name
from mfa_gate.web.i18n import translator
from mfa_gate.web.router import WITHOUT_SIGN_IN
from tests.harness import (
    FETCH,
    FORM,
    JSON,
    ORIGIN,
    PAGE,
    Browser,
    World,
    call,
    http_scope,
    make_world,
    routes,
    running,
    with_rules,
)

from .phones import push_policy

DEAD = (
    *("/approve/x", "/approve/nonce", "/approve/join", "/approve/", "/dispute/x", "/dispute/", "/health/x"),
    *("/hooks/x", "/hooks/", "/hooks/voice/x", "/hooks/signals", "/static/", "/static/none.css", "/static/brand.x.css"),
    *(
        "/nothing",
        "//",
        "/~x/challenge",
        "/challenge/x",
        "/enroll/x",
        "/admin/x",
        "/admin/accounts/x",
        "/admin/reports/x",
    ),
)
"""Addresses at which there is nothing, of every kind."""
LIVE = ("/approve", "/health", f"/static/{asset_name('mfa.js')}", "/static/brand.css")
WELL_KNOWN = ("/.well-known/webauthn", "/.well-known/passkey-endpoints")
NAVIGATION = [item for item in PAGE if item[0] != "accept"]
AS_BROWSERS_ASK = [*NAVIGATION, ("accept", "text/html,application/xhtml+xml,*/*;q=0.8"), ("accept-language", "de")]
LARGE = b"a=" + b"x" * 20_000
GERMAN = translator("de").gettext


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A host with phones, and documents for browsers."""
    told = Spoken(by={"en": "Call 4400.", "de": "Rufen Sie 4400 an."})
    policy = push_policy()
    base = replace(policy.base, recovery=RecoveryRules(contact=told))
    party = RelyingParty(id="localhost", name="Example", origins=[ORIGIN], related_origins=True, passkey_endpoints=True)
    async with running(make_world(policy=replace(policy, base=base), relying_party=party)) as made:
        yield made


async def readers(world: World) -> list[Browser]:
    """A stranger, a person, and an administrator."""
    return [Browser(world), await world.enrolled(), await world.enrolled("boss", groups=["admin"])]


def test_every_answerer_is_asked() -> None:
    """The addresses below have one of each kind that the gate answers."""
    for beginning in (*WITHOUT_SIGN_IN, *pages.ONE_OF):
        assert any(place.startswith(beginning) for place in (*DEAD, *LIVE)), beginning


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "HEAD"])
async def test_whatever_is_refused_is_a_page(world: World, method: str) -> None:
    """Its words are the reader's, it has a reference, and it leads on."""
    places = [*(f"/mfa{place}" for place in (*DEAD, *LIVE, *pages.PAGES)), *WELL_KNOWN]
    bodies = [(b"", FORM), (b"a=1", FORM), (LARGE, FORM), (b"{}", JSON)] if method == "POST" else [(b"", FORM)]
    for reader in await readers(world):
        for place in places:
            for body, media in bodies:
                headers = [*AS_BROWSERS_ASK, ("origin", ORIGIN), *([media] if body else [])]
                reply = await reader.ask(method, place, headers=headers, body=body, keep=False)
                case = (reader.id, method, place, body[:10], reply.status, reply.text[:200])
                if reply.status < 400:
                    assert reply.status in (200, 303), case
                    continue
                assert reply.header("content-type") == "text/html; charset=utf-8", case
                if method == "HEAD":
                    continue
                assert '<html lang="de"' in reply.text, case
                if 'id="errors"' in reply.text:  # the form itself, with what was wrong
                    continue
                assert re.search(r"[A-Z0-9]{10}</code>", reply.text), case
                main = reply.text.partition("<main")[2].partition("</main>")[0]
                assert "<a class=" in main or "Rufen Sie 4400 an." in main, case


@pytest.mark.parametrize("place", ["/approve/x", "/static/none.css", "/hooks/voice/x"])
async def test_programs_get_what_they_got(world: World, place: str) -> None:
    """A script and a provider read a problem or nothing, with the same status."""
    for headers in ([*FETCH], [("accept", "*/*")], [("accept", "application/json")]):
        reply = await Browser(world).ask("GET", f"/mfa{place}", headers=headers)
        assert reply.status in (404, 405)
        assert reply.header("content-type") in ("application/problem+json", "")
        shown = await Browser(world).ask("GET", f"/mfa{place}", headers=AS_BROWSERS_ASK)
        assert (shown.status, shown.header("allow")) == (reply.status, reply.header("allow"))


async def test_a_dead_link_of_a_phone(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """The page leads to the phone's own, and the log has no word of the link."""
    with caplog.at_level("INFO", logger="mfa_gate"):
        reply = await Browser(world).ask("GET", "/mfa/approve/c2VjcmV0", headers=AS_BROWSERS_ASK)
    assert reply.status == 404
    assert f"<h1>{GERMAN('Page not found')}</h1>" in reply.text
    assert 'href="/mfa/approve">' in reply.text
    assert "GET /mfa/approve is refused: not_found" in caplog.text
    assert "c2VjcmV0" not in caplog.text


async def test_the_way_on_is_none_to_the_same_dead_page() -> None:
    """Without phones the page of a phone leads to the app."""
    kinds = ("totp", "backup-code")
    few = with_rules(lambda r: replace(r, factors=replace(r.factors, allowed=kinds, order=kinds[:1])))
    async with running(make_world(factors=[Totp(), BackupCode()], policy=few)) as world:
        reply = await Browser(world).ask("GET", "/mfa/approve", headers=PAGE)
        assert reply.status == 404
        assert 'href="/">' in reply.text


async def test_the_pages_for_everybody_say_whom_to_ask(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that knows no visitor has the policy's contact, in the reader's language."""

    def raises(*_: object, **__: object) -> None:
        raise RuntimeError("a fault")

    ann = await world.enrolled(tenant="gamma")
    world.engine.forget_all()
    monkeypatch.setattr(world.store, "load", raises)
    reply = await ann.page("/records", headers=AS_BROWSERS_ASK)
    assert reply.status == 503
    assert "Rufen Sie 4400 an." in reply.text


async def test_below_a_root_without_addresses() -> None:
    """No address can be built there: a person reads a page without one."""
    world = make_world()
    inside = Starlette(routes=[Mount("/t/{tenant}", app=world.app), *routes()])
    async with running(world):
        ann = await world.enrolled()
        for path in ("/t/..;x/mfa/challenge", "/t/..;x/mfa/nothing", "/t/..;x/records"):
            sent = [*AS_BROWSERS_ASK, ("cookie", ann.cookie_header())]
            if path.endswith("records"):
                world.clock.advance(8 * 86_400)
            page = await call(inside, http_scope("GET", path, headers=sent))
            assert (page.status, page.header("content-type")) == (404, "text/html; charset=utf-8"), path
            assert 'lang="de"' in page.text
            assert f"<h1>{GERMAN('Not found')}</h1>" in page.text
            assert "href" not in page.text
            assert page.header("location") == ""
            told = await call(inside, http_scope("GET", path, headers=[*FETCH, ("cookie", ann.cookie_header())]))
            assert (told.status, told.reason) == (404, "not_found"), path
