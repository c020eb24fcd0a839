"""Passkeys through the service: the cost of an answer, and the people who can give one."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from mfa_gate import RelyingParty
from mfa_gate.core.entropy import handle_digest
from mfa_gate.core.events.weight import HIGH, severity_of
from mfa_gate.core.model import Account, Caller, Contacts, Subject
from mfa_gate.core.reasons import Refusal
from mfa_gate.core.rules import EnrollmentRules, FactorRules, Policy, Rules
from mfa_gate.keyring import Keyring, make_key
from mfa_gate.ports import Senders
from mfa_gate.service import Enrolled, Issued, OpenDraft, Service, Verified, Wiring
from mfa_gate.stores.memory import MemoryStore

from .softkey import BE, ORIGIN, UP, UV, Answer, Bend, SoftKey
from .test_webauthn import BROKEN_ASSERTIONS, BROKEN_REGISTRATIONS, client, outer, part


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.at = 1_760_000_000.0

    def now(self) -> float:
        return self.at


async def contacts_of(subject: Subject) -> Contacts:
    """Return the contacts that the host has on file."""
    return Contacts(name=subject.id.title(), email=f"{subject.id}@t.example")


@pytest.fixture
def clock() -> Clock:
    return Clock()


def serve(store: MemoryStore, clock: Clock) -> Service:
    """A process over ``store``."""
    rules = Rules(
        factors=FactorRules(allowed=("webauthn",)), enrollment=EnrollmentRules(stage="required", first="open")
    )
    wiring = Wiring(
        store=store,
        keyring=Keyring([make_key(bytes(range(32)))]),
        clock=clock,
        entropy=os.urandom,
        senders=Senders(),
        relying_party=RelyingParty(id="app.example", name="App", origins=[ORIGIN]),
        contacts=contacts_of,
    )
    return Service(wiring, Policy(name="test", base=rules))


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
async def service(store: MemoryStore, clock: Clock) -> AsyncIterator[Service]:
    service = serve(store, clock)
    assert await service.open() == ""
    yield service
    await service.aclose()


@dataclass(slots=True, kw_only=True)
class Person:
    """Somebody signed in, in one browser."""

    service: Service
    id: str = "alice"
    handle: str = field(default_factory=lambda: os.urandom(16).hex())

    @property
    def caller(self) -> Caller:
        return Caller(subject=Subject(self.id, tenant="t"), handle=handle_digest(self.handle), network="192.0.2.1")

    async def account(self) -> Account:
        return await self.service.engine.store.load(self.caller.subject.key)

    async def left(self) -> int:
        """Return the number of the seven attempts that are left."""
        return 7 - (await self.account()).attempts.used

    async def begin(self) -> tuple[OpenDraft, dict[str, Any]]:
        begun = await self.service.enrollments.begin(self.caller, factor="webauthn")
        assert isinstance(begun, OpenDraft)
        assert begun.issued is not None
        return begun, shown(begun.issued)

    async def enroll(self, key: SoftKey, bend: Bend | None = None, *, label: str = "") -> Enrolled | Refusal:
        begun, options = await self.begin()
        return await self.confirm(begun, key.create(options, bend), label=label)

    async def confirm(self, begun: OpenDraft, response: object, *, label: str = "") -> Enrolled | Refusal:
        done = await self.service.enrollments.confirm(
            self.caller, handle=self.handle, enrollment=begun.enrollment.id, response=response, label=label
        )
        if isinstance(done, Enrolled):
            self.handle = done.handle
        return done

    async def ask(self, place: int = 0) -> Issued:
        id = (await self.account()).authenticators[place].id
        issued = await self.service.challenges.begin(self.caller, id)
        assert isinstance(issued, Issued)
        return issued

    async def answer(self, issued: Issued, response: object) -> Verified | Refusal:
        result = await self.service.verification.verify(
            self.caller,
            handle=self.handle,
            authenticator=issued.challenge.target,
            challenge=issued.challenge.id,
            response=response,
        )
        if isinstance(result, Verified):
            self.handle = result.handle
        return result

    async def prove(self, key: SoftKey, bend: Bend | None = None) -> Verified | Refusal:
        issued = await self.ask()
        return await self.answer(issued, key.get(shown(issued), bend))


def shown(issued: Issued) -> dict[str, Any]:
    """The options that the browser gets, as JSON makes them."""
    options: dict[str, Any] = json.loads(json.dumps(issued.show["public_key"]))
    return options


@pytest.fixture
async def alice(service: Service) -> Person:
    return Person(service=service)


def elsewhere(person: Person) -> Person:
    """The same person in another browser."""
    return Person(service=person.service, id=person.id)


async def test_enroll_then_prove(alice: Person) -> None:
    """An enrolled passkey is a proof at once, and proves again later.

    It is named after its provider.
    """
    key = SoftKey()
    done = await alice.enroll(key, label="Passkey")
    assert isinstance(done, Enrolled)
    assert done.authenticator.label == "Bitwarden"
    assert done.granted is not None
    assert done.granted.proof.phishing_resistant
    assert done.granted.proof.user_verified
    proven = await alice.prove(key)
    assert isinstance(proven, Verified)
    assert proven.granted is not None
    assert proven.granted.proof.phishing_resistant
    assert (await alice.account()).authenticators[0].data["count"] == 1


async def test_own_label(alice: Person) -> None:
    """A name that the person typed stays."""
    done = await alice.enroll(SoftKey(), label="Blue key")
    assert isinstance(done, Enrolled)
    assert done.authenticator.label == "Blue key"


async def test_json_text(alice: Person) -> None:
    """The form's hidden field holds JSON text, and that is enough."""
    key = SoftKey()
    begun, options = await alice.begin()
    assert isinstance(await alice.confirm(begun, json.dumps(key.create(options))), Enrolled)
    issued = await alice.ask()
    assert isinstance(await alice.answer(issued, json.dumps(key.get(shown(issued)))), Verified)


async def test_by_challenge_alone(alice: Person) -> None:
    """The JSON API may name the challenge alone."""
    key = SoftKey()
    await alice.enroll(key)
    issued = await alice.ask()
    result = await alice.service.verification.verify(
        alice.caller, handle=alice.handle, challenge=issued.challenge.id, response=key.get(shown(issued))
    )
    assert isinstance(result, Verified)


async def test_several(alice: Person) -> None:
    """The passkey that answered is the one that was used, whichever was asked for.

    A person may have several.
    """
    first, second = SoftKey(), SoftKey(algorithm=-8)
    await alice.enroll(first)
    added = await alice.enroll(second)
    assert isinstance(added, Enrolled)
    assert added.authenticator.label == "Bitwarden 2"
    issued = await alice.ask(0)
    result = await alice.answer(issued, second.get(shown(issued)))
    assert isinstance(result, Verified)
    assert result.granted is not None
    assert result.granted.authenticator.id == added.authenticator.id
    counts = [a.data["count"] for a in (await alice.account()).authenticators]
    assert counts == [0, 1]


@pytest.mark.parametrize("name", ["type of a registration", "origin another host", "signature of nothing", "36 bytes"])
async def test_wrong_costs_one(alice: Person, name: str) -> None:
    """A wrong answer costs one attempt and ends its challenge.

    The right answer to that challenge comes too late (S-37, S-67).
    """
    key = SoftKey()
    await alice.enroll(key)
    issued = await alice.ask()
    wrong = await alice.answer(issued, key.get(shown(issued), BROKEN_ASSERTIONS[name]))
    assert isinstance(wrong, Refusal)
    assert (wrong.reason, wrong.attempts_remaining) == ("wrong_code", 6)
    late = await alice.answer(issued, key.get(shown(issued)))
    assert isinstance(late, Refusal)
    assert (late.reason, late.attempts_remaining) == ("code_already_used", 6)
    assert isinstance(await alice.prove(key), Verified)
    assert await alice.left() == 7


@pytest.mark.parametrize("name", ["attestation cut", "key cut", "relying party another", "an assertion in its place"])
async def test_wrong_registration_costs_one(alice: Person, name: str) -> None:
    """A wrong registration costs one attempt and ends its challenge (S-37)."""
    key = SoftKey()
    begun, options = await alice.begin()
    wrong = await alice.confirm(begun, key.create(options, BROKEN_REGISTRATIONS[name]))
    assert isinstance(wrong, Refusal)
    assert (wrong.reason, wrong.attempts_remaining) == ("wrong_code", 6)
    late = await alice.confirm(begun, key.create(options))
    assert isinstance(late, Refusal)
    assert (late.reason, late.attempts_remaining) == ("code_already_used", 6)
    assert (await alice.account()).authenticators == ()


@pytest.mark.parametrize("response", ["", "123456", "{}", {"id": "A"}, [], 5, None, "x" * 70_000])
async def test_malformed_is_free(alice: Person, response: object) -> None:
    """The wrong shape or size costs nothing and ends nothing (S-38)."""
    key = SoftKey()
    await alice.enroll(key)
    issued = await alice.ask()
    refused = await alice.answer(issued, response)
    assert isinstance(refused, Refusal)
    assert refused.reason == "malformed"
    assert await alice.left() == 7
    assert isinstance(await alice.answer(issued, key.get(shown(issued))), Verified)


async def test_id_is_not_raw_id(alice: Person) -> None:
    """``id`` and ``rawId`` that differ are a wrong shape: free."""
    key = SoftKey()
    await alice.enroll(key)
    refused = await alice.prove(key, outer(rawId="AAAA"))
    assert isinstance(refused, Refusal)
    assert (refused.reason, await alice.left()) == ("malformed", 7)


async def test_unknown_challenge_is_free(alice: Person) -> None:
    """A challenge that was never issued costs nothing, neither in the answer nor by its id."""
    key = SoftKey()
    await alice.enroll(key)
    refused = await alice.prove(key, client(challenge="A" * 43))
    assert isinstance(refused, Refusal)
    assert (refused.reason, await alice.left()) == ("code_expired", 7)
    issued = await alice.ask()
    unknown = await alice.service.verification.verify(
        alice.caller, handle=alice.handle, challenge="nothing", response=key.get(shown(issued))
    )
    assert isinstance(unknown, Refusal)
    assert (unknown.reason, await alice.left()) == ("not_found", 7)


async def test_expired_is_free(alice: Person, clock: Clock) -> None:
    """After five minutes the challenge is dead, and the answer costs nothing (S-67)."""
    key = SoftKey()
    await alice.enroll(key)
    issued = await alice.ask()
    clock.at += 300
    refused = await alice.answer(issued, key.get(shown(issued)))
    assert isinstance(refused, Refusal)
    assert (refused.reason, await alice.left()) == ("code_expired", 7)


async def test_replay(alice: Person) -> None:
    """A right answer that is sent again proves nothing (S-67).

    The browser has its new handle by then.
    """
    key = SoftKey()
    await alice.enroll(key)
    issued = await alice.ask()
    answer = key.get(shown(issued))
    assert isinstance(await alice.answer(issued, answer), Verified)
    again = await alice.answer(issued, answer)
    assert isinstance(again, Refusal)
    assert await alice.left() == 7


async def test_replay_with_the_old_handle(alice: Person, clock: Clock) -> None:
    """A double submit is led to its own result for half a minute and grants nothing.

    After that it is refused.
    """
    key = SoftKey()
    await alice.enroll(key)
    old = alice.handle
    issued = await alice.ask()
    answer = key.get(shown(issued))
    first = await alice.answer(issued, answer)
    assert isinstance(first, Verified)
    twice = await Person(service=alice.service, handle=old).answer(issued, answer)
    assert isinstance(twice, Verified)
    assert (twice.again, twice.granted, twice.handle) == (True, None, first.handle)
    clock.at += 31
    assert isinstance(await Person(service=alice.service, handle=old).answer(issued, answer), Refusal)


async def test_two_at_once(alice: Person, store: MemoryStore, clock: Clock) -> None:
    """One of several right answers at the same moment is granted, over two processes (S-67).

    All answer the same challenge.
    """
    key = SoftKey()
    await alice.enroll(key)
    second_process = serve(store.another(), clock)
    await second_process.open()
    issued = await alice.ask()
    answers = [key.get(shown(issued)) for _ in range(6)]
    people = [replace(alice, service=service) for service in (alice.service, second_process) for _ in range(3)]
    results = await asyncio.gather(*(p.answer(issued, a) for p, a in zip(people, answers, strict=True)))
    granted = [r for r in results if isinstance(r, Verified) and r.granted is not None]
    assert len(granted) == 1
    assert await alice.left() == 7
    await second_process.aclose()


async def test_lock(alice: Person) -> None:
    """Seven wrong answers lock the account.

    From then on a right answer is refused like a wrong one (S-31, S-34).
    """
    key = SoftKey()
    await alice.enroll(key)
    waiting = await alice.ask()
    for left in range(6, -1, -1):
        wrong = await alice.prove(key, part(signature=b"\0" * 64))
        assert isinstance(wrong, Refusal)
        assert (wrong.reason, wrong.attempts_remaining) == ("wrong_code", left)
    locked = await alice.answer(waiting, key.get(shown(waiting)))
    assert isinstance(locked, Refusal)
    assert locked.reason == "locked"


async def test_a_burst_of_wrong_answers(alice: Person) -> None:
    """Twenty wrong answers at once cost at most seven attempts, and none is accepted (S-31).

    They answer three live challenges.
    """
    key = SoftKey()
    await alice.enroll(key)
    asked = [await alice.ask() for _ in range(3)]
    wrong = [key.get(shown(asked[n % 3]), part(signature=bytes([n + 1]) * 64)) for n in range(20)]
    results = await asyncio.gather(*(replace(alice).answer(asked[n % 3], wrong[n]) for n in range(20)))
    reasons = [r.reason for r in results if isinstance(r, Refusal)]
    assert len(reasons) == 20
    assert reasons.count("wrong_code") == 3, "each challenge died with its first answer"
    assert await alice.left() == 4


async def test_foreign_browser(alice: Person) -> None:
    """An answer to another browser's challenge is unknown here.

    Nothing is granted and nothing is charged (S-67).
    """
    key = SoftKey()
    await alice.enroll(key)
    issued = await alice.ask()
    answer = key.get(shown(issued))
    other = elsewhere(alice)
    refused = await other.answer(issued, answer)
    assert isinstance(refused, Refusal)
    assert refused.reason == "code_expired"
    assert await alice.left() == 7
    assert isinstance(await alice.answer(issued, answer), Verified), "and it is still good where it was asked"


async def test_foreign_subject(alice: Person) -> None:
    """An answer to another person's challenge is unknown here, even from the same browser.

    S-73.
    """
    key, theirs = SoftKey(), SoftKey()
    await alice.enroll(key)
    bob = Person(service=alice.service, id="bob")
    await bob.enroll(theirs)
    bob.handle = alice.handle
    issued = await alice.ask()
    mine = await bob.ask()
    refused = await bob.answer(mine, key.get(shown(issued)))
    assert isinstance(refused, Refusal)
    assert refused.reason == "code_expired"
    refused = await bob.answer(mine, key.get(shown(mine)))
    assert isinstance(refused, Refusal)
    assert refused.reason == "wrong_code"


async def test_foreign_enrollment(alice: Person) -> None:
    """A draft of another browser cannot be confirmed.

    Its challenge cannot be answered in another draft either (S-73).
    """
    key = SoftKey()
    begun, options = await alice.begin()
    other = elsewhere(alice)
    refused = await other.confirm(begun, key.create(options))
    assert isinstance(refused, Refusal)
    assert refused.reason == "not_found"
    own, _ = await other.begin()
    refused = await other.confirm(own, key.create(options))
    assert isinstance(refused, Refusal)
    assert refused.reason == "code_expired"


async def test_a_wrong_answer_to_the_newer_of_two_drafts(alice: Person) -> None:
    """A wrong answer is charged and ends its challenge, though an earlier draft was replaced.

    An answer to the earlier draft's challenge is none to the newer one, and costs nothing (S-37, S-67).
    """
    earlier, asked = await alice.begin()
    begun, options = await alice.begin()
    refused = await alice.confirm(begun, SoftKey().create(asked))
    assert isinstance(refused, Refusal)
    assert (refused.reason, await alice.left()) == ("code_expired", 7)
    refused = await alice.confirm(begun, SoftKey().create(options, client(origin="https://evil.example")))
    assert isinstance(refused, Refusal)
    assert (refused.reason, await alice.left()) == ("wrong_code", 6)
    refused = await alice.confirm(begun, SoftKey().create(options))
    assert isinstance(refused, Refusal)
    assert (refused.reason, await alice.left()) == ("code_already_used", 6)
    refused = await alice.confirm(earlier, SoftKey().create(asked))
    assert isinstance(refused, Refusal)
    assert refused.reason == "draft_replaced"


async def test_three_live(alice: Person) -> None:
    """Up to three challenges live; the fourth ends the oldest."""
    key = SoftKey()
    await alice.enroll(key)
    asked = [await alice.ask() for _ in range(4)]
    oldest = await alice.answer(asked[0], key.get(shown(asked[0])))
    assert isinstance(oldest, Refusal)
    assert oldest.reason == "code_expired"
    assert isinstance(await alice.answer(asked[1], key.get(shown(asked[1]))), Verified)


async def test_second_user_with_the_same_id(alice: Person) -> None:
    """A credential id belongs to one person in the whole store.

    The next person is refused at no cost, until the credential is removed (S-77).
    """
    key = SoftKey()
    done = await alice.enroll(key)
    assert isinstance(done, Enrolled)
    await alice.enroll(SoftKey())
    bob = Person(service=alice.service, id="bob")
    refused = await bob.enroll(key)
    assert isinstance(refused, Refusal)
    assert (refused.reason, refused.attempts_remaining) == ("already_enrolled", 7)
    assert (await bob.account()).authenticators == ()
    removed = await alice.service.self_service.remove(alice.caller, id=done.authenticator.id)
    assert not isinstance(removed, Refusal)
    assert isinstance(await bob.enroll(key), Enrolled)


async def test_a_passkey_that_finds_no_room(alice: Person, store: MemoryStore) -> None:
    """A right answer that is refused at the end leaves no credential id behind (S-77)."""

    def large(answer: Answer) -> None:
        answer.cose = {1: 3, 3: -257, -1: b"\xff" * 1024, -2: b"\1\0\1"}

    while isinstance(refused := await alice.enroll(SoftKey(), large), Enrolled):
        pass
    assert refused.reason == "too_many"
    known = {a.data["claim"] for a in (await alice.account()).authenticators}
    assert {name for name in store._contents.claims if name.startswith("webauthn:")} == known


async def test_the_same_twice(alice: Person) -> None:
    """A credential that is enrolled already is refused at no cost, however often it is tried.

    S-77, D-56.
    """
    key = SoftKey()
    await alice.enroll(key)
    for _ in range(8):
        refused = await alice.enroll(key)
        assert isinstance(refused, Refusal)
        assert (refused.reason, refused.attempts_remaining) == ("already_enrolled", 7)
    assert (await alice.account()).lock is None


async def test_the_same_twice_at_once(alice: Person, store: MemoryStore, clock: Clock) -> None:
    """A credential confirmed in two browsers of two processes at once is enrolled once (S-77)."""
    first, key = SoftKey(), SoftKey()
    await alice.enroll(first)
    second_process = serve(store.another(), clock)
    await second_process.open()
    other = Person(service=second_process)
    assert isinstance(await other.prove(first), Verified)
    drafts = [await alice.begin(), await other.begin()]
    answers = [key.create(options) for _, options in drafts]
    results = await asyncio.gather(alice.confirm(drafts[0][0], answers[0]), other.confirm(drafts[1][0], answers[1]))
    assert sum(isinstance(result, Enrolled) for result in results) == 1
    assert [r.reason for r in results if isinstance(r, Refusal)] == ["already_enrolled"]
    await second_process.aclose()


@pytest.mark.parametrize(
    ("bend", "sign"),
    [
        (part(count=3), "counter_back"),
        (part(flags=UP | UV | BE), "backup_eligibility_changed"),
    ],
)
async def test_alarm_is_written(alice: Person, bend: Bend, sign: str) -> None:
    """A response that only a copy of the key gives is an event of its own (S-75).

    A lock by the same answer comes behind it.
    """
    key = SoftKey(count=9)
    await alice.enroll(key)
    for left in range(6, -1, -1):
        refused = await alice.prove(key, bend)
        assert isinstance(refused, Refusal)
        assert (refused.reason, refused.attempts_remaining) == ("wrong_code", left)
    page = await alice.service.engine.store.events("t", account="alice", kind="attempt.failed")
    assert [event.detail.get("alarm") for event in page.items] == [sign] * 7
    newest = (await alice.service.engine.store.events("t", account="alice")).items[:3]
    assert [event.kind for event in newest] == ["account.locked", "factor.copied", "attempt.failed"]
    assert (newest[1].factor, newest[1].reason, severity_of(newest[1])) == ("webauthn", sign, HIGH)
    wrong = await Person(service=alice.service, id="bob").enroll(SoftKey(), client(origin="https://evil.example"))
    assert isinstance(wrong, Refusal)
    assert (await alice.service.engine.store.events("t", account="bob", kind="factor.copied")).items == ()


async def test_one_handle(alice: Person) -> None:
    """All passkeys of a person carry the same user handle.

    Another person's carry another (S-78).
    """
    await alice.enroll(SoftKey())
    await alice.enroll(SoftKey())
    bob = Person(service=alice.service, id="bob")
    await bob.enroll(SoftKey())
    mine = {a.data["user"] for a in (await alice.account()).authenticators}
    assert len(mine) == 1
    assert (await bob.account()).authenticators[0].data["user"] not in mine


async def test_one_handle_in_drafts_that_begin_at_once(alice: Person) -> None:
    """Two browsers that begin in the same moment get the same user handle (S-78)."""
    other = Person(service=alice.service)
    begun = await asyncio.gather(alice.begin(), other.begin())
    assert len({options["user"]["id"] for _, options in begun}) == 1
    assert isinstance(await other.confirm(begun[1][0], SoftKey().create(begun[1][1])), Enrolled)


async def test_account_stays_small(alice: Person) -> None:
    """Twenty passkeys and all challenges leave the account under 16 KB."""
    from mfa_gate.core.codec import encode

    for _ in range(19):
        assert isinstance(await alice.enroll(SoftKey()), Enrolled)
    assert isinstance(await alice.enroll(SoftKey()), Enrolled)
    for _ in range(6):
        await alice.ask()
    account = await alice.account()
    assert len(account.authenticators) == 20
    assert len(encode(account)) < 16_384
