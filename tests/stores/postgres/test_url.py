"""The URL of a PostgreSQL store, by its parts and options."""

from __future__ import annotations

import pytest

from mfa_gate.errors import SettingsError
from mfa_gate.stores.postgres.url import place_of

HOSTS = {
    "postgresql://h/d": (("h", ""),),
    "postgresql://h:5433/d": (("h", "5433"),),
    "postgresql:///d": (("", ""),),
    "postgresql:///d?host=/run/pg": (("/run/pg", ""),),
    "postgresql://a,b/d": (("a", ""), ("b", "")),
    "postgresql://a:1,b:2/d": (("a", "1"), ("b", "2")),
    "postgresql://a,b,c/d?port=5": (("a", "5"), ("b", "5"), ("c", "5")),
    "postgresql://[::1]:7/d": (("::1", "7"),),
    "postgresql://a,[::1]:7,[::2]/d": (("a", ""), ("::1", "7"), ("::2", "")),
}


@pytest.mark.parametrize(("url", "hosts"), HOSTS.items())
def test_hosts(url: str, hosts: tuple[tuple[str, str], ...]) -> None:
    """Each host has its own port, or all have the same."""
    assert place_of(url).hosts == hosts


def test_the_usual() -> None:
    """A URL without options asks for a durable store in our own schema, with four connections."""
    place = place_of("postgresql://u:secret@h/d?sslmode=require")
    assert (place.schema, place.quoted_schema, place.durable) == ("mfa_gate", '"mfa_gate"', True)
    assert (place.connections, place.generation_file) == (4, "")
    assert dict(place.parameters) == {"user": "u", "password": "secret", "dbname": "d", "sslmode": "require"}
    assert place.shown == "postgresql://…@h/d?sslmode=require"
    assert "secret" not in repr(place)


def test_a_password_with_brackets() -> None:
    """A bracket in a password begins no address of IPv6."""
    assert place_of("postgresql://u:a[b]c@h/d").parameters["password"] == "a[b]c"


def test_options() -> None:
    """Each option of the store is taken, and is none of libpq's."""
    for number in (2, 100):
        place = place_of(f"postgresql://h/d?schema=_a1&marker=/var/m&durable=false&connections={number}")
        assert (place.schema, place.durable, place.generation_file) == ("_a1", False, "/var/m")
        assert place.connections == number
        assert dict(place.parameters) == {"dbname": "d"}
    assert place_of("postgresql://h/d?durable=true").durable
    assert place_of(f"postgresql://h/d?schema={'x' * 63}").schema == "x" * 63


WRONG = {
    "postgresql://h": "names no database",
    "postgresql://a,b/d?port=1,2,3": "has 2 hosts and 3 ports",
    "postgresql://h/d?port=x": "port",
    "postgresql://h/d?hostaddr=10.0.0.1,10.0.0.2": "several addresses in hostaddr=",
    "postgresql://h/d?nonsense=1": "cannot be read as a PostgreSQL URL",
    "postgresql://h/d?schema=Upper": "is no name for a schema",
    "postgresql://h/d?schema=pg_x": "is no name for a schema",
    "postgresql://h/d?schema=": "is no name for a schema",
    "postgresql://h/d?schema=1a": "is no name for a schema",
    f"postgresql://h/d?schema={'x' * 64}": "is no name for a schema",
    "postgresql://h/d?durable=yes": "durable=yes is neither true nor false",
    "postgresql://h/d?durable=": "durable= is neither true nor false",
    "postgresql://h/d?marker=": "marker= names no file",
    "postgresql://h/d?marker=a%00b": "names no file",
    "postgresql://h/d?connections=1": "write a number from 2 to 100",
    "postgresql://h/d?connections=101": "write a number from 2 to 100",
    "postgresql://h/d?connections=0004": "write a number from 2 to 100",
    "postgresql://h/d?connections=\u0665": "write a number from 2 to 100",
    "postgresql://h/d?connections=-3": "write a number from 2 to 100",
}


@pytest.mark.parametrize(("url", "words"), WRONG.items())
def test_wrong(url: str, words: str) -> None:
    """A URL that cannot be used stops the start, and the error says what to write."""
    with pytest.raises(SettingsError) as caught:
        place_of(url.replace("//h", "//u:secret@h"))
    assert words in str(caught.value)
    assert "secret" not in str(caught.value)
