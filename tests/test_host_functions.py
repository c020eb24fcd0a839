"""A host's function that the gate cannot call or await stops the start, with its fix."""

from __future__ import annotations

import functools
import logging
from collections.abc import AsyncIterator, Awaitable, Iterator
from typing import Annotated, Any

import pytest
from fastapi import Depends

from mfa_gate import Contacts, Event, MFAGate, SettingsError, Subject
from mfa_gate.host_functions import faults_of_hooks, faults_of_identify
from mfa_gate.identity import FirstOf, SessionUser
from tests.good_start import GOOD
from tests.harness import FETCH, PAGE, Browser, make_world, running


class Called:
    """A callable object."""

    def __call__(self, subject: Subject) -> None:
        """Take too little."""

    async def two(self, subject: Subject, event: Event) -> None:
        """Take what ``on_lock`` and ``on_reset`` get."""


def none() -> None:
    """Take nothing."""


def keyword(subject: Subject, *, event: Event) -> None:
    """Take the event by its name only."""


@pytest.mark.parametrize(
    ("name", "hook", "value", "reason", "fix"),
    [
        (
            "on_lock",
            Called(),
            "on_lock=Called(subject: 'Subject') -> 'None': ",
            "(subject, event)",
            "def on_lock(subject, event)",
        ),
        ("on_reset", keyword, "on_reset=keyword(subject", "(subject, event)", "async def on_reset(subject, event)"),
        ("on_event", none, "on_event=none() -> 'None': ", "(event)", "write def on_event(event)"),
        ("on_event", Called().two, "on_event=Called.two(subject", "missing a required argument", "def on_event(event)"),
        (
            "on_lock",
            "print",
            "on_lock='print': is of type str",
            "cannot be called",
            "write def on_lock(subject, event)",
        ),
        ("contacts", 5, "contacts=5: is of type int", "cannot be called", "write async def contacts(subject)"),
        ("directory", none, "directory=none() -> 'None': ", "(tenant)", "write async def directory(tenant)"),
        ("before_send", none, "before_send=none() -> 'None': ", "(send)", "write def before_send(send)"),
    ],
)
def test_hook(name: str, hook: object, value: str, reason: str, fix: str) -> None:
    """A hook that cannot be called as the gate calls it stops the start.

    The message has the argument, its value, the reason and the fix.
    """
    with pytest.raises(SettingsError) as error:
        MFAGate(**{**GOOD, name: hook})
    (fault,) = error.value.faults
    assert fault.startswith(value)
    assert reason in fault
    assert fix in fault


def test_hooks_that_fit() -> None:
    """Defaults, a rest, bound methods and a missing hook are no faults.

    Nor is a callable of which Python does not tell the parameters.
    """

    def rest(*given: object) -> None: ...

    def more(subject: Subject, event: Event, why: str = "") -> None: ...

    untold = dict[str, str].update
    for hook in (None, rest, more, Called().two, functools.partial(more, why="x"), print, untold):
        assert not faults_of_hooks(on_event=None, on_lock=hook, on_reset=hook)
    fitting: tuple[object, ...] = (None, rest, Called(), list[Event]().append)
    for one in fitting:
        assert not faults_of_hooks(on_event=one, on_lock=None, on_reset=None)


# -- functions whose answer is awaited ---------------------------------------------------------------------------------


def plain(connection: object) -> Subject | None:
    """Find somebody, and not be async."""


async def waits(connection: object) -> Subject | None:
    """Find nobody."""


async def takes_none() -> Subject | None:
    """Take nothing."""


async def injected(connection: object, db: object = Depends(none)) -> Subject | None:
    """Take what FastAPI's routes would fill."""


async def annotated(connection: object, db: Annotated[object, Depends(none)]) -> Subject | None:
    """Take it by the annotation."""


async def generates(connection: object) -> AsyncIterator[Subject]:
    """Yield in place of returning."""
    yield Subject(id="ann")


class Plain:
    """An adapter whose call is no coroutine."""

    def __call__(self, connection: object) -> Subject | None:
        """Find nobody."""
        return None


annotated.__annotations__["db"] = Annotated[object, Depends(none)]
ASYNC = "write async def identify(connection) that returns a Subject or None"
IDENTIFIERS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "a plain function": (plain, ("identify=plain(connection", "is a plain function, and the gate awaits", ASYNC)),
    "a plain object": (Plain(), ("identify=Plain(connection", "is a plain function", ASYNC)),
    "a plain method": (Plain().__call__, ("identify=Plain.__call__(connection", ASYNC)),
    "a plain partial": (functools.partial(plain), ("is a plain function", ASYNC)),
    "an async generator": (generates, ("identify=generates(connection", "is a plain function", ASYNC)),
    "an adapter's class": (SessionUser, ("identify=SessionUser: is a class", "write SessionUser(...)")),
    "another class": (Plain, ("identify=Plain: is a class",)),
    "no parameter": (takes_none, ("identify=takes_none()", "calls it with (connection)", ASYNC)),
    "a dependency": (injected, ("FastAPI fills db only in its own routes", ASYNC)),
    "an annotated dependency": (annotated, ("FastAPI fills db only in its own routes", ASYNC)),
    "a text": ("user_id", ("identify='user_id': is of type str", "an adapter of mfa_gate.identity")),
    "none": (None, ("identify=None: is of type NoneType",)),
}


@pytest.mark.parametrize("several", [False, True], ids=["alone", "FirstOf"])
@pytest.mark.parametrize("name", IDENTIFIERS)
def test_identify(name: str, several: bool) -> None:
    """An ``identify`` that the gate cannot await stops the start with value, reason and fix.

    V-16. Inside ``FirstOf`` too.
    """
    identify, words = IDENTIFIERS[name]
    with pytest.raises(SettingsError) as error:
        MFAGate(**{**GOOD, "identify": FirstOf(SessionUser("user_id"), identify) if several else identify})
    (fault,) = error.value.faults
    for word in words:
        assert word in fault


def test_a_call_in_place_of_the_function() -> None:
    """``identify=identify(x)`` is a coroutine."""
    called = waits(None)
    with pytest.raises(SettingsError, match=r"was called already: give the function itself"):
        MFAGate(**{**GOOD, "identify": called})
    called.close()


def test_what_may_be_awaited() -> None:
    """A function is no fault where Python tells that it is async.

    Nor where only a call can show it.
    """

    def says(connection: object) -> Awaitable[Subject | None]:
        return waits(connection)

    @functools.wraps(waits)
    def keeps(*given: object) -> object:
        return waits(*given)

    def wrapper(*given: object, **named: object) -> object:
        return waits(*given, **named)

    class Asks:
        async def __call__(self, connection: object) -> Subject | None:
            return None

        async def find(self, connection: object) -> Subject | None:
            return None

    found = (waits, says, keeps, wrapper, Asks(), Asks().find, functools.partial(waits), lambda c: waits(c))
    for identify in (*found, SessionUser("user_id"), FirstOf(SessionUser("user_id"), waits)):
        assert faults_of_identify(identify) == []


@pytest.mark.parametrize("name", ["contacts", "directory"])
def test_plain_functions_that_are_awaited(name: str) -> None:
    """``contacts`` and ``directory`` that are not async stop the start.

    V-16. They do not fail at the first enrollment only.
    """

    def find(of: object) -> object: ...

    def several(of: object) -> Iterator[object]:
        yield of

    def whatever(*given: object) -> Iterator[object]:
        yield given

    for hook in (find, several, whatever):
        with pytest.raises(SettingsError, match=rf"{name}=.*is a plain function.*write async def {name}\("):
            MFAGate(**{**GOOD, name: hook})


async def people(tenant: str) -> AsyncIterator[tuple[Subject, Contacts]]:
    """List everybody, one after the other."""
    for id in ("ann", "bob"):
        yield Subject(id=id, tenant=tenant), Contacts(email=f"{id}@x.example")


async def test_a_directory_that_yields() -> None:
    """A directory may be an async generator.

    Contract 8. One that lists anything but people is named in the log.
    """
    assert faults_of_hooks(directory=people) == []
    async with running(make_world(directory=people)) as world:
        found = await world.gate.service.people.known("alpha")
        assert [subject.id for subject, _ in found or ()] == ["ann", "bob"]


PAIRS = "give pairs of (Subject, Contacts)"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (["ann"], PAIRS),
        ([("ann", "ann@x.example")], PAIRS),
        ([Subject(id="ann")], PAIRS),
        (5, "did not answer for alpha"),
    ],
)
async def test_a_directory_of_no_people(value: Any, words: str, caplog: pytest.LogCaptureFixture) -> None:
    """Another value than pairs of subject and contacts counts as no answer.

    The log names the form, or that there was no answer.
    """

    async def directory(tenant: str) -> Any:
        return value

    async with running(make_world(directory=directory)) as world:
        assert await world.gate.service.people.known("alpha") is None
    assert words in caplog.text


# -- answers of another type -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fast", [False, True], ids=["async", "subject_of"])
@pytest.mark.parametrize("value", ["ann", {"id": "ann"}, False, 0, ("ann",)], ids=repr)
async def test_an_answer_that_is_no_subject(value: Any, fast: bool, caplog: pytest.LogCaptureFixture) -> None:
    """The log says in one line what came, and what ``identify`` must return; nobody passes.

    V-16.
    """

    class Odd:
        async def __call__(self, connection: Any) -> Any:
            return value

    if fast:
        Odd.subject_of = lambda self, scope: value  # type: ignore[attr-defined]
    async with running(make_world(identify=Odd())) as world:
        assert (await Browser(world).ask("GET", "/records", headers=FETCH)).status == 503
    (said,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    kind = type(value).__name__
    assert f"has returned a value of type {kind}: return a mfa_gate.Subject, or None" in said.getMessage()
    assert said.exc_info is None


async def test_a_lambda_that_waits_for_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """Only its call can show it: then the log names the fix."""
    async with running(make_world(identify=lambda connection: Subject(id="ann"))) as world:
        assert (await Browser(world).ask("GET", "/records", headers=FETCH)).status == 503
    assert "is a plain function, and the gate awaits its answer: write async def" in caplog.text


@pytest.mark.parametrize("value", [None, {"email": "a@x.example"}, "a@x.example"], ids=repr)
async def test_contacts_of_another_type(value: Any, caplog: pytest.LogCaptureFixture) -> None:
    """The log says in one line what came from ``contacts``, and what must."""

    async def contacts(subject: Subject) -> Any:
        return value

    async with running(make_world(contacts=contacts)) as world:
        ann = await world.browser()
        assert (await ann.ask("GET", "/mfa/enroll/email", headers=PAGE)).status == 503
    (said,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert f"has returned a value of type {type(value).__name__}: return mfa_gate.Contacts(" in said.getMessage()
