"""The settings of a tenant are read strictly.

A damaged one closes the tenant, and opens nothing.
"""

from __future__ import annotations

import json

import pytest

from mfa_gate.core.rules import TenantSettings
from mfa_gate.core.settings_codec import settings_from, settings_to
from mfa_gate.core.trail import LAST_SECOND
from mfa_gate.errors import StoreUnavailable

WHOLE = TenantSettings(
    tenant="clinic",
    version=3,
    stamp="s",
    enabled_at=7,
    factors=("totp",),
    announced_at=1,
    tokens=("row",),
    epoch=2,
    ended_at=9,
)


def test_settings_come_back() -> None:
    """Tenant, version and stamp are kept by the store itself."""
    body = settings_to(WHOLE)
    assert not {"tenant", "version", "stamp"} & {*json.loads(body)}
    found = settings_from("clinic", 3, body)
    assert (found.enabled_at, found.factors, found.tokens) == (7, ("totp",), ("row",))
    assert (found.epoch, found.ended_at) == (2, 9)
    assert (found.tenant, found.version) == ("clinic", 3)
    assert settings_from("clinic", 1, b"{}") == TenantSettings(tenant="clinic", version=1)
    assert settings_from("clinic", 1, json.dumps({"enabled_at": LAST_SECOND})).enabled_at == LAST_SECOND


def test_settings_of_a_newer_release_are_named() -> None:
    """The operator reads which part is not known here, and so which release to start."""
    with pytest.raises(StoreUnavailable, match=r"unknown parts \['colour', 'shape'\]"):
        settings_from("clinic", 1, '{"shape": 1, "colour": 2, "epoch": 1}')


@pytest.mark.parametrize(
    ("body", "epoch", "ended_at"),
    [('{"proofs_from": 50}', 1, 50), ('{"proofs_from": 0}', 0, 0), ('{"proofs_from": 50, "epoch": 3}', 3, 50)],
)
def test_an_end_of_before_it_had_a_number(body: str, epoch: int, ended_at: int) -> None:
    """S-26: it is the first end, so that no proof of before it comes back with an upgrade."""
    found = settings_from("clinic", 1, body)
    assert (found.epoch, found.ended_at) == (epoch, ended_at)


@pytest.mark.parametrize(
    "body",
    [
        "no JSON",
        "[]",
        "7",
        "[" * 9000,
        '{"tenant": "other"}',
        '{"unknown": 1}',
        '{"enabled_at": -1}',
        '{"enabled_at": true}',
        '{"enabled_at": "7"}',
        '{"enabled_at": 1.0}',
        json.dumps({"enabled_at": LAST_SECOND + 1}),
        '{"factors": "totp"}',
        '{"factors": [1]}',
        '{"tokens": 7}',
        '{"factors": 7}',
    ],
)
def test_damaged_settings(body: str) -> None:
    """An unknown part is one of a newer release; a part of another type is none."""
    with pytest.raises(StoreUnavailable, match="cannot be read"):
        settings_from("clinic", 1, body)
