"""The offer of a stronger factor is made where it is due and can be taken."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.rules import DAY, NudgeRules, Rules
from mfa_gate.errors import StoreUnavailable
from tests.harness import START, make_world, running, with_rules
from tests.service.admin.people import administrator, way

NUDGE = NudgeRules(to="webauthn", after=("totp",), max=2)
OFFERS: dict[str, tuple[dict[str, Any], dict[str, Any], str, bool]] = {
    "due": ({}, {}, "totp", True),
    "after another kind": ({}, {}, "email", False),
    "never": ({"max": 0}, {}, "totp", False),
    "as often as may be": ({}, {"nudges": 2, "nudged_at": 1}, "totp", False),
    "once more": ({}, {"nudges": 1, "nudged_at": START - 30 * DAY}, "totp", True),
    "too soon again": ({}, {"nudges": 1, "nudged_at": START - 30 * DAY + 1}, "totp", False),
    "has it": ({}, {"authenticators": (way("totp"), way("webauthn"))}, "totp", False),
    "not for this group": ({"groups_any": ("nurse",)}, {}, "totp", False),
    "not allowed here": ({"to": "voice"}, {}, "totp", False),
    "factors stay as they are": ({}, {"frozen_until": START + 60}, "totp", False),
}
"""What the policy says besides, the facts of the account, the kind of the proof, and if the offer is made."""


def nudging(**more: Any) -> Any:
    """Allow passkeys, and offer them."""

    def change(rules: Rules) -> Rules:
        factors = replace(rules.factors, allowed=(*rules.factors.allowed, "webauthn"), order=())
        return replace(rules, factors=factors, enrollment=replace(rules.enrollment, nudge=replace(NUDGE, **more)))

    return with_rules(change)


@pytest.mark.parametrize("name", OFFERS)
async def test_an_offer(name: str) -> None:
    """It is counted where it is made, and leaves no trace where it is not."""
    rules, facts, proven, made = OFFERS[name]
    async with running(make_world(policy=nudging(**rules))) as world:
        who = await administrator(world)
        account = await world.account("boss")
        assert await world.store.swap(replace(account, **facts))
        assert who.caller is not None
        assert await world.gate.service.adoption.offer(who.caller, proven=proven) is made
        assert (await world.account("boss")).nudges == facts.get("nudges", 0) + made
        assert len(world.kinds("enrollment.offered")) == made


async def test_a_fault_of_the_store_hinders_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The browser gets its handle all the same."""
    async with running(make_world(policy=nudging())) as world:
        who = await administrator(world)
        assert who.caller is not None

        async def away(*_: object) -> None:
            raise StoreUnavailable("the store is away")

        monkeypatch.setattr(world.engine, "change", away)
        assert await world.gate.service.adoption.offer(who.caller, proven="totp") is False
