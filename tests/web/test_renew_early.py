"""A proof that ends soon is renewed on a page load, so that no form is lost (U-69)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mfa_gate.core.model import Seconds
from mfa_gate.core.rules import DAY, PathRule, Rules, StepUpRule
from tests.harness import FETCH, World, make_world, with_rules

SOON = StepUpRule(name="soon", paths=(PathRule(text="/files/**"),), max_age=Seconds(900))


def early(rules: Rules) -> Rules:
    """An hour before the end; one rule asks for a proof that is younger than that."""
    return replace(rules, freshness=replace(rules.freshness, renew_early=Seconds(3600)), step_up=(SOON,))


@pytest.fixture
def world() -> World:
    """A policy that renews an hour early."""
    return make_world(policy=with_rules(early))


async def test_leads_to_the_challenge_and_back(world: World) -> None:
    """Within the last hour a page load leads to the challenge, and the answer leads back."""
    ann = await world.enrolled()
    world.clock.advance(7 * DAY - 3601)
    assert (await ann.page("/records")).status == 200
    world.clock.advance(1)
    assert (await ann.page("/records")).location == "/mfa/challenge"
    shown = await ann.page("/mfa/challenge")
    assert shown.status == 200
    assert 'name="code"' in shown.text
    id = await ann.authenticator("totp")
    done = await ann.form("/mfa/challenge", {"authenticator": id, "code": ann.totp()})
    assert (done.status, done.location) == (303, "/records#")
    assert (await ann.page("/records")).status == 200


async def test_only_page_loads(world: World) -> None:
    """A request that is no page load passes as long as the proof lasts."""
    ann = await world.enrolled()
    world.clock.advance(7 * DAY - 10)
    assert (await ann.ask("GET", "/records", headers=FETCH)).status == 200
    assert (await ann.ask("POST", "/records")).status == 200


async def test_a_rule_of_minutes(world: World) -> None:
    """A rule with a proof of a quarter of an hour does not renew early.

    An hour before its end would be always.
    """
    ann = await world.enrolled()
    assert (await ann.page("/files/plan")).status == 200
