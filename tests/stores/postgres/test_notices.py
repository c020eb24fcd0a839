"""Each notice of PostgreSQL, by its number.

Which account is told, and when all may have changed.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from mfa_gate.errors import StoreUnavailable
from mfa_gate.storage import EVERYTHING, Changed, Reader
from mfa_gate.stores.common.change_log import told
from mfa_gate.stores.common.high_water_mark import HighWaterMark
from mfa_gate.stores.postgres import invalidation
from mfa_gate.stores.postgres.invalidation import Invalidation
from mfa_gate.stores.postgres.monitor import GONE, History, State, Watch
from mfa_gate.stores.postgres.outcomes import Missing
from mfa_gate.stores.postgres.schema import SCHEMA
from mfa_gate.stores.postgres.url import place_of
from mfa_gate.testing.store_suite import ALICE, BOB

from ..operations import remembers_the_latest
from ..patience import POSTGRES

PLACE = place_of("postgresql://h/d", timing=POSTGRES)


def state(changes: int, **more: Any) -> State:
    """Make the store's state with a number of changes."""
    parts = {"store": "s", "version": SCHEMA, "restored_at": 0, "synchronous": "on", "is_hidden": False}
    return State(changes=changes, **{**parts, **more})


class Heard:
    """A listener that no server speaks to; a test does."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []
        self.state = state(3)
        self.fault: Exception | None = None
        mark = HighWaterMark("PostgreSQL", settled_after=60.0, noted_together=5.0)
        mark.begin("s", 0)
        self.watch = Watch(PLACE, "s", mark, History(), None, on_loss=lambda: self.listener.went_back())
        dialer: Any = None
        self.listener = Invalidation(dialer, "channel", self.watch, POSTGRES, read_state=self.read_state, say=self.say)
        self.reader = Reader()

    async def read_state(self, connection: object) -> State:
        """Answer the question for the state."""
        if self.fault is not None:
            raise self.fault
        return self.state

    async def say(self, channel: str, payload: str) -> None:
        """Note what is sent to all listeners."""
        self.said.append((channel, payload))

    async def ask(self, expected: int = 0) -> int:
        """Ask for the state, as the listener does at each beat."""
        connection: Any = None
        found = await self.listener._ask(connection, expected)
        await self.listener._greet()
        return found

    def hear(self, *said: object) -> None:
        """Hear a notice."""
        self.listener._hear(json.dumps(said))

    def told(self) -> Changed:
        """Tell what a reader has not heard yet."""
        return told(self.listener.log, self.reader)


@pytest.fixture
async def heard() -> Heard:
    """A listener to which notices come, at change 3."""
    made = Heard()
    await made.ask()
    assert made.told() is EVERYTHING
    ((channel, hello),) = made.said
    assert channel == "channel"
    made.listener._hear(hello)
    assert made.told() is EVERYTHING
    assert made.told() == frozenset()
    return made


async def test_the_next_number_names_its_account(heard: Heard) -> None:
    """A notice that is the next one changes the account that it names, and no other."""
    heard.hear(4, "clinic", "alice", "op4")
    assert heard.told() == frozenset({ALICE})
    heard.hear(5, "clinic", "bob", "op5")
    heard.hear(6, "clinic", "alice", "op6")
    assert heard.told() == frozenset({ALICE, BOB})
    assert heard.watch.newest == 6
    assert heard.told() == frozenset()


@pytest.mark.parametrize("numbers", [[5], [4, 6], [4, 4], [4, 5, 4], [4, 3], [4, 9, 10]])
async def test_a_gap_or_a_number_that_comes_again(heard: Heard, numbers: list[int]) -> None:
    """One that is missing may have named anybody.

    One that comes again says that the data went back.
    """
    for place, number in enumerate(numbers):
        heard.hear(number, "clinic", "alice", f"op{place}")
    assert heard.told() is EVERYTHING
    last = numbers[-1]
    heard.hear(last + 1, "clinic", "bob", "next")
    assert heard.told() == frozenset({BOB})


@pytest.mark.parametrize("number", [1, 2, 3])
async def test_what_was_committed_before_the_first_question(heard: Heard, number: int) -> None:
    """A notice of a change that the first question has counted is no gap.

    The next one is told by the next number.
    """
    heard.hear(number, "clinic", "alice", "late")
    assert heard.told() == frozenset({ALICE})


async def test_an_own_change_is_told_once(heard: Heard) -> None:
    """A change that this process has committed is told at once.

    Its notice tells nothing more.
    """
    heard.listener.confirm(ALICE, "op4")
    assert heard.told() == frozenset({ALICE})
    heard.hear(4, "clinic", "alice", "op4")
    assert heard.told() == frozenset()
    heard.listener.confirm(ALICE, "op4")
    assert heard.told() == frozenset()


@pytest.mark.parametrize(
    "payload", [[4, "clinic", None, "op"], [4, None, None, "op"]], ids=["settings of a tenant", "anything"]
)
async def test_a_notice_that_names_nobody(heard: Heard, payload: list[object]) -> None:
    """Settings, and an accepted copy, change everything; that is no gap."""
    heard.hear(*payload)
    assert heard.told() is EVERYTHING
    assert heard.watch.newest == 4


@pytest.mark.parametrize("text", ["no JSON", "[" * 100_000, ""])
async def test_a_text_that_cannot_be_read(heard: Heard, text: str) -> None:
    """It may have been a notice."""
    heard.listener._hear(text)
    assert heard.told() is EVERYTHING


@pytest.mark.parametrize(
    "said", [["hello", "another"], [True], {}, [4, "clinic"], ["4", "clinic", "alice", "op"], [4, 5, "a", "b"]]
)
async def test_a_text_of_somebody_else(heard: Heard, said: object) -> None:
    """Whatever else is said on the channel changes nothing, and hides nothing."""
    heard.listener._hear(json.dumps(said))
    assert heard.told() == frozenset()
    heard.hear(4, "clinic", "alice", "op")
    assert heard.told() == frozenset({ALICE})


async def test_a_change_without_a_notice(heard: Heard) -> None:
    """A change whose notice has not come by the next question empties the caches.

    A greeting comes through.
    """
    heard.state = state(4)
    found = await heard.ask(3)
    assert found == 4
    assert heard.told() == frozenset(), "its notice may be on its way"
    heard.state = state(4)
    assert await heard.ask(found) == 4
    assert heard.told() is EVERYTHING
    assert heard.told() is EVERYTHING
    heard.listener._hear(heard.said[-1][1])
    assert len(heard.said) == 2
    assert heard.told() is EVERYTHING
    assert heard.told() == frozenset()


async def test_a_change_with_its_notice(heard: Heard) -> None:
    """Nothing is forgotten where each change had its notice."""
    for number in range(4, 8):
        heard.hear(number, "clinic", "alice", f"op{number}")
        heard.state = state(number)
        assert await heard.ask(number) == number
        assert heard.told() == frozenset({ALICE})
    assert len(heard.said) == 1, "no further greeting"


async def test_a_greeting_that_does_not_come(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """A channel on which nothing arrives is told once.

    Greeted again now and then (PgBouncer).
    """
    made, clock = Heard(), [1_000.0]
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: clock[0])
    with caplog.at_level(logging.WARNING, "mfa_gate"):
        for at, greetings, is_swallowed in (
            (0.0, 1, False),
            (POSTGRES.hello_within - 0.1, 1, False),
            (POSTGRES.hello_within, 1, True),
            (POSTGRES.hello_every - 0.1, 1, True),
            (POSTGRES.hello_every, 2, True),
            (2 * POSTGRES.hello_every, 3, True),
        ):
            clock[0] = 1_000.0 + at
            await made.ask()
            assert (len(made.said), made.listener.is_swallowed) == (greetings, is_swallowed), at
            assert made.listener.settled.is_set() is is_swallowed
            assert made.told() is EVERYTHING
    assert caplog.text.count("PgBouncer") == 1
    assert [*made.listener.advice] == [invalidation.SWALLOWED]
    assert len({payload for _, payload in made.said}) == 3
    made.listener._hear(made.said[1][1])
    assert made.told() is EVERYTHING, "an old greeting says nothing"
    made.listener._hear(made.said[2][1])
    made.told()
    assert made.told() == frozenset()
    assert [*made.listener.advice] == []


async def test_a_listener_that_cannot_connect(caplog: pytest.LogCaptureFixture) -> None:
    """An operator is told once, after some seconds, and until it works again."""
    made = Heard()
    assert made.listener.advice == (invalidation._UNKNOWN,)
    for _ in range(invalidation._TOLD_AFTER - 1):
        made.listener._fail("refused")
    assert (caplog.text, made.listener.advice) == ("", (invalidation._UNHEARD % "refused",)), "the doctor asks once"
    for _ in range(3):
        made.listener._fail("refused")
    assert caplog.text.count("cannot be listened to") == 1
    assert made.listener.settled.is_set()
    assert "refused" in made.listener.advice[0]
    made.listener._arrive()
    assert [*made.listener.advice] == []
    for _ in range(invalidation._TOLD_AFTER - 1):
        made.listener._fail("refused")
    assert [*made.listener.advice] == [], "a channel that was up has all its tries again"
    made.listener._fail("refused again")
    assert made.listener.advice == (invalidation._UNHEARD % "refused again",)
    assert caplog.text.count("cannot be listened to") == 2


@pytest.mark.parametrize("fault", [Missing("no table"), OSError("gone")])
async def test_the_question_fails(heard: Heard, fault: Exception) -> None:
    """A store that is not there is refused at once; a server that does not answer may have it."""
    heard.fault = fault
    if isinstance(fault, Missing):
        from psycopg import errors

        heard.fault = errors.UndefinedTable("no table")
    with pytest.raises(type(heard.fault)):
        await heard.ask()
    assert heard.watch.trouble == (GONE if isinstance(fault, Missing) else "")


async def test_what_is_remembered_of_operations_is_bounded(heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    """S-122: the latest are known."""
    remembers_the_latest(heard.listener.confirm, heard.told, monkeypatch)


async def test_a_listener_ends_with_its_store() -> None:
    """Nothing of it runs on, also if it was about to connect.

    One that never began has nothing to end.
    """
    made, asked = Heard(), asyncio.Event()
    await made.listener.aclose()

    async def dial() -> Any:
        asked.set()
        await asyncio.sleep(60)

    dialer: Any = SimpleNamespace(dial=dial)
    made.listener._dialer = dialer
    made.listener.start()
    await asyncio.wait_for(asked.wait(), 5)
    await made.listener.aclose()
    assert made.listener._task is not None
    assert made.listener._task.done()


async def test_a_listener_that_breaks_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until it hears again, everything may have changed."""
    monkeypatch.setattr(invalidation, "_PAUSE", (0.0, 0.0))
    made, tries, enough = Heard(), list[int](), asyncio.Event()
    made.listener.log = made.listener._log

    async def dial() -> Any:
        tries.append(1)
        if len(tries) == 4:
            enough.set()
        raise (OSError("refused"), StoreUnavailable("a standby"), KeyError("odd"))[len(tries) % 3]

    dialer: Any = SimpleNamespace(dial=dial)
    made.listener._dialer = dialer
    made.listener.start()
    await asyncio.wait_for(enough.wait(), 5)
    assert made.listener.log is None
    assert made.listener._failures >= 2
    await made.listener.aclose()


STATES: dict[str, tuple[State, str]] = {
    "sound": (state(3), ""),
    "sound on a standby": (state(3, synchronous="remote_apply"), ""),
    "another store": (state(3, store="other"), GONE),
    "another release": (state(3, version=SCHEMA + 1), f"has schema {SCHEMA + 1}, this process knows {SCHEMA}"),
    "hidden rows": (state(3, is_hidden=True), "row level security hides rows"),
    "unsafe commits": (state(3, synchronous="off"), "synchronous_commit=off"),
    "local commits": (state(3, synchronous="local"), "synchronous_commit=local"),
}


@pytest.mark.parametrize("name", STATES)
async def test_a_state_is_judged(heard: Heard, caplog: pytest.LogCaptureFixture, name: str) -> None:
    """A store that is not as it was is refused until it is, and the log says so once."""
    found, words = STATES[name]
    for _ in range(3):
        heard.watch.see(found, 3)
        assert words in heard.watch.trouble
        assert bool(words) == bool(heard.watch.trouble)
    assert caplog.text.count("the PostgreSQL store is refused") == bool(words)
    heard.watch.see(state(3), 3)
    assert heard.watch.trouble == ""


async def test_an_answer_that_comes_late(heard: Heard) -> None:
    """A state from before a change that is known by now says nothing, neither good nor bad."""
    heard.hear(4, "clinic", "alice", "op4")
    heard.watch.see(state(3), 3)
    assert (heard.watch.trouble, heard.watch.newest) == ("", 4)
    heard.watch.see(None, 4)
    heard.watch.see(state(3), 3)
    assert heard.watch.trouble == GONE
    heard.watch.see(state(4), 4)
    assert heard.watch.trouble == ""


async def test_an_accepted_copy(heard: Heard) -> None:
    """A copy that an operator accepted later is taken, and one from before is refused."""
    heard.told()
    heard.watch.see(state(2, restored_at=100), 3)
    assert (heard.watch.trouble, heard.watch.newest) == ("", 2)
    assert heard.told() is EVERYTHING
    heard.watch.see(state(3), 2)
    assert "an older copy of the store than the one that was accepted last" in heard.watch.trouble
    heard.watch.see(state(3, restored_at=100), 2)
    assert heard.watch.trouble == ""


async def test_changes_that_a_failover_lost(heard: Heard, caplog: pytest.LogCaptureFixture) -> None:
    """A server that has less than was known empties the caches.

    The log says how much is lost.
    """
    heard.told()
    heard.watch.see(state(1), 3)
    assert (heard.watch.trouble, heard.watch.newest) == ("", 1)
    assert heard.told() is EVERYTHING
    assert "lost the last 2 confirmed changes in a failover" in caplog.text
    assert caplog.text.count("in a failover") == 1


class Kept:
    """A generation file that counts what is written."""

    def __init__(self) -> None:
        self.kept = 0

    def keep(self, memory: object) -> None:
        """Write."""
        self.kept += 1


async def test_what_is_written_down_has_its_time(heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every few seconds, at once for a grave change.

    Never while the store is refused (S-123).
    """
    clock, file, every = [1_000.0], Kept(), POSTGRES.keep_every
    given: Any = file
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: clock[0])
    watch = Watch(PLACE, "s", heard.watch._mark, History(), given, on_loss=lambda: None)
    for now, is_grave, kept in (
        (0.0, False, 0),
        (every - 0.1, False, 0),
        (every, False, 1),
        (every + 0.1, False, 1),
        (every + 0.2, True, 2),
        (2 * every, False, 2),
        (2 * every + 0.3, False, 3),
    ):
        clock[0] = 1_000.0 + now
        await watch.keep(is_grave=is_grave)
        assert file.kept == kept, now
    watch.trouble = "old"
    clock[0] += 100
    await watch.keep(is_grave=True)
    watch.trouble = ""
    assert file.kept == 3
    await heard.watch.keep(is_grave=True)


async def test_numbers_are_compared_now_and_then(heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    """A number that only rises has time.

    One that fell, and one in trouble, is compared at once.
    """
    clock, compared = [1_000.0], list[dict[str, int]]()
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: clock[0])
    history = History()
    history.admit("7", 2)
    mark = heard.watch._mark
    mark.settled.update({"6/1": 1, "7/2": 2, "": 1})
    watch = Watch(PLACE, "s", mark, history, None, on_loss=lambda: None)
    real = mark.compare

    def compare(found: Mapping[str, int], now: float) -> None:
        compared.append(dict(found))
        real(found, now)

    monkeypatch.setattr(mark, "compare", compare)
    every = POSTGRES.look_every
    for now, changes, count in (
        (0.0, 3, 1),
        (every - 0.1, 4, 1),
        (every, 4, 2),
        (every + 0.1, 3, 3),
        (every + 0.2, 3, 4),
    ):
        clock[0] = 1_000.0 + now
        watch.see(state(changes), watch.newest)
        assert len(compared) == count, now
    assert compared[0] == {"6/1": 1, "7/2": 3, "": 3}
    assert (watch.trouble, mark.settled["7/2"]) == (
        "PostgreSQL holds an older copy of the store (change 3; 4 was here): "
        "spent codes would be valid and locks gone again. Put the newest copy back, or accept this one: mfa-gate store accept",
        4,
    )
    for now in (every + 0.3, every + 0.4):
        clock[0] = 1_000.0 + now
        watch.see(state(4), watch.newest)
    assert watch.trouble == ""
    assert len(compared) == 5


async def test_a_number_that_was_heard_is_settled_on_its_timeline(heard: Heard) -> None:
    """On one timeline nothing that was committed is ever missing again.

    Without one nothing is known.
    """
    heard.hear(4, "clinic", "alice", "op4")
    assert heard.watch._mark.settled == {}
    heard.watch._history.admit("7", 2)
    for number in (5, 6, 6):
        heard.hear(number, "clinic", "alice", f"op{number}")
    heard.watch.note(3)
    assert (heard.watch._mark.settled, heard.watch.newest) == ({"7/2": 6}, 6)


def test_histories() -> None:
    """A server of an earlier timeline was taken over from.

    The latest of each is remembered (F-4).
    """
    history = History()
    assert (history.part, history.is_superseded("7", 0)) == ("/0", False)
    history.admit("7", 3)
    assert (history.part, history.is_superseded("7", 2), history.is_superseded("7", 3)) == ("7/3", True, False)
    assert not history.is_superseded("8", 1)
    history.recall(["7/2", "8/5", "9/", "x", "/4", "9/x", "9/-1"])
    assert [history.is_superseded(system, number) for system, number in (("7", 2), ("8", 4), ("8", 5))] == [
        True,
        True,
        False,
    ]
    assert not history.is_superseded("9", 0)
    history.forget()
    assert not history.is_superseded("7", 2)
    assert history.part == "7/3"


async def test_a_store_that_is_gone(heard: Heard) -> None:
    """A question that finds no store at all refuses every call, and ends the listening."""
    gone: Any = None
    heard.state = gone
    with pytest.raises(StoreUnavailable) as caught:
        await heard.ask()
    assert (str(caught.value), heard.watch.trouble) == (GONE, GONE)
