"""Fill a store with a bit of everything, read all of it as one value, and kill commands."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any

from mfa_gate.core import codec
from mfa_gate.core.events import unmoved
from mfa_gate.core.model import Attempts, Authenticator, Lock, SubjectKey
from mfa_gate.core.rules import TenantSettings
from mfa_gate.core.trail import event_to_json
from mfa_gate.keyring import Keyring
from mfa_gate.service.own_address import note_of
from mfa_gate.service.store_checks import CANARIES, CANARY, CANARY_ROW
from mfa_gate.service.trail_verification import verify_trail
from mfa_gate.storage import Store
from mfa_gate.testing.store_suite import ODD_IDS, enrolled, event
from tests.harness import key as key_text
from tests.stores.patience import patient_store

TENANTS = ("alpha", "beta", "Zoë {日本}")
WORDS = (
    "alpha",
    "Zoë",
    "Lovelace",
    "person-",
    "clinic.example",
    "credential-",
    "attempt.failed",
    "webauthn",
    "enabled",
)
"""What stands in the store in clear text, and may stand nowhere in the file (shorter words do, by chance)."""


async def fill(store: Store, *, people: int = 20, lines: int = 120) -> None:
    """Put people in every state into three tenants, with trails.

    Two tenants are turned on; one trail is pruned.
    """
    for tenant in TENANTS:
        ids = [f"person-{number:03}" for number in range(people)] + (list(ODD_IDS) if tenant == "beta" else [])
        for number, id in enumerate(ids):
            key = SubjectKey(tenant, id)
            claim = f"credential-{tenant}-{id}"
            passkey = Authenticator(id="p", factor="webauthn", label="Key", created_at=number, data={"claim": claim})
            account = enrolled(
                key,
                name=f"Ada {number} Lovelace",
                default="\ud800" if number == 3 else "a1",
                attempts=Attempts(used=number % 7, series=number),
                lock=Lock(at=number, cause="attempts", ref=f"L{number}") if number % 5 == 0 else None,
            )
            if number % 2:
                account = replace(account, authenticators=(*account.authenticators, passkey))
                assert await store.claim(claim, key)
            assert await store.swap(account, [event(number, key=key)])
        for start in range(0, lines, 40):
            keys = [SubjectKey(tenant, ids[number % len(ids)]) for number in range(start, start + 40)]
            await store.append([event(start + 1000 + n, key=key, kind="proof.granted") for n, key in enumerate(keys)])
    assert await store.prune("beta", before=event(7).at) == 7
    await store.append([event(5000, key=SubjectKey("beta", ""), kind="audit.pruned")])
    for tenant in TENANTS[1:]:
        settings = TenantSettings(tenant=tenant, enabled_at=77, factors=("totp", "webauthn"), tested_at=3)
        told = event(6000, key=SubjectKey(tenant, ""), kind="tenant.enabled")
        assert await store.swap_settings(settings, [told])
    await store.put_meta("enrolled:beta", b"[[20000,1,2]]")
    await store.put_meta(note_of(""), b'{"root": "/app"}')
    await be_of_before(store)


async def be_of_before(store: Store) -> None:
    """Let a release of before have made the store: its lines have no key.

    Its canary says nothing of signed trails.
    """
    sealed = Keyring([key_text(1)]).seal(CANARY, b"mfa_gate", row=CANARY_ROW, nonce=secrets.token_bytes(12)).encode()
    await store.put_meta(CANARY, sealed)
    await store.put_meta(CANARIES, sealed)


@dataclass(frozen=True)
class Contents:
    """Hold the part of a store that must be the same in another one."""

    accounts: dict[SubjectKey, bytes]
    settings: dict[str, TenantSettings]
    trails: dict[str, list[str]]
    charts: dict[str, bytes | None]
    claims: dict[str, bool]
    root: bytes | None


async def contents(store: Store) -> Contents:
    """All of it. The lines that an import wrote itself are left out.

    A trail that does not verify is an error.
    """
    assert await verify_trail(store) == {}
    accounts = {key: codec.encode(await store.load(key)) for key in await store.keys(limit=10_000)}
    tenants = await store.trails()
    trails: dict[str, list[str]] = {}
    for tenant in tenants:
        items = (await store.trail(tenant, limit=10_000)).items
        trails[tenant] = [event_to_json(unmoved(line)) for line in items if line.kind != "store.imported"]
    claims = {}
    for key in accounts:
        for item in (await store.load(key)).authenticators:
            if "claim" in item.data:
                claims[str(item.data["claim"])] = await store.claim(str(item.data["claim"]), key)
    return Contents(
        accounts,
        {tenant: replace(await store.settings(tenant), version=0) for tenant in tenants},
        trails,
        {tenant: await store.meta(f"enrolled:{tenant}") for tenant in tenants},
        claims,
        await store.meta(note_of("")),
    )


def on(url: str, work: Callable[[Store], Awaitable[Any]]) -> Any:
    """Do something with a store."""

    async def inside() -> Any:
        store = patient_store(url)
        await store.open()
        try:
            return await work(store)
        finally:
            await store.aclose()

    return asyncio.run(inside())


TOUCHED = ("load", "swap", "append", "claim", "settings", "swap_settings", "trail", "meta", "put_meta", "keys", "mark")


def die() -> None:
    """SIGKILL this process."""
    os.kill(os.getpid(), signal.SIGKILL)


def kill_at(count: int, when: str) -> None:
    """Be killed at the so-many-th call of the store: before it, after it, or seconds into it."""
    from mfa_gate.stores.redis import RedisStore
    from mfa_gate.stores.sqlite import SQLiteStore

    left = [count]

    def counted(method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        @wraps(method)
        async def call(*args: Any, **more: Any) -> Any:
            left[0] -= 1
            if left[0] == 0 and when == "before":
                die()
            if left[0] == 0 and when not in ("before", "after"):
                threading.Timer(float(when), die).start()
            result = await method(*args, **more)
            if left[0] == 0 and when == "after":
                die()
            return result

        return call

    for store in (RedisStore, SQLiteStore):
        for name in TOUCHED:
            setattr(store, name, counted(getattr(store, name)))


if __name__ == "__main__":
    from mfa_gate.cli import main

    kill_at(int(sys.argv[1]), sys.argv[2])
    sys.exit(main(sys.argv[3:]))
