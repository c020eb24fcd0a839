"""The desktop application and the browser share one account and one budget of attempts."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from example_app.desktop import Desktop, Service

from .test_command import start

pytestmark = pytest.mark.slow

USER, PASSWORD = "user@practice.example", "demo-password"
WRONG = "000000"
FETCH = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin", "X-MFA-Gate": "1"}


@pytest.fixture
def address(root: Path, tmp_path: Path, free_port: int) -> Iterator[str]:
    """The app with --ready, served."""
    process = start(root, tmp_path / "data", free_port, "--ready")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", free_port)) == 0:
                break
        time.sleep(0.1)
    yield f"http://localhost:{free_port}"
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


@pytest.fixture
def browser(address: str) -> Iterator[httpx2.Client]:
    """A browser in which the user is signed in with the password."""
    with httpx2.Client(base_url=address, headers={**FETCH, "Origin": address}) as client:
        assert client.post("/login", data={"username": USER, "password": PASSWORD}).status_code == 303
        yield client


def code_of(address: str) -> str:
    """The newest code that was sent."""
    sent = httpx2.get(f"{address}/demo/outbox.json").json()
    code: str = next(message["code"] for message in sent if "code" in message)
    return code


def enroll(browser: httpx2.Client, address: str) -> None:
    """Bind the e-mail address, in the browser, a minute ago."""
    begun = browser.post("/mfa/api/enroll", json={"factor": "email"}).json()
    confirm = {"enrollment": begun["enrollment"], "response": code_of(address)}
    assert browser.post("/mfa/api/enroll/confirm", json=confirm).status_code == 201
    assert httpx2.post(f"{address}/demo/clock", json={"advance_seconds": 60}).status_code == 200


def desktop(root: Path, address: str, *lines: str) -> subprocess.CompletedProcess[str]:
    """The command, with these lines on its standard input."""
    paths = os.pathsep.join([str(root), str(root / "src")])
    command = [sys.executable, "-m", "example_app.desktop", "--url", address, "--username", USER]
    environment = {**os.environ, "PYTHONPATH": paths}
    text = "".join(f"{line}\n" for line in lines)
    return subprocess.run(command, input=text, capture_output=True, text=True, timeout=30, env=environment, check=False)


def test_three_failures_here_leave_four_in_the_browser(root: Path, address: str, browser: httpx2.Client) -> None:
    """The seven attempts are one budget over both applications.

    The terminal says how many are left; the seventh locks both, and only an administrator helps.
    """
    enroll(browser, address)
    done = desktop(root, address, PASSWORD, "1", WRONG, WRONG, WRONG)
    assert done.returncode == 1
    assert "7 attempts left." in done.stdout
    assert "4 attempts left." in done.stdout
    assert browser.get("/mfa/api/state").json()["attempts_remaining"] == 4

    locked = desktop(root, address, PASSWORD, "1", "", WRONG, WRONG, WRONG, WRONG, WRONG)
    assert "1 attempt left." in locked.stdout
    assert "system administrator" in locked.stdout
    assert locked.returncode == 1
    assert browser.get("/mfa/api/state").json()["state"] == "locked"
    again = desktop(root, address, PASSWORD)
    assert (again.returncode, "locked" in again.stdout) == (1, True)


def test_a_proof_lives_in_memory_and_opens_the_app(root: Path, address: str, browser: httpx2.Client) -> None:
    """The right code opens the application and gives all attempts back.

    The next process asks again. The client is listed beside the browser and ends when it is forgotten there.
    """
    enroll(browser, address)
    service = Service(address)
    lines = iter(["1", WRONG, "code"])
    said: list[str] = []

    def answer(_: str) -> str:
        line = next(lines)
        return code_of(address) if line == "code" else line

    assert Desktop(service, ask=answer, say=said.append).run(USER, PASSWORD) == 0
    assert said[-1].startswith("Signed in as ")
    assert service.ask("GET", "/api/me")[0] == 200
    assert browser.get("/mfa/api/state").json()["attempts_remaining"] == 7
    other = Service(address, token=service.token)
    assert other.ask("GET", "/api/me")[0] == 401

    (client,) = [b for b in browser.get("/mfa/api/browsers").json()["browsers"] if not b["current"]]
    assert client["label"].startswith("Ledgerline-Desktop")
    assert browser.delete(f"/mfa/api/browsers/{client['id']}").status_code == 204
    assert service.ask("GET", "/api/me")[0] == 401


def test_first_enrollment_in_the_terminal(root: Path, address: str) -> None:
    """A person without a factor chooses e-mail or text message, and is in after the code."""
    said: list[str] = []
    answers = iter(["1", "code"])

    def answer(_: str) -> str:
        line = next(answers)
        return code_of(address) if line == "code" else line

    service = Service(address)
    assert Desktop(service, ask=answer, say=said.append).run("second@practice.example", PASSWORD) == 0
    assert service.ask("GET", "/api/me")[1]["id"] == "second@practice.example"


def test_wrong_passwords_and_deaf_services_are_told(root: Path, address: str, free_port: int) -> None:
    """Exit code 1 and one line that says what to do; no traceback."""
    wrong = desktop(root, address, "not-it")
    assert (wrong.returncode, "do not match" in wrong.stdout) == (1, True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        deaf = f"http://127.0.0.1:{probe.getsockname()[1]}"
    nobody = desktop(root, deaf, PASSWORD)
    assert (nobody.returncode, "cannot be reached" in nobody.stderr) == (1, True)
    assert "Traceback" not in wrong.stderr + nobody.stderr
