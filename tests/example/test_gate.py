"""The example app with its gate: the people who are asked, and a reset's new password."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from example_app import fastapi_app
from example_app.app import create
from example_app.gate import reset_password
from example_app.parts import Parts
from example_app.settings import Settings
from mfa_gate import Subject
from mfa_gate.cli import main

from .conftest import Visit, sign_in

PAGE = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
ORIGIN = "http://localhost:8000"


@pytest.mark.parametrize(
    ("tenant", "leads_to"),
    [
        ("assessments", "/mfa/enroll"),
        ("screening", "/mfa/enroll"),
        ("finance", "/mfa/enroll"),
        ("practice", ""),
        ("clinic", ""),
    ],
)
def test_fresh_data_asks_where_the_organization_does(visit: Visit, tenant: str, leads_to: str) -> None:
    """Two organizations require a factor, one offers it, two are off.

    `finance` and `screening` require it, `assessments` offers it, `practice` and `clinic` are off until turned on.
    """
    client = visit()
    sign_in(client, f"user@{tenant}.example")
    answer = client.get("/records", headers=PAGE)
    assert answer.headers.get("location", "").partition("?")[0] == leads_to
    assert answer.status_code == (303 if leads_to else 200)


@pytest.mark.parametrize("tenant", ["practice", "clinic"])
def test_ready_starts_with_both_turned_on(settings: Settings, tenant: str) -> None:
    """With --ready, users of `practice` and `clinic` are led to enrollment.

    A second start changes nothing.
    """
    ready = Settings(data=settings.data, ready=True)
    for _ in range(2):
        app = create(ready)
        with TestClient(app, base_url=ORIGIN, client=("127.0.0.1", 5), follow_redirects=False) as client:
            sign_in(client, f"user@{tenant}.example")
            assert client.get("/records", headers=PAGE).headers["location"].startswith("/mfa/enroll")


def test_the_trail_of_a_ready_start_is_whole(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    """Every line of the app's audit trail is chained and signed."""
    ready = Settings(data=settings.data, ready=True)
    with TestClient(create(ready), base_url=ORIGIN, client=("127.0.0.1", 5)) as client:
        sign_in(client, "user@clinic.example")
    files = ("--keys-file", str(settings.data / "keys"), "--policy", str(settings.data / "policy.toml"))
    assert main(["audit", "verify", "--store", ready.store_url, *files]) == 0, capsys.readouterr().out


@pytest.mark.parametrize(
    "path", ["/login", "/logout", "/public", "/portal", "/demo", "/demo/outbox.json", "/static/app.css"]
)
def test_exempt_paths_stay_open_to_whoever_owes_a_factor(visit: Visit, path: str) -> None:
    """Exempt paths are served without the second factor, never by the gate's pages."""
    client = visit()
    sign_in(client, "user@finance.example")
    answer = client.get(path, headers=PAGE)
    assert answer.status_code == 200 or answer.headers["location"] in ("/", "/login")


@pytest.mark.parametrize(
    "path", ["/", "/records", "/records/export", "/live", "/api/me", "/events", "/nothing", "/demoX"]
)
def test_the_rest_is_closed_to_whoever_owes_a_factor(visit: Visit, path: str) -> None:
    """S-1: nothing of the app answers a session that owes its second factor."""
    client = visit()
    sign_in(client, "user@finance.example")
    answer = client.get(path)
    assert answer.status_code == 403
    assert answer.json()["type"].startswith("urn:mfa-gate:")


def test_patients_are_never_asked(visit: Visit) -> None:
    """The portal works for a patient of the clinic, turned on or not."""
    client = visit()
    sign_in(client, "patient@clinic.example")
    assert client.get("/portal", headers=PAGE).status_code == 200
    assert client.get("/", headers=PAGE).headers["location"] == "/portal"


def test_a_reset_sends_a_temporary_password(visit: Visit, parts: Parts) -> None:
    """The outbox gets the documented line, and that password is the one that opens."""
    reset_password(parts, Subject("user@screening.example", tenant="screening"))
    (message,) = visit().get("/demo/outbox.json").json()
    assert (message["channel"], message["to"]) == ("email", "user@screening.example")
    found = re.search(r"^Temporary password: (\S+)$", message["text"], re.MULTILINE)
    assert found is not None
    assert sign_in(visit(), "user@screening.example") == ""
    assert sign_in(visit(), "user@screening.example", found[1])


def test_a_reset_reaches_no_other_tenant(visit: Visit, parts: Parts) -> None:
    """The same id in another tenant is another person: nobody's password changes."""
    reset_password(parts, Subject("user@screening.example", tenant="finance"))
    assert visit().get("/demo/outbox.json").json() == []
    assert sign_in(visit(), "user@screening.example")


@pytest.fixture
def fast(settings: Settings) -> Iterator[TestClient]:
    """A client of the FastAPI app."""
    app = fastapi_app.create(settings)
    with TestClient(app, base_url=ORIGIN, client=("127.0.0.1", 5), follow_redirects=False) as client:
        yield client
    app.state.parts.database.close()


def test_fastapi_has_the_same_gate(fast: TestClient) -> None:
    """A finance user owes a factor at every endpoint of the FastAPI app, its docs included."""
    sign_in(fast, "user@finance.example")
    for path in ("/api/me", "/api/records", "/docs", "/openapi.json"):
        assert fast.get(path).status_code == 403
    assert fast.get("/mfa/enroll", headers=PAGE).status_code == 200


def test_fastapi_serves_whoever_may(fast: TestClient) -> None:
    """In the FastAPI app a user of an organization that is off adds a row and reads it."""
    sign_in(fast, "user@clinic.example")
    assert fast.get("/api/me").json()["id"] == "user@clinic.example"
    assert fast.post("/api/records", json={"title": "T. Okoye"}).status_code == 201
    assert fast.get("/api/records").json()[0]["title"] == "T. Okoye"
    assert fast.post("/api/records", json={"title": ""}).status_code == 422
