"""F-18, S-119: a new key first in the list asks nobody again; taking a key away ends what it made."""

from __future__ import annotations

from mfa_gate.stores.memory import MemoryStore
from tests.harness import HOME, Browser, key, make_world


async def test_new_key_first() -> None:
    """A browser that was proven under the old key passes under [new, old], and is asked under [new] alone."""
    store = MemoryStore()
    world = make_world(store=store, keys=[key(1)])
    browser = await world.enrolled()
    assert (await browser.ask("GET", "/records")).status == 200
    for keys, passes in (([key(2), key(1)], True), ([key(2), key(1)], True)):
        later = make_world(store=store, keys=keys)
        same = Browser(later, address=HOME, cookies=dict(browser.cookies))
        assert ((await same.ask("GET", "/records")).status == 200) is passes


async def test_next_success_moves() -> None:
    """The next success gives the browser its cookie under the new key's name, and that one holds when the old key is gone
    from the cookies' names."""
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
