"""Settings of a tenant whose change got no answer, or met another one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from mfa_gate.core.rules import TenantSettings
from mfa_gate.errors import StoreUnavailable
from mfa_gate.stores.postgres import PostgresStore
from mfa_gate.stores.postgres.outcomes import Contention, OutcomeUnknown
from mfa_gate.stores.postgres.session import Session
from mfa_gate.testing.store_suite import event
from tests.stores import postgres_servers

CHOSEN = TenantSettings(tenant="clinic", version=0, factors=("totp",))
Swap = Callable[[Session, Callable[..., Awaitable[Any]]], Awaitable[Any]]


@pytest.fixture
def url() -> str:
    """A schema of the test's own on the shared server."""
    return postgres_servers.shared().schema()


def swapping(monkeypatch: pytest.MonkeyPatch, *, writes: bool, then: Exception) -> None:
    """Let each swap end with a fault, after it has written or before."""
    real: Swap = Session.swap

    async def swap(session: Session, work: Callable[..., Awaitable[Any]]) -> Any:
        if writes:
            await real(session, work)
        raise then

    monkeypatch.setattr(Session, "swap", swap)


async def test_a_change_that_is_there_counts(store: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """F-7: settings that are there although the answer got lost count as changed.

    Their line is there, too.
    """
    with monkeypatch.context() as patched:
        swapping(patched, writes=True, then=OutcomeUnknown("no answer"))
        assert await store.swap_settings(CHOSEN, [event(1)])
    found = await store.settings("clinic")
    assert (found.version, found.factors) == (1, ("totp",))
    assert len((await store.events("clinic")).items) == 1


async def test_a_change_that_is_not_there_is_unknown(store: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """F-7: nothing is there, and nobody is told that it is."""
    with monkeypatch.context() as patched:
        swapping(patched, writes=False, then=OutcomeUnknown("no answer"))
        with pytest.raises(StoreUnavailable, match="no answer"):
            await store.swap_settings(CHOSEN, [event(1)])
    assert (await store.settings("clinic")).version == 0


async def test_a_change_that_met_another_one_lost(store: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller reads again and tries once more, as after any lost race."""
    with monkeypatch.context() as patched:
        swapping(patched, writes=False, then=Contention("deadlock"))
        assert not await store.swap_settings(CHOSEN, [event(1)])
    assert await store.swap_settings(CHOSEN, [event(1)])
