"""Each recipe keeps what it promises besides the common story.

That is a provider, a program, another origin, or a machine.
"""

from __future__ import annotations

import hmac
import secrets
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

from mfa_gate.testing.plugin import MakesKit
from tests.recipes.browser import PAGE, Person, person
from tests.recipes.hosts import FORM
from tests.recipes.place import SURROUNDINGS, at, loaded, port
from tests.recipes.provider import provider_at
from tests.web.serving import free_port, served

RECIPES = "example_app.recipes."


def through_provider(one: Person) -> httpx2.Response:
    """Sign in at the provider, and return the app's answer when the person is back."""
    asked = one.get("/login").headers["location"]
    with httpx2.Client() as elsewhere:
        back = elsewhere.get(asked).headers["location"]
    assert back.startswith(f"{one.origin}{one.root}/auth?")
    return one.http.get(back, headers=PAGE)


@pytest.mark.parametrize("root", ["", "/app"], ids=["", "below"])
def test_authlib_client(root: str, mfa_gate_kit: MakesKit) -> None:
    """A sign-in at the provider is the first factor alone; the gate asks for the second."""
    port = free_port()
    recipe = loaded(
        f"{RECIPES}authlib_client", OIDC_METADATA=f"http://localhost:{port}/.well-known/openid-configuration"
    )
    metadata = recipe.oauth.provider._server_metadata_url
    clock = mfa_gate_kit(recipe.gate).clock
    port = urlsplit(metadata).port or port
    with (
        served(provider_at(f"http://localhost:{port}"), port=port),
        at(recipe.app, root) as origin,
        person(origin, root, clock.now) as ann,
    ):
        assert ann.get("/").status_code == 401
        assert through_provider(ann).headers["location"] == f"{origin}{root}/"
        assert ann.get("/").headers["location"] == f"{root}/mfa/enroll"
        secret = ann.enroll()
        assert "ann@app.example" in ann.get("/").text
        ann.get("/logout")
        assert ann.get("/").status_code == 401
        clock.advance(8 * 86_400)
        through_provider(ann)
        assert ann.get("/").headers["location"] == f"{root}/mfa/challenge"
        assert ann.answer_on_page(secret).headers["location"].partition("#")[0] == f"{root}/"
        assert "ann@app.example" in ann.get("/").text


async def test_mcp_server(mfa_gate_kit: MakesKit) -> None:
    """A program with a token gets 401 until the person has proven.

    With the proof it calls a tool. The server stands below a path.
    Its session manager runs once in a process, so there is no second test.
    """
    root = "/app"
    recipe = loaded(f"{RECIPES}mcp_server")
    clock = mfa_gate_kit(recipe.gate).clock
    with at(recipe.app, root) as origin, person(origin, root, clock.now) as ann:
        ask = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
        accept = {"Accept": "application/json, text/event-stream"}
        assert ann.http.post(f"{root}/mcp", json=ask, headers=accept).status_code == 401
        ann.token = ann.post("/token", data=FORM).json()["access_token"]
        bearer = {"Authorization": f"Bearer {ann.token}"}
        refused = ann.http.post(f"{root}/mcp", json=ask, headers=accept | bearer)
        assert "insufficient_user_authentication" in refused.headers["www-authenticate"]
        ann.enroll()
        headers = bearer | {"MFA-Proof": ann.http.headers["MFA-Proof"]}
        async with (
            httpx2.AsyncClient(headers=headers) as http,
            streamable_http_client(f"{origin}{root}/mcp", http_client=http) as (read, write),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            answer = await session.call_tool("count_records", {"state": "open"})
            assert answer.content[0].text == "4"  # type: ignore[union-attr]


def test_oauth_server(mfa_gate_kit: MakesKit) -> None:
    """Access is given behind the gate only, and the token that it leads to needs no proof.

    The client is on another origin. A page of the gate goes on there, since the form may not.
    """
    recipe = loaded(f"{RECIPES}oauth_server")
    clock = mfa_gate_kit(recipe.gate).clock
    verifier = secrets.token_urlsafe(48)
    asked = f"/authorize?client_id=reader&state=s1&code_challenge={create_s256_code_challenge(verifier)}"
    with at(recipe.app) as origin, person(origin, now=clock.now) as ann, person(origin) as client:
        ann.post("/login", data=FORM)
        assert ann.get(asked).headers["location"] == "/mfa/enroll"
        assert recipe.codes == {}
        secret = ann.enroll()
        clock.advance(8 * 86_400)
        assert ann.get(asked).headers["location"] == "/mfa/challenge"
        # The wanted page may lead to another origin, which the form must not do by itself: a page of the gate goes on.
        on = ann.answer_on_page(secret)
        assert (on.status_code, "Continue" in on.text) == (200, True)
        assert "reader.example" not in on.headers["content-security-policy"]
        back = ann.get(asked).headers["location"]
        assert back.startswith("https://reader.example/back?")
        code = parse_qs(urlsplit(back).query)["code"][0]
        form = {"code": code, "client_id": "reader", "code_verifier": verifier}
        assert client.http.post("/token", data={**form, "code_verifier": "wrong"}).status_code == 400
        code = parse_qs(urlsplit(ann.get(asked).headers["location"]).query)["code"][0]
        token = client.http.post("/token", data={**form, "code": code}).json()["access_token"]
        assert client.http.get("/userinfo", headers={"Authorization": f"Bearer {token}"}).json() == {"sub": "ann"}


def test_spa_on_another_port(mfa_gate_kit: MakesKit) -> None:
    """The front end makes the gate's calls from its own origin; no other origin may."""
    recipe = loaded(f"{RECIPES}spa_api")
    clock = mfa_gate_kit(recipe.gate).clock
    front = recipe.FRONT_END
    script = {"Origin": front, "Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-site", "Sec-Fetch-Dest": "empty"}
    with at(recipe.app) as origin, person(origin, now=clock.now) as ann:
        assert ann.http.post("/api/login", json=FORM, headers=script).status_code == 200
        refused = ann.http.get("/api/me", headers=script)
        assert refused.json()["reason"] == "proof_required"
        assert refused.headers["access-control-allow-origin"] == front
        preflight = {**script, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-mfa-gate"}
        allowed = ann.http.options("/mfa/api/enroll", headers=preflight)
        assert allowed.headers["access-control-allow-origin"] == front
        ann.origin = front
        ann.enroll()
        assert ann.http.get("/api/me", headers=script).json() == {"hello": "ann"}
        foreign = {**script, "Origin": "http://localhost:1", "X-MFA-Gate": "1"}
        assert ann.http.post("/mfa/api/backup-codes", json={}, headers=foreign).status_code == 403


def test_service_accounts(mfa_gate_kit: MakesKit) -> None:
    """Machines and webhooks pass by their own credentials.

    None of these carries a person past the gate.
    """
    recipe = loaded(f"{RECIPES}service_accounts")
    mfa_gate_kit(recipe.gate)
    key = {"X-API-Key": "key-of-the-nightly-job"}
    with at(recipe.app) as origin, person(origin) as ann:
        assert ann.http.get("/", headers=key).json() == {"hello": "nightly-job"}
        body = b'{"paid": 1}'
        signature = hmac.digest(SURROUNDINGS["SESSION_SECRET"].encode(), body, "sha256").hex()
        assert ann.http.post("/hooks/payment", content=body, headers={"X-Signature": signature}).json() == {
            "taken": True
        }
        assert ann.http.post("/hooks/payment", content=body).status_code == 401
        ann.post("/login", data=FORM)
        assert ann.get("/").headers["location"] == "/mfa/enroll"
        assert ann.http.get("/", headers={"X-API-Key": "guessed"}).status_code == 403
        assert ann.http.get("/", headers=key).json() == {"hello": "nightly-job"}
        assert ann.http.post("/hooks/payment", content=body, headers={"X-Signature": signature}).status_code == 200


def test_nicegui_websocket(mfa_gate_kit: MakesKit) -> None:
    """NiceGUI's own files are open to who has signed in, its websocket only to who has proven."""
    recipe = loaded(f"{RECIPES}nicegui_app")
    clock = mfa_gate_kit(recipe.gate).clock
    with at(recipe.app) as origin, person(origin, now=clock.now) as ann:
        ann.post("/login", data=FORM)
        way = "/_nicegui_ws/socket.io/?EIO=4&transport=websocket"
        assert ann.echoed(way, "2probe") in ("401", "403")
        polled = ann.http.get("/_nicegui_ws/socket.io/?EIO=4&transport=polling")
        assert polled.status_code == 403
        ann.enroll()
        page = ann.get("/").text
        files = [path for path in set(page.split('"')) if path.startswith("/_nicegui/") and path.endswith(".js")]
        assert files
        with person(origin, now=clock.now) as other:
            other.post("/login", data=FORM)
            assert {other.http.get(path).status_code for path in files} == {200}
        assert ann.echoed(way, "2probe").startswith("0{")
        assert origin == f"http://localhost:{port()}"
