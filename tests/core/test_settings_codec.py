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
    epoch=9,
    ended_at=8,
)


def test_settings_come_back() -> None:
    """Tenant, version and stamp are kept by the store itself."""
    body = settings_to(WHOLE)
    assert not {"tenant", "version", "stamp"} & {*json.loads(body)}
    found = settings_from("clinic", 3, body)
    assert (found.enabled_at, found.factors, found.tokens, found.epoch, found.ended_at) == (
        7,
        ("totp",),
        ("row",),
        9,
        8,
    )
    assert (found.tenant, found.version) == ("clinic", 3)
    assert settings_from("clinic", 1, b"{}") == TenantSettings(tenant="clinic", version=1)
    assert settings_from("clinic", 1, json.dumps({"enabled_at": LAST_SECOND})).enabled_at == LAST_SECOND


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
