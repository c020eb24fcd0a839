"""No door undercuts a demand for a strong factor (S-90).

A proof by a weaker factor changes no factors.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from mfa_gate import require_proof
from mfa_gate.core.rules import PathRule, Policy, Rules, StepUpRule
from tests.factors.softkey import SoftKey
from tests.harness import ORIGIN, Browser, Reply, World, make_world, routes, running, with_rules

KINDS = ("webauthn", "totp", "email", "backup-code")
ORDER = ("webauthn", "totp", "email")


def ruled(*rules: StepUpRule) -> Policy:
    """Passkeys, apps, mails and backup codes, and these step-up rules."""

    def change(base: Rules) -> Rules:
        return replace(base, factors=replace(base.factors, allowed=KINDS, order=ORDER), step_up=rules)

    return with_rules(change)


def floor(path: str = "/records/**", **more: Any) -> StepUpRule:
    return StepUpRule(name="floor", paths=(PathRule(text=path),), **{"phishing_resistant": True, **more})


@require_proof(phishing_resistant=True)
async def vault(request: Request) -> Response:
    """An endpoint that asks for a passkey by itself."""
    return PlainTextResponse("the vault")


def host() -> Starlette:
    app = Starlette(routes=routes())
    app.add_route("/vault", vault)
    return app


@dataclass(frozen=True, slots=True)
class Case:
    """A place where the floor is written, and the groups of its people."""

    policy: Policy
    groups: tuple[str, ...] = ()
    endpoint: bool = False

    def world(self) -> World:
        return make_world(policy=self.policy, app=host() if self.endpoint else None)


CASES = {
    "a rule on a path": Case(ruled(floor())),
    "a rule for a group": Case(ruled(floor(groups_any=("admin",))), groups=("admin",)),
    "a rule that names the factor": Case(ruled(floor(phishing_resistant=False, factors_any=("webauthn",)))),
    "a rule by method": Case(ruled(floor(methods=("DELETE",)))),
    "an endpoint": Case(ruled(), endpoint=True),
}


async def with_passkey(browser: Browser) -> SoftKey:
    """Add a passkey in this browser, which has a fresh proof."""
    key = SoftKey(origin=ORIGIN)
    begun = (await browser.api("POST", "enroll", {"factor": "webauthn"})).json()
    body = {"enrollment": begun["enrollment"], "response": key.create(begun["public_key"])}
    done = await browser.api("POST", "enroll/confirm", body)
    assert done.status == 201, done.text
    return key


async def prove_by_key(browser: Browser, key: SoftKey) -> Reply:
    id = await browser.authenticator("webauthn")
    asked = (await browser.api("POST", "challenge", {"authenticator": id})).json()
    body = {"challenge": asked["challenge"], "response": key.get(asked["public_key"])}
    return await browser.api("POST", "verify", body)


async def prove_by_mail(browser: Browser) -> Reply:
    id = await browser.authenticator("email")
    assert (await browser.api("POST", "challenge", {"authenticator": id})).status == 201
    body = {"authenticator": id, "response": browser.world.email.codes[-1]}
    return await browser.api("POST", "verify", body)


async def owner_of(world: World, case: Case) -> tuple[Browser, SoftKey]:
    """Make an owner with an e-mail address and then a passkey.

    The first strong factor may be added with any fresh proof.
    """
    owner = await world.browser("ann", groups=case.groups)
    await owner.enroll_email()
    key = await with_passkey(owner)
    return owner, key


async def thief_of(world: World, case: Case) -> Browser:
    """Another browser, with the password and the mailbox."""
    world.clock.advance(3600)
    thief = await world.browser("ann", groups=case.groups, sid="stolen")
    assert (await prove_by_mail(thief)).status == 200
    return thief


def changes_of(ids: dict[str, str]) -> dict[str, tuple[str, str, Any]]:
    """List every change of the owner's own things, as calls."""
    return {
        "enroll a passkey": ("POST", "enroll", {"factor": "webauthn"}),
        "remove the passkey": ("DELETE", f"authenticators/{ids['webauthn']}", None),
        "remove the mail": ("DELETE", f"authenticators/{ids['email']}", None),
        "rename the passkey": ("PATCH", f"authenticators/{ids['webauthn']}", {"label": "Mine"}),
        "make the weaker one the default": ("PATCH", f"authenticators/{ids['email']}", {"default": True}),
        "make new backup codes": ("POST", "backup-codes", {}),
        "forget the owner's browser": ("DELETE", f"browsers/{ids['browser']}", None),
    }


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_nothing_is_changed_by_a_proof_below_the_floor(case: Case) -> None:
    """An owner of a strong factor needs a proof by it for every change.

    It does not matter who wrote the floor down.
    """
    async with running(case.world()) as world:
        owner, key = await owner_of(world, case)
        account = await world.account()
        ids = {a.factor: a.id for a in account.authenticators} | {"browser": account.browsers[0].id}
        thief = await thief_of(world, case)
        before = await world.account()
        for name, (method, call, body) in changes_of(ids).items():
            if name == "rename the passkey" and case is CASES["a rule that names the factor"]:
                continue  # A name opens nothing: it keeps the floor of phishing resistance alone.
            reply = await thief.api(method, call, body)
            assert (reply.status, reply.reason) == (403, "proof_required"), name
        after = await world.account()
        assert (after.authenticators, after.default) == (before.authenticators, before.default)
        assert len(after.browsers) == len(before.browsers)
        assert (await prove_by_key(owner, key)).status == 200
        for name, (method, call, body) in changes_of(ids).items():
            if not name.startswith("remove"):
                assert (await owner.api(method, call, body)).status < 300, name


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_the_pages_ask_for_the_same(case: Case) -> None:
    """The page leads to a challenge that offers the strong factor and no other.

    Then it leads on without a loop.
    """
    async with running(case.world()) as world:
        owner, key = await owner_of(world, case)
        del owner
        thief = await thief_of(world, case)
        mail = await thief.authenticator("email")
        for place in ("/mfa/enroll/webauthn", "/mfa/confirm"):
            reply = await thief.page(place)
            assert (reply.status, reply.location) == (303, "/mfa/challenge"), place
            page = await thief.page("/mfa/challenge")
            assert page.status == 200
            assert mail not in page.text
            assert (await thief.page(f"/mfa/challenge/{mail}")).status == 404
        for fields in ({"action": "remove", "authenticator": mail}, {"action": "default", "authenticator": mail}):
            reply = await thief.form("/mfa", fields)
            assert (reply.status, reply.location) == (303, "/mfa/challenge")
        assert (await thief.form("/mfa/enroll/webauthn", {"action": "start"})).location == "/mfa/challenge"
        # The owner, who has the key, in the same place: one proof, and the page opens.
        assert (await prove_by_key(thief, key)).status == 200
        assert (await thief.page("/mfa/enroll/webauthn")).status == 200


async def test_what_is_below_the_floor_needs_any_fresh_proof() -> None:
    """A factor that could never meet the floor is added with any fresh proof.

    Otherwise a lost key would stop everything.
    """
    case = CASES["a rule on a path"]
    async with running(case.world()) as world:
        await owner_of(world, case)
        thief = await thief_of(world, case)
        assert (await thief.api("POST", "enroll", {"factor": "totp"})).status == 201


async def test_a_floor_that_only_watches_is_none() -> None:
    """A rule in report-only changes nothing for anybody."""
    case = Case(ruled(floor(report_only=True)))
    async with running(case.world()) as world:
        await owner_of(world, case)
        thief = await thief_of(world, case)
        assert (await thief.api("POST", "enroll", {"factor": "webauthn"})).status == 201


async def test_a_draft_of_before_does_not_undercut() -> None:
    """A draft from before the strong factor is not confirmed by a weak proof after it."""
    case = CASES["a rule on a path"]
    async with running(case.world()) as world:
        owner = await world.browser("ann")
        await owner.enroll_email()
        thief = await thief_of(world, case)
        begun = (await thief.api("POST", "enroll", {"factor": "webauthn"})).json()
        world.clock.advance(60)
        assert (await prove_by_mail(owner)).status == 200
        await with_passkey(owner)
        mine = SoftKey(origin=ORIGIN)
        body = {"enrollment": begun["enrollment"], "response": mine.create(begun["public_key"])}
        reply = await thief.api("POST", "enroll/confirm", body)
        assert (reply.status, reply.reason) == (403, "proof_required")
        assert [a.factor for a in (await world.account()).authenticators].count("webauthn") == 1


async def test_an_old_strong_proof_beside_a_fresh_weak_one() -> None:
    """Two proofs together are not one that is fresh and strong.

    A passkey proof of six days with a mail of now opens nothing that asks for both.
    """
    rules = (floor("/**"), StepUpRule(name="fresh", paths=(PathRule(text="=/echo"),), max_age=300))  # type: ignore[arg-type]
    async with running(make_world(policy=ruled(floor(), *rules[1:]), app=host())) as world:
        case = Case(ruled())
        owner, key = await owner_of(world, case)
        world.clock.advance(6 * 86_400)
        assert (await prove_by_mail(owner)).status == 200
        assert (await owner.ask("GET", "/vault")).status == 200
        world.clock.advance(45 * 86_400)
        assert (await prove_by_mail(owner)).status == 200
        assert (await owner.ask("GET", "/vault")).status == 303
        assert (await owner.page("/mfa/challenge")).status == 200
        assert (await prove_by_key(owner, key)).status == 200
        assert (await owner.ask("GET", "/vault")).status == 200
