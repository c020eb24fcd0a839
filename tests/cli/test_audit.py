"""``mfa-gate audit``: list, follow, export, verify."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import io
import json
import os
import re
import sqlite3
import subprocess
import sys
import threading
from datetime import datetime
from pathlib import Path
from typing import Literal

import pytest

from mfa_gate.cli import main
from mfa_gate.cli.audit import text_of
from mfa_gate.cli.audit.formats import FORMATS
from mfa_gate.core.events import Event
from mfa_gate.stores.sqlite import SQLiteStore
from tests.harness import START

from .house import be_of_before
from .store import WHO, Run, people, prepare, runner

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "src/mfa_gate/service/README.md").read_text().split("```ini fail2ban\n", 1)[1].split("```", 1)[0]
FILTER = dict(line.split(" = ", 1) for line in README.splitlines() if " = " in line)
DATE = FILTER["datepattern"].replace("%%", "%").replace("^", "")
FAIL2BAN = re.compile(FILTER["failregex"].replace("<SUBNET>", r"(?P<host>[0-9a-f.:]+(?:/\d+)?)"))
"""The README's filter for fail2ban, which looks at a line without its date and puts its own expression for an address."""


def banned(line: str) -> str | None:
    """The address that fail2ban takes from a line, if it is one for it."""
    stamp, rest = line.split(" ", 1)
    datetime.strptime(stamp, DATE)
    found = FAIL2BAN.search(" " + rest)
    return found["host"] if found else None


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """People in a store, and the command line on it."""
    prepare(tmp_path, monkeypatch)
    people(tmp_path / "mfa.db")
    return runner(capsys)


def test_list(run: Run) -> None:
    """The newest first, by tenant, person and kind."""
    events = run("audit", "list", "--tenant", "alpha", "--limit", "3")[1]["events"]
    assert (len(events), events[0]["kind"]) == (3, "account.locked")
    assert {e["tenant"] for e in run("audit", "list", "--tenant", "beta")[1]["events"]} == {"beta"}
    every = run("audit", "list", "--tenant", "alpha", "--limit", "1000")[1]["events"]
    for limit, count in ((0, 1), (1, 1), (2, 2), (len(every), len(every)), (10**9, len(every))):
        found = run("audit", "list", "--tenant", "alpha", "--limit", str(limit))[1]
        assert (found["events"], found["next"] is None) == (every[:count], count == len(every)), limit
    failures = run("audit", "list", "--account", "ann", "--kind", "attempt.failed")[1]["events"]
    assert len(failures) == 7
    assert {e["network"] for e in failures} == {"203.0.113.77"}


@pytest.mark.parametrize(
    "command", [("audit", "list"), ("audit", "export"), ("audit", "follow"), ("accounts", "list", "--tenant", "alpha")]
)
def test_a_slip_in_the_factor(run: Run, command: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown factor is wrong use, and the message names those that there are."""
    assert main([*command, "--factor", "topt"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "--factor: there is no such factor; there are: webauthn, " in said.err


def test_a_line_per_failure_that_fail2ban_can_read(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """S-124: the text form has one line an event, and the address of a failure in its place."""
    assert main(["audit", "list", "--kind", "attempt.failed"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [banned(line) for line in lines] == ["203.0.113.77"] * 7
    assert main(["audit", "list", "--kind", "account.locked"]) == 0
    assert {banned(line) for line in capsys.readouterr().out.splitlines()} == {None}


@pytest.mark.parametrize("bad", ["a\nb", "a b", 'a" network=9.9.9.9/32 "', "a\u2028b", "\x1b[2J", "a=b"])
def test_no_line_can_be_forged(bad: str) -> None:
    """S-124: a name or reason is one line, and no part of it passes for another."""
    event = Event(
        id="R", kind="attempt.failed", at=START, tenant=bad, account=bad, actor=bad, network="1.2.3.4/32", reason=bad
    )
    line = text_of(event)
    assert len(line.splitlines()) == 1
    assert line.isprintable()
    fields = dict(part.split("=", 1) for part in re.findall(r'\w+=(?:"(?:\\.|[^"\\])*"|\S+)', line))
    assert fields["network"] == "1.2.3.4/32"
    assert set(fields) == {"tenant", "account", "actor", "network", "reason", "ref"}


def test_export(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """The whole trail, oldest first, as JSON lines and as CSV with the same lines."""
    assert main(["audit", "export", "--tenant", "alpha"]) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    lines = [record for record in records if "head" not in record]
    assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))
    assert (records[0]["lines"], records[-1]["lines"]) == (0, len(lines))
    assert [line["at"] for line in lines] == sorted(line["at"] for line in lines)
    assert lines[-1]["kind"] == "account.locked"
    assert main(["audit", "export", "--tenant", "alpha", "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["ref"] for row in rows] == [line["ref"] for line in lines]


def test_a_cell_is_no_formula(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """A reason that a spreadsheet would reckon with is text in the CSV."""
    formula = '=HYPERLINK("http://evil.example")'
    run("accounts", "unlock", "ann", "--tenant", "alpha", "--actor", "eve", "--reason", formula)
    assert main(["audit", "export", "--tenant", "alpha", "--format", "csv"]) == 0
    row = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))[-1]
    assert (row["kind"], row["reason"]) == ("account.unlocked", f"'{formula}")


def test_verify(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whole: 0. An altered line: 1, with tenant and line, counted from 1."""
    assert run("audit", "verify") == (0, {"whole": True, "broken": {}, "pruned": {}})
    with contextlib.closing(sqlite3.connect(tmp_path / "mfa.db", isolation_level=None)) as connection:
        changed = connection.execute(
            "UPDATE event SET body = replace(body, 'attempt.failed', 'attempt.refused') WHERE seq ="
            " (SELECT min(seq) FROM event WHERE kind = 'attempt.failed')"
        )
        assert changed.rowcount == 1
        place = connection.execute(
            "SELECT count(*) FROM event WHERE tenant = 'alpha' AND seq <="
            " (SELECT min(seq) FROM event WHERE kind = 'attempt.failed')"
        ).fetchone()[0]
    code, told = run("audit", "verify")
    assert (code, told["whole"], told["broken"], told["pruned"]) == (1, False, {"alpha": place}, {})
    assert told["why"].keys() == {"alpha"}
    assert run("audit", "verify", "--tenant", "beta")[0] == 0
    assert main(["audit", "verify"]) == 1
    assert f"alpha: broken at line {place}" in capsys.readouterr().out


def test_head_expect_and_an_auditor_without_secrets(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A head is expected, a deleted tenant is found, a public key verifies an export."""
    code, told = run("audit", "head", "--tenant", "alpha")
    assert code == 0
    (head,) = told["heads"]
    assert run("audit", "verify", "--expect", head["head"])[0] == 0
    assert run("audit", "verify", "--tenant", "no-such-tenant")[0] == 1
    assert run("audit", "head", "--tenant", "no-such-tenant")[0] == 1
    assert run("audit", "verify", "--expect", head["head"][:-3] + "AAA")[0] == 1
    (public,) = run("keys", "verify-key")[1]["verify_keys"]
    assert main(["audit", "export"]) == 0
    (tmp_path / "trail.jsonl").write_text(capsys.readouterr().out)
    (tmp_path / "gate.key").write_text(public + "\n")
    file = ("audit", "verify", "--file", str(tmp_path / "trail.jsonl"))
    with monkeypatch.context() as patch:
        for name in ("MFA_GATE_STORE", "MFA_GATE_KEYS_FILE", "MFA_GATE_POLICY"):
            patch.delenv(name)
        code, told = run(*file, "--verify-key", public, "--expect", head["head"])
        assert (code, [trail["tenant"] for trail in told["trails"]]) == (0, ["alpha", "beta"])
        assert run(*file, "--verify-key", str(tmp_path / "gate.key"))[0] == 0
        assert main([*file]) == 2
        text = (tmp_path / "trail.jsonl").read_text()
        (tmp_path / "trail.jsonl").write_text(text.replace("203.0.113.77", "203.0.113.78"))
        assert run(*file, "--verify-key", public)[0] == 1
    with contextlib.closing(sqlite3.connect(tmp_path / "mfa.db", isolation_level=None)) as connection:
        for table in ("event", "trail"):
            connection.execute(f"DELETE FROM {table} WHERE tenant = 'beta'")
        connection.execute("DELETE FROM account WHERE tenant = 'beta'")
    assert run("audit", "verify")[1]["broken"] == {"beta": 1}
    assert run("audit", "verify", "--tenant", "beta")[0] == 1


@pytest.mark.long
def test_a_long_export_streams(run: Run, tmp_path: Path) -> None:
    """K-19: 100,000 lines take less than 64 MB, the program included."""

    async def fill() -> None:
        store = SQLiteStore(tmp_path / "mfa.db")
        await store.open()
        for start in range(0, 100_000, 100):
            await store.append(
                [
                    Event(id=f"b{start + n}", kind="attempt.failed", at=START, tenant="alpha", account="ann")
                    for n in range(100)
                ]
            )
        await store.aclose()

    asyncio.run(fill())
    script = (
        "import resource, sys; from mfa_gate.cli import main; main(['audit', 'export']); sys.stdout.flush();"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert len(done.stdout.splitlines()) > 100_000
    assert int(done.stderr.split()[-1]) < 64 * 1024


def test_accept(run: Run, tmp_path: Path) -> None:
    """A cut tail is signed over by an operator, and the trail tells of it."""
    who = ("--actor", "eve", "--reason", "a disk was damaged")
    assert run("audit", "accept", *who)[0] == 1
    with contextlib.closing(sqlite3.connect(tmp_path / "mfa.db", isolation_level=None)) as connection:
        last = connection.execute("SELECT max(seq) FROM event WHERE tenant = 'alpha'").fetchone()[0]
        connection.execute("DELETE FROM event WHERE seq = ?", (last,))
        connection.execute(
            "UPDATE trail SET length = length - 1, digest ="
            " (SELECT digest FROM event WHERE tenant = 'alpha' ORDER BY seq DESC LIMIT 1) WHERE tenant = 'alpha'"
        )
    code, told = run("audit", "verify")
    assert (code, [*told["broken"]]) == (1, ["alpha"])
    assert run("audit", "accept", *who) == (0, {"accepted": told["broken"], "broken": {}})
    assert run("audit", "verify")[0] == 0
    assert run("audit", "list", "--kind", "audit.accepted")[1]["events"][0]["actor"] == "operator:eve"


def cut(store: Path) -> None:
    """Remove the last line of a trail, as somebody does who can write the file."""
    with contextlib.closing(sqlite3.connect(store, isolation_level=None)) as connection:
        connection.execute("DELETE FROM event WHERE seq = (SELECT max(seq) FROM event WHERE tenant = 'alpha')")


def test_the_printed_verdicts(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each command says in words what it found, and never nothing."""

    def said(*words: str) -> str:
        main(["audit", *words])
        return capsys.readouterr().out

    who = ("--actor", "eve", "--reason", "a disk was damaged")
    lines = len(run("audit", "list", "--tenant", "alpha", "--limit", "1000")[1]["events"])
    assert said("accept", *who) == "nothing is wrong\n"
    assert said("verify") == "every trail is whole\n"
    assert said("verify", "--tenant", "gamma") == "gamma: there is no such trail\n"
    assert said("head", "--tenant", "gamma") == "gamma: there is no such trail; no head is signed\n"
    whole = said("head").splitlines()
    assert [line.partition(" digest=")[0] for line in whole] == [f"alpha lines={lines}", "beta lines=3"]
    assert said("verify", "--expect", "x").startswith("--expect: ")
    cut(tmp_path / "mfa.db")
    assert said("verify") == f"alpha: broken at line {lines}: the lines from here on are gone\n"
    assert [line.partition(" at=")[0] for line in said("head").splitlines()] == [
        whole[1].partition(" at=")[0],
        "alpha: the lines from here on are gone; no head is signed",
    ]
    signed, still, *more = said("accept", *who).splitlines()
    assert signed == f"alpha: signed as it stands; it was broken at line {lines}"
    assert still.startswith(f"alpha: still broken at line {lines}: this line was altered, or ")
    assert more == []


def test_a_store_that_no_gate_has_signed(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whole lines without a key or a head prove little, and the command says so."""
    Path(tmp_path / "mfa.db").unlink()
    Path(tmp_path / "mfa.db.created").unlink(missing_ok=True)

    async def fill() -> None:
        store = SQLiteStore(tmp_path / "mfa.db")
        await store.open()
        await be_of_before(store)
        await store.append([Event(id="a", kind="attempt.failed", at=START, tenant="alpha")])
        await store.aclose()

    asyncio.run(fill())
    assert main(["audit", "verify"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "every trail is whole"
    assert told[-1].startswith("no head is signed yet, and no line has a key: start the gate once")
    assert run("audit", "verify")[1]["signed"] is False


class UntilNothingIsNew(asyncio.Event):
    """Stop a follower at its first pause."""

    async def wait(self) -> Literal[True]:
        """Stop it."""
        self.set()
        return True


@pytest.mark.parametrize("form", ["text", *FORMATS])
def test_follow_prints_each_line_in_each_form(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], form: str
) -> None:
    """Every event is one line in each form, and a second start prints none of them again."""
    prepare(tmp_path, monkeypatch)
    people(tmp_path / "mfa.db")

    async def add() -> None:
        store = SQLiteStore(tmp_path / "mfa.db")
        await store.open()
        odd = Event(id="odd", kind="attempt.failed", at=START, tenant="alpha", account="oddë", reason="a\u2028b\nc")
        await store.append([odd])
        await store.aclose()

    asyncio.run(add())
    assert main(["audit", "list", "--tenant", "alpha", "--limit", "1000", "--json"]) == 0
    known = json.loads(capfd.readouterr().out)["events"]
    monkeypatch.setattr("mfa_gate.cli.audit.feed._stop_on_signals", UntilNothingIsNew)
    assert main(["audit", "follow", "--tenant", "alpha", "--state", str(tmp_path / "state"), "--format", form]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert len(lines) == len(known)
    assert sum("odd" in line for line in lines) == 1
    assert main(["audit", "follow", "--tenant", "alpha", "--state", str(tmp_path / "state"), "--format", form]) == 0
    assert capfd.readouterr().out == ""


def test_prune(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Retention is policy: nothing goes without it.

    With it the old lines go, it is told who did it, and the rest verifies.
    """
    assert run("audit", "prune", "--actor", "eve") == (1, {"pruned": {}, "retention": None})
    count = len(run("audit", "list", "--tenant", "alpha", "--limit", "1000")[1]["events"])
    (tmp_path / "policy.toml").write_text('version = 1\nname = "tests"\n[audit]\nretention = "30d"\n')
    code, told = run("audit", "prune", "--tenant", "alpha", "--actor", "eve")
    assert (code, told) == (0, {"pruned": {"alpha": count}})
    (left,) = run("audit", "list", "--tenant", "alpha")[1]["events"]
    assert (left["kind"], left["actor"], left["reason"]) == ("audit.pruned", "operator:eve", "retention")
    assert run("audit", "verify") == (0, {"whole": True, "broken": {}, "pruned": {"alpha": count}})
    assert main(["audit", "verify"]) == 0
    assert f"alpha: verified from line {count + 1} on" in capsys.readouterr().out
    assert run("audit", "prune", "--tenant", "alpha", "--actor", "eve")[1] == {"pruned": {}}
    with contextlib.closing(sqlite3.connect(tmp_path / "mfa.db", isolation_level=None)) as connection:
        connection.execute("UPDATE event SET digest = 'x' || digest WHERE tenant = 'alpha'")
    assert run("audit", "verify")[1]["broken"] == {"alpha": count + 1}


@pytest.mark.slow
def test_follow(run: Run, tmp_path: Path) -> None:
    """S-124: every line after the start is printed once, in order, and none is missed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "mfa_gate.cli", "audit", "follow", "--json"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    killer = threading.Timer(30, process.kill)
    killer.start()
    try:
        assert "following" in process.stderr.readline()
        assert run("accounts", "unlock", "ann", "--tenant", "alpha", *WHO)[0] == 0
        assert json.loads(process.stdout.readline())["kind"] == "account.unlocked"

        async def burst() -> None:
            store = SQLiteStore(tmp_path / "mfa.db")
            await store.open()
            await store.append([Event(id=f"b{n}", kind="attempt.failed", at=START, tenant="alpha") for n in range(450)])
            await store.aclose()

        asyncio.run(burst())
        found = [json.loads(process.stdout.readline())["id"] for _ in range(450)]
        assert found == [f"b{n}" for n in range(450)]
    finally:
        killer.cancel()
        process.kill()
        process.communicate()


def test_a_legal_hold_stops_pruning(run: Run, tmp_path: Path) -> None:
    """Nothing goes while a trail is held, and prune says so.

    Each hold is released by its reference.
    """
    (tmp_path / "policy.toml").write_text('version = 1\nname = "tests"\n[audit]\nretention = "30d"\n')
    who = ("--actor", "eve", "--reason", "case 7", "--tenant")
    assert run("audit", "hold", *who, "alhpa")[0] == 1
    code, first = run("audit", "hold", *who, "alpha")
    assert (code, first["by"], first["reason"]) == (0, "operator:eve", "case 7")
    second = run("audit", "hold", *who, "alpha")[1]
    code, told = run("audit", "prune", "--tenant", "alpha", "--actor", "eve")
    assert (code, told["pruned"], [one["ref"] for one in told["held"]]) == (1, {}, [first["ref"], second["ref"]])
    assert run("audit", "release", *who, "alpha")[0] == 1  # which one?
    assert run("audit", "release", *who, "alpha", "--ref", first["ref"])[1]["left"] == 1
    assert run("audit", "prune", "--tenant", "alpha", "--actor", "eve")[0] == 1
    assert run("audit", "release", *who, "alpha")[0] == 0
    assert run("audit", "holds") == (0, {"holds": []})
    assert run("audit", "release", *who, "alpha")[0] == 1
    kinds = [event["kind"] for event in run("audit", "list", "--tenant", "alpha", "--limit", "5")[1]["events"]]
    assert [kinds.count(kind) for kind in ("audit.hold", "audit.released")] == [2, 2]
    assert run("audit", "prune", "--tenant", "alpha", "--actor", "eve")[0] == 0
    assert run("audit", "verify")[0] == 0
