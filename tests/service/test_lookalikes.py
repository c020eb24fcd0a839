"""S-40: an id that equals a known one but for case is told when it begins to enroll."""

from __future__ import annotations

import pytest

from mfa_gate.identity import SessionUser
from mfa_gate.service.lookalikes import fold_of
from mfa_gate.stores.memory import MemoryStore
from tests.harness import make_world, running


async def begin(world: object, id: str, tenant: str = "alpha") -> None:
    """Sign in, and begin an enrollment twice."""
    browser = await world.browser(id, tenant)  # type: ignore[attr-defined]
    for _ in range(2):
        assert (await browser.api("POST", "enroll", {"factor": "totp"})).status == 201


async def test_another_case_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """The event names the new id, once.

    The known one, other people and other tenants are none of it.
    """
    store = MemoryStore()
    async with running(make_world(store=store)) as world:
        await world.enrolled("ann")
        for id, tenant in (("anne", "alpha"), ("ANN", "beta")):
            await begin(world, id, tenant)
        assert world.kinds("account.lookalike") == []
        await begin(world, "Ann")
        (event,) = world.kinds("account.lookalike")
        assert (event.tenant, event.account) == ("alpha", "Ann")
        assert [line.id for line in (await store.events("alpha", kind="account.lookalike")).items] == [event.id]
        assert "one person?" in caplog.text


async def test_names_that_are_folded_are_one_account() -> None:
    """Nothing is told with ``fold``: the spellings are one person.

    The person owes the same second factor.
    """
    identify = SessionUser("user_id", tenant="org", session="sid", fold=str.casefold)
    async with running(make_world(identify=identify)) as world:
        await world.enrolled("ann")
        other = await world.browser("ANN")
        assert (await other.state())["state"] == "challenge"
        assert world.kinds("account.lookalike") == []


def test_the_name_of_a_reservation_stays() -> None:
    """A store keeps it for good, so no release may name it in another way."""
    assert fold_of("alpha", "ANN") == fold_of("alpha", "ann") == "id:9ce5877253481cea3779db763eb40239"
    assert fold_of("alph", "aann") != fold_of("alpha", "ann")
