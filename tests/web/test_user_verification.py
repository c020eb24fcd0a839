"""The demand for a verified user reaches the browser.

It goes from the endpoint, over the note of the way there, to the browser's options.
"""

from __future__ import annotations

from dataclasses import replace

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from mfa_gate import Subject, require_proof
from mfa_gate.testing.enrollment import enrolled
from tests.harness import FETCH, SECRET, Browser, World, log_in, make_world, with_rules

ANN = Subject("ann", "alpha")
KINDS = ("totp", "webauthn")


@require_proof(user_verification=True)
async def paid(request: Request) -> Response:
    """Need a verified user."""
    return PlainTextResponse(SECRET)


async def opened(request: Request) -> Response:
    """Answer; the endpoint needs any proof."""
    return PlainTextResponse(SECRET)


async def proven_by_app() -> tuple[Browser, World, str]:
    """Sign in, by the app, a person who has an app and a passkey.

    Returns the passkey's id too.
    """
    policy = with_rules(lambda rules: replace(rules, factors=replace(rules.factors, allowed=KINDS, order=KINDS)))
    routes = [Route("/pay", paid), Route("/x", opened), Route("/login", log_in, methods=["POST"])]
    world = make_world(policy=policy, app=Starlette(routes=routes))
    browser = await world.enrolled()
    made = await enrolled(world.gate, ANN, "webauthn")
    return browser, world, made.id


async def test_a_page_leads_to_the_passkey_alone() -> None:
    """The challenge offers only factors that can meet the demand.

    The page's script is told to have the user verified.
    """
    browser, _, id = await proven_by_app()
    assert (await browser.page("/x")).status == 200
    refused = await browser.page("/pay")
    assert refused.status == 303
    assert refused.location.endswith("/mfa/challenge")
    page = await browser.page("/mfa/challenge")
    assert page.status == 200
    assert "totp" not in page.text
    issued = await browser.api("POST", "challenge", {"authenticator": id})
    assert issued.json()["public_key"]["userVerification"] == "required"


async def test_a_program_is_told_and_says_it() -> None:
    """JSON: the problem has ``user_verification``, and the call for a challenge takes it."""
    browser, _, id = await proven_by_app()
    refused = await browser.ask("GET", "/pay", headers=FETCH)
    assert refused.status == 403
    assert refused.json()["user_verification"] is True
    usual = await browser.api("POST", "challenge", {"authenticator": id})
    assert usual.json()["public_key"]["userVerification"] == "preferred"
    strict = await browser.api("POST", "challenge", {"authenticator": id, "user_verification": True})
    assert strict.json()["public_key"]["userVerification"] == "required"
