"""People act on their own things by a proof that counts, within the policy."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from mfa_gate import Subject, require_proof
from mfa_gate.core.model import Caller
from mfa_gate.core.rules import PathRule, Rules, StepUpRule
from tests.harness import HOME, make_world, routes, running, with_rules

WEEK = 7 * 86_400
NO_CODES = with_rules(lambda rules: replace(rules, recovery=replace(rules.recovery, ways=("other-factor", "request"))))


# -- a proof that counts -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("age", [WEEK - 1, WEEK, 40 * 86_400])
async def test_an_old_proof_is_none(age: int) -> None:
    """Lists, forgetting a browser and stopping things need a proof that still counts.

    The policy says how old it may be.
    """
    async with running(make_world()) as world:
        other = await world.enrolled()
        browser = await world.browser()
        browser.secret = other.secret
        assert (await browser.prove()).status == 200
        world.clock.advance(age)
        keeps = age < WEEK
        mine = (await world.account()).browsers[0].id
        for call in ("browsers", "authenticators"):
            assert (await browser.api("GET", call)).status == (200 if keeps else 403)
        assert (await browser.page("/mfa/enroll/done")).status == (200 if keeps else 303)
        disputing = world.gate.service.disputing
        subject = Subject("ann", "alpha", session="s-ann-alpha")
        caller = Caller(subject=subject, handle=(await world.account()).browsers[-1].handle, network=HOME)
        if not keeps:
            refusal = await disputing.report(caller)
            assert refusal is not None
            assert refusal.reason == "proof_required"
            assert (await world.account()).frozen_until == 0
        reply = await browser.api("DELETE", f"browsers/{mine}")
        assert (reply.status, reply.reason) == ((204, "") if keeps else (403, "proof_required"))
        assert any(b.id == mine for b in (await world.account()).browsers) != keeps


async def test_who_owes_an_enrollment_sees_no_lists() -> None:
    """A session that must enroll first is told so in place of every list.

    A person who may put it off, and did, sees the list.
    """
    async with running(make_world()) as world:
        browser = await world.browser()
        for call in ("browsers", "authenticators"):
            reply = await browser.api("GET", call)
            assert (reply.status, reply.reason) == (403, "enrollment_required")
        later = await world.browser("eve", "optional")
        assert (await later.api("GET", "browsers")).reason == "enrollment_required"
        assert (await later.api("POST", "enroll/skip", {})).status == 200
        assert (await later.api("GET", "browsers")).json() == {"browsers": []}


# -- backup codes ------------------------------------------------------------------------------------------------------


async def test_backup_codes_that_no_way_uses_are_neither_made_nor_taken() -> None:
    """Without a way for them, backup codes are neither made nor taken, by page or call.

    One function says which factors may answer. Decision 67.
    """
    async with running(make_world()) as before:
        owner = await before.enrolled()
        codes = owner.backup
        assert codes
        async with running(make_world(policy=NO_CODES, store=before.store, clock=before.clock)) as world:
            ann = await world.browser()
            id = next(a.id for a in (await world.account()).authenticators if a.factor == "backup-code")
            taken = await ann.api("POST", "verify", {"authenticator": id, "response": codes[0]})
            assert (taken.status, taken.reason) == (403, "not_allowed")
            assert (await world.account()).attempts.used == 0
            assert (await ann.page(f"/mfa/challenge/{id}")).status == 404
            ann.secret = owner.secret
            assert (await ann.prove()).status == 200
            made = await ann.api("POST", "backup-codes", {})
            assert (made.status, made.reason) == (422, "not_enrollable")
            assert (await ann.page("/mfa/backup-codes")).status == 404
            assert (await world.enrolled("bob")).backup == []


async def test_backup_codes_are_no_way_in_where_nothing_else_is_left() -> None:
    """Backup codes that no way uses are refused, also if the policy dropped all other factors.

    A person with dropped factors answers with those.
    """
    only = with_rules(
        lambda rules: replace(
            rules,
            factors=replace(rules.factors, allowed=("email", "backup-code"), order=("email",)),
            recovery=replace(rules.recovery, ways=("request",)),
        )
    )
    async with running(make_world()) as before:
        owner = await before.enrolled()
        async with running(make_world(policy=only, store=before.store, clock=before.clock)) as world:
            ann = await world.browser()
            id = next(a.id for a in (await world.account()).authenticators if a.factor == "backup-code")
            assert (await ann.api("POST", "verify", {"authenticator": id, "response": owner.backup[0]})).status == 403
            ann.secret = owner.secret
            assert (await ann.prove()).status == 200


async def test_calls_enroll_what_the_pages_offer() -> None:
    """A person who must set up a passkey first is offered nothing else, by page or call."""

    def strong(rules: Rules) -> Rules:
        factors = replace(rules.factors, allowed=("webauthn", "totp", "email"), order=("webauthn", "totp", "email"))
        rule = StepUpRule(name="floor", paths=(PathRule(text="/**"),), phishing_resistant=True)
        return replace(rules, factors=factors, step_up=(rule,))

    async with running(make_world(policy=with_rules(strong))) as world:
        ann = await world.browser()
        assert (await ann.state())["enrollable"] == ["webauthn"]
        for kind in ("totp", "email"):
            refused = await ann.api("POST", "enroll", {"factor": kind})
            assert (refused.status, refused.reason) == (422, "not_enrollable")
        assert (await ann.page("/mfa/enroll")).location == "/mfa/enroll/webauthn"
        assert (await ann.api("POST", "enroll", {"factor": "webauthn"})).status == 201


# -- an endpoint that nobody can reach ---------------------------------------------------------------------------------


@require_proof(phishing_resistant=True)
async def vault(request: Request) -> Response:
    """Nothing that the policy of these tests allows meets this."""
    return PlainTextResponse("the vault")


async def test_an_endpoint_that_no_factor_meets_is_refused_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """An endpoint that no allowed factor meets is one error in the log.

    The person reads that it cannot be set up, and is led in no circle. Decision 36.
    """
    app = Starlette(routes=routes())
    app.add_route("/vault", vault)
    async with running(make_world(app=app)) as world:
        ann = await world.enrolled()
        with caplog.at_level(logging.ERROR, logger="mfa_gate"):
            for _ in range(3):
                reply = await ann.page("/vault")
                assert (reply.status, reply.location) == (303, "/mfa/enroll")
                page = await ann.page("/mfa/enroll")
                assert (page.status, "Your administrators can fix it." in page.text) == (200, True)
        told = [record.getMessage() for record in caplog.records if "no allowed factor" in record.getMessage()]
        assert len(told) == 1
        assert "/vault" in told[0]
        assert "require_proof" in told[0]
