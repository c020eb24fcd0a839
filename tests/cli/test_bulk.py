"""An act for many people, with a line of result for each, that can be gone on with."""

from __future__ import annotations

import asyncio
import json
import stat
import time
from pathlib import Path
from typing import Any

import pytest

from mfa_gate.cli import main
from mfa_gate.core.model import Account, Authenticator, Lock, SubjectKey
from tests.harness import make_world, running

from .store import WHO, prepare

LOCK = ("accounts", "lock", "--tenant", "alpha", *WHO)
UNLOCK = ("accounts", "unlock", "--tenant", "alpha", *WHO)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store with four people in it, two of them without a factor."""
    prepare(tmp_path, monkeypatch)
    fill(tmp_path / "mfa.db", ["ann", "bob"], ["cat", "dan"])
    return tmp_path


def fill(file: Path, enrolled: list[str], others: list[str], *, lock: Lock | None = None) -> None:
    """Write people into a new store."""
    app = Authenticator(id="app", factor="totp", label="App", created_at=1)

    async def work() -> None:
        async with running(make_world(store=f"sqlite:///{file}")) as world:
            people = [Account(key=SubjectKey("alpha", id), authenticators=(app,), lock=lock) for id in enrolled]
            people += [Account(key=SubjectKey("alpha", id), skip_count=1) for id in others]
            assert all(await asyncio.gather(*map(world.store.swap, people)))

    asyncio.run(work())


def rows(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, list[dict[str, Any]]]:
    """Run a command. Returns its exit code and its rows."""
    code = main([*words, "--json"])
    return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def ids_in(place: Path, *ids: str) -> str:
    """Write a file of ids."""
    (place / "ids").write_text("# these\n\n" + "\n".join(ids) + "\n")
    return str(place / "ids")


def test_a_line_for_each(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """People who are unknown or written wrongly are told, and the others are done."""
    code, found = rows(capsys, *LOCK, "--ids", ids_in(place, "ann", "nobody", "bob", "ann", " x\x07"))
    assert code == 1
    assert [(row["id"], row["done"], row.get("reason")) for row in found] == [
        ("ann", True, None),
        ("nobody", False, "not_found"),
        ("bob", True, None),
        ("x\x07", False, "malformed"),
    ]
    assert main(["accounts", "list", "--tenant", "alpha", "--status", "locked", "--json"]) == 0
    assert [line["id"] for line in json.loads(capsys.readouterr().out)["accounts"]] == ["ann", "bob"]


def test_a_dry_run_changes_nothing(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It tells who would be refused, and writes nothing, not even results."""
    results = place / "results"
    code, found = rows(capsys, *LOCK, "--ids", ids_in(place, "ann", "nobody"), "--dry-run", "--results", str(results))
    assert (code, [row["done"] for row in found], results.exists()) == (1, [True, False], False)
    assert main(["accounts", "list", "--tenant", "alpha", "--status", "locked", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["accounts"] == []


def test_a_second_run_goes_on(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """People who are done are left out, and those who were refused are tried again.

    The file is the owner's alone.
    """
    results = place / "results"
    told = ("--results", str(results))
    assert rows(capsys, *LOCK, "--ids", ids_in(place, "ann", "nobody"), *told)[0] == 1
    assert stat.S_IMODE(results.stat().st_mode) == 0o600
    code, found = rows(capsys, *LOCK, "--ids", ids_in(place, "ann", "nobody", "bob"), *told)
    assert (code, [row["id"] for row in found]) == (1, ["nobody", "bob"])
    # Another act is not what was done.
    assert len(rows(capsys, *UNLOCK, "--ids", ids_in(place, "ann"), *told)[1]) == 1


def test_tickets_for_many(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each gets a ticket with its end; somebody who is set up gets none."""
    words = ("accounts", "ticket", "--tenant", "alpha", *WHO)
    code, found = rows(capsys, *words, "--ids", ids_in(place, "cat", "dan", "ann", "newcomer"))
    assert code == 1
    assert [(row["id"], len(row.get("ticket", "")), row.get("reason")) for row in found] == [
        ("cat", 31, None),
        ("dan", 31, None),
        ("ann", 0, "already_enrolled"),
        ("newcomer", 31, None),
    ]
    assert len({row["ticket"] for row in found if row["done"]}) == 3
    assert all("expires_at" in row for row in found if row["done"])


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("ann", "--ids", "x"),
        ("ann", "--dry-run"),
        ("ann", "--results", "x"),
        ("--ids", "missing"),
    ],
)
def test_wrong_use(place: Path, words: tuple[str, ...]) -> None:
    """One person or a file of them, and a file that is there."""
    assert main([*LOCK, *words]) == 2


def test_results_of_something_else(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that holds something else is not written to."""
    (place / "other").write_text("a letter\n")
    assert main([*LOCK, "--ids", ids_in(place, "ann"), "--results", str(place / "other")]) == 2
    assert (place / "other").read_text() == "a letter\n"


@pytest.mark.long
def test_thousands_take_minutes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five thousand are unlocked, and five hundred get tickets, in less than two minutes each."""
    prepare(tmp_path, monkeypatch)
    locked, others = [f"locked-{n}" for n in range(5_000)], [f"new-{n}" for n in range(500)]
    fill(tmp_path / "mfa.db", locked, others, lock=Lock(at=1, cause="attempts", ref="R"))
    for ids, words in ((locked, UNLOCK), (others, ("accounts", "ticket", "--tenant", "alpha", *WHO))):
        began = time.monotonic()
        results = tmp_path / f"results-{words[1]}"
        assert main([*words, "--ids", ids_in(tmp_path, *ids), "--results", str(results)]) == 0
        took = time.monotonic() - began
        print(f"{len(ids)} times {words[1]}: {took:.1f} s")
        assert took < 120
        assert len(results.read_text().splitlines()) == len(ids)


def test_a_code_for_an_id_that_was_never_here(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A first code is made for somebody new, and the screen says so: the id may be mistyped."""
    ticket = ("accounts", "ticket", "--tenant", "alpha", *WHO)
    code, found = rows(capsys, *ticket, "--ids", ids_in(place, "cat", "catt"))
    assert (code, {row["id"]: row["new"] for row in found}) == (0, {"cat": False, "catt": True})
    assert main([*ticket, "dan"]) == 0
    assert "was ever here" not in capsys.readouterr().err
    assert main([*ticket, "dann"]) == 0
    assert "nobody with the id dann was ever here" in capsys.readouterr().err
    assert main([*ticket, "--ids", ids_in(place, "cattt")]) == 0
    assert "new: nobody with this id was ever here" in capsys.readouterr().out
