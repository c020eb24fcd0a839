"""Make the store that a URL names."""

from __future__ import annotations

from ..errors import MissingExtra, SettingsError
from ..storage import Store
from .common.platform import fault_of_platform
from .common.urls import without_password

__all__ = ["store_from_url"]

_KINDS = "sqlite:///path, postgresql://, memory://, redis://, rediss://, redis+sentinel:// or redis+cluster://"


def store_from_url(url: str) -> Store:
    """The store that ``url`` names, not opened yet.

    ``sqlite:///x.db`` is relative to the working directory, ``sqlite:////x.db`` absolute. Raises ``SettingsError``
    for an unknown kind or a malformed URL.
    """
    kind, separator, _ = url.partition("://")
    if not separator:
        raise SettingsError(f"store {url!r} is no URL: write {_KINDS}")
    match kind:
        case "sqlite":
            return _sqlite(url)
        case "memory":
            if url != "memory://":
                raise SettingsError(f"store {url!r}: the memory store takes nothing after memory://")
            from .memory import MemoryStore

            return MemoryStore()
        case "redis" | "rediss" | "redis+sentinel" | "redis+cluster":
            from .redis import RedisStore

            return RedisStore(url)
        case "postgresql" | "postgres":
            return _postgres(url)
    raise SettingsError(f"store {without_password(url)!r}: {kind!r} is no known kind; write {_KINDS}")


def _postgres(url: str) -> Store:
    try:
        from .postgres import PostgresStore
    except ImportError as error:
        raise MissingExtra("a store in PostgreSQL", "postgres") from error
    return PostgresStore(url)


def _sqlite(url: str) -> Store:
    if fault := fault_of_platform():
        raise SettingsError(fault)
    from .sqlite import SQLiteStore

    path = url.removeprefix("sqlite:///")
    if path == url:
        raise SettingsError(
            f"store {url!r}: three slashes for a path from the working directory (sqlite:///mfa_gate.db), "
            "four for an absolute one (sqlite:////var/lib/app/mfa_gate.db)"
        )
    if path in ("", ":memory:"):
        raise SettingsError(f"store {url!r} names no file: write sqlite:///mfa_gate.db, or memory:// to keep nothing")
    if "?" in path or "#" in path or "\0" in path:
        raise SettingsError(f"store {url!r}: the SQLite store takes no options; leave out what follows the file's name")
    return SQLiteStore(path)
