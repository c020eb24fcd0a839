"""``mfa-gate doctor`` reports each fault of a mounted gate in one line with its fix."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mfa_gate.cli import main
from mfa_gate.cli.doctor.app_stack import proxies
from mfa_gate.core.events import Event
from mfa_gate.core.model import Account, SubjectKey
from mfa_gate.service import policy_workers
from mfa_gate.stores import store_from_url
from mfa_gate.system_clock import SystemClock
from tests.stores import postgres_servers, servers

from . import doctored

Doctor = Callable[[str], tuple[int, list[dict[str, str]]]]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store that has been started once, with the good key and one event."""
    path = tmp_path / "gate.db"
    monkeypatch.setenv("DOCTORED_STORE", f"sqlite:///{path}")
    monkeypatch.delenv("FORWARDED_ALLOW_IPS", raising=False)

    async def start() -> None:
        service = doctored.gate().service
        assert await service.open() == ""
        await service.engine.store.append([Event(id="E", kind="policy.loaded", at=1_700_000_000, tenant="default")])
        await service.aclose()

    asyncio.run(start())
    return path


@pytest.fixture
def doctor(store: Path, capsys: pytest.CaptureFixture[str]) -> Doctor:
    """Runs the command on one of the apps; its exit code and its lines."""

    def run(name: str) -> tuple[int, list[dict[str, str]]]:
        code = main(["doctor", "--json", "--app", f"tests.cli.doctored:{name}"])
        told = json.loads(capsys.readouterr().out)
        assert told["ok"] == (code == 0)
        return code, told["lines"]

    return run


def test_a_sound_app_has_no_fault_and_no_warning(doctor: Doctor, store: Path) -> None:
    """Everything is looked at, nothing is wrong, and the store is as it was."""
    before = store.read_bytes()
    code, lines = doctor("good")
    assert code == 0
    assert {line["verdict"] for line in lines} <= {"ok", "note"}
    parts = {line["part"] for line in lines}
    assert parts >= {"order", "cookies", "secrets", "proxies", "keys", "store", "clock", "senders", "policy"}
    assert lines[0]["text"] == "SessionMiddleware > MFAGateMiddleware > Starlette"
    assert store.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "verdict", "part", "says"),
    [
        ("wrong_order", "fault", "order", "after gate.install(app)"),
        ("cors_inside", "fault", "order", "CORSMiddleware is inside the gate"),
        ("cors_inside", "warning", "order", "BREACH"),
        ("compressed", "warning", "order", "BREACH"),
        ("compressed", "note", "order", "GZipMiddleware > MFAGateMiddleware > Starlette"),
        ("no_gate", "fault", "order", "there is no gate around this app"),
        ("nameless", "warning", "sessions", 'session="sid"'),
        ("good", "ok", "sessions", "ends with its sign-in"),
        ("mistyped_tenant", "warning", "policy", "tenants.finnance: the host's directory lists nobody"),
        ("known_tenant", "ok", "policy", "lists people in each tenant"),
        ("weak_secret", "fault", "secrets", "can be guessed"),
        ("repeated_secret", "fault", "secrets", "one of the gate's keys"),
        ("plain_session", "warning", "cookies", "https_only=True"),
        ("plain_session", "warning", "cookies", 'same_site="none"'),
        ("local", "note", "cookies", "development"),
        ("other_key", "fault", "keys", "none of the listed keys opens this store"),
        ("two_keys", "ok", "keys", "mfa-gate keys rotate"),
        ("slow_clock", "fault", "clock", "behind the store's newest event"),
        ("deaf_sender", "fault", "senders", "email, sms (WebhookSender)"),
        ("proxied", "ok", "proxies", "10.0.0.0/8"),
        ("pale", "fault", "start", 'policy: brand.accent: "#ffd400" is out of bounds'),
        ("slip", "ok", "accent", "#0b5fff can be read"),
        (
            "grey_text",
            "fault",
            "contrast",
            "light theme: --text #999999 on --surface #ffffff has 2.8:1; 4.5:1 is needed",
        ),
        ("dark_sheet", "fault", "contrast", "dark theme: --muted #444 on --surface #181c24"),
        ("odd_color", "note", "contrast", "--text oklch(20% 0 0) is not checked"),
        ("good", "ok", "contrast", "can be read"),
        ("slip", "warning", "policy", "exempt.slip matches no route"),
        ("closed_endpoint", "fault", "policy", "require_proof asks for push"),
        ("faulty", "fault", "start", "prefix='mfa'"),
        ("faulty", "fault", "start", "keys[0]"),
    ],
)
def test_each_fault_is_named(doctor: Doctor, name: str, verdict: str, part: str, says: str) -> None:
    """S-10, S-120, D-3, D-4: one line says what is wrong and what to do.

    Faults, and faults alone, end with 1.
    """
    code, lines = doctor(name)
    assert any((line["verdict"], line["part"]) == (verdict, part) and says in line["text"] for line in lines), lines
    assert code == int(any(line["verdict"] == "fault" for line in lines))


def test_a_gate_that_is_wrapped_is_found(doctor: Doctor) -> None:
    """``MFAGateMiddleware(app, gate=gate)`` is looked at as well."""
    code, lines = doctor("wrapped")
    assert code == 0
    assert any(line["part"] == "keys" for line in lines)


def test_nobody_has_been_seen(doctor: Doctor) -> None:
    """S-14: a store without accounts is told, with the adapter that may be wrong."""
    _, lines = doctor("good")
    (line,) = [line for line in lines if line["part"] == "identity"]
    assert line["verdict"] == "note"
    assert "nobody has been seen signed in yet" in line["text"]
    assert "SessionUser('user_id')" in line["text"]


@pytest.mark.parametrize(("ids", "verdict"), [(["ann", "bob"], "ok"), (["ANN", "ann", "bob"], "warning")])
def test_ids_that_differ_by_case(doctor: Doctor, ids: list[str], verdict: str) -> None:
    """S-40: one person under two ids is a warning that names both."""

    async def fill() -> None:
        service = doctored.gate().service
        await service.open()
        for id in ids:
            for tenant in ("a", "b"):
                key = SubjectKey(tenant, id if tenant == "a" else f"{id}{ids.index(id)}")
                assert await service.engine.store.swap(Account(key=key))
        await service.aclose()

    asyncio.run(fill())
    _, lines = doctor("good")
    (line,) = [line for line in lines if line["part"] == "identity"]
    assert line["verdict"] == verdict
    assert ("a/ANN and a/ann" in line["text"]) is (verdict == "warning")


def test_memory_is_no_place_for_proofs(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    """The memory store is a warning."""
    monkeypatch.setenv("DOCTORED_STORE", "memory://")
    code, lines = doctor("good")
    assert code == 0
    assert any(line["verdict"] == "warning" and "restart forgets" in line["text"] for line in lines)


async def _begin(url: str) -> None:
    """Make an empty store, as the first start does."""
    store = store_from_url(url)
    await store.open()
    await store.aclose()


def test_a_postgres_that_could_lose_something(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    """A PostgreSQL store gets a warning with a fix for each weak setting; nothing is made."""
    url = postgres_servers.shared().schema()
    monkeypatch.setenv("DOCTORED_STORE", url)
    code, lines = doctor("good")
    assert code == 0
    assert [line["verdict"] for line in lines if "there is no store there yet" in line["text"]] == ["note"]
    asyncio.run(_begin(url))
    code, lines = doctor("good")
    told = [line["text"] for line in lines if (line["part"], line["verdict"]) == ("store", "warning")]
    assert code == 0
    for words in ("?marker=", "fsync=off", "synchronous_standby_names"):
        assert len([text for text in told if words in text]) == 1, words


def test_a_pooler_that_swallows_notices(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind a pooler in transaction mode the doctor says what each request costs."""
    url = postgres_servers.shared().schema()
    asyncio.run(_begin(url))
    with postgres_servers.pooler(postgres_servers.shared(), "transaction") as behind:
        monkeypatch.setenv("DOCTORED_STORE", f"{behind}?{url.partition('?')[2]}")
        code, lines = doctor("good")
    assert code == 0
    assert [line["verdict"] for line in lines if "PgBouncer" in line["text"]] == ["warning"]


def test_a_redis_that_could_go_back_unseen(doctor: Doctor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """S-123: a Redis store without a marker gets a warning, with its fix.

    An older copy could be put in place while every worker is down. The doctor makes no marker.
    """
    with servers.single(tmp_path) as server:
        url, marker = f"redis://127.0.0.1:{server.port}", tmp_path / "marker"
        monkeypatch.setenv("DOCTORED_STORE", url)
        code, lines = doctor("good")
        assert code == 0
        assert [line["verdict"] for line in lines if "there is no store there yet" in line["text"]] == ["note"]
        assert server.keys() == set()
        asyncio.run(_begin(url))
        code, lines = doctor("good")
        told = [(line["verdict"], line["text"]) for line in lines if line["part"] == "store"]
        assert code == 0
        assert [verdict for verdict, text in told if "?marker=" in text] == ["warning"]
        monkeypatch.setenv("DOCTORED_STORE", f"{url}?marker={marker}")
        code, lines = doctor("good")
        told = [(line["verdict"], line["text"]) for line in lines if line["part"] == "store"]
        assert (code, {verdict for verdict, _ in told}, marker.exists()) == (0, {"ok"}, False)
        monkeypatch.setenv("DOCTORED_STORE", f"{url}?marker={tmp_path}/no/marker")
        assert doctor("good")[0] == 1


@pytest.mark.parametrize(("ahead", "verdict"), [(-1, "ok"), (0, "ok"), (5, "ok"), (6, "fault")])
def test_a_clock_behind_the_newest_event(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch, ahead: int, verdict: str
) -> None:
    """Clocks of several machines differ a little: five seconds are no fault, and more are."""
    monkeypatch.setattr(SystemClock, "now", staticmethod(lambda: 1_700_000_000.0 - ahead))
    code, lines = doctor("good")
    (line,) = [line for line in lines if line["part"] == "clock"]
    assert (line["verdict"], code) == (verdict, int(verdict == "fault"))
    assert verdict == "ok" or line["text"].startswith(f"{ahead} s behind the store's newest event (2023-11-14 22:13:20")


def test_a_sender_without_a_check_hides_no_other(doctor: Doctor) -> None:
    """Every sender has its line: one without a check is a note, the next is asked."""
    _, lines = doctor("two_senders")
    assert [(line["verdict"], line["text"].partition(" (")[0]) for line in lines if line["part"] == "senders"] == [
        ("note", "email"),
        ("fault", "sms"),
    ]


def test_a_clock_that_is_far_from_the_stores(doctor: Doctor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F-14: the doctor compares this machine's clock with that of a store on another one."""
    with servers.single(tmp_path) as server:
        monkeypatch.setenv("DOCTORED_STORE", url := f"redis://127.0.0.1:{server.port}")
        asyncio.run(_begin(url))
        assert "fault" not in [line["verdict"] for line in doctor("good")[1] if line["part"] == "clock"]
        monkeypatch.setattr(SystemClock, "now", staticmethod(lambda: time.time() + 3600))
        code, lines = doctor("good")
    (line,) = [line for line in lines if line["part"] == "clock"]
    assert (code, line["verdict"]) == (1, "fault")
    assert re.fullmatch(r"the store's clock is 3(600|599|601) s behind this machine's: .*NTP", line["text"])


def test_a_store_that_is_not_there_yet_is_not_made(
    doctor: Doctor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The doctor makes no file: it may run as another user than the app."""
    fresh = tmp_path / "fresh.db"
    monkeypatch.setenv("DOCTORED_STORE", f"sqlite:///{fresh}")
    code, lines = doctor("good")
    assert (code, fresh.exists()) == (0, False)
    assert any("made at the first start" in line["text"] for line in lines)
    monkeypatch.setenv("DOCTORED_STORE", f"sqlite:///{tmp_path / 'no' / 'where.db'}")
    assert doctor("good")[0] == 1


def test_a_store_that_is_lost_or_open_to_others_is_told(doctor: Doctor, store: Path) -> None:
    """A file that others may read is a warning, one that is damaged or gone a fault."""
    store.chmod(0o644)
    code, lines = doctor("good")
    assert (code, any("chmod 600" in line["text"] for line in lines)) == (0, True)
    store.chmod(0o600)
    with closing(sqlite3.connect(store)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with store.open("r+b") as file:
        file.seek(100)
        file.write(os.urandom(8_000))
    assert doctor("good")[0] == 1
    store.unlink()
    code, lines = doctor("good")
    assert (code, any("was there once" in line["text"] for line in lines)) == (1, True)


def no_wal(store: Path) -> None:
    """As after a copy by a tool that turns it off."""
    with closing(sqlite3.connect(store)) as connection:
        connection.execute("PRAGMA journal_mode=delete")


@pytest.mark.parametrize(
    ("damage", "verdict", "says"),
    [
        (lambda store: None, "ok", "{}: sound, write-ahead log, written through at every commit"),
        (no_wal, "warning", "{} has journal_mode=delete, not wal: readers and writers wait for each other"),
        (lambda store: store.write_bytes(b"no database" * 1000), "fault", "{} cannot be read: file is not a database"),
        (lambda store: store.chmod(0o640), "warning", "{} is open to other users of this machine: chmod 600"),
    ],
    ids=["sound", "no write-ahead log", "no database", "open"],
)
def test_what_is_wrong_with_a_file(
    doctor: Doctor, store: Path, damage: Callable[[Path], object], verdict: str, says: str
) -> None:
    """Each trouble of the file has its own line, and a file that is called sound has none."""
    damage(store)
    _, lines = doctor("good")
    found = [
        (line["verdict"], line["text"]) for line in lines if line["part"] == "store" and str(store) in line["text"]
    ]
    assert (verdict, says.format(store)) in found
    assert ("sound, write-ahead" in str(found)) is (verdict == "ok" or "chmod" in says)


@pytest.mark.parametrize(
    ("name", "where"),
    [("shut", ["", ' in tenant "clinic"', ' in tenant "school"']), ("shut_in_clinic", [' in tenant "clinic"'])],
)
def test_a_route_that_nobody_passes(doctor: Doctor, name: str, where: list[str]) -> None:
    """An endpoint and a rule that exclude each other are told for each tenant that has both."""
    code, lines = doctor(name)
    told = [line["text"].partition(": no factor meets")[0] for line in lines if "nobody passes" in line["text"]]
    assert (code, told) == (
        1,
        [f"{method} /ledger/1: nobody passes{place}" for place in where for method in ("GET", "HEAD")],
    )


@pytest.mark.parametrize(
    ("options", "ips", "verdict", "says"),
    [
        ({}, "", "note", "no trusted_proxies: "),
        ({}, "10.0.0.1", "ok", "the server reads X-Forwarded-For from 10.0.0.1; "),
        ({}, "*", "fault", "the server takes anybody's word for an address "),
        ({"trusted_proxies": ["10.0.0.0/8"]}, "", "ok", "X-Forwarded-For counts from 10.0.0.0/8"),
        ({"trusted_proxies": ["10.0.0.0/8"]}, "10.0.0.1", "warning", "both the server (FORWARDED_ALLOW_IPS=10.0.0.1) "),
        (
            {"trusted_proxies": ["10.0.0.1", "::1"], "address_header": "Forwarded"},
            "",
            "ok",
            "Forwarded counts from 10.0.0.1/32, ::1/128",
        ),
        (
            {"trusted_proxies": ["10.0.0.0/8"], "forwarded_prefix": True},
            "",
            "ok",
            "X-Forwarded-For and X-Forwarded-Prefix count from 10.0.0.0/8",
        ),
    ],
)
def test_whose_word_counts(options: dict[str, Any], ips: str, verdict: str, says: str) -> None:
    """The header that is believed is named with the hosts that may set it, and no other."""
    mine = doctored.gate(**options)
    (line,) = proxies(doctored.app(mine), mine, {"FORWARDED_ALLOW_IPS": ips})
    whole = verdict == "ok" and ips == ""
    assert (line.verdict, line.text if whole else line.text[: len(says)]) == (verdict, says)


@pytest.mark.parametrize(("free", "is_told"), [(99, True), (2_000, False)])
def test_a_disk_that_is_nearly_full(
    doctor: Doctor, store: Path, monkeypatch: pytest.MonkeyPatch, free: int, is_told: bool
) -> None:
    """The megabytes that are left are told before the disk is full."""
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": free * 2**20}))
    _, lines = doctor("good")
    says = f"{store.parent} has {free} MB left; a full disk refuses everybody (503)"
    assert (says in [line["text"] for line in lines]) is is_told


@pytest.mark.parametrize(
    ("ips", "name", "verdict"),
    [("10.0.0.1", "good", "ok"), ("10.0.0.1", "proxied", "warning")],
)
def test_two_readers_of_one_header_are_told(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch, ips: str, name: str, verdict: str
) -> None:
    """One of server and gate is to stop if both read X-Forwarded-For."""
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", ips)
    _, lines = doctor(name)
    assert [line["verdict"] for line in lines if line["part"] == "proxies"] == [verdict]


@pytest.mark.parametrize(
    ("name", "value"),
    [("FORWARDED_ALLOW_IPS", "*"), ("UVICORN_FORWARDED_ALLOW_IPS", "*"), ("FORWARDED_ALLOW_IPS", "10.0.0.1,0.0.0.0/0")],
)
def test_anybodys_word_is_a_fault(doctor: Doctor, monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """S-12 of the address: ``FORWARDED_ALLOW_IPS=*`` does not start, and the doctor says so."""
    monkeypatch.setenv(name, value)
    code, lines = doctor("good")
    assert code == 1
    assert "FORWARDED_ALLOW_IPS" in lines[0]["text"]


def test_for_people(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without --json: a line each, and a sum at the end."""
    assert main(["doctor", "--app", "tests.cli.doctored:weak_secret"]) == 1
    said = capsys.readouterr().out
    assert said.splitlines()[-1].startswith("1 fault, ")
    assert "fault    secrets" in said


@pytest.mark.parametrize("name", ["nowhere", "nowhere:app", "tests.cli.doctored:missing"])
def test_wrong_use(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An app that cannot be found is wrong use."""
    assert main(["doctor", "--app", name]) == 2
    assert "--app" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("digests", "verdict", "says"),
    [
        (("a" * 64, "b" * 64), "warning", "workers over this store have different policies: shop: p (aaaaaaaaaaaa)"),
        (("a" * 64, "a" * 64), "note", "the running workers have aaaaaaaaaaaa"),
        (("0" * 64, "0" * 64), "", ""),
    ],
)
def test_workers_with_different_policies(
    doctor: Doctor, store: Path, digests: tuple[str, ...], verdict: str, says: str
) -> None:
    """F-39: workers that differ are a warning, an app that differs from them is a note."""
    now = int(time.time())
    rows = [
        {"worker": str(n), "app": "shop", "digest": digest, "name": "p", "since": now - 600, "at": now}
        for n, digest in enumerate(digests)
    ]

    async def report() -> None:
        service = doctored.gate().service
        await service.engine.store.open()
        await service.engine.store.put_meta(policy_workers.NOTE, json.dumps(rows).encode())
        await service.aclose()

    asyncio.run(report())
    _, lines = doctor("good")
    found = [line for line in lines if "worker" in line["text"] and line["part"] == "policy"]
    assert [line["verdict"] for line in found] == ([verdict] if verdict else [])
    mine = {"note": f"this policy is {doctored.gate().policy.digest[:12]}, and "}.get(verdict, "")
    assert all(line["text"].startswith(mine + says) for line in found)
