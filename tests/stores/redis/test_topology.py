"""The servers of a Cluster are found in each documented form of ``CLUSTER SLOTS``."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from redis.exceptions import RedisError

from mfa_gate.core.model import SubjectKey
from mfa_gate.errors import StoreUnavailable
from mfa_gate.stores.redis import RedisStore
from mfa_gate.stores.redis.topology import slots_from
from mfa_gate.testing.store_suite import enrolled

from .. import servers


@pytest.mark.parametrize(
    ("node", "address"),
    [
        ([b"10.0.0.1", 7000, b"id", []], ("10.0.0.1", 7000)),
        ([b"10.0.0.1", 7000], ("10.0.0.1", 7000)),
        ([b"one.example", 7000, b"id", [b"ip", b"10.0.0.1"]], ("one.example", 7000)),
        ([None, 7000, b"id", [b"ip", b"10.0.0.1"]], ("asked", 7000)),
        ([None, 7000], ("asked", 7000)),
        ([b"", 7000], ("asked", 7000)),
        ([b"?", 7000, b"id", [b"ip", b"10.0.0.1"]], ("10.0.0.1", 7000)),
        ([b"?", 7000, b"id", []], ("asked", 7000)),
        ([b"?", 7000], ("asked", 7000)),
        ([b"fe80::1", 7000, b"id", [b"hostname", b"one.example"]], ("fe80::1", 7000)),
    ],
)
def test_endpoints(node: list[object], address: tuple[str, int]) -> None:
    """F-5: with an address, a host name, or none at all."""
    replica = [b"10.0.0.9", 7009, b"other", []]
    assert slots_from([[0, 100, node, replica], [101, 200, node]], "asked") == [(0, 100, address), (101, 200, address)]


@pytest.mark.parametrize(
    "reply", [None, b"OK", 7, [None], [[]], [[0, 1]], [[0, 1, []]], [[0, 1, [b"h", b"7000"]]], [[b"0", 1, [b"h", 1]]]]
)
def test_what_is_no_answer(reply: object) -> None:
    """An answer that cannot be read is a server that does not answer."""
    with pytest.raises(RedisError):
        slots_from(reply, "asked")


@pytest.mark.parametrize("kind", ["unknown-endpoint", "hostname"])
@pytest.mark.waits
async def test_a_cluster_that_names_no_endpoint(tmp_path: Path, kind: str) -> None:
    """A Cluster behind one address is used like any other.

    F-5. Its servers do not know the addresses by which they are reached.
    """
    with servers.cluster(tmp_path) as nodes:
        for node in nodes:
            node.say("CONFIG", "SET", "cluster-preferred-endpoint-type", kind)
        store = RedisStore(f"redis+cluster://127.0.0.1:{nodes[0].port}")
        until = time.monotonic() + 10
        while True:
            try:
                await store.open()
                break
            except StoreUnavailable:
                assert time.monotonic() < until
                await asyncio.sleep(0.1)
        keys = [SubjectKey(f"tenant{number}", "a") for number in range(9)]
        for key in keys:
            assert await store.swap(enrolled(key))
        assert [(await store.load(key)).version for key in keys] == [1] * 9
        await store.aclose()
