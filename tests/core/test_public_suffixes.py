"""The part of a host name that one owner has."""

from __future__ import annotations

import pytest

from mfa_gate.core.public_suffixes import is_public_suffix, registrable


@pytest.mark.parametrize(
    ("host", "owned"),
    [
        ("app.example", "app.example"),
        ("www.app.example", "app.example"),
        ("www.app.co.uk", "app.co.uk"),
        ("co.uk", "co.uk"),
        ("localhost", "localhost"),
        ("a.b.duckdns.org", "b.duckdns.org"),
        ("duckdns.org", "duckdns.org"),
    ],
)
def test_registrable(host: str, owned: str) -> None:
    """A shared suffix belongs to nobody, so one label more is needed."""
    assert registrable(host) == owned
    assert is_public_suffix(host) is (host in ("co.uk", "localhost", "duckdns.org"))
