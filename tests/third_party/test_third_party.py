"""sqladmin and Datasette from PyPI behind the gate, used as their users would.

uvicorn serves them.
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pyotp
import pytest

from mfa_gate.keyring import make_key

pytestmark = pytest.mark.slow

SECRET_ROW = "T. Okoye"
PAGE = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "none"}
ROOT_TOKEN = "a-token-that-datasette-prints"
POLICY = """
version = 1
name = "third party"
[factors]
allowed = ["totp", "webauthn", "backup-code"]
[enrollment]
first = "open"
[[exempt]]
name = "sign-in"
paths = {paths}
reason = "the first factor, and files without data"
permanent = true
"""
Serve = Callable[[str, str], httpx2.Client]


@pytest.fixture
def serve(root: Path, tmp_path: Path, free_port: int) -> Iterator[Serve]:
    """Serves one of the modules, and gives a browser at it."""
    running: list[subprocess.Popen[bytes]] = []
    origin = f"http://localhost:{free_port}"

    def start(module: str, exempt: str) -> httpx2.Client:
        (tmp_path / "policy.toml").write_text(POLICY.format(paths=exempt))
        (tmp_path / "key").write_text(make_key(secrets.token_bytes(32)))
        environ = {**os.environ, "THIRD_PARTY_DIR": str(tmp_path), "THIRD_PARTY_ORIGIN": origin}
        environ |= {"PYTHONPATH": os.pathsep.join([str(root), str(root / "src")]), "ROOT_TOKEN": ROOT_TOKEN}
        command = [sys.executable, "-m", "uvicorn", f"tests.third_party.{module}:app", "--port", str(free_port)]
        running.append(subprocess.Popen(command, cwd=root, env=environ, start_new_session=True))
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and running[0].poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", free_port)) == 0:
                    break
            time.sleep(0.1)
        return httpx2.Client(base_url=origin, headers=PAGE)

    yield start
    for process in running:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def enroll(browser: httpx2.Client) -> None:
    """Bind an authenticator app, as the gate's pages do."""
    headers = {
        "X-MFA-Gate": "1",
        "Origin": str(browser.base_url),
        "Sec-Fetch-Mode": "cors",
        "Sec-Fetch-Site": "same-origin",
    }
    begun = browser.post("/mfa/api/enroll", json={"factor": "totp"}, headers=headers).json()
    confirm = {"enrollment": begun["enrollment"], "response": pyotp.TOTP(begun["secret"]).now()}
    assert browser.post("/mfa/api/enroll/confirm", json=confirm, headers=headers).status_code == 201


def lines_of(root: Path, module: str) -> list[str]:
    """Return the lines that a developer adds to the app, as they are in the module."""
    text = (root / "tests" / "third_party" / f"{module}.py").read_text()
    part = text.split("# -- the gate --\n")[1].split("# -- that was it --")[0]
    return [line for line in part.splitlines() if line.strip()]


@pytest.mark.parametrize("module", ["sqladmin_app", "datasette_app"])
def test_ten_lines_are_enough(root: Path, module: str) -> None:
    """An app of somebody else is gated in at most ten lines."""
    assert 0 < len(lines_of(root, module)) <= 10


def test_sqladmin(serve: Serve) -> None:
    """The admin asks for its password, then the second factor, and then shows its rows.

    Signing out and in again in this browser asks for the password only. Another browser is asked for both.
    """
    exempt = '["=/admin/login", "/admin/statics/**"]'
    with serve("sqladmin_app", exempt) as browser:
        assert browser.get("/admin/").headers["location"].endswith("/admin/login")
        credentials = {"username": "ann", "password": "demo-password"}
        assert browser.post("/admin/login", data=credentials).status_code == 302
        asked = browser.get("/admin/patient/list")
        assert (asked.status_code, asked.headers["location"]) == (303, "/mfa/enroll")
        assert browser.get("/admin/statics/css/main.css").status_code == 200
        for path in ("/admin/patient/export/csv", "/admin/patient/details/1", "/admin/patient/delete?pks=1"):
            assert SECRET_ROW not in browser.get(path, follow_redirects=True).text
        enroll(browser)
        assert SECRET_ROW in browser.get("/admin/patient/list").text
        assert SECRET_ROW in browser.get("/admin/patient/export/csv").text
        browser.get("/admin/logout")
        browser.post("/admin/login", data=credentials)
        assert SECRET_ROW in browser.get("/admin/patient/list").text

        with httpx2.Client(base_url=browser.base_url, headers=PAGE) as other:
            other.post("/admin/login", data=credentials)
            assert other.get("/admin/patient/list").headers["location"].startswith("/mfa/challenge")


def test_datasette(serve: Serve) -> None:
    """Root owes the second factor on pages and JSON alike, and sees the rows after it.

    Root signs in with Datasette's own token. Datasette itself still refuses strangers as before.
    """
    with serve("datasette_app", '["=/-/auth-token", "/-/static/**"]') as browser:
        assert browser.get("/patients/patients").status_code == 403
        browser.get("/-/auth-token", params={"token": ROOT_TOKEN})
        asked = browser.get("/patients/patients")
        assert (asked.status_code, asked.headers["location"]) == (303, "/mfa/enroll")
        fetched = browser.get("/patients/patients.json", headers={"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"})
        assert fetched.json()["type"].startswith("urn:mfa-gate:")
        assert browser.get("/-/static/app.css").status_code == 200
        enroll(browser)
        assert SECRET_ROW in browser.get("/patients/patients").text
        assert browser.get("/patients/patients.json?_shape=array").json() == [{"id": 1, "name": SECRET_ROW}]
