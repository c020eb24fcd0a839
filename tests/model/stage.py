"""The host of the model: workers on one store, browsers, people, the reference."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Any

import pytest

from mfa_gate import Contacts, Subject
from mfa_gate.core.model import SubjectKey
from mfa_gate.service import Actor
from mfa_gate.storage import Store
from mfa_gate.web import qr_code
from tests.harness import FETCH, START, Browser, Reply, World, key, make_world

from .deed import Deed
from .reference import BROWSERS, CHANGES, Person
from .rules import POLICY, terms_of
from .seats import ANN, BOB, CAT, DAN, EVE, PEOPLE, Inline, LastingMemory, Seat, WorkerClock
from .terms import Terms
from .trail import compare_trail

OPERATOR = Actor(name="operator:test")
WRONG = "the answer was right"


class Stage:
    """The host, the people, and all that deeds need."""

    policy = POLICY
    apps = (0, 0, 1)
    """The application of each worker."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(qr_code, "draw", lambda text: qr_code.Drawing(1, ""))
        self.loop = asyncio.new_event_loop()
        self.loop.set_default_executor(Inline(1))
        self.at = float(START)
        self.in_force = self.policy
        self.terms = {tenant: terms_of(rules) for tenant, rules in self.policy.tenants.items()}
        self.people = {who: Person() for who in PEOPLE}
        self.lives: Counter[tuple[str, str]] = Counter()
        self.grants_told: Counter[tuple[str, str]] = Counter()
        """The latest time at which the trail tells of a grant for somebody."""
        self.expected: Counter[str] = Counter()
        self.keys = [key(1)]
        self.last_mark = self.sessions = self.steps = 0
        self.gone: list[World] = []
        self.clocks = [WorkerClock(self) for _ in self.apps]
        self.latest = [0 for _ in self.apps]
        self.worlds = [self.make_worker(number) for number in range(len(self.apps))]
        self.seats: list[Seat] = []

    # -- the parts -----------------------------------------------------------------------------------------------------

    def make_store(self) -> Store:
        """Make the store of one worker."""
        if not hasattr(self, "shared"):
            self.shared = LastingMemory()
        return self.shared

    def make_worker(self, number: int) -> World:
        """Start a worker."""
        clock: Any = self.clocks[number]
        app = "second" if self.apps[number] else ""
        made = make_world(
            store=self.make_store(),
            clock=clock,
            policy=self.policy,
            keys=self.keys,
            name=app,
            contacts=self.contacts_of,
        )
        self.run(made.gate.web.open())
        made.gate.service.worker.stop()  # the jobs are a deed: on a slow machine they would come at any time
        return made

    async def contacts_of(self, subject: Subject) -> Contacts:
        """Tell the contacts of a person, who has others in a new life."""
        number = self.lives[subject.id, subject.tenant]
        digits = 100 + 10 * [who[0] for who in PEOPLE].index(subject.id) + number % 10
        return Contacts(name=subject.id, email=f"{subject.id}{number}@x.example", phone=f"+1 202-555-0{digits}")

    async def contacts_of_seat(self, seat: Seat) -> Contacts:
        """Tell the contacts of the person who is signed in there."""
        return await self.contacts_of(Subject(*seat.who))

    def run(self, work: Any) -> Any:
        """Wait for a coroutine."""
        return self.loop.run_until_complete(work)

    def begin(self) -> None:
        """Sign somebody in in each browser."""
        for number, who in enumerate((ANN, ANN, BOB, CAT, DAN, EVE)):
            app = number % 2
            worker = self.apps.index(app)
            self.seats.append(Seat(Browser(self.worlds[worker]), app, worker))
            self.sign_in_as(number, who)

    def sign_in_as(self, number: int, who: tuple[str, str]) -> None:
        """Sign in with the password."""
        seat = self.seats[number]
        self.sessions += 1
        seat.session = f"s{self.sessions}"
        session = {"user_id": who[0], "org": who[1], "groups": [], "sid": seat.session}
        self.run(seat.browser.ask("POST", "/login", body=json.dumps(session).encode()))
        seat.browser.id, seat.browser.tenant = seat.who = who

    def step(self, deed: Deed, given: dict[str, Any]) -> None:
        """Do a deed, and look at the browser that it concerns, or at one after the other."""
        self.settle()
        deed.do(self, **given)
        self.settle()
        self.steps += 1
        self.look(given.get("number", self.steps % len(self.seats)))

    def settle(self) -> None:
        """Wait until all workers know of the last change.

        Where they share a process or a file, they know at once.
        """

    def finish(self) -> None:
        """Look at everybody once more, and read the trail."""
        for number in range(len(self.seats)):
            self.look(number)
        self.run(compare_trail(self.worlds[0].gate.service, self.expected))

    def close(self) -> None:
        """Close all workers, those too that were killed."""
        for world in (*self.worlds, *self.gone):
            self.run(world.gate.service.engine.effects.idle())
            self.run(world.gate.web.aclose())
        self.loop.close()
        self.patch.undo()

    def teardown(self) -> None:
        """End a life that Hypothesis has told."""
        try:
            self.finish()
        finally:
            self.close()

    # -- helpers of the deeds ------------------------------------------------------------------------------------------

    def now(self, seat: Seat) -> int:
        """Return the clock of the worker that serves the browser."""
        return int(self.clocks[seat.worker].now())

    @property
    def desk_clock(self) -> int:
        """The clock of the worker at which administrators act."""
        return int(self.clocks[0].now())

    def person(self, seat: Seat) -> Person:
        """Return who is signed in there."""
        return self.people[seat.who]

    def terms_for(self, who: tuple[str, str]) -> Terms:
        """Return the rules for somebody."""
        return self.terms[who[1]]

    def new_mark(self) -> int:
        """Return a mark that no browser has."""
        self.last_mark += 1
        return self.last_mark

    def has_passed(self, seat: Seat) -> bool:
        """Tell if the reference lets the browser pass."""
        now = self.now(seat)
        return self.person(seat).passes(seat.mark, seat.network, now, self.terms_for(seat.who), seat.session)

    def is_proven(self, seat: Seat, within: int = 0) -> bool:
        """Tell if the reference knows a proof of the browser."""
        terms = self.terms_for(seat.who)
        return self.person(seat).proven(seat.mark, seat.network, self.now(seat), terms, within=within)

    def may_be_refused_already(self, seat: Seat, within: int = 0) -> bool:
        """Tell if its worker may have found the proof too old before its clock stepped back."""
        terms, latest = self.terms_for(seat.who), self.latest[seat.worker]
        return not self.person(seat).proven(seat.mark, seat.network, latest, terms, within=within)

    def may_enroll(self, seat: Seat, begun: Reply) -> bool:
        """Tell if a factor may be added, which was ``begun``."""
        person, terms = self.person(seat), self.terms_for(seat.who)
        may = person.may_enroll(seat.mark, seat.cookie, seat.network, self.now(seat), terms)
        if may and person.enrolled and begun.reason == "proof_required":
            return not self.may_be_refused_already(seat, within=min(CHANGES, terms.max_age))
        return may

    def look(self, number: int) -> None:
        """Ask for a page of the app, and compare."""
        self.latest = [max(pair) for pair in zip(self.latest, (int(c.now()) for c in self.clocks), strict=True)]
        seat = self.seats[number]
        passes = self.has_passed(seat)
        reply: Reply = self.run(seat.browser.ask("GET", "/records", headers=FETCH))
        if passes and reply.status == 403 and self.may_be_refused_already(seat):
            assert reply.json().get("why") == "expired" or reply.reason == "locked", reply.text
            return
        assert (reply.status == 200) is passes, (seat.who, seat.mark, reply.status, reply.text)
        if passes and not self.is_proven(seat):
            self.note_grant(seat)

    def note_grant(self, seat: Seat) -> None:
        """Note the first use of a break-glass grant in a session."""
        person, now = self.person(seat), self.now(seat)
        grant = person.grant
        if grant is None or not person.is_let_in(now, seat.session) or seat.session in grant.sessions:
            return
        grant.sessions.add(seat.session)
        person.touch(now)
        self.expected["break_glass.used"] += 1

    def is_crowded(self, person: Person) -> bool:
        """Tell if the account has no room for another browser."""
        return len(person.browsers) >= BROWSERS

    async def answer(self, seat: Seat, factor: str, response: str) -> Reply:
        """Answer a challenge."""
        seat.answered_with = seat.cookie
        account = await self.worlds[seat.worker].store.load(SubjectKey(seat.who[1], seat.who[0]))
        id = next(a.id for a in account.authenticators if a.factor == factor)
        return await seat.browser.api("POST", "verify", {"authenticator": id, "response": response})

    def judge(self, seat: Seat, reply: Reply, *, right: bool) -> bool:
        """Note the outcome that must have come of an answer, and compare.

        Returns if it was a success.
        """
        person, now = self.person(seat), self.now(seat)
        if person.lock:
            assert (reply.status, reply.reason) == (403, "locked"), reply.text
        elif person.must_wait(seat.mark, now):
            assert (reply.status, reply.reason) == (429, "too_soon"), reply.text
        elif right:
            assert reply.status == 200, reply.text
            self.succeed(seat)
            person.copied[seat.answered_with] = person.seen_at
            if person.waiting is not None:
                person.waiting = None if person.waiting.opens_at else person.waiting
        else:
            assert 400 <= reply.status < 500, WRONG
            person.fail(now, self.terms_for(seat.who))
            self.expected["attempt.failed"] += 1
            self.expected["account.locked"] += bool(person.lock)
            left = 0 if person.lock else 7 - person.failures
            assert reply.json()["attempts_remaining"] == left, reply.text
        return reply.status == 200

    def is_copy(self, seat: Seat) -> bool:
        """Tell if the browser has the cookie of a right answer of a moment ago.

        A copy of that answer is led to its result.
        """
        at = self.person(seat).copied.get(seat.cookie)
        return bool(seat.cookie) and at is not None and self.person(seat).now(self.now(seat)) - at <= 30

    def succeed(self, seat: Seat) -> None:
        """Note a proof of the browser."""
        new = self.new_mark()
        self.person(seat).succeed(seat.mark, new, seat.network, self.now(seat))
        seat.marks[seat.who] = new
        self.expected["proof.granted"] += 1

    def enrolled(self, seat: Seat, kind: str) -> None:
        """Note a new factor and the proof by it. The first one alone gives attempts back."""
        person = self.person(seat)
        wrong = person.failures if person.factors else 0
        person.enroll(kind)
        self.succeed(seat)
        person.failures = wrong
        self.expected["factor.enrolled"] += 1

    def judge_free(self, seat: Seat, reply: Reply, *reasons: str) -> None:
        """Note an answer that is no proof, and costs nothing."""
        person, now = self.person(seat), self.now(seat)
        if person.lock or person.must_wait(seat.mark, now):
            assert reply.reason == ("locked" if person.lock else "too_soon"), reply.text
            return
        assert reply.status == 422, reply.text
        assert reply.reason in reasons, reply.text
        assert reply.json()["attempts_remaining"] == 7 - person.failures, reply.text
        person.refuse(seat.mark, now)
        self.expected["attempt.refused"] += 1
