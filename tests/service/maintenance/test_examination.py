"""The look into a store: its newest event, and ids that look like one."""

from __future__ import annotations

import pytest

from mfa_gate.core.events import Event
from mfa_gate.core.model import Account, SubjectKey
from mfa_gate.service.maintenance import examination as module
from mfa_gate.service.maintenance.examination import IdCheck, KeyCheck, check_ids, check_keys, newest_event_at
from tests.harness import START, World, key, make_world


async def people(world: World, *ids: str, tenant: str = "alpha") -> None:
    for id in ids:
        assert await world.store.swap(Account(key=SubjectKey(tenant, id)))


async def test_the_newest_event(world: World) -> None:
    """It is the newest one of all tenants; an empty trail has none."""
    assert await newest_event_at(world.gate.service) is None
    for number, tenant in enumerate(("alpha", "beta")):
        await world.store.append([Event(id=f"e{number}", kind="k", at=START + number, tenant=tenant, account="ann")])
    assert await newest_event_at(world.gate.service) == START + 1


async def test_ids_that_differ_by_case_alone(world: World) -> None:
    """Each is told with the first one of its kind; another tenant has ids of its own."""
    assert await check_ids(world.gate.service) == IdCheck(is_empty=True, alike=())
    await people(world, "ann", "bob", "Ann", "ANN")
    await people(world, "BOB", tenant="beta")
    assert await check_ids(world.gate.service) == IdCheck(
        is_empty=False, alike=("alpha/ANN and alpha/Ann", "alpha/ANN and alpha/ann")
    )


async def test_a_very_large_store_is_looked_at_in_part(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The look ends after so many people."""
    await people(world, "A", "B", "C", "a", "d")
    monkeypatch.setattr(module, "MOST", 4)
    assert (await check_ids(world.gate.service)).alike == ("alpha/A and alpha/a",)
    monkeypatch.setattr(module, "MOST", 3)
    assert (await check_ids(world.gate.service)).alike == ()


async def test_a_key_that_is_in_use_must_be_listed(world: World) -> None:
    """A store is bound to its keys from the first start on."""
    assert await check_keys(world.gate.service) == KeyCheck(is_new=False, fault="")
    assert await check_keys(make_world(store=world.store, keys=[key(2)]).gate.service) != KeyCheck(
        is_new=False, fault=""
    )
    other = make_world()
    await other.store.open()
    assert await check_keys(other.gate.service) == KeyCheck(is_new=True, fault="")
