"""The kit writes into no store that outlives the test."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
from starlette.testclient import TestClient

from mfa_gate import MFAGate
from mfa_gate.testing import PEER, Kit, enrolled, signed_in
from mfa_gate.testing.plugin import MakesKit

from .hosts import ANN, gate_for, gated, me_is_ann

ORIGIN = "http://localhost:8000"


def durable(folder: Path, **more: Any) -> tuple[Any, MFAGate, Path]:
    """The app with a gate over a file, as a developer has it."""
    file = folder / "developer.db"
    app, gate = gated(store=f"sqlite:///{file}", clock=None, **more)
    return app, gate, file


def accounts_in(file: Path) -> int:
    """Count the accounts in a store's file."""
    if not file.exists():
        return 0
    with closing(sqlite3.connect(file)) as connection:
        found: int = connection.execute("SELECT count(*) FROM account").fetchone()[0]
    return found


def test_the_developers_store_stays_as_it_is(tmp_path: Path, mfa_gate_kit: MakesKit) -> None:
    """V-10: enrolling, signing in and asking under the fixture never opens the app's own file."""
    app, gate, file = durable(tmp_path)
    kit = mfa_gate_kit(gate)
    assert mfa_gate_kit(gate) is kit
    with kit.client(app) as client:
        me_is_ann(kit.signed_in(client, ANN))
    assert not file.exists()


def test_each_test_has_a_store_of_its_own(tmp_path: Path) -> None:
    """The second run of a test finds nothing that the first one left.

    After it the app's own accounts are there again. Requirement V-10.
    """
    app, gate, file = durable(tmp_path)
    for _ in range(2):
        with Kit(gate).taken_over() as kit, kit.client(app) as client:
            assert kit.account(ANN).authenticators == ()
            kit.enroll(ANN)
            client.post("/login", json={"name": "ann"})
            assert client.get("/v1/me").json()["state"] == "challenge"
    with TestClient(app, base_url=ORIGIN, client=(PEER, 1)) as client:
        client.post("/login", json={"name": "ann"})
        assert client.get("/v1/me").json()["state"] == "enroll"
    assert file.exists()


ACTS: dict[str, Callable[[Any, MFAGate], object]] = {
    "Kit.enroll": lambda app, gate: Kit(gate).enroll(ANN),
    "Kit.signed_in": lambda app, gate: Kit(gate).signed_in(TestClient(app), ANN),
    "Kit.account": lambda app, gate: Kit(gate).account(ANN),
    "Kit.proof_cookie": lambda app, gate: Kit(gate).proof_cookie(ANN),
    "enrolled": lambda app, gate: asyncio.run(enrolled(gate, ANN)),
    "signed_in": lambda app, gate: signed_in(TestClient(app), gate, ANN),
}


@pytest.mark.parametrize("act", ACTS)
def test_a_lasting_store_is_refused(act: str, tmp_path: Path) -> None:
    """V-10: outside of the block every helper refuses, names the fix, and makes no file."""
    app, gate, file = durable(tmp_path)
    with pytest.raises(RuntimeError, match=r"outlives the test.*taken_over.*keep_store=True"):
        ACTS[act](app, gate)
    assert not file.exists()


def test_a_store_of_the_test_is_kept_where_it_says_so(tmp_path: Path, mfa_gate_kit: MakesKit) -> None:
    """``keep_store`` works in the gate's own store, with the fixture and without."""
    _, gate, file = durable(tmp_path)
    Kit(gate, keep_store=True).enroll(ANN)
    assert accounts_in(file) == 1
    assert mfa_gate_kit(gate, keep_store=True).account(ANN).authenticators


def test_a_gate_that_is_open_already(tmp_path: Path) -> None:
    """The app's own accounts are there before the block and after it.

    The client lives longer than the block.
    """
    app, gate, file = durable(tmp_path)
    with TestClient(app, base_url=ORIGIN, client=(PEER, 1)) as client:
        client.post("/login", json={"name": "ann"})
        assert client.get("/v1/me").json()["state"] == "enroll"
        with Kit(gate).taken_over() as kit:
            kit.signed_in(client, ANN)
            assert client.get("/v1/me").json() == {"id": "ann"}
        assert client.get("/v1/me").json()["state"] == "enroll"
    assert accounts_in(file) == 0


def test_a_gate_that_is_opened_in_the_block_and_closed_after_it(tmp_path: Path) -> None:
    """The client's end closes nothing of the app's, and a later one finds the gate as it was."""
    app, gate, _ = durable(tmp_path)
    client = TestClient(app, base_url=ORIGIN, client=(PEER, 1))
    with Kit(gate).taken_over() as kit:
        client.__enter__()
        me_is_ann(kit.signed_in(client, ANN))
    assert client.get("/v1/me").json()["state"] == "enroll"
    client.__exit__(None, None, None)
    with TestClient(app, base_url=ORIGIN, client=(PEER, 1)) as later:
        later.post("/login", json={"name": "ann"})
        assert later.get("/v1/me").json()["state"] == "enroll"


def test_an_app_that_ends_in_the_block(tmp_path: Path) -> None:
    """The gate's own store, which was open before the block, is let go of with the app."""
    app, gate, _ = durable(tmp_path)
    client = TestClient(app, base_url=ORIGIN, client=(PEER, 1))
    client.__enter__()
    with Kit(gate).taken_over():
        client.__exit__(None, None, None)
    assert not gate.web.lifespan.opened
    with TestClient(app, base_url=ORIGIN, client=(PEER, 1)) as later:
        assert later.get("/healthz").status_code == 200


def test_enrolling_for_real(mfa_gate_kit: MakesKit) -> None:
    """A client of the kit has an address, so its own proof holds for the next request.

    Requirement V-31.
    """
    app, gate = gated()
    kit = mfa_gate_kit(gate)
    ann = kit.enroll(ANN)
    with kit.client(app) as client:
        client.post("/login", json={"name": "ann"})
        answer = {"authenticator": ann.id, "response": ann.code()}
        headers = {"X-MFA-Gate": "1", "Origin": ORIGIN}
        assert client.post("/mfa/api/verify", json=answer, headers=headers).status_code == 200
        assert client.get("/v1/me").json() == {"id": "ann"}


async def test_a_client_of_coroutines(tmp_path: Path, mfa_gate_kit: MakesKit) -> None:
    """``async_client`` has an address, too.

    ``verified`` writes nothing into the app's own file.
    """
    app, gate, file = durable(tmp_path)
    kit = mfa_gate_kit(gate)
    async with kit.async_client(app, address="203.0.113.9") as client:
        assert isinstance(client, httpx2.AsyncClient)
        await kit.verified(client, ANN)
        await client.post("/login", json={"name": "ann"})
        assert (await client.get("/v1/me")).json() == {"id": "ann"}
        assert kit.account(ANN).browsers[-1].proofs[0].network == "203.0.113.9"
    assert not file.exists()


async def test_the_older_httpx() -> None:
    """A client that the test made with httpx itself is served as well."""
    app, gate = gated()
    transport = httpx.ASGITransport(app, client=("198.51.100.4", 1))
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        await Kit(gate).verified(client, ANN)
        await client.post("/login", json={"name": "ann"})
        assert (await client.get("/v1/me")).json() == {"id": "ann"}


def test_a_store_by_somebody_else_is_refused() -> None:
    """A store that the kit does not know is refused, as it may outlive the test.

    The kit writes only to a store that it knows to end with the test.
    """
    gate = gate_for()
    gate.service.engine.store = object()  # type: ignore[assignment]
    with pytest.raises(RuntimeError, match="object, which outlives the test"):
        Kit(gate).enroll(ANN)
