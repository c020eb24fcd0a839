"""The ``challenge_url`` of a refusal, which leads on and back to the page (V-7)."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from mfa_gate import require_proof
from mfa_gate.core.model import Seconds
from mfa_gate.core.rules import PathRule, Rules, StepUpRule
from mfa_gate.identity import BearerJWT, FirstOf, SessionUser
from tests.harness import (
    FETCH,
    ORIGIN,
    PAGE,
    Browser,
    Reply,
    World,
    make_world,
    routes,
    running,
    socket_scope,
    with_rules,
)
from tests.harness import call as call_app

SPA = "http://localhost:5173"
HTMX = (*FETCH, ("hx-request", "true"))
RULES = (
    StepUpRule(name="pay", paths=(PathRule(text="/files/**"),), max_age=Seconds(300)),
    StepUpRule(name="mail", paths=(PathRule(text="=/records/mail"),), factors_any=("email",), max_age=Seconds(300)),
)


def stricter(rules: Rules) -> Rules:
    """One place wants a young proof, another one a proof by e-mail."""
    return replace(rules, step_up=RULES)


@require_proof("5m")
async def pay(request: Request) -> Response:
    """An endpoint with a demand of its own."""
    return PlainTextResponse("paid")


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A host with demands of the policy and of an endpoint, and a front end on another origin."""
    from starlette.applications import Starlette

    app = Starlette(routes=[Route("/pay", pay, methods=["GET", "POST"]), *routes()])
    async with running(make_world(policy=with_rules(stricter), app=app, api_origins=[SPA])) as made:
        yield made


def came_from(page: str) -> tuple[tuple[str, str], ...]:
    """The headers of a fetch by the script of a page."""
    return (*FETCH, ("referer", f"{ORIGIN}{page}"))


async def refused(browser: Browser, path: str, page: str = "", *, method: str = "POST") -> Reply:
    reply = await browser.ask(method, path, headers=came_from(page) if page else FETCH)
    assert (reply.status, reply.reason) == (403, "proof_required")
    return reply


def action_of(text: str) -> str:
    """Find the address of the form for a code."""
    found = re.search(r'<form id="answer" method="post" action="([^"#]+)#errors"', text)
    assert found is not None, text
    return found[1]


def token_of(text: str) -> str:
    """The token of the page's form."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', text)
    assert found is not None
    return found[1]


async def answer(browser: Browser, shown: Reply, code: str) -> Reply:
    """Fill in the form of a page that was shown, as its browser sends it."""
    return await browser.form(
        action_of(shown.text), {"code": code, "asked": "1", "remember": "yes"}, token=token_of(shown.text)
    )


@pytest.mark.parametrize("path", ["/files/plan", "/pay"])
@pytest.mark.parametrize("plain", [False, True], ids=["the form's address", "the plain address"])
async def test_a_step_up_is_answered_and_leads_back(world: World, path: str, plain: bool) -> None:
    """The page asks, although the general proof is good, and goes back to the script's page."""
    ann = await world.enrolled()
    world.clock.advance(301)
    url = (await refused(ann, path, "/records?tab=2")).json()["challenge_url"]
    shown = await ann.page(url)
    assert shown.status == 200
    assert 'name="code"' in shown.text
    if plain:
        done = await ann.form(f"/mfa/challenge/{await ann.authenticator('totp')}", {"code": ann.totp()})
    else:
        done = await answer(ann, shown, ann.totp())
    assert (done.status, done.location) == (303, "/records?tab=2#")
    assert (await ann.ask("GET", path, headers=FETCH)).status == 200


async def test_a_missing_proof_leads_back(world: World) -> None:
    """The same where nothing was proven yet."""
    ann = await world.enrolled()
    other = await world.browser(sid="again")
    other.secret = ann.secret
    world.clock.advance(30)
    shown = await other.page((await refused(other, "/records", "/records/7")).json()["challenge_url"])
    done = await answer(other, shown, other.totp())
    assert (done.status, done.location) == (303, "/records/7#")


async def test_a_first_enrollment_leads_back(world: World) -> None:
    """The pages of a first enrollment know the way back as well."""
    ann = await world.browser()
    url = (await refused(ann, "/records", "/records/7")).json()["challenge_url"]
    shown = await ann.page(url)
    assert shown.status == 200
    (place,) = set(re.findall(r'action="([^"#]+/enroll/totp)#errors"', shown.text))
    begun = await ann.form(place, {"action": "start"}, token=token_of(shown.text) if "csrf" in shown.text else "")
    page = await ann.page(begun.location.split("#")[0])
    ann.secret = re.findall(r'id="key" dir="ltr">([^<]+)<', page.text)[0].replace(" ", "")
    draft = re.findall(r'name="enrollment" value="([^"]+)"', page.text)[0]
    done = await ann.form(place, {"enrollment": draft, "code": ann.totp()}, token=token_of(page.text))
    assert done.status == 303
    codes = await ann.page(done.location.split("#")[0])
    saved = await ann.form(
        re.findall(r'action="([^"#]+/backup-codes)#errors"', codes.text)[0],
        {"action": "saved", "saved": "yes"},
        token=token_of(codes.text),
    )
    assert saved.location == "/records/7#"


async def test_two_step_ups_in_two_tabs(world: World) -> None:
    """Each tab is judged by its own demand and goes back to its own page."""
    ann = await world.enrolled()
    await ann.enroll_email()
    world.clock.advance(301)
    first = await ann.page((await refused(ann, "/files/plan", "/records/one")).json()["challenge_url"])
    second = await ann.page((await refused(ann, "/records/mail", "/records/two", method="GET")).json()["challenge_url"])
    (other_way,) = re.findall(rf'href="([^"]+/{await ann.authenticator("totp")})"', first.text)
    first = await ann.page(other_way)
    done = await answer(ann, first, ann.totp())
    assert (done.status, done.location) == (303, "/records/one#")
    # The other form is of a browser's handle that has ended: it comes back, still for its own demand.
    (place,) = re.findall(r'method="post" action="([^"#]+)#errors"', second.text)
    back = await ann.form(place, {"action": "send"}, token=token_of(second.text))
    assert back.status == 422
    world.clock.advance(60)
    sent = await ann.form(place, {"action": "send"}, token=token_of(back.text))
    assert sent.location == f"{place}#"
    done = await answer(ann, await ann.page(place), world.email.codes[-1])
    assert (done.status, done.location) == (303, "/records/two#")
    assert (await ann.ask("GET", "/records/mail", headers=FETCH)).status == 200


async def test_a_page_load_in_another_tab_keeps_its_way(world: World) -> None:
    """A script that is refused changes nothing for the tab that is on its way already."""
    ann = await world.enrolled()
    world.clock.advance(301)
    assert (await ann.page("/files/mine")).status == 303
    shown = await ann.page("/mfa/challenge")
    other = await ann.page((await refused(ann, "/pay", "/records")).json()["challenge_url"])
    assert other.status == 200
    done = await answer(ann, shown, ann.totp())
    assert done.location == "/files/mine#"


async def test_htmx_in_two_tabs(world: World) -> None:
    """A fragment leads back to its own page, even if another tab was refused after it."""
    ann = await world.enrolled()
    world.clock.advance(301)
    asked = [
        await ann.ask("GET", "/files/plan", headers=[*HTMX, ("hx-current-url", f"{ORIGIN}{page}")])
        for page in ("/records/one", "/records/two")
    ]
    shown = await ann.page(asked[0].header("hx-redirect"))
    assert (await answer(ann, shown, ann.totp())).location == "/records/one#"


@pytest.mark.parametrize("headers", [FETCH, HTMX], ids=["fetch", "htmx"])
async def test_a_page_that_tells_no_address(world: World, headers: Any) -> None:
    """The demand is remembered without a page, too: no circle without an end."""
    ann = await world.enrolled()
    world.clock.advance(301)
    reply = await ann.ask("GET", "/files/plan", headers=headers)
    shown = await ann.page(reply.json()["challenge_url"])
    assert (shown.status, shown.location) == (200, "")
    done = await answer(ann, shown, ann.totp())
    assert done.location == "/#"
    assert (await ann.ask("POST", "/files/plan", headers=FETCH)).status != 403


async def test_a_front_end_elsewhere_with_a_return_address(world: World) -> None:
    """``return_to`` may be put behind a ``challenge_url`` that is bound to a demand."""
    ann = await world.enrolled()
    world.clock.advance(301)
    headers = (*FETCH[:2], ("sec-fetch-site", "same-site"), ("origin", SPA), ("referer", f"{SPA}/"))
    reply = await ann.ask("POST", "/files/plan", headers=headers)
    url = reply.json()["challenge_url"]
    assert url.startswith(f"{ORIGIN}/mfa/")
    plain = await ann.page(url.removeprefix(ORIGIN))
    assert plain.status == 200
    shown = await ann.page(f"{url.removeprefix(ORIGIN)}?return_to={SPA}/orders/7%23/pay")
    assert shown.status == 303
    shown = await ann.page(shown.location)
    done = await answer(ann, shown, ann.totp())
    assert done.header("refresh") == f"0;url={SPA}/orders/7#/pay"


async def test_a_front_end_elsewhere_without_one(world: World) -> None:
    """The page that its browser names is on a listed origin: the person comes back there."""
    ann = await world.enrolled()
    world.clock.advance(301)
    headers = (*FETCH[:2], ("sec-fetch-site", "same-site"), ("origin", SPA), ("referer", f"{SPA}/"))
    reply = await ann.ask("POST", "/files/plan", headers=headers)
    shown = await ann.page(reply.json()["challenge_url"].removeprefix(ORIGIN))
    done = await answer(ann, shown, ann.totp())
    assert done.header("refresh") == f"0;url={SPA}/"


@pytest.mark.parametrize("to", [f"{ORIGIN}/records/7?a=1#/pay", "/records/7?a=1#/pay"])
async def test_a_return_address_of_ones_own(world: World, to: str) -> None:
    """A front end on our own origin may name its page too: the browser tells no fragment."""
    ann = await world.enrolled()
    world.clock.advance(301)
    url = (await refused(ann, "/files/plan", "/records/7?a=1")).json()["challenge_url"]
    shown = await ann.page(f"{url}?return_to={to.replace('#', '%23').replace('?', '%3F')}")
    shown = await ann.page(shown.location)
    assert (await answer(ann, shown, ann.totp())).location == "/records/7?a=1#/pay"


# -- GET state ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/files/plan", "/pay"])
async def test_state_says_that_a_step_up_is_owed(world: World, path: str) -> None:
    """A script hears of the step-up until it is answered."""
    ann = await world.enrolled()
    world.clock.advance(301)
    assert (await ann.state())["state"] == "verified"
    await refused(ann, path, "/records")
    told = await ann.state()
    assert (told["state"], told["reason"]) == ("challenge", "step_up")
    done = (await ann.prove()).json()
    assert (done["state"], done["reason"]) == ("verified", None)
    world.clock.advance(400)
    assert (await ann.state())["state"] == "verified"


async def test_a_step_up_on_our_page_ends_it(world: World) -> None:
    """The page has answered it, so the state is the general one, however long ago that was."""
    ann = await world.enrolled()
    world.clock.advance(301)
    shown = await ann.page((await refused(ann, "/pay", "/records")).json()["challenge_url"])
    await answer(ann, shown, ann.totp())
    world.clock.advance(400)
    assert (await ann.state())["state"] == "verified"


async def test_another_factor_leaves_it_owed(world: World) -> None:
    """A proof that does not meet the demand changes nothing: the state still says so."""
    ann = await world.enrolled()
    await ann.enroll_email()
    world.clock.advance(400)
    await ann.prove()
    await refused(ann, "/records/mail", "/records", method="GET")
    assert (await ann.prove()).json()["state"] == "challenge"


async def test_a_refused_websocket_is_owed_as_well(world: World) -> None:
    """Decision 65: a script that wants to know why asks for the state."""
    ann = await world.enrolled()
    world.clock.advance(301)
    rule = StepUpRule(name="chat", paths=(PathRule(text="=/chat"),), max_age=Seconds(300))
    world.engine.use_policy(with_rules(lambda rules: replace(rules, step_up=(rule,))))
    reply = await call_app(
        world.app, socket_scope("/chat", headers=[("cookie", ann.cookie_header()), ("origin", ORIGIN)])
    )
    assert reply.status == 403
    ann.take(reply)
    assert (await ann.state())["reason"] == "step_up"


# -- clients with a token -----------------------------------------------------------------------------------------------


def claims_of(token: str) -> dict[str, str] | None:
    """The token is the name."""
    return {"sub": token, "sid": "one", "org": "alpha"} if token == "ann" else None


@pytest.fixture
async def with_tokens() -> AsyncIterator[World]:
    """The same policy in front of tokens."""
    identify = FirstOf(BearerJWT(claims_of, tenant="org"), SessionUser("user_id", tenant="org", session="sid"))
    async with running(make_world(policy=with_rules(stricter), identify=identify)) as made:
        yield made


@pytest.mark.parametrize("browser", [False, True], ids=["native", "front end"])
async def test_a_bearer_caller_answers_a_step_up(with_tokens: World, browser: bool) -> None:
    """``api_url`` knows the demand: the calls beside it say what is owed, and when it is met."""
    ann = Browser(with_tokens)
    ann.id, ann.tenant = "ann", "alpha"
    shown: list[tuple[str, str]] = [("authorization", "Bearer ann")]
    if browser:
        shown += [*FETCH, ("origin", ORIGIN), ("referer", f"{ORIGIN}/records")]
    told = [*shown, ("x-mfa-gate", "1"), ("content-type", "application/json")]

    def proven(reply: Reply) -> None:
        if token := reply.json().get("proof_token"):
            for headers in (shown, told):
                headers[:] = [item for item in headers if item[0] != "mfa-proof"] + [("mfa-proof", token)]

    begun = (await ann.api("POST", "enroll", {"factor": "totp"}, headers=told)).json()
    ann.secret = begun["secret"]
    proven(
        await ann.api(
            "POST", "enroll/confirm", {"enrollment": begun["enrollment"], "response": ann.totp()}, headers=told
        )
    )
    with_tokens.clock.advance(301)
    refusal = await ann.ask("GET", "/files/plan", headers=shown)
    assert (refusal.status, refusal.reason) == (401, "proof_required")
    base = refusal.json()["api_url"].removesuffix("/challenge").removeprefix("/mfa/api").removeprefix("/mfa")
    assert refusal.json()["api_url"].startswith("/mfa/")

    async def call(method: str, name: str, body: Any = None) -> Reply:
        data = b"" if body is None else json.dumps(body).encode()
        return await ann.ask(method, f"/mfa{base}/{name}", headers=told, body=data)

    state = (await call("GET", "state")).json()
    assert (state["state"], state["reason"]) == ("challenge", "step_up")
    mine = await ann.authenticator("totp")
    assert (await call("POST", "challenge", {"authenticator": mine})).status == 201
    done = await call("POST", "verify", {"authenticator": mine, "response": ann.totp()})
    assert (done.status, done.json()["state"]) == (200, "verified")
    proven(done)
    assert (await ann.ask("GET", "/files/plan", headers=shown)).status == 200


# -- what nobody may do with it -----------------------------------------------------------------------------------------


async def test_the_address_is_the_persons_own(world: World) -> None:
    """An address of somebody else, or an altered one, leads to the plain page."""
    ann = await world.enrolled()
    world.clock.advance(301)
    url = (await refused(ann, "/files/plan", "/records/secret-place")).json()["challenge_url"]
    assert "secret-place" not in url
    bob = await world.browser("bob")
    for address in (
        url,
        url[:-14] + "A" + url[-13:],
        "/mfa/~x/challenge",
        f"/mfa/~{'x' * 9000}/challenge",
    ):
        reply = await bob.page(address)
        assert (reply.status, reply.location) == (303, "/mfa/challenge")
    stale = await bob.ask("POST", url, headers=PAGE)
    assert stale.status in (303, 415, 422)


async def test_no_return_to_another_site(world: World) -> None:
    """S-101: a page of another site is no place to go back to."""
    ann = await world.enrolled()
    for number, (site, referer) in enumerate(
        [
            ("same-origin", "https://evil.example//evil.example/x"),
            ("cross-site", f"{ORIGIN}/records"),
            ("same-site", "http://localhost:5174/x"),
            ("same-origin", f"{ORIGIN}//evil.example"),
        ]
    ):
        world.clock.advance(400 + number)
        headers = (*FETCH[:2], ("sec-fetch-site", site), ("referer", referer))
        url = (await ann.ask("POST", "/files/plan", headers=headers)).json()["challenge_url"]
        shown = await ann.page(url)
        done = await answer(ann, shown, ann.totp())
        assert done.location.startswith("/"), done.location
        assert not done.location.startswith("//")


async def test_below_a_sub_path(world: World) -> None:
    """Style and scripts keep their address; the way back begins with the root."""
    ann = await world.enrolled()
    world.clock.advance(301)
    reply = await ann.ask("POST", "/app/files/plan", headers=came_from("/app/records"), root_path="/app")
    url = reply.json()["challenge_url"]
    assert url.startswith("/app/mfa/")
    shown = await ann.page(url, root_path="/app")
    assert shown.status == 200
    assert set(re.findall(r'(?:href|src)="([^"]+)/static/', shown.text)) == {"/app/mfa"}
    fields = f"csrf_token={token_of(shown.text)}&code={ann.totp()}".encode()
    headers = [*PAGE, ("content-type", "application/x-www-form-urlencoded"), ("origin", ORIGIN)]
    done = await ann.ask("POST", action_of(shown.text), headers=headers, body=fields, root_path="/app")
    assert (done.status, done.location) == (303, "/app/records#")
