"""A suffix that many owners share is no site of one owner."""

from __future__ import annotations

import pytest

from mfa_gate.core.public_suffixes import is_public_suffix, registrable

SHARED = ("com", "localhost", "co.uk", "com.au", "github.io", "run.app", "any.ck", "plc.uk")
OWNED = ("example.com", "app.co.uk", "co.com", "com.uk.com", "a.any.ck", "me.github.io", "co.de", "uk.co")


@pytest.mark.parametrize("host", SHARED)
def test_shared(host: str) -> None:
    """Top-level domains, words below countries, and places of hosting companies are shared."""
    assert is_public_suffix(host)
    assert registrable(host) == host


@pytest.mark.parametrize("host", OWNED)
def test_owned(host: str) -> None:
    """A name below a suffix has one owner."""
    assert not is_public_suffix(host)


@pytest.mark.parametrize(
    ("host", "owner"),
    [
        ("www.app.co.uk", "app.co.uk"),
        ("app.co.uk", "app.co.uk"),
        ("a.b.example.com", "example.com"),
        ("example.com", "example.com"),
        ("x.me.github.io", "me.github.io"),
        ("a.b.c.ck", "b.c.ck"),
    ],
)
def test_the_part_of_one_owner(host: str, owner: str) -> None:
    """It is the name directly below the longest suffix."""
    assert registrable(host) == owner
