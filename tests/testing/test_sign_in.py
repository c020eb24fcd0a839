"""A host's own tests pass behind the gate if their client is signed in, and only then."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient

from example_app import data
from example_app.app import create
from example_app.settings import Settings
from mfa_gate import MFAGate, Subject
from mfa_gate.core.model import Caller
from mfa_gate.core.reasons import Refusal
from mfa_gate.service import Issued
from mfa_gate.testing import PEER, FixedClock, Kit, Outbox, signed_in, verified

from .hosts import ANN, HOST_TESTS, POLICY, Check, bare, gate_for, gated, me_is_ann, with_agreement


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A prepared data directory of the example app."""
    made = Settings(data=tmp_path / "data")
    data.prepare(made.data)
    return made


@pytest.mark.parametrize("check", HOST_TESTS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("entered", [False, True], ids=["plain", "with lifespan"])
def test_the_hosts_own_tests_keep_passing(check: Check, entered: bool) -> None:
    """The FastAPI host's tests pass without a gate, and with one once signed in."""
    check(TestClient(bare()))
    app, gate = gated()
    client = TestClient(app)
    if not entered:
        check(signed_in(client, gate, ANN))
        return
    with client:
        check(signed_in(client, gate, ANN))


def test_without_it_the_gate_stands() -> None:
    """The same client without ``signed_in`` gets nothing from the app."""
    app, _ = gated()
    client = TestClient(app)
    client.post("/login", json={"name": "ann"})
    assert client.get("/v1/me").status_code == 403
    with pytest.raises(AssertionError):
        me_is_ann(TestClient(app))


def test_the_proof_is_of_one_person() -> None:
    """A client with Ann's proof, signed in as Bob, is asked for Bob's."""
    app, gate = gated()
    client = signed_in(TestClient(app), gate, ANN)
    client.post("/login", json={"name": "bob"})
    assert client.get("/v1/me").json()["state"] == "enroll"


@pytest.mark.parametrize(
    ("more", "status"), [({}, 200), ({"fresh": False}, 403), ({"age": 301}, 403), ({"age": 60}, 200)]
)
def test_fresh_or_not(more: dict[str, Any], status: int) -> None:
    """A proof that is not fresh opens the app and fails a step-up.

    ``age`` says how old it is, in seconds.
    """
    app, gate = gated()
    client = signed_in(TestClient(app), gate, ANN, **more)
    client.post("/login", json={"name": "ann"})
    assert client.get("/v1/me").status_code == 200
    assert client.get("/v1/export").status_code == status


def test_it_ends_when_the_clock_says_so() -> None:
    """The proof is a real one: on the eighth day the gate asks again."""
    app, gate = gated()
    client = signed_in(TestClient(app), gate, ANN)
    client.post("/login", json={"name": "ann"})
    Kit(gate).clock.advance(7 * 86_400)
    assert client.get("/v1/me").json()["why"] == "expired"


def test_an_agreement_is_accepted() -> None:
    """A client that is signed in has accepted the policy's agreement."""
    app, gate = gated(with_agreement())
    me_is_ann(signed_in(TestClient(app), gate, ANN))


def test_the_peer_of_the_client_is_the_proofs_network() -> None:
    """A TestClient without an address comes from PEER; one with an address keeps it.

    A given one wins; and from elsewhere the proof is none.
    """
    app, gate = gated()
    for made, given, expected in (
        (TestClient(app), "", PEER),
        (TestClient(app, client=("203.0.113.9", 1)), "", "203.0.113.9"),
        (TestClient(app), "198.51.100.4", "198.51.100.4"),
    ):
        me_is_ann(signed_in(made, gate, ANN, address=given))
        proof = Kit(gate).account(ANN).browsers[-1].proofs[0]
        assert proof.network == expected
    moved = signed_in(TestClient(app), gate, ANN)
    moved.post("/login", json={"name": "ann"})
    moved._transport.client = ("203.0.113.200", 5)  # type: ignore[attr-defined]
    assert moved.get("/v1/me").json()["why"] == "ip_changed"


def test_the_gates_next_cookie_takes_the_place_of_this_one() -> None:
    """After a further proof the client has one cookie of the gate's, the new one.

    The client is still in.
    """
    app, gate = gated()
    client = signed_in(TestClient(app, base_url="http://localhost:8000"), gate, ANN, fresh=False)
    client.post("/login", json={"name": "ann"})
    kit: Kit = Kit(gate)
    other = kit.enroll(ANN, "totp")
    headers = {"X-MFA-Gate": "1", "Origin": "http://localhost:8000"}
    answer = client.post("/mfa/api/verify", json={"authenticator": other.id, "response": other.code()}, headers=headers)
    assert answer.json()["state"] == "verified"
    names = [cookie.name for cookie in client.cookies.jar if cookie.name.startswith("mfa-")]
    assert len(names) == 1
    assert client.get("/v1/export").status_code == 200


async def test_a_client_of_coroutines() -> None:
    """``verified`` does the same for an asynchronous client, on the loop of the test."""
    app, gate = gated()
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
        await verified(client, gate, ANN)
        await client.post("/login", json={"name": "ann"})
        assert (await client.get("/v1/me")).json() == {"id": "ann"}


async def test_a_plain_client_inside_a_running_loop() -> None:
    """``signed_in`` works in a coroutine, too: it uses a loop of its own."""
    app, gate = gated()
    me_is_ann(signed_in(TestClient(app), gate, ANN))


def test_an_app_that_made_its_gate_already(mfa_gate_kit: Callable[[MFAGate], Kit]) -> None:
    """The fixture replaces clock and outbox of a finished gate until the test ends."""
    app, gate = gated(clock=None)
    kit = mfa_gate_kit(gate)
    client = kit.signed_in(TestClient(app), ANN)
    me_is_ann(client)
    kit.clock.advance(8 * 86_400)
    assert client.get("/v1/me").status_code == 403


def test_taking_over_ends(mfa_clock: FixedClock, mfa_outbox: Outbox) -> None:
    """After the block the gate has its own clock and senders again."""
    gate = gate_for(clock=None)
    before = gate.service.engine.wiring
    with Kit(gate).taken_over(mfa_clock, mfa_outbox) as kit:
        assert kit.clock is mfa_clock
        assert kit.outbox is mfa_outbox
    assert gate.service.engine.wiring is before
    with pytest.raises(LookupError, match="taken_over"):
        _ = Kit(gate).clock


async def test_the_senders_of_the_moment_say_what_is_paused() -> None:
    """While a gate is taken over, its own provider's trouble stops nothing.

    After the block it counts again.
    """

    class Paused(Outbox):
        available = False

    gate = gate_for(senders=Paused().senders())
    sending = gate.service.sending
    await gate.web.open()
    with Kit(gate, keep_store=True).taken_over() as kit:
        await kit.enrolled(ANN, "email")
        assert await sending.off("default") == frozenset()
        challenge = await begun(gate)
        assert isinstance(challenge, Issued)
        assert kit.outbox.last_code()
    Kit(gate).clock.advance(3_600)
    assert "email" in await sending.off("default")
    refused = await begun(gate)
    assert isinstance(refused, Refusal)
    assert refused.reason == "factor_unavailable"
    await gate.web.aclose()


async def begun(gate: MFAGate) -> Issued | Refusal:
    """Ask for a code for ann's only authenticator."""
    account = await gate.service.engine.store.load(ANN.key)
    mine = next(a.id for a in account.authenticators if a.factor == "email")
    return await gate.service.challenges.begin(Caller(subject=ANN, handle="h", network="203.0.113.7"), mine)


@pytest.mark.parametrize(
    ("user", "tenant"),
    [
        ("user@finance.example", "finance"),
        ("user@screening.example", "screening"),
        ("admin@practice.example", "practice"),
    ],
)
def test_the_example_apps_own_tests_pass_signed_in(settings: Settings, user: str, tenant: str) -> None:
    """The example's tests pass for an organization that demands a second factor.

    They read, add, export and echo as a signed-in client.
    """
    app = create(Settings(data=settings.data, ready=True))
    origin = "http://localhost:8000"
    with TestClient(app, base_url=origin, client=("127.0.0.1", 5), follow_redirects=False) as client:
        credentials = {"username": user, "password": "demo-password"}
        assert client.post("/login", data=credentials).status_code == 303
        assert client.get("/records").status_code == 403
        Kit(app.state.gate, keep_store=True).signed_in(client, Subject(user, tenant=tenant))
        answer = client.post("/records", data={"title": "T. <Okoye>", "note": "first visit"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/records")
        assert "T. &lt;Okoye&gt;" in client.get("/records").text
        assert "Okoye" in client.get("/records/export").text
        assert client.get("/api/me").json()["id"] == user
        with client.websocket_connect("ws://localhost:8000/ws") as socket:
            socket.send_text("hello")
            assert socket.receive_text() == "hello"


def test_a_client_without_cookies(settings: Settings) -> None:
    """``native`` gives the proof as a header, and the bearer client is in."""
    app = create(settings)
    user = Subject("user@finance.example", tenant="finance")
    with TestClient(app, base_url="http://localhost:8000", client=("127.0.0.1", 5)) as client:
        token = client.post("/api/token", json={"username": user.id, "password": "demo-password"}).json()["token"]
        client.headers["Authorization"] = f"Bearer {token}"
        assert client.get("/api/me").status_code == 401
        Kit(app.state.gate, keep_store=True).signed_in(client, user, native=True)
        assert client.get("/api/me").json()["id"] == user.id


def test_the_kit_keeps_the_policy() -> None:
    """A factor that the policy does not have is never chosen by itself."""
    from dataclasses import replace

    rules = replace(POLICY.base, factors=replace(POLICY.base.factors, allowed=("email", "backup-code")))
    app, gate = gated(replace(POLICY, base=rules))
    me_is_ann(signed_in(TestClient(app), gate, ANN))
    assert [a.factor for a in Kit(gate).account(ANN).authenticators] == ["email"]
