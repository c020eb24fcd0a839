"""A gate that is given few factors: none whose device answers, none that is a backup."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from mfa_gate.core.rules import Rules
from mfa_gate.factors.backup_code import BackupCode
from mfa_gate.factors.base import Factor
from mfa_gate.factors.totp import Totp
from tests.harness import make_world, running, with_rules


@pytest.mark.parametrize("factors", [[Totp(), BackupCode()], [Totp()]], ids=["with a backup", "without"])
async def test_people_get_in(factors: Sequence[Factor]) -> None:
    """The app opens after enrollment, no page fails, and the phone's page is not there."""
    kinds = tuple(factor.traits.kind for factor in factors)

    def allow(rules: Rules) -> Rules:
        return replace(rules, factors=replace(rules.factors, allowed=kinds, order=("totp",)))

    async with running(make_world(policy=with_rules(allow), factors=factors)) as world:
        ann = await world.browser()
        await ann.enroll()
        assert await ann.is_in()
        pages = ("/mfa", "/mfa/enroll/done", "/mfa/challenge", "/mfa/recovery", "/mfa/backup-codes", "/mfa/approve")
        statuses = {path: (await ann.page(path)).status for path in pages}
        assert statuses["/mfa/approve"] == 404
        assert set(statuses.values()) <= {200, 303, 404}
        await world.engine.effects.idle()
        assert world.kinds("gate.fault") == []
