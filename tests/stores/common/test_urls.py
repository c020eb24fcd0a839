"""A store's URL in messages tells where it is, and no password."""

from __future__ import annotations

import pytest

from mfa_gate.stores.common.urls import without_password, without_secrets

SHOWN = {
    "redis://host:1/2": "redis://host:1/2",
    "redis://user:secret@host/0": "redis://…@host/0",
    "postgresql://user:sec@ret/x@host/db": "postgresql://…@host/db",
    "redis://secret@": "redis://…@",
    "postgresql://host/db?password=secret&schema=x": "postgresql://host/db?password=…&schema=x",
    "postgresql://host/db?schema=x&sslPassword=secret#y": "postgresql://host/db?schema=x&sslPassword=…#y",
    "redis+sentinel://host/gate?sentinel_password=secret": "redis+sentinel://host/gate?sentinel_password=…",
    "postgresql://a:b@host/db?password=secret": "postgresql://…@host/db?password=…",
}


@pytest.mark.parametrize(("url", "shown"), SHOWN.items())
def test_without_password(url: str, shown: str) -> None:
    """All before the last @ is left out, and each password among the options."""
    assert without_password(url) == shown


def test_without_secrets() -> None:
    """Another program's words keep the pieces that are shown, with their marks, and no other."""
    url = "postgresql://user:secret@host/db"
    text = f"""invalid "host" in {url}, near 'secret', not "user" or 'db'"""
    assert without_secrets(text, url) == """invalid "host" in postgresql://…@host/db, near "…", not "…" or 'db'"""
