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


def test_impact_of_a_part(run: Run, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Times and tenants cut the records of the store and those of a file alike."""
    assert run("policy", "impact", "--export", str(folder / "all.jsonl"))[0] == 0
    code, whole = run("policy", "impact")
    assert (code, whole["people"]) == (0, 3)
    first, last = whole["from"], whole["to"]
    for source in ((), ("--events", str(folder / "all.jsonl"))):
        for cut, people in (
            (("--from", first), 3),
            (("--from", "2031-01-01T00:00:00Z"), 0),
            (("--to", last), 3),
            (("--to", "2001-01-01T00:00:00Z"), 0),
            (("--from", first, "--to", last), 3),
            (("--tenant", "beta"), 1),
        ):
            assert run("policy", "impact", *source, *cut)[1]["people"] == people, (source, cut)
    assert main(["policy", "impact", "--to", "2001-01-01T00:00:00Z"]) == 0
    assert capsys.readouterr().out.startswith("there are no records of report-only here: nothing can be said\n")


def test_impact_into_files(run: Run, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file gets what standard output would, and standard output the rest."""
    for option in ("--csv", "--export"):
        assert main(["policy", "impact", option, "-"]) == 0
        shown = capsys.readouterr().out
        assert main(["policy", "impact", option, str(folder / "out")]) == 0
        assert (folder / "out").read_bytes().decode() == shown
        assert ("people made" in capsys.readouterr().out) is (option == "--csv")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--by", "rule,moon"), "--by moon: there are "),
        (("--events", "{}/none"), "{}/none: "),
        (("--events", "{}/broken.jsonl"), "{}/broken.jsonl: line 4 is no record of report-only: "),
        (("--export", "{}/no/where"), "{}/no/where: "),
        (("--csv", "{}"), "{}: "),
    ],
)
def test_wrong_use(
    run: Run, folder: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, str], says: str
) -> None:
    """An unknown table, a file that cannot be used, and a broken record are told in one line."""
    assert run("policy", "impact", "--export", str(folder / "good.jsonl"))[0] == 0
    record = (folder / "good.jsonl").read_text().splitlines()[0]
    (folder / "broken.jsonl").write_text(f'{record}\n\n{record}\n{{"report": 1}}\n')
    assert main(["policy", "impact", *(word.format(folder) for word in words)]) == 2
    told = capsys.readouterr()
    assert (told.out, len(told.err.splitlines())) == ("", 1)
    assert told.err.startswith(f"mfa-gate policy impact: {says.format(folder)}")
