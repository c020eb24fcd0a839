"""An optional part of another shape than ``ports`` declares stops the start, with its fix."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from operator import attrgetter
from typing import Any

import pytest

from mfa_gate import DEFAULT_FACTORS, MFAGate, SettingsError, Subject, factors, ports, storage
from mfa_gate.identity import FirstOf, SessionUser
from mfa_gate.optional_parts import ADAPTER, FACTOR, SENDER, STORE, faults_of_optional_parts
from mfa_gate.ports import SeesUsers, Senders
from mfa_gate.senders import ConsoleSender, SMTPSender, TwilioVoiceSender
from mfa_gate.stores.memory import MemoryStore
from mfa_gate.testing.outbox import Outbox
from tests.good_start import GOOD, faults_of


def plain(self: object, *given: object) -> str:
    return ""


async def waits(self: object, *given: object) -> str:
    return ""


class Waits:
    """A callable object whose call must be awaited."""

    async def __call__(self, *given: object) -> str:
        return ""


def adapter(**parts: object) -> Any:
    """An adapter with optional parts."""

    async def call(self: object, connection: object) -> Subject | None:
        return None

    return type("Odd", (), {"__call__": call, **parts})()


def sender(**parts: object) -> Any:
    """A sender with optional parts."""
    return type("Odd", (Outbox,), parts)()


ADAPTERS: dict[str, tuple[object, str, str]] = {
    "subject_of": (waits, "an async method", "write def subject_of(self, scope)"),
    "sees_user": (waits, "an async method", "write def sees_user(self, scope)"),
    "unnamed": ("user_id", "of type str", 'a tuple of texts, e.g. ("user_id",)'),
    "names_session": ("yes", "of type str", "True or False"),
    "needs_session": (1, "of type int", "True or False"),
    "needs_authentication": (plain, "a plain method", "True or False"),
}
SENDERS: dict[str, tuple[object, str, str]] = {
    "verify_callback": (waits, "an async method", "write def verify_callback(self, url, params, headers)"),
    "takes": (waits, "an async method", "write def takes(self, to)"),
    "check": (plain, "a plain method", "write async def check(self)"),
    "available": (plain, "a plain method", "True or False"),
    "application_server_key": (b"key", "of type bytes", "make it a str"),
}


@pytest.mark.parametrize("name", ADAPTERS)
@pytest.mark.parametrize("wrap", [lambda odd: odd, lambda odd: FirstOf(SessionUser("user_id"), odd)])
def test_adapter(name: str, wrap: Callable[[object], object]) -> None:
    """A fault at start names the part, its type, the reason and the fix.

    This holds inside of ``FirstOf`` as well. Requirement D-17.
    """
    value, kind, fix = ADAPTERS[name]
    with pytest.raises(SettingsError) as error:
        MFAGate(**{**GOOD, "identify": wrap(adapter(**{name: value}))})
    (fault,) = error.value.faults
    assert fault.startswith(f"identify: Odd.{name} is {kind}, but ")
    assert fix in fault


@pytest.mark.parametrize("channel", ["email", "sms", "voice", "push"])
@pytest.mark.parametrize("name", SENDERS)
def test_sender(name: str, channel: str) -> None:
    """A fault of a sender is told in the same way; its channel names it."""
    value, kind, fix = SENDERS[name]
    senders = Senders(**{"email": Outbox(), "sms": Outbox(), channel: sender(**{name: value})})
    with pytest.raises(SettingsError) as error:
        MFAGate(**{**GOOD, "senders": senders})
    (fault,) = error.value.faults
    assert fault.startswith(f"senders: {channel}: Odd.{name} is {kind}, but ")
    assert fix in fault


def test_all_at_once() -> None:
    """Several wrong parts are told together; a method that is no method at all is one of them."""
    odd = dict.fromkeys((*ADAPTERS, *SENDERS), 5)
    faults = faults_of_optional_parts(adapter(**odd), Senders(voice=sender(**odd)))
    assert len(faults) == len(odd)
    assert all("of type int" in fault for fault in faults)


def test_objects_that_are_called() -> None:
    """A callable object counts by its call, as a method does."""
    assert len(faults_of_optional_parts(adapter(subject_of=Waits()), Senders())) == 1
    assert not faults_of_optional_parts(adapter(), Senders(sms=sender(check=Waits())))


def test_a_decorated_check() -> None:
    """A decorator that keeps the name of an async method does not make it a plain one."""

    @functools.wraps(waits)
    def decorated(*given: Any) -> Any:
        return waits(*given)

    assert not faults_of_optional_parts(adapter(), Senders(sms=sender(check=decorated)))


def test_a_part_that_is_left_out() -> None:
    """A part that is not there, or is None where a method may stand, is no fault."""
    assert not faults_of_optional_parts(adapter(), Senders())
    assert not faults_of_optional_parts(adapter(subject_of=None), Senders(sms=sender(check=None)))


def test_our_own() -> None:
    """The adapters and senders of this package have the shapes that the gate declares."""
    senders = Senders(
        email=SMTPSender("smtp://mail.example", sender="app@mail.example"),
        sms=ConsoleSender(),
        voice=TwilioVoiceSender(account_sid="AC" + "0" * 32, auth_token="t", sender="+12025550123"),
    )
    assert not faults_of_optional_parts(FirstOf(SessionUser("user_id"), SessionUser("other")), senders)


class PassesOn:
    """A wrapper that passes on everything that it does not have itself."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    async def __call__(self, connection: Any) -> Any:
        return await self.inner(connection)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


SMTP = SMTPSender("localhost", sender="gate@app.example")
SEEN_BY_GETATTR = sys.version_info < (3, 12)


@pytest.mark.parametrize(
    ("wrong", "where", "names"),
    [
        ({"identify": PassesOn(SessionUser("user_id"))}, "identify: PassesOn", ("sees_user", "needs_session")),
        ({"identify": FirstOf(PassesOn(SessionUser("user_id")))}, "identify: PassesOn", ("sees_user", "names_session")),
        ({"senders": Senders(email=PassesOn(SMTP), sms=Outbox())}, "senders: email: PassesOn", ("available", "check")),
        ({"store": PassesOn(MemoryStore())}, "store: PassesOn", ("add_report_part",)),
        ({"factors": [*DEFAULT_FACTORS[:-1], PassesOn(DEFAULT_FACTORS[-1])]}, "factors: PassesOn", ()),
    ],
    ids=["identify", "inside of FirstOf", "sender", "store", "factor"],
)
def test_a_part_behind_getattr(wrong: dict[str, Any], where: str, names: tuple[str, ...]) -> None:
    """A wrapper with ``__getattr__`` has its parts, or is told which ones Python does not see.

    Python 3.12 and later do not: without a word the late check of S-14 would be off.
    """
    if SEEN_BY_GETATTR:
        assert not faults_of(**wrong)
        return
    (fault,) = faults_of(**wrong)
    assert fault.startswith(f"{where} answers ")
    assert all(name in fault.partition(" by __getattr__")[0] for name in names)


def test_the_fix_of_a_part_behind_getattr() -> None:
    """A property that passes on is seen, by every Python."""
    names = ("subject_of", "sees_user", "unnamed", "names_session", "needs_session")
    parts = {name: property(attrgetter(f"inner.{name}")) for name in names}
    whole = type("Whole", (PassesOn,), parts)(SessionUser("user_id"))
    assert not faults_of(identify=whole)
    assert isinstance(whole, SeesUsers)


def test_every_optional_part_is_looked_for() -> None:
    """No protocol of the three rooms is left out of the tables."""
    looked_for = {*ADAPTER, *SENDER, *STORE, *FACTOR}
    for room in (ports, storage, factors.optional_parts):
        for part in vars(room).values():
            assert part in looked_for if getattr(part, "_is_runtime_protocol", False) else True
