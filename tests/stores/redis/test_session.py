"""The session of a Redis store: which answers it believes.

When a tenant is registered.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from redis.exceptions import NoScriptError, ResponseError

from mfa_gate.core.trail import event_to_json
from mfa_gate.errors import SettingsError, StoreMissing, StoreUnavailable
from mfa_gate.storage import Rewrite, Take, Taken
from mfa_gate.stores.common.generation_file import Memory
from mfa_gate.stores.redis import RedisStore, limits, trail, trail_copy
from mfa_gate.stores.redis import session as session_module
from mfa_gate.stores.redis.acceptance import accept
from mfa_gate.stores.redis.first_open import Remains
from mfa_gate.stores.redis.monitor import FLUSHED
from mfa_gate.stores.redis.names import RESTORED, STORE, TENANTS, keys_of
from mfa_gate.stores.redis.pipeline import OutcomeUnknown
from mfa_gate.stores.redis.replication_ids import ReplicationIds
from mfa_gate.stores.redis.scripts import ENTER, Script
from mfa_gate.stores.redis.session import Session
from mfa_gate.stores.redis.store import mark_for
from mfa_gate.stores.redis.timing import USUAL, Timing
from mfa_gate.stores.redis.url import place_of
from mfa_gate.stores.redis.writes import Operation, change, history_of, in_tenant, landed, tenants_of, whole
from mfa_gate.testing.store_suite import event

HEAD = keys_of("clinic").head
SOME = Script("return 'x'")


class Servers:
    """Servers that give each command the next of its ``answers``.

    The last one again and again.
    """

    def __init__(self, **answers: list[Any]) -> None:
        self.answers = answers
        self.asked: list[tuple[Any, ...]] = []

    async def ask(self, key: str, *commands: Any, writes: bool = False) -> list[Any]:
        """Answer each command."""
        found = list[Any]()
        for words in commands:
            self.asked.append((key, writes, *words))
            answers = self.answers[words[0]]
            found.append(answers.pop(0) if len(answers) > 1 else answers[0])
            if isinstance(found[-1], StoreUnavailable):
                raise found[-1]
        return found

    async def primaries(self) -> tuple[Any, ...]:
        """Name one server."""
        return (("h", 1),)

    async def aclose(self) -> None:
        """Note the end."""
        self.asked.append(("closed",))

    def names(self) -> list[str]:
        """Return the commands that were sent."""
        return [words[2] for words in self.asked if len(words) > 2]


def session(**answers: list[Any]) -> Any:
    """Make the session of the store ``id``, on such servers."""
    made: Any = Session(place_of("redis://h"), mark_for(USUAL), ReplicationIds())
    made.topology = Servers(**answers)
    made.store_id = "id"
    made.confirmed = list[Any]()
    made._invalidation = SimpleNamespace(
        name="changed",
        confirm=lambda key, op: made.confirmed.append((key, op)),
        went_back=lambda: made.losses.append(1),
    )
    made.losses = list[int]()
    return made


async def test_a_refused_command() -> None:
    """An error among the replies is no answer; in trouble nothing is asked."""
    made = session(GET=[ResponseError("NOPERM no")])
    with pytest.raises(StoreUnavailable, match="Redis refuses: NOPERM no"):
        await made.ask("k", ("GET", "a"))
    made._watch = SimpleNamespace(trouble="an older copy")
    for call in (made.ask("k", ("GET", "a")), made.run(SOME, ["k"])):
        with pytest.raises(StoreUnavailable, match="an older copy"):
            await call
    assert len(made.topology.asked) == 1


@pytest.mark.parametrize("writes", [True, False])
async def test_a_script_that_the_server_does_not_have(writes: bool) -> None:
    """It is sent whole, once; a script writes unless it says otherwise."""
    made = session(EVALSHA=[NoScriptError("x")], EVAL=[[b"done"]])
    more = {} if writes else {"writes": False}
    assert await made.run(SOME, ["k", "l"], 1, "a", **more) == [b"done"]
    rest = (2, "k", "l", 1, "a")
    assert made.topology.asked == [
        ("k", writes, "EVALSHA", SOME.sha, *rest),
        ("k", writes, "EVAL", SOME.text, *rest),
    ]


@pytest.mark.parametrize(
    "answers",
    [{"EVALSHA": [ResponseError("OOM full")]}, {"EVALSHA": [NoScriptError("x")], "EVAL": [ResponseError("OOM full")]}],
)
async def test_a_script_that_is_refused(answers: dict[str, list[Any]]) -> None:
    """Its reason is told."""
    with pytest.raises(StoreUnavailable, match="Redis refuses: OOM full"):
        await session(**answers).run(SOME, ["k"])


@pytest.mark.parametrize(
    ("store", "member", "head", "answer"),
    [
        (b"id", 0, None, True),
        (b"id", 1, b"id", False),
        (b"id", 1, None, "Redis has lost the accounts of tenant 'clinic': restore them from a copy"),
        (b"id", 1, b"other", "Redis has lost the accounts of tenant 'clinic'"),
        (b"other", 0, None, FLUSHED),
        (None, 0, None, FLUSHED),
    ],
)
async def test_a_tenant_without_a_head(
    store: bytes | None, member: int, head: bytes | None, answer: bool | str
) -> None:
    """One that was never written is empty.

    One that was written is lost, or another process has just made it.
    """
    made = session(GET=[store], SISMEMBER=[member], HGET=[head])
    if isinstance(answer, bool):
        assert await made.is_unknown("clinic") is answer
    else:
        with pytest.raises(StoreUnavailable, match=answer):
            await made.is_unknown("clinic")
    assert made.topology.asked[:2] == [
        (STORE, False, "GET", STORE),
        (STORE, False, "SISMEMBER", TENANTS, "clinic"),
    ]
    assert ("HGET" in made.topology.names()) is (member == 1)


async def test_one_caller_registers_a_tenant_for_all() -> None:
    """Its head first, then the list of all tenants, and not again."""
    made = session(GET=[b"id"], SISMEMBER=[0], EVALSHA=[[b"id"]], SADD=[1], HGET=[b"id"])
    await asyncio.gather(*(made.enter("clinic") for _ in range(5)))
    assert made.topology.asked[2:] == [
        (HEAD, True, "EVALSHA", ENTER.sha, 1, HEAD, "id"),
        (STORE, True, "SADD", TENANTS, "clinic"),
    ]
    assert made._entering == {}
    await made.make_listed("clinic")
    assert "HGET" not in made.topology.names()


async def test_a_tenant_that_somebody_else_registered() -> None:
    """Nothing is written for a tenant that is there, nor into the tenant of another store."""
    made = session(GET=[b"id"], SISMEMBER=[1], HGET=[b"id"])
    await made.enter("clinic")
    assert made.topology.names() == ["GET", "SISMEMBER", "HGET"]
    made = session(GET=[b"id"], SISMEMBER=[0], EVALSHA=[[b"other"]])
    with pytest.raises(StoreUnavailable, match="the accounts of tenant 'clinic' in Redis belong to another store"):
        await made.enter("clinic")
    assert "SADD" not in made.topology.names()


async def test_a_tenant_that_was_written_is_not_registered_again() -> None:
    """A settled number says that it was there (S-123)."""
    made = session(GET=[b"id"], SISMEMBER=[0])
    made._high_water_mark.settled["clinic"] = 3
    with pytest.raises(StoreUnavailable, match="Redis holds an older copy of the store"):
        await made.enter("clinic")
    assert made.topology.asked == []


@pytest.mark.parametrize(("head", "is_listed"), [(b"id", True), (None, False), (b"other", False)])
async def test_a_tenant_outside_of_the_list(head: bytes | None, is_listed: bool) -> None:
    """A registered one is added to it, once for each session; another is not."""
    made = session(HGET=[head], SADD=[1])
    for _ in range(2):
        await made.make_listed("clinic")
    assert made.topology.names() == (["HGET", "SADD"] if is_listed else ["HGET", "HGET"])


@pytest.mark.parametrize(
    ("number", "newest", "settled", "losses", "refused"),
    [
        (b"5", 5, 5, 0, False),
        (b"4", 5, 4, 1, False),
        (b"5", 4, 5, 0, False),
        (b"4", 0, 5, 0, True),
        (b"4", 9, 5, 1, True),
        (None, 0, 0, 0, False),
        (None, 1, 0, 1, False),
    ],
)
async def test_a_number_that_is_behind(
    number: bytes | None, newest: int, settled: int, losses: int, refused: bool
) -> None:
    """Less than was settled is an older copy.

    Less than was heard of is a loss, which is put back.
    """
    made, looks = session(), list[int]()
    made._high_water_mark.settled["clinic"] = settled
    made._watch = SimpleNamespace(trouble="", look_soon=lambda: looks.append(1))
    if refused:
        with pytest.raises(StoreUnavailable, match="tenant 'clinic': change 4; 5 was here"):
            made.require_current("clinic", number, newest)
    else:
        made.require_current("clinic", number, newest)
    assert (len(made.losses), len(looks)) == (losses, int(refused))
    assert made.newest("clinic") == (int(number or 0) if losses else 0)
    assert made.newest("another") == 0


class Started(Session):
    """A session that starts without a listener and a watch."""

    def __init__(self, answers: dict[str, list[Any]], memory: Memory | None = None, **known: Any) -> None:
        self.file = None if memory is None else SimpleNamespace(require=self._require)
        self.required: list[str] = []
        self.memory = memory
        mark = mark_for(USUAL)
        mark.store_id = known.get("known", "")
        super().__init__(place_of("redis://u:p@h"), mark, ReplicationIds(), generation_file=self.file)  # type: ignore[arg-type]
        self.servers = Servers(**answers)
        self.topology = self.servers

    def _require(self, store_id: str) -> Memory | None:
        self.required.append(store_id)
        return self.memory

    async def begin(self, store_id: str = "", *, make: bool = True) -> None:
        """Start, and end what was started."""
        try:
            await self.start(store_id, make=make)
        finally:
            await self.aclose()


@pytest.fixture
def remains(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The faults and remains at the servers."""
    found: dict[str, Any] = {"faults": [], "keys": (), "databases": ()}

    async def faults_at(place: object, addresses: object, *, rights: bool) -> Any:
        assert (addresses, rights) == ((("h", 1),), True)
        return found["faults"]

    async def remains_at(place: object, addresses: object) -> Remains:
        assert addresses == (("h", 1),)
        return Remains(found["keys"], found["databases"])

    monkeypatch.setattr(session_module, "faults_at", faults_at)
    monkeypatch.setattr(session_module, "remains_at", remains_at)
    return found


async def test_all_faults_of_the_servers_stop_the_start(remains: dict[str, Any]) -> None:
    """Each with the URL, without its password."""
    remains["faults"] = ["one", "two"]
    made = Started({})
    with pytest.raises(SettingsError) as caught:
        await made.begin()
    assert caught.value.faults == ("store 'redis://…@h': one", "store 'redis://…@h': two")


async def test_a_store_that_is_there(remains: dict[str, Any]) -> None:
    """Its id is taken, with the time of the last acceptance and what this machine remembers."""
    made = Started({"GET": [b"id", b"77"]}, Memory("id", 80, {"clinic": 5}))
    await made.begin()
    assert (made.store_id, made.restored_at, made.required) == ("id", 80, ["id"])
    assert made._high_water_mark.settled == {"clinic": 5}
    assert made.servers.asked[:2] == [(STORE, False, "GET", STORE), (STORE, False, "GET", RESTORED)]


@pytest.mark.parametrize(("store_id", "found"), [("id", b"id"), ("id", b"other"), ("id", None)])
async def test_the_store_that_must_be_there(remains: dict[str, Any], store_id: str, found: bytes | None) -> None:
    """A session that begins later takes no other store, and makes none.

    The file was read before.
    """
    made = Started({"GET": [found, None]}, Memory("id", 0, {}))
    if found == b"id":
        await made.begin(store_id)
        assert made.store_id == "id"
    else:
        with pytest.raises(StoreUnavailable, match="Redis no longer holds the store that was opened"):
            await made.begin(store_id)
    assert made.required == []


async def test_a_store_that_this_process_has_seen(remains: dict[str, Any]) -> None:
    """It is not made anew in silence, whatever is asked for (F-8)."""
    made = Started({"GET": [None]}, known="id")
    with pytest.raises(SettingsError, match=r"store 'redis://…@h': Redis no longer holds the store that was opened"):
        await made.begin()
    assert "SET" not in made.servers.names()


async def test_a_store_is_made(remains: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    """With a new id, and a warning that names other databases with a store (F-6)."""
    remains["databases"] = ("3", "5")
    made = Started({"GET": [None], "SET": [None]})
    await made.begin()
    assert len(bytes.fromhex(made.store_id)) == 16
    written = next(words for words in made.servers.asked if "SET" in words)
    assert written == (STORE, True, "SET", STORE, made.store_id.encode(), "NX", "GET")
    (warned,) = [record.getMessage() for record in caplog.records]
    assert warned.startswith(
        "Redis held no store at redis://…@h: a new, empty one was made, in which nobody is enrolled"
    )
    assert warned.endswith("; database 3 of this server holds a store; database 5 of this server holds a store")


@pytest.mark.parametrize(
    ("keys", "known", "make", "kind", "words"),
    [
        (("k1", "k2"), None, True, SettingsError, r"Redis holds parts of a store \(k1\) but not the store itself"),
        (("k1",), None, False, SettingsError, r"Redis holds parts of a store \(k1\)"),
        ((), None, False, StoreMissing, "database 3 of this server holds a store"),
        (("k1",), b"theirs", False, None, ""),
        ((), b"theirs", True, None, ""),
    ],
)
async def test_a_store_is_not_made(
    remains: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
    keys: tuple[str, ...],
    known: bytes | None,
    make: bool,
    kind: type[Exception] | None,
    words: str,
) -> None:
    """Parts of one lie there, none may be made, or another worker was faster."""
    remains |= {"keys": keys, "databases": ("3",)}
    made = Started({"GET": [None, None, known]})
    if kind is None:
        await made.begin(make=make)
        assert made.store_id == "theirs"
    else:
        with pytest.raises(kind, match=words):
            await made.begin(make=make)
    assert "SET" not in made.servers.names()
    assert caplog.records == []


@pytest.mark.parametrize(
    ("settled", "restored_at", "trouble", "looks"),
    [({}, 0, "old", 0), ({"t": 1}, 0, "", 1), ({}, 5, "", 1), ({"t": 1}, 5, "old", 1)],
)
async def test_the_newest_store_is_required(
    settled: dict[str, int], restored_at: int, trouble: str, looks: int
) -> None:
    """A process or machine that knows how far it had come looks before it starts."""
    made, looked = session(), list[int]()
    made._high_water_mark.settled, made._high_water_mark.restored_at = settled, restored_at

    async def look() -> None:
        looked.append(1)

    made._watch = SimpleNamespace(look=look, trouble=trouble)
    if trouble and looks:
        with pytest.raises(SettingsError, match="store 'redis://h': old"):
            await made.require_newest()
    else:
        await made.require_newest()
    assert len(looked) == looks
    made._watch = None
    await made.require_newest()


@pytest.mark.parametrize(
    ("trouble", "regained", "is_done"), [("", True, True), ("", False, False), ("old", True, False)]
)
async def test_servers_that_are_back(trouble: str, regained: bool, is_done: bool) -> None:
    """Lost changes are put back only into a sound store."""
    made, looked = session(), list[int]()

    async def returned() -> None:
        looked.append(1)

    async def regain() -> bool:
        looked.append(2)
        return regained

    made._watch, made._on_return = SimpleNamespace(returned=returned, trouble=trouble), regain
    assert await made._returned() is is_done
    assert looked == ([1] if trouble else [1, 2])


async def test_changes_are_told_by_the_process_that_listens() -> None:
    """Not by a fork, and not in trouble.

    Before the listener is there, everything may have changed.
    """
    made = Session(place_of("redis://h"), mark_for(USUAL), ReplicationIds())
    assert (made.changes(), made.trouble) == (None, "")
    log: Any = object()
    made._invalidation = SimpleNamespace(log=log)  # type: ignore[assignment]
    made._watch = SimpleNamespace(trouble="")  # type: ignore[assignment]
    assert made.changes() is log
    made._watch = SimpleNamespace(trouble="old")  # type: ignore[assignment]
    with pytest.raises(StoreUnavailable, match="old"):
        made.changes()
    for child, forked in ((False, False), (True, True), (False, True)):
        made.after_fork(child=child)
        assert made.forked is forked
    with pytest.raises(StoreUnavailable, match="the Redis store is not open"):
        made.changes()


OPERATION = Operation("clinic", "alice", "op2", "row", ("v", "o", "h"), 2)


@pytest.mark.parametrize(
    ("reply", "history", "is_told"), [([b"done", b"2 op1 op2"], "2 op1 op2", True), ([b"lost"], None, False)]
)
async def test_a_change(reply: list[bytes], history: str | None, is_told: bool) -> None:
    """A change that was done is told at once; one that lost to another writer is not."""
    made = session(HGET=[b"id"], SADD=[1], EVALSHA=[reply])
    assert await change(made, OPERATION, SOME, [HEAD], 7, reads_back=True) == history
    assert made.topology.asked[-1] == (
        *(HEAD, True, "EVALSHA", SOME.sha, 1, HEAD, "id"),
        *("changed", '["clinic", "alice", "op2"]', 7),
    )
    assert [(key.id, op) for key, op in made.confirmed] == ([("alice", "op2")] if is_told else [])


@pytest.mark.parametrize(
    ("reads_back", "row", "is_done"),
    [
        (True, [b"2", b"op2", b"2 op1 op2"], True),
        (True, [b"3", b"op3", b"3 op2 op3"], True),
        (True, [b"2", b"opx", b"2 op1 opx"], False),
        (True, [None, None, None], False),
        (True, StoreUnavailable("away"), False),
        (False, [b"2", b"op2", b"2 op1 op2"], False),
    ],
)
async def test_a_change_without_a_reply(reads_back: bool, row: Any, is_done: bool) -> None:
    """It is looked for by its name, and never done a second time (F-7)."""
    made = session(HGET=[b"id"], SADD=[1], EVALSHA=[OutcomeUnknown("no reply")], HMGET=[row])
    if is_done:
        assert await change(made, OPERATION, SOME, [HEAD], reads_back=reads_back) == row[2].decode()
    else:
        with pytest.raises(OutcomeUnknown, match="no reply"):
            await change(made, OPERATION, SOME, [HEAD], reads_back=reads_back)
    assert len(made.confirmed) == is_done
    assert made.topology.names().count("EVALSHA") == 1
    assert ("HMGET" in made.topology.names()) is reads_back


@pytest.mark.parametrize(("later", "is_read_back"), [(0.6, True), (0.61, False)])
async def test_a_change_that_took_too_long_is_not_looked_for(
    monkeypatch: pytest.MonkeyPatch, later: float, is_read_back: bool
) -> None:
    """The caller gets its answer within a second (F-1)."""
    made, clock = session(HGET=[b"id"], SADD=[1], HMGET=[[b"2", b"op2", None]]), [100.0]
    made.loop = SimpleNamespace(time=lambda: clock[0])

    async def run(*_: object) -> Any:
        clock[0] += later
        raise OutcomeUnknown("no reply")

    monkeypatch.setattr(made, "run", run)
    if is_read_back:
        assert await change(made, OPERATION, SOME, [HEAD], reads_back=True) == "2 op2"
    else:
        with pytest.raises(OutcomeUnknown):
            await change(made, OPERATION, SOME, [HEAD], reads_back=True)


async def test_a_read_back_that_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says nothing."""
    made = session()

    async def ask(*_: object) -> Any:
        raise TimeoutError

    monkeypatch.setattr(made, "ask", ask)
    assert await landed(made, OPERATION) is None


@pytest.mark.parametrize(
    ("replies", "entered", "answer"),
    [
        ([[b"done"]], 0, [b"done"]),
        ([[b"gone"], [b"done"]], 1, [b"done"]),
        ([[b"gone"], [b"gone"]], 1, "Redis has lost the accounts of tenant 'clinic'"),
    ],
)
async def test_a_script_in_a_tenant(
    monkeypatch: pytest.MonkeyPatch, replies: list[Any], entered: int, answer: list[bytes] | str
) -> None:
    """A new tenant is registered first, and the script runs again, once."""
    made, calls = session(HGET=[b"id"], SADD=[1], EVALSHA=[*replies]), list[str]()

    async def enter(tenant: str) -> None:
        calls.append(tenant)

    monkeypatch.setattr(made, "enter", enter)
    if isinstance(answer, str):
        with pytest.raises(StoreUnavailable, match=answer):
            await in_tenant(made, "clinic", SOME, [HEAD], "a")
    else:
        assert await in_tenant(made, "clinic", SOME, [HEAD], "a") == answer
    assert calls == ["clinic"] * entered
    assert made.topology.names().count("EVALSHA") == 1 + entered


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ((None, None, None), ""),
        ((b"3", b"op3", b"3 op2 op3"), "3 op2 op3"),
        ((b"3", b"op3", b"2 op1 op2"), "3 op3"),
        ((b"3", b"op3", None), "3 op3"),
        ((b"3", None, None), "3 "),
        ((None, None, b"2 op1"), "2 op1"),
    ],
)
def test_the_history_of_a_row(row: tuple[bytes | None, ...], text: str) -> None:
    """A history of another version is not the row's; then it begins with the row's operation."""
    assert history_of(*row).text == text


@pytest.mark.parametrize(
    ("reply", "number"), [(None, 0), (b"0", 0), (b"12", 12), (b"", None), (b"-1", None), (b"x", None)]
)
def test_a_version(reply: bytes | None, number: int | None) -> None:
    """A row whose version is no number is damaged, and no row of version 0."""
    if number is None:
        with pytest.raises(StoreUnavailable, match="its version is no number"):
            whole(reply)
    else:
        assert whole(reply) == number


async def test_the_list_of_tenants_of_another_store() -> None:
    """It is not read: every tenant would look unknown."""
    made = session(GET=[b"id"], SMEMBERS=[[b"b", b"a"]])
    assert await tenants_of(made) == ["a", "b"]
    made = session(GET=[b"other"], SMEMBERS=[[b"a"]])
    with pytest.raises(StoreUnavailable) as caught:
        await tenants_of(made)
    assert str(caught.value) == FLUSHED


@pytest.mark.parametrize("before", [None, b"5", b"9999999999"])
async def test_accepting(before: bytes | None) -> None:
    """Each tenant first, and the store last; a later acceptance is later by a second at least."""
    made = session(
        GET=[b"id", before], TIME=[[b"100", b"7"]], SMEMBERS=[[b"b", b"a"]], EVALSHA=[[b"done"]], SET=[b"OK"]
    )
    await accept(made, None)
    at = max(100, int(before or 0) + 1)
    *tenants, last = [words for words in made.topology.asked if words[2] in ("EVALSHA", "SET")]
    assert last == (STORE, True, "SET", RESTORED, at)
    assert [words[0] for words in tenants] == [keys_of(tenant).head for tenant in "ab"]
    assert all((words[6], words[7], words[9]) == ("id", "mfa_gate:changed:id", at) for words in tenants)


@pytest.mark.parametrize(
    ("found", "reply", "words"),
    [
        (None, b"done", "Redis holds no store: put a copy in place first"),
        (b"id", b"gone", "the accounts of tenant 'a' in Redis belong to another store: put one whole copy in place"),
    ],
)
async def test_nothing_to_accept(found: bytes | None, reply: bytes, words: str) -> None:
    """No store, and a part of another one, are not accepted."""
    made = session(GET=[found, None], TIME=[[b"100", b"7"]], SMEMBERS=[[b"a"]], EVALSHA=[[reply]], SET=[b"OK"])
    with pytest.raises(SettingsError, match=words):
        await accept(made, None)
    assert "SET" not in made.topology.names()


async def test_a_machine_that_used_another_store_accepts_nothing() -> None:
    """Its file is asked first, with the id that is there now."""
    required = list[str]()

    def require(store_id: str) -> None:
        required.append(store_id)
        raise SettingsError("another store")

    file: Any = SimpleNamespace(require=require)
    for found, store_id in ((b"id", "id"), (None, "")):
        made = session(GET=[found, None], TIME=[[b"100", b"7"]], SMEMBERS=[[]])
        with pytest.raises(SettingsError, match="another store"):
            await accept(made, file)
        assert required[-1] == store_id


async def test_a_session_without_a_memory_owes_nothing() -> None:
    """Its servers have all that it wrote as soon as they are back."""
    made = Session(place_of("redis://h"), mark_for(USUAL), ReplicationIds())
    assert await made._returned() is True
    made.went_back()
    await made.require_newest()


async def test_a_start_that_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an outage, and all that was begun is closed."""
    closed = list[int]()

    async def start(session: Session, store_id: str, *, make: bool) -> None:
        await asyncio.sleep(60)

    async def aclose(session: Session) -> None:
        closed.append(1)

    monkeypatch.setattr(Session, "start", start)
    monkeypatch.setattr(Session, "aclose", aclose)
    store = RedisStore("redis://h", timing=Timing(start_within=0.01))
    with pytest.raises(StoreUnavailable, match="Redis did not answer in time"):
        await store.open()
    assert closed == [1]
    assert (store.generation_file, RedisStore("redis://h?marker=/m").generation_file) == ("", "/m")


@pytest.mark.parametrize("replicas", [0, 1])
def test_with_replicas_nothing_is_read_back(replicas: int) -> None:
    """A change that is there may not be safe (S-114)."""
    store = RedisStore("redis://h", replicas=replicas)
    assert (store._accounts._reads_back, store._settings._reads_back) == (not replicas, not replicas)


@pytest.mark.parametrize(
    ("regained", "is_done"), [((True, True), True), ((True, False), False), ((False, True), False)]
)
async def test_settings_and_accounts_are_both_put_back(regained: tuple[bool, bool], is_done: bool) -> None:
    """Each is tried, also if the other has failed."""
    store: Any = RedisStore("redis://h")
    tried = list[str]()

    def rows(name: str, answer: bool) -> Any:
        async def regain() -> bool:
            tried.append(name)
            return answer

        return SimpleNamespace(regain=regain, owe=lambda: tried.append(f"{name} owed"))

    store._settings, store._accounts = rows("settings", regained[0]), rows("accounts", regained[1])
    assert await store._regain() is is_done
    store._owe()
    assert tried == ["settings", "accounts", "settings owed", "accounts owed"]


async def test_others_rewrite_all_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rewriting that loses again and again is refused.

    One that wins, or has nothing to do, is done.
    """
    tries = list[int]()

    async def rewritten(*_: object) -> bool:
        tries.append(1)
        return len(tries) == trail_copy.TURNS

    monkeypatch.setattr(trail_copy, "_rewritten", rewritten)
    nowhere: Any = None
    await trail_copy.rewrite(nowhere, "clinic", [])
    assert tries == []
    await trail_copy.rewrite(nowhere, "clinic", [Rewrite(1, "a", "b")])
    assert len(tries) == trail_copy.TURNS
    with pytest.raises(StoreUnavailable, match="others rewrite the trail of tenant 'clinic' now"):
        await trail_copy.rewrite(nowhere, "clinic", [Rewrite(1, "a", "b")])
    assert len(tries) == 2 * trail_copy.TURNS


@pytest.mark.parametrize(
    ("times", "now", "gone", "looks"),
    [
        ([200] * 5, 100, 0, [3, 9]),
        ([200] * 4 + [5], 100, 5, [3, 9]),
        ([200, 200], 100, 0, [3]),
        ([200, 50, 200], 100, 0, [3]),
        ([5, 5, 50], 100, 2, [3]),
    ],
)
async def test_lines_ahead_of_the_clock_are_looked_past(
    monkeypatch: pytest.MonkeyPatch, times: list[int], now: int, gone: int, looks: list[int]
) -> None:
    """A later line decides where a whole piece lies ahead; one further look is enough."""
    monkeypatch.setattr(trail, "PRUNED_AT_ONCE", 3)
    monkeypatch.setattr(trail, "MOST_SEEN", 9)
    lines = [
        (
            b"%d-0" % number,
            [b"k", b"x", b"l", event_to_json(replace(event(number), at=at)).encode(), b"d", b"%d" % number],
        )
        for number, at in enumerate(times)
    ]
    asked = list[int]()

    class Stream:
        """A stream of these lines."""

        store_id = "id"

        async def ask(self, key: str, command: Any) -> list[Any]:
            asked.append(command[-1])
            return [lines[: command[-1]]]

    async def in_tenant(session: object, tenant: str, script: object, keys: list[str], *marks: Any) -> list[bytes]:
        del lines[: len(marks[2:]) // 2]
        return [b"done"]

    monkeypatch.setattr(trail, "in_tenant", in_tenant)
    stream: Any = Stream()
    assert await trail.prune(stream, "clinic", before=10, limit=100, now=now) == gone
    assert asked[: len(looks)] == looks


@pytest.mark.parametrize(("replies", "gone"), [([b"done"], 2), ([b"lost"], 0)])
async def test_lines_that_another_process_has_pruned(
    monkeypatch: pytest.MonkeyPatch, replies: list[bytes], gone: int
) -> None:
    """They are not counted."""
    lines = [
        (b"%d-0" % n, [b"", b"", b"", event_to_json(replace(event(n), at=5)).encode(), b"", b"d"]) for n in range(2)
    ]

    async def ask(*_: object) -> list[Any]:
        return [lines]

    async def in_tenant(*_: object) -> list[bytes]:
        return replies

    monkeypatch.setattr(trail, "in_tenant", in_tenant)
    stream: Any = SimpleNamespace(ask=ask)
    assert await trail.prune(stream, "clinic", before=10, limit=9, now=100) == gone


@pytest.mark.parametrize(
    ("waits", "answer", "asked"),
    [
        ([0], Taken(totals=(7,)), ["take a"]),
        ([5], Taken(refused=0, wait=5), ["take a"]),
        ([0, 0, 0, 0], Taken(totals=(7, 7)), ["look a", "look b", "take a", "take b"]),
        ([0, 5], Taken(refused=1, wait=5), ["look a", "look b"]),
        ([0, 0, 0, 5], Taken(refused=1, wait=5), ["look a", "look b", "take a", "take b"]),
    ],
)
async def test_buckets_are_looked_at_first(waits: list[int], answer: Taken, asked: list[str]) -> None:
    """Several are looked at before any is taken from; one alone costs one round trip."""
    calls = list[str]()
    takes = [Take(bucket=name, limit=9, window=60, at=1_000, count=2) for name in ("ab" if len(waits) > 1 else "a")]

    async def run(script: object, keys: list[str], *given: int, writes: bool) -> list[int]:
        assert given[:4] == (9, 60, 1_000, 2)
        assert bool(given[4]) is writes
        calls.append(f"{'take' if writes else 'look'} {keys[0][-1]}")
        return [waits.pop(0), 7]

    made: Any = SimpleNamespace(run=run)
    assert await limits.take_all(made, takes) == answer
    assert calls == asked


async def test_the_total_of_a_bucket_takes_nothing() -> None:
    """It looks, and so it may be asked of a full store."""

    async def run(script: object, keys: list[str], *given: int, writes: bool) -> list[int]:
        assert (given, writes) == ((1, 60, 1_000, 0, 0), False)
        return [0, 7]

    made: Any = SimpleNamespace(run=run)
    assert await limits.total(made, "b", window=60, now=1_000) == 7
