"""The recipe for nginx, with nginx: TLS, a path, a unix socket and websockets."""

from __future__ import annotations

import datetime
import os
import re
import shutil
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from websockets.sync.client import connect

from tests.recipes.browser import Person
from tests.recipes.hosts import FORM
from tests.recipes.place import SURROUNDINGS
from tests.web.serving import ROOT, answers, program, spawned_at

pytestmark = pytest.mark.waits

RECIPES = ROOT / "example_app" / "recipes"


def make_certificate(folder: Path) -> None:
    """Write a key and a certificate for this machine that nobody else trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "app.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    text = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (folder / "app.key").write_bytes(text)


def configuration(folder: Path, port: int) -> str:
    """Return the recipe's own file with the places of this test in it."""
    text = (RECIPES / "behind_nginx.conf").read_text()
    for place, here in {
        "/run/records/app.sock": f"{folder}/app.sock",
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "/etc/ssl/app.example.pem": f"{folder}/app.pem",
        "/etc/ssl/app.example.key": f"{folder}/app.key",
        "server_name app.example": "server_name localhost",
    }.items():
        assert place in text
        text = text.replace(place, here)
    kept = "".join(f"{one}_temp_path {folder}/{one};\n" for one in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    return f"daemon off;\nuser root;\npid {folder}/pid;\nevents {{}}\nhttp {{\naccess_log off;\n{kept}{text}}}\n"


@pytest.fixture
def origin(tmp_path: Path, free_port: int) -> Iterator[str]:
    """Serve the recipe by the two programs, as its first lines say."""
    make_certificate(tmp_path)
    (tmp_path / "nginx.conf").write_text(configuration(tmp_path, free_port))
    said = re.search(r"#\s+uvicorn (.*)", (RECIPES / "behind_nginx.conf").read_text())
    assert said is not None
    app, *options = said[1].replace("/run/records/app.sock", "{path}").split()
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    assert nginx is not None
    address = f"https://localhost:{free_port}"
    server = ["uvicorn", *options, "--log-level", "warning"]
    front = [nginx, "-c", f"{tmp_path}/nginx.conf", "-p", str(tmp_path), "-e", "stderr"]
    with (
        spawned_at(tmp_path / "app.sock", app, server, **{**SURROUNDINGS, "APP_ORIGIN": address}),
        program(front, lambda: answers(free_port), {}),
    ):
        yield address


def test_behind_nginx(origin: str, tmp_path: Path) -> None:
    """People are led below the path, keep one address, and cannot choose it.

    The websocket opens after the proof.
    """
    trust = ssl.create_default_context(cafile=str(tmp_path / "app.pem"))
    ann = Person(origin, "/records", time.time)
    with httpx2.Client(base_url=origin, timeout=20, verify=trust) as ann.http:
        assert ann.get("/").status_code == 401
        ann.post("/login", data=FORM)
        assert ann.get("/").headers["location"] == "/records/mfa/enroll"
        page = ann.get("/mfa/enroll").text
        assert set(re.findall(r'(?:href|src|action)="(/[^/"]*)', page)) == {"/records"}
        socket_place = f"{origin.replace('http', 'ws', 1)}/records/ws"
        ann.enroll()
        cookies = "; ".join(f"{one.name}={one.value}" for one in ann.http.cookies.jar)
        assert ann.get("/").json() == {"hello": "ann"}
        # A proof is for one network: a client that could choose its address would be asked here, or never.
        assert ann.http.get("/records/", headers={"X-Forwarded-For": "203.0.113.9"}).json() == {"hello": "ann"}
        headers = {"Cookie": cookies, "Origin": origin}
        with connect(socket_place, additional_headers=headers, ssl=trust) as websocket:
            websocket.send("hello")
            assert websocket.recv(timeout=20) == "hello"
        assert {one.name.partition("-mfa")[0] for one in ann.http.cookies.jar if one.secure} == {"__Host", "session"}
        ann.post("/logout")
        assert ann.get("/").status_code == 401
