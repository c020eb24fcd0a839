"""The question for a passkey as soon as the page is there (U-41)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.factors.passkey_checks import WebAuthnRules
from mfa_gate.testing import SoftKey
from mfa_gate.web.request import PageRequest
from tests.harness import ORIGIN, PAGE, make_world, running, with_rules


def policy(prompt: str) -> object:
    """Passkeys and apps, with the wish of the policy."""
    return with_rules(
        lambda r: replace(
            r,
            factors=replace(
                r.factors,
                allowed=("totp", "webauthn", "backup-code"),
                order=("webauthn", "totp"),
                options={"webauthn": WebAuthnRules(prompt=prompt)},  # type: ignore[arg-type]
            ),
        )
    )


@pytest.mark.parametrize("prompt", ["at-once", "button"])
async def test_the_browser_asks_at_once_where_a_passkey_was_used_last(prompt: str) -> None:
    """The mark stands on the page after a proof by a passkey here, and nowhere else."""
    async with running(make_world(policy=policy(prompt))) as world:  # type: ignore[arg-type]
        browser, key = await world.browser(), SoftKey(origin=ORIGIN)
        begun = (await browser.api("POST", "enroll", {"factor": "webauthn"})).json()
        made = {"enrollment": begun["enrollment"], "response": key.create(begun["public_key"])}
        id = (await browser.api("POST", "enroll/confirm", made)).json()["authenticator"]["id"]
        world.clock.advance(8 * 86_400)
        page = await browser.page(f"/mfa/challenge/{id}", headers=PAGE)
        elsewhere = await (await world.browser(sid="other")).page(f"/mfa/challenge/{id}", headers=PAGE)
    assert ("data-at-once" in page.text) is (prompt == "at-once")
    assert 'data-passkey="get"' in elsewhere.text
    assert "data-at-once" not in elsewhere.text


async def test_a_passkey_is_offered_beside_a_typed_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """The field of the app's code takes it.

    Those of a backup code and of the passkey itself do not.
    """
    views: list[Any] = []
    real = PageRequest.show

    def show(self: PageRequest, view: Any, **more: Any) -> Any:
        views.append(view)
        return real(self, view, **more)

    monkeypatch.setattr(PageRequest, "show", show)
    async with running(make_world(policy=policy("button"))) as world:  # type: ignore[arg-type]
        browser, key = await world.enrolled(), SoftKey(origin=ORIGIN)
        begun = (await browser.api("POST", "enroll", {"factor": "webauthn"})).json()
        made = {"enrollment": begun["enrollment"], "response": key.create(begun["public_key"])}
        id = (await browser.api("POST", "enroll/confirm", made)).json()["authenticator"]["id"]
        other = await world.browser(sid="other")
        for kind, offered in (("totp", id), ("backup-code", ""), ("webauthn", "")):
            assert (await other.page(f"/mfa/challenge/{await browser.authenticator(kind)}")).status == 200
            assert (views[-1].way.kind, views[-1].passkey) == (kind, offered)
