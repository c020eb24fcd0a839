"""The numbers of an organization reach its owner as often as the policy says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mfa_gate.core.rules import Exemption, PathRule, Rules
from tests.harness import START, World, make_world, running, with_rules
from tests.service.admin.people import EXEMPT, fill

DAY = 86_400
OWNER = "owner@example.org"


def mailing(every: str, owner: str = OWNER) -> dict[str, object]:
    """Mail the numbers so often. Of five exemptions two end within a month."""

    def change(rules: Rules) -> Rules:
        ends = (START, START + 1, START + 30 * DAY + 1, None)
        exempt = [
            Exemption(name=f"e{n}", paths=(PathRule(text=f"=/e{n}"),), reason="x", expires_at=at)
            for n, at in enumerate(ends)
        ]
        people = (replace(EXEMPT, expires_at=START + 30 * DAY),)
        audit = replace(rules.audit, mail_reports=every)  # type: ignore[arg-type]
        return replace(rules, owner=owner, audit=audit, exempt=tuple(exempt), exempt_subjects=people)

    return {"policy": with_rules(change)}


async def sent(world: World) -> list[tuple[str, str]]:
    """Do the hourly work. Returns the keys and texts of the mails."""
    world.email.messages.clear()
    await world.gate.service.report_mails.send()
    await world.engine.effects.idle()
    return [(mail.key, mail.text) for mail in world.email.messages if mail.to == OWNER]


@pytest.mark.parametrize(("every", "days"), [("weekly", 7), ("monthly", 30)])
async def test_how_often(every: str, days: int) -> None:
    """One mail in a week or a month, to the second, whatever the number of workers."""
    async with running(make_world(**mailing(every))) as world:  # type: ignore[arg-type]
        await fill(world)
        await world.engine.effects.idle()
        ((key, text),) = await sent(world)
        assert key == f"report-alpha-{START // DAY}-0"
        assert "http://localhost:8000/mfa/admin/reports" in text
        assert "Known people: 13" in text
        assert "Not confirmed for 90 days: 1" in text
        assert "Exemptions that end within 30 days: 2" in text
        assert await sent(world) == []
        world.clock.advance(days * DAY - 1)
        assert await sent(world) == []
        world.clock.advance(1)
        assert len(await sent(world)) == 1


@pytest.mark.parametrize(
    ("every", "owner"), [("never", OWNER), ("weekly", ""), ("weekly", "the team"), ("weekly", "a b@x.example")]
)
async def test_who_gets_none(every: str, owner: str) -> None:
    """The policy must say how often, and name one address.

    Then the turn is not used up either.
    """
    async with running(make_world(**mailing(every, owner))) as world:  # type: ignore[arg-type]
        await fill(world)
        assert await sent(world) == []
        assert not [name for name in world.store._contents.taken if name.startswith("report-mail")]  # type: ignore[attr-defined]


async def test_a_tenant_that_fails_hinders_no_other(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged and tried again in an hour."""
    async with running(make_world(**mailing("weekly"))) as world:  # type: ignore[arg-type]
        for tenant in ("alpha", "beta"):
            await fill(world, tenant)
        reports = world.gate.service.report_mails
        numbers = reports._numbers

        async def broken(tenant: str) -> dict[str, int]:
            if tenant == "alpha":
                raise RuntimeError("cannot be counted")
            return await numbers(tenant)

        with monkeypatch.context() as patch:
            patch.setattr(reports, "_numbers", broken)
            assert [key for key, _ in await sent(world)] == [f"report-beta-{START // DAY}-0"]
        assert "the report of tenant alpha was not mailed" in caplog.text
        assert [key for key, _ in await sent(world)] == [f"report-alpha-{START // DAY}-0"]
