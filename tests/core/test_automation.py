"""Tokens for automation, in the settings of a tenant.

They are read strictly.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.automation import (
    PREFIX,
    Automation,
    read_text,
    text_of,
    tokens_of,
    with_token,
    without_tokens,
)
from mfa_gate.core.roles import RIGHTS
from mfa_gate.core.rules import TenantSettings

NONE = TenantSettings(tenant="clinic", enabled_at=7)
TOKEN = Automation(
    id="t1",
    name="nightly",
    tenant="clinic",
    rights=tuple(RIGHTS)[:2],
    everywhere=False,
    digest="d" * 20,
    created_at=100,
    created_by="boss",
    expires_at=900,
)


def test_a_token_comes_back() -> None:
    """Tokens are read again in the order in which they came.

    The row does not repeat the tenant.
    """
    other = replace(TOKEN, id="t2", everywhere=True)
    settings = with_token(with_token(NONE, TOKEN), other)
    assert tokens_of(settings) == (TOKEN, other)
    assert settings.enabled_at == 7
    assert "tenant" not in json.loads(settings.tokens[0])
    assert tokens_of(replace(settings, tenant="other"))[0].tenant == "other"


def test_tokens_are_taken_away_by_their_id() -> None:
    """Only these go; a row that cannot be read stays, for another version may read it."""
    settings = with_token(with_token(NONE, TOKEN), replace(TOKEN, id="t2"))
    settings = replace(settings, tokens=("no JSON", *settings.tokens))
    left = without_tokens(settings, frozenset({"t1", "t9"}))
    assert [token.id for token in tokens_of(left)] == ["t2"]
    assert left.tokens[0] == "no JSON"
    assert without_tokens(settings, frozenset()) == settings


def row(**parts: Any) -> str:
    kept: dict[str, Any] = json.loads(with_token(NONE, TOKEN).tokens[0])
    return json.dumps(kept | parts)


@pytest.mark.parametrize(
    "damaged",
    [
        "no JSON",
        "[]",
        "{}",
        row(everywhere=1),
        row(everywhere="yes"),
        row(created_at="100"),
        row(expires_at=None),
        row(expires_at=True),
        row(id=7),
        row(name=None),
        row(digest=b"x".hex().__len__()),
        row(created_by=[]),
        row(rights=7),
        row(more="x"),
    ],
)
def test_a_damaged_row_opens_nothing(damaged: str) -> None:
    """Each part has its type, and none is missing or added."""
    assert tokens_of(replace(NONE, tokens=(damaged,))) == ()


def test_rights_that_nobody_knows_are_none() -> None:
    """A right of another version, or a wrong word, gives nothing.

    The known ones stay in their order.
    """
    first, second = tuple(RIGHTS)[:2]
    found = tokens_of(replace(NONE, tokens=(row(rights=[second, "all", first]),)))
    assert found[0].rights == (first, second)


def test_its_name_and_what_is_signed() -> None:
    """The trail names the token; tenant, id, name, rights, reach and end are signed."""
    assert TOKEN.actor == "token:nightly"
    rights = " ".join(TOKEN.rights)
    assert TOKEN.signed == ("clinic", "t1", "nightly", rights, "False", "900")
    assert replace(TOKEN, everywhere=True, expires_at=901).signed[4:] == ("True", "901")


@pytest.mark.parametrize("tenant", ["clinic", "a", "ab", "abc", "seventh", "Zürich, 2. Haus", "日本"])
@pytest.mark.parametrize("id", ["t1", "t123"])
def test_the_text_of_a_token(tenant: str, id: str) -> None:
    """Tenant, id and secret are one word, which a scanner knows by its beginning."""
    text = text_of(tenant, id, "s3cret")
    assert text.startswith(PREFIX)
    assert "=" not in text
    assert read_text(text) == (tenant, id, "s3cret")


WHOLE = text_of("clinic", "t1", "s" * 20)


@pytest.mark.parametrize(
    "text",
    [
        "",
        PREFIX,
        WHOLE.removeprefix(PREFIX),
        f"x{WHOLE}",
        f"{WHOLE}.x",
        "mgt_.t1.s",
        "mgt_Y2w.",
        "mgt_Y2w.t1",
        "mgt_Y2w..s",
        "mgt_Y2w.t1.",
        "mgt_4444.t1.s",
        "mgt_Y.t1.s",
    ],
)
def test_no_token(text: str) -> None:
    """Another beginning, a part too few, too many or empty, or a tenant that is no text."""
    assert read_text(text) is None


def test_its_length() -> None:
    """A text of exactly 600 characters is read, one that is longer is not."""
    most = WHOLE + "s" * (600 - len(WHOLE))
    assert read_text(most) is not None
    assert read_text(most + "s") is None
