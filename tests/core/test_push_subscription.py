"""Web Push subscriptions are read strictly: an address of a service, and keys of base64."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mfa_gate.core.push_subscription import MAX_SUBSCRIPTION, read_subscription

ENDPOINT = "https://push.example/a/b?c=d"
P256DH, AUTH = "B" * 87, "a" * 22


def written(endpoint: Any = ENDPOINT, **keys: Any) -> str:
    return json.dumps({"endpoint": endpoint, "keys": {"p256dh": P256DH, "auth": AUTH} | keys})


def test_a_whole_one() -> None:
    """Address and keys are kept as they came, and the keys are in no log."""
    found = read_subscription(written())
    assert found is not None
    assert (found.address.scheme, found.address.host, found.address.port) == ("https", "push.example", 443)
    assert (found.p256dh, found.auth) == (P256DH, AUTH)
    assert P256DH not in repr(found)
    assert AUTH not in repr(found)


def test_without_keys() -> None:
    """A browser may give none: a wake-up without text needs none."""
    for text in (json.dumps({"endpoint": ENDPOINT}), written(p256dh="", auth="")):
        found = read_subscription(text)
        assert found is not None
        assert (found.p256dh, found.auth) == ("", "")


@pytest.mark.parametrize("endpoint", ["http://localhost:8000/x", "http://127.0.0.1:9/x", "https://localhost/x"])
def test_this_machine(endpoint: str) -> None:
    """A service on this machine may be tried out, at any port and without TLS."""
    assert read_subscription(written(endpoint)) is not None


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://push.example/a",
        "https://push.example:8443/a",
        "https://push/a",
        "https://192.0.2.1/a",
        "ftp://push.example/a",
        "push.example",
        "",
        7,
        None,
    ],
)
def test_other_addresses(endpoint: object) -> None:
    """No push service is without TLS, at another port, or without a full name."""
    assert read_subscription(written(endpoint)) is None


@pytest.mark.parametrize("key", ["short", "x" * 201, "a b c d e f g h", "abcdefgh===", "ä" * 20, 7, None, ["a" * 20]])
@pytest.mark.parametrize("name", ["p256dh", "auth"])
def test_keys_that_are_none(name: str, key: object) -> None:
    """A key is base64 of a length that can be one, or empty."""
    assert read_subscription(written(**{name: key})) is None


@pytest.mark.parametrize("key", ["a" * 8, "x" * 200, "abcdefgh=", "abcdefgh==", "A-b_c012"])
def test_keys_at_their_bounds(key: str) -> None:
    """The shortest and the longest key are read, also with the filling of base64."""
    assert read_subscription(written(p256dh=key, auth=key)) is not None


@pytest.mark.parametrize("text", ["", "no JSON", "[]", "7", "null", "{}", '{"keys": {}}', "[" * 2000])
def test_no_subscription(text: str) -> None:
    """Any other text is none, and no fault."""
    assert read_subscription(text) is None


@pytest.mark.parametrize("keys", [7, "text", None, []])
def test_keys_of_another_shape(keys: object) -> None:
    """Keys are an object."""
    assert read_subscription(json.dumps({"endpoint": ENDPOINT, "keys": keys})) is None


def test_its_length() -> None:
    """A text of exactly the limit is read, one that is longer is not."""
    most = written() + " " * (MAX_SUBSCRIPTION - len(written()))
    assert MAX_SUBSCRIPTION == 2048
    assert read_subscription(most) is not None
    assert read_subscription(most + " ") is None
