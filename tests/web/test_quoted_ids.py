"""Ids with a slash are administered: page, JSON and list reach them (K-9)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, unquote

import pytest

from mfa_gate.core.model import Account, Authenticator, Lock, SubjectKey
from mfa_gate.web.quoted_ids import SLASH, id_in, with_quoted_slashes
from tests.harness import make_world, running

ID = "https://idp.example/users/7"
QUOTED = quote(ID, safe="")


def scope_of(raw: str) -> dict[str, Any]:
    """Return the part of a scope that is read."""
    return {"raw_path": raw.encode()}


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("/mfa/admin/accounts/a%2Fb", f"/admin/accounts/a{SLASH}b"),
        ("/root/mfa/admin/accounts/a%2fb", f"/admin/accounts/a{SLASH}b"),
        ("/mfa/admin/accounts/a%2Fb%2F", f"/admin/accounts/a{SLASH}b{SLASH}"),
        ("/mfa/api/admin/accounts/a%2Fb/unlock?tenant=x%2Fy", f"/api/admin/accounts/a{SLASH}b/unlock"),
        ("/mfa/admin/accounts/%C3%A4%2Fb", f"/admin/accounts/ä{SLASH}b"),
        ("/mfa/admin/accounts/a/b", "/admin/accounts/a/b"),
        ("/somewhere/else%2Fnot", "/admin/accounts/a/b"),
        ("", "/admin/accounts/a/b"),
    ],
)
def test_a_quoted_slash_is_no_border(raw: str, expected: str) -> None:
    """Only a slash that the visitor quoted is marked, where the two paths fit."""
    path = unquote(raw.partition("?")[0])
    place = (
        path[path.find("/api/admin") if "/api/admin" in path else path.find("/admin") :]
        if "admin" in path
        else expected
    )
    assert with_quoted_slashes(scope_of(raw), place) == expected
    assert id_in(f"a{SLASH}b") == "a/b"


def as_a_server_does(app: Any) -> Any:
    """Wrap an app: the path is decoded, and the raw one stands beside it."""

    async def served(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            scope = {**scope, "path": unquote(scope["path"])}
        await app(scope, receive, send)

    return served


async def test_an_id_with_a_slash_is_administered() -> None:
    """Page, form and JSON reach the person; a bare slash is no part of an id."""
    async with running(make_world()) as world:
        app = Authenticator(id="a", factor="totp", label="App", created_at=1)
        lock, key = Lock(at=1, cause="attempts", ref="R"), SubjectKey("alpha", ID)
        boss = await world.enrolled("boss", groups=["admin"])
        assert await world.store.swap(Account(key=key, authenticators=(app,), lock=lock))
        world.app = as_a_server_does(world.app)
        page = await boss.page(f"/mfa/admin/accounts/{QUOTED}")
        assert (page.status, ID in page.text) == (200, True)
        assert (await boss.page(f"/mfa/admin/accounts/{ID}")).status == 404
        assert (await boss.form(f"/mfa/admin/accounts/{QUOTED}", {"action": "unlock", "reason": "x"})).status == 303
        assert (await world.store.load(key)).lock is None
        assert (await boss.api("POST", f"admin/accounts/{QUOTED}/lock", {"reason": "x"})).status == 200
        assert (await world.store.load(key)).lock is not None
        assert (await boss.api("GET", f"admin/accounts/{QUOTED}")).json()["id"] == ID
        gone = await boss.api("DELETE", f"admin/accounts/{QUOTED}/authenticators/a?reason=lost")
        assert gone.status == 200
        assert (await world.store.load(key)).authenticators == ()
