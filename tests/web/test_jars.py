"""The names of our cookies: kept for the people who come, and not for everybody for ever."""

from __future__ import annotations

from typing import Any

import pytest

from mfa_gate.core.model import SubjectKey
from mfa_gate.keyring import Keyring
from mfa_gate.web import cookies as module
from mfa_gate.web.cookies import Cookies
from tests.harness import http_scope, key, make_world

PLAIN, SECURE = http_scope("GET", "/"), http_scope("GET", "/", scheme="https")


def made(*numbers: int, https: bool = False) -> Cookies:
    return Cookies(Keyring([key(number) for number in numbers]), lambda size: bytes(range(size)), https=https)


def test_the_names_of_a_person() -> None:
    """Each person has names of their own, and https has safer ones; names of older keys are known."""
    cookies, ann, bob = made(2, 1), SubjectKey("alpha", "ann"), SubjectKey("alpha", "bob")
    plain, secure = cookies.jar(ann, PLAIN), cookies.jar(ann, SECURE)
    assert (plain.secure, secure.secure) == (False, True)
    assert secure.handle == b"__Host-" + plain.handle
    assert plain.handle.startswith(b"mfa-")
    assert cookies.jar(ann, PLAIN) is plain
    assert cookies.jar(bob, PLAIN).handle != plain.handle
    assert plain.earlier == (made(1).jar(ann, PLAIN).handle,)
    assert made(1).jar(ann, PLAIN).earlier == ()
    assert made(2, 1, https=True).jar(ann, PLAIN).secure
    assert cookies.jar(ann, {**PLAIN, "scheme": "wss"}).secure
    assert not cookies.jar(ann, {**PLAIN, "scheme": "ws"}).secure


def test_the_oldest_person_is_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many are kept; the names themselves do not change by that."""
    monkeypatch.setattr(module, "MAX_KNOWN", 2)
    cookies = made(1)
    keys = [SubjectKey("alpha", f"p{number}") for number in range(3)]
    jars = [cookies.jar(one, PLAIN) for one in keys]
    assert [one for one, _ in cookies._jars] == keys[1:]
    assert cookies.jar(keys[2], PLAIN) is jars[2]
    assert cookies.jar(keys[0], PLAIN).handle == jars[0].handle


def test_a_fresh_handle_is_192_bits() -> None:
    """Nobody can guess the handle of a browser."""
    assert made(1).fresh() == bytes(range(24)).hex()


async def test_the_loop_of_the_gate() -> None:
    """It is known while the store is open, for who has to come back to it."""
    import asyncio

    world = make_world()
    lifespan: Any = world.gate.web.lifespan
    assert lifespan.loop is None
    await world.gate.web.open()
    assert lifespan.loop is asyncio.get_running_loop()
    await world.gate.web.aclose()
    assert lifespan.loop is None
