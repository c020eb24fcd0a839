"""A worker that many strangers pass through does not grow.

Every cache has a bound (S-122, F-30).
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
from base64 import b64encode
from pathlib import Path

import itsdangerous
import pytest

from mfa_gate.identity import session as adapter
from mfa_gate.service import access, accounts, verification
from mfa_gate.web import cookies, path_rules
from tests.harness import FETCH, SESSION_KEY, call, http_scope, make_world, running

pytestmark = pytest.mark.slow

GROWTH = 50 * 1024 * 1024


def resident() -> int:
    """Bytes of this process in memory."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("times", [11_000, pytest.param(1_000_000, marks=pytest.mark.long)])
async def test_many_strangers(tmp_path: Path, times: int) -> None:
    """A worker that many strangers pass through grows by at most 50 MB.

    S-122, F-30. The subjects, addresses, paths and cookies are distinct, and every tenth request has a proof.
    No cache grows beyond its bound.
    """
    signer = itsdangerous.TimestampSigner(SESSION_KEY)
    async with running(make_world(store=f"sqlite:///{tmp_path / 'mfa.db'}")) as world:
        ann = await world.enrolled()
        proven = ann.cookies
        handle = proven[ann.handle]
        before = 0
        for number in range(times):
            if number == 300:
                before = resident()
            known = not number % 10
            user = {
                "user_id": "ann" if known else f"u{number}",
                "org": "alpha",
                "groups": [f"g{number}"],
                "sid": f"{number}",
            }
            session = signer.sign(b64encode(json.dumps(user).encode())).decode()
            header = f"session={session}; {ann.handle}={handle}; other={number}"
            address = ann.address if known else f"198.18.{number // 250 % 250}.{number % 250}"
            path = f"/files/{number}"
            scope = http_scope("GET", path, headers=[*FETCH, ("cookie", header)], address=address)
            while (reply := await call(world.app, dict(scope))).status == 503:
                await asyncio.sleep(0.1)  # a busy machine
            assert reply.status == (200 if known else 403), reply.text
            if not number % 50:
                scope = http_scope("GET", f"/open/{number}", headers=[*FETCH], address=address)
                assert (await call(world.app, scope)).status in (200, 404)
            if not number % 1000:
                world.events.clear()
                world.reached.clear()
        growth = resident() - before
        gate = world.gate.web
        print(f"growth {growth / 1024 / 1024:.1f} MB")
        assert growth <= GROWTH
        assert len(world.engine._accounts) <= accounts.MAX_CACHED
        assert len(world.gate.service.access._passes) <= access.MAX_PASSES
        assert len(gate.site.cookies._jars) <= cookies.MAX_KNOWN
        assert len(world.gate.service.verification._malformed) <= verification.MALFORMED_CACHE
        assert sum(map(len, gate.path_rules.ways.values())) <= path_rules.MAX_KEPT
        assert len(gate.connections.open) == 0
        identify = gate.callers.identify
        assert isinstance(identify, adapter.SessionUser)
        assert len(identify._known) <= adapter.MAX_SUBJECTS
        assert await ann.is_in()
