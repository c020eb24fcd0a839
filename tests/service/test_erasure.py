"""After a person is forgotten, no byte of them is left in a store."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mfa_gate import Subject
from mfa_gate.core.model import SubjectKey
from mfa_gate.service import Actor, Done
from mfa_gate.service.trail_verification import verify_trail
from mfa_gate.stores.common.buried_rows import buried_id
from tests.harness import World, email_of, make_world, running
from tests.stores import postgres_servers, servers

ZOE = "zoe.smith-4711"
WORDS = (ZOE, "Zoe.Smith-4711", email_of(ZOE), "192.0.2.77", "2025550187", "202-555-0187", "blue telephone")
"""Everything that says who the person is: id, name, address, network, number, own words."""
OPERATOR = Actor(name="operator:eve")
Dump = Callable[[], bytes]


async def lived(world: World) -> None:
    """Let a person do all that leaves something in a store."""
    zoe = await world.enrolled(ZOE, groups=["admin"], address="192.0.2.77")
    await zoe.enroll_email()
    begun = await zoe.api("POST", "enroll", {"factor": "sms", "phone": "+1 202-555-0187"})
    assert begun.status == 201
    await zoe.api("POST", "enroll/confirm", {"enrollment": begun.json()["enrollment"], "response": world.sms.codes[-1]})
    await zoe.page("/mfa")
    await zoe.api("POST", "admin/accounts/bob/lock", {"reason": f"{ZOE} says so"})
    await zoe.api("GET", "admin/accounts/nobody")
    other = await world.browser(ZOE, address="192.0.2.77")
    await other.lock()
    await other.api("POST", "recovery", {"about": "my blue telephone is lost"})
    await world.engine.effects.idle()


def found_in(dump: bytes) -> list[str]:
    """List the words about the person that stand in the bytes."""
    return [word for word in WORDS if word.encode() in dump]


async def forgotten(world: World, dump: Dump) -> None:
    """Forget the person at the desk, and look for what is left."""
    await world.enrolled("bob")
    await lived(world)
    assert len(found_in(dump())) >= 2, "the dump would show nobody"
    key = SubjectKey("alpha", ZOE)
    done = await world.gate.service.account_desk.act(OPERATOR, "forget", key, reason="has left")
    assert isinstance(done, Done)
    assert done.pseudonym
    await world.engine.effects.idle()
    left = dump()
    assert found_in(left) == []
    assert done.pseudonym.encode() in left
    assert await verify_trail(world.store) == {}
    exported = json.dumps([link.line for link in await world.store.links("alpha", limit=10_000)])
    assert found_in(exported.encode()) == []
    assert (await world.account(ZOE)).forgotten_at
    await world.enrolled(ZOE)
    assert [account.id for account in await world.store.keys()] == ["bob", ZOE]
    assert (await world.account(ZOE)).version > 1
    assert (await world.gate.forget(Subject(ZOE, "alpha"))).pseudonym
    assert found_in(dump()) == []


async def test_no_byte_in_a_file(tmp_path: Path) -> None:
    """Nothing is left in the file and in its log, while the store is open."""
    file = tmp_path / "mfa.db"

    def dump() -> bytes:
        return b"".join(part.read_bytes() for part in tmp_path.iterdir() if part.name.startswith(file.name))

    async with running(make_world(store=f"sqlite:///{file}")) as world:
        await forgotten(world, dump)


def rested(server: servers.Server) -> None:
    """Wait until the server writes its log anew no more."""
    while any(server.say("INFO", "persistence")[f"aof_rewrite_{word}"] for word in ("in_progress", "scheduled")):
        time.sleep(0.02)


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[servers.Server]:
    """A server that writes its log."""
    with servers.single(tmp_path) as server:
        yield server


@pytest.mark.long
async def test_no_byte_in_redis_and_its_log(redis_server: servers.Server, tmp_path: Path) -> None:
    """Nothing is left in the log of Redis after it was rewritten."""

    def dump() -> bytes:
        rested(redis_server)
        redis_server.say("BGREWRITEAOF")
        rested(redis_server)
        found = (tmp_path / "redis" / "appendonlydir").iterdir()
        return b"".join(part.read_bytes() for part in found if part.suffix != ".manifest")

    async with running(make_world(store=f"redis://127.0.0.1:{redis_server.port}/0")) as world:
        await forgotten(world, dump)


@pytest.mark.long
async def test_no_byte_in_the_tables_of_postgres() -> None:
    """Nothing is left in any table."""
    server = postgres_servers.shared()
    url = server.schema()
    schema = url.partition("schema=")[2]

    def dump() -> bytes:
        tables = server.say("SELECT tablename FROM pg_tables WHERE schemaname = %s", schema)
        rows = [row for (table,) in tables for row in server.say(f'SELECT t::text FROM "{schema}"."{table}" t')]
        bodies = server.say(f'SELECT body FROM "{schema}".account')
        return "\n".join(row[0] for row in rows).encode() + b"".join(bytes(row[0]) for row in bodies)

    async with running(make_world(store=url)) as world:
        await forgotten(world, dump)


def test_the_buried_place_tells_nothing() -> None:
    """The name of a buried row holds no part of the id, and no two people share one."""
    one, other = SubjectKey("a", "bc"), SubjectKey("ab", "c")
    assert buried_id(one) != buried_id(other)
    assert len({buried_id(SubjectKey("t", os.urandom(8).hex())) for _ in range(100)}) == 100
    assert ZOE not in buried_id(SubjectKey("alpha", ZOE))
