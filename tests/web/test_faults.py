"""A page of the gate speaks the reader's language also if it says that something failed."""

from __future__ import annotations

import html
from dataclasses import replace
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from mfa_gate.core.rules import BrandRules
from mfa_gate.errors import StoreUnavailable
from mfa_gate.web.i18n import translator
from tests.harness import JSON, PAGE, Headers, call, http_scope, make_world, routes, running

from .phones import push_policy

AWAY, FAULT = "We can’t check your sign-in right now", "Something went wrong on our side"


@pytest.mark.parametrize("path", ["/records", "/mfa", "/mfa/challenge", "/mfa/admin/accounts"])
@pytest.mark.parametrize(("error", "title"), [(StoreUnavailable("gone"), AWAY), (RuntimeError("?"), FAULT)])
@pytest.mark.parametrize(
    ("lang", "sent"), [("de", ("accept-language", "de-AT,en;q=0.5")), ("ar", ("cookie", "mfa-lang=ar"))]
)
async def test_a_503_is_in_the_readers_language(
    path: str, error: Exception, title: str, lang: str, sent: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the browser's setting or by the language chosen before; no English title is left."""

    def raises(*_: object, **__: object) -> Any:
        raise error

    async with running(make_world()) as world:
        boss = await world.enrolled("boss", groups=["admin"])
        headers: Headers = [*PAGE, sent]
        if sent[0] == "cookie":
            headers = [*PAGE, ("cookie", f"{boss.cookie_header()}; {sent[1]}")]
        assert (await boss.page(path, headers=headers)).status != 503
        world.engine.forget_all()
        monkeypatch.setattr(world.store, "load", raises)
        monkeypatch.setattr(world.store, "changed", raises)
        reply = await boss.page(path, headers=headers)
    assert reply.status == 503
    assert f'lang="{lang}"' in reply.text
    said = translator(lang).gettext(title)
    assert said != title
    assert said in html.unescape(reply.text)
    assert title not in reply.text


async def test_the_pages_for_everybody_have_the_name_of_the_brand(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page of a fault and the page for phones are named like all other pages."""

    def raises(*_: object, **__: object) -> Any:
        raise RuntimeError("a fault")

    policy = push_policy()
    named = replace(policy.base, brand=BrandRules(name="Records of Acme"))
    world = make_world(policy=replace(policy, base=named))
    async with running(world):
        ann = await world.browser()
        assert "Records of Acme</bdi>" in (await ann.page("/mfa/approve")).text
        world.engine.forget_all()
        monkeypatch.setattr(world.store, "load", raises)
        reply = await ann.page("/records")
        assert reply.status == 503
        assert "Records of Acme</bdi>" in reply.text


@pytest.mark.parametrize(
    "accepts", [PAGE, [("accept", "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2")]], ids=["page", "java"]
)
async def test_a_json_call_never_gets_a_page(accepts: Headers, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that takes HTML as well reads a problem at a JSON call, whatever fails.

    Java says so in every request that names nothing. At all other addresses it gets a page.
    """

    def raises(*_: object, **__: object) -> Any:
        raise StoreUnavailable("gone")

    world = make_world()
    inside = Starlette(routes=[Mount("/t/{tenant}", app=world.app), *routes()])
    early = [("early-data", "1"), JSON, ("x-mfa-gate", "1")]
    async with running(world):
        ann = await world.enrolled()

        async def kind(method: str, path: str, *more: tuple[str, str], app: Any = inside) -> tuple[int, str]:
            sent = [*accepts, ("cookie", ann.cookie_header()), *more]
            reply = await call(app, http_scope(method, path, headers=sent), b"{}")
            return reply.status, reply.header("content-type").partition(";")[0]

        said, shown = "application/problem+json", "text/html"
        assert await kind("POST", "/t/x/mfa/api/verify", *early) == (425, said)
        assert await kind("POST", "/t/x/mfa/challenge", *early) == (425, shown)
        for path, media in (("/mfa/api/state", said), ("/mfa/~x/api/state", said), ("/mfa/~api/apix", shown)):
            assert await kind("GET", f"/t/..;x{path}") == (404, media)
        world.engine.forget_all()
        monkeypatch.setattr(world.store, "load", raises)
        monkeypatch.setattr(world.store, "changed", raises)
        for path, media in (
            ("/mfa/api/state", said),
            ("/mfa/~x/api/state", said),
            ("/mfa", shown),
            ("/api/records", shown),
        ):
            assert await kind("GET", path, app=world.app) == (503, media), path
