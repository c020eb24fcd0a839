"""The listener for change notices of Redis.

Which account is told, when all may have changed, and when the channel is up.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any

import pytest
from redis.exceptions import ResponseError

from mfa_gate.core.model import SubjectKey
from mfa_gate.errors import StoreUnavailable
from mfa_gate.storage import EVERYTHING, Changed, Reader
from mfa_gate.stores.common.change_log import told
from mfa_gate.stores.redis import invalidation
from mfa_gate.stores.redis.invalidation import Invalidation
from mfa_gate.stores.redis.names import STORE
from mfa_gate.stores.redis.pipeline import Command
from mfa_gate.stores.redis.resp import Reply
from mfa_gate.stores.redis.store import mark_for
from mfa_gate.stores.redis.timing import USUAL
from mfa_gate.stores.redis.url import Address, place_of
from mfa_gate.testing.store_suite import ALICE, BOB

from ..operations import remembers_the_latest
from ..patience import REDIS
from .spoken import END, HANG, Answer, Spoken, spoken


class Servers:
    """Primaries at ``addresses``. The key of the store answers ``store``."""

    def __init__(self, *addresses: Address) -> None:
        self.addresses = addresses
        self.store: Reply = b"id"
        self.asked: list[tuple[str, Command]] = []

    async def primaries(self) -> tuple[Address, ...]:
        """Name the servers."""
        return self.addresses

    async def ask(self, key: str, *commands: Command, writes: bool = False) -> list[Reply]:
        """Answer what the store's key holds."""
        self.asked.append((key, *commands))  # type: ignore[arg-type]
        return [self.store]

    async def aclose(self) -> None:
        """Hold nothing."""


class Heard:
    """A listener whose channel is up; a test says what it hears.

    ``losses`` counts how often the servers may have lost something. ``returns`` are the answers to "is all there again?".
    """

    def __init__(self, *addresses: Address) -> None:
        self.losses = 0
        self.returns: list[bool] = []
        self.returned = 0
        self.mark = mark_for(USUAL)
        self.servers = Servers(*addresses)
        self.listener = Invalidation(
            place_of("redis://h", timing=REDIS),
            self.servers,
            "changed",
            self.mark,
            on_loss=self._lose,
            on_return=self._return,
        )
        self.listener.log = self.listener._log
        self.last: dict[str, int] = {}
        self.reader = Reader()
        self.told()

    def _lose(self) -> None:
        self.losses += 1

    async def _return(self) -> bool:
        self.returned += 1
        return self.returns.pop(0) if self.returns else True

    def hear(self, number: int, tenant: str, id: str | None, op: str) -> None:
        """Hear a notice."""
        self.listener._hear(notice(number, tenant, id, op), self.last, 5.0)

    def told(self) -> Changed:
        """Tell what a reader has not heard yet."""
        return told(self.listener.log, self.reader)


def notice(number: int, tenant: str, id: str | None, op: str) -> bytes:
    return b"%d " % number + json.dumps([tenant, id, op]).encode()


async def test_each_tenant_has_numbers_of_its_own() -> None:
    """The first notice of a tenant, and each next one, changes the account that it names."""
    heard = Heard()
    heard.hear(7, "clinic", "alice", "a")
    assert heard.told() == frozenset({ALICE})
    heard.hear(3, "archive", "x", "b")
    heard.hear(8, "clinic", "bob", "c")
    heard.hear(4, "archive", "y", "d")
    assert heard.told() == frozenset({BOB, SubjectKey("archive", "x"), SubjectKey("archive", "y")})
    assert (heard.losses, heard.last) == (0, {"clinic": 8, "archive": 4})
    assert heard.mark.newest == {"clinic": 8, "archive": 4}
    assert not heard.listener._owing.is_set()


@pytest.mark.parametrize(("numbers", "losses"), [([5, 7], 0), ([5, 6, 9], 0), ([5, 5], 1), ([5, 4], 1), ([5, 1, 9], 1)])
async def test_a_gap_or_a_number_that_comes_again(numbers: list[int], losses: int) -> None:
    """One that is missing may have named anybody.

    One that comes again says that the servers went back: what they lost is to be put back (F-3).
    """
    heard = Heard()
    for place, number in enumerate(numbers):
        heard.hear(number, "clinic", "alice", f"op{place}")
    assert heard.told() is EVERYTHING
    assert (heard.losses, heard.listener._owing.is_set()) == (losses, losses > 0)
    heard.hear(numbers[-1] + 1, "clinic", "bob", "next")
    assert heard.told() == frozenset({BOB})


async def test_settings_change_everything() -> None:
    """A notice without an account is of the tenant's settings; that is no gap."""
    heard = Heard()
    heard.hear(5, "clinic", None, "op")
    assert heard.told() is EVERYTHING
    heard.hear(6, "clinic", "alice", "next")
    assert heard.told() == frozenset({ALICE})


async def test_an_own_change_is_told_once() -> None:
    """A change that this process has committed is told at once.

    Its notice tells nothing more.
    """
    heard = Heard()
    heard.listener.confirm(ALICE, "op")
    assert heard.told() == frozenset({ALICE})
    for _ in range(2):  # a Cluster's servers repeat each other's notices
        heard.hear(5, "clinic", "alice", "op")
        heard.last.clear()
    heard.listener.confirm(ALICE, "op")
    assert heard.told() == frozenset()
    heard.listener.confirm(None, "settings")
    assert heard.told() is EVERYTHING


async def test_what_is_remembered_of_operations_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """S-122: the latest are known."""
    heard = Heard()
    remembers_the_latest(heard.listener.confirm, heard.told, monkeypatch)


async def test_data_that_went_back() -> None:
    """Everything may have changed, and lost changes are to be put back."""
    heard = Heard()
    heard.listener.went_back()
    assert heard.told() is EVERYTHING
    assert (heard.losses, heard.listener._owing.is_set()) == (1, True)


async def test_the_channel_is_up_when_each_server_listens_and_the_store_answers() -> None:
    """Before that nobody is told "nothing"."""
    heard, ready = Heard(), [asyncio.Event(), asyncio.Event()]
    heard.listener.log = None
    rising = asyncio.ensure_future(heard.listener._declare_up(ready))
    for event in ready:
        await asyncio.sleep(0)
        assert (heard.listener.log, heard.listener._up.is_set(), heard.servers.asked) == (None, False, [])
        event.set()
    await rising
    assert heard.servers.asked == [(STORE, ("GET", STORE))]
    assert heard.told() is EVERYTHING
    assert heard.told() == frozenset()
    assert heard.listener._up.is_set()
    assert heard.listener._owing.is_set()


async def test_a_store_that_does_not_answer_yet() -> None:
    """A server that loads its file takes subscribers, and the channel stays down."""
    heard = Heard()
    heard.listener.log = None
    heard.servers.store = ResponseError("LOADING Redis is loading the dataset in memory")
    with pytest.raises(StoreUnavailable, match="Redis refuses: LOADING"):
        await heard.listener._declare_up([])
    assert (heard.listener.log, heard.listener._up.is_set()) == (None, False)


async def test_lost_changes_are_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are tried again after a pause, which doubles up to some seconds.

    After a success it begins anew.
    """
    pauses = list[float]()

    class Half:
        """A share of a pause."""

        def __mul__(self, pause: float) -> float:
            pauses.append(pause)
            return 0.0

    bounds = list[tuple[float, float]]()

    def uniform(low: float, high: float) -> Half:
        bounds.append((low, high))
        return Half()

    monkeypatch.setattr(invalidation, "random", SimpleNamespace(uniform=uniform))
    heard = Heard()
    heard.returns = [False] * 7 + [True] + [False] * 2 + [True]
    task = asyncio.ensure_future(heard.listener._put_back())
    for _ in range(3):
        await asyncio.sleep(0)
    assert heard.returned == 0, "nothing is owed yet"
    for count in (8, 11):
        heard.listener._owing.set()
        for _ in range(50):
            await asyncio.sleep(0)
        assert (heard.returned, heard.listener._owing.is_set()) == (count, False)
    beat = invalidation.BEAT
    doubled = [min(beat * 2**n, invalidation._LONGEST_PAUSE) for n in range(7)]
    assert pauses == pytest.approx([*doubled, beat, 2 * beat])
    assert doubled[-1] == invalidation._LONGEST_PAUSE
    assert set(bounds) == {(0.5, 1)}
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_another_server_in_charge(monkeypatch: pytest.MonkeyPatch) -> None:
    """The listener begins anew at the servers that are in charge now."""
    monkeypatch.setattr(invalidation, "BEAT", 0.0)
    heard = Heard(("a", 1), ("b", 2))
    watching = asyncio.ensure_future(heard.listener._watch((("a", 1), ("b", 2))))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not watching.done()
    heard.servers.addresses = (("a", 1), ("c", 3))
    with pytest.raises(StoreUnavailable, match="another Redis server is in charge"):
        await watching


class Pushing:
    """A server with subscribers. ``pushes`` come with the next answer to a ping."""

    def __init__(self) -> None:
        self.pushes: list[Answer] = []
        self.subscribed: Answer = ["subscribe", "changed", 1]
        self.pinged: Answer = "PONG"

    def __call__(self, words: list[str]) -> Answer:
        """Answer a command."""
        if words[0] == "SUBSCRIBE":
            self.pinged, answer = (["pong", ""] if self.pinged == "PONG" else self.pinged), self.subscribed
            return answer
        return self.pushes.pop(0) if self.pushes else self.pinged


@pytest.fixture
async def server() -> AsyncIterator[Spoken]:
    async with spoken(Pushing()) as (one,):
        yield one


@pytest.fixture
def pushing(server: Spoken, monkeypatch: pytest.MonkeyPatch) -> Pushing:
    monkeypatch.setattr(invalidation, "BEAT", 0.002)
    assert isinstance(server.answers, Pushing)
    return server.answers


def listen(server: Spoken) -> tuple[Heard, asyncio.Event, asyncio.Task[None]]:
    """Begin to listen to a server."""
    heard, ready = Heard(), asyncio.Event()
    return heard, ready, asyncio.ensure_future(heard.listener._listen_to(("127.0.0.1", server.port), ready))


async def end(task: asyncio.Task[None]) -> BaseException | None:
    """Wait for the end of a listener that breaks, and return the reason."""
    found = (await asyncio.gather(asyncio.wait_for(task, 5), return_exceptions=True))[0]
    while isinstance(found, BaseExceptionGroup):
        (found,) = found.exceptions
    return found


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not happened():
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("answer", [["pong", ""], Exception("MISCONF the disk is full"), ["subscribe", "changed", 1]])
async def test_a_server_is_listened_to(server: Spoken, pushing: Pushing, answer: Answer) -> None:
    """A ping that a full disk refuses is an answer, too (F-2)."""
    pushing.pinged = "PONG" if isinstance(answer, list) else answer
    heard, ready, task = listen(server)
    await asyncio.wait_for(ready.wait(), 5)
    assert [words[0] for words in server.heard if words[0] != "CLIENT"][:2] == ["PING", "SUBSCRIBE"]
    assert server.asked("SUBSCRIBE") == [["SUBSCRIBE", "changed"]]
    pushing.pushes += [answer, ["message", "changed", notice(4, "clinic", "alice", "op").decode()], answer]
    await until(lambda: not pushing.pushes)
    await until(lambda: len(server.asked("PING")) > 5)
    assert heard.told() == frozenset({ALICE})
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


REFUSED = Exception("NOPERM this user has no permissions to access one of the channels")


@pytest.mark.parametrize(
    ("pinged", "subscribed", "words"),
    [
        ("PONG", REFUSED, "NOPERM"),
        (Exception("NOAUTH Authentication required."), ["subscribe", "changed", 1], "NOAUTH"),
    ],
)
async def test_a_server_that_lets_nobody_listen(
    server: Spoken, pushing: Pushing, pinged: Answer, subscribed: Answer, words: str
) -> None:
    """It is not listened to, and the server is not ready."""
    pushing.pinged, pushing.subscribed = pinged, subscribed
    _, ready, task = listen(server)
    found = await end(task)
    assert isinstance(found, ResponseError)
    assert words in str(found)
    assert not ready.is_set()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("OK", "the push channel answers b'OK'"),
        (["other", "changed", "text"], "the push channel answers [b'other'"),
        (Exception("ERR odd"), "the push channel answers "),
        ("x" * 200, "the push channel answers b'" + "x" * 78),
        (END, "closed the connection"),
    ],
)
async def test_an_answer_that_is_no_notice(server: Spoken, pushing: Pushing, answer: Answer, words: str) -> None:
    """The channel is made anew: a notice may be missing. A long answer is told in part."""
    _, ready, task = listen(server)
    await asyncio.wait_for(ready.wait(), 5)
    pushing.pushes.append(answer)
    found = str(await end(task))
    assert words in found
    assert len(found) <= len("the push channel answers ") + 80


async def test_a_silent_server(server: Spoken, pushing: Pushing, monkeypatch: pytest.MonkeyPatch) -> None:
    """A channel that is silent too long is made anew."""
    monkeypatch.setattr(invalidation, "SILENCE", 0.02)
    monkeypatch.setattr(invalidation, "_GRACE", 0.001)
    _, ready, task = listen(server)
    await asyncio.wait_for(ready.wait(), 5)
    pushing.pushes.append(HANG)
    assert str(await end(task)) == "the push channel does not answer"


async def test_a_process_that_stood_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that came meanwhile, and is read only now, was an answer."""
    monkeypatch.setattr(invalidation, "BEAT", 0.0)
    heard, clock, pauses = Heard(), [100.0], list[float]()
    heard_at, sent = [100.0], list[bytes]()
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: clock[0])

    class Connection:
        """Takes what is sent."""

        def pack_command(self, *words: str) -> bytes:
            return words[0].encode()

        async def send_packed_command(self, packed: bytes, *, check_health: bool) -> None:
            sent.append(packed)

    real = asyncio.sleep

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 1:
            clock[0] += 10.0
        elif len(pauses) == 2:
            heard_at[0] = clock[0]
        elif len(pauses) == 3:
            clock[0] = heard_at[0] + invalidation.SILENCE
        else:
            clock[0] = heard_at[0] + invalidation.SILENCE + 0.01
        await real(0)

    monkeypatch.setattr(
        invalidation, "asyncio", SimpleNamespace(sleep=sleep, get_running_loop=asyncio.get_running_loop)
    )
    connection: Any = Connection()
    with pytest.raises(StoreUnavailable, match="the push channel does not answer"):
        await heard.listener._ping(connection, heard_at)
    assert pauses == [0.0, invalidation._GRACE, 0.0, 0.0, invalidation._GRACE]
    assert sent == [b"PING"] * 3


async def test_the_channel_is_made_anew(server: Spoken, pushing: Pushing, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it is down everything may have changed.

    What the servers lost meanwhile is owed.
    """
    monkeypatch.setattr(invalidation, "_PAUSE", (0.0, 0.0))
    heard = Heard(("127.0.0.1", server.port))
    heard.listener.start()
    await heard.listener.wait(5)
    assert heard.told() is EVERYTHING
    await until(lambda: heard.returned == 1)
    assert (heard.told(), heard.losses) == (frozenset(), 0)
    heard.servers.store = ResponseError("LOADING")
    pushing.pinged = "PONG"
    pushing.pushes.append(END)
    await until(lambda: heard.losses > 0)
    assert heard.listener.log is None
    assert not heard.listener._up.is_set()
    assert heard.told() is EVERYTHING
    heard.servers.store = b"id"
    await heard.listener.wait(5)
    await until(lambda: heard.listener.log is not None)
    assert heard.told() is EVERYTHING
    assert server.connections >= 2
    await heard.listener.aclose()
    assert heard.listener._task is not None
    assert heard.listener._task.done()


async def test_a_channel_that_is_not_up_in_time() -> None:
    """The wait ends in time, and with the channel."""
    heard = Heard()
    await heard.listener.wait(0.001)
    assert not heard.listener._up.is_set()
    await heard.listener.aclose()


class Breaking(Servers):
    """Servers that break at the very moment at which the caller is cancelled."""

    def __init__(self) -> None:
        super().__init__()
        self.is_asked = asyncio.Event()

    async def ask(self, key: str, *commands: Command, writes: bool = False) -> list[Reply]:
        """Answer a cancellation with an error of the connection."""
        self.is_asked.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise ConnectionError("the connection broke") from None
        return []


async def test_cancelled_while_it_breaks() -> None:
    """A listener that is cancelled while its channel breaks comes to an end.

    Nobody has closed the store here. An event loop that ends cancels all that runs, and waits for it.
    """

    async def returned() -> bool:
        return True

    servers = Breaking()
    listener = Invalidation(
        place_of("redis://h"), servers, "changed", mark_for(USUAL), on_loss=lambda: None, on_return=returned
    )
    listener.start()
    await servers.is_asked.wait()
    task = listener._task
    assert task is not None
    try:
        task.cancel()
        await asyncio.wait({task}, timeout=5)
        assert task.done()
    finally:
        await listener.aclose()
