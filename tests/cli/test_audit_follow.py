"""``audit follow``: every line once, whatever ends it; and the forms for log systems."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import pytest

from mfa_gate.cli.audit.cursors import Cursors, Output, _pieces, write_batch
from mfa_gate.cli.audit.formats import FORMATS
from mfa_gate.core.events import EVENTS, Event
from mfa_gate.core.events.weight import HIGH, outcome_of, severity_of
from tests.harness import START

from .store import WHO, Run, people, prepare, runner

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """People in a store, and the command line on it."""
    prepare(tmp_path, monkeypatch)
    people(tmp_path / "mfa.db")
    return runner(capsys)


class Killed(BaseException):
    """The end of the process, at any moment."""


@contextlib.contextmanager
def opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("seed", range(3))
def test_killed_two_hundred_times(tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every line comes once into a file, whatever system call was cut off."""
    luck = random.Random(seed)
    trails = {tenant: [f"{tenant}-{n}-{'x' * luck.randrange(300)}\n".encode() for n in range(150)] for tenant in "abc"}
    grown = dict.fromkeys(trails, 5)
    real_write, real_pwrite = os.write, os.pwrite
    calls = {"left": 0}

    def spend() -> bool:
        calls["left"] -= 1
        return calls["left"] < 0

    def write(descriptor: int, data: bytes) -> int:
        if spend():
            real_write(descriptor, data[: luck.randrange(len(data) + 1)])
            raise Killed
        return real_write(descriptor, data)

    def pwrite(descriptor: int, data: bytes, offset: int) -> int:
        if spend():
            if luck.random() < 0.5:
                real_pwrite(descriptor, data, offset)
            raise Killed
        return real_pwrite(descriptor, data, offset)

    monkeypatch.setattr(os, "write", write)
    monkeypatch.setattr(os, "pwrite", pwrite)
    kills = 0
    while kills < 200 or any(grown[t] < len(trails[t]) for t in trails):
        calls["left"] = luck.randrange(12)
        with opened(tmp_path / "out") as descriptor, contextlib.suppress(Killed):
            kills += 1
            cursors, output = Cursors(str(tmp_path / "state")), Output(descriptor)
            for tenant in sorted(trails, key=lambda name: name != cursors.batch):
                at = int(cursors.places.get(tenant, "0"))
                page = trails[tenant][at : min(grown[tenant], at + 20)]
                grown[tenant] = min(len(trails[tenant]), grown[tenant] + luck.randrange(3))
                if page:
                    write_batch(page, tenant, str(at + len(page)), cursors, output)
    calls["left"] = 10**9
    with opened(tmp_path / "out") as descriptor:
        cursors, output = Cursors(str(tmp_path / "state")), Output(descriptor)
        for _ in range(60):
            for tenant in sorted(trails, key=lambda name: name != cursors.batch):
                at = int(cursors.places.get(tenant, "0"))
                if page := trails[tenant][at : at + 20]:
                    write_batch(page, tenant, str(at + len(page)), cursors, output)
    lines = (tmp_path / "out").read_bytes().splitlines(keepends=True)
    for tenant, wanted in trails.items():
        assert [line for line in lines if line.startswith(tenant.encode())] == wanted


def follow(tmp_path: Path, *more: str, out: IO[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "mfa_gate.cli", "audit", "follow", "--json", *more],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        stdout=out,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_what_happens_between_two_runs_is_not_lost(run: Run, tmp_path: Path) -> None:
    """K-6: a lock between two runs comes out.

    Ended by SIGTERM and by SIGKILL, every line comes once into the file.
    """
    state, log = tmp_path / "state", tmp_path / "audit.log"
    before = len(run("audit", "list", "--limit", "1000")[1]["events"])

    def some(how: signal.Signals, wanted: int) -> None:
        with log.open("a") as file:
            process = follow(tmp_path, "--state", str(state), out=file)
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline and len(log.read_text().splitlines()) < wanted:
                time.sleep(0.05)
            process.send_signal(how)
            process.communicate(timeout=20)

    some(signal.SIGTERM, before)
    assert run("accounts", "unlock", "ann", "--tenant", "alpha", *WHO)[0] == 0
    some(signal.SIGKILL, before + 1)
    assert run("accounts", "lock", "ann", "--tenant", "alpha", *WHO)[0] == 0
    some(signal.SIGTERM, before + 2)
    told = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["kind"] for line in told[-2:]] == ["account.unlocked", "account.locked"]
    assert len(told) == before + 2
    known = {(line["id"], line["kind"], line["account"]) for line in told}
    assert len(known) == before + 2


@pytest.mark.slow
def test_the_example_for_a_log_shipper(run: Run, tmp_path: Path) -> None:
    """The command of the README writes one document of ECS a line."""
    text = (ROOT / "src/mfa_gate/service/README.md").read_text()
    command = text.split("```sh shipper\n", 1)[1].split("```", 1)[0].strip()
    wanted = len(run("audit", "list", "--limit", "1000")[1]["events"])
    process = subprocess.Popen(
        ["sh", "-c", f"exec {command}"],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT / "src"),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        },
        stderr=subprocess.DEVNULL,
    )
    log, deadline = tmp_path / "audit.log", time.monotonic() + 30
    while time.monotonic() < deadline and (not log.exists() or len(log.read_text().splitlines()) < wanted):
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    told = [json.loads(line) for line in log.read_text().splitlines()]
    assert len(told) == wanted
    assert all(line["ecs"]["version"] for line in told)


def test_an_unknown_place_is_refused(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A reference or a state that cannot be read is wrong use, and no line is lost for it."""
    from mfa_gate.cli import main

    assert main(["audit", "follow", "--after", "NOSUCHREF"]) == 2
    (tmp_path / "state").write_text("not a state\n")
    assert main(["audit", "follow", "--state", str(tmp_path / "state")]) == 2
    assert main(["audit", "list", "--from", "yesterday"]) == 2
    assert "--from" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["audit", "list", "--network", "x"])


SAMPLES = [
    Event(
        id="REF1",
        kind=kind,
        at=START,
        ms=7,
        tenant="ten|ant=x",
        account="" if row.seen_by == "trail" else 'ann"]\\ |=\n\u2028',
        actor="eve",
        app="shop",
        factor="totp",
        network="=campus",
        address="2001:db8::1" if number % 2 else "192.0.2.9",
        browser="abcdefghij",
        agent="Firefox on Linux",
        request="r-1",
        reason="a b=c|d\\e",
        ticket="INC 7",
        detail={"left": 3, "label": "x]y"},
    )
    for number, (kind, row) in enumerate(EVENTS.items())
]


def test_ecs() -> None:
    """The words that Elastic's schema allows, and its required parts."""
    categories = {"authentication": {"start", "end", "info"}, "configuration": {"access", "change", "creation", "deletion", "info"},
                  "iam": {"admin", "change", "creation", "deletion", "group", "info", "user"}}  # fmt: skip
    for event in SAMPLES:
        found = json.loads(FORMATS["ecs"](event))
        assert found["@timestamp"].endswith(".007Z")
        assert found["ecs"]["version"].startswith("8.")
        about = found["event"]
        assert about["kind"] in {"alert", "event"}
        assert about["outcome"] in {"success", "failure", "unknown"}
        assert set(about["type"]) <= categories[about["category"][0]]
        assert found["source"]["ip"] == event.address
        assert all(isinstance(value, str) for value in found["labels"].values())


def test_ocsf() -> None:
    """Classes, activities and required attributes are those of OCSF.

    See events/iam/authentication.json, account_change.json and base_event.json there.
    """
    activities = {3002: {0, 1, 2, 99}, 3001: {*range(12), 99}, 0: {0, 99}}
    for event in SAMPLES:
        found = json.loads(FORMATS["ocsf"](event))
        assert found["activity_id"] in activities[found["class_uid"]]
        assert found["category_uid"] == found["class_uid"] // 1000
        assert found["type_uid"] == found["class_uid"] * 100 + found["activity_id"]
        assert found["time"] == START * 1000 + 7
        assert found["severity_id"] in range(7)
        assert found["status_id"] in {0, 1, 2, 99}
        assert found["metadata"]["product"].keys() >= {"name", "vendor_name"}
        assert found["metadata"]["version"]
        assert found["class_uid"] == 0 or found["user"]["uid"]
        assert found["class_uid"] != 3002 or found["service"]["name"]
    kinds = {event.kind: json.loads(FORMATS["ocsf"](event))["type_uid"] for event in SAMPLES}
    assert (kinds["proof.granted"], kinds["account.locked"], kinds["factor.enrolled"]) == (300201, 300109, 300110)


def test_cef_and_syslog() -> None:
    """One line, and nothing in a value can pass for another field."""
    syslog = re.compile(
        r"<(?P<pri>\d{1,3})>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z [!-~]+ mfa_gate - [!-~]{1,32} "
        r'\[mfa_gate@32473( [A-Za-z0-9_]{1,32}="(?:[^"\\\]]|\\["\\\]])*")+\] [^\n]+'
    )
    for event in SAMPLES:
        cef, line = FORMATS["cef"](event), FORMATS["syslog"](event)
        assert len(cef.splitlines()) == len(line.splitlines()) == 1
        head = re.split(r"(?<!\\)\|", cef)
        assert (head[0], head[4], len(head[:7])) == ("CEF:0", event.kind, 7)
        assert int(head[6]) in range(11)
        names = re.findall(r"(?:^| )([A-Za-z0-9]+)(?<!\\)=", "|".join(head[7:]))
        assert len(names) == len(set(names))
        assert {"rt", "externalId", "outcome"} <= set(names)
        found = syslog.fullmatch(line)
        assert found is not None, line
        assert 80 <= int(found["pri"]) < 88


@pytest.mark.parametrize(("named", "told"), [("h" * 300, "h" * 255), ("my host\n", "myhost"), ("ü", "-")])
def test_the_hosts_name_in_syslog(named: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is one word of at most 255 ASCII characters (RFC 5424 6.2.4)."""
    monkeypatch.setattr("socket.gethostname", lambda: named)
    assert FORMATS["syslog"](SAMPLES[0]).split(" ")[2] == told


FAILED = Event(
    id="REF1",
    kind="attempt.failed",
    at=START,
    ms=7,
    tenant="ten",
    account="ann",
    actor="eve",
    app="shop",
    factor="totp",
    network="192.0.2.0/24",
    address="192.0.2.9",
    browser="b-1",
    agent="Firefox",
    request="r-1",
    reason="wrong",
    ticket="INC 7",
    detail={"left": 3},
)
LOADED = Event(id="REF2", kind="policy.loaded", at=START, tenant="ten")
WORDS = {
    "tenant": "ten", "account": "ann", "actor": "eve", "app": "shop", "factor": "totp", "network": "192.0.2.0/24",
    "address": "192.0.2.9", "browser": "b-1", "agent": "Firefox", "request": "r-1", "reason": "wrong", "ticket": "INC 7",
    "detail_left": "3",
}  # fmt: skip


def test_each_part_of_an_event_has_its_field() -> None:
    """A log system finds each part under its name, and no field for a part that is not there."""

    def ecs(event: Event) -> Any:
        return json.loads(FORMATS["ecs"](event))

    def ocsf(event: Event) -> Any:
        return json.loads(FORMATS["ocsf"](event))

    full, bare = ecs(FAILED), ecs(LOADED)
    assert bare.keys() == {"@timestamp", "ecs", "message", "event", "organization", "labels"}
    assert bare["labels"] == {"tenant": "ten"}
    assert bare["event"].keys() == full["event"].keys() - {"reason"}
    assert {name: full[name] for name in full.keys() - bare.keys()} == {
        "user": {"id": "ann"},
        "source": {"address": "192.0.2.9", "ip": "192.0.2.9"},
        "user_agent": {"name": "Firefox"},
        "http": {"request": {"id": "r-1"}},
    }
    assert (full["labels"], full["event"]["reason"], full["event"]["id"]) == (WORDS, "wrong", "REF1")
    full, bare = ocsf(FAILED), ocsf(LOADED)
    assert (bare["unmapped"], bare["status_detail"]) == ({"tenant": "ten"}, "success")
    assert {name: full[name] for name in full.keys() - bare.keys()} == {
        "user": {"uid": "ann"},
        "actor": {"user": {"uid": "eve"}},
        "is_mfa": True,
        "is_remote": True,
        "service": {"name": "shop"},
        "src_endpoint": {"ip": "192.0.2.9"},
    }
    assert (full["unmapped"], full["status_detail"], full["metadata"]["uid"]) == (WORDS, "wrong", "REF1")
    assert ocsf(replace(FAILED, app=""))["service"] == {"name": "mfa_gate"}
    assert ocsf(replace(FAILED, account=""))["user"] == {"uid": "eve"}
    assert "actor" not in ocsf(replace(FAILED, actor="ann"))
    assert FORMATS["cef"](FAILED).partition("|5|")[2] == (
        "rt=1750000000007 externalId=REF1 outcome=failure duid=ann suid=eve src=192.0.2.9 reason=wrong "
        "requestClientApplication=Firefox cs1=ten cs1Label=tenant cs2=totp cs2Label=factor cs3=b-1 cs3Label=browser "
        'cs4=INC 7 cs4Label=ticket cs5=192.0.2.0/24 cs5Label=network cs6={"left": 3} cs6Label=detail'
    )
    assert FORMATS["cef"](LOADED).partition("|2|")[2] == (
        "rt=1750000000000 externalId=REF2 outcome=success cs1=ten cs1Label=tenant"
    )
    assert " c6a2=2001:db8::1 c6a2Label=source " in FORMATS["cef"](replace(FAILED, address="2001:db8::1"))
    words = " ".join(f'{name}="{value}"' for name, value in WORDS.items())
    assert f'[mfa_gate@32473 ref="REF1" outcome="failure" {words}] ' in FORMATS["syslog"](FAILED)


@pytest.mark.parametrize(
    ("address", "network", "ip"),
    [
        ("192.0.2.9", "198.51.100.0/24", "192.0.2.9"),
        ("", "192.0.2.9/32", "192.0.2.9"),
        ("", "2001:db8::1/128", "2001:db8::1"),
        ("", "192.0.2.0/24", None),
        ("", "campus", None),
    ],
)
def test_a_network_is_no_address(address: str, network: str, ip: str | None) -> None:
    """A log system that takes a network for an address would refuse the line, or bar many."""
    event = replace(FAILED, address=address, network=network)
    assert json.loads(FORMATS["ecs"](event))["source"] == {"address": ip or network, **({"ip": ip} if ip else {})}
    assert json.loads(FORMATS["ocsf"](event)).get("src_endpoint") == ({"ip": ip} if ip else None)


@pytest.mark.parametrize(
    ("kind", "grave", "ecs", "ocsf", "cef", "syslog"),
    [
        ("challenge.sent", "event", 1, 1, 2, 86),
        ("attempt.failed", "event", 5, 3, 5, 84),
        ("account.locked", "alert", 8, 4, 8, 81),
    ],
)
def test_how_grave_an_event_is(kind: str, grave: str, ecs: int, ocsf: int, cef: int, syslog: int) -> None:
    """Each log system has its own numbers for low, medium and high."""
    event = Event(id="e", kind=kind, at=START, tenant="t", account="ann")
    about = json.loads(FORMATS["ecs"](event))["event"]
    assert (about["kind"], about["severity"]) == (grave, ecs)
    assert json.loads(FORMATS["ocsf"](event))["severity_id"] == ocsf
    assert f"|{cef}|rt=" in FORMATS["cef"](event)
    assert FORMATS["syslog"](event).startswith(f"<{syslog}>1 ")


ACTIVITIES = {
    "proof.granted": 300201, "proof.upstream": 300201, "attempt.failed": 300201, "attempt.refused": 300201,
    "session.ended": 300202, "proofs.revoked": 300202, "account.unlocked": 300102, "account.forgotten": 300106,
    "account.locked": 300109, "factor.enrolled": 300110, "factor.replaced": 300110, "backup_codes.made": 300110,
    "factor.removed": 300111, "account.reset": 300111, "challenge.sent": 300199,
}  # fmt: skip
"""Type of OCSF: a logon, a logoff, or an account that is enabled, deleted, locked, and whose factors go on and off."""


def test_the_activity_of_each_event() -> None:
    """An event about a person without an activity is another account change."""
    found = {kind: json.loads(FORMATS["ocsf"](replace(FAILED, kind=kind)))["type_uid"] for kind in ACTIVITIES}
    assert found == ACTIVITIES
    assert json.loads(FORMATS["ocsf"](replace(LOADED, kind="account.locked")))["class_uid"] == 3001
    assert json.loads(FORMATS["ocsf"](LOADED))["type_uid"] == 99


@pytest.mark.parametrize(
    ("lengths", "done", "pieces"),
    [
        ((), 0, []),
        ((10, 10), 0, [(20, 2)]),
        ((10, 10), 4, [(16, 2)]),
        ((10, 10), 10, [(10, 2)]),
        ((10, 10), 20, []),
        ((4000, 96), 0, [(4096, 2)]),
        ((4000, 97), 0, [(4000, 1), (97, 2)]),
        ((4096, 1), 0, [(4096, 1), (1, 2)]),
        ((5000, 1), 0, [(5000, 1), (1, 2)]),
        ((5000, 4000, 96), 4999, [(4001, 2), (96, 3)]),
    ],
)
def test_the_pieces_of_a_batch(lengths: tuple[int, ...], done: int, pieces: list[tuple[int, int]]) -> None:
    """A pipe takes 4096 bytes whole or not at all: a piece has as many lines as go into that."""
    lines = [b"x" * (length - 1) + b"\n" for length in lengths]
    found = _pieces(lines, done)
    assert [(len(piece), count) for piece, count in found] == pieces
    assert b"".join(piece for piece, _ in found) == b"".join(lines)[done:]


def test_the_state_of_a_pipe_is_written_before_and_after_each_piece(tmp_path: Path) -> None:
    """The state tells a batch that is begun, each piece, and the place behind it."""
    state, seen = tmp_path / "state", list[tuple[str, int, str]]()
    cursors, output = Cursors(str(state)), Output(os.open(os.devnull, os.O_WRONLY))

    def look() -> None:
        known = Cursors(str(state))
        seen.append((known.batch, known.written, known.places.get("a", "")))

    class Watched(Output):
        """Look at the state at each write."""

        def write(self, data: bytes) -> None:
            look()
            output.write(data)

    write_batch([b"x" * 4000 + b"\n"] * 3, "a", "3", cursors, Watched(os.open(os.devnull, os.O_WRONLY)))
    look()
    assert seen == [("a", 0, ""), ("a", 1, ""), ("a", 2, ""), ("", 0, "3")]
    assert not Cursors(str(state)).is_new


def test_every_alarm_is_grave_for_a_log_system() -> None:
    """A kind that mails the administrators has the highest severity.

    Troubles with sends and break-glass are the exceptions.
    """
    for kind, row in EVENTS.items():
        event = Event(id="e", kind=kind, at=START, tenant="t")
        assert outcome_of(event) in ("success", "failure", "unknown")
        if row.alarm is not None and not kind.startswith(("sends", "break_glass")):
            assert severity_of(event) == HIGH, kind
