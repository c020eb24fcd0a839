"""A store that is not open refuses each of its calls.

It answers neither "nobody is enrolled" nor "nothing changed".
"""

from __future__ import annotations

from pathlib import Path

import pytest

from mfa_gate.errors import StoreUnavailable
from mfa_gate.storage import Reader, Store
from mfa_gate.stores import store_from_url
from mfa_gate.stores.memory import MemoryStore
from mfa_gate.stores.postgres import PostgresStore
from mfa_gate.stores.redis import RedisStore
from mfa_gate.stores.sqlite import SQLiteStore

from .faults import MORE_READS, MORE_WRITES, READS, WRITES

CALLS = READS | WRITES | MORE_READS | MORE_WRITES
ASK_NOTHING = {"open", "aclose", "changed", "another", "path", "generation_file", "before_fork", "after_fork"}
WORK_CLOSED = {"accept", "upgrade"}
OF_ONE = {"advice", "compact"}
CALLED = {"take": "take_all", "put_meta_until": "put_meta"}
"""The method of a call that is named otherwise."""


async def not_open(store: Store) -> None:
    """Every call raises, and looks for no server."""
    with pytest.raises(StoreUnavailable, match="is not open"):
        store.changed(Reader())
    for name, call in CALLS.items():
        if hasattr(store, CALLED.get(name) or name):
            with pytest.raises(StoreUnavailable, match="is not open"):
                pytest.fail(f"{name} answered {await call(store)!r}")
    for name in OF_ONE & set(dir(store)):
        with pytest.raises(StoreUnavailable, match="is not open"):
            await getattr(store, name)()


@pytest.mark.parametrize(
    "url", ["memory://", "sqlite:///{}/mfa.db", "redis://127.0.0.1:1", "postgresql://127.0.0.1:1/x"]
)
async def test_a_store_that_was_never_opened(url: str, tmp_path: Path) -> None:
    """Each call is refused, with the reason, before the first ``open``."""
    await not_open(store_from_url(url.format(tmp_path)))


@pytest.mark.parametrize("url", ["memory://", "sqlite:///{}/mfa.db"])
async def test_a_store_that_was_closed(url: str, tmp_path: Path) -> None:
    """Each call is refused after ``aclose``, too."""
    store = store_from_url(url.format(tmp_path))
    await store.open()
    await store.aclose()
    await not_open(store)


@pytest.mark.parametrize("kind", [MemoryStore, SQLiteStore, RedisStore, PostgresStore])
def test_no_method_is_left_out(kind: type) -> None:
    """A method that a store gets tomorrow is in the table, or among those that ask nothing."""
    public = {name for name in dir(kind) if not name.startswith("_")}
    assert public - {CALLED.get(name, name) for name in CALLS} - ASK_NOTHING - WORK_CLOSED - OF_ONE == set()
