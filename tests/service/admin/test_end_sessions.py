"""The fine ends of access: of one person, browser or authenticator, and of a tenant."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mfa_gate import Subject
from mfa_gate.service.admin.rights import Actor
from tests.harness import Browser, World, make_world, running, with_rules

WHY = {"reason": "laptop stolen"}


async def two_browsers(world: World) -> tuple[Browser, Browser]:
    """Make two browsers of Ann, each with a proof of its own."""
    one = await world.enrolled("ann")
    two = await world.browser("ann")
    two.secret = one.secret
    world.clock.advance(60)
    await two.prove()
    assert (await one.is_in(), await two.is_in()) == (True, True)
    return one, two


async def test_end_sessions_without_a_lock() -> None:
    """All browsers confirm again; no attempt, no factor and no lock changes."""
    async with running(make_world()) as world:
        one, two = await two_browsers(world)
        boss = await world.enrolled("boss", groups=["admin"])
        done = await boss.api("POST", "admin/accounts/ann/end-sessions", WHY)
        assert (done.status, done.json()["status"], done.json()["lock"]) == (200, "verified", None)
        assert (await one.is_in(), await two.is_in()) == (False, False)
        world.clock.advance(60)
        await one.prove()
        assert (await one.is_in(), await two.is_in()) == (True, False)
        (event,) = world.kinds("proofs.revoked")
        assert (event.actor, event.reason) == ("boss", "laptop stolen")


@pytest.mark.parametrize("form", [True, False])
async def test_forget_one_browser(form: bool) -> None:
    """One browser confirms again, and the other goes on."""
    async with running(make_world()) as world:
        one, two = await two_browsers(world)
        boss = await world.enrolled("boss", groups=["admin"])
        gone = (await world.account("ann")).browsers[-1].id
        if form:
            fields = {"action": "forget-browser", "item": gone, **WHY}
            assert (await boss.form("/mfa/admin/accounts/ann", fields)).status == 303
        else:
            assert (await boss.api("DELETE", f"admin/accounts/ann/browsers/{gone}")).status == 200
        assert (await one.is_in(), await two.is_in()) == (True, False)
        assert (await boss.api("DELETE", f"admin/accounts/ann/browsers/{gone}")).status == 404
        (event,) = world.kinds("browser.forgotten")
        assert (event.actor, event.browser) == ("boss", gone)


async def test_remove_authenticators_one_by_one() -> None:
    """Each needs a reason; after the last one a first enrollment opens, as the policy says."""
    async with running(make_world()) as world:
        ann = await world.enrolled("ann")
        await ann.enroll_email()
        boss = await world.enrolled("boss", groups=["admin"])
        app, mail = [a.id for a in (await world.account("ann")).authenticators if a.factor != "backup-code"]
        place = "admin/accounts/ann/authenticators"
        assert (await boss.api("DELETE", f"{place}/{app}")).reason == "malformed"
        left = (await boss.api("DELETE", f"{place}/{app}", None)).json()
        assert left["member"] == "reason"
        assert (await boss.api("DELETE", f"{place}/{app}?reason=lost")).status == 200
        assert (await ann.state())["state"] == "verified"
        fields = {"action": "remove", "item": mail, **WHY}
        assert (await boss.form("/mfa/admin/accounts/ann", {**fields, "reason": ""})).status == 422
        assert (await boss.form("/mfa/admin/accounts/ann", fields)).status == 303
        assert (await ann.state())["state"] == "enroll"
        assert [event.reason for event in world.kinds("factor.removed")] == ["lost", "laptop stolen"]


@pytest.mark.parametrize("form", [True, False])
async def test_all_proofs_of_a_tenant(form: bool) -> None:
    """One write ends every proof of the tenant, and no other tenant's."""
    async with running(make_world()) as world:
        ann, zoe = await world.enrolled("ann"), await world.enrolled("zoe", "beta")
        boss = await world.enrolled("boss", groups=["admin", "security"])
        assert [await who.is_in() for who in (ann, zoe, boss)] == [True] * 3
        body = {"reason": "session keys leaked", "confirm": "alpha"}
        if form:
            wrong = await boss.form("/mfa/admin/tenant", {"action": "end-sessions", **body, "confirm": "beta"})
            assert (wrong.status, "session keys leaked" in wrong.text) == (422, True)
            assert (await boss.form("/mfa/admin/tenant", {"action": "end-sessions", **body})).status == 303
        else:
            wrong = await boss.api("POST", "admin/tenant/end-sessions", {**body, "confirm": "beta"})
            assert (wrong.status, wrong.json()["member"]) == (422, "confirm")
            assert (await boss.api("POST", "admin/tenant/end-sessions", body)).json() == {"tenant": "alpha"}
        assert [await who.is_in() for who in (ann, zoe, boss)] == [False, True, False]
        assert (await ann.state())["reason"] == "revoked"
        assert (await (await world.gate.person(Subject("ann", "alpha"))).status()).proofs == 0
        (event,) = world.kinds("tenant.proofs_ended")
        assert (event.actor, event.reason) == ("boss", "session keys leaked")
        world.clock.advance(60)
        await ann.prove()
        assert await ann.is_in()


async def test_support_ends_nothing() -> None:
    """A right to look ends no proofs."""
    async with running(make_world()) as world:
        await world.enrolled("ann")
        sue = await world.enrolled("sue", groups=["support"])
        for call in ("accounts/ann/end-sessions", "accounts/ann/forget"):
            assert (await sue.api("POST", f"admin/{call}", WHY)).reason == "not_allowed"
        body = {**WHY, "confirm": "alpha"}
        assert (await sue.api("POST", "admin/tenant/end-sessions", body)).reason == "not_allowed"


@pytest.mark.parametrize("form", [True, False])
async def test_only_the_privileged_end_all_proofs(form: bool) -> None:
    """An administrator who is not privileged does not end all proofs.

    People with rights are among them."""
    async with running(make_world()) as world:
        chief = await world.enrolled("chief", groups=["security"])
        boss = await world.enrolled("boss", groups=["admin"])
        body = {**WHY, "confirm": "alpha"}
        if form:
            assert 'value="end-sessions"' not in (await boss.page("/mfa/admin/tenant")).text
            assert (await boss.form("/mfa/admin/tenant", {"action": "end-sessions", **body})).status == 403
        else:
            assert (await boss.api("POST", "admin/tenant/end-sessions", body)).reason == "not_allowed"
        assert await chief.is_in()
        assert (await world.store.settings("alpha")).epoch == 0


async def test_all_proofs_end_a_few_times_a_day() -> None:
    """Nobody keeps a whole organization busy with codes.

    The operator at the store is not counted."""
    async with running(make_world()) as world:
        desk, body = world.gate.service.tenant_desk, {**WHY, "confirm": "alpha"}
        boss = await world.enrolled("boss", groups=["admin", "security"])
        assert 'value="end-sessions"' in (await boss.page("/mfa/admin/tenant")).text
        for _ in range(5):
            assert (await boss.api("POST", "admin/tenant/end-sessions", body)).status == 200
            world.clock.advance(60)
            await boss.prove()
        last = await boss.api("POST", "admin/tenant/end-sessions", body)
        assert (last.status, last.reason) == (429, "too_soon")
        assert await boss.is_in()
        assert await desk.end_proofs(Actor(name="operator:eve"), "alpha", reason="again", confirm="alpha") is None


async def test_a_grant_of_before_ends_with_the_tenants_proofs() -> None:
    """A break-glass grant ends with the tenant's proofs, and a later one opens."""
    async with running(make_world()) as world:
        ann = await world.enrolled("ann")
        one, two = [await world.enrolled(id, groups=["security"]) for id in ("boss", "chief")]
        other = await world.browser("ann")
        place = "admin/accounts/ann/break-glass"
        for turn in ("before", "after"):
            asked = await one.api("POST", place, {**WHY, "ticket": "T-1"})
            ref = asked.json()["break_glass"]["ref"]
            assert (await two.api("POST", f"{place}/confirm", {"ref": ref})).status == 200
            assert await other.is_in(), turn
            if turn == "before":
                world.clock.advance(60)
                body = {**WHY, "confirm": "alpha"}
                assert (await one.api("POST", "admin/tenant/end-sessions", body)).status == 200
                assert (await other.is_in(), await ann.is_in()) == (False, False)
                world.clock.advance(60)
                for admin in (one, two):
                    await admin.prove()
                assert (await one.api("POST", f"{place}/revoke", WHY)).reason == "not_found"


async def test_the_gate_itself_ends_and_forgets() -> None:
    """``gate.end_proofs`` and ``gate.forget`` are the acts of ``gate.person``."""
    async with running(make_world(policy=with_rules(lambda rules: replace(rules, owner="")))) as world:
        ann = await world.enrolled("ann")
        subject = Subject("ann", "alpha")
        assert (await world.gate.end_proofs(subject, reason="password changed")).ref
        assert not await ann.is_in()
        assert (await world.gate.forget(subject)).pseudonym.startswith("forgotten-")
        assert (await world.account("ann")).is_unknown
