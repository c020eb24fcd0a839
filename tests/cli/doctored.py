"""Apps with one thing right or wrong each, for the doctor to look at."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from mfa_gate import MFAGate, MFAGateMiddleware, RelyingParty, Senders, require_proof
from mfa_gate.core.model import Contacts, Subject
from mfa_gate.core.rules import BrandRules, Exemption, FactorRules, PathRule, Policy, Rules, StepUpRule
from mfa_gate.identity import SessionUser
from mfa_gate.keyring import make_key
from mfa_gate.ports import Message
from mfa_gate.senders import WebhookSender
from mfa_gate.testing import FixedClock, Outbox

KEY = make_key(bytes(range(1, 33)))
OLD = make_key(bytes(range(101, 133)))
GOOD_SECRET = "Vw3vTq9b2Yk8mXz4cL7pRd1sJf6hGn0a"
RULES = Rules(factors=FactorRules(allowed=("totp", "webauthn", "backup-code")))


def policy(**more: Any) -> Policy:
    """A policy over ``RULES``."""
    return Policy(name="doctored", digest="0" * 64, base=replace(RULES, **more), tenants={})


async def nobody(connection: Any) -> Subject | None:
    """Nobody is signed in."""
    return None


def gate(**more: Any) -> MFAGate:
    """A gate over the file that the test names in the environment."""
    settings: dict[str, Any] = {
        "policy": policy(),
        "identify": SessionUser("user_id", session="sid"),
        "store": os.environ.get("DOCTORED_STORE", "memory://"),
        "keys": [KEY],
        "relying_party": RelyingParty(id="app.example", name="App", origins=["https://app.example"]),
        "senders": Outbox().senders(),
        **more,
    }
    return MFAGate(**settings)


async def home(request: Any) -> PlainTextResponse:
    """The app."""
    return PlainTextResponse("home")


def app(mine: MFAGate, secret: str = GOOD_SECRET, https: bool = True, **session: Any) -> Starlette:
    """An app in the right order."""
    made = Starlette(routes=[Route("/", home)])
    mine.install(made)
    made.add_middleware(SessionMiddleware, secret_key=secret, https_only=https, **session)
    return made


def good() -> Starlette:
    """Nothing is wrong."""
    return app(gate())


def wrong_order() -> Starlette:
    """The session is inside."""
    made = Starlette(routes=[Route("/", home)])
    made.add_middleware(SessionMiddleware, secret_key=GOOD_SECRET, https_only=True)
    gate().install(made)
    return made


def cors_inside() -> Starlette:
    """CORS is inside, compression outside."""
    made = Starlette(routes=[Route("/", home)])
    made.add_middleware(CORSMiddleware)
    gate(identify=nobody).install(made)
    made.add_middleware(GZipMiddleware)
    return made


def no_gate() -> Starlette:
    """There is none."""
    return Starlette(routes=[Route("/", home)])


def wrapped() -> MFAGateMiddleware:
    """Around the app."""
    return MFAGateMiddleware(Starlette(routes=[Route("/", home)]), gate=gate(identify=nobody))


def compressed() -> GZipMiddleware:
    """A layer that compresses is around the gate, which is around the app."""
    return GZipMiddleware(wrapped())


def nameless() -> Starlette:
    """No key of the session names the sign-in."""
    return app(gate(identify=SessionUser("user_id")))


def weak_secret() -> Starlette:
    """A session secret out of a tutorial."""
    return app(gate(), "secret")


def repeated_secret() -> Starlette:
    """The session's secret is the gate's key."""
    return app(gate(), KEY)


def plain_session() -> Starlette:
    """The session cookie travels over http."""
    return app(gate(), https=False, same_site="none")


def local() -> Starlette:
    """A developer's machine."""
    return app(
        gate(relying_party=RelyingParty(id="localhost", name="App", origins=["http://localhost:8000"])), https=False
    )


def other_key() -> Starlette:
    """Another key than the store's."""
    return app(gate(keys=[OLD]))


def two_keys() -> Starlette:
    """In the middle of a rotation."""
    return app(gate(keys=[KEY, OLD]))


def slow_clock() -> Starlette:
    """The clock is long behind."""
    return app(gate(clock=FixedClock(1_000_000_000)))


def two_senders() -> Starlette:
    """The first cannot be asked, and nobody listens at the second."""

    class Mailer:
        """Send nothing, and have no check."""

        async def send(self, message: Message) -> None:
            """Take the message."""

    sms = WebhookSender("https://127.0.0.1:9/", secret="s" * 32)
    return app(gate(senders=Senders(email=Mailer(), sms=sms)))


def deaf_sender() -> Starlette:
    """Nobody listens there."""
    sender = WebhookSender("https://127.0.0.1:9/", secret="s" * 32)
    return app(gate(senders=Senders(email=sender, sms=sender)))


def proxied() -> Starlette:
    """Behind a load balancer."""
    return app(gate(trusted_proxies=["10.0.0.0/8"]))


def pale() -> Starlette:
    """A brand that cannot be read on white."""
    return app(gate(policy=policy(brand=BrandRules(accent="#ffd400"))))


def slip() -> Starlette:
    """A brand that can be read, and a rule that matches nothing."""
    rule = Exemption(name="slip", paths=(PathRule(text="=/helthz"),), reason="probes")
    return app(gate(policy=policy(brand=BrandRules(accent="#0b5fff"), exempt=(rule,))))


def grey_text() -> Starlette:
    """A text that is too pale."""
    return app(gate(policy=policy(brand=BrandRules(text="#999999"))))


def dark_sheet() -> Starlette:
    """A stylesheet of the host that nobody looked at in the dark."""
    styles = "@media (prefers-color-scheme: dark) { :root { --muted: #444 } }"
    return app(gate(policy=policy(brand=BrandRules(styles=styles))))


def odd_color() -> Starlette:
    """A color in a form that is not read."""
    return app(gate(policy=policy(brand=BrandRules(styles=":root { --text: oklch(20% 0 0) }"))))


@require_proof(factors=["push"])
async def vault(request: Request) -> PlainTextResponse:
    """Nobody gets here."""
    return PlainTextResponse("the vault")


def closed_endpoint() -> Starlette:
    """Make an app with an endpoint whose demand the policy does not allow."""
    made = app(gate())
    made.add_route("/vault", vault)
    return made


@require_proof(factors=["totp"])
async def ledger(request: Request) -> PlainTextResponse:
    """Ask for an app."""
    return PlainTextResponse("ledger")


def _shut(*tenants: str) -> Starlette:
    rule = StepUpRule(
        name="strong", paths=(PathRule(text="/ledger/**"),), factors_any=("webauthn",), tenants_any=tenants
    )
    rules = replace(RULES, step_up=(rule,))
    made = app(gate(policy=replace(policy(), base=rules, tenants={"clinic": rules, "school": rules})))
    made.add_route("/ledger/1", ledger)
    return made


def shut() -> Starlette:
    """An endpoint asks for an app, and a rule on its path for a passkey."""
    return _shut()


def shut_in_clinic() -> Starlette:
    """The rule is one for a single tenant."""
    return _shut("clinic")


def faulty() -> Starlette:
    """Cannot even be made."""
    return app(gate(keys=["mfa1_nonsense"], prefix="mfa"))


async def people_of_clinic(tenant: str) -> list[tuple[Subject, Contacts]]:
    """The host knows people in one tenant."""
    return [(Subject("ann", "clinic"), Contacts(email="ann@clinic.example"))] if tenant == "clinic" else []


def mistyped_tenant() -> Starlette:
    """A tenant of the policy is one that the host does not have."""
    named = replace(policy(), tenants={"clinic": RULES, "finnance": RULES})
    return app(gate(policy=named, directory=people_of_clinic))


def known_tenant() -> Starlette:
    """The host has each tenant of the policy."""
    return app(gate(policy=replace(policy(), tenants={"clinic": RULES}), directory=people_of_clinic))
