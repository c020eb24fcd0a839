"""A user of Redis that lacks a right stops the start, instead of each sign-in later."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from redis.exceptions import ResponseError

from mfa_gate.errors import SettingsError
from mfa_gate.stores.redis import RedisStore
from mfa_gate.stores.redis.first_open import faults_at
from mfa_gate.stores.redis.rights import HOW_TO_GIVE, NEEDED, fault_of_rights

from .. import servers
from ..faults import MORE_READS, MORE_WRITES, READS, WRITES, prepared, silence
from ..patience import REDIS

BEFORE = {"HELLO", "AUTH", "SELECT", "CLIENT"}
"""A connection begins with them; without them there is none."""
FOR_LINES = {"XDEL", "RENAME", "PERSIST"}
"""What removes or rewrites lines of the trail needs them besides."""
CALLS = {name: call for name, call in (READS | MORE_READS | WRITES | MORE_WRITES).items() if name != "lines_with"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    """One server for the file."""
    with servers.single(tmp_path_factory.mktemp("rights")) as made:
        yield made


def store_for(server: servers.Server, *rules: str, more: str = "") -> RedisStore:
    """Return a store with a user who has these rules."""
    server.say("ACL", "SETUSER", "app", "reset", "on", ">pw", *rules)
    return RedisStore(f"redis://app:pw@127.0.0.1:{server.port}/0{more}", timing=REDIS)


@pytest.mark.parametrize(
    ("rules", "named"),
    [
        ("~mfa_gate:* resetchannels +@all", "PUBLISH, SUBSCRIBE"),
        ("~mfa_gate:* &mfa_gate:* +@all -@dangerous", "INFO"),
        ("~mfa_gate:* &* +@all -@scripting", "EVAL: .*"),
        ("~mfa_gate:* &* +@all -publish", "PUBLISH"),
        ("~mfa_gate:* &* +@all -echo -time", "ECHO, TIME"),
        ("%R~mfa_gate:* &* +@all", r"DEL, UNLINK, SET and \d+ more"),
        ("~other:* &* +@all", r"GET, SMEMBERS, ZCARD and \d+ more"),
    ],
)
async def test_a_user_that_lacks_a_right(server: servers.Server, rules: str, named: str) -> None:
    """The start is refused with the name of the right, and with the way to give it."""
    store = store_for(server, *rules.split())
    with pytest.raises(SettingsError, match=rf"the user app lacks rights \({named}\).*ACL SETUSER app") as refused:
        await store.open()
    assert len(refused.value.faults) == 1
    await store.aclose()


async def test_waiting_for_a_replica_is_a_right(server: servers.Server) -> None:
    """It is needed where changes wait for replicas."""
    rules = ("~*", "&*", "+@all", "-wait")
    store = store_for(server, *rules, more="?replicas=1")
    with pytest.raises(SettingsError, match=r"lacks rights \(WAIT\)"):
        await store.open()
    await store.aclose()
    store = store_for(server, *rules)
    await store.open()
    await store.aclose()


async def test_the_rules_that_are_advised_are_enough(server: servers.Server) -> None:
    """Every call is answered, with commands that are looked for at the start."""
    server.say("FLUSHALL")
    server.say("CONFIG", "RESETSTAT")
    store = store_for(server, *HOW_TO_GIVE.split())
    await store.open()
    await prepared(store)
    await silence(store)
    for call in CALLS.values():
        await call(store)
    await store.aclose()
    used = {name.removeprefix("cmdstat_").upper() for name in server.say("INFO", "commandstats")}
    asked = {words.split()[0] for words in NEEDED} | FOR_LINES | {"EVAL", "XINFO|STREAM", "CONFIG|GET"}
    assert used - {"ACL|SETUSER", "FLUSHALL", "CONFIG|RESETSTAT", *BEFORE} - {"CLIENT|SETINFO"} <= asked


async def test_a_right_that_is_lost_while_workers_run(server: servers.Server) -> None:
    """Those who have a proof go on: the looks at the servers do not refuse what can be read.

    Without ``INFO`` nobody can tell if the data is safe.
    """
    store = store_for(server, *HOW_TO_GIVE.split(), "-publish")
    place, addresses = store._place, [("127.0.0.1", server.port)]
    assert await faults_at(place, addresses) == []
    server.say("ACL", "SETUSER", "app", "-info")
    (told,) = await faults_at(place, addresses)
    assert "INFO is refused (this user has no permissions" in told


def test_no_answer_is_no_fault() -> None:
    """A server that knows no such question, or gives all rights, answers with nothing."""
    assert fault_of_rights([], "") == ""
    assert fault_of_rights([b"SET"], "").startswith("the user default lacks rights (SET), so")
    assert "(EVAL: no)" in fault_of_rights(ResponseError("no"), "x")
