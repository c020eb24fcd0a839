"""The README's tables and examples are true."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from mfa_gate.core.events import KINDS
from mfa_gate.core.reasons import REASONS
from mfa_gate.keyring import make_key

README = "README.md"


def reasons_table() -> str:
    """The table of reasons, as the README has to show it."""
    rows = [f"| `{row.word}` | {row.status} | {row.title} |" for row in REASONS.values()]
    return "\n".join(["| reason | status | title |", "|---|---|---|", *rows])


def events_table() -> str:
    """The table of events."""
    rows = [f"| `{kind}` | {text} |" for kind, text in KINDS.items()]
    return "\n".join(["| kind | what happened |", "|---|---|", *rows])


def written(text: str) -> str:
    """The README with its tables made anew."""
    for name, table in (("reasons", reasons_table()), ("events", events_table())):
        start, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        before, rest = text.split(start, 1)
        text = f"{before}{start}\n{table}\n\n{end}{rest.split(end, 1)[1]}"
    return text


def test_tables(root: Path) -> None:
    """The tables of reasons and events are those of the code (make them anew: python tests/test_readme.py)."""
    text = (root / README).read_text()
    assert written(text) == text


def block(root: Path, mark: str) -> str:
    """The example that begins with this mark."""
    found = re.search(rf"```{mark}\n(.*?)```", (root / README).read_text(), re.S)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("framework", ["starlette", "fastapi"])
def test_five_lines(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, framework: str) -> None:
    """D-1: the lines of the README mount a gate as they are written, in Starlette and in FastAPI."""

    async def home(request: Request) -> PlainTextResponse:
        return PlainTextResponse("the app")

    async def login(request: Request) -> PlainTextResponse:
        request.session["user_id"] = "u1"
        return PlainTextResponse("signed in")

    (tmp_path / "policy.toml").write_text(block(root, "toml policy"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MFA_GATE_KEY", make_key(secrets.token_bytes(32)))
    monkeypatch.setenv("SESSION_SECRET", secrets.token_hex(16))
    code = block(root, "python starlette")
    if framework == "fastapi":
        code = code.replace("Starlette(routes=routes)", "FastAPI(routes=routes)")
        code = code.replace("from starlette.applications import Starlette", "from fastapi import FastAPI")
    names = {"os": os, "routes": [Route("/", home), Route("/login", login)]}
    exec(code, names)
    with TestClient(names["app"], base_url="https://app.example", client=("192.0.2.1", 1)) as client:  # type: ignore[arg-type]
        assert client.get("/").text == "the app"
        assert client.get("/login").text == "signed in"
        answer = client.get("/", headers={"Accept": "text/html"}, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/mfa/enroll")


def test_import_is_light(root: Path) -> None:
    """What a first use may never need is not loaded by importing the package (D-21)."""
    script = "import sys; from mfa_gate import MFAGate; print([m for m in sys.argv[1:] if m in sys.modules])"
    heavy = ["webauthn", "phonenumbers", "redis", "segno", "jinja2", "cryptography", "pyotp", "httpx2", "aiosmtplib"]
    ran = subprocess.run([sys.executable, "-c", script, *heavy], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


if __name__ == "__main__":
    place = Path(__file__).parent.parent / README
    place.write_text(written(place.read_text()))
