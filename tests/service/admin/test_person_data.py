"""All that is known of one person, and the people whom the directory no longer knows."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from mfa_gate import Contacts, Subject
from mfa_gate.cli import main
from mfa_gate.core.model import Account, SubjectKey
from mfa_gate.core.people_search import PeopleSearch
from mfa_gate.core.reasons import Refusal
from mfa_gate.core.trail_search import search_of
from mfa_gate.service import Actor
from tests.cli.store import people, prepare
from tests.harness import make_world, running


async def test_all_that_is_known_of_one_person() -> None:
    """It has factors, browsers, acceptances and the trail, and nothing secret."""
    async with running(make_world()) as world:
        ann = await world.enrolled("ann", "terms")
        await ann.api("POST", "agreement", {"version": "1"})
        boss = await world.enrolled("boss", "terms", groups=["admin"])
        await boss.api("POST", "agreement", {"version": "1"})
        found = (await boss.api("GET", "admin/accounts/ann/data")).json()
        assert [one["version"] for one in found["acceptances"]] == ["1"]
        assert {"factor.enrolled", "agreement.accepted"} <= {event["kind"] for event in found["events"]}
        assert {event["account"] for event in found["events"]} == {"ann"}
        assert ann.secret not in json.dumps(found)
        assert [a["factor"] for a in found["authenticators"]] == ["totp", "backup-code"]
        sue = await world.enrolled("sue", "terms", groups=["support"])
        await sue.api("POST", "agreement", {"version": "1"})
        assert (await sue.api("GET", "admin/accounts/ann/data")).reason == "not_allowed"
        assert (await boss.api("GET", "admin/accounts/nobody/data")).status == 404


async def test_people_whom_the_directory_no_longer_knows() -> None:
    """They are listed page by page, and nobody is where the directory does not answer."""
    there = ["boss", "ann"]

    async def directory(tenant: str) -> Iterable[tuple[Subject, Contacts]]:
        return [(Subject(id=id, tenant=tenant), Contacts()) for id in there]

    async with running(make_world(directory=directory)) as world:
        boss = await world.enrolled("boss", groups=["admin"])
        for id in ("ann", "bob", "cat", "dan"):
            await world.enrolled(id)
        found, after = [], ""
        while True:
            page = (await boss.api("GET", f"admin/leavers?limit=2&after={after}")).json()
            found += [row["id"] for row in page["accounts"]]
            after = page["next"]
            if not after:
                break
        assert found == ["bob", "cat", "dan"]
        there.clear()
        assert (await boss.api("GET", "admin/leavers")).reason == "not_allowed"


def test_by_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A list of the ids that there are tells who has left, and one person's data is printed."""
    prepare(tmp_path, monkeypatch)
    people(tmp_path / "mfa.db")
    (tmp_path / "known").write_text("ann\n")
    assert main(["accounts", "leavers", "--tenant", "alpha", "--known", str(tmp_path / "known")]) == 0
    assert capsys.readouterr().out == "bob\n"
    (tmp_path / "known").write_text("# nobody\n")
    assert main(["accounts", "leavers", "--tenant", "alpha", "--known", str(tmp_path / "known")]) == 2
    capsys.readouterr()
    assert main(["accounts", "data", "ann", "--tenant", "alpha"]) == 0
    assert json.loads(capsys.readouterr().out)["events"][-1]["account"] == "ann"


async def test_a_page_of_leavers_has_a_person_at_least() -> None:
    """A limit that is none is the smallest one, and the largest page has two hundred."""
    async with running(make_world()) as world:
        for number in range(201):
            assert await world.store.swap(Account(key=SubjectKey("alpha", f"p{number:03}"), skip_count=1))
        desk, eve = world.gate.service, Actor(name="operator:eve")
        for limit, count in ((-1, 1), (0, 1), (2, 2), (500, 200)):
            gone = await desk.person_desk.leavers(eve, "alpha", known=frozenset(), limit=limit)
            page = await desk.reviews.page(eve, "alpha", PeopleSearch(words={}), limit=limit)
            assert not isinstance(gone, Refusal)
            assert not isinstance(page, Refusal)
            assert (len(gone.rows), len(page.rows)) == (count, count)
        await world.engine.record(
            [world.engine.moment().event("attempt.failed", SubjectKey("alpha", "p")) for _ in range(201)]
        )
        found = await desk.trail_desk.events(eve, "alpha", search_of({}), limit=500)
        assert not isinstance(found, Refusal)
        assert len(found.items) == 200
