"""``policy impact`` reads the records of a store or a file, and says who would be asked."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from mfa_gate.cli import main
from tests.harness import FETCH, make_world, running, with_rules

from .store import Run, prepare, runner

DRAFT = """version = 1
name = "draft"
[enrollment]
first = "open"
[[step_up]]
name = "records"
paths = ["/records/**"]
max_age = "5m"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a store with the records of some requests.

    Ann has an app, bob has nothing, zoe is of beta.
    """
    made = tmp_path_factory.mktemp("impact")

    async def record() -> None:
        watching = with_rules(lambda rules: replace(rules, mode="report-only"))
        async with running(make_world(store=f"sqlite:///{made}/mfa.db", policy=watching)) as world:
            browsers = [await world.enrolled("ann"), await world.browser("bob"), await world.browser("zoe", "beta")]
            for _ in range(3):
                world.clock.advance(600)
                for browser in browsers:
                    await browser.ask("GET", "/records/7", headers=FETCH)

    asyncio.run(record())
    return made


@pytest.fixture
def run(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    prepare(folder, monkeypatch)
    (folder / "policy.toml").write_text(DRAFT)
    return runner(capsys)


def test_impact_from_the_store_and_from_a_file(run: Run, folder: Path) -> None:
    """The numbers of the store; the same from its export; those of one tenant."""
    code, found = run("policy", "impact")
    assert code == 0
    assert {name: found[name] for name in ("people", "requests", "asked", "stops", "enroll", "walled_out")} == {
        "people": 3,
        "requests": 9,
        "asked": 3,
        "stops": 9,
        "enroll": 2,
        "walled_out": 0,
    }
    assert [(line["name"], line["stops"]) for line in found["tables"]["rule"]] == [("records", 9), ("freshness", 2)]
    assert [person["id"] for person in found["persons"]] == ["ann", "bob", "zoe"]
    assert run("policy", "impact", "--export", str(folder / "records.jsonl"))[0] == 0
    assert run("policy", "impact", "--events", str(folder / "records.jsonl"), "--store", "none://x")[1] == found
    assert run("policy", "impact", "--tenant", "beta")[1]["people"] == 1
    assert run("policy", "impact", "--tenant", "nobody")[1]["people"] == 0
    assert run("policy", "impact", "--from", "2031-01-01T00:00:00Z")[1]["people"] == 0


def test_impact_in_words_and_as_csv(run: Run, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A person at a terminal reads the numbers and the tables; the list of people is a CSV."""
    assert main(["policy", "impact", "--by", "all"]) == 0
    told = capsys.readouterr().out
    assert "3 people made 9 requests" in told
    assert "enroll:     2 people" in told
    assert "GET /records/{id}" in told
    assert main(["policy", "impact", "--csv", "-"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("tenant,id,groups,requests,stops,enrolls,walled_out,helps,rules")
    assert len(lines) == 4


def test_wrong_use(run: Run, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown table, a file that is not there, and a broken record are wrong use."""
    (folder / "broken.jsonl").write_text('{"report": 1}\n')
    for words in (("--by", "moon"), ("--events", str(folder / "none")), ("--events", str(folder / "broken.jsonl"))):
        assert main(["policy", "impact", *words]) == 2
        assert capsys.readouterr().err
