"""A store in Redis that a newer release has upgraded."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from mfa_gate.errors import SettingsError, StoreMissing, StoreUnavailable
from mfa_gate.stores.redis import RedisStore
from mfa_gate.stores.redis.names import STORE
from mfa_gate.stores.redis.schema import SCHEMA, schema_of
from mfa_gate.stores.redis.timing import Timing
from mfa_gate.testing.store_suite import ALICE, BOB, enrolled
from tests.stores.servers import single

NEWER = SCHEMA + 1
SOON = Timing(look_every=0.1)


@pytest.mark.parametrize(
    ("store_id", "schema"),
    [
        (None, 1),
        (b"", 1),
        (b"0123456789abcdef0123456789abcdef", 1),
        (b"12345678901234567890123456789012", 1),
        (b"id", 1),
        (b"2:0123456789abcdef", 2),
        (b"17:0123456789abcdef", 17),
        (b"0:0123456789abcdef", 1),
    ],
)
def test_the_schema_stands_in_the_id(store_id: bytes | None, schema: int) -> None:
    """An id of today has none, and is version 1, also one that is all digits."""
    assert schema_of(store_id) == schema


@pytest.mark.waits
async def test_an_upgraded_store(tmp_path: Path) -> None:
    """A worker of the release before refuses it, at its start and while it runs.

    The message has the schema. What the newer release wrote is not read as an empty store, and no command makes or
    accepts anything there.
    """
    with single(tmp_path) as server:
        url = f"redis://127.0.0.1:{server.port}"
        running = RedisStore(url, timing=SOON)
        await running.open()
        assert await running.swap(enrolled(ALICE))
        server.say("SET", STORE, f"{NEWER}:{server.say('GET', STORE).decode()}")
        before = server.keys()
        word = f"has schema {NEWER}, this process knows {SCHEMA}"
        for _ in range(600):
            with suppress(StoreUnavailable):
                await running.load(ALICE)
                await asyncio.sleep(0.1)
                continue
            break
        with pytest.raises(StoreUnavailable, match=word):
            await running.load(ALICE)
        with pytest.raises(StoreUnavailable, match=word):
            await running.swap(enrolled(BOB))
        await running.aclose()
        word = f"has schema {NEWER}, this release knows {SCHEMA}: install the release that wrote it"
        for act in (
            RedisStore(url).open(),
            RedisStore(url).open(make=False),
            RedisStore(f"{url}?marker={tmp_path / 'marker'}").open(),
            RedisStore(url).accept(),
        ):
            with pytest.raises(SettingsError, match=word) as caught:
                await act
            assert not isinstance(caught.value, StoreMissing)
        assert server.keys() == before
