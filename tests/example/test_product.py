"""The product behind the gate: records, portal, open connections, and the files it keeps."""

from __future__ import annotations

import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from starlette.websockets import WebSocketDisconnect

from example_app import data
from example_app.settings import Settings
from mfa_gate.policyfile import load_policy
from mfa_gate.policyfile.tools.policy_tests import run_tests

from .conftest import Visit, sign_in

DAY = 86_400


@pytest.mark.parametrize("path", ["/", "/records", "/portal", "/live", "/records/export"])
def test_strangers_are_sent_to_sign_in(visit: Visit, path: str) -> None:
    """A page that needs somebody leads to the sign-in, and from there back."""
    assert visit().get(path).headers["location"] == f"/login?next={path}"


def test_the_public_page_is_for_everybody(visit: Visit) -> None:
    """No sign-in is needed where the policy says that none is."""
    assert visit().get("/public").status_code == 200


def test_a_record_is_added_by_a_form(visit: Visit) -> None:
    """The form answers 303, and the row is in the list of its organization only."""
    client, stranger = visit(), visit()
    sign_in(client, "user@clinic.example")
    sign_in(stranger, "user@finance.example")
    answer = client.post("/records", data={"title": "T. <Okoye>", "note": "first visit"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/records")
    assert "T. &lt;Okoye&gt;" in client.get("/records").text
    assert "Okoye" not in stranger.get("/records").text


@pytest.mark.parametrize(("title", "note"), [("", "x"), ("  ", ""), ("x" * 121, ""), ("x", "y" * 501)])
def test_a_wrong_record_comes_back_with_what_was_typed(visit: Visit, title: str, note: str) -> None:
    """A refused form answers 422 with an error summary and keeps the other field."""
    client = visit()
    sign_in(client, "user@clinic.example")
    answer = client.post("/records", data={"title": title, "note": note})
    assert answer.status_code == 422
    assert 'id="errors"' in answer.text
    assert note in answer.text


def test_a_download_starts_no_formula(visit: Visit) -> None:
    """A spreadsheet that opens the export runs nothing that a user typed."""
    client = visit()
    sign_in(client, "user@clinic.example")
    client.post("/records", data={"title": "=HYPERLINK(1)"})
    assert "\n'=HYPERLINK(1)" in client.get("/records/export").text.replace("\r", "")


def test_the_websocket_echoes_for_people_only(visit: Visit) -> None:
    """A person who is signed in hears the echo; a stranger is refused before it opens."""
    client, url = visit(), "ws://localhost:8000/ws"
    sign_in(client, "user@clinic.example")
    with client.websocket_connect(url) as socket:
        socket.send_text("hello")
        assert socket.receive_text() == "hello"
    with pytest.raises(WebSocketDisconnect), visit().websocket_connect(url):
        pass


def test_pages_forbid_inline_code_and_caching(visit: Visit) -> None:
    """No page of the app may run or style anything inline, be framed, or stay in a cache."""
    client = visit()
    sign_in(client, "user@clinic.example")
    for path in ("/", "/records", "/live", "/demo", "/public", "/nothing"):
        page = client.get(path)
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        assert "unsafe-inline" not in page.headers["content-security-policy"]
        assert page.headers["cache-control"] == "no-store"
        assert "style=" not in page.text
        assert "<script>" not in page.text


def test_secrets_are_for_the_owner_only(settings: Settings) -> None:
    """Keys and the session secret are readable by nobody else."""
    for name in ("keys", "session-secret"):
        assert stat.S_IMODE((settings.data / name).stat().st_mode) == 0o600


def test_a_second_start_keeps_keys_and_dates(settings: Settings) -> None:
    """Starting again over the same directory changes neither the keys nor the policy's dates."""
    before = {path.name: path.read_bytes() for path in settings.data.iterdir() if path.is_file()}
    data.prepare(settings.data)
    assert {path.name: path.read_bytes() for path in settings.data.iterdir() if path.is_file()} == before


def test_reset_removes_what_the_app_made_and_nothing_else(settings: Settings) -> None:
    """A file that somebody else put there stays."""
    mine = settings.data / "notes.txt"
    mine.write_text("mine")
    data.reset(settings.data)
    assert list(settings.data.iterdir()) == [mine]


def test_the_dates_count_from_the_first_start(settings: Settings) -> None:
    """`assessments` is optional now and mandatory in thirty days."""
    rules = load_policy(data.policy_path(settings.data)).rules_for("assessments").enrollment
    assert rules.optional_from is not None
    assert rules.required_from is not None
    assert abs(rules.optional_from - time.time()) < 60
    assert rules.required_from - rules.optional_from == 30 * DAY


def test_the_policy_does_what_its_tests_say(settings: Settings) -> None:
    """Every [[tests]] of the example's policy holds."""
    trials = run_tests(load_policy(data.policy_path(settings.data)), now=int(time.time()))
    assert len(trials) >= 6
    assert {trial.name: trial.faults for trial in trials if trial.faults} == {}


def test_set_up_files_need_only_the_standard_library(root: Path) -> None:
    """Both commands start on a machine that has Python and nothing else."""
    for path in ("example_app/run.py", "tests/run.py"):
        loads = f"import runpy, sys; runpy.run_path({path!r}, run_name='loaded')"
        command = [sys.executable, "-I", "-S", "-c", loads]
        assert subprocess.run(command, cwd=root, check=False, capture_output=True).returncode == 0, path
