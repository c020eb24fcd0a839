"""Calls in the example: Screening's people are called, and the demo page answers for them."""

from __future__ import annotations

import re

from starlette.testclient import TestClient

from example_app.parts import Parts

from .conftest import Visit, sign_in

API = {"X-MFA-Gate": "1", "Content-Type": "application/json", "Origin": "http://localhost:8000"}


def called(client: TestClient) -> tuple[str, str]:
    """Screening's user asks to be called: the enrollment, and the demo's address of that call."""
    sign_in(client, "user@screening.example")
    begun = client.post("/mfa/api/enroll", json={"factor": "voice", "phone": "202-555-0144"}, headers=API)
    assert begun.status_code == 201, begun.text
    (action,) = re.findall(r'action="(/demo/calls/\d+)"', client.get("/demo").text)
    return begun.json()["enrollment"], action


def confirm(client: TestClient, enrollment: str) -> str:
    """Return the gate's answer when the browser asks if the call was confirmed."""
    answer = client.post("/mfa/api/enroll/confirm", json={"enrollment": enrollment, "response": ""}, headers=API)
    return "enrolled" if answer.status_code == 201 else str(answer.json()["reason"])


def test_pressing_the_key_enrolls_the_phone(visit: Visit) -> None:
    """Answer and press #: the phone is enrolled; the same call cannot be answered twice."""
    client = visit()
    enrollment, action = called(client)
    assert confirm(client, enrollment) == "pending"
    answer = client.post(action, data={"key": "#"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/demo")
    assert client.post(action, data={"key": "#"}).status_code == 409
    assert confirm(client, enrollment) == "enrolled"


def test_hanging_up_confirms_nothing(visit: Visit) -> None:
    """Answer and hang up, then answer again and press another key: still nothing.

    # in the same call does it.
    """
    client = visit()
    enrollment, action = called(client)
    for key in ("", "5"):
        assert client.post(action, data={"key": key}).status_code == 303
        assert confirm(client, enrollment) == "pending"
    client.post(action, data={"key": "#"})
    assert confirm(client, enrollment) == "enrolled"


def test_the_telephone_is_on_this_machine_only(visit: Visit, parts: Parts) -> None:
    """Only this machine answers calls here; other machines and other sites are refused.

    A call that does not exist is not found.
    """
    client = visit()
    _, action = called(client)
    assert visit("192.0.2.7").post(action, data={"key": "#"}).status_code == 404
    foreign = client.post(action, data={"key": "#"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert foreign.status_code == 403
    assert client.post("/demo/calls/999999", data={"key": "#"}).status_code == 404
    assert parts.outbox.newest_first()[0].channel == "voice"
