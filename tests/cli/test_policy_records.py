"""The commands about policies that are or were in force."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from mfa_gate.cli import main
from mfa_gate.stores import store_from_url
from tests.harness import FixedClock, make_world, running
from tests.service.test_policy_life import APPROVED, LOOSE, STRICT

from .store import Run, prepare, runner


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """A store in which two policies were in force, the second one an hour after the first."""
    prepare(tmp_path, monkeypatch)
    file = tmp_path / "policy.toml"
    file.write_text(STRICT + APPROVED)

    async def live() -> None:
        clock = FixedClock()
        async with running(make_world(policy=file, store=f"sqlite:///{tmp_path}/mfa.db", clock=clock)) as world:  # type: ignore[arg-type]
            await world.enrolled("ann")
            clock.advance(3600)
            file.write_text(STRICT + APPROVED + "[attempts]\nmax = 5\n")
            await world.gate.reload_policy()

    asyncio.run(live())
    return runner(capsys)


def test_the_history_and_the_policy_of_a_day(run: Run) -> None:
    """Each change with its time, author and direction; and the policy of any moment."""
    code, found = run("policy", "history")
    first, second = found["policies"]
    assert code == 0
    assert (first["by"], first["differences"], second["by"], second["differences"]) == ("start", None, "application", 1)
    assert run("policy", "history", "--at", "2025-06-15T15:10:00Z")[1]["policies"] == [first]
    assert run("policy", "history", "--at", "2025-06-16")[1]["policies"] == [second]
    assert run("policy", "history", "--at", "2025-06-01") == (1, {"policies": []})


def test_the_text_of_a_policy(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A digest, or its beginning, gives the text as it was; an unknown one is wrong use."""
    digest = run("policy", "history")[1]["policies"][0]["digest"]
    assert run("policy", "show", digest[:12])[1] == {"digest": digest, "policy": STRICT + APPROVED, "files": []}
    assert main(["policy", "show", digest[:8], "--files", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out == STRICT + APPROVED
    assert (tmp_path / "out" / "policy.toml").read_text() == STRICT + APPROVED
    assert main(["policy", "show", "123456"]) == 2
    assert "no policies have a digest" in capsys.readouterr().err
    assert main(["policy", "show", "12"]) == 2


def test_two_people_approve(run: Run, tmp_path: Path) -> None:
    """An operator approves once; the second one is another person."""
    looser = tmp_path / "looser.toml"
    looser.write_text(LOOSE)
    who = ("--reason", "tested", "--actor")
    code, found = run("policy", "approve", str(looser), *who, "eve")
    assert (code, [one["by"] for one in found["approvals"]]) == (0, ["operator:eve"])
    code, found = run("policy", "approve", str(looser), *who, "Eve")
    assert (code, found["ok"]) == (1, False)
    code, found = run("policy", "approve", str(looser), *who, "adam")
    assert (code, len(found["approvals"])) == (0, 2)
    assert run("policy", "show", found["digest"])[1]["policy"] == LOOSE

    async def approved() -> int:
        store = store_from_url(f"sqlite:///{tmp_path}/mfa.db")
        await store.open(make=False)
        count = len((await store.events("alpha", kind="policy.approved")).items)
        await store.aclose()
        return count

    assert asyncio.run(approved()) == 2


def test_a_store_without_a_policy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An unknown store is told, and none is made."""
    monkeypatch.setenv("MFA_GATE_STORE", f"sqlite:///{tmp_path}/none.db")
    assert main(["policy", "history"]) in (1, 2)
    assert "no store there" in capsys.readouterr().err
    assert not (tmp_path / "none.db").exists()
