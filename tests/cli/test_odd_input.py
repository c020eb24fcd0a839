"""Odd text at a terminal is refused or shown without being obeyed; other work goes on."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from mfa_gate.cli import main
from mfa_gate.cli.audit.export import _cell
from mfa_gate.core.model import SubjectKey, replace
from mfa_gate.core.reasons import Refusal
from mfa_gate.keyring import make_key
from mfa_gate.service import Actor
from mfa_gate.storage import Store
from mfa_gate.testing.store_suite import enrolled as stored
from mfa_gate.testing.store_suite import event
from tests.harness import key, make_world, running

from .house import on
from .store import WHO, Run, people, prepare, runner

RED = "\x1b[31mRED"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A store with people in it, made once."""
    folder = tmp_path_factory.mktemp("people")
    return folder, people(folder / "mfa.db")


@pytest.fixture
def secrets(made: tuple[Path, dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A copy of it, and the command line on that."""
    prepare(tmp_path, monkeypatch)
    for file in made[0].iterdir():
        shutil.copy(file, tmp_path / file.name)
    return made[1]


@pytest.fixture
def run(secrets: dict[str, str], capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command on it."""
    return runner(capsys)


def add(folder: Path, *rows: tuple[str, str, str]) -> None:
    """Put accounts into the store as another release or a fault may have left them."""

    async def work(store: Store) -> None:
        for number, (tenant, id, name) in enumerate(rows):
            made = stored(SubjectKey(tenant, id), name=name)
            made = replace(made, authenticators=())
            assert await store.swap(made, [event(number, key=made.key)])

    on(f"sqlite:///{folder}/mfa.db", work)


def command(folder: Path, *words: str | bytes, **variables: str) -> subprocess.CompletedProcess[bytes]:
    """Run the program as a shell would."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **variables}
    return subprocess.run([sys.executable, "-m", "mfa_gate.cli", *words], env=environment, capture_output=True)


# -- what comes in -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ["accounts", "show", b"\xff\xfe", "--tenant", "alpha"],
        ["accounts", "list", "--tenant", b"\xe9"],
        ["accounts", "ticket", "x", "--tenant", "alpha", "--actor", b"\xff", "--reason", "x"],
        ["audit", "list", "--account", b"\x80"],
        ["keys", "rotate", "--actor", b"\xff"],
        ["policy", "check", b"\xff.toml"],
        [b"\xff"],
    ],
)
def test_bytes_that_are_no_text(secrets: dict[str, str], tmp_path: Path, words: list[str | bytes]) -> None:
    """An argument that is no UTF-8 is wrong use, told in one line."""
    done = command(tmp_path, *words)
    said = done.stderr.decode()
    assert done.returncode == 2
    assert "Traceback" not in said
    assert len(said.strip().splitlines()) == 1
    assert done.stdout == b""


BAD = (RED, "a\nb", "a\rb", "a\x00b", "a\x9bb", "a\u2028b", "a\u202eb", "a\x7f", "\ud800")


@pytest.mark.parametrize(
    "words",
    [
        ["accounts", "unlock", "ann", "--tenant", "alpha", "--actor", "{}", "--reason", "x"],
        ["accounts", "unlock", "ann", "--tenant", "alpha", "--actor", "eve", "--reason", "{}"],
        ["accounts", "reset", "bob", "--tenant", "alpha", *WHO, "--ticket", "{}"],
        ["accounts", "ticket", "{}", "--tenant", "alpha", *WHO],
        ["accounts", "ticket", "x", "--tenant", "{}", *WHO],
        ["keys", "rotate", "--actor", "{}"],
        ["keys", "rotate", "--reason", "{}"],
        ["audit", "prune", "--actor", "{}"],
        ["store", "accept", "--actor", "{}", "--reason", "x"],
    ],
)
def test_control_characters_are_kept_nowhere(run: Run, capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    """Every text that is kept is one line of visible characters."""
    for bad in BAD:
        assert main([word.format(bad) if word == "{}" else word for word in words]) == 2, repr(bad)
        said = capsys.readouterr()
        assert said.out == ""
        assert len(said.err.splitlines()) == 1, repr(bad)
        assert said.err.strip().isprintable(), repr(bad)
    assert run("accounts", "show", "ann", "--tenant", "alpha")[1]["status"] == "locked"


@pytest.mark.parametrize("id", ["", "x" * 300, "ﬁ", "e\u0301", "\u200b", "a\u00a0b"])
@pytest.mark.parametrize("name", ["show", "lock", "ticket"])
def test_an_id_that_nobody_can_have(run: Run, capsys: pytest.CaptureFixture[str], name: str, id: str) -> None:
    """Wrong use, one line, and no account is made for it."""
    words = ["accounts", name, id, "--tenant", "alpha", *(WHO if name != "show" else ())]
    assert main(words) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert len(run("accounts", "list", "--tenant", "alpha")[1]["accounts"]) == 2


@pytest.mark.parametrize(
    "words",
    [
        ["accounts", "list", "--tenant", "alpha"],
        ["accounts", "show", "ann", "--tenant", "alpha"],
        ["accounts", "unlock", "ann", "--tenant", "alpha", *WHO],
        ["accounts", "export", "--to", "{}/out"],
        ["audit", "list"],
        ["audit", "verify"],
        ["keys", "rotate"],
        ["import", "{}/apps.csv", "--dry-run", *WHO],
    ],
)
def test_a_wrong_name_makes_no_store(
    secrets: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    """A command without a store says so and leaves nothing behind."""
    (tmp_path / "apps.csv").write_text("user,secret\nann,JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\n")
    url = f"sqlite:///{tmp_path}/typo.db"
    code = main([*(word.format(tmp_path) for word in words), "--store", url])
    said = capsys.readouterr()
    if words[0] != "import":  # a dry run needs none
        assert (code, said.out) == (2, "")
        assert "there is no store there yet" in said.err
    assert list(tmp_path.glob("typo*")) == []


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://",
        "sqlite:///",
        "x",
        "://",
        "redis://h:99999999/0",
        "redis://[::1",
        "memory:///x",
        "postgresql://h",
        "postgresql://h:x/d",
    ],
)
def test_an_odd_store_is_wrong_use(
    secrets: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str], url: str
) -> None:
    """Whatever is no store is told in one line, without a traceback."""
    assert main(["accounts", "list", "--tenant", "alpha", "--store", url]) == 2
    assert "Traceback" not in capsys.readouterr().err


# -- what goes out -----------------------------------------------------------------------------------------------------


def test_a_terminal_obeys_nothing(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Ids and names are shown with their control characters spelled out, a line each."""
    add(tmp_path, ("alpha", RED, "Ann\nbob  verified"), ("alpha", "c1", "\x9b31m\u202egnp.exe"))
    for words in (["accounts", "list"], ["accounts", "show", "c1"], ["audit", "list"]):
        assert main([*words, "--tenant", "alpha"]) == 0
        out = capsys.readouterr().out
        assert all(line.isprintable() for line in out.splitlines())
    assert main(["accounts", "list", "--tenant", "alpha"]) == 0
    out = capsys.readouterr().out
    assert "\\x1b[31mRED" in out
    assert len(out.splitlines()) == 4
    listed = run("accounts", "list", "--tenant", "alpha")[1]["accounts"]
    assert {account["id"] for account in listed} >= {RED, "c1"}
    assert main(["accounts", "list", "--tenant", "alpha", "--json"]) == 0
    documents = capsys.readouterr().out.splitlines()
    assert documents
    assert all(line.isprintable() for line in documents)


@pytest.mark.parametrize("encoding", ["iso8859-1", "ascii", "utf-8"])
def test_letters_that_a_terminal_lacks(secrets: dict[str, str], tmp_path: Path, encoding: str) -> None:
    """A Greek name and an emoji are shown as escapes, and JSON stays JSON."""
    add(tmp_path, ("alpha", "g", "Ελένη 😀"))
    plain = command(tmp_path, "accounts", "list", "--tenant", "alpha", PYTHONIOENCODING=encoding)
    assert (plain.returncode, plain.stderr) == (0, b"")
    assert len(plain.stdout.splitlines()) == 3
    text = command(tmp_path, "accounts", "list", "--tenant", "alpha", "--json", PYTHONIOENCODING=encoding)
    names = {account["id"]: account["name"] for account in json.loads(text.stdout.decode(encoding))["accounts"]}
    assert names["g"] == "Ελένη 😀"


@pytest.mark.parametrize("text", ["=1", " =1", "\t=1", "\n=1", "+1", "-1", "@x", "|x", "%x", "＝1", "\u00a0=1", "＋1"])
def test_no_cell_is_a_formula(text: str) -> None:
    """No cell is a formula for a spreadsheet, even behind blanks or with wide signs."""
    cell = _cell(text)
    assert cell.startswith(("'", "\\"))
    assert cell.isprintable() or "\u00a0" in cell


# -- one row does not stop the others ----------------------------------------------------------------------------------


async def test_no_account_is_made_for_an_id_that_is_none() -> None:
    """Every act of an administrator asks for an id that a host could say.

    An operator's does as well.
    """
    async with running(make_world()) as world:
        desk, store = world.gate.service.account_desk, world.gate.service.engine.store
        bad = [SubjectKey("alpha", RED), SubjectKey("alpha", "ﬁ"), SubjectKey(RED, "x"), SubjectKey("alpha", "x" * 300)]
        actor = Actor(name="operator:eve")
        for key_ in bad:
            for made in (
                await desk.act(actor, "ticket", key_, reason="x"),
                await desk.act(actor, "unlock", key_, reason="x"),
                await desk.act(actor, "lock", key_, reason="x"),
                await desk.act(actor, "reset", key_, ticket="T", reason="x"),
                await desk.act(actor, "refuse", key_, reason="x"),
                await desk.act(actor, "break-glass", key_, reason="x", ticket="T", hours=1),
                await desk.act(actor, "confirm", key_, ref="x"),
                await desk.act(actor, "revoke", key_, reason="x"),
                await desk.discard(actor, key_, ticket="T", reason="x"),
            ):
                assert isinstance(made, Refusal)
                assert made.reason == "not_found"
        assert await store.keys() == ()
        assert await store.trails() == ()


def test_rotation_goes_on(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An odd id is sealed anew like all others.

    A record that cannot be read is named, and everybody behind it is done.
    """
    add(tmp_path, ("alpha", RED, ""), ("alpha", "ann-torn", ""))
    with contextlib.closing(sqlite3.connect(tmp_path / "mfa.db", isolation_level=None)) as connection:
        assert connection.execute("UPDATE account SET body = 'torn' WHERE id = 'ann-torn'").rowcount == 1
    (tmp_path / "keys").write_text(f"{make_key(bytes(range(40, 72)))}\n{key(1)}\n")
    code, told = run("keys", "rotate")
    assert (code, told["accounts"], told["resealed"], told["ok"]) == (1, 5, 3, False)
    assert len(told["failed"]) == 1
    assert "alpha/ann-torn" in told["failed"][0]
    assert "--discard" in told["failed"][0]
    events = run("audit", "list", "--kind", "keys.rotated")[1]["events"]
    assert {(e["tenant"], e["actor"]) for e in events} == {("alpha", "operator"), ("beta", "operator")}
    assert run("keys", "rotate", "--actor", "eve")[1]["resealed"] == 0
    assert main(["keys", "rotate"]) == 1
    assert "passed over: the account alpha/ann-torn" in capsys.readouterr().out


def torn(folder: Path, id: str) -> None:
    """Damage one record."""
    with contextlib.closing(sqlite3.connect(folder / "mfa.db", isolation_level=None)) as connection:
        assert connection.execute("UPDATE account SET body = substr(body, 1, 40) WHERE id = ?", (id,)).rowcount == 1


@pytest.mark.parametrize(("id", "status"), [("bob", "not_enrolled"), ("ann", "locked")])
def test_one_damaged_account_is_begun_anew(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], secrets: dict[str, str], id: str, status: str
) -> None:
    """Commands say how to begin a damaged account anew.

    This needs a ticket, is written down, keeps a lock, and ends nobody else's proofs.
    """
    torn(tmp_path, id)
    who = ["--tenant", "alpha"]
    for words in (["show", id, *who], ["lock", id, *who, *WHO], ["reset", id, *who, *WHO, "--ticket", "T-1"]):
        assert main(["accounts", *words]) == 2
        said = capsys.readouterr().err
        assert "accounts reset ID --discard --ticket NUMBER" in said
        assert len(said.splitlines()) == 1
    assert run("accounts", "reset", id, *who, *WHO, "--ticket", " ", "--discard")[1]["reason"] == "malformed"
    assert run("accounts", "reset", id, *who, *WHO, "--ticket", "T-1", "--discard")[0] == 0
    shown = run("accounts", "show", id, *who)[1]
    assert (shown["status"], shown["factors"]) == (status, [])
    (line,) = run("audit", "list", *who, "--kind", "account.reset")[1]["events"]
    assert (line["account"], line["actor"], line["ticket"]) == (id, "operator:eve", "T-1")
    assert run("audit", "verify")[0] == 0
    code, said = run("accounts", "reset", id, *who, *WHO, "--ticket", "T-1", "--discard")
    assert (code, said["reason"]) == (1, "not_allowed")
    assert run("accounts", "reset", "nobody", *who, *WHO, "--ticket", "T-1", "--discard")[1]["reason"] == "not_found"

    async def others() -> bool:
        async with running(make_world(store=f"sqlite:///{tmp_path}/mfa.db")) as world:
            world.clock.advance(3600)
            zoe = await world.browser("zoe", "beta")
            await zoe.prove(secrets["zoe"])
            return await zoe.is_in()

    assert asyncio.run(others())


@pytest.mark.parametrize(("mode", "says"), [(0o600, ""), (0o640, ""), (0o644, "may read"), (0o602, "may change")])
def test_a_keys_file_that_everybody_may_read(
    mode: int, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A keys file that everybody may read is named with its mode and the fix.

    V-22. The warning goes to standard error. The keys are read all the same.
    """
    from mfa_gate.cli.context import read_keys

    file = tmp_path / "keys"
    file.write_text("one\n# a note\ntwo\n")
    file.chmod(mode)
    assert read_keys(str(file)) == ["one", "two"]
    told = capsys.readouterr()
    assert told.out == ""
    assert (says in told.err and "chmod 600" in told.err) if says else told.err == ""


# -- where it goes to --------------------------------------------------------------------------------------------------


BUFFERED = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
"""An environment in which Python writes at its end, as in a user's shell."""


@pytest.mark.parametrize("words", [["keys", "new"], ["policy", "keys"], ["--help"]])
def test_a_reader_that_leaves_early(words: list[str]) -> None:
    """``mfa-gate … | head -1`` ends in silence, however little was printed."""
    reading, writing = os.pipe()
    os.close(reading)
    environment = {**BUFFERED, "PYTHONPATH": os.pathsep.join(sys.path)}
    program = [sys.executable, "-m", "mfa_gate.cli", *words]
    done = subprocess.run(program, env=environment, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("words", [["keys", "new"], ["policy", "keys"]])
def test_output_that_cannot_be_written(words: list[str]) -> None:
    """A key that was not written is no success: one line says why."""
    environment = {**BUFFERED, "PYTHONPATH": os.pathsep.join(sys.path)}
    program = [sys.executable, "-m", "mfa_gate.cli", *words]
    with open(os.devnull, "rb") as closed:  # written to, it fails as a full disk does
        done = subprocess.run(program, env=environment, stdout=closed, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (2, b"mfa-gate: Bad file descriptor\n")


@pytest.mark.parametrize("content", [b"\xff\n", b"[" * 100_000, b"5\n"])
@pytest.mark.parametrize(
    "words",
    [
        ["accounts", "lock", "--ids", "{0}/ids", "--tenant", "alpha", *WHO, "--results", "{0}/damaged"],
        ["audit", "follow", "--state", "{0}/damaged"],
        ["policy", "impact", "{0}/policy.toml", "--events", "{0}/damaged"],
    ],
)
def test_a_file_of_a_program_that_is_damaged(
    run: Run, capsys: pytest.CaptureFixture[str], tmp_path: Path, words: list[str], content: bytes
) -> None:
    """Bytes that are no text, and JSON that is nested without end, are told in one line."""
    (tmp_path / "damaged").write_bytes(content)
    (tmp_path / "ids").write_text("ann\n")
    (tmp_path / "policy.toml").write_text('version = 1\nname = "a"\n')
    assert main([word.format(tmp_path) for word in words]) in (0, 2)
    said = capsys.readouterr()
    assert re.search("damaged|could not be read", said.err + said.out)
