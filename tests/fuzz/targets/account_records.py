"""Records of accounts as a store gives them back, sound and damaged."""

from __future__ import annotations

import asyncio
from functools import cache

from mfa_gate.core import codec
from mfa_gate.core.model import SubjectKey
from mfa_gate.errors import DamagedAccount
from mfa_gate.stores.common.documents import account_from, checksum
from tests.harness import make_world, running

from ..target import Check, Target, told

ANN = SubjectKey("alpha", "ann")


@cache
def _seeds() -> tuple[bytes, ...]:
    async def written() -> tuple[bytes, ...]:
        async with running(make_world()) as world:
            ann = await world.enrolled("ann")
            bob = await world.enrolled("bob")
            await bob.lock()
            await ann.enroll_email()
            keys = [SubjectKey("alpha", id) for id in ("ann", "bob")]
            return tuple([codec.encode(await world.store.load(key)) for key in keys])

    return asyncio.run(written())


def made() -> Check:
    """Make the check."""

    def read(data: bytes) -> None:
        for check in (checksum(ANN, 1, data), 0):
            judge(data, check)

    def judge(data: bytes, check: int) -> None:
        try:
            account = account_from(ANN, 1, data, check)
        except DamagedAccount as error:
            told(error)
        else:
            codec.encode(account)

    return read


TARGET = Target(
    "account-records",
    "a record is an account or unreadable",
    made,
    _seeds,
    (b'"lock":', b'"attempts":', b"1e999"),
    quick=150,
)
