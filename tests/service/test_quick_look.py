"""A known caller with a proof is judged without a look at the store."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.decision import Allow
from mfa_gate.core.model import Seconds
from mfa_gate.core.rules import DAY, Rules, SubjectExemption
from mfa_gate.service.quick_look import QuickLook
from tests.harness import START, make_world, running, with_rules
from tests.service.admin.people import administrator

WEEK = 7 * DAY
LOOKS: dict[str, tuple[dict[str, Any], int, tuple[str, ...], bool]] = {
    "a proof": ({}, 0, ("entry", "settings"), True),
    "the last second of a proof": ({}, WEEK - 1, ("entry", "settings"), True),
    "a proof that is over": ({}, WEEK, ("entry", "settings"), False),
    "before it is renewed": ({"renew": 60}, WEEK - 61, ("entry", "settings"), True),
    "when it is renewed": ({"renew": 60}, WEEK - 60, ("entry", "settings"), False),
    "an account that is not known": ({}, 0, ("settings",), False),
    "a tenant that is not known": ({}, 0, ("entry",), False),
    "nothing is known": ({}, 0, (), False),
    "an exempt person": ({"exempt": True}, 0, ("entry", "settings"), False),
    "a policy that only reports": ({"mode": "report-only"}, 0, ("entry", "settings"), False),
}
"""The policy, the age of the proof, the parts that are known, and if the request passes."""


def policy(*, renew: int = 0, exempt: bool = False, mode: Any = "enforce") -> Any:
    """Make the policy of a row."""
    everybody = SubjectExemption(name="all", groups_any=("admin",), reason="tests")

    def change(rules: Rules) -> Rules:
        freshness = replace(rules.freshness, max_age=Seconds(WEEK), renew_early=Seconds(renew))
        return replace(rules, freshness=freshness, exempt_subjects=(everybody,) if exempt else (), mode=mode)

    return with_rules(change)


@pytest.mark.parametrize("name", LOOKS)
async def test_a_look(name: str) -> None:
    """It passes somebody with a plain proof, and decides nothing else."""
    rules, age, known, passes = LOOKS[name]
    async with running(make_world(policy=policy(**rules))) as world:
        who = await administrator(world, "admin", at=START - age)
        assert who.caller is not None
        world.engine.forget_all()
        world.engine.notice()
        if "settings" in known or "entry" in known:
            await world.engine.entry(who.caller.subject.key)
        if "settings" not in known:
            world.engine._settings.clear()
        if "entry" not in known:
            world.engine._accounts.clear()
        found = QuickLook(world.gate.service.access).judge(who.caller)
        assert (found is not None) is passes
        if found is not None:
            assert isinstance(found.decision, Allow)
            assert found.account == await world.account("boss")
