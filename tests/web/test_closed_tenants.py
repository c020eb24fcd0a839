"""A policy with ``tenants_are = "closed"`` lets nobody of another tenant pass."""

from __future__ import annotations

from dataclasses import replace

from mfa_gate.core.policy import Facts, demands_for, floors_for
from mfa_gate.core.rules import PathRule, StepUpRule
from tests.core.builders import rules_with
from tests.harness import POLICY, make_world, running


async def test_a_tenant_that_the_file_does_not_name_is_refused() -> None:
    """Such a person is refused with 503 and a line in the log, wherever the request goes."""
    async with running(make_world(policy=replace(POLICY, tenants_are="closed"))) as world:
        stranger = await world.browser("bob", "finnance")
        for path in ("/records", "/mfa", "/mfa/api/state"):
            assert (await stranger.page(path)).status == 503
        known = await world.enrolled("ann", "alpha")
        assert (await known.page("/records")).status == 200


async def test_an_open_file_takes_any_tenant() -> None:
    """Without the key, a tenant that the file does not name has the rules of the file."""
    async with running(make_world()) as world:
        assert (await (await world.browser("bob", "finnance")).page("/mfa")).status != 503


def test_a_step_up_rule_of_some_tenants() -> None:
    """The rule asks in the tenants that it names, and nowhere else."""
    rule = StepUpRule(name="r", paths=(PathRule(text="/**"),), phishing_resistant=True, tenants_any=("clinic", "lab"))
    rules = rules_with(step_up=(rule,))
    for tenant, asks in (("clinic", True), ("lab", True), ("finance", False), ("", False)):
        facts = Facts(tenant=tenant, groups=frozenset(), method="GET", path="/x")
        assert [demand.rule for demand in demands_for(rules, facts)[0][1:]] == (["r"] if asks else [])
        assert bool(floors_for(rules, frozenset(), tenant=tenant)) == asks
        assert bool(floors_for(rules, None, tenant=tenant)) == asks
