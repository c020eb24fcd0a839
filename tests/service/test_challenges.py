"""Challenges of the service tell when the next one may be asked for."""

from __future__ import annotations

from mfa_gate.service import Issued
from tests.attacks.test_blame import caller_of
from tests.harness import make_world, running


async def test_the_time_of_the_next_mail() -> None:
    """The page counts down to it: the policy's wait after this mail."""
    async with running(make_world()) as world:
        ann = await world.browser()
        mail = await ann.enroll_email()
        world.clock.advance(60)
        issued = await world.gate.service.challenges.begin(caller_of(ann), mail)
        assert isinstance(issued, Issued)
        assert issued.resend_at == issued.challenge.issued_at + 30 == world.clock.now() + 30
