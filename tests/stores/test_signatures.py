"""Each store takes what the protocols say.

Leaves out the same where a caller leaves it out.
"""

from __future__ import annotations

import inspect

import pytest

from mfa_gate import storage
from mfa_gate.stores.memory import MemoryStore
from mfa_gate.stores.postgres import PostgresStore
from mfa_gate.stores.redis import RedisStore
from mfa_gate.stores.sqlite import SQLiteStore

PROTOCOLS = [
    getattr(storage, name) for name in storage.__all__ if getattr(getattr(storage, name), "_is_protocol", False)
]


@pytest.mark.parametrize("kind", [MemoryStore, SQLiteStore, RedisStore, PostgresStore])
def test_a_store_takes_what_the_protocols_say(kind: type) -> None:
    """A page has as many lines on one store as on another, and no store makes a store unasked."""
    compared = set[str]()
    for protocol in PROTOCOLS:
        for name, asked in vars(protocol).items():
            if name.startswith("_") or not inspect.isfunction(asked) or not hasattr(kind, name):
                continue
            wanted, given = (inspect.signature(one).parameters.values() for one in (asked, getattr(kind, name)))
            assert [(p.kind, p.default) for p in given] == [(p.kind, p.default) for p in wanted], name
            compared.add(name)
    assert len(compared) > 30
