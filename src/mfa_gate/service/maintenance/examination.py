"""Examine an opened store: its keys, its newest event, its people."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass

from ...core.model import SubjectKey
from .. import Service
from ..store_checks import CANARY, unlisted
from .rotation import every_key

MOST = 200_000
"""The most accounts that are examined."""


@dataclass(frozen=True, slots=True)
class KeyCheck:
    """The fit of the listed keys. ``fault`` is "" if each key that is in use is listed."""

    is_new: bool
    fault: str


@dataclass(frozen=True, slots=True)
class IdCheck:
    """The ids in the store: if there are any, and pairs that differ by case alone."""

    is_empty: bool
    alike: tuple[str, ...]


async def check_keys(service: Service) -> KeyCheck:
    """Compare the listed keys with the store. Raises ``StoreUnavailable``.

    A new store is bound to no key yet.
    """
    engine = service.engine
    if await engine.store.meta(CANARY) is None:
        return KeyCheck(is_new=True, fault="")
    return KeyCheck(is_new=False, fault=await unlisted(engine.store, engine.keyring))


async def newest_event_at(service: Service) -> int | None:
    """Return the time of the store's newest event, None without one.

    The time is in UTC seconds. Raises ``StoreUnavailable``.
    """
    newest = (await service.engine.store.events("", limit=1)).items
    return newest[0].at if newest else None


async def check_ids(service: Service) -> IdCheck:
    """Find ids of one tenant that differ by case alone: one person under two ids.

    Raises ``StoreUnavailable``.
    """
    seen: dict[tuple[str, str], SubjectKey] = {}
    alike: list[str] = []
    async with aclosing(every_key(service)) as keys:
        async for key in keys:
            if len(seen) >= MOST:
                break
            known = seen.setdefault((key.tenant, key.id.casefold()), key)
            if known != key:
                alike.append(f"{known} and {key}")
    return IdCheck(is_empty=not seen, alike=tuple(alike))
