"""A person has a factor of a kind that this gate does not know.

An outside package is gone, or a release was rolled back.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from mfa_gate.core.rules import Rules
from mfa_gate.factors.backup_code import BackupCode
from mfa_gate.factors.push import Push
from mfa_gate.factors.totp import Totp
from mfa_gate.stores.memory import MemoryStore
from tests.harness import Browser, FixedClock, make_world, running, with_rules


def only_apps(rules: Rules) -> Rules:
    """Allow the kinds that are left."""
    return replace(rules, factors=replace(rules.factors, allowed=("totp", "backup-code"), order=("totp",)))


@pytest.mark.parametrize(
    "path", ["/mfa", "/mfa/challenge/help", "/mfa/enroll/done", "/mfa/enroll", "/mfa/backup-codes", "/mfa/challenge"]
)
async def test_no_page_fails(path: str) -> None:
    """S-83: every page of such a person answers, and no fault is reported."""
    store, clock = MemoryStore(), FixedClock()
    async with running(make_world(store=store, clock=clock)) as before:
        bob = await before.enrolled("bob")
        await bob.enroll_email()
        mail = await bob.authenticator("email")
        clock.advance(120)
        assert (await bob.api("POST", "challenge", {"authenticator": mail})).status == 201
    after = make_world(store=store, clock=clock, policy=with_rules(only_apps), factors=[Push(), Totp(), BackupCode()])
    async with running(after):
        back = Browser(after, cookies=dict(bob.cookies))
        reply = await back.page(path)
        assert reply.status in (200, 303), reply.text
        await after.engine.effects.idle()
        assert after.kinds("gate.fault") == []


async def test_a_form_shows_its_problem() -> None:
    """A name that is refused is said on the page with the other factors."""
    store, clock = MemoryStore(), FixedClock()
    async with running(make_world(store=store, clock=clock)) as before:
        bob = await before.enrolled("bob")
        await bob.enroll_email()
        mail = await bob.authenticator("email")
    after = make_world(store=store, clock=clock, policy=with_rules(only_apps), factors=[Push(), Totp(), BackupCode()])
    async with running(after):
        back = Browser(after, cookies=dict(bob.cookies))
        token = await back.token("/mfa/backup-codes")
        reply = await back.form("/mfa", {"action": "rename", "authenticator": mail, "label": ""}, token=token)
        assert reply.status == 422, reply.text
