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
    """Each person has names of their own, and https has safer ones.

    Names of older keys are known.
    """
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


def headers(*found: tuple[bytes, bytes]) -> list[str]:
    return [value.decode() for _, value in found]


def test_the_headers_of_a_cookie() -> None:
    """A handle lasts as long as it is told, a note half an hour.

    A note that is dropped ends at once.
    """
    cookies, ann = made(2, 1), SubjectKey("alpha", "ann")
    jar, secure = cookies.jar(ann, PLAIN), cookies.jar(ann, SECURE)
    name, sealed = jar.handle.decode(), cookies.seal(jar, "ab")
    assert headers(
        cookies.set_handle(jar, "ab", max_age=9),
        cookies.set_handle(jar, "ab", max_age=None),
        cookies.drop_note(jar, b"x"),
    ) == [
        f"{name}={sealed}; Path=/; HttpOnly; SameSite=Lax; Max-Age=9",
        f"{name}={sealed}; Path=/; HttpOnly; SameSite=Lax",
        "x=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0",
    ]
    assert headers(cookies.drop_note(secure, b"x")) == ["x=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0; Secure"]
    (noted,) = headers(cookies.set_note(jar, jar.flash, {"w": "sent"}))
    assert noted.endswith("; Path=/; HttpOnly; SameSite=Lax; Max-Age=1800")
    value = noted.partition(";")[0]
    sent = http_scope("GET", "/", headers=[("cookie", value)])
    assert cookies.note(jar, jar.flash, sent) == {"w": "sent"}
    bob = cookies.jar(SubjectKey("alpha", "bob"), PLAIN)
    theirs = value.replace(jar.flash.decode(), bob.flash.decode(), 1)
    assert cookies.note(bob, bob.flash, http_scope("GET", "/", headers=[("cookie", theirs)])) == {}
    assert cookies.note(jar, jar.flash, PLAIN) == {}


def test_a_handle_under_the_name_of_an_older_key() -> None:
    """It counts, and is dropped there.

    With another one under the newest name the browser has two.
    """
    old, cookies, ann = made(1), made(2, 1), SubjectKey("alpha", "ann")
    before, jar = old.jar(ann, PLAIN), cookies.jar(ann, PLAIN)
    earlier = f"{before.handle.decode()}={old.seal(before, 'aa')}"
    sent = http_scope("GET", "/", headers=[("cookie", earlier)])
    assert cookies.open(jar, cookies.value(jar, sent)) == "aa"
    assert cookies.others(jar, sent, "aa") == ()
    assert cookies.others(jar, sent, "bb") == ("aa",)
    assert headers(*cookies.drop_earlier(jar, sent)) == [
        f"{before.handle.decode()}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"
    ]
    assert cookies.drop_earlier(jar, PLAIN) == []
    both = f"{earlier}; {jar.handle.decode()}={cookies.seal(jar, 'bb')}"
    twice = http_scope("GET", "/", headers=[("cookie", both)])
    assert cookies.open(jar, cookies.value(jar, twice)) == "bb"
    assert cookies.others(jar, twice, "bb") == ("aa",)
    assert cookies.value(jar, PLAIN) == ""


def test_a_note_in_an_address_is_for_its_person() -> None:
    """Nothing but what we have written opens, and nothing that is no note."""
    cookies, ann = made(1), SubjectKey("alpha", "ann")
    sealed = cookies.seal_note(ann, {"to": "/x"})
    assert cookies.open_note(ann, sealed) == {"to": "/x"}
    for key_, text in (
        (SubjectKey("alpha", "bob"), sealed),
        (ann, sealed + "="),
        (ann, sealed + "\u00e9"),
        (ann, sealed[:-2]),
        (ann, ""),
        (ann, "A" * (module.MAX_SEALED + 1)),
    ):
        assert cookies.open_note(key_, text) == {}
    no_note: Any = ["to"]
    assert cookies.open_note(ann, cookies.seal_note(ann, no_note)) == {}


@pytest.mark.parametrize(
    ("sent", "native"),
    [
        ([], True),
        ([("cookie", "a=b")], False),
        ([("origin", "null")], False),
        ([("origin", "null"), ("authorization", "Bearer x")], True),
        ([("origin", "https://own.example"), ("authorization", "Bearer x")], False),
        ([("sec-fetch-mode", "cors"), ("authorization", "Bearer x")], False),
        ([("origin", "null"), ("authorization", "Bearer x"), ("cookie", "a=b")], False),
        ([("accept", "text/html")], True),
    ],
)
def test_who_keeps_a_proof_itself(sent: list[tuple[str, str]], native: bool) -> None:
    """A caller without a cookie, and without the headers of a browser at our own origin."""
    assert module.is_native(http_scope("GET", "/", headers=sent), ["https://own.example"]) is native
