"""Administrators owe the same demands as at the app, and for an act a fresh proof besides."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.model import Seconds, SubjectKey
from mfa_gate.core.rules import PathRule, Rules, StepUpRule
from tests.attacks.test_floor import prove_by_key, with_passkey
from tests.harness import AGREEMENT, Browser, World, make_world, running, with_rules

LOCK = ("POST", "admin/accounts/ann/lock", {"reason": "x"})


def strong(rules: Rules) -> Rules:
    """Administrators need a passkey everywhere."""
    factors = replace(rules.factors, allowed=("webauthn", "totp", "email"), order=("webauthn", "totp", "email"))
    rule = StepUpRule(name="floor", paths=(PathRule(text="/**"),), phishing_resistant=True, groups_any=("admin",))
    return replace(rules, factors=factors, step_up=(rule,))


async def boss_by_app(world: World) -> Browser:
    """An administrator with an authenticator app, from the time before they were one."""
    before = await world.enrolled("boss")
    boss = await world.browser("boss", groups=["admin"], cookies=before.cookies)
    boss.secret = before.secret
    return boss


DESK: list[tuple[str, str, Any]] = [
    LOCK,
    ("POST", "admin/accounts/ann/reset", {"reason": "x", "ticket": "T"}),
    ("POST", "admin/accounts/ann/ticket", {"reason": "x"}),
    ("POST", "admin/accounts/ann/break-glass", {"reason": "x", "ticket": "T"}),
    ("GET", "admin/accounts", None),
    ("GET", "admin/accounts/ann", None),
    ("GET", "admin/events", None),
    ("GET", "admin/tenant", None),
    ("POST", "admin/tenant/remind", {}),
]


async def test_who_is_below_the_floor_administers_nothing() -> None:
    """An administrator whom the app sends to enrollment can do nothing at the desk.

    Decision 38. With a passkey both the app and the desk open.
    """
    async with running(make_world(policy=with_rules(strong))) as world:
        await world.enrolled("ann")
        boss = await boss_by_app(world)
        assert not await boss.is_in()
        before = await world.account()
        for method, call, body in DESK:
            reply = await boss.api(method, call, body)
            assert (reply.status, reply.reason) == (403, "enrollment_required"), call
        for path in ("/mfa/admin/accounts", "/mfa/admin/accounts/ann", "/mfa/admin/tenant", "/mfa/admin/audit"):
            page = await boss.page(path)
            assert (page.status, page.location) == (303, "/mfa/enroll"), path
        token = await boss.token("/mfa/enroll/webauthn")
        form = await boss.form("/mfa/admin/accounts/ann", {"action": "lock", "reason": "x"}, token=token)
        assert form.location == "/mfa/enroll"
        assert await world.account() == before
        key = await with_passkey(boss)
        assert await boss.is_in()
        assert (await boss.api(*LOCK)).status == 200
        # An act needs one proof that is fresh and strong. A fresh one by the app beside an older passkey's is not that.
        world.clock.advance(400)
        assert (await boss.prove()).status == 200
        refused = await boss.api("POST", "admin/accounts/ann/unlock", {"reason": "x"})
        assert (refused.status, refused.reason) == (403, "proof_required")
        assert (await prove_by_key(boss, key)).status == 200
        assert (await boss.api("POST", "admin/accounts/ann/unlock", {"reason": "x"})).status == 200


async def test_who_has_not_agreed_administers_nothing() -> None:
    """The agreement comes first, as in the app; accepted, the page that was asked for opens."""
    agreed = with_rules(lambda rules: replace(rules, agreement=AGREEMENT))
    async with running(make_world(policy=agreed)) as world:
        boss = await world.enrolled("boss", groups=["admin"])
        for method, call, body in DESK:
            assert (await boss.api(method, call, body)).reason == "agreement_required", call
        page = await boss.page("/mfa/admin/accounts")
        assert (page.status, page.location) == (303, "/mfa/agreement")
        done = await boss.form("/mfa/agreement", {"accept": "1", "version": "1"})
        assert (done.status, done.location) == (303, "/mfa/admin/accounts#")
        assert (await boss.api("GET", "admin/accounts")).status == 200


async def test_a_shorter_rule_holds_at_the_desk() -> None:
    """A rule on every path is a rule of the desk, too: by age as by strength."""

    def short(rules: Rules) -> Rules:
        rule = StepUpRule(name="short", paths=(PathRule(text="/**"),), max_age=Seconds(60))
        return replace(rules, step_up=(rule,))

    async with running(make_world(policy=with_rules(short))) as world:
        boss = await world.enrolled("boss", groups=["admin"])
        assert (await boss.api("GET", "admin/accounts")).status == 200
        world.clock.advance(60)
        assert (await boss.api("GET", "admin/accounts")).reason == "proof_required"


async def test_what_only_watches_closes_no_desk() -> None:
    """A rule in report-only mode closes no desk.

    Decision 44. The app passes, and the desk asks for a fresh proof of any kind, as it did before.
    """
    watching = with_rules(lambda rules: replace(strong(rules), mode="report-only", agreement=AGREEMENT))
    async with running(make_world(policy=watching)) as world:
        boss = await boss_by_app(world)
        assert (await boss.api("GET", "admin/accounts")).status == 200
        world.clock.advance(8 * 86_400)
        assert (await boss.api("GET", "admin/accounts")).reason == "proof_required"


# -- whose account it is -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["unlock", "lock", "reset", "ticket", "refuse", "break-glass", "break-glass/revoke"])
async def test_an_id_means_the_own_tenant_or_the_one_that_is_named(call: str) -> None:
    """An id without a tenant means the administrator's own tenant.

    The same id in two other tenants, or in one alone, is never guessed, neither for a look nor for an act.
    """
    async with running(make_world()) as world:
        for tenant in ("beta", "strict"):
            await world.enrolled("42", tenant)
        far = await world.enrolled("sec", "alpha", groups=["security"])
        body = {"reason": "x"} if call not in ("reset", "break-glass") else {"reason": "x", "ticket": "T"}
        before = [await world.account("42", tenant) for tenant in ("beta", "strict")]
        assert (await far.api("GET", "admin/accounts/42")).status == 404
        if call != "ticket":
            assert (await far.api("POST", f"admin/accounts/42/{call}", body)).status == 404
        assert [await world.account("42", tenant) for tenant in ("beta", "strict")] == before
        assert (await far.api("GET", "admin/accounts/42?tenant=strict")).json()["tenant"] == "strict"
        await far.api("POST", f"admin/accounts/42/{call}?tenant=strict", body)
        assert await world.account("42", "beta") == before[0]


async def test_every_door_means_the_same_account() -> None:
    """Page and call agree on whose account an id is, with a tenant and without."""
    async with running(make_world()) as world:
        for tenant in ("alpha", "beta"):
            await world.enrolled("42", tenant)
        far = await world.enrolled("sec", "alpha", groups=["security"])
        from mfa_gate.service import Actor
        from mfa_gate.service.admin.rights import key_of

        operator = Actor(name="operator:eve")
        assert key_of(operator, "42", "beta") == SubjectKey("beta", "42")
        for tail, tenant in (("", "alpha"), ("?tenant=beta", "beta")):
            form = await far.form(f"/mfa/admin/accounts/42{tail}", {"action": "lock", "reason": "x"})
            assert form.status == 303
            assert (await world.account("42", tenant)).lock is not None
            done = await far.api("POST", f"admin/accounts/42/unlock{tail}", {"reason": "x"})
            assert done.json()["tenant"] == tenant
            assert (await world.account("42", tenant)).lock is None


# -- the choice of factors ---------------------------------------------------------------------------------------------


def chosen(rules: Rules) -> Rules:
    """The administrator picks, and one path asks for a passkey."""
    kinds = ("webauthn", "email", "backup-code")
    factors = replace(rules.factors, choice="tenant", allowed=kinds, order=("webauthn", "email"))
    rule = StepUpRule(name="reports", paths=(PathRule(text="/reports/**"),), phishing_resistant=True)
    return replace(
        rules, factors=factors, step_up=(rule,), enrollment=replace(rules.enrollment, stage="admin", checklist="advice")
    )


async def test_a_choice_that_closes_a_page_to_everybody_is_refused() -> None:
    """A choice of factors that would close a page to everybody is refused.

    The policy file's check holds for the desk's choice too. The refusal names the rule, and nothing is
    changed.
    """
    async with running(make_world(policy=with_rules(chosen))) as world:
        boss = await world.browser("boss", groups=["admin"])
        await boss.enroll_email()
        for enabled in ({}, {"enabled": True}):
            reply = await boss.api("PATCH", "admin/tenant", {"factors": ["email"], "confirm": "alpha", **enabled})
            assert (reply.status, reply.reason) == (422, "not_enrollable")
            assert '"reports"' in reply.json()["detail"]
        page = await boss.form("/mfa/admin/tenant", {"action": "choose", "factors": "email", "confirm": "alpha"})
        assert page.status == 422
        assert "reports" in page.text
        assert (await world.store.settings("alpha")).factors == ()
        assert (await world.store.settings("alpha")).enabled_at == 0
        done = await boss.api("PATCH", "admin/tenant", {"factors": ["webauthn"], "confirm": "alpha"})
        assert done.status == 200
