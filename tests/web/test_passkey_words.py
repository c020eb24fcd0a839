"""Passkeys and phones that approve are refused in words of their own.

No code is typed for them, so none is spoken of.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from mfa_gate import Subject
from mfa_gate.core.rules import Policy
from mfa_gate.testing import enrolled
from mfa_gate.testing.enrollment import Enrolled
from tests.harness import Browser, World, make_world, running, with_rules

from . import phones


def policy() -> Policy:
    """Passkeys beside apps and mail."""
    allowed = ("webauthn", "totp", "email", "backup-code")
    return with_rules(
        lambda r: replace(r, factors=replace(r.factors, allowed=allowed, order=("webauthn", "totp", "email")))
    )


async def with_passkey(world: World, *more: str) -> tuple[Browser, Enrolled]:
    """Lead a person with a passkey, and factors ``more``, to the challenge."""
    ann = Subject("ann", "alpha", session="s-ann-alpha")
    made = await enrolled(world.gate, ann, "webauthn")
    for kind in more:
        await enrolled(world.gate, ann, kind)
    browser = await world.browser()
    assert (await browser.page("/records")).location == "/mfa/challenge"
    return browser, made


async def answered(browser: Browser, made: Enrolled) -> tuple[dict[str, Any], dict[str, Any]]:
    """A challenge and the right answer to it."""
    begun = (await browser.api("POST", "challenge", {"authenticator": made.id})).json()
    return begun, made.answer(begun["public_key"])


def bent(response: dict[str, Any]) -> dict[str, Any]:
    """The answer with another signature."""
    said = {**response["response"], "signature": "A" * 96}
    return {**response, "response": said}


def said(text: str) -> str:
    """Return the page's own summary of its problems."""
    found = re.search(r'id="errors".*?</div>', text, re.S)
    assert found is not None, text
    return found[0]


async def test_a_refused_passkey_is_no_code() -> None:
    """A passkey that is wrong, late, used before or unreadable is never called a code.

    This holds by page and by JSON.
    """
    world = make_world(policy=policy())
    async with running(world):
        browser, made = await with_passkey(world)
        place = f"/mfa/challenge/{made.id}"
        _, good = await answered(browser, made)
        page = await browser.form(place, {"code": json.dumps(bent(good))})
        assert page.status == 422
        assert "That passkey wasn’t accepted" in said(page.text)
        assert "code" not in said(page.text).replace("#code", "").lower()
        unread = await browser.form(place, {"code": "{"})
        assert "couldn’t read your browser’s answer" in said(unread.text)
        _, late = await answered(browser, made)
        world.clock.advance(301)
        assert "took too long" in said((await browser.form(place, {"code": json.dumps(late)})).text)
        for response in (bent((await answered(browser, made))[1]), late, "x"):
            refused = (await browser.api("POST", "verify", {"authenticator": made.id, "response": response})).json()
            assert refused["reason"] in ("wrong_code", "code_expired", "malformed")
            assert "code" not in (refused["title"] + refused["detail"]).lower(), refused


async def test_a_typed_code_is_still_one() -> None:
    """A typed code keeps its words."""
    world = make_world(policy=policy())
    async with running(world):
        browser, _ = await with_passkey(world, "totp")
        app = next(a for a in (await world.account()).authenticators if a.factor == "totp")
        refused = await browser.api("POST", "verify", {"authenticator": app.id, "response": "000000"})
        assert refused.json()["title"] == "That code isn’t right"
        page = await browser.form(f"/mfa/challenge/{app.id}", {"code": "000000"})
        assert "That code isn’t right" in said(page.text)


async def test_a_phone_that_approves_has_its_own_words() -> None:
    """A request that has ended is no code either."""
    world = phones.push_world()
    async with running(world):
        browser, _, id = await phones.enrolled(world)
        asked = (await browser.api("POST", "challenge", {"authenticator": id})).json()
        world.clock.advance(61)
        form = {"action": "check", "challenge": asked["challenge"]}
        page = await browser.form(f"/mfa/challenge/{id}", form)
        assert "no answer in time" in said(page.text)
        body = {"authenticator": id, "challenge": asked["challenge"], "response": ""}
        assert (await browser.api("POST", "verify", body)).json()["title"] == "That has expired"


@pytest.mark.parametrize("more", ["email", "totp"])
async def test_the_fields_of_codes_offer_passkeys(more: str) -> None:
    """The field of a code carries the token pair if a passkey may answer, too.

    Showing the page asks for nothing. Requirement U-42.
    """
    world = make_world(policy=policy())
    async with running(world):
        browser, made = await with_passkey(world, more)
        account = await world.account()
        other = next(a for a in account.authenticators if a.factor == more)
        if other.factor == "email":
            await browser.form(f"/mfa/challenge/{other.id}", {"action": "send"})
        page = await browser.page(f"/mfa/challenge/{other.id}")
        assert 'autocomplete="one-time-code webauthn"' in page.text
        assert f'data-conditional="/mfa/challenge/{made.id}"' in page.text
        assert not [c for c in (await world.account()).challenges if c.factor == "webauthn"]
        helped = await browser.page(f"/mfa/challenge/help?way={other.id}")
        assert helped.status == 200
        await answered(browser, made)
        assert f"/mfa/challenge/{other.id}" in (await browser.page(f"/mfa/challenge/help?way={other.id}")).text
        assert (await browser.page("/mfa/challenge/help?way=nobody&way=x&a=b&c=d&e=f&g=h")).status == 200
        await with_none(world)


async def with_none(world: World) -> None:
    """Without a passkey the field is a code's alone."""
    bob = await enrolled(world.gate, Subject("bob", "alpha"), "totp")
    browser = await world.browser("bob")
    await browser.page("/records")
    page = await browser.page(f"/mfa/challenge/{bob.id}")
    assert 'autocomplete="one-time-code"' in page.text
    assert "data-conditional" not in page.text
