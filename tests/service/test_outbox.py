"""Each hook and notice hears of each event at least once.

This holds after a failure, after a crash, and for the events of a command.
"""

from __future__ import annotations

import asyncio
import json
import signal
import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mfa_gate import Contacts, Senders, Subject
from mfa_gate.core.events import Event
from mfa_gate.core.model import SubjectKey
from mfa_gate.core.trail import event_to_json
from mfa_gate.errors import SendFailed, StoreUnavailable
from mfa_gate.ports import Message
from mfa_gate.senders import SMTPSender, smtp
from mfa_gate.service import Actor, Done, Service, send_failures, user_notifications
from mfa_gate.service.hook_places import COMMANDS, Hook, Late, load_late, save_late
from mfa_gate.service.host_hooks import SubjectListener
from mfa_gate.service.outbox import Outbox
from mfa_gate.service.scheduler import Job, Worker
from mfa_gate.service.trail_verification import verify_trail
from mfa_gate.stores.memory import MemoryStore
from tests.beside import Ended, ran
from tests.harness import POLICY, RULES, World, make_world, running
from tests.senders.test_smtp import Inbox, smtp_server

from . import struck

ANN = SubjectKey("alpha", "ann")
OPERATOR = Actor(name="operator:eve")
LAG, FIRST_WAIT, LONGEST_WAIT = 30, 30, 3600
"""Seconds from which an event counts as missed, and of the waits after failures."""
MAX_LATE, MAX_TRIES = 500, 60


class Ear:
    """A hook that fails while it is deaf, and keeps the subjects of which it heard."""

    def __init__(self) -> None:
        self.heard: list[Any] = []
        self.deaf = False

    def __call__(self, subject: Subject, event: Event) -> None:
        assert (event.tenant, event.account) == (subject.tenant, subject.id)
        if self.deaf:
            raise RuntimeError("down")
        self.heard.append(subject)


async def catch_up(world: World, *, after: float = LAG) -> int:
    """Let time pass, store the delivered events, and deliver the missed ones."""
    world.clock.advance(after)
    outbox = world.gate.service.outbox
    await world.engine.effects.idle()
    await outbox.flush()
    return await outbox.catch_up(shared=True) + await outbox.catch_up(shared=False)


async def test_closing_leaves_no_timer() -> None:
    """A timer of a closed outbox would ask a closed store."""
    ear = Ear()
    async with running(make_world(on_lock=ear)) as world:
        ann = await world.enrolled()
        await ann.lock()
        await world.engine.effects.idle()
        timer = world.gate.service.outbox._timer
        assert ear.heard
        assert timer is not None
    assert timer.cancelled()


async def test_what_was_heard_is_not_told_again() -> None:
    """Nobody hears anything twice in the ordinary course.

    Nothing is left behind in the store.
    """
    lock = Ear()
    async with running(make_world(on_lock=lock)) as world:
        await world.enrolled()
        await (await world.browser(address="203.0.113.50")).lock()
        told, mails = len(world.events), len(world.email.messages)
        assert await catch_up(world) == 0
        assert await catch_up(world) == 0
        assert (len(world.events), len(world.email.messages)) == (told, mails)
        assert lock.heard == [Subject(id="ann", tenant="alpha")]
        store = world.store
        assert isinstance(store, MemoryStore)
        assert not any(store._contents.marks.values())


async def test_a_hook_that_failed_hears_later() -> None:
    """A hook that failed is called again with growing waits until it succeeds.

    The person never waits for it. Other events are not held up by it.
    """
    lock = Ear()
    async with running(make_world(on_lock=lock)) as world:
        for id in ("ann", "bob"):
            await world.enrolled(id)
        lock.deaf = True
        desk = world.gate.service.account_desk
        assert isinstance(await desk.act(OPERATOR, "lock", ANN, reason="stolen"), Done)
        await world.engine.effects.idle()
        assert await catch_up(world) == 1
        assert await catch_up(world, after=FIRST_WAIT - 1) == 0
        assert await catch_up(world, after=1) == 1
        lock.deaf = False
        assert isinstance(await desk.act(OPERATOR, "lock", SubjectKey("alpha", "bob"), reason="stolen"), Done)
        await world.engine.effects.idle()
        assert [subject.id for subject in lock.heard] == ["bob"]
        assert await catch_up(world, after=LONGEST_WAIT) == 1
        assert [subject.id for subject in lock.heard] == ["bob", "ann"]
        assert await catch_up(world, after=LONGEST_WAIT) == 0


async def test_the_jobs_of_the_server_call_again() -> None:
    """The running server's own jobs call the app's hooks again.

    They send the mails again that all apps share, too.
    """
    lock = Ear()
    async with running(make_world(on_lock=lock)) as world:
        await world.enrolled()
        await catch_up(world)
        lock.deaf, world.email.failure = True, SendFailed("unreachable", transient=True)
        await world.gate.service.account_desk.act(OPERATOR, "lock", ANN, reason="stolen")
        await catch_up(world)
        lock.deaf, world.email.failure = False, None
        before = len(world.email.messages)
        world.clock.advance(LONGEST_WAIT)
        await world.gate.service.worker.round()
        assert [subject.id for subject in lock.heard] == ["ann"]
        assert "locked" in "".join(message.subject for message in world.email.messages[before:])


async def test_waiting_for_its_turn_uses_up_no_try(caplog: pytest.LogCaptureFixture) -> None:
    """An event whose turn does not come keeps its tries, new or late.

    It comes again after the first wait.
    """
    answered = threading.Event()
    lock = Ear()
    async with running(make_world(on_lock=lock)) as world:
        name = "hook:on_lock@"
        world.engine.effects.again_within = 0.1
        desk = world.gate.service.account_desk
        for id in ("ann", "bob"):
            await world.enrolled(id)
        lock.deaf = True
        await desk.act(OPERATOR, "lock", ANN, reason="stolen")
        await catch_up(world)
        await catch_up(world, after=FIRST_WAIT)
        await desk.act(OPERATOR, "lock", SubjectKey("alpha", "bob"), reason="stolen")
        await world.engine.effects.idle()
        assert [late.tries for late in (await load_late(world.store, name, "alpha")).values()] == [1]
        lock.deaf = False
        listener = next(found for found in world.engine.effects.listeners if isinstance(found, SubjectListener))
        busy = asyncio.create_task(listener._call.run(answered.wait, 10, within=20))
        await asyncio.sleep(0.05)
        assert await catch_up(world, after=2 * FIRST_WAIT) == 2
        assert [late.tries for late in (await load_late(world.store, name, "alpha")).values()] == [1, 0]
        assert lock.heard == []
        assert caplog.text.count("the on_lock hook was not called") == 2
        answered.set()
        await busy
        assert await catch_up(world, after=FIRST_WAIT) == 2
        assert [subject.id for subject in lock.heard] == ["ann", "bob"]


async def test_a_hook_that_never_recovers_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    """An event is given up after days of trying, and the log says so with its reference.

    Later events are delivered.
    """
    lock = Ear()
    lock.deaf = True
    async with running(make_world(on_lock=lock)) as world:
        await world.enrolled()
        await world.gate.service.account_desk.act(OPERATOR, "lock", ANN, reason="stolen")
        calls = 0
        for _ in range(MAX_TRIES + 10):
            calls += await catch_up(world, after=LONGEST_WAIT)
        assert calls == MAX_TRIES + 1
        assert "is given up" in caplog.text


async def test_what_a_crash_left_is_told_by_who_comes_after() -> None:
    """Another process reports the events of one that died between the commit and the hook.

    It reads on from the cursor. No old history is reported.
    """
    store, first = MemoryStore(), Ear()
    world = make_world(store=store)
    await world.gate.web.open()
    await world.enrolled()
    await world.engine.effects.idle()
    await world.gate.service.outbox.flush()
    # The process dies here: the change is committed, nobody was told, and nothing is written down.
    event = Event(id="LOST", kind="account.reset", at=int(world.clock.at), tenant="alpha", account="ann", actor="boss")
    account = await store.load(ANN)
    assert await store.swap(account, (event,))
    mails = len(world.email.messages)
    async with running(make_world(store=store.another(), on_reset=first, clock=world.clock)) as after:
        assert await catch_up(after, after=LAG - 1) == 0
        assert await catch_up(after, after=1) > 0
        assert [told.id for told in after.events] == ["LOST"]
        assert [m.subject for m in after.email.messages] == ["Example: Your sign-in methods were removed"]
        assert len(after.sms.messages) == 1
        # on_reset is new to this store, so earlier events are history to it.
        assert first.heard == []
        assert await catch_up(after) == 0
    assert len(world.email.messages) == mails


def command_on(store: MemoryStore, world: World) -> Service:
    """The service as a command has it: the store, the keys, and nothing that sends."""
    wiring = replace(
        world.engine.wiring,
        store=store.another(),
        senders=Senders(),
        contacts=None,
        on_event=None,
        on_reset=None,
        on_lock=None,
        app=COMMANDS,
    )
    return Service(wiring, POLICY)


async def test_a_command_has_no_sender_and_the_person_is_told() -> None:
    """The running application sends the notices and calls the host for a command, once.

    The commands are unlock, lock and reset.
    """
    store, reset, lock = MemoryStore(), Ear(), Ear()
    async with running(make_world(store=store, on_reset=reset, on_lock=lock)) as world:
        await world.enrolled()
        await world.engine.effects.idle()
        mails = len(world.email.messages)
        command = command_on(store, world)
        assert await command.open() == ""
        desk = command.account_desk
        assert isinstance(await desk.act(OPERATOR, "lock", ANN, reason="stolen"), Done)
        assert isinstance(await desk.act(OPERATOR, "unlock", ANN, reason="found"), Done)
        assert isinstance(await desk.act(OPERATOR, "reset", ANN, ticket="T-1", reason="new phone"), Done)
        await command.aclose()
        assert len(world.email.messages) == mails
        await catch_up(world)
        subjects = [message.subject.removeprefix("Example: ") for message in world.email.messages[mails:]]
        assert subjects == ["Your account is locked", "Your account is unlocked", "Your sign-in methods were removed"]
        assert [subject.id for subject in (*reset.heard, *lock.heard)] == ["ann", "ann"]
        assert [event.kind for event in world.events[-3:]] == ["account.locked", "account.unlocked", "account.reset"]
        await catch_up(world)
        assert len(world.email.messages) == mails + 3


async def test_a_mail_that_failed_for_a_while_goes_out_later() -> None:
    """A notice that failed for a while goes out later.

    A notice to a refused address does not come back again and again.
    """
    async with running(make_world()) as world:
        await world.enrolled()
        await catch_up(world)
        mails = len(world.email.messages)
        for transient, comes in ((True, 1), (False, 0)):
            world.email.failure = SendFailed("no", transient=transient)
            await world.gate.service.account_desk.act(OPERATOR, "lock", ANN, reason="stolen")
            await world.engine.effects.idle()
            world.email.failure = None
            await catch_up(world)
            assert len(world.email.messages) == mails + comes
            await world.gate.service.account_desk.act(OPERATOR, "unlock", ANN, reason="found")
            await catch_up(world)
            mails = len(world.email.messages)


class SlowInbox(Inbox):
    """A mail server that has taken the mail long before it says so."""

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.envelopes.append(envelope)
        await asyncio.sleep(20)
        return self.data


@pytest.mark.filterwarnings("ignore::DeprecationWarning:aiosmtpd")
async def test_a_notice_that_may_have_arrived_comes_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that scans mails for long answers too late, and has delivered all the same.

    Nobody gets the same notice hour after hour for two days (F-22, F-25).
    """
    monkeypatch.setattr(smtp, "DELIVERY_TIME", -2.7)
    async with smtp_server(SlowInbox()) as inbox, running(make_world()) as world:
        await world.enrolled()
        await catch_up(world)
        email = SMTPSender("127.0.0.1", inbox.port, sender="app@app.example", security="none")
        world.engine.wiring = replace(world.engine.wiring, senders=Senders(email=email, sms=world.sms))
        await world.gate.service.account_desk.act(OPERATOR, "lock", ANN, reason="stolen")
        for _ in range(4):
            await catch_up(world, after=LONGEST_WAIT)
        assert len(inbox.envelopes) == 1


async def test_a_notice_by_a_sender_that_hangs_comes_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sender without a time-out of its own may have handed the mail over (S-127)."""
    monkeypatch.setattr(send_failures, "GIVEN_UP_AFTER", 0.1)
    monkeypatch.setattr(user_notifications, "NOTICE_WITHIN", 0.05)
    taken: list[str] = []

    class Hangs:
        async def send(self, message: Message, /) -> None:
            taken.append(message.subject)
            await asyncio.Event().wait()

    async with running(make_world()) as world:
        await world.enrolled()
        await catch_up(world)
        world.engine.effects.again_within = 0.5
        world.engine.wiring = replace(world.engine.wiring, senders=Senders(email=Hangs()))
        await world.gate.service.account_desk.act(OPERATOR, "lock", ANN, reason="stolen")
        for _ in range(4):
            await catch_up(world, after=LONGEST_WAIT)
    assert len(taken) == 1


@pytest.mark.parametrize("failure", [SendFailed("refused", transient=True), ConnectionError("a sender's own")])
@pytest.mark.parametrize("full", ["old", "new"])
async def test_a_mailbox_that_is_reached_gets_no_copy_for_another_that_is_full(full: str, failure: Exception) -> None:
    """A further try of a notice goes to those alone that it has not reached (F-25).

    The one that fails keeps no other waiting.
    """
    places: dict[str, list[str]] = {"old": [], "new": []}

    class Sometimes:
        full = True

        async def send(self, message: Message, /) -> None:
            if message.to.startswith(full) and self.full:
                raise failure
            places[message.to.partition("@")[0]].append(message.subject)

    address, sender = "old@alpha.example", Sometimes()

    async def contacts(_: Subject) -> Contacts:
        return Contacts(email=address)

    async with running(make_world(contacts=contacts)) as world:
        await (await world.browser()).enroll_email()
        await catch_up(world)
        address = "new@alpha.example"
        world.engine.wiring = replace(world.engine.wiring, senders=Senders(email=sender))
        assert (await (await world.browser()).api("POST", "recovery", {"about": "lost"})).status == 202
        for _ in range(4):
            await catch_up(world, after=LONGEST_WAIT)
        assert {name: len(told) for name, told in places.items()} == {"old": full != "old", "new": full != "new"}
        sender.full = False
        for _ in range(3):
            await catch_up(world, after=LONGEST_WAIT)
        assert [len(told) for told in places.values()] == [1, 1]


async def test_applications_hear_of_their_own_and_notices_go_out_once() -> None:
    """The hook of each of two applications on one store hears of its own events.

    One of the two sends a missed notice.
    """
    store = MemoryStore()
    first = make_world(store=store)
    second = make_world(store=store.another(), clock=first.clock)
    for world, app in ((first, "web"), (second, "desktop")):
        world.engine.wiring = replace(world.engine.wiring, app=app)
    async with running(first), running(second):
        event = Event(id="M", kind="account.unlocked", at=int(first.clock.at), tenant="alpha", account="ann", app="web")
        await store.append([event])
        await catch_up(second)
        await catch_up(first)
        assert [event.id for event in first.events] == ["M"]
        assert second.events == []
        assert len(first.email.messages) + len(second.email.messages) == 1


async def test_one_worker_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of several processes has the work until it is due again.

    A store that is away stops nobody.
    """
    store, done = MemoryStore(), list[int]()

    async def work(number: int) -> None:
        done.append(number)

    worlds = [make_world(store=store if not number else store.another()) for number in range(3)]
    workers = []
    for number, world in enumerate(worlds):
        await world.gate.web.open()
        job = Job(name="x", every=20, work=lambda number=number: work(number))  # type: ignore[misc]
        workers.append(Worker(world.engine, [job]))
    await asyncio.gather(*(worker.round() for worker in workers))
    assert len(done) == 1

    async def gone(*_: object, **__: object) -> int:
        raise StoreUnavailable("away")

    monkeypatch.setattr(store, "take_all", gone)
    workers[0]._due["x"] = 0
    await workers[0].round()
    for world in worlds:
        await world.gate.web.aclose()


async def test_failures_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A counter names the hook, and nobody."""
    from .test_host_hooks import Meter

    meter, lock = Meter(), Ear()
    lock.deaf = True
    monkeypatch.setattr("opentelemetry.metrics.get_meter", lambda name: meter)
    async with running(make_world(on_lock=lock)) as world:
        await world.enrolled()
        await world.gate.service.account_desk.act(OPERATOR, "lock", ANN, reason="stolen")
        await catch_up(world)
    assert meter.counted.count(("mfa_gate.hook_failures", {"hook": "on_lock"})) == 2


@pytest.mark.slow
def test_a_kill_between_commit_and_hook(tmp_path: Path) -> None:
    """An event survives a ``kill -9`` inside the hook, after the commit.

    A real process on SQLite is killed. The worker of the next process reports the event.
    """

    def run(mode: str) -> Ended:
        return ran("tests.service.struck", tmp_path / "mfa.db", mode)

    assert run("ready").code == 0
    assert run("strike").code == -signal.SIGKILL
    again = run("after")
    assert again.code == 0, again.errors
    told = json.loads(again.out.splitlines()[-1])
    assert told == {"locked": True, "on_lock": [struck.WHO], "mails": ["Example: Your account is locked"]}
    once_more = json.loads(run("after").out.splitlines()[-1])
    assert once_more == {"locked": True, "on_lock": [], "mails": []}


def lines(count: int, tenant: str, world: World, *, kind: str = "account.reset", id: str = "ann") -> list[Event]:
    """Events that people are told of, as other processes wrote them."""
    at = int(world.clock.at)
    return [Event(id=f"{tenant}{n}", kind=kind, at=at, tenant=tenant, account=id, actor="boss") for n in range(count)]


async def test_one_tenants_odd_ids_stop_no_notice_of_another(caplog: pytest.LogCaptureFixture) -> None:
    """Notices that nobody can ever get are logged once, not kept, and take nobody's place."""
    async with running(make_world()) as world:
        await world.enrolled()
        await catch_up(world)
        mails = len(world.email.messages)
        await world.store.append(lines(MAX_LATE + 20, "aaa", world, id="\x1b[31mRED"))
        await world.store.append(lines(1, "alpha", world))
        for _ in range(3):
            await catch_up(world)
        assert len(world.email.messages) == mails + 1
        assert await catch_up(world, after=LONGEST_WAIT) == 0
        assert caplog.text.count("notice.email hook failed again (ref aaa0)") == 1


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("down"),
        *(pytest.param(error, marks=pytest.mark.long) for error in (KeyError("nobody"), TimeoutError())),
    ],
)
async def test_one_tenants_failures_take_no_others_place(error: Exception) -> None:
    """Events of other tenants are delivered in the same round, however much of one fails.

    On a busy machine the gate's own round may tell one a second time.
    """

    def hook(subject: Subject, event: Event) -> None:
        if subject.tenant == "aaa":
            raise error
        told.add(event.id)

    told: set[str] = set()
    async with running(make_world(on_reset=hook)) as world:
        world.gate.service.outbox.run_for = 60.0  # a busy machine does not end the round before the second tenant
        await world.store.append(lines(2 * MAX_LATE, "aaa", world))
        for round_ in range(5):
            await world.store.append([replace(event, id=f"{event.id}-{round_}") for event in lines(1, "beta", world)])
            await catch_up(world)
            assert len(told) == round_ + 1


async def test_a_slow_tenant_has_its_turn_and_no_more() -> None:
    """A hook that is slow for one tenant uses up only that tenant's turn.

    The round goes on with the next tenant.
    """
    told: list[str] = []

    def hook(subject: Subject, event: Event) -> None:
        told.append(subject.tenant)

    async with running(make_world(on_reset=hook)) as world:
        await world.store.append([*lines(50, "aaa", world), *lines(1, "beta", world)])
        world.gate.service.outbox.turn_for = -1.0
        await catch_up(world)
        assert told[:2] == ["aaa", "beta"]
        assert told.count("aaa") == 50


async def test_a_damaged_line_is_passed_over_and_said(caplog: pytest.LogCaptureFixture) -> None:
    """A damaged line does not stop the events around it or of other tenants.

    The log, the alarm and the hook say that it is damaged.
    """
    store, owned = MemoryStore(), replace(POLICY, tenants={"alpha": replace(RULES, owner="desk@example.org")})
    async with running(make_world(store=store, policy=owned)) as world:
        await world.enrolled()
        await catch_up(world)
        mails = len(world.email.messages)
        await store.append([*lines(3, "alpha", world), *lines(1, "beta", world)])
        place = next(n for n, line in enumerate(store._contents.lines) if line and line[0].id == "alpha1")
        kept = store._contents.lines[place]
        assert kept is not None
        store._contents.lines[place] = (kept[0], kept[1].replace('"at":', '"at":"x'), kept[2])
        await catch_up(world)
        ids = [event.id for event in world.events[-4:]]
        assert [*ids[:1], *ids[2:]] == ["alpha0", "alpha2", "beta0"]
        assert world.events[-3].kind == "audit.unreadable"
        assert "audit trail of alpha has a line that cannot be read" in caplog.text
        await world.engine.effects.idle()
        subjects = [message.subject for message in world.email.messages[mails:]]
        assert "Example: An entry in the audit trail is damaged" in subjects
        page = await store.events("alpha", limit=10)
        assert [event.kind for event in page.items].count("audit.unreadable") == 1
        assert await verify_trail(store) == {"alpha": len((await store.trail("alpha")).items) - 2}
        assert await catch_up(world) == 0


async def test_a_line_of_a_newer_release_is_told_and_shown() -> None:
    """An unknown kind, part or value of a newer release stops nothing.

    The event is reported, and its unknown words stand in the detail.
    """
    store = MemoryStore()
    async with running(make_world(store=store)) as world:
        event = replace(lines(1, "alpha", world)[0], kind="comet.seen")
        await store.append([event])
        kept = store._contents.lines[-1]
        assert kept is not None
        line = kept[1].replace('"account"', '"tail":{"length":3},"account"')
        store._contents.lines[-1] = (kept[0], line, kept[2])
        await catch_up(world)
        (told,) = [event for event in world.events if event.id == "alpha0"]
        assert (told.kind, told.detail) == ("comet.seen", {"tail": '{"length":3}'})


async def test_a_line_from_the_future_holds_nothing_up() -> None:
    """A line of a clock that runs ahead is delivered at once, and so are the lines behind it."""
    async with running(make_world()) as world:
        ahead = [replace(event, at=event.at + 86_400) for event in lines(1, "alpha", world)]
        await world.store.append([*ahead, replace(lines(1, "alpha", world)[0], id="behind")])
        await catch_up(world)
        assert [event.id for event in world.events] == ["alpha0", "behind"]


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("hook:on_event@", b"{"),
        ("hook:on_event@", b'{"at":1}'),
        ("hook:on_event@", b'{"at":{"alpha":7}}'),
        ("late:hook:on_event@|alpha", b'{"x":["line","often",1]}'),
        ("late:hook:on_event@|alpha", b"[1]"),
    ],
)
async def test_damaged_places_are_said_and_begun_anew(name: str, body: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """A damaged value that the store keeps for a hook stops no later event.

    It is checked at each reading, and the log says that it is damaged.
    """
    async with running(make_world()) as world:
        await world.store.append(lines(1, "alpha", world))
        await catch_up(world)
        await world.store.put_meta(name, body)
        await catch_up(world)
        await world.store.append([replace(lines(1, "alpha", world)[0], id="later")])
        await catch_up(world)
        assert [event.id for event in world.events if event.id == "later"] == ["later"]
        assert "cannot be read" in caplog.text


async def test_a_worker_whose_clock_is_ahead_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    """The mark of a worker whose clock is ahead counts for nothing.

    The others still take turns, one at a time. The log says that a clock is wrong.
    """
    store, done = MemoryStore(), list[str]()

    def work(name: str) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            done.append(name)

        return run

    worlds = {name: make_world(store=store.another()) for name in ("ahead", "farther", "one", "two")}
    workers = {}
    for name, world in worlds.items():
        await world.gate.web.open()
        workers[name] = Worker(world.engine, [Job(name="x", every=20, work=work(name))])
    worlds["ahead"].clock.advance(86_400)
    worlds["farther"].clock.advance(2 * 86_400)
    for worker in workers.values():
        await worker.round()
    assert done == ["ahead", "farther", "one"]
    assert "clock is" in caplog.text
    worlds["two"].clock.advance(20)
    workers["two"]._due["x"] = 0
    await workers["two"].round()
    assert done[-1] == "two"
    for world in worlds.values():
        await world.gate.web.aclose()


async def test_one_job_that_fails_stops_no_other() -> None:
    """The jobs behind it are done in the same round."""
    done: list[int] = []

    async def fails() -> None:
        raise RuntimeError("no")

    async def works() -> None:
        done.append(1)

    async with running(make_world()) as world:
        worker = Worker(world.engine, [Job(name="a", every=20, work=fails), Job(name="b", every=20, work=works)])
        await worker.round()
        assert done == [1]


async def test_failed_events_are_tried_each_at_its_time(caplog: pytest.LogCaptureFixture) -> None:
    """One that is not due holds up none behind it.

    The waits double up to an hour, and then it is given up.
    """
    called: list[str] = []
    fails = True

    async def hears(event: Event) -> None:
        called.append(event.id)
        if fails:
            raise RuntimeError("away")

    async with running(make_world()) as world:
        moment, key = world.engine.moment(), SubjectKey("alpha", "ann")
        await world.engine.record((moment.event("attempt.failed", key),))
        hook = Hook(name="probe", wants=lambda event: event.kind != "factor.enrolled", call=hears)
        outbox, now = Outbox(world.engine, [hook]), world.engine.now()
        await outbox.begin()
        name = outbox.name_of(hook)

        def late(id: str, *, tries: int, next_at: int, kind: str = "attempt.failed") -> Late:
            return Late(event_to_json(replace(moment.event(kind, key), id=id)), tries, next_at)

        waiting = {
            "later": late("later", tries=1, next_at=now + 1),
            "unwanted": late("unwanted", tries=1, next_at=now, kind="factor.enrolled"),
            "broken": Late("{", 1, now),
            "first": late("first", tries=0, next_at=now),
            "fifth": late("fifth", tries=4, next_at=now - 5),
            "old": late("old", tries=20, next_at=now),
            "ahead": late("ahead", tries=2, next_at=now + 3_601),
        }
        await save_late(world.store, name, "alpha", waiting)
        await outbox.catch_up(shared=False)
        assert called == ["first", "fifth", "old", "ahead"]
        kept = await load_late(world.store, name, "alpha")
        assert {id: (one.tries, one.next_at - now) for id, one in kept.items()} == {
            "later": (1, 1),
            "first": (1, 30),
            "fifth": (5, 480),
            "old": (21, 3_600),
            "ahead": (3, 120),
        }
        assert "cannot be read (ref broken)" in caplog.text
        fails = False
        called.clear()
        world.clock.advance(120)
        await outbox.catch_up(shared=False)
        assert called == ["later", "first", "ahead"]
        assert set(await load_late(world.store, name, "alpha")) == {"fifth", "old"}
        await outbox.aclose()


async def test_marks_that_could_not_be_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are kept for a later write, which comes by itself; one write has all of them."""

    async def hears(event: Event) -> None:
        pass

    async with running(make_world()) as world:
        hook = Hook(name="probe", wants=lambda event: event.id != "unwanted", call=hears)
        outbox, key = Outbox(world.engine, [hook]), SubjectKey("alpha", "ann")
        event = world.engine.moment().event("attempt.failed", key)
        marks, mark = list[list[str]](), world.store.mark

        async def away(*_: Any) -> None:
            raise StoreUnavailable("away")

        async def noted(kind: str, names: list[str]) -> None:
            marks.append(names)
            await mark(kind, names)

        for id in ("one", "two", "unwanted"):
            outbox.heard("probe", replace(event, id=id), ok=True)
        outbox.heard("probe", replace(event, id="failed"), ok=False)
        outbox.heard("another", event, ok=True)
        first = outbox._timer
        assert first is not None
        loop = asyncio.get_running_loop()
        assert 0 < first.when() - loop.time() <= 0.5
        first.cancel()
        outbox._timer = None
        monkeypatch.setattr(world.store, "mark", away)
        await outbox.flush()
        again = outbox._timer
        assert again is not None
        assert 5 < again.when() - loop.time() <= 10
        monkeypatch.setattr(world.store, "mark", noted)
        await outbox.flush()
        await outbox.flush()
        assert marks == [[f"{outbox.name_of(hook)}|{id}" for id in ("one", "two")]]
        again.cancel()
