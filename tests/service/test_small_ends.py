"""Ends of use cases that a person seldom meets: each refuses, goes on, or says what it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mfa_gate import Contacts, Senders, Subject
from mfa_gate.core.events import Event
from mfa_gate.core.evidence import UPSTREAM
from mfa_gate.core.model import Account, Authenticator, Browser, Caller, Proof, SubjectKey
from mfa_gate.core.reasons import Refusal
from mfa_gate.core.rules import FreshnessRules, SubjectExemption
from mfa_gate.errors import DamagedAccount, StoreContention
from mfa_gate.ports import SharedSignals
from mfa_gate.service import Actor
from mfa_gate.service import report_recorder as recorder_module
from mfa_gate.service import shared_signals as signals_module
from mfa_gate.service.admin import damaged_accounts
from mfa_gate.service.admin.rights import key_of
from mfa_gate.service.maintenance.rotation import _anew
from mfa_gate.service.own_address import note_of
from mfa_gate.service.report_recorder import ReportRecorder
from mfa_gate.service.shared_signals import faults_of_signals
from mfa_gate.service.trail_verification import LIST_GONE, Fault
from mfa_gate.service.what_if import _upstream
from mfa_gate.stores.memory import MemoryStore
from tests.harness import HOME, START, Outbox, World, key, make_world, running, with_rules
from tests.service.impact.test_replay import NINE, judged, row, situation

ANN, BOSS = SubjectKey("alpha", "ann"), SubjectKey("alpha", "boss")


def caller_of(id: str, *groups: str) -> Caller:
    return Caller(subject=Subject(id, "alpha", frozenset(groups)), handle="h", network=HOME)


async def test_an_exempt_administrator_still_owes_a_proof() -> None:
    """An exemption opens the app, and never the desk.

    Nobody acts on accounts by the password alone.
    """
    exempt = SubjectExemption(name="bosses", groups_any=("admin",), reason="tests")
    async with running(make_world(policy=with_rules(lambda rules: replace(rules, exempt_subjects=(exempt,))))) as world:
        boss = Actor(name="boss", caller=caller_of("boss", "admin"))
        for changing, age in ((False, 7 * 86_400), (True, 300)):
            refused = await world.gate.service.rights.permit(boss, "look", ANN, changing=changing)
            assert refused == Refusal(reason="proof_required", max_age=age)


def test_where_an_actor_comes_from() -> None:
    """A person from the own network, a program from that of its call, the operator from none."""
    boss = Actor(name="boss", caller=caller_of("boss"))
    program = Actor(name="token:hr", network_now="192.0.2.0/24")
    assert [one.network for one in (boss, program, Actor(name="operator:eve"))] == [HOME, "192.0.2.0/24", ""]
    assert key_of(boss, "ann") == ANN
    assert key_of(boss, "ann", "beta") == SubjectKey("beta", "ann")


@pytest.mark.parametrize("act", ["undo", "stop_recovery"])
async def test_who_owes_a_proof_takes_nothing_back(world: World, act: str) -> None:
    """A stolen password stops no request for help, and ends no dispute."""
    await world.enrolled()
    before = await world.account()
    refused = await getattr(world.gate.service.disputing, act)(caller_of("ann"))
    assert refused is not None
    assert refused.reason == "proof_required"
    assert await world.account() == before


async def test_reminders_where_nobody_can_send(world: World) -> None:
    """Without a sender nothing is used up.

    A person without an address is passed over, and the others get theirs.
    """
    messages, operator = world.gate.service.tenant_messages, Actor(name="operator:eve")
    for id in ("ann", "bob", "cid"):
        await (await world.browser(id)).page("/mfa/enroll")
        assert await world.store.swap(replace(await world.account(id), name=id.title()))
    wiring = world.engine.wiring
    world.engine.wiring = replace(wiring, senders=Senders())
    assert (messages.can_remind, await messages.remind(operator, "alpha")) == (False, Refusal(reason="no_contact"))

    async def contacts(subject: Subject) -> Contacts:
        return Contacts() if subject.id == "ann" else Contacts(email=f"{subject.id}@alpha.example")

    world.engine.wiring = replace(wiring, contacts=contacts)
    before = len(world.email.messages)
    assert (messages.can_remind, await messages.remind(operator, "alpha")) == (True, 3)
    await world.engine.effects.idle()
    assert [message.to for message in world.email.messages[before:]] == ["bob@alpha.example", "cid@alpha.example"]
    (event,) = world.kinds("tenant.message")
    assert (event.reason, event.detail) == ("reminder", {"people": 3})


async def test_a_damaged_account_that_changes_all_the_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """After many lost races the operator is told; nothing was done."""
    tries: list[int] = []

    async def damaged(key: SubjectKey) -> Account:
        raise DamagedAccount(str(key), version=3)

    async def lost(fresh: Account, events: Any = ()) -> bool:
        tries.append(fresh.version)
        return False

    monkeypatch.setattr(world.store, "load", damaged)
    monkeypatch.setattr(world.store, "swap", lost)
    monkeypatch.setattr(damaged_accounts, "MAX_TURNS", 3)
    moment = world.engine.moment(actor="operator:eve")
    with pytest.raises(StoreContention, match="changed 3 times meanwhile"):
        await damaged_accounts.discard(world.engine, moment, ANN, ticket="T", reason="r")
    assert tries == [3, 3, 3]


def test_the_latest_sign_in_elsewhere_of_a_question() -> None:
    """It tells the first words that the policy trusts.

    Without trust, or without a sign-in, there is none.
    """
    signed_in = Account(key=ANN, logins=((5, 6), (9, 10), (7, 8)))
    trusting = FreshnessRules(trust_amr=("mfa", "otp"), trust_acr=("gold", "silver"))
    found = _upstream(signed_in, trusting)
    assert found is not None
    assert (found.amr, found.acr, found.auth_time) == (("mfa",), "gold", 9)
    bare = _upstream(signed_in, FreshnessRules(trust_amr=("mfa",)))
    assert bare is not None
    assert (bare.amr, bare.acr) == (("mfa",), "")
    assert _upstream(signed_in, FreshnessRules()) is None
    assert _upstream(replace(signed_in, logins=()), trusting) is None


def test_a_fault_of_a_trail_has_words() -> None:
    """One that no language knows is a fault of the code."""
    assert Fault(0, LIST_GONE).text == LIST_GONE
    assert Fault(0, LIST_GONE, "x").text == f"{LIST_GONE}: x"
    with pytest.raises(ValueError, match="the fault 'odd' has no words"):
        Fault(0, "odd")


async def test_the_end_of_a_trail(world: World) -> None:
    """A reader that begins there reads what comes, and nothing old."""
    reader = world.gate.service.trail_reader

    async def add(id: str) -> None:
        await world.store.append([Event(id=id, kind="k", at=START, tenant="alpha", account="ann")])

    await add("old")
    end = await reader.end("alpha")
    await add("new")
    assert [event.id for event in (await reader.page("alpha", end)).items] == ["new"]
    assert await reader.place_of("old", "alpha") == end
    assert await reader.place_of("none") is None
    assert [event.id for event in (await reader.page("alpha", await reader.place_of("new") or "")).items] == []


def test_an_authenticator_of_an_unknown_kind_stays_as_it_is(world: World) -> None:
    """Keys are rotated in a store that a release with more factors has used."""
    mine, lost = Authenticator(id="a", factor="comet", label="", created_at=1, data={"x": "y"}), list[str]()
    context: Any = None
    assert _anew(world.engine.factors, context, mine, lost) is mine
    assert lost == []


@pytest.mark.parametrize(
    ("note", "address"),
    [
        (b'{"root":"/shop"}', "http://localhost:8000/shop/mfa"),
        (b'{"root":""}', "http://localhost:8000/mfa"),
        (b'{"root":null}', ""),
        (b'{"root":5}', "http://localhost:8000/mfa"),
        (b'{"root":"/a/../b"}', "http://localhost:8000/mfa"),
        (b"{", "http://localhost:8000/mfa"),
    ],
)
async def test_the_address_that_the_store_remembers(note: bytes, address: str) -> None:
    """One below a root that each visitor chooses is no address; a damaged note counts as none."""
    store = MemoryStore()
    world = make_world(store=store)
    await store.open()
    own = world.engine.own_address
    await store.put_meta(note_of(""), note)
    assert await own.look_up() == address
    await store.aclose()


def test_a_person_of_a_replay_signs_in_again_elsewhere() -> None:
    """A sign-in at the identity provider answers, for as long as its proof counts."""
    text = "[freshness]\ntrust_amr = ['mfa']\nmax_age = '1h'\n[factors]\nallowed = ['totp']\norder = ['totp']\n"
    text += "[enrollment]\nfirst = 'open'\n"
    proof = Proof(factor=UPSTREAM, authenticator=UPSTREAM, at=NINE - 7200, network="192.0.2.1", epoch=0)
    known = Browser(id="", handle="h", label="", created_at=1, proofs=(proof,))
    mine = Account(key=SubjectKey("t", "ann"), browsers=(known,), logins=((NINE - 7200, NINE - 7200),))
    ann = replace(situation(mine), login=(("mfa",), "", NINE - 7200))
    found = judged(text, row(ann), row(ann, minutes=(5,)), row(ann, at=NINE + 3600, minutes=(1,)))
    assert [((stop.at - NINE) // 60, stop.kind, stop.why) for stop in found.stops] == [
        (0, "asked", "expired"),
        (61, "asked", "expired"),
    ]


async def test_the_contact_that_a_page_shows(world: World) -> None:
    """It is masked unless the policy says otherwise.

    It is "" where nothing is on file, or where a kind copies none.
    """
    changes, rules = world.gate.service.enrollments.changes, world.engine.rules("alpha")
    on_file = Contacts(email="ann@alpha.example", phone="+12025550142")
    context = world.gate.service.challenges.context(
        caller_of("ann"), rules, purpose="sign-in", account=Account(key=ANN), contacts=on_file
    )
    plain = replace(context, rules=replace(rules, factors=replace(rules.factors, mask=False)))
    nobody = replace(context, contacts=Contacts())
    shown = [[changes._shown(one, kind) for one in (context, plain, nobody)] for kind in ("email", "totp", "comet")]
    assert shown == [["a•••@a•••.example", "ann@alpha.example", ""], ["", "", ""], ["", "", ""]]


async def test_a_copy_of_a_contact_under_a_key_that_is_gone(world: World) -> None:
    """Nobody can tell what it was, so nobody is told that it has changed."""
    other = make_world(keys=[key(7)])
    async with running(other) as elsewhere:
        await (await elsewhere.browser()).enroll_email()
        theirs = next(one for one in (await elsewhere.account()).authenticators if one.factor == "email")
        new = Contacts(email="new@alpha.example")
        for place, is_old in ((elsewhere, True), (world, False)):
            rules = place.engine.rules("alpha")
            context = place.gate.service.challenges.context(
                caller_of("ann"), rules, purpose="sign-in", account=Account(key=ANN), contacts=new
            )
            changes = place.gate.service.enrollments.changes
            assert changes._is_old(context, "email", theirs.data) is is_old
            assert changes._is_old(replace(context, contacts=Contacts()), "email", theirs.data) is False
            assert changes._is_old(context, "totp", theirs.data) is False


async def test_records_wait_for_a_store_that_keeps_some(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store without records of report-only loses none of them.

    They are written where one has them.
    """
    recorder = world.gate.service.recorder
    recorder.unjudged("alpha", "slow")
    monkeypatch.setattr(recorder_module, "ReportParts", Outbox)
    await recorder.flush(all_hours=True)
    assert [part.unjudged for part in recorder.unwritten("alpha")] == [{"slow": 1}]
    monkeypatch.undo()
    await recorder.flush(all_hours=True)
    assert recorder.unwritten("alpha") == []
    assert ReportRecorder(world.engine).route_of("GET", "/x") == "/x"


async def test_a_signal_needs_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fix is named at the start, and so is a token that is empty."""
    good = SharedSignals(
        issuer="https://i.example", audience="a", keys={"keys": []}, subject_of=lambda _: None, token="t"
    )
    assert faults_of_signals(good) == []
    (told,) = faults_of_signals(replace(good, token=" "))
    assert told.startswith("signals: SharedSignals(token=' '): without a token")
    monkeypatch.setattr(signals_module, "find_spec", lambda _: None)
    assert faults_of_signals(good) == ["signals: PyJWT is missing: pip install mfa-gate[signals]"]
