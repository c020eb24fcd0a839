"""Events that another store still owes are told here, once."""

from __future__ import annotations

import pytest

from mfa_gate.core.events import Event
from mfa_gate.core.trail import event_to_json
from mfa_gate.service.hook_places import Place, ends_of, load_late, load_place
from mfa_gate.service.undelivered import owe
from mfa_gate.stores.memory import MemoryStore

NOW = 1_800_000_000
HOOK = "hook:lock@shop"


@pytest.fixture
async def store(store: MemoryStore) -> MemoryStore:
    """A store with a line of its own."""
    await store.append([line("own")])
    return store


def line(id: str, tenant: str = "alpha") -> Event:
    """Make a line."""
    return Event(id=id, kind="account.locked", at=1, tenant=tenant, account="ann")


async def test_what_is_owed(store: MemoryStore, caplog: pytest.LogCaptureFixture) -> None:
    """Each event waits in its tenant, and a hook that is new here hears nothing older.

    An event that was owed before is not owed again, and a line that cannot be read is left out.
    """
    lines = [event_to_json(line("a")), event_to_json(line("b", "beta")), "{"]
    await owe(store, HOOK, lines, now=NOW)
    assert await load_place(store, HOOK) == await ends_of(store) != Place()
    for tenant, id in (("alpha", "a"), ("beta", "b")):
        late = await load_late(store, HOOK, tenant)
        assert {key: (one.tries, one.next_at) for key, one in late.items()} == {id: (0, NOW + 30)}
    assert f"an event that waits for {HOOK} cannot be read" in caplog.text
    await store.put_meta(HOOK, Place(at={"alpha": ""}).to_bytes())
    await owe(store, HOOK, [*lines, event_to_json(line("c"))], now=NOW + 9)
    assert (await load_place(store, HOOK)).at == {"alpha": ""}
    late = await load_late(store, HOOK, "alpha")
    assert {key: one.next_at for key, one in late.items()} == {"a": NOW + 30, "c": NOW + 9 + 30}
