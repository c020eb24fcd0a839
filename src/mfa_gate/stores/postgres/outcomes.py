"""Faults of PostgreSQL as the store tells them.

A statement was refused, was lost to another writer, or has an unknown outcome.
"""

from __future__ import annotations

from psycopg import Error

from ...errors import StoreUnavailable

_CONTENTION = frozenset({"40001", "40P01"})
"""A serialization failure, and a deadlock that was broken: the server has taken everything back."""
_UNKNOWN = frozenset({"40003", "57P01", "57P02", "57P04"})
"""The server broke off, maybe after it had committed."""
_NEVER_BEGUN = frozenset({"57P03", "57P05", "53300", "25P03"})
"""The server took no statement: it starts, or it has ended a session that did nothing."""
NOT_ALLOWED = "42501"
_HELD = "55P03"
"""A lock that somebody else holds for longer than we wait: nothing was written."""
READ_ONLY = "25006"
_MISSING = frozenset({"42P01", "42883", "3F000"})
"""A table, function or schema that is not there."""


_WAYS = {
    "session is read-only": "name the server that takes writes, or ALTER ROLE … SET default_transaction_read_only = off",
    "statement pooling mode": "name the server itself in the store's URL, or a pooler in session mode",
    "row-level security": "ALTER TABLE … DISABLE ROW LEVEL SECURITY for each table of the store",
    "SSL was required": "turn TLS on at the server, or correct sslmode in the store's URL",
    "root certificate file": "name the authority that signed the server's certificate: sslrootcert=FILE in the store's URL",
    "certificate verify failed": "name the authority that signed the server's certificate: sslrootcert=FILE in the store's URL",
    "does not match host name": "write the host in the store's URL as its certificate names it",
    "NOTIFY queue": "end the session that listens and stands in a transaction; the server's log names it",
    "too many connections for role": "ALTER ROLE … CONNECTION LIMIT: a worker has up to three more than connections= says",
}
"""The way out for faults that libpq tells in words only."""


class Contention(StoreUnavailable):
    """A statement that lost to another one. Nothing was written."""


class OutcomeUnknown(StoreUnavailable):
    """A statement without an answer. It may have been committed."""


class Missing(StoreUnavailable):
    """A statement that names a table or function that is not there."""


def outage(error: BaseException) -> StoreUnavailable:
    """Turn a fault of psycopg or of the network into the error that the store raises."""
    if isinstance(error, StoreUnavailable):
        return error
    state = error.sqlstate if isinstance(error, Error) else None
    text = _text_of(error)
    if state is None:
        return OutcomeUnknown(f"PostgreSQL does not answer: {text}{_way_out(text)}")
    if state in _CONTENTION:
        return Contention(f"PostgreSQL: {text}")
    if state in _MISSING:
        return Missing(f"PostgreSQL: {text}")
    if state in _UNKNOWN or (state.startswith("08") and state not in _NEVER_BEGUN):
        return OutcomeUnknown(f"PostgreSQL broke off ({state}): {text}{_way_out(text)}")
    if state == _HELD:
        return StoreUnavailable(f"PostgreSQL: another transaction holds the row or its table ({state}): {text}")
    if state == NOT_ALLOWED:
        way = _way_out(text) or ": grant what the role needs: mfa-gate store upgrade --grant-to ROLE"
        return StoreUnavailable(f"PostgreSQL refuses ({state}): {text}{way}")
    return StoreUnavailable(f"PostgreSQL refuses ({state}): {text}{_way_out(text)}")


def _way_out(text: str) -> str:
    return next((f": {way}" for words, way in _WAYS.items() if words in text), "")


def _text_of(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
