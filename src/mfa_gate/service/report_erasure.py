"""The people who were forgotten of late.

Workers leave them out of the records that they have not written yet.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from ..core.model import SubjectKey
from ..core.report import HOUR
from .accounts import Engine

KNOWN_FOR = 50 * HOUR
"""Seconds after which no worker has counts from before any more."""


async def note_erasure(engine: Engine, key: SubjectKey) -> None:
    """Note that a person was forgotten now. Raises ``StoreUnavailable``."""
    known = {**await _read(engine, key.tenant), _digest(engine, key): engine.now()}
    recent = {digest: at for digest, at in known.items() if at > engine.now() - KNOWN_FOR}
    await engine.store.put_meta(_note(key.tenant), json.dumps(recent).encode(), until=engine.now() + KNOWN_FOR)


async def erased_at(engine: Engine, tenant: str, ids: Iterable[str]) -> dict[str, int]:
    """Return the times (UTC seconds) at which some of these people were forgotten.

    Raises ``StoreUnavailable``.
    """
    known = await _read(engine, tenant)
    if not known:
        return {}
    at = {id: known.get(_digest(engine, SubjectKey(tenant, id)), 0) for id in ids}
    return {id: time for id, time in at.items() if time}


async def _read(engine: Engine, tenant: str) -> dict[str, int]:
    body = await engine.store.meta(_note(tenant))
    return {str(digest): int(at) for digest, at in json.loads(body).items()} if body else {}


def _digest(engine: Engine, key: SubjectKey) -> str:
    return engine.keyring.digest("report", key.tenant, key.id)


def _note(tenant: str) -> str:
    return f"report:erased@{tenant}"
