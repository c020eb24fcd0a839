"""A form that was stopped is kept for its browser alone, once, for half an hour."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from mfa_gate import Subject
from mfa_gate.core.model import Account, Browser, Caller, SubjectKey
from mfa_gate.errors import StoreUnavailable
from mfa_gate.service.kept_forms import (
    NEW,
    PLACES,
    KeptForms,
    drop_forms,
    fields_of,
    name_of,
)
from tests.harness import World, make_world, running

ANN = SubjectKey("alpha", "ann")
CALLER = Caller(subject=Subject("ann", "alpha"), handle="h0", network="n")


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Ann is known in nine browsers."""
    async with running(make_world()) as made:
        browsers = tuple(Browser(id=f"B{n}", handle=f"h{n}", label="", created_at=n) for n in range(9))
        assert await made.store.swap(Account(key=ANN, browsers=browsers))
        yield made


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b"a=1&b=&a=2", (("a", "1"), ("b", ""), ("a", "2"))),
        (b"text=a%0D%0Ab", (("text", "a\r\nb"),)),
        (b"text=a%0Ab", ()),
        (b"text=a%0Db", ()),
        (b"text=%00", ()),
        (b"=1", ()),
        (b"_charset_=utf-8", ()),
        (b"a=1&new_password=x", ()),
        (b"cardNumber=4111", ()),
        (b"pin=1", ()),
        (b"spin=1", (("spin", "1"),)),
        (b"a=%ff", ()),
        ("ä=1".encode(), ()),
        (b"", ()),
        (b"&".join([b"a=1"] * 500), (("a", "1"),) * 500),
        (b"&".join([b"a=1"] * (500 + 1)), ()),
    ],
)
def test_the_fields_of_a_form(body: bytes, fields: tuple[tuple[str, str], ...]) -> None:
    """Only a form that a page can send on unchanged has any, and none with a secret."""
    assert fields_of(body) == fields


async def test_a_form_comes_back_once(world: World) -> None:
    """It is for the same person in the same sign-in, with its word."""
    forms = KeptForms(world.engine)
    word = await forms.keep(CALLER, target="/pay", body=b"a=1")
    assert len(word) == 25
    for other in (replace(CALLER, subject=Subject("bob", "alpha")), replace(CALLER, subject=Subject("ann", "beta"))):
        assert await forms.take(other, word) is None
    assert await forms.take(CALLER, word[:-1] + "x") is None
    assert await forms.take(CALLER, "") is None
    assert await forms.take(CALLER, word) == ("/pay", (("a", "1"),))
    assert await forms.take(CALLER, word) is None


@pytest.mark.parametrize(("size", "is_kept"), [(65_536, True), (65_536 + 1, False)])
async def test_the_size_of_a_form(world: World, size: int, is_kept: bool) -> None:
    """A larger one is not kept, nor one without a place to go."""
    forms = KeptForms(world.engine)
    body = b"a=" + b"x" * (size - 2)
    assert bool(await forms.keep(CALLER, target="/pay", body=body)) == is_kept
    assert await forms.keep(CALLER, target="", body=b"a=1") == ""
    assert await forms.keep(CALLER, target="/pay", body=b"password=1") == ""


@pytest.mark.parametrize(("age", "is_there"), [(1799, True), (1800, False)])
async def test_the_time_of_a_form(world: World, age: int, is_there: bool) -> None:
    """It is given out for half an hour, and the store may drop it then."""
    forms = KeptForms(world.engine)
    word = await forms.keep(CALLER, target="/pay", body=b"a=1")
    world.clock.advance(age)
    assert await world.store.prune_meta(before=world.engine.now(), limit=9) == int(not is_there)
    assert (await forms.take(CALLER, word) is not None) == is_there


async def test_each_browser_has_a_place(world: World) -> None:
    """Known browsers share eight places, and all that have proven nothing share one."""
    forms = KeptForms(world.engine)
    places = [(await forms.keep(replace(CALLER, handle=f"h{n}"), target="/p", body=b"a=1"))[0] for n in range(9)]
    assert "".join(places) == PLACES + PLACES[0]
    assert (await forms.keep(replace(CALLER, handle="new"), target="/p", body=b"a=1"))[0] == NEW
    names = [name_of(world.engine, ANN, place) for place in NEW + PLACES]
    assert all([await world.store.meta(name) for name in names])
    await drop_forms(world.engine, ANN)
    assert not any([await world.store.meta(name) for name in names])


async def test_a_store_that_is_away(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is kept, and nothing is raised."""
    forms = KeptForms(world.engine)
    word = await forms.keep(CALLER, target="/pay", body=b"a=1")

    async def away(*_: object, **__: object) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(world.store, "put_meta", away)
    assert await forms.keep(CALLER, target="/pay", body=b"a=1") == ""
    monkeypatch.setattr(world.store, "meta", away)
    assert await forms.take(CALLER, word) is None


async def test_the_timer_removes_its_own_form_alone(world: World) -> None:
    """A later form in the same place stays when the time of the first one is over."""
    forms = KeptForms(world.engine)
    forms.life = 60
    await forms.keep(CALLER, target="/a", body=b"a=1")
    (first,) = forms._ends.values()
    word = await forms.keep(CALLER, target="/b", body=b"b=1")
    (second,) = forms._ends.values()
    assert first.cancelled()
    assert not second.cancelled()
    name = name_of(world.engine, ANN, word[0])
    await forms._remove(name, b"another mark")
    assert await world.store.meta(name) is not None
    arguments = second._args
    second.cancel()
    forms._end(*arguments)
    await world.engine.effects.idle()
    assert (await world.store.meta(name), forms._ends) == (None, {})
