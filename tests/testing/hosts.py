"""Show a FastAPI app that somebody else wrote, with tests that know nothing of a gate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, FastAPI, HTTPException, Request
from starlette.applications import Starlette
from starlette.middleware.sessions import SessionMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from mfa_gate import MFAGate, RelyingParty, Subject
from mfa_gate.core.model import Seconds
from mfa_gate.core.rules import (
    AgreementRules,
    EnrollmentRules,
    Exemption,
    FactorRules,
    PathRule,
    Policy,
    Rules,
    StepUpRule,
)
from mfa_gate.identity import SessionUser
from mfa_gate.keyring import make_key
from mfa_gate.testing import FixedClock, Outbox

KEY = make_key(bytes(range(7, 39)))
SIGN_IN = Exemption(name="sign-in", paths=(PathRule(text="=/login"),), reason="the first factor")
HEALTH = Exemption(name="health", paths=(PathRule(text="=/healthz"),), methods=("GET",), reason="probes")
EXPORT = StepUpRule(name="export", paths=(PathRule(text="=/v1/export"),), max_age=Seconds(300))
RULES = Rules(
    factors=FactorRules(allowed=("webauthn", "totp", "email", "sms", "backup-code")),
    enrollment=EnrollmentRules(first="open"),
    exempt=(SIGN_IN, HEALTH),
    step_up=(EXPORT,),
)
POLICY = Policy(name="kit", digest="0" * 64, base=RULES, tenants={})
ANN = Subject("ann")


def with_agreement(policy: Policy = POLICY) -> Policy:
    """Return the policy with a text to be accepted."""
    terms = AgreementRules(id="t", version="1", title="Terms", file="t.md", text="Be kind.", digest="d" * 64)
    return replace(policy, base=replace(policy.base, agreement=terms))


def fastapi_app() -> FastAPI:
    """The app, without a gate."""
    app = FastAPI()
    router = APIRouter()

    @app.post("/login")
    async def login(request: Request) -> dict[str, str]:
        request.session["user_id"] = (await request.json())["name"]
        return {"signed_in": request.session["user_id"]}

    @app.get("/healthz")
    async def health() -> str:
        return "ok"

    @router.get("/me")
    async def me(request: Request) -> dict[str, str]:
        if "user_id" not in request.session:
            raise HTTPException(401)
        return {"id": request.session["user_id"]}

    @router.get("/export")
    async def export() -> str:
        return "everything"

    async def deep(request: Any) -> PlainTextResponse:
        return PlainTextResponse("deep")

    app.include_router(router, prefix="/v1")
    app.router.routes.append(Mount("/inner", Starlette(routes=[Route("/deep", deep)])))
    return app


def gate_for(policy: Policy = POLICY, **more: Any) -> MFAGate:
    """A gate with a fixed clock and an outbox."""
    settings: dict[str, Any] = {
        "identify": SessionUser("user_id"),
        "store": "memory://",
        "keys": [KEY],
        "clock": FixedClock(),
        "senders": Outbox().senders(),
        "contacts": contacts_of,
        "relying_party": RelyingParty(id="localhost", name="Shop", origins=["http://localhost:8000"]),
        **more,
    }
    return MFAGate(policy=policy, **settings)


async def contacts_of(subject: Subject) -> Any:
    """Everybody has an address on file."""
    from mfa_gate import Contacts

    return Contacts(name=subject.id.title(), email=f"{subject.id}@shop.example")


def gated(policy: Policy = POLICY, **more: Any) -> tuple[FastAPI, MFAGate]:
    """The app with its gate."""
    app, gate = fastapi_app(), gate_for(policy, **more)
    gate.install(app)
    app.add_middleware(SessionMiddleware, secret_key="a long secret of the host's own")
    return app, gate


def bare() -> FastAPI:
    """The app as it was before."""
    app = fastapi_app()
    app.add_middleware(SessionMiddleware, secret_key="a long secret of the host's own")
    return app


Check = Callable[[Any], None]


def anonymous_is_told(client: Any) -> None:
    """One of the host's own tests."""
    assert client.get("/v1/me").status_code == 401


def me_is_ann(client: Any) -> None:
    """One of the host's own tests."""
    assert client.post("/login", json={"name": "ann"}).json() == {"signed_in": "ann"}
    assert client.get("/v1/me").json() == {"id": "ann"}


def the_export_has_everything(client: Any) -> None:
    """One of the host's own tests."""
    client.post("/login", json={"name": "ann"})
    assert client.get("/v1/export").json() == "everything"


def deep_is_deep(client: Any) -> None:
    """One of the host's own tests."""
    client.post("/login", json={"name": "ann"})
    assert client.get("/inner/deep").text == "deep"


HOST_TESTS: Sequence[Check] = (anonymous_is_told, me_is_ann, the_export_has_everything, deep_is_deep)
