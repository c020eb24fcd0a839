"""Each fault of PostgreSQL is told as what it is, with the way out where there is one."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import errors

from mfa_gate.errors import StoreUnavailable
from mfa_gate.stores.postgres.outcomes import Contention, Missing, OutcomeUnknown, outage

KINDS = {
    Contention: ("40001", "40P01"),
    OutcomeUnknown: ("40003", "57P01", "57P02", "57P04", "08006", "08003", "08P01"),
    Missing: ("42P01", "42883", "3F000"),
    StoreUnavailable: ("57P03", "57P05", "53300", "25P03", "55P03", "42501", "25006", "57014", "53100", "22021"),
}


@pytest.mark.parametrize(("kind", "state"), [(kind, state) for kind, states in KINDS.items() for state in states])
def test_states(kind: type[StoreUnavailable], state: str) -> None:
    """F-7: only where the server broke off may a statement be there all the same."""
    fault = outage(errors.lookup(state)(f"the words\n of {state}"))
    assert type(fault) is kind
    assert f"the words of {state}" in str(fault)
    assert str(fault).startswith("PostgreSQL")


@pytest.mark.parametrize("error", [OSError("gone"), psycopg.OperationalError("gone"), psycopg.InterfaceError("gone")])
def test_no_answer(error: Exception) -> None:
    """A fault without a state is one of the line, so the outcome is unknown."""
    fault = outage(error)
    assert type(fault) is OutcomeUnknown
    assert str(fault) == "PostgreSQL does not answer: gone"
    assert str(outage(type(error)())) == f"PostgreSQL does not answer: {type(error).__name__}"


def test_own_words_stay() -> None:
    """A fault that was told already is not told as another one."""
    own = Contention("ours")
    assert outage(own) is own


WAYS = {
    ("42501", "permission denied for table account"): "mfa-gate store upgrade --grant-to ROLE",
    ("42501", "query would be affected by row-level security policy"): "DISABLE ROW LEVEL SECURITY",
    ("53300", "too many connections for role gate"): "ALTER ROLE … CONNECTION LIMIT",
    ("25006", "cannot execute: session is read-only"): "name the server that takes writes",
    ("57P01", "no prepared statements in statement pooling mode"): "a pooler in session mode",
    ("54000", "too many notifications in the NOTIFY queue"): "end the session that listens",
    (None, "server does not support SSL, but SSL was required"): "turn TLS on at the server",
    (None, 'root certificate file "x" does not exist'): "sslrootcert=FILE",
    (None, "SSL error: certificate verify failed"): "sslrootcert=FILE",
    (None, 'server certificate for "a" does not match host name "b"'): "as its certificate names it",
}


@pytest.mark.parametrize(("fault", "way"), WAYS.items())
def test_the_way_out(fault: tuple[str | None, str], way: str) -> None:
    """A fault that an operator can mend says how; another one says no way that does not help."""
    state, words = fault
    error: Exception = errors.lookup(state)(words) if state else psycopg.OperationalError(words)
    text = str(outage(error))
    assert f"{words}: " in text
    assert way in text
    without = errors.lookup(state)("other words") if state else psycopg.OperationalError("other words")
    assert state == "42501" or str(outage(without)).endswith(": other words")


@pytest.mark.parametrize("error", [errors.lookup("22021")("x" * 500), OSError("x" * 500)])
def test_words_are_cut(error: Exception) -> None:
    """A server that quotes a whole statement writes no page of it into the log."""
    assert str(outage(error)).partition(": ")[2] == "x" * 300
