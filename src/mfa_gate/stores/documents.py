"""How what stores keep is written down and read back; what cannot be read whole is an outage, never an empty account."""

from __future__ import annotations

import json
import zlib
from dataclasses import asdict, fields

from ..core.codec import UnreadableAccount, decode
from ..core.events import Event
from ..core.model import Account, SubjectKey
from ..core.rules import TenantSettings
from ..core.summary import Summary
from ..core.trail import UnreadableEvent, event_from_json
from ..errors import DamagedAccount, StoreUnavailable

_SETTINGS = frozenset(item.name for item in fields(TenantSettings)) - {"tenant", "version"}


_REPAIR = (
    "Discard this one account: mfa-gate accounts reset ID --discard --ticket NUMBER (the person enrolls anew); or restore the "
    "whole store from a copy"
)


def checksum(key: SubjectKey, version: int, body: bytes) -> int:
    """Tells a damaged or misplaced document; it is no protection against people (that is the keyring's)."""
    return zlib.crc32(f"{key.tenant}\0{key.id}\0{version}\0".encode(), zlib.crc32(body))


def account_from(key: SubjectKey, version: int, body: bytes, check: int) -> Account:
    """The stored account. Raises ``DamagedAccount`` where the document is damaged or of a newer version."""
    try:
        if check == checksum(key, version, body):
            return decode(key, version, body)
        text = "is damaged"
    except (UnreadableAccount, TypeError) as error:
        text = f"cannot be read ({error})"
    raise DamagedAccount(f"the account {key} in the store {text}. {_REPAIR}", version=version)


def event_from(line: str | bytes) -> Event:
    """The stored event. Raises ``StoreUnavailable`` where the line is damaged or of a newer version."""
    try:
        return event_from_json(line)
    except UnreadableEvent as error:
        raise StoreUnavailable(f"a line of the audit trail cannot be read: {error}") from error


def settings_to(settings: TenantSettings) -> str:
    """A tenant's settings as JSON, without tenant and version, which are the store's."""
    document = {name: part for name, part in asdict(settings).items() if name in _SETTINGS}
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


def settings_from(tenant: str, version: int, body: str | bytes) -> TenantSettings:
    """The stored settings. Raises ``StoreUnavailable`` where they are damaged or of a newer version."""
    try:
        document = json.loads(body)
        if unknown := document.keys() - _SETTINGS:
            raise ValueError(f"unknown parts {sorted(unknown)}")
        document["factors"] = tuple(document.get("factors", ()))
        return TenantSettings(tenant=tenant, version=version, **document)
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise StoreUnavailable(f"the settings of tenant {tenant!r} in the store cannot be read: {error}") from error


def search_text(summary: Summary) -> str:
    """What an administrator's query is looked for in: id and name, in one case."""
    return f"{summary.key.id}\n{summary.name}".casefold()


def search_word(query: str) -> str:
    """The query in the case of ``search_text``; what no stored text can hold finds nothing."""
    return query.casefold().encode("utf-8", "replace").decode() if query else ""


def cursor_from(after: str) -> int | None:
    """The number in an event page's cursor: -1 for the first page, None for a cursor that no page gave."""
    if not after:
        return -1
    return int(after) if after.isascii() and after.isdecimal() and len(after) <= 18 else None


def wait_for_room(taken: list[tuple[int, int]], *, limit: int, window: int, now: int, more: int = 1) -> int:
    """Seconds until ``more`` fit, 0 for at once, given how many were ``taken`` when in the window (oldest first).

    What lies ahead of ``now`` counts as well: a clock that steps back gives nothing away (S-118).
    """
    over = sum(count for _, count in taken) - limit + more
    if limit > 0 and over <= 0:
        return 0
    for at, count in taken if limit >= more else ():
        over -= count
        if over <= 0:
            return max(1, at + window - now)
    return window
