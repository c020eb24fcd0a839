"""The kinds that a person may enroll, and the refusals where nothing was looked at."""

from __future__ import annotations

from dataclasses import replace

from mfa_gate import Subject
from mfa_gate.core.model import Caller
from mfa_gate.core.reasons import Refusal
from mfa_gate.service.enrollable import lacks, not_enrollable
from tests.harness import HOME, make_world, running


async def test_a_judgement_without_an_account_enrolls_nothing() -> None:
    """An unknown kind is refused in the same way."""
    async with running(make_world()) as world:
        caller = Caller(subject=Subject("ann", "alpha"), handle="h", network=HOME)
        judgement, now = await world.gate.service.access.own(caller), world.engine.now()
        assert not_enrollable(judgement, "totp", now) is None
        refused = Refusal(reason="not_enrollable")
        assert not_enrollable(judgement, "carrier-pigeon", now) == refused
        nothing = replace(judgement, evidence=None)
        assert not_enrollable(nothing, "totp", now) == refused
        assert lacks(nothing, now) is None
