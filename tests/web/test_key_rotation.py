"""A new key first in the list asks nobody again (F-18, S-119).

Taking a key away ends the proofs that it made.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import pytest

from mfa_gate.cli.rotate_keys import rotate
from mfa_gate.ports import Senders
from mfa_gate.stores.memory import MemoryStore
from mfa_gate.testing import Outbox
from tests.harness import HOME, Browser, World, key, make_world, running

from .phones import Phone, enrolled, push_policy


async def test_new_key_first() -> None:
    """A browser that was proven under the old key passes under [new, old].

    It is asked under [new] alone.
    """
    store = MemoryStore()
    world = make_world(store=store, keys=[key(1)])
    browser = await world.enrolled()
    assert (await browser.ask("GET", "/records")).status == 200
    for keys, passes in (([key(2), key(1)], True), ([key(2), key(1)], True)):
        later = make_world(store=store, keys=keys)
        same = Browser(later, address=HOME, cookies=dict(browser.cookies))
        assert ((await same.ask("GET", "/records")).status == 200) is passes


async def test_next_success_moves() -> None:
    """The next success gives the browser its cookie under the new key's name.

    That cookie holds when the old key is gone from the cookies' names.
    """
    store = MemoryStore()
    browser = await make_world(store=store, keys=[key(1)]).enrolled()
    later = make_world(store=store, keys=[key(2), key(1)])
    same = Browser(later, address=HOME, cookies=dict(browser.cookies))
    same.secret, same.id, same.tenant = browser.secret, browser.id, browser.tenant
    before = {name for name in same.cookies if name.startswith("mfa-")}
    later.clock.advance(8 * 86_400)
    assert (await same.ask("GET", "/records")).status != 200
    assert (await same.prove()).status == 200
    assert {name for name in same.cookies if name.startswith("mfa-") and same.cookies[name]} - before
    assert (await same.ask("GET", "/records")).status == 200


def phone_world(store: MemoryStore, *keys: str) -> World:
    """Make a world in which phones may approve."""
    senders = Senders(email=Outbox(), sms=Outbox(), push=Outbox())
    return make_world(store=store, keys=list(keys), policy=push_policy(), senders=senders)


async def rotated(world: World, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Run ``keys rotate`` and return its report."""
    args = argparse.Namespace(actor="", reason="", json=True)
    await rotate(args, world.gate.service)
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told


async def test_a_phone_that_was_not_opened_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    """A phone that was not opened under the new key is counted: it still needs the old key.

    Only the phone can have its token sealed anew.
    """
    store = MemoryStore()
    async with running(phone_world(store, key(1))) as world:
        _, phone, id = await enrolled(world)
        assert (await rotated(world, capsys))["left"] == {}
    later = phone_world(store, key(2), key(1))
    async with running(later):
        told = await rotated(later, capsys)
        assert told["left"]["push"] == 1
        same = Phone(later, device=phone.device, key=phone.key)
        for _ in range(2):
            looked = await same.look()
            same.device = looked["device"]
        before = await later.account()
        await same.look()
        assert (await later.account()).version == before.version, "it is kept once"
        assert "push" not in (await rotated(later, capsys))["left"]
        authenticator = (await later.account()).authenticator(id)
        assert authenticator is not None
        assert authenticator.revision == 0
    only = phone_world(store, key(2))
    async with running(only):
        assert "nonce" in await Phone(only, device=same.device, key=phone.key).look()
