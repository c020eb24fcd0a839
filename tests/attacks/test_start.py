"""A wrong start stops with one message, before anything is served.

The message names every fault and its fix.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from mfa_gate import MFAGate, RelyingParty, Senders, SettingsError
from mfa_gate.core.rules import FactorRules, Policy, Rules
from mfa_gate.factors import BUILT_IN
from mfa_gate.identity import RequestUser, SessionUser
from mfa_gate.stores.memory import MemoryStore
from tests.beside import ROOT
from tests.good_start import GOOD, party
from tests.harness import ORIGIN, POLICY, Outbox, key, make_world, running

WRONG: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "no policy file": ({"policy": "nowhere.toml"}, ("nowhere.toml",)),
    "no key": ({"keys": []}, ("mfa-gate keys new",)),
    "calls that nobody can confirm": (
        {
            "policy": Policy(name="t", base=Rules(factors=FactorRules(allowed=("totp", "voice")))),
            "senders": Senders(voice=Outbox()),
        },
        (
            'factors.voice.confirm = "pound" needs',
            "verify_callback",
            "Outbox has none",
            'or set factors.voice.confirm = "code"',
        ),
    ),
    "a tenant beside rules that nobody could meet": (
        {
            "policy": Policy(
                name="t",
                base=Rules(factors=FactorRules(allowed=("email",))),
                tenants={"alpha": Rules(factors=FactorRules(allowed=("totp",)))},
            ),
            "senders": Senders(),
        },
        ("factors.allowed", "email"),
    ),
    "no such key": ({"keys": ["secret"]}, ("keys[0]", "mfa-gate keys new")),
    "a damaged key": ({"keys": [key(1)[:-2]]}, ("keys[0]", "checksum")),
    "a key twice": ({"keys": [key(1), key(1)]}, ("twice", "newest first")),
    "the second key": ({"keys": [key(1), "x"]}, ("keys[1]",)),
    "no URL": ({"store": "mfa.db"}, ("mfa.db", "sqlite:///")),
    "two slashes": ({"store": "sqlite://mfa.db"}, ("three slashes", "sqlite:///mfa_gate.db")),
    "unknown store": ({"store": "mysql://u:pw@db/x"}, ("mysql", "sqlite:///")),
    "no senders": ({"senders": None}, ("senders=Senders(email=...)", "senders=Senders(sms=...)")),
    "one sender": ({"senders": Senders(email=Outbox())}, ("sms", "Senders(sms=...)")),
    "no contacts": ({"contacts": None}, ("contacts=", "email")),
    "no identify": ({"identify": "user_id"}, ("identify", "mfa_gate.identity")),
    "party without name": ({"relying_party": party(name=" ")}, ("relying_party.name",)),
    "party with a URL": ({"relying_party": party(id="https://localhost")}, ("relying_party.id", "host name")),
    "no origins": ({"relying_party": party(origins=[])}, ("relying_party.origins", "https://localhost")),
    "origins as text": ({"relying_party": party(origins=ORIGIN)}, ("relying_party.origins", "list")),
    "origin with a path": ({"relying_party": party(origins=[ORIGIN + "/"])}, ("is no origin",)),
    "app with the commands' name": ({"app": "mfa-gate"}, ("app='mfa-gate'", "our own commands")),
    "app of two lines": ({"app": "web\nshop"}, ("app='web", "printable")),
    "app that is no text": ({"app": 7}, ("app=7", "printable")),
    "origin with its default port": (
        {"relying_party": RelyingParty(id="app.example", name="App", origins=["https://app.example:443"])},
        ("never matches", "'https://app.example'"),
    ),
    "origin of another": ({"relying_party": party(origins=["https://evil.example"])}, ("does not belong",)),
    "origin like ours": ({"relying_party": party(origins=["https://evillocalhost"])}, ("does not belong",)),
    "plain http": (
        {"relying_party": RelyingParty(id="a.example", name="A", origins=["http://a.example"])},
        ("not https",),
    ),
    "prefix with a slash": ({"prefix": "/mfa/"}, ("prefix=", "trailing slash")),
    "no prefix": ({"prefix": "/"}, ("prefix=",)),
    "prefix elsewhere": ({"prefix": "//evil"}, ("prefix=",)),
    "sign-in elsewhere": ({"sign_in": "https://evil.example"}, ("sign_in=",)),
    "sign-in without a slash": ({"sign_in": "login"}, ("sign_in=", "/login")),
    "sign-out elsewhere": ({"sign_out": "//evil.example"}, ("sign_out=",)),
    "home elsewhere": ({"home": "/\\evil.example"}, ("home=",)),
    "json_status": ({"json_status": 200}, ("json_status=200", "403 or 401")),
    "proxies as text": ({"trusted_proxies": "10.0.0.0/8"}, ("trusted_proxies", "list")),
    "no network": ({"trusted_proxies": ["10.0.0.1/8"]}, ("trusted_proxies", "10.0.0.1/8")),
    "everybody a proxy": ({"trusted_proxies": ["0.0.0.0/0"]}, ("everybody",)),
    "everybody a proxy, in halves": ({"trusted_proxies": ["0.0.0.0/1", "10.0.0.1", "128.0.0.0/1"]}, ("everybody",)),
    "everybody a proxy, v6": ({"trusted_proxies": ["::/0"]}, ("everybody",)),
}


@pytest.mark.parametrize(("wrong", "words"), WRONG.values(), ids=WRONG)
def test_each_fault_names_its_fix(wrong: dict[str, Any], words: tuple[str, ...]) -> None:
    """A wrong setting stops the start, and its message names the setting and the fix.

    Issue 2.
    """
    with pytest.raises(SettingsError) as error:
        MFAGate(**{**GOOD, **wrong})
    for word in words:
        assert word in str(error.value)
    assert "pw" not in str(error.value)


def test_the_good_one_starts() -> None:
    """The other side of the table above."""
    assert MFAGate(**GOOD).policy == BUILT_IN.complete(POLICY)


def test_one_fault_is_told_once() -> None:
    """A wrong prefix makes no other address wrong."""
    with pytest.raises(SettingsError) as error:
        MFAGate(**{**GOOD, "prefix": "/"})
    assert [fault[:11] for fault in error.value.faults] == ["prefix='/':"]


def test_all_at_once() -> None:
    """Every fault is told in one message, not one after the other."""
    wrong = {
        "policy": "nowhere.toml",
        "keys": ["x"],
        "store": "mysql://db",
        "relying_party": party(name="", origins=[]),
        "prefix": "mfa",
        "json_status": 500,
        "trusted_proxies": ["x", "0.0.0.0/0"],
    }
    with pytest.raises(SettingsError) as error:
        MFAGate(**{**GOOD, **wrong})
    text = str(error.value)
    for word in (
        "nowhere.toml",
        "keys[0]",
        "mysql",
        "relying_party.name",
        "origins",
        "prefix=",
        "json_status",
        "'x'",
        "everybody",
    ):
        assert word in text
    assert len(error.value.faults) >= 9
    assert text.startswith(f"{len(error.value.faults)} faults")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('version = 1\nname = "x"\n[factor]\nallowed = []\n', ("policy.toml", "3", "factors")),
        ('version = 1\nname = "x"\n[freshness]\nmax_age = "7 days"\n', ("max_age",)),
        ('version = 9\nname = "x"\n', ("version",)),
        ("version = 1\nname = ", ("policy.toml",)),
        (
            'version = 1\nname = "x"\n[[exempt]]\nname = "a"\npaths = ["/**"]\nreason = "r"\npermanent = true\n',
            ("whole app",),
        ),
    ],
)
def test_a_wrong_policy_stops_the_start(tmp_path: Path, text: str, words: tuple[str, ...]) -> None:
    """Issue 2: faults of the policy file stop the start with their lines."""
    path = tmp_path / "policy.toml"
    path.write_text(text)
    with pytest.raises(SettingsError) as error:
        MFAGate(**{**GOOD, "policy": path})
    for word in words:
        assert word in str(error.value)


def test_trusting_every_forwarder(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that takes anybody's word for the address stops the start.

    It does not if the developer says otherwise. Requirement S-109.
    """
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    with pytest.raises(SettingsError, match="FORWARDED_ALLOW_IPS"):
        MFAGate(**GOOD)
    assert MFAGate(**GOOD, accept_any_forwarder=True)


# -- the order of the stack --------------------------------------------------------------------------------------------


def _session_inside(app: Starlette, gate: MFAGate) -> None:
    app.add_middleware(SessionMiddleware, secret_key="x")
    gate.install(app)


def _cors_inside(app: Starlette, gate: MFAGate) -> None:
    app.add_middleware(CORSMiddleware, allow_origins=["https://a.example"])
    gate.install(app)
    app.add_middleware(SessionMiddleware, secret_key="x")


def _authentication_inside(app: Starlette, gate: MFAGate) -> None:
    app.add_middleware(AuthenticationMiddleware, backend=None)  # type: ignore[arg-type]
    gate.install(app)


def _hidden_route(app: Starlette, gate: MFAGate) -> None:
    app.router.routes.append(Route("/mfa/own", lambda request: PlainTextResponse("hidden")))
    gate.install(app)
    app.add_middleware(SessionMiddleware, secret_key="x")


ORDERS: tuple[tuple[Callable[[Starlette, MFAGate], None], Any, str], ...] = (
    (_session_inside, SessionUser("user_id"), r"SessionMiddleware.*after gate\.install"),
    (_cors_inside, SessionUser("user_id"), r"CORSMiddleware.*after gate\.install"),
    (_authentication_inside, RequestUser(), r"AuthenticationMiddleware.*after gate\.install"),
    (_hidden_route, SessionUser("user_id"), r"/mfa/own.*another prefix"),
)


@pytest.mark.parametrize(("build", "identify", "message"), ORDERS, ids=lambda part: getattr(part, "__name__", ""))
def test_a_wrong_order_stops_the_start(
    build: Any, identify: Any, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A wrong order of the parts stops the start, and the message names the line to move.

    Wrong are: a sign-in layer inside the gate, CORS inside it, and a route below its prefix. Requirement S-10; contract
    1.
    """
    gate = MFAGate(**{**GOOD, "identify": identify})
    app = Starlette(routes=[Route("/", lambda request: PlainTextResponse("in"))])
    build(app, gate)
    with pytest.raises(BaseException) as error, TestClient(app):
        raise AssertionError("it has started")
    assert not isinstance(error.value, AssertionError)
    assert len([record for record in caplog.records if "cannot start" in record.getMessage()]) == 1
    import re

    assert re.search(message, caplog.text)


def test_a_right_order_starts() -> None:
    """The other side: the documented order starts and serves."""
    gate = MFAGate(**GOOD)
    app = Starlette(routes=[Route("/", lambda request: PlainTextResponse("in"))])
    gate.install(app)
    app.add_middleware(SessionMiddleware, secret_key="x")
    app.add_middleware(CORSMiddleware, allow_origins=["https://a.example"])
    with TestClient(app) as client:
        assert client.get("/").text == "in"


# -- the keys of a store -----------------------------------------------------------------------------------------------


async def test_a_wrong_key_stops_the_start() -> None:
    """A store that another key has sealed is not opened.

    With that key as the second of two it is opened, and from then on the first key is needed as well. Requirement F-19.
    """
    store = MemoryStore()
    async with running(make_world(store=store)) as world:
        await world.enrolled()
    with pytest.raises(SettingsError, match="none of the listed keys opens this store"):
        await make_world(store=store, keys=[key(2)]).gate.web.open()
    async with running(make_world(store=store, keys=[key(2), key(1)])) as world:
        assert (await (await world.browser()).state())["state"] == "challenge"
    with pytest.raises(SettingsError, match="none of the listed keys opens this store"):
        await make_world(store=store, keys=[key(1)]).gate.web.open()


SERVED = """
import sys
from starlette.applications import Starlette
from starlette.middleware.sessions import SessionMiddleware
from tests.good_start import GOOD
from tests.harness import key
from mfa_gate import MFAGate
gate = MFAGate(**{**GOOD, "store": "sqlite:///" + sys.argv[1], "keys": [key(int(sys.argv[2]))]})
app = Starlette()
gate.install(app)
app.add_middleware(SessionMiddleware, secret_key="x")
import uvicorn
uvicorn.run(app, host="127.0.0.1", port=0, log_level="error", lifespan="on")
"""


async def test_a_server_does_not_serve(tmp_path: Path) -> None:
    """Under a real server a wrong key ends the process with one message.

    It never listens. Issue 2. Requirement F-19.
    """
    path = tmp_path / "mfa.db"
    async with running(make_world(store=f"sqlite:///{path}")):
        pass
    done = subprocess.run(
        [sys.executable, "-c", SERVED, str(path), "2"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode not in (0, None)
    assert "none of the listed keys opens this store" in done.stderr
    assert "Traceback" not in done.stderr
