"""Tokens for automation: scoped, ending, listed, and each use in the trail."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.automation import PREFIX, read_text, text_of, tokens_of
from mfa_gate.core.changes.after_failover import regained_settings
from mfa_gate.core.reasons import Refusal
from mfa_gate.core.rules import TenantSettings
from mfa_gate.service import Actor
from tests.harness import Browser, Reply, World, make_world, running

DAY = 86_400
WHY = {"reason": "ticket 4711"}


async def made(world: World, *rights: str, tenant: str = "alpha", everywhere: bool = False, name: str = "hr") -> str:
    """Make a token for a day."""
    done = await world.gate.service.automation.create(
        "operator:eve", tenant, name=name, rights=rights, everywhere=everywhere, life=DAY, reason="for the hr system"
    )
    assert not isinstance(done, Refusal), done
    return done[0]


async def call(world: World, token: str, method: str, place: str, body: dict[str, Any] | None = None) -> Reply:
    """Call the administrators' JSON as a program does: a token, and no cookie."""
    headers = [("authorization", f"Bearer {token}"), ("x-mfa-gate", "1"), ("content-type", "application/json")]
    sent = b"" if body is None else json.dumps(body).encode()
    return await Browser(world).ask(method, f"/mfa/api/{place}", headers=headers, body=sent)


async def test_a_token_does_what_it_may_and_the_trail_says_so() -> None:
    """A token looks and unlocks in its tenant.

    Every call is a line with its name, and so is each act.
    """
    async with running(make_world()) as world:
        ann = await world.enrolled("ann")
        await ann.lock()
        token = await made(world, "look", "unlock")
        found = await call(world, token, "GET", "admin/accounts?status=locked")
        assert [row["id"] for row in found.json()["accounts"]] == ["ann"]
        done = await call(world, token, "POST", "admin/accounts/ann/unlock", WHY)
        assert (done.status, done.json()["lock"]) == (200, None)
        assert [event.reason for event in world.kinds("token.used")] == [
            "GET admin/accounts",
            "POST admin/accounts/*/unlock",
        ]
        assert {event.actor for event in world.kinds("account.unlocked")} == {"token:hr"}
        assert not any(token in str(event) for event in world.events)


@pytest.mark.parametrize(
    ("method", "place", "status"),
    [
        ("POST", "admin/accounts/ann/lock", 403),
        ("GET", "admin/events", 403),
        ("GET", "admin/accounts/zoe?tenant=beta", 404),
        ("PATCH", "admin/tenant", 403),
    ],
)
async def test_it_may_nothing_else(method: str, place: str, status: int) -> None:
    """A right that it was not given is refused, and another tenant is not there."""
    async with running(make_world()) as world:
        for id, tenant in (("ann", "alpha"), ("zoe", "beta")):
            await world.enrolled(id, tenant)
        token = await made(world, "look")
        body = None if method == "GET" else {"confirm": "alpha"} if method == "PATCH" else WHY
        assert (await call(world, token, method, place, body)).status == status


async def test_everywhere() -> None:
    """A token for every tenant reaches every tenant."""
    async with running(make_world()) as world:
        await world.enrolled("zoe", "beta")
        token = await made(world, "look", everywhere=True)
        assert (await call(world, token, "GET", "admin/accounts/zoe?tenant=beta")).status == 200


async def test_a_program_is_no_second_person() -> None:
    """It confirms nothing, asks for no break-glass grant, and acts on nobody who holds rights."""
    async with running(make_world()) as world:
        await world.enrolled("sue", groups=["support"])
        await world.enrolled("ann")
        token = await made(world, "look", "unlock", "reset")
        asked = {**WHY, "ticket": "T-1"}
        for place, body in (
            ("ann/break-glass", asked),
            ("ann/break-glass/confirm", {"ref": "x"}),
            ("ann/approve", {"ref": "x"}),
            ("sue/reset", asked),
            ("sue/unlock", WHY),
        ):
            refused = await call(world, token, "POST", f"admin/accounts/{place}", body)
            assert (refused.status, refused.reason) == (403, "not_allowed"), place


async def test_it_ends() -> None:
    """A token that was revoked, or whose day has come, is nobody.

    The second is told in the trail.
    """
    async with running(make_world()) as world:
        first, second = await made(world, "look"), await made(world, "look", name="other")
        automation = world.gate.service.automation
        assert await automation.revoke("operator:eve", "alpha", id="hr", reason="no longer needed") is None
        gone = await call(world, first, "GET", "admin/accounts")
        assert (gone.status, gone.reason, gone.header("www-authenticate")) == (
            401,
            "signed_out",
            'Bearer error="invalid_token"',
        )
        assert (await call(world, second, "GET", "admin/accounts")).status == 200
        world.clock.advance(DAY)
        assert (await call(world, second, "GET", "admin/accounts")).status == 401
        assert [event.reason for event in world.kinds("token.refused")] == ["expired"]
        assert [token.name for token in await automation.tokens("alpha")] == ["other"]


async def test_a_row_in_the_store_is_no_token() -> None:
    """Nobody who writes the store can widen a token, lengthen it or read one."""
    async with running(make_world()) as world:
        token = await made(world, "look")
        settings = await world.store.settings("alpha")
        assert token.split(".")[2] not in settings.tokens[0]
        row = json.loads(settings.tokens[0])
        for change in ({"rights": ["look", "reset"]}, {"everywhere": True}, {"expires_at": row["expires_at"] + 1}):
            settings = await world.store.settings("alpha")
            forged = json.dumps({**row, **change})
            assert await world.store.swap_settings(replace(settings, tokens=(forged,)))
            assert (await call(world, token, "GET", "admin/accounts")).status == 401, change
        settings = await world.store.settings("alpha")
        assert await world.store.swap_settings(replace(settings, tokens=(json.dumps(row), "no row", "{}")))
        assert (await call(world, token, "GET", "admin/accounts")).status == 200


async def test_only_at_the_administrators_json() -> None:
    """A token opens no page, no call of a person and no path of the app."""
    async with running(make_world()) as world:
        token = await made(world, "look", "unlock", "reset", "tenant", "audit")
        bearer = [("authorization", f"Bearer {token}")]
        for path in ("/mfa/api/state", "/mfa/api/browsers", "/mfa/admin/accounts", "/records"):
            reply = await Browser(world).ask("GET", path, headers=bearer)
            assert reply.status in (200, 303, 401), path
            assert "accounts" not in reply.text or reply.status != 200, path
        typed = [*bearer, ("content-type", "application/json")]
        place = "/mfa/api/admin/accounts/ann/lock"
        assert (await Browser(world).ask("POST", place, headers=typed, body=b"{}")).reason == "csrf"


async def test_wrong_wishes_are_refused() -> None:
    """A name stands for one token, and life and rights have bounds."""
    async with running(make_world()) as world:
        automation = world.gate.service.automation
        wish: dict[str, Any] = {"name": "hr", "rights": ["look"], "everywhere": False, "life": DAY, "reason": "x"}
        wrong: dict[str, tuple[Any, ...]] = {
            "life": (1, 400 * DAY),
            "rights": ([], ["all"]),
            "name": ("",),
            "reason": ("",),
        }
        for change in ({part: value} for part, values in wrong.items() for value in values):
            refused = await automation.create("operator:eve", "alpha", **{**wish, **change})
            assert isinstance(refused, Refusal), change
        await made(world, "look")
        again = await automation.create("operator:eve", "alpha", **wish)
        assert isinstance(again, Refusal)
        assert again.reason == "not_allowed"


def test_the_text_of_a_token() -> None:
    """Any tenant has a token, and no other text is one."""
    for tenant in ("alpha", "Größe.mit/Punkt", "x" * 255):
        assert read_text(text_of(tenant, "id", "secret")) == (tenant, "id", "secret")
    for text in ("", PREFIX, f"{PREFIX}a.b", f"{PREFIX}a.b.c.d", f"{PREFIX}\xff.b.c", "x" * 700, "eyJhbGciOi.J.x"):
        assert read_text(text) is None


def test_a_failover_brings_no_revoked_token_back() -> None:
    """Of two histories the tokens are left that both had."""
    stored, confirmed = TenantSettings(tenant="t", tokens=("a", "b")), TenantSettings(tenant="t", tokens=("b",))
    assert regained_settings(stored, confirmed, untouched=False).tokens == ("b",)
    assert tokens_of(stored) == ()


async def test_refusals_of_one_program_hide_none_of_another() -> None:
    """Each token has its own number of refusals that the trail takes in an hour."""
    async with running(make_world()) as world:
        loud, other = await made(world, "look"), await made(world, "look", tenant="beta")
        for _ in range(200 + 1):
            await call(world, loud, "GET", "admin/events")
        await call(world, other, "GET", "admin/events")
        for tenant, count in (("alpha", 200), ("beta", 1)):
            assert len((await world.store.events(tenant, kind="admin.denied", limit=1_000)).items) == count


async def test_an_odd_address_is_one_short_line_of_the_trail() -> None:
    """Letters that cannot be seen are left out.

    A store may not take them, and a reader is misled by them.
    """
    async with running(make_world()) as world:
        await call(world, await made(world, "look"), "GET", "admin/\x00\u202e\n" + "a" * 5_000)
        (used,) = world.kinds("token.used")
        assert (len(used.reason), used.reason.isprintable()) == (200, True)


async def test_a_token_of_an_impossible_tenant_asks_no_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name of the tenant is the caller's own text.

    Only one that a host could use is looked up.
    """
    async with running(make_world()) as world:
        asked, settings = list[str](), world.store.settings

        async def noted(tenant: str, /) -> TenantSettings:
            asked.append(tenant)
            return await settings(tenant)

        monkeypatch.setattr(world.store, "settings", noted)
        for tenant in ("two\nlines", "gamma"):
            refused = await world.gate.service.automation.use(text_of(tenant, "id", "secret"), call="GET x")
            assert refused == Refusal(reason="signed_out", detail="This token is not known, or has ended.")
        assert asked == ["gamma"]


async def test_the_longest_name() -> None:
    """A name has 60 characters at most."""
    async with running(make_world()) as world:
        await made(world, "look", name="n" * 60)
        assert [token.name for token in await world.gate.service.automation.tokens("alpha")] == ["n" * 60]


async def test_an_event_of_settings_reaches_the_hook_once() -> None:
    """It is committed, so the hook's success is noted, and no second delivery follows."""
    told: list[str] = []
    async with running(make_world(on_event=lambda event: told.append(event.kind))) as world:
        await made(world, "look")
        assert await world.gate.service.tenant_desk.mark(Actor(name="operator:eve"), "alpha", tested=True) is None
        for _ in range(2):
            await world.engine.effects.idle()
            await world.gate.service.outbox.flush()
            world.clock.advance(30)
            assert await world.gate.service.outbox.catch_up(shared=False) == 0
        assert sorted(told) == ["tenant.message", "token.created"]
