"""Random lives of a few accounts, told to the gate and to the reference at once.

Two applications share a store. Browsers are signed in and out, moved and copied by thieves; codes are right, wrong, used
twice and late; administrators act; the clock runs, and steps back. After each step both must say the same.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from mfa_gate import Subject
from mfa_gate.core.model import SubjectKey
from mfa_gate.core.reasons import Refusal
from mfa_gate.errors import StoreUnavailable
from mfa_gate.service import Actor
from mfa_gate.storage import Store
from mfa_gate.stores.memory import MemoryStore
from tests.harness import FETCH, HOME, POLICY, Browser, FixedClock, Reply, make_world

from .reference import CHANGES, DAY, STEP, Person

OPERATOR = Actor(name="operator:test")
PEOPLE = (("ann", "alpha"), ("bob", "alpha"), ("ann", "beta"))
NETWORKS = (HOME, "198.51.100.9", "2001:db8::1")
WRONG = "the answer was right"

People = st.sampled_from(PEOPLE)
Number = st.integers(min_value=0, max_value=4)


@dataclass
class Seat:
    """A browser with the reference's view of it.

    ``marks`` stand for the cookies of the gate, by person: who copies the cookie has the mark.
    """

    browser: Browser
    app: int
    network: str = HOME
    who: tuple[str, str] | None = None
    marks: dict[tuple[str, str], int] = field(default_factory=dict)


def away(*_: object, **__: object) -> Any:
    """Stand in for every call of a store that is away."""
    raise StoreUnavailable("away")


class LastingMemory(MemoryStore):
    """A store in memory that two applications share: none closes it for the other."""

    async def aclose(self) -> None:
        """Leave it open."""


class Life(RuleBasedStateMachine):
    """The machine: each rule does one thing to the gate and to the reference, and compares."""

    policy = POLICY

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = FixedClock()
        self.stores = self.make_stores()
        self.worlds = [make_world(store=store, clock=self.clock, policy=self.policy) for store in self.stores]
        self.people = {who: Person() for who in PEOPLE}
        self.expected: Counter[str] = Counter()
        self.last_mark = 0
        self.sessions = 0
        self.code = ""
        self.seats = [Seat(Browser(self.worlds[n % 2]), n % 2) for n in range(5)]
        for world in self.worlds:
            self.run(world.gate.web.open())

    def make_stores(self) -> tuple[Store, Store]:
        """Make the stores of the two applications: the same one."""
        store = LastingMemory()
        return store, store

    def run(self, work: Any) -> Any:
        """Wait for a coroutine."""
        return self.runner.run(work)

    def teardown(self) -> None:
        """Look at everybody once more, count the events, and close."""
        try:
            for number in range(len(self.seats)):
                self.look(number)
            self.run(self.count_events())
        finally:
            for world in self.worlds:
                self.run(world.gate.service.engine.effects.idle())
                self.run(world.gate.web.aclose())
            self.runner.close()

    async def count_events(self) -> None:
        """Compare what the events tell with what happened."""
        told = Counter(event.kind for world in self.worlds for event in world.events)
        for kind in ("proof.granted", "attempt.failed", "account.locked", "account.unlocked"):
            assert told[kind] == self.expected[kind], kind

    # -- helpers -------------------------------------------------------------------------------------------------------

    @property
    def now(self) -> int:
        """The clock, in UTC seconds."""
        return int(self.clock.at)

    def person_at(self, seat: Seat) -> Person:
        """Return who is signed in there."""
        assert seat.who is not None
        return self.people[seat.who]

    def mark(self) -> int:
        """Return a mark that no browser has."""
        self.last_mark += 1
        return self.last_mark

    def look(self, number: int) -> None:
        """Ask for a page of the app, and compare."""
        seat = self.seats[number]
        reply: Reply = self.run(seat.browser.ask("GET", "/records", headers=FETCH))
        assert (reply.status == 200) is self.may_pass(seat), (seat, reply.status, reply.text)

    def may_pass(self, seat: Seat) -> bool:
        """Tell if the reference lets the browser pass."""
        return seat.who is None or self.person_at(seat).passes(seat.marks.get(seat.who, 0), seat.network, self.now)

    async def answer(self, seat: Seat, factor: str, response: str) -> Reply:
        """Answer a challenge."""
        id = await seat.browser.authenticator(factor)
        return await seat.browser.api("POST", "verify", {"authenticator": id, "response": response})

    def judge(self, seat: Seat, reply: Reply, *, right: bool) -> bool:
        """Note the outcome that must have come of an answer, and compare.

        Returns if it was a success.
        """
        person = self.person_at(seat)
        assert seat.who is not None
        if person.lock:
            assert (reply.status, reply.reason) == (403, "locked"), reply.text
        elif person.must_wait(seat.marks.get(seat.who, 0), self.now):
            assert (reply.status, reply.reason) == (429, "too_soon"), reply.text
        elif right:
            assert reply.status == 200, reply.text
            new = self.mark()
            person.succeed(seat.marks.get(seat.who, 0), new, seat.network, self.now)
            seat.marks[seat.who] = new
            self.expected["proof.granted"] += 1
        else:
            assert 400 <= reply.status < 500, WRONG
            person.fail(self.now)
            self.expected["attempt.failed"] += 1
            self.expected["account.locked"] += bool(person.lock)
            left = 0 if person.lock else 7 - person.failures
            assert reply.json()["attempts_remaining"] == left, reply.text
        return reply.status == 200

    def judge_free(self, seat: Seat, reply: Reply) -> None:
        """Note an answer that was used before. It is no proof, and costs nothing."""
        person = self.person_at(seat)
        mark = seat.marks.get(seat.who or ("", ""), 0)
        if person.lock or person.must_wait(mark, self.now):
            assert reply.reason == ("locked" if person.lock else "too_soon"), reply.text
        else:
            assert (reply.status, reply.reason) == (422, "code_already_used"), reply.text
            assert reply.json()["attempts_remaining"] == 7 - person.failures, reply.text
            person.refuse(mark, self.now)

    # -- what happens --------------------------------------------------------------------------------------------------

    @initialize()
    def begin(self) -> None:
        """Sign somebody in in each browser."""
        for number, who in zip(range(5), (PEOPLE[0], PEOPLE[0], PEOPLE[1], PEOPLE[0], PEOPLE[2]), strict=True):
            self.sign_in(number, who)

    @rule(number=Number, who=People)
    def sign_in(self, number: int, who: tuple[str, str]) -> None:
        """Sign in with the password, maybe where somebody else was."""
        seat = self.seats[number]
        self.sessions += 1
        session = {"user_id": who[0], "org": who[1], "groups": [], "sid": f"s{self.sessions}"}
        self.run(seat.browser.ask("POST", "/login", body=json.dumps(session).encode()))
        seat.browser.id, seat.browser.tenant = who
        seat.who = who

    @rule(number=Number)
    def visit(self, number: int) -> None:
        """Ask for a page."""
        self.look(number)

    @rule(number=Number, network=st.sampled_from(NETWORKS))
    def move(self, number: int, network: str) -> None:
        """Change the network."""
        self.seats[number].network = self.seats[number].browser.address = network

    @rule(thief=Number, victim=Number)
    def steal(self, thief: int, victim: int) -> None:
        """Copy all cookies of another browser. The thief stays on a network of their own."""
        here, there = self.seats[thief], self.seats[victim]
        if here.app != there.app or here is there:
            return
        here.browser.cookies = dict(there.browser.cookies)
        here.browser.id, here.browser.tenant = there.browser.id, there.browser.tenant
        here.who, here.marks = there.who, dict(there.marks)

    @rule(seconds=st.sampled_from((1, 31, 61, 299, 3600, DAY, 6 * DAY, 7 * DAY)))
    def wait(self, seconds: int) -> None:
        """Let time pass."""
        self.clock.advance(seconds)

    @rule(seconds=st.sampled_from((1, 45, 600)))
    def step_back(self, seconds: int) -> None:
        """Set the clock back a little."""
        self.clock.advance(-seconds)

    @rule(number=Number)
    def enroll(self, number: int) -> None:
        """Set up an app, which only somebody without a factor may do with the password alone."""
        seat = self.seats[number]
        person = self.person_at(seat)
        begun: Reply = self.run(seat.browser.api("POST", "enroll", {"factor": "totp"}))
        proven = person.passes(seat.marks.get(seat.who or ("", ""), 0), seat.network, self.now, within=CHANGES)
        if person.enrolled or person.lock:
            assert (begun.status == 201) is (proven and not person.lock), begun.text[:200]
            return
        assert begun.status == 201, begun.text[:200]
        person.touch(self.now)
        secret = seat.browser.secret = begun.json()["secret"]
        confirm = {"enrollment": begun.json()["enrollment"], "response": seat.browser.totp()}
        done: Reply = self.run(seat.browser.api("POST", "enroll/confirm", confirm))
        assert done.status == 201, done.text
        for world in self.worlds:
            world.secrets.append(secret)
        person.enrolled, person.secret, person.step = True, secret, self.now // STEP
        person.backup = set(done.json().get("backup_codes", ()))
        self.judge_enrolled(seat)

    def judge_enrolled(self, seat: Seat) -> None:
        """Note the proof that comes with a confirmed factor."""
        assert seat.who is not None
        new = self.mark()
        self.person_at(seat).succeed(seat.marks.get(seat.who, 0), new, seat.network, self.now)
        seat.marks[seat.who] = new
        self.expected["proof.granted"] += 1

    def enrolled_at(self, number: int) -> Seat | None:
        """Return the seat if its person has a factor."""
        seat = self.seats[number]
        return seat if self.person_at(seat).enrolled else None

    @rule(number=Number)
    def right(self, number: int) -> None:
        """Answer with a code that was never used."""
        if (seat := self.enrolled_at(number)) is None:
            return
        person = self.person_at(seat)
        if not person.is_fresh(self.now // STEP, self.now):
            self.clock.advance(STEP)
        if not person.is_fresh(self.now // STEP, self.now):
            return
        seat.browser.secret = person.secret
        self.code = seat.browser.totp()
        reply = self.run(self.answer(seat, "totp", self.code))
        if self.judge(seat, reply, right=True):
            person.step = self.now // STEP

    @rule(number=Number, guess=st.integers(min_value=0, max_value=999))
    def wrong(self, number: int, guess: int) -> None:
        """Answer with a code that was never right."""
        if (seat := self.enrolled_at(number)) is None:
            return
        reply = self.run(self.answer(seat, "totp", seat.browser.wrong(guess)))
        self.judge(seat, reply, right=False)

    @rule(number=Number)
    def wrong_until_locked(self, number: int) -> None:
        """Guess until nothing is compared any more."""
        for guess in range(8):
            self.wrong(number, guess)

    @rule(number=Number)
    def backup_code(self, number: int) -> None:
        """Answer with a backup code."""
        seat = self.enrolled_at(number)
        if seat is None or not self.person_at(seat).backup:
            return
        person = self.person_at(seat)
        code = min(person.backup)
        reply = self.run(self.answer(seat, "backup-code", code))
        if self.judge(seat, reply, right=True):
            person.backup.discard(code)
            person.used.add(code)

    @rule(number=Number)
    def used_backup_code(self, number: int) -> None:
        """Answer with a backup code that was used: it is no guess, and costs nothing."""
        seat = self.enrolled_at(number)
        if seat is None or not self.person_at(seat).used:
            return
        reply = self.run(self.answer(seat, "backup-code", min(self.person_at(seat).used)))
        self.judge_free(seat, reply)

    @rule(number=Number)
    def used_code(self, number: int) -> None:
        """Answer with the code of the app that somebody has just used.

        It is no proof, and costs nothing.
        """
        seat = self.enrolled_at(number)
        if seat is None or abs(self.now // STEP - self.person_at(seat).step) > 1:
            return
        person = self.person_at(seat)
        if seat.who is not None and seat.marks.get(seat.who, 0) in person.browsers:
            return  # it may be the browser that used it, and is led to the same result
        seat.browser.secret = person.secret
        reply = self.run(self.answer(seat, "totp", seat.browser.totp(person.step - self.now // STEP)))
        self.judge_free(seat, reply)

    @rule(number=Number, guess=st.integers(min_value=0, max_value=999))
    def no_store(self, number: int, guess: int) -> None:
        """Ask and guess while the store is away: nobody is let in by it, and nothing counts."""
        seat = self.seats[number]
        with pytest.MonkeyPatch.context() as patch:
            for store in self.stores:
                for name in ("load", "swap", "load_many", "changed"):
                    if hasattr(store, name):
                        patch.setattr(store, name, away)
            page: Reply = self.run(seat.browser.ask("GET", "/records", headers=FETCH))
            assert page.status != 200 or self.may_pass(seat), page.text
            answer = {"authenticator": "x", "response": f"{guess:06d}"}
            reply: Reply = self.run(seat.browser.api("POST", "verify", answer))
            assert reply.status in (401, 403, 503), reply.text

    @rule(who=People, act=st.sampled_from(("lock", "unlock", "unlock", "reset", "forget", "end proofs")))
    def administer(self, who: tuple[str, str], act: str) -> None:
        """Let an administrator, or the host, act in one of the applications."""
        if act in ("forget", "end proofs"):
            self.run(self.act_of_the_host(who, act))
            return
        person, desk = self.people[who], self.worlds[0].gate.service.account_desk
        done = self.run(desk.act(OPERATOR, act, SubjectKey(who[1], who[0]), reason="x", ticket="T"))
        assert isinstance(done, Refusal) is not person.exists, (act, done)
        if not person.exists:
            return
        match act:
            case "lock":
                self.expected["account.locked"] += person.lock_by_hand(self.now)
            case "unlock":
                self.expected["account.unlocked"] += person.unlock(self.now)
            case _:
                person.reset(self.now)

    async def act_of_the_host(self, who: tuple[str, str], act: str) -> None:
        """Forget a person, who is somebody new then, or end every proof."""
        person = await self.worlds[1].gate.person(Subject(*who))
        if act == "forget":
            await person.forget()
            self.people[who] = Person()
        else:
            await person.end_proofs("password changed")
            self.people[who].end_proofs(self.now)
