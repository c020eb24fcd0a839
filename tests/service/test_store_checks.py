"""Keys and store must belong together, before anybody is served."""

from __future__ import annotations

import pytest

from mfa_gate.core.events import Event
from mfa_gate.core.model import Account, SubjectKey
from mfa_gate.errors import StoreUnavailable
from mfa_gate.keyring import Keyring
from mfa_gate.service.store_checks import check_canary, drop_canaries, is_keyed, is_new, mark_keyed, unlisted
from mfa_gate.stores.memory import MemoryStore
from tests.harness import key

OLD, NEW, OTHER = Keyring([key(1)]), Keyring([key(2), key(1)]), Keyring([key(3)])
ONLY_NEW = Keyring([key(2)])


def entropy(count: int) -> bytes:
    """Draw the same bytes each time."""
    return bytes(count)


async def test_a_store_gets_a_canary_of_each_key(store: MemoryStore) -> None:
    """A key that is used keeps its canary until ``keys rotate`` has done all."""
    assert await is_new(store)
    assert await check_canary(store, OLD, entropy) == ""
    assert not await is_new(store)
    assert await check_canary(store, NEW, entropy) == ""
    assert await check_canary(store, OLD, entropy) != ""
    assert OLD.newest not in await check_canary(store, NEW, entropy)
    fault = await check_canary(store, ONLY_NEW, entropy)
    assert f"none of the listed keys opens this store's canary of {OLD.newest}" in fault
    await drop_canaries(store, NEW)
    assert await check_canary(store, ONLY_NEW, entropy) == ""
    fault = await check_canary(store, OLD, entropy)
    assert "it was made with another one" in fault


async def test_a_command_needs_one_of_the_keys(store: MemoryStore) -> None:
    """It serves nobody, and says what the other keys are needed for."""
    assert await check_canary(store, OLD, entropy) == ""
    assert await check_canary(store, NEW, entropy) == ""
    assert await check_canary(store, ONLY_NEW, entropy, serves=False) == ""
    assert await check_canary(store, OTHER, entropy, serves=False) != ""
    assert await unlisted(store, NEW) == ""


@pytest.mark.parametrize("held", ["a line", "an account", "a canary", ""])
async def test_a_new_store(store: MemoryStore, held: str) -> None:
    """A store that holds anything is not new.

    One that has lost its canaries counts as one whose trails were signed.
    """
    if held == "a line":
        await store.append([Event(id="e", kind="attempt.failed", at=1, tenant="alpha", account="")])
    elif held == "an account":
        assert await store.swap(Account(key=SubjectKey("alpha", "ann")))
    elif held:
        assert await check_canary(store, OLD, entropy) == ""
    assert await is_new(store) == (not held)
    if held != "a canary":
        assert await check_canary(store, OLD, entropy) == ""
        assert await is_keyed(store, OLD) == bool(held)


async def test_the_mark_of_signed_trails(store: MemoryStore) -> None:
    """It stands in the newest key's canary, and goes on to the next key's."""
    assert await check_canary(store, OLD, entropy) == ""
    assert not await is_keyed(store, OLD)
    await mark_keyed(store, OLD, entropy)
    assert await is_keyed(store, OLD)
    assert await check_canary(store, NEW, entropy) == ""
    await drop_canaries(store, NEW)
    assert await is_keyed(store, ONLY_NEW)


async def test_a_store_that_cannot_be_written(store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new key starts all the same where another one is known.

    The first key of a store does not.
    """

    async def away(*given: object, **named: object) -> None:
        raise StoreUnavailable("the store is read-only")

    monkeypatch.setattr(store, "put_meta", away)
    with pytest.raises(StoreUnavailable):
        await check_canary(store, OLD, entropy)
    monkeypatch.undo()
    assert await check_canary(store, OLD, entropy) == ""
    monkeypatch.setattr(store, "put_meta", away)
    assert await check_canary(store, NEW, entropy) == ""
