"""An argument of another type stops the start with its name and its fix.

V-16. Its value is not shown.
"""

from __future__ import annotations

import time
from http import HTTPStatus
from inspect import signature
from pathlib import Path
from typing import Any

import pytest

from mfa_gate import MFAGate, RelyingParty, Senders, SettingsError
from mfa_gate.senders import ConsoleSender
from mfa_gate.stores.memory import MemoryStore
from mfa_gate.testing import FixedClock, Outbox
from tests.good_start import GOOD, party


class Plain:
    """A sender that is not async."""

    def send(self, message: object) -> None:
        """Send nothing."""


class Odd:
    """A sender whose one method takes nothing."""

    async def send(self) -> None:
        """Send nothing."""

    def aclose(self) -> None:
        """Close, and be not async."""


WRONG: dict[str, tuple[str, Any, str]] = {
    "policy": ("policy", {"name": "x"}, "policy: is of type dict; give the path of the policy file"),
    "no policy": ("policy", None, "policy: is of type NoneType; give the path"),
    "store": ("store", Path("mfa.db"), 'store: is of type PosixPath; give a URL, e.g. "sqlite:///mfa_gate.db"'),
    "no store": ("store", None, "store: is of type NoneType; give a URL"),
    "a store's class": ("store", MemoryStore, "store: is the class MemoryStore; give a URL"),
    "keys": ("keys", {"a": 1}, "keys: is of type dict; give a list of texts that mfa-gate keys new printed"),
    "relying party": ("relying_party", "app.example", "relying_party: is of type str; give RelyingParty(id="),
    "no origins": ("relying_party", party(origins=None), "relying_party: is of type RelyingParty with something in it"),
    "an origin": ("relying_party", party(origins=[5]), "relying_party: is of type RelyingParty with something in it"),
    "no name": ("relying_party", party(name=None), "give RelyingParty(id="),
    "party's class": ("relying_party", RelyingParty, "relying_party: is the class RelyingParty"),
    "factors": ("factors", ["totp"], "factors: is of type list with something in it that does not fit; give a list of"),
    "no factors": ("factors", None, "factors: is of type NoneType"),
    "one sender": (
        "senders",
        ConsoleSender(),
        "senders: is of type ConsoleSender; give Senders(email=...); its channels are",
    ),
    "senders": ("senders", {"email": Outbox()}, "senders: is of type dict; give Senders(email=...)"),
    "no proxies": (
        "trusted_proxies",
        None,
        'trusted_proxies: is of type NoneType; give a list of texts, e.g. ["10.0.0.5"]',
    ),
    "a number": ("trusted_proxies", [5], "trusted_proxies: is of type list with something in it that does not fit"),
    "clock": ("clock", time.time, "clock: is of type builtin_function_or_method; give an object whose now()"),
    "a clock's class": ("clock", FixedClock, "clock: is the class FixedClock"),
    "entropy": ("entropy", b"x", "entropy: is of type bytes; give a function of a number of bytes"),
    "a switch": ("dev", "no", "dev: is of type str; write True or False: any text counts as True"),
    "a dangerous switch": (
        "accept_any_forwarder",
        "False",
        "accept_any_forwarder: is of type str; write True or False",
    ),
    "a sender that is plain": (
        "senders",
        Senders(email=Plain(), sms=Outbox()),  # type: ignore[arg-type]
        "senders: email: Plain.send is a plain method, but the gate awaits it: write async def send(self, message)",
    ),
    "a sender that is none": (
        "senders",
        Senders(email=5, sms=Outbox()),  # type: ignore[arg-type]
        "senders: email: int has no send, so nothing could be sent",
    ),
    "a sender's class": (
        "senders",
        Senders(email=Outbox, sms=Outbox()),  # type: ignore[arg-type]
        "senders: email: Outbox is a class: give an object of it, Outbox(...)",
    ),
    "a sender that takes nothing": (
        "senders",
        Senders(email=Odd(), sms=Outbox()),  # type: ignore[arg-type]
        "senders: email: Odd.send() -> 'None': the gate calls it with (message), and that fails",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_another_type(name: str) -> None:
    """The fault names the argument, the type that came and what to write."""
    argument, value, words = WRONG[name]
    with pytest.raises(SettingsError) as error:
        MFAGate(**{**GOOD, argument: value})
    assert error.value.faults[0].startswith(words) or words in error.value.faults[0]


PARAMETERS = signature(MFAGate).parameters


@pytest.mark.parametrize("value", [object(), None, 5, ["x"]], ids=["object", "None", "number", "list"])
@pytest.mark.parametrize("name", PARAMETERS)
def test_no_argument_takes_anything(name: str, value: Any) -> None:
    """Each argument, also a new one, is named where something else comes."""
    if value is None and PARAMETERS[name].default is None:
        return
    with pytest.raises(SettingsError) as error:
        MFAGate(**{**GOOD, name: value})
    assert name in str(error.value)


def test_all_at_once_without_their_values() -> None:
    """Several wrong types are one message. A value may be secret."""
    wrong = {
        "policy": {"password": "hunter2"},
        "store": Path("/secret/place"),
        "senders": {"key": "hunter2"},
        "dev": "no",
    }
    with pytest.raises(SettingsError) as error:
        MFAGate(**{**GOOD, **wrong})
    assert [fault.partition(":")[0] for fault in error.value.faults] == ["policy", "store", "senders", "dev"]
    assert "hunter2" not in str(error.value)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    ("argument", "value", "words"),
    [
        ("factors", [], "factors: is empty"),
        ("json_status", 403.0, "json_status=403.0: must be 403 or 401"),
        ("sign_in", "/login?next={nxt}", "has '{nxt}'; only '{next}' is filled in"),
        ("sign_in", "/login?next={next", "has '{next'"),
        ("sign_in", "/{tenant}/login?next={next}", "sign_in="),
        ("home", "/?next={next}", "has '{next}'; nothing is filled in there"),
        *(
            ("relying_party", RelyingParty(id="localhost", name=name, origins=["http://localhost:8000"]), "must be 80")
            for name in ("", " ", "a\nb", "\u202eppa", "x" * 81)
        ),
    ],
)
def test_values_that_a_request_could_not_use(argument: str, value: Any, words: str) -> None:
    """A value that would fail at a request, or be shown as it was typed, stops the start."""
    with pytest.raises(SettingsError) as error:
        MFAGate(**{**GOOD, argument: value})
    assert words in str(error.value)


def test_a_sender_that_closes_at_once() -> None:
    """``aclose`` is awaited, too."""
    with pytest.raises(SettingsError, match=r"Odd\.aclose is a plain method, but the gate awaits it when it closes"):
        MFAGate(**{**GOOD, "senders": Senders(email=Odd(), sms=Outbox())})  # type: ignore[arg-type]


@pytest.mark.parametrize("app", [None, lambda scope, receive, send: None], ids=["none", "another ASGI app"])
def test_an_app_that_takes_no_middleware(app: Any) -> None:
    """D-3: ``install`` says how to put the gate around it."""
    with pytest.raises(SettingsError, match=r"app = MFAGateMiddleware\(app, gate=gate\)"):
        MFAGate(**GOOD).install(app)


def test_what_starts() -> None:
    """The other side: every form that is documented."""
    for more in (
        {"store": MemoryStore()},
        {"keys": GOOD["keys"][0]},
        {"keys": tuple(GOOD["keys"])},
        {"clock": FixedClock()},
        {"clock": None},
        {"dev": True},
        {"trusted_proxies": ("10.0.0.5", "unix")},
    ):
        assert MFAGate(**{**GOOD, **more})


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("json_status", HTTPStatus.UNAUTHORIZED),
        *(
            ("relying_party", RelyingParty(id="localhost", name=name, origins=["http://localhost:8000"]))
            for name in ("دیجی\u200cکالا", "क्\u200dष", "x" * 80)
        ),
    ],
)
def test_values_that_a_request_can_use(argument: str, value: Any) -> None:
    """A status of the standard library is a number, and scripts that need joiners have them."""
    assert MFAGate(**{**GOOD, argument: value}).web.site.json_status in (401, 403)
