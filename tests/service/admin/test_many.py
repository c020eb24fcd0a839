"""An act on many people: what would happen to how many, then a result for each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from urllib.parse import urlencode

import pytest

from mfa_gate.core.changes import Change
from mfa_gate.core.model import Account, Lock, Proof, SubjectKey, Ticket
from mfa_gate.core.model import Browser as Remembered
from mfa_gate.core.people_search import PeopleSearch
from mfa_gate.core.reasons import Refusal
from mfa_gate.errors import StoreContention
from mfa_gate.service import Actor
from mfa_gate.service.admin import many as module
from mfa_gate.service.admin.actions import ACTIONS
from mfa_gate.service.admin.many import Chosen, Outcome, Plan, _needs_no_ticket
from tests.harness import START, World, make_world, running
from tests.service.admin.people import REVIEWED, administrator, way

LOCK = Lock(at=START - 60, cause="attempts", ref="R")
LOCKED, BARE = [f"locked{number}" for number in range(7)], [f"new{number}" for number in range(3)]
REASON = {"reason": "phones were lost"}


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A world with locked people, people with nothing set up, and one who holds rights."""
    async with running(make_world(policy=REVIEWED)) as made:
        await put(made, LOCKED, authenticators=(way("totp"),), lock=LOCK)
        await put(made, BARE, skip_count=1)
        await put(made, ["chief"], authenticators=(way("totp"),), lock=LOCK, holds_rights=True)
        yield made


async def put(world: World, ids: Sequence[str], **facts: object) -> None:
    """Write accounts."""
    for id in ids:
        assert await world.store.swap(Account(key=SubjectKey("alpha", id), **facts))  # type: ignore[arg-type]


async def results(world: World, actor: Actor, act: str, chosen: Chosen, **given: object) -> list[Outcome]:
    """Run an act on many people."""
    found = await world.gate.service.many_desk.run(actor, act, "alpha", chosen, **{**REASON, **given})  # type: ignore[arg-type]
    assert not isinstance(found, Refusal), found
    return [one async for one in found]


OPERATOR = Actor(name="operator:x")


async def test_a_plan_changes_nothing(world: World) -> None:
    """A plan counts the people by their outcome, and writes nothing."""
    before = (await world.store.events("alpha", limit=500)).items
    plan = await world.gate.service.many_desk.plan(OPERATOR, "unlock", "alpha", Chosen(ids=(*LOCKED, *BARE, "nobody")))
    assert isinstance(plan, Plan)
    assert (plan.fits, dict(plan.counts)) == (7, {"done": 7, "idle": 4})
    assert (await world.account(LOCKED[0])).lock is not None
    assert (await world.store.events("alpha", limit=500)).items == before


async def test_a_run_that_was_cut_goes_on(world: World) -> None:
    """The second run does those who were not done, and nobody twice."""
    everybody = Chosen(search=PeopleSearch(words={}))
    first = await results(world, OPERATOR, "unlock", everybody, most=3)
    again = await results(world, OPERATOR, "unlock", everybody)
    done = [one.id for one in (*first, *again) if one.word == "done"]
    assert sorted(done) == sorted([*LOCKED, "chief"])
    assert len([one for one in first if one.word == "done"]) == 3
    assert await results(world, OPERATOR, "unlock", everybody) == []


async def test_codes_for_those_without_one(world: World) -> None:
    """A person who has an open code gets no second one: slips that were printed stay good."""
    everybody = Chosen(search=PeopleSearch(words={}))
    first = await results(world, OPERATOR, "ticket", everybody, most=1)
    again = await results(world, OPERATOR, "ticket", everybody)
    codes = {one.id: one.done.ticket for one in (*first, *again) if one.done}
    assert sorted(codes) == BARE
    assert len(set(codes.values())) == 3


async def test_signed_out_and_erased(world: World) -> None:
    """Browsers end, and leavers are erased; whoever has neither is left out."""
    remembered = Remembered(id="b", handle="d", label="Firefox", created_at=1)
    account = await world.account(LOCKED[0])
    assert await world.store.swap(replace(account, browsers=(remembered,)))
    ended = await results(world, OPERATOR, "end-sessions", Chosen(ids=tuple(LOCKED)))
    assert [one.id for one in ended if one.word == "done"] == [LOCKED[0]]
    gone = await results(world, OPERATOR, "forget", Chosen(ids=(*BARE, "nobody")))
    assert [(one.id, one.word) for one in gone if one.word != "idle"] == [(id, "done") for id in BARE]
    assert (await world.account(BARE[0])).is_forgotten


async def test_each_account_is_read_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The change itself sees if there is something to do.

    So thousands of people cost no second read.
    """
    read, load = Counter[str](), world.engine.store.load

    async def counting(key: SubjectKey) -> Account:
        read[key.id] += 1
        return await load(key)

    monkeypatch.setattr(world.engine.store, "load", counting)
    done = await results(world, OPERATOR, "unlock", Chosen(ids=(*LOCKED, *BARE)))
    assert [one.word for one in done] == ["done"] * 7 + ["idle"] * 3
    assert set(read.values()) == {1}
    assert len(read) == 10


async def test_rights_and_hierarchy_in_the_use_case(world: World) -> None:
    """Without the right nothing begins.

    Nobody acts on themselves, and on those who hold rights only the privileged act.
    """
    looker = await world.enrolled("lou", groups=["support"])
    refused = await looker.form("/mfa/admin/many", {"action": "forget", "ids": "new0", "sure": "yes", **REASON})
    assert refused.status == 403
    assert not (await world.account("new0")).is_forgotten
    boss = await world.enrolled("boss", groups=["admin"])
    done = await boss.form("/mfa/admin/many", {"action": "unlock", "ids": "boss\nchief\nlocked0", **REASON})
    assert "Left out: your own account" in done.text
    assert "only a privileged administrator" in done.text
    assert "1 person is done." in done.text
    assert (await world.account("chief")).lock is not None
    own = await boss.form("/mfa/admin/many", {"action": "end-sessions", "ids": "boss", **REASON})
    assert "Left out: your own account" in own.text
    assert (await boss.page("/mfa/admin/accounts")).status == 200


async def test_portions_of_a_tenant_are_no_way_round(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An administrator who is not privileged signs out so many people a day.

    One by one or many at once is the same. People who were signed in nowhere do not count. The operator has no such bound.
    """
    monkeypatch.setitem(ACTIONS, "end-sessions", replace(ACTIONS["end-sessions"], a_day=3))
    for id in LOCKED:
        account = await world.account(id)
        proof = Proof(factor="totp", authenticator="a", at=START, network="n", epoch=account.epoch)
        remembered = Remembered(id="b", handle="d", label="Firefox", created_at=1, proofs=(proof,))
        assert await world.store.swap(replace(account, browsers=(remembered,)))
    boss = await world.enrolled("boss", groups=["admin"])
    path = f"admin/accounts/{LOCKED[0]}/end-sessions"
    assert (await boss.api("POST", path, REASON)).status == 200
    fields = {"action": "end-sessions", "ids": "\n".join([*BARE, *LOCKED[1:]]), **REASON}
    done = await boss.form("/mfa/admin/many", fields)
    assert "2 people are done." in done.text
    assert "can’t sign out more people in a day" in done.text
    refused = await boss.api("POST", path, REASON)
    assert (refused.status, refused.json()["reason"]) == (429, "too_soon")
    ended = await results(world, OPERATOR, "end-sessions", Chosen(ids=tuple(LOCKED)))
    assert [one.id for one in ended if one.word == "done"] == LOCKED[3:]


async def test_the_pages_without_a_script(world: World) -> None:
    """Ticks, a page with the numbers, one reason, and a line for each person."""
    boss = await world.enrolled("boss", groups=["admin"])
    listed = await boss.page("/mfa/admin/accounts?status=locked")
    assert listed.text.count('type="checkbox" name="pick-') == len(LOCKED) + 1
    ticked = {f"pick-{number}": id for number, id in enumerate([*LOCKED, "new0"])}
    shown = await boss.form("/mfa/admin/accounts", {"action": "unlock", **ticked})
    assert shown.status == 200
    assert "This concerns 7 people" in shown.text
    assert (await world.account(LOCKED[0])).lock is not None
    fields = {name: value for name, value in hidden_in(shown.text).items() if name in ("ids", "most")}
    again = await boss.form("/mfa/admin/many", {"action": "unlock", **fields, "reason": " "})
    assert (again.status, "Enter a reason" in again.text) == (422, True)
    done = await boss.form("/mfa/admin/many", {"action": "unlock", **fields, **REASON})
    assert done.status == 200
    assert done.text.count("Unlocked") == 7
    assert "Finished." in done.text
    assert "7 people are done." in done.text
    assert done.text.index("7 of 7") < done.text.index("Finished.") < done.text.index("</html>")
    assert (await world.account(LOCKED[0])).lock is None
    reasons = {event.reason for event in (await world.store.events("alpha", kind="account.unlocked")).items}
    assert reasons == {REASON["reason"]}


def hidden_in(text: str) -> dict[str, str]:
    """Read the hidden fields of a page."""
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', text))


async def test_everybody_who_fits_the_filters(world: World) -> None:
    """The tick for all pages takes the filters along, and each fresh code gets a slip."""
    boss = await world.enrolled("boss", groups=["admin"])
    fields = {"action": "ticket", "all": "yes", "filter": urlencode({"status": "not_enrolled"})}
    shown = await boss.form("/mfa/admin/accounts", fields)
    assert "This concerns 3 people" in shown.text
    done = await boss.form("/mfa/admin/many", {**fields, "most": "3", **REASON})
    assert done.text.count('class="slip printed"') == 3
    assert "each code gets a slip" in done.text
    sent = await boss.form("/mfa/admin/many", {**fields, "filter": "status=nonsense", **REASON})
    assert sent.status == 404


async def test_codes_are_mailed_where_an_address_is_known(world: World) -> None:
    """The others get a slip."""
    boss = await world.enrolled("boss", groups=["admin"])
    known = world.engine.wiring.contacts
    assert known is not None

    async def some(subject: object) -> object:
        return await known(subject) if subject.id != "new1" else type(await known(subject))()  # type: ignore[attr-defined, arg-type]

    world.engine.wiring = replace(world.engine.wiring, contacts=some)  # type: ignore[arg-type]
    fields = {"action": "ticket", "ids": "\r\n".join(BARE), "mail": "yes", **REASON}
    done = await boss.form("/mfa/admin/many", fields)
    assert done.text.count('class="slip printed"') == 1
    assert done.text.count("was mailed to n•••@a•••.example") == 2


async def test_erasing_asks_twice(world: World) -> None:
    """Nobody is erased without the tick."""
    boss = await world.enrolled("boss", groups=["admin"])
    fields = {"action": "forget", "ids": "new0", **REASON}
    asked = await boss.form("/mfa/admin/many", fields)
    assert (asked.status, "Tick the box" in asked.text) == (422, True)
    assert not (await world.account("new0")).is_forgotten
    assert "1 person is done." in (await boss.form("/mfa/admin/many", {**fields, "sure": "yes"})).text


async def test_one_broken_person_stops_nobody(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of one account is told, and the others are done."""
    desk = world.gate.service.account_desk
    real = desk._change

    async def change(
        actor: Actor, action: object, key: SubjectKey, *more: object, **named: object
    ) -> Change[Refusal | None]:
        if key.id == LOCKED[1]:
            raise StoreContention("too many writers")
        return await real(actor, action, key, *more, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(desk, "_change", change)
    found = await results(world, OPERATOR, "unlock", Chosen(ids=tuple(LOCKED)))
    assert [one.word for one in found] == ["done", "fault", *["done"] * 5]


async def test_reminders_for_everybody_in_the_list(world: World) -> None:
    """Remind goes to those in the list who have nothing set up."""
    boss = await world.enrolled("boss", groups=["admin"])
    sent = await boss.form("/mfa/admin/accounts", {"action": "remind", "all": "yes", "filter": "q=new1"})
    assert sent.status == 303
    assert "on its way to 1 person" in (await boss.page("/mfa/admin/accounts")).text


@pytest.mark.parametrize(("rights", "name"), [(("unlock",), ""), (("unlock", "look"), "Zoe Smith")])
async def test_who_may_not_look_reads_no_names(world: World, rights: tuple[str, ...], name: str) -> None:
    """The result of an act tells no more of a person than its actor may see."""
    await put(world, ["zoe"], name="Zoe Smith", authenticators=(way("totp"),), lock=LOCK)
    automation = world.gate.service.automation
    made = await automation.create(
        "operator:x", "alpha", name="opener", rights=rights, everywhere=False, life=3600, reason="nights"
    )
    assert not isinstance(made, Refusal)
    actor = await automation.use(made[0], call="POST many", address="192.0.2.1")
    assert isinstance(actor, Actor)
    (found,) = await results(world, actor, "unlock", Chosen(ids=("zoe",)))
    assert (found.word, found.name) == ("done", name)


@pytest.mark.parametrize(
    ("most", "counted", "fits", "is_cut"),
    [(8, 7, 7, False), (7, 7, 7, False), (6, 7, 6, True), (5, 6, 5, True)],
)
async def test_more_than_one_run_reaches(
    world: World, monkeypatch: pytest.MonkeyPatch, most: int, counted: int, fits: int, is_cut: bool
) -> None:
    """A plan looks at one person more than a run reaches, and says that it is cut."""
    monkeypatch.setattr(module, "MOST", most)
    plan = await world.gate.service.many_desk.plan(OPERATOR, "unlock", "alpha", Chosen(ids=tuple(LOCKED)))
    assert isinstance(plan, Plan)
    assert (plan.counts["done"], plan.fits, plan.is_cut) == (counted, fits, is_cut)


@pytest.mark.parametrize(
    ("account", "word"),
    [
        ({}, ""),
        ({"authenticators": (way("totp"),)}, "already_enrolled"),
        ({"ticket": Ticket(digest="d", expires_at=START + 1, actor="x", ref="T")}, "idle"),
        ({"ticket": Ticket(digest="d", expires_at=START, actor="x", ref="T")}, ""),
    ],
)
def test_who_needs_a_ticket(account: dict[str, object], word: str) -> None:
    """Somebody with nothing set up, and no ticket that can be used."""
    assert _needs_no_ticket(Account(key=SubjectKey("alpha", "ann"), **account), START) == word  # type: ignore[arg-type]


async def test_a_run_ends_with_the_day_of_the_actor(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is begun behind a refusal that the actor meets; one of a person stops nobody."""
    monkeypatch.setitem(ACTIONS, "end-sessions", replace(ACTIONS["end-sessions"], a_day=2))
    for id in LOCKED:
        remembered = Remembered(id="b", handle="d", label="Firefox", created_at=1)
        assert await world.store.swap(replace(await world.account(id), browsers=(remembered,)))
    boss = await administrator(world, "admin")
    ids = (BARE[0], *LOCKED[:2], "a\tb", *LOCKED[2:])
    found = await results(world, boss, "end-sessions", Chosen(ids=ids))
    assert [one.word for one in found] == ["idle", "done", "done", "malformed", "spent"]
    assert found[-1].detail.startswith("That is as many people")
    unknown = await results(world, OPERATOR, "unlock", Chosen(ids=("nobody",)))
    assert [(one.word, one.detail) for one in unknown] == [("idle", "")]


async def test_a_search_reads_each_account_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """People are found by the store's index, and only those whom the act concerns are read."""
    read, load = Counter[str](), world.engine.store.load

    async def counting(key: SubjectKey) -> Account:
        read[key.id] += 1
        return await load(key)

    monkeypatch.setattr(world.engine.store, "load", counting)
    await results(world, OPERATOR, "unlock", Chosen(search=PeopleSearch(words={})))
    assert read == dict.fromkeys([*LOCKED, "chief"], 1)
