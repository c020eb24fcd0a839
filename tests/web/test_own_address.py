"""Links in mails lead below the root of the application, never that of the last request."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Host, Mount

from mfa_gate import MFAGate, RelyingParty, Senders
from mfa_gate.core.model import SubjectKey
from mfa_gate.errors import SettingsError
from mfa_gate.identity import SessionUser
from mfa_gate.service import Actor, Done, Service
from mfa_gate.service.hook_places import COMMANDS
from mfa_gate.service.own_address import is_root, note_of
from mfa_gate.stores.memory import MemoryStore
from mfa_gate.testing.store_suite import enrolled
from tests.harness import ORIGIN, PAGE, Browser, Outbox, World, call, http_scope, key, make_world, running
from tests.service.test_outbox import catch_up

from .calls import Phones, voice_policy
from .phones import push_policy
from .test_mounted import mounted

ANN = SubjectKey("alpha", "ann")
OPERATOR = Actor(name="operator:eve")
Open = Callable[[], Any]


def stores(kind: str, folder: Path) -> Open:
    """Return what gives the same store to one worker after the other."""
    if kind == "sqlite":
        return lambda: f"sqlite:///{folder}/own.db"
    kept = MemoryStore()
    return lambda: kept


def links(world: World) -> list[str]:
    """The links to our own pages in the mails."""
    return [word for mail in world.email.messages for word in mail.text.split() if "/mfa/" in word]


async def visit(world: World, root: str = "", path: str = "/mfa/enroll", **scope: Any) -> Browser:
    """Somebody signs in, and looks at a page of ours below ``root``."""
    browser = await world.browser("bob")
    headers = [*PAGE, ("cookie", browser.cookie_header())]
    await call(world.app, {**http_scope("GET", root + path, headers=headers, root_path=root), **scope})
    return browser


async def lock(world: World) -> list[str]:
    """Lock ann, who has come from elsewhere, and return the links of the mails about it."""
    await seed(world)
    world.email.messages.clear()
    assert isinstance(await world.gate.service.account_desk.act(OPERATOR, "lock", ANN, reason="stolen"), Done)
    await world.engine.effects.idle()
    return links(world)


async def seed(world: World) -> None:
    """Give ann a factor without a visit."""
    account = await world.account()
    if not account.version:
        assert await world.store.swap(enrolled(ANN))


def by_command(world: World) -> Service:
    """The commands' service on the same store: it sends nothing."""
    wiring = replace(world.engine.wiring, senders=Senders(), app=COMMANDS, origin="", prefix="", root=None)
    return Service(wiring, world.engine.policy)


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@pytest.mark.parametrize("root", ["", "/app", "/a/b"])
async def test_a_fresh_worker_knows_the_root(kind: str, root: str, tmp_path: Path) -> None:
    """The first visit is kept: a worker that has shown no page mails the same link."""
    opened = stores(kind, tmp_path)
    async with running(make_world(store=opened())) as first:
        await visit(first, root)
    async with running(make_world(store=opened())) as fresh:
        found = await lock(fresh)
    assert found
    assert {link.partition("/dispute/")[0] for link in found} == {f"{ORIGIN}{root}/mfa"}


async def test_a_worker_that_was_there_before_the_first_visit() -> None:
    """A worker that shows no page mails below the root that another worker has learned."""
    kept = MemoryStore()
    async with running(make_world(store=kept)) as early, running(make_world(store=kept)) as busy:
        await visit(busy, "/app")
        await seed(early)
        done = await by_command(early).account_desk.act(OPERATOR, "lock", ANN, reason="stolen")
        assert isinstance(done, Done), done
        assert await catch_up(early)
        assert {link.partition("/dispute/")[0] for link in links(early)} == {f"{ORIGIN}/app/mfa"}


async def test_applications_of_one_store_have_a_root_each() -> None:
    """``app`` names the application: its mails lead to its own pages."""
    kept = MemoryStore()
    one, other = make_world(store=kept), make_world(store=kept)
    for name, world in (("a", one), ("b", other)):
        world.engine.use_wiring(replace(world.engine.wiring, app=name))
    async with running(one), running(other):
        await visit(one, "/a")
        await visit(other, "/b")
        assert {link.partition("/dispute/")[0] for link in await lock(one)} == {f"{ORIGIN}/a/mfa"}
        await other.gate.service.account_desk.act(OPERATOR, "unlock", ANN, reason="found")
        assert {link.partition("/dispute/")[0] for link in await lock(other)} == {f"{ORIGIN}/b/mfa"}


@pytest.mark.parametrize("chosen", ["/evil", "/a%20b", "/a b"])
async def test_a_root_that_visitors_choose_is_not_taken(chosen: str, caplog: pytest.LogCaptureFixture) -> None:
    """Below ``Mount("/{org}")`` a thief cannot make the owner's mail fail or lead elsewhere.

    The log tells the fix once.
    """
    world = make_world()
    mount = Starlette(routes=[Mount("/{org}", app=world.app)])
    async with running(world):
        headers = [*PAGE, ("cookie", (await visit(world, "/app")).cookie_header())]
        for org in (chosen, "/other"):
            await call(mount, http_scope("GET", f"{org}/mfa/enroll", headers=headers))
        assert {link.partition("/dispute/")[0] for link in await lock(world)} == {f"{ORIGIN}/app/mfa"}
    told = [record.getMessage() for record in caplog.records if "public_url" in record.getMessage()]
    assert len(told) == 1
    assert "'/app'" in told[0]


async def test_where_every_visitor_has_a_root_mails_have_no_link(caplog: pytest.LogCaptureFixture) -> None:
    """A wrong link is worse than none.

    The notice is sent all the same, and the log says how to get links.
    """
    world = make_world()
    mount = Starlette(routes=[Mount("/{org}", app=world.app)])
    async with running(world):
        headers = [*PAGE, ("cookie", (await world.browser("bob")).cookie_header())]
        for _ in range(3):
            assert (await call(mount, http_scope("GET", "/acme/mfa/enroll", headers=headers))).status == 200
        assert await lock(world) == []
        assert world.email.messages
        told = [record.getMessage() for record in caplog.records if "public_url" in record.getMessage()]
        assert len(told) == 1
        assert f'public_url="{ORIGIN}/app"' in told[0]
        await visit(world, "/app")
        await world.gate.service.account_desk.act(OPERATOR, "unlock", ANN, reason="found")
        assert {link.partition("/dispute/")[0] for link in await lock(world)} == {f"{ORIGIN}/app/mfa"}


async def test_a_host_with_a_parameter_is_no_root() -> None:
    """``Host("{org}.example")`` lets visitors choose the host, and leaves the path alone."""
    world = make_world()
    host = Starlette(routes=[Host("{org}.localhost", app=world.app)])
    async with running(world):
        headers = [*PAGE, ("cookie", (await world.browser("bob")).cookie_header()), ("host", "acme.localhost")]
        scope = http_scope("GET", "/mfa/enroll", headers=headers, root_path="/app")
        assert (await call(host, scope)).status == 200
        assert {link.partition("/dispute/")[0] for link in await lock(world)} == {f"{ORIGIN}/app/mfa"}


async def test_daphne_takes_the_root_from_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    """No root is kept on daphne: its header ``Daphne-Root-Path`` is the client's word."""
    monkeypatch.setitem(sys.modules, "daphne.server", sys)
    async with running(make_world()) as world:
        await visit(world, "/evil")
        assert await lock(world) == []
        await visit(world)
        await world.gate.service.account_desk.act(OPERATOR, "unlock", ANN, reason="found")
        assert {link.partition("/dispute/")[0] for link in await lock(world)} == {f"{ORIGIN}/mfa"}


async def test_the_address_of_the_setting_holds(caplog: pytest.LogCaptureFixture) -> None:
    """``public_url`` overrides the word of visits in mails, calls and pictures, unlogged."""
    two = ["http://internal.localhost:8000", ORIGIN]
    party = RelyingParty(id="localhost", name="Example", origins=two)
    async with running(make_world(relying_party=party, public_url=f"{ORIGIN}/shop/")) as world:
        await visit(world, "/other")
        assert {link.partition("/dispute/")[0] for link in await lock(world)} == {f"{ORIGIN}/shop/mfa"}
        assert world.engine.public("/other") == f"{ORIGIN}/shop/mfa"
        assert await world.store.meta(note_of("")) is None
    assert "public_url" not in caplog.text


async def test_the_address_without_a_path_holds() -> None:
    """A ``public_url`` that is an origin says: no root."""
    async with running(make_world(public_url=ORIGIN)) as world:
        await visit(world, "/other")
        assert {link.partition("/dispute/")[0] for link in await lock(world)} == {f"{ORIGIN}/mfa"}


async def test_a_provider_calls_back_at_the_setting() -> None:
    """The provider asks the address of the setting, and its signature over it holds."""
    phones = Phones.make()
    senders = Senders(sms=Outbox(), email=Outbox(), voice=phones.provider)
    world = phones.world = make_world(policy=voice_policy(), senders=senders, public_url=f"{ORIGIN}/shop")
    async with running(world):
        browser = await world.browser()
        await browser.api("POST", "enroll", {"factor": "voice", "phone": "+1 202-555-0142"})
        assert phones.provider.last.callback.startswith(f"{ORIGIN}/shop/mfa/hooks/voice/")
        world.app = mounted(world.app, "/shop")
        assert (await phones.callback()).status == 200


async def test_the_picture_for_the_phone_has_the_setting() -> None:
    """So does the picture that a phone reads."""
    async with running(make_world(policy=push_policy(), public_url=f"{ORIGIN}/shop")) as world:
        browser = await world.browser()
        begun = (await browser.api("POST", "enroll", {"factor": "push"})).json()
        assert begun["uri"].startswith(f"{ORIGIN}/shop/mfa/approve#e=")


async def test_a_root_that_changed_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """Links stay as they are: the log names both roots and the setting that decides."""
    async with running(make_world()) as world:
        await visit(world, "/app")
        for root in ("", "/new", "/new", "/app"):
            await visit(world, root)
        assert {link.partition("/dispute/")[0] for link in await lock(world)} == {f"{ORIGIN}/app/mfa"}
    told = [record for record in caplog.records if "public_url" in record.getMessage()]
    assert [record.levelno for record in told] == [logging.WARNING]


@pytest.mark.parametrize(
    "note", [b"", b"null", b"{", b"[]", b'{"root": "@evil.example"}', b'{"root": "//evil"}', b'{"root": 1}']
)
async def test_a_damaged_note_is_not_used(note: bytes) -> None:
    """A note that changes more than the path is not taken; the next visit writes it anew."""
    async with running(make_world()) as world:
        await world.store.put_meta(note_of(""), note)
        assert {link.partition("/dispute/")[0] for link in await lock(world)} == {f"{ORIGIN}/mfa"}
        await visit(world, "/app")
        assert await world.store.meta(note_of("")) == b'{"root": "/app"}'


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("https://app.example/app?x=1", "query"),
        ("https://app.example/app#x", "fragment"),
        ("https://other.example/app", "relying_party.origins"),
        ("https://app.example.evil/app", "relying_party.origins"),
        ("https://app.example@evil/", "relying_party.origins"),
        ("app.example/app", "relying_party.origins"),
        ("/app", "relying_party.origins"),
        ("https://app.example//app", "not plain"),
        ("https://app.example/a b", "not plain"),
        ("https://app.example/a/../b", "not plain"),
        ("https://app.example/a\\b", "not plain"),
        (None, "public_url=None"),
        (7, "public_url=7"),
    ],
)
def test_a_wrong_setting_stops_the_start(url: Any, fault: str) -> None:
    """The message names the setting, the value and an example."""
    party = RelyingParty(id="app.example", name="App", origins=["https://app.example"])
    with pytest.raises(SettingsError, match="public_url=") as caught:
        MFAGate(
            policy=make_world().gate.policy,
            identify=SessionUser("user_id"),
            store=MemoryStore(),
            keys=[key(1)],
            relying_party=party,
            public_url=url,
        )
    told = [one for one in caught.value.faults if "public_url" in one]
    assert len(told) == 1
    assert fault in told[0]
    assert "https://app.example/app" in told[0]


@pytest.mark.parametrize(
    ("text", "good"),
    [("", True), ("/app", True), ("/m%C3%BCnchen", True), ("/a'b%22c", True), ("/app/", False), ("app", False)],
)
def test_roots(text: str, good: bool) -> None:
    """A root is empty, or a quoted path that begins with a slash and ends without one."""
    assert is_root(text) is good
