"""The audit trail: any removed, moved or altered line of ten thousand is found.

A kill never parts a change from its event.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
from pathlib import Path

import pytest

from mfa_gate.core.events import Event
from mfa_gate.service.trail_verification import verify_trail
from tests.beside import ran
from tests.harness import World, make_world, running
from tests.pairs import in_turn
from tests.stores.patience import patient_store

from . import hammer

LINES = 10_000
PLACES = (0, 5_000, 9_999)
ROUNDS = 8


@pytest.fixture(scope="module")
def trail(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten thousand lines of one tenant, with lines of another among them."""
    path = tmp_path_factory.mktemp("trail") / "mfa.db"

    async def write() -> None:
        store = patient_store(f"sqlite:///{path}")
        await store.open()
        kinds = ("attempt.failed", "proof.granted", "account.locked")
        for start in range(0, LINES, 500):
            await store.append(
                [
                    Event(id=f"e{n}", kind=kinds[n % 3], at=1_700_000_000 + n, tenant="clinic", account=f"u{n % 50}")
                    for n in range(start, start + 500)
                ]
            )
            await store.append([Event(id=f"o{start}", kind="policy.loaded", at=1_700_000_000, tenant="finance")])
        assert await verify_trail(store) == {}
        await store.aclose()

    asyncio.run(write())
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE kept AS SELECT * FROM event")
    return path


DAMAGES = {
    "delete": "DELETE FROM event WHERE id = 'e{at}'",
    "alter kind": "UPDATE event SET body = replace(body, '\"kind\":\"', '\"kind\":\"x') WHERE id = 'e{at}'",
    "alter time": "UPDATE event SET body = replace(body, '\"at\":17', '\"at\":16') WHERE id = 'e{at}'",
    "alter who": "UPDATE event SET body = replace(body, '\"account\":\"u', '\"account\":\"v') WHERE id = 'e{at}'",
    "alter digest": "UPDATE event SET digest = 'f' || substr(digest, 2) || 'f' WHERE id = 'e{at}'",
    "other tenant": "UPDATE event SET tenant = 'practice' WHERE id = 'e{at}'",
}


@pytest.mark.parametrize(("damage", "at"), in_turn([*DAMAGES], PLACES))
async def test_any_line_of_ten_thousand(trail: Path, damage: str, at: int) -> None:
    """Any line that was removed or altered is named, whoever did it.

    S-124. The other tenant's trail holds.
    """
    with contextlib.closing(sqlite3.connect(trail, isolation_level=None)) as connection:
        assert connection.execute(DAMAGES[damage].format(at=at)).rowcount == 1
        assert await broken(trail) == {"clinic": at} | ({"practice": 0} if damage == "other tenant" else {})
        restore(connection, at)
    assert await broken(trail) == {}


@pytest.mark.parametrize(("one", "other"), [(0, 1), (0, LINES - 1), (4_000, 4_001), (17, 6_000)])
async def test_two_lines_that_changed_places(trail: Path, one: int, other: int) -> None:
    """S-124: lines that were put into another order are found at the first of them."""
    with contextlib.closing(sqlite3.connect(trail, isolation_level=None)) as connection:
        places = [
            connection.execute("SELECT seq FROM event WHERE id = ?", (f"e{n}",)).fetchone()[0] for n in (one, other)
        ]
        connection.execute("UPDATE event SET seq = -1 WHERE id = ?", (f"e{one}",))
        connection.execute("UPDATE event SET seq = ? WHERE id = ?", (places[0], f"e{other}"))
        connection.execute("UPDATE event SET seq = ? WHERE seq = -1", (places[1],))
        assert await broken(trail) == {"clinic": one}
        for number in (one, other):
            connection.execute("DELETE FROM event WHERE id = ?", (f"e{number}",))
        for number in (one, other):
            restore(connection, number)
    assert await broken(trail) == {}


def restore(connection: sqlite3.Connection, at: int) -> None:
    """The line as it was."""
    connection.execute("DELETE FROM event WHERE id = ?", (f"e{at}",))
    connection.execute("INSERT INTO event SELECT * FROM kept WHERE id = ?", (f"e{at}",))


async def broken(path: Path) -> dict[str, int]:
    """Return the result of verifying the trail."""
    store = patient_store(f"sqlite:///{path}")
    await store.open()
    try:
        return await verify_trail(store)
    finally:
        await store.aclose()


@pytest.mark.slow
def test_a_kill_never_parts_a_change_from_its_event(tmp_path: Path) -> None:
    """A kill at any moment leaves as many events as changes, and a whole trail.

    S-124, F-10. The process makes thousands of changes.
    """
    done = ran("tests.service.hammer", tmp_path / "mfa.db", str(ROUNDS))
    assert done.code == 0, done.errors
    found = json.loads(done.out.splitlines()[-1])
    assert len(found) == ROUNDS
    assert all(left["whole"] for left in found)
    assert [left["events"] for left in found] == [left["changes"] for left in found]
    assert found[-1]["changes"] > ROUNDS
    assert [left["changes"] for left in found] == sorted(left["changes"] for left in found)


@pytest.mark.parametrize("call", ["swap", "append", "swap_settings"])
async def test_no_decision_without_its_record(monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    """A change that cannot be recorded is not made.

    S-125. A store that takes no events makes no change either.
    """
    async with running(make_world(policy=hammer.POLICY)) as world:
        boss = await world.enrolled("boss", groups=["admin"])
        await world.enrolled("bob")

        async def full(*_: object, **__: object) -> bool:
            from mfa_gate.errors import StoreUnavailable

            raise StoreUnavailable("full")

        before = await world.account("bob")
        monkeypatch.setattr(world.store, call, full)
        if call == "swap_settings":
            body = {"factors": ["totp"], "confirm": "alpha"}
            reply = await boss.api("PATCH", "admin/tenant", body)
            assert (await world.store.settings("alpha")).version == 0
        elif call == "append":
            reply = await (await world.enrolled("sue", groups=[])).api("GET", "admin/accounts")
        else:
            reply = await boss.api("POST", "admin/accounts/bob/lock", {"reason": "stolen"})
        assert (reply.status, reply.reason) == (503, "store_unavailable")
        assert await world.account("bob") == before


async def test_a_line_says_who_did_what_to_whom_where_and_why() -> None:
    """A line has the actor, the subject, the tenant, the network and the reason.

    S-124. It also has the ticket, the policy and the reference.
    """
    async with running(make_world(policy=hammer.POLICY)) as world:
        boss = await world.enrolled("boss", groups=["admin"])
        await world.enrolled("bob")
        await boss.api("POST", "admin/accounts/bob/reset", {"ticket": "T-9", "reason": "new phone"})
        found = (await boss.api("GET", "admin/events?account=bob&kind=account.reset")).json()["events"]
        assert len(found) == 1
        line = found[0]
        assert {name: line[name] for name in ("actor", "account", "tenant", "reason", "ticket")} == {
            "actor": "boss",
            "account": "bob",
            "tenant": "alpha",
            "reason": "new phone",
            "ticket": "T-9",
        }
        assert line["network"].startswith("203.0.113.7")
        assert line["policy"]
        assert line["ref"] == line["id"]


async def test_nothing_secret_is_in_the_trail() -> None:
    """S-124: no secret, code, ticket or full number is in any line of a long story."""
    async with running(make_world()) as world:
        ann = await world.enrolled()
        world.clock.advance(60)
        await ann.api("POST", "enroll", {"factor": "sms", "phone": "+1 202-555-0142"})
        await ann.enroll_email()
        await ann.guess()
        boss = await world.enrolled("boss", groups=["admin"])
        ticket = (await boss.api("POST", "admin/accounts/new/ticket", {"reason": "starts today"})).json()["ticket"]
        text = str((await world.store.events("alpha", limit=200)).items)
        for secret in (ann.secret, *ann.backup, *world.email.codes, *world.sms.codes, ticket, "5550142", "555-0142"):
            assert secret not in text
        assert "ann@alpha.example" not in text


async def test_pages_of_the_trail_have_no_gap(world_of_lines: World) -> None:
    """Page after page is the whole trail, newest first, none twice, while others write to it."""
    seen, after = [], ""
    while True:
        page = await world_of_lines.store.events("alpha", after=after, limit=7)
        seen += [event.id for event in page.items]
        await world_of_lines.store.append([Event(id=f"x{after}", kind="policy.loaded", at=2, tenant="alpha")])
        after = page.next
        if not after:
            break
    assert seen == [f"e{n}" for n in reversed(range(50))]


@pytest.fixture
async def world_of_lines() -> World:
    """Fifty lines."""
    world = make_world()
    await world.gate.web.open()
    await world.store.append([Event(id=f"e{n}", kind="attempt.failed", at=1, tenant="alpha") for n in range(50)])
    return world
