"""D-3: each of the thirty likeliest mistakes ends in one message that names its fix.

Each is made for real on a small app. The table in ``tests/README.md`` is compared with ``MISTAKES``
(``python -m tests.test_thirty_mistakes`` writes it anew).
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
from fastapi import Depends, FastAPI
from starlette.applications import Starlette
from starlette.authentication import SimpleUser
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from mfa_gate import Contacts, MFAGate, RelyingParty, Senders, SettingsError, Subject, require_proof
from mfa_gate.cli import main
from mfa_gate.core.rules import Exemption, FactorRules, PathRule, Policy, Rules
from mfa_gate.errors import SendFailed
from mfa_gate.identity import SessionUser
from tests.harness import Outbox, contacts_of, key

Where = Literal["start", "log", "doctor"]
ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "tests" / "README.md"
SECRET = "Vw3vTq9b2Yk8mXz4cL7pRd1sJf6hGn0a"
ORIGIN = "http://localhost:8000"
POLICY = Policy(name="small", base=Rules(factors=FactorRules(allowed=("totp",))))
MAIL = Policy(name="mail", base=Rules(factors=FactorRules(allowed=("email",))))


# -- the small app -----------------------------------------------------------------------------------------------------


def gate(**more: Any) -> MFAGate:
    """Make a gate with nothing wrong but what the test says."""
    settings: dict[str, Any] = {
        "policy": POLICY,
        "identify": SessionUser("user_id", session="sid"),
        "store": "memory://",
        "keys": [key(1)],
        "relying_party": RelyingParty(id="localhost", name="Small", origins=[ORIGIN]),
        **more,
    }
    return MFAGate(**settings)


async def home(request: Request) -> PlainTextResponse:
    """Show what nobody may see without a second factor."""
    return PlainTextResponse("secret")


async def login(request: Request) -> PlainTextResponse:
    """Sign anybody in."""
    request.session.update(user_id="ann", sid="1")
    return PlainTextResponse("signed in")


def bare(*routes: Any) -> Starlette:
    """Make the app."""
    return Starlette(routes=[Route("/", home), Route("/login", login, methods=["POST"]), *routes])


def small(one: MFAGate | None = None, *routes: Any, secret: str = SECRET) -> Starlette:
    """Make it with a gate and a session, in the right order."""
    app = bare(*routes)
    (one or gate()).install(app)
    app.add_middleware(SessionMiddleware, secret_key=secret)
    return app


@dataclass(frozen=True)
class Stage:
    """The means of one test: a folder of its own, the log, and what is printed."""

    folder: Path
    log: pytest.LogCaptureFixture
    printed: pytest.CaptureFixture[str]
    patch: pytest.MonkeyPatch


@dataclass(frozen=True)
class Mistake:
    """A mistake: where it is told, how it is made, and the words that name it and its fix."""

    where: Where
    make: Callable[[Stage], object]
    words: tuple[str, ...]


# -- told at the start -------------------------------------------------------------------------------------------------


def session_inside(stage: Stage) -> object:
    app = bare()
    app.add_middleware(SessionMiddleware, secret_key=SECRET)
    gate().install(app)
    return app


def no_session(stage: Stage) -> object:
    app = bare()
    gate().install(app)
    return app


def plain_identify(stage: Stage) -> object:
    def identify(connection: Any) -> Subject | None:
        return Subject(connection.session["user_id"])

    return gate(identify=identify)


def dependency_identify(stage: Stage) -> object:
    def database() -> object: ...

    async def identify(connection: Any, db: object = Depends(database)) -> Subject | None: ...

    return gate(identify=identify)


def plain_contacts(stage: Stage) -> object:
    def contacts(subject: Subject) -> Contacts:
        return Contacts(email="ann@app.example")

    return gate(policy=MAIL, senders=Senders(email=Outbox()), contacts=contacts)


def two_gates(stage: Stage) -> object:
    return small(None, Mount("/admin", small()))


def cors_inside(stage: Stage) -> object:
    app = bare()
    app.add_middleware(CORSMiddleware, allow_origins=["https://spa.app.example"])
    gate().install(app)
    app.add_middleware(SessionMiddleware, secret_key=SECRET)
    return app


def proof_above_the_route(stage: Stage) -> object:
    app = FastAPI()

    @require_proof("5m")
    @app.get("/payout")
    async def payout(request: Request) -> str:
        return "paid"

    gate().install(app)
    app.add_middleware(SessionMiddleware, secret_key=SECRET)
    return app


def misspelled_policy_key(stage: Stage) -> object:
    path = stage.folder / "policy.toml"
    path.write_text('version = 1\nname = "small"\n\n[freshness]\nmax_aeg = "7d"\n')
    return gate(policy=path)


def misspelled_folder(stage: Stage) -> object:
    return gate(templates=stage.folder / "tmplates")


def believes_everybody(stage: Stage) -> object:
    stage.patch.setenv("FORWARDED_ALLOW_IPS", "*")
    return gate()


def another_key(stage: Stage) -> object:
    store = f"sqlite:///{stage.folder}/mfa.db"
    with TestClient(small(gate(store=store))):
        pass
    return small(gate(store=store, keys=[key(2)]))


def party(id: str, *origins: str) -> RelyingParty:
    return RelyingParty(id=id, name="Small", origins=origins)


PASSKEYS = Policy(name="small", base=Rules(factors=FactorRules(allowed=("totp", "webauthn"))))


# -- told in the log ---------------------------------------------------------------------------------------------------


def wrong_session_key(stage: Stage) -> object:
    with TestClient(small(gate(identify=SessionUser("uid")))) as client:
        client.post("/login")
        assert client.get("/").text == "secret"
    return None


def user_found_inside(stage: Stage) -> object:
    async def nobody(connection: Any) -> Subject | None:
        return None

    async def page(scope: Any, receive: Any, send: Any) -> None:
        scope["user"] = SimpleUser("ann")
        await PlainTextResponse("secret")(scope, receive, send)

    with TestClient(small(gate(identify=nobody), Mount("/page", page))) as client:
        assert client.get("/page/").status_code == 503
    return None


def another_address(stage: Stage) -> object:
    with TestClient(small(), base_url="http://127.0.0.1:8000", client=("127.0.0.1", 5000)) as client:
        client.post("/login")
        client.get("/mfa/enroll/totp")
        headers = {"origin": "http://127.0.0.1:8000", "sec-fetch-site": "same-origin", "accept": "text/html"}
        reply = client.post("/mfa/enroll/totp", data={"action": "start"}, headers=headers)
        assert reply.status_code == 403
        assert "This page is open at the wrong address" in reply.text
    return None


def front_end_elsewhere(stage: Stage) -> object:
    with TestClient(small(), base_url=ORIGIN, client=("127.0.0.1", 5000)) as client:
        headers = {"origin": "http://localhost:5173", "access-control-request-method": "POST"}
        assert client.options("/mfa/api/verify", headers=headers).status_code == 401
    return None


def unix_socket(stage: Stage) -> object:
    app = small()

    async def served(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "client": None} if scope["type"] == "http" else scope, receive, send)

    with TestClient(served) as client:
        client.post("/login")
        assert client.get("/", headers={"accept": "application/json"}).status_code == 403
    return None


WORKER = """
import asyncio, sys
from tests.test_thirty_mistakes import gate
asyncio.run(gate().web.open())
print("open", flush=True)
sys.stdin.read()
"""


def several_workers(stage: Stage) -> object:
    command = [sys.executable, "-c", WORKER]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env=env, cwd=ROOT, text=True, **pipes) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "open\n"
        second = subprocess.run(command, env=env, cwd=ROOT, text=True, input="", capture_output=True, check=True)
        first.communicate("")
    return second.stderr


def refused_mail(stage: Stage) -> object:
    mail = Outbox()
    mail.failure = SendFailed("refused", transient=False, detail="SMTP 535")
    one = gate(policy=MAIL, senders=Senders(email=mail), contacts=contacts_of)
    with TestClient(small(one), base_url=ORIGIN, client=("127.0.0.1", 5000)) as client:
        client.post("/login")
        reply = client.post("/mfa/api/enroll", json={"factor": "email"}, headers={"x-mfa-gate": "1", "origin": ORIGIN})
        assert reply.status_code == 502
    return None


# -- told by doctor ----------------------------------------------------------------------------------------------------


def doctor(app: Callable[[], Any]) -> Callable[[Stage], object]:
    """Let ``mfa-gate doctor`` look at an app of this module."""

    def look(stage: Stage) -> object:
        main(["doctor", "--app", f"{__name__}:{app.__name__}"])
        return stage.printed.readouterr().out

    return look


def without_gate() -> Starlette:
    return bare()


def guessable() -> Starlette:
    return small(secret="secret")


def idle_exemption() -> Starlette:
    open_to_all = Exemption(name="health", paths=(PathRule(text="=/healthz"),), reason="probes")
    return small(gate(policy=Policy(name="small", base=Rules(factors=POLICY.base.factors, exempt=(open_to_all,)))))


MISTAKES: dict[str, Mistake] = {
    "`SessionMiddleware` is added before `gate.install(app)`": Mistake(
        "start", session_inside, ("SessionMiddleware is inside the gate", "after gate.install(app)")
    ),
    "there is no `SessionMiddleware`": Mistake(
        "start", no_session, ("needs SessionMiddleware", "app.add_middleware(SessionMiddleware, ...)")
    ),
    "`CORSMiddleware` is added before `gate.install(app)`": Mistake(
        "start", cors_inside, ("CORSMiddleware is inside the gate", "after gate.install(app)")
    ),
    "a second gate stands in a mounted app": Mistake(
        "start", two_gates, ("below the mount '/admin', two gates", "take the other out")
    ),
    "`identify` is a plain function": Mistake(
        "start", plain_identify, ("is a plain function", "write async def identify(connection)")
    ),
    "`identify` is the class of an adapter": Mistake(
        "start", lambda stage: gate(identify=SessionUser), ("SessionUser: is a class", "write SessionUser(...)")
    ),
    "`identify` wants a dependency of FastAPI": Mistake(
        "start", dependency_identify, ("fills db only in its own routes", "open there what it needs")
    ),
    "`contacts` is a plain function": Mistake(
        "start", plain_contacts, ("is a plain function", "write async def contacts(subject)")
    ),
    "the policy allows mail, and nothing sends it": Mistake(
        "start",
        lambda stage: gate(policy=MAIL, contacts=contacts_of),
        ("factors.allowed has 'email'", "Senders(email=...)"),
    ),
    "a key of the policy file is misspelled": Mistake(
        "start", misspelled_policy_key, ("policy.toml", "5", "max_aeg", "max_age")
    ),
    "the variable with the key is not set": Mistake(
        "start", lambda stage: gate(keys=[os.environ.get("NO_SUCH_KEY")]), ("keys[0]", "mfa-gate keys new")
    ),
    "the keys are not those of the store": Mistake(
        "start", another_key, ("none of the listed keys opens this store", "keys")
    ),
    "the store's address has two slashes": Mistake(
        "start", lambda stage: gate(store="sqlite://mfa.db"), ("three slashes", "sqlite:///mfa_gate.db")
    ),
    "an origin ends in a slash": Mistake(
        "start",
        lambda stage: gate(relying_party=party("localhost", ORIGIN + "/")),
        (f"'{ORIGIN}/' is no origin", "write scheme://host[:port] and nothing behind it"),
    ),
    "an origin has its default port": Mistake(
        "start",
        lambda stage: gate(relying_party=party("app.example", "https://app.example:443")),
        ("never matches", "write 'https://app.example'"),
    ),
    "the relying party is an address": Mistake(
        "start",
        lambda stage: gate(policy=PASSKEYS, relying_party=party("127.0.0.1", "http://127.0.0.1:8000")),
        ("relying_party.id='127.0.0.1': is an address", '"localhost" on your own machine'),
    ),
    "the folder of templates is misspelled": Mistake(
        "start", misspelled_folder, ("tmplates does not exist", "give a folder")
    ),
    "an own route lies below `/mfa`": Mistake(
        "start",
        lambda stage: small(None, Route("/mfa/help", home)),
        ("route '/mfa/help'", "give the gate another prefix"),
    ),
    "the server believes everybody's `X-Forwarded-For`": Mistake(
        "start", believes_everybody, ("FORWARDED_ALLOW_IPS=*", "Name the proxies there")
    ),
    "`@require_proof` stands above the route": Mistake(
        "start", proof_above_the_route, ("/payout", "require_proof", "below")
    ),
    "`SessionUser` names a key that sessions never have": Mistake(
        "log", wrong_session_key, ("SessionUser('uid') has found nobody", "'user_id'", "name it")
    ),
    "the app finds its user where `identify` does not look": Mistake(
        "log", user_found_inside, ("the app found a user", "identify=", "outside the gate")
    ),
    "the app is opened at `127.0.0.1` and lists `localhost`": Mistake(
        "log", another_address, ("opened at http://127.0.0.1:8000", f"Open it at {ORIGIN}")
    ),
    "a front end on another port is not listed": Mistake(
        "log", front_end_elsewhere, ("http://localhost:5173", "name it in api_origins=[...]")
    ),
    "a proxy at a unix socket is not trusted": Mistake(
        "log", unix_socket, ("no readable address", 'trusted_proxies=["unix"]')
    ),
    "several workers have a store in memory each": Mistake(
        "log", several_workers, ("memory:// is used by several worker processes", "Run one worker, or use sqlite:///")
    ),
    "the mail server refuses the password": Mistake(
        "log", refused_mail, ("a message by email was not delivered", "refused: SMTP 535")
    ),
    "`gate.install(app)` is missing": Mistake(
        "doctor", doctor(without_gate), ("fault", "there is no gate around this app", "gate.install(app)")
    ),
    "the session's `secret_key` can be guessed": Mistake(
        "doctor", doctor(guessable), ("fault", "the secret_key can be guessed", "secrets.token_urlsafe(48)")
    ),
    "an exemption matches no route": Mistake(
        "doctor", doctor(idle_exemption), ("warning", "exempt.health matches no route of this app")
    ),
}


def start(app: Any) -> None:
    """Start an app; a gate was checked when it was made."""
    if not isinstance(app, MFAGate):
        with TestClient(app):
            pass


def told_by(mistake: Mistake, stage: Stage) -> str:
    """Make the mistake, and return the one place that tells it."""
    if mistake.where == "start":
        with pytest.raises(SettingsError) as error:
            start(mistake.make(stage))
        assert len(error.value.faults) == 1, error.value.faults
        return str(error.value)
    found = mistake.make(stage)
    if isinstance(found, str):
        return found
    told = [record.getMessage() for record in stage.log.records if record.levelno >= logging.WARNING]
    assert len([line for line in told if mistake.words[0] in line]) == 1, told
    return "\n".join(told)


@pytest.mark.parametrize("name", MISTAKES, ids=lambda name: name.replace("`", ""))
def test_each_mistake(
    name: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One message names the mistake and its fix; at the start it is the only one."""
    mistake = MISTAKES[name]
    told = told_by(mistake, Stage(tmp_path, caplog, capsys, monkeypatch))
    for word in mistake.words:
        assert word in told


def test_there_is_nothing_wrong_with_the_small_app(caplog: pytest.LogCaptureFixture) -> None:
    """Without a mistake it starts, asks for a second factor, and says nothing."""
    with TestClient(small(), base_url=ORIGIN, client=("127.0.0.1", 5000)) as client:
        client.post("/login")
        reply = client.get("/", headers={"accept": "text/html"}, follow_redirects=False)
        assert (reply.status_code, reply.headers["location"]) == (303, "/mfa/enroll")
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


# -- the table ---------------------------------------------------------------------------------------------------------

PLACES: dict[Where, str] = {"start": "at the start", "log": "in the log", "doctor": "`mfa-gate doctor`"}
MARK, END = "<!-- mistakes -->\n", "<!-- /mistakes -->"


def table() -> str:
    """The table of mistakes, as ``tests/README.md`` has to show it."""
    rows = [
        f"| {name} | {PLACES[mistake.where]} | `test_each_mistake[{name.replace('`', '')}]` |"
        for name, mistake in MISTAKES.items()
    ]
    return "\n".join(["| mistake | told | test |", "|---|---|---|", *rows])


def written(text: str) -> str:
    """The README with this table."""
    before, rest = text.split(MARK, 1)
    return f"{before}{MARK}\n{table()}\n\n{END}{rest.split(END, 1)[1]}"


def test_the_table() -> None:
    """There are thirty, and ``tests/README.md`` lists them."""
    assert len(MISTAKES) == 30
    assert written(README.read_text()) == README.read_text()


if __name__ == "__main__":
    README.write_text(written(README.read_text()))
