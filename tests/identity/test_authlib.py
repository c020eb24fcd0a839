"""Authlib's ``userinfo`` in the session: a whole OpenID Connect sign-in.

It is read by ``SessionUser("user.sub")``.
"""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import jwt
import pytest
from authlib.integrations.starlette_client import OAuth
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from starlette.applications import Starlette
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from mfa_gate import Contacts, MFAGate, RelyingParty, Subject
from mfa_gate.core.rules import EnrollmentRules, Exemption, FreshnessRules, PathRule, Policy, Rules
from mfa_gate.identity import SessionUser
from mfa_gate.keyring import make_key
from mfa_gate.testing import Outbox, signed_in

ISSUER = "https://idp.example"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Provider:
    """An OpenID Connect provider, as far as Authlib asks it anything."""

    def __init__(self) -> None:
        self.nonce = ""

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        """Key set and token endpoint."""
        if request.url.path == "/jwks":
            public = RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True)
            return httpx2.Response(200, json={"keys": [{**public, "kid": "k", "use": "sig", "alg": "RS256"}]})
        now = int(time.time())
        claims = {"iss": ISSUER, "sub": "ann", "aud": "client", "iat": now, "exp": now + 60, "nonce": self.nonce}
        claims |= {"amr": ["pwd", "otp"], "auth_time": now, "email": "ann@x.example"}
        signed = jwt.encode(claims, KEY, "RS256", headers={"kid": "k"})
        return httpx2.Response(200, json={"access_token": "a", "token_type": "Bearer", "id_token": signed})


@pytest.fixture
def provider() -> Provider:
    """The identity provider."""
    return Provider()


def make_gate(freshness: FreshnessRules = FreshnessRules()) -> MFAGate:  # noqa: B008 - frozen
    """Make a gate that finds Authlib's user, and the provider's words about the sign-in."""

    async def contacts(subject: Subject) -> Contacts:
        return Contacts(email="ann@x.example")

    login = Exemption(
        name="sign-in", paths=(PathRule(text="=/login"), PathRule(text="=/auth")), reason="the first factor"
    )
    return MFAGate(
        policy=Policy(
            name="oidc",
            digest="0" * 64,
            base=Rules(freshness=freshness, enrollment=EnrollmentRules(first="open"), exempt=(login,)),
            tenants={},
        ),
        identify=SessionUser("user.sub", amr="user.amr", acr="user.acr", auth_time="user.auth_time"),
        store="memory://",
        keys=[make_key(bytes(range(32)))],
        senders=Outbox().senders(),
        contacts=contacts,
        relying_party=RelyingParty(id="localhost", name="App", origins=["http://localhost"]),
    )


def make_client(provider: Provider, gate: MFAGate) -> TestClient:
    """A client of a host that signs in through Authlib."""
    oauth = OAuth()
    oauth.register(
        "idp",
        client_id="client",
        client_secret="secret",
        authorize_url=f"{ISSUER}/authorize",
        access_token_url=f"{ISSUER}/token",
        jwks_uri=f"{ISSUER}/jwks",
        issuer=ISSUER,
        client_kwargs={"scope": "openid email", "transport": httpx2.MockTransport(provider.answer)},
    )

    async def login(request: Request) -> Response:
        answer: Response = await oauth.idp.authorize_redirect(request, "http://testserver/auth")
        return answer

    async def auth(request: Request) -> Response:
        token = await oauth.idp.authorize_access_token(request)
        request.session["user"] = dict(token["userinfo"])
        return RedirectResponse("/", 303)

    async def home(request: Request) -> Response:
        return JSONResponse(request.session.get("user", {}).get("email"))

    app = Starlette(routes=[Route("/login", login), Route("/auth", auth), Route("/", home)])
    gate.install(app)
    app.add_middleware(SessionMiddleware, secret_key="a long secret of the host's own")
    return TestClient(app, client=("192.0.2.7", 5), follow_redirects=False)


def sign_in(client: TestClient, provider: Provider) -> None:
    """Through the provider and back."""
    asked: dict[str, Any] = parse_qs(urlsplit(client.get("/login").headers["location"]).query)
    provider.nonce = asked["nonce"][0]
    answer = client.get("/auth", params={"code": "c", "state": asked["state"][0]})
    assert answer.headers["location"] == "/"


def test_a_whole_sign_in(provider: Provider) -> None:
    """The user of ``userinfo`` owes a second factor, ``amr`` or not, and with a proof is in.

    What the provider says of its own second factor does not count: no policy says that it may.
    """
    gate = make_gate()
    client = make_client(provider, gate)
    assert client.get("/").json() is None
    sign_in(client, provider)
    assert client.get("/").status_code == 403
    assert signed_in(client, gate, Subject("ann")).get("/").json() == "ann@x.example"


def test_trusted(provider: Provider) -> None:
    """A sign-in that the policy trusts for a second factor is the proof; nothing is asked."""
    client = make_client(provider, make_gate(FreshnessRules(trust_amr=("otp",))))
    sign_in(client, provider)
    assert client.get("/").json() == "ann@x.example"
    state = client.get("/mfa/api/state", headers={"x-mfa-gate": "1"}).json()
    assert (state["state"], state["proof"]["factor"]) == ("verified", "upstream")
