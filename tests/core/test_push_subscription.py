"""A subscription of a browser's push service is read whole or not at all."""

from __future__ import annotations

import json

import pytest

from mfa_gate.core.push_subscription import MAX_SUBSCRIPTION, read_subscription

GOOD = {"endpoint": "https://push.example.com/send/1", "keys": {"p256dh": "k" * 87, "auth": "a" * 22}}


def test_a_subscription() -> None:
    """Address and keys are those of the text."""
    found = read_subscription(json.dumps(GOOD))
    assert found is not None
    assert (found.p256dh, found.auth) == ("k" * 87, "a" * 22)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        json.dumps({**GOOD, "endpoint": "http://push.example.com/send/1"}),
        json.dumps({**GOOD, "endpoint": 7}),
        json.dumps(GOOD) + " " * MAX_SUBSCRIPTION,
    ],
)
def test_what_is_none(text: str) -> None:
    """Text that is too long, or is no subscription of a service, is none."""
    assert read_subscription(text) is None
