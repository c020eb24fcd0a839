"""A page of the gate speaks the reader's language also if it says that something failed."""

from __future__ import annotations

import html
from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.rules import BrandRules
from mfa_gate.errors import StoreUnavailable
from mfa_gate.web.i18n import translator
from tests.harness import PAGE, Headers, make_world, running

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
