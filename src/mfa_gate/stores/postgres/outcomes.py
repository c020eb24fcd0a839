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
        return OutcomeUnknown(f"PostgreSQL does not answer: {text}")
    if state in _CONTENTION:
        return Contention(f"PostgreSQL: {text}")
    if state in _MISSING:
        return Missing(f"PostgreSQL: {text}")
    if state in _UNKNOWN or (state.startswith("08") and state not in _NEVER_BEGUN):
        return OutcomeUnknown(f"PostgreSQL broke off ({state}): {text}")
    if state == _HELD:
        return StoreUnavailable(f"PostgreSQL: another transaction holds the row ({state}): {text}")
    if state == NOT_ALLOWED:
        return StoreUnavailable(
            f"PostgreSQL refuses ({state}): {text}; grant what the role needs: mfa-gate store upgrade"
        )
    return StoreUnavailable(f"PostgreSQL refuses ({state}): {text}")


def _text_of(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
