"""The clocks of workers decide, and the server's own only dates an acceptance."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mfa_gate.core.model import SubjectKey
from mfa_gate.storage import take_one
from mfa_gate.stores import postgres
from mfa_gate.stores.postgres import PostgresStore
from mfa_gate.testing.store_suite import event

from .. import postgres_servers
from ..patience import POSTGRES

CLOCK = re.compile(r"now\(\)|clock_timestamp|statement_timestamp|transaction_timestamp|current_(?:date|time)|localtime")


def test_no_statement_asks_the_servers_clock() -> None:
    """A server whose clock is wrong changes no limit and no lock.

    One file asks for it, to compare it with a worker's clock (F-14).
    """
    texts = {path.name: path.read_text() for path in Path(postgres.__path__[0]).glob("*.py")}
    assert {name for name, text in texts.items() if CLOCK.search(text.lower())} == {"acceptance.py", "clock.py"}


@pytest.mark.parametrize("apart", [-90, 90], ids=["behind", "ahead"])
async def test_workers_whose_clocks_are_apart_share_their_limits(apart: int) -> None:
    """A worker counts takes that are dated by another's clock.

    Lines of the trail keep the order in which they were written.
    """
    url = postgres_servers.shared().schema()
    one, two = PostgresStore(url, timing=POSTGRES), PostgresStore(url, timing=POSTGRES)
    await one.open()
    await two.open()
    now = 1_700_000_000
    for number in range(7):
        store, at = ((one, now), (two, now + apart))[number % 2]
        assert await take_one(store, "b", limit=7, window=3600, now=at) == 0
    for store, at in ((one, now), (two, now + apart)):
        assert 3600 - 90 <= await take_one(store, "b", limit=7, window=3600, now=at) <= 3600 + 90
    await one.append([event(0)])
    await two.append([event(apart)])
    await one.append([event(1)])
    page = await two.trail("clinic")
    assert [line.at for line in page.items] == [now, now + apart, now + 1]
    assert await one.prune("clinic", before=now - 3600, now=now) == 0
    assert (await one.load(SubjectKey("clinic", "alice"))).version == 0
    await one.aclose()
    await two.aclose()
