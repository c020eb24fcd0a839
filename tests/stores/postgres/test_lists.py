"""Lists, searches and counts of PostgreSQL have connections of their own."""

from __future__ import annotations

from typing import Any

import pytest

from mfa_gate.stores.postgres import PostgresStore
from mfa_gate.stores.postgres.connections import Connections

from .. import postgres_servers
from ..faults import LISTS, MORE_READS, MORE_WRITES, READS, WRITES, prepared


@pytest.fixture
def url() -> str:
    """The URL of a schema of its own."""
    return postgres_servers.shared().schema()


async def test_lists_hold_up_no_load(store: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each list is asked by the connections for lists, and no other call is."""
    await prepared(store)
    session = store._sessions.of_this_loop()
    assert session is not None
    asked, real = set[str](), Connections.run

    async def run(pool: Connections, work: Any, **more: Any) -> Any:
        asked.add("list" if pool is session._lists else "call")
        return await real(pool, work, **more)

    monkeypatch.setattr(Connections, "run", run)
    found = dict[str, set[str]]()
    for name, call in (READS | MORE_READS | WRITES | MORE_WRITES).items():
        asked.clear()
        await call(store)
        found[name] = asked.copy()
    assert {name for name, kinds in found.items() if "list" in kinds} == LISTS | {"anchor"}
    assert {name for name, kinds in found.items() if kinds == {"list"}} == LISTS | {"anchor"}
