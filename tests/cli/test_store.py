"""``mfa-gate store accept``: an operator makes an older copy the store.

The trail says who and why.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mfa_gate.cli import main
from mfa_gate.core.model import SubjectKey
from mfa_gate.storage import EVERYTHING
from mfa_gate.stores import store_from_url
from mfa_gate.stores.redis import RedisStore
from mfa_gate.stores.redis.timing import Timing
from mfa_gate.stores.sqlite import SQLiteStore
from mfa_gate.testing.store_suite import changed
from tests.harness import key, make_world, running
from tests.stores import postgres_servers, servers

from .store import WHO, Run, people, prepare, runner

ANN = SubjectKey("alpha", "ann")


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with people in it, the command line on it.

    Its copy of before ann's unlocking is in its place.
    """
    prepare(tmp_path, monkeypatch)
    path = tmp_path / "mfa.db"
    people(path)
    shutil.copy(path, tmp_path / "copy.db")
    assert main(["accounts", "unlock", "ann", "--tenant", "alpha", *WHO]) == 0
    shutil.copy(tmp_path / "copy.db", path)
    return path


@pytest.fixture
def run(path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command on it."""
    capsys.readouterr()
    return runner(capsys)


def test_accept(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """S-123: refused before, the store opens afterwards, as the copy has it.

    Each tenant's trail names who, why and what.
    """
    assert main(["accounts", "list", "--tenant", "alpha"]) == 2
    assert "mfa-gate store accept" in capsys.readouterr().err
    code, told = run("store", "accept", *WHO)
    assert (code, told) == (0, {"accepted": True, "accounts": {"alpha": 2, "beta": 1}})
    assert run("accounts", "show", "ann", "--tenant", "alpha")[1]["status"] == "locked"
    for tenant in ("alpha", "beta"):
        (event,) = run("audit", "list", "--tenant", tenant, "--kind", "offline.action")[1]["events"]
        assert (event["actor"], event["reason"], event["account"]) == ("operator:eve", "asked in person", "")
    assert run("audit", "verify")[1]["whole"]


def test_for_people(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """Without --json it says how many people the copy has, and what it means for them."""
    assert main(["store", "accept", *WHO]) == 0
    said = capsys.readouterr().out
    assert "alpha: 2 accounts" in said
    assert "everybody proves the second step again" in said


def test_wrong_use_accepts_nothing(path: Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """Keys or a policy that cannot be read are told before anything is done.

    Who and why are not left out.
    """
    for wrong in (["--keys-file", "/nowhere"], ["--policy", "/nowhere"]):
        assert main(["store", "accept", *WHO, *wrong]) == 2
    for missing in (WHO[:2], WHO[2:]):
        with pytest.raises(SystemExit):
            main(["store", "accept", *missing])
    assert path.with_name("mfa.db.created").exists()
    capsys.readouterr()
    assert main(["accounts", "list", "--tenant", "alpha"]) == 2


def test_a_store_that_is_not_there(path: Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """F-8: a missing file is not accepted as a store in which nobody is enrolled."""
    path.unlink()
    assert main(["store", "accept", *WHO]) == 2
    assert "is missing: put a copy in place first" in capsys.readouterr().err
    assert path.with_name("mfa.db.created").exists()
    assert not path.exists()


def test_workers_that_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """F-38: the workers that run forget their caches, even if the copy was in place already."""
    prepare(tmp_path, monkeypatch)
    people(tmp_path / "mfa.db")

    async def inside() -> None:
        store = SQLiteStore(tmp_path / "mfa.db")
        await store.open()
        while changed(store) != frozenset():
            await asyncio.sleep(0.01)
        before = await store.load(ANN)
        assert await asyncio.to_thread(main, ["store", "accept", *WHO]) == 0
        assert changed(store) is EVERYTHING
        assert (await store.load(ANN)).epoch == before.epoch + 1
        await store.aclose()

    asyncio.run(inside())


@pytest.fixture
def server(tmp_path: Path) -> Iterator[servers.Server]:
    with servers.single(tmp_path) as server:
        yield server


def test_redis(
    server: servers.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """S-123: a copy from before a lock is refused in Redis with a marker until it is accepted."""
    prepare(tmp_path, monkeypatch)
    url = f"redis://127.0.0.1:{server.port}?marker={tmp_path / 'marker'}"
    monkeypatch.setenv("MFA_GATE_STORE", url)

    async def make() -> Path:
        store = RedisStore(url, timing=Timing(settled_after=0.0, look_every=0.2))
        async with running(make_world(store=store, keys=[key(1)])) as world:
            ann = await world.enrolled()
            copy = server.copy("copy")
            await ann.lock()
            await asyncio.sleep(1)
            return copy

    server.put_back(asyncio.run(make()))
    run = runner(capsys)
    assert run("accounts", "list", "--tenant", "alpha")[0] == 2
    assert run("store", "accept", *WHO) == (0, {"accepted": True, "accounts": {"alpha": 1}})
    assert run("accounts", "show", "ann", "--tenant", "alpha")[1]["status"] == "verified"
    (event,) = run("audit", "list", "--tenant", "alpha", "--kind", "offline.action")[1]["events"]
    assert (event["actor"], event["reason"]) == ("operator:eve", "asked in person")


READS = [
    ["accounts", "list", "--tenant", "alpha"],
    ["accounts", "show", "ann", "--tenant", "alpha"],
    ["accounts", "unlock", "ann", "--tenant", "alpha", *WHO],
    ["accounts", "reset", "ann", "--tenant", "alpha", *WHO, "--ticket", "T-1"],
    ["accounts", "export", "--to", "{}/out"],
    ["audit", "list"],
    ["audit", "verify"],
    ["keys", "rotate"],
    ["import", "{}/apps.csv", "--dry-run", *WHO],
    ["store", "accept", *WHO],
]


def test_a_wrong_database(
    server: servers.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A command on a wrong database number says that no store is there.

    F-8. It writes nothing into that database.
    """
    prepare(tmp_path, monkeypatch)
    (tmp_path / "apps.csv").write_text("user,secret\nann,JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\n")
    url = f"redis://127.0.0.1:{server.port}"

    async def make() -> None:
        async with running(make_world(store=f"{url}/0", keys=[key(1)])) as world:
            await world.enrolled()

    asyncio.run(make())
    before = server.keys()
    capsys.readouterr()
    for words in READS:
        assert main([*(word.format(tmp_path) for word in words), "--store", f"{url}/1"]) == 2, words
        said = capsys.readouterr()
        assert said.out == ""
        assert "no store" in said.err
        assert (server.keys(), server.keys(1)) == (before, set())
    assert main(["accounts", "list", "--tenant", "alpha", "--store", f"{url}/0"]) == 0


def test_a_store_that_no_application_began(
    server: servers.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An empty store that was made by mistake is bound to no keys by a command that reads."""
    prepare(tmp_path, monkeypatch)
    url = f"redis://127.0.0.1:{server.port}/1"

    async def make() -> None:
        store = store_from_url(url)
        await store.open()
        await store.aclose()

    asyncio.run(make())
    before = server.keys(1)
    assert main(["accounts", "list", "--tenant", "alpha", "--store", url]) == 2
    assert "there is no store there yet" in capsys.readouterr().err
    assert server.keys(1) == before != set()


def test_postgres(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """``store upgrade`` makes the tables in PostgreSQL, and ``store accept`` goes on."""
    prepare(tmp_path, monkeypatch)
    url = postgres_servers.shared().schema()
    monkeypatch.setenv("MFA_GATE_STORE", url)
    run = runner(capsys)
    assert run("accounts", "list", "--tenant", "alpha")[0] == 2
    code, told = run("store", "upgrade")
    assert (code, told["upgraded"]) == (0, True)
    assert "made, version" in told["text"]
    assert "up to date" in run("store", "upgrade")[1]["text"]

    async def make() -> None:
        async with running(make_world(store=store_from_url(url), keys=[key(1)])) as world:
            await world.enrolled()

    asyncio.run(make())
    assert run("store", "accept", *WHO) == (0, {"accepted": True, "accounts": {"alpha": 1}})
    assert run("accounts", "show", "ann", "--tenant", "alpha")[1]["status"] == "verified"
    assert run("store", "upgrade", "--insert-only")[0] == 2
    assert run("store", "upgrade", "--grant-to", 'x"; DROP')[0] == 2


def test_a_store_without_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file needs no upgrade by hand, and has no roles."""
    prepare(tmp_path, monkeypatch)
    run = runner(capsys)
    assert "needs no upgrade" in run("store", "upgrade")[1]["text"]
    assert run("store", "upgrade", "--grant-to", "app")[0] == 2
    assert not (tmp_path / "mfa.db").exists()


def test_a_file_that_is_written_anew(run: Run, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Unused room of the file is gone, also while somebody else has it open.

    The store goes on as it was.
    """
    assert run("store", "accept", *WHO)[0] == 0

    async def story() -> int:
        store = store_from_url(f"sqlite:///{path}")
        await store.open(make=False)
        try:
            for number in range(300):
                await store.put_meta(f"left{number}", b"anybody@alpha.example" * 50)
            for number in range(300):
                await store.drop_meta(f"left{number}")
            done = await asyncio.to_thread(run, "store", "compact")
            assert done[0] == 0
            assert (await store.load(ANN)).key == ANN
            assert not (await store.load(ANN)).is_unknown
            assert b"anybody@alpha.example" not in path.read_bytes()
            return int(done[1]["freed"])
        finally:
            await store.aclose()

    assert asyncio.run(story()) > 0
    assert run("accounts", "show", "ann", "--tenant", "alpha")[0] == 0


def test_only_a_file_is_written_anew(run: Run) -> None:
    assert run("store", "compact", "--store", "redis://127.0.0.1:1")[0] == 1


def test_who_erases_is_told_of_the_file(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["store", "accept", *WHO]) == 0
    assert main(["accounts", "forget", "bob", "--tenant", "alpha", *WHO]) == 0
    assert "mfa-gate store compact" in capsys.readouterr().err
