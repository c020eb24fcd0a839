"""A store that is away: only requests without a demand pass."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.rules import Policy, SubjectExemption, TenantSettings
from tests.harness import FETCH, POLICY, RULES, call, make_world, socket_scope

BY_ADMIN = replace(RULES, enrollment=replace(RULES.enrollment, stage="admin"))
STAFF = SubjectExemption(name="robots", groups_any=("robots",), reason="tests")
STAGES: Policy = replace(
    POLICY,
    tenants={
        **POLICY.tenants,
        "off": replace(RULES, enrollment=replace(RULES.enrollment, stage="off")),
        "later": replace(RULES, enrollment=replace(RULES.enrollment, required_from=1_900_000_000)),
        "admin": BY_ADMIN,
        "robots": replace(RULES, exempt_subjects=(STAFF,)),
    },
)


@pytest.mark.parametrize("opened", [True, False])
@pytest.mark.parametrize(
    ("tenant", "groups", "status"),
    [
        ("off", [], 200),
        ("later", [], 200),
        ("robots", ["robots"], 200),
        ("robots", [], 503),
        ("alpha", [], 503),
        ("admin", [], 503),
    ],
)
async def test_what_demands_nothing_needs_no_store(tenant: str, groups: list[str], status: int, opened: bool) -> None:
    """A request of which nothing is demanded passes without the store, by the policy alone.

    The store is away from the first request on, or later. A request with an unknown demand is refused.
    """
    world = make_world(policy=STAGES)
    browser = await world.browser("ann", tenant, groups=groups)
    if opened:
        await world.gate.web.open()
        await world.store.aclose()
    else:

        async def away() -> None:
            from mfa_gate.errors import StoreUnavailable

            raise StoreUnavailable("away")

        object.__setattr__(world.store, "open", away)
    assert (await browser.ask("GET", "/records", headers=FETCH)).status == status
    scope = socket_scope("/chat", headers=[("cookie", browser.cookie_header())])
    assert bool((await call(world.app, scope)).body.startswith(b"of the app")) is (status == 200)


@pytest.mark.parametrize(("enabled_at", "status"), [(0, 200), (1, 503)])
async def test_a_choice_that_is_known_counts(enabled_at: int, status: int) -> None:
    """A tenant that its administrators have not turned on stays so while nobody can ask.

    A tenant that is on is refused.
    """
    world = make_world(policy=STAGES)
    await world.gate.web.open()
    if enabled_at:
        await world.store.swap_settings(TenantSettings(tenant="admin", enabled_at=enabled_at))
    browser = await world.browser("ann", "admin")
    asked = await browser.ask("GET", "/records", headers=FETCH)
    assert asked.status == (403 if enabled_at else 200)
    await world.store.aclose()
    assert (await browser.ask("GET", "/records", headers=FETCH)).status == status
    world.engine.forget_all()
    assert (await browser.ask("GET", "/records", headers=FETCH)).status == status


async def test_a_choice_is_read_anew_when_the_store_is_back() -> None:
    """A tenant that was turned on during the outage is on with the first request after it."""
    world = make_world(policy=STAGES)
    browser = await world.browser("ann", "admin")
    assert (await browser.ask("GET", "/records", headers=FETCH)).status == 200
    other: Any = world.store.another()  # type: ignore[attr-defined]
    await other.open()
    await world.store.aclose()
    assert (await browser.ask("GET", "/records", headers=FETCH)).status == 200
    assert await other.swap_settings(TenantSettings(tenant="admin", enabled_at=1))
    await world.store.open()
    assert (await browser.ask("GET", "/records", headers=FETCH)).status == 403


async def test_a_turned_on_tenant_is_on_at_once() -> None:
    """Nothing remembered outlives the administrators' choice while the store is there."""
    world = make_world(policy=STAGES)
    browser = await world.browser("ann", "admin")
    assert (await browser.ask("GET", "/records", headers=FETCH)).status == 200
    other: Any = world.store.another()  # type: ignore[attr-defined]
    await other.open()
    assert await other.swap_settings(TenantSettings(tenant="admin", enabled_at=1))
    assert (await browser.ask("GET", "/records", headers=FETCH)).status == 403
