"""A forgotten person leaves the trail.

A pseudonym stands in every line, and the trail verifies as before.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from mfa_gate import Subject
from mfa_gate.core.events import Event
from mfa_gate.core.trail import chain, digest_of, event_from_json, event_from_trail, event_to_json, link_digest
from mfa_gate.core.trail_erasure import KIND, Erasure
from mfa_gate.service import Actor
from mfa_gate.service.person import Forgotten
from mfa_gate.service.trail_verification import verify_trail
from mfa_gate.storage import Link, Rewrite, Trail
from mfa_gate.stores.memory import MemoryStore
from tests.harness import Browser, World, make_world, running

ZOE = "zoe.smith@alpha.example"
OPERATOR = Actor(name="operator:eve")


async def lived(world: World, id: str = ZOE) -> Browser:
    """A person with a history.

    Wrong answers, a lock, an administrator's words about them, acts on others.
    """
    zoe = await world.enrolled(id, groups=["admin"], address="192.0.2.77")
    await zoe.page("/mfa")
    await zoe.lock()
    desk = world.gate.service.account_desk
    key = Subject(id, "alpha").key
    await desk.act(OPERATOR, "unlock", key, reason=f"Zoe Smith called from +1 202-555-0199 about {id}")
    moment = world.engine.moment(actor=id, network="198.51.100.7/32")
    await world.enrolled("bob")
    event = moment.event("account.unlocked", Subject("bob", "alpha").key, reason="came by", asked_by=id)
    await world.engine.record((event,))
    return zoe


async def all_links(trail: Trail, tenant: str = "alpha") -> list[Link]:
    """Every stored line."""
    return list(await trail.links(tenant, limit=10_000))


async def forget(world: World, id: str = ZOE) -> Forgotten:
    """Forget a person."""
    return await (await world.gate.person(Subject(id, "alpha"))).forget()


async def test_no_line_names_the_person(world: World) -> None:
    """Id, name, address, number and free words are gone.

    Kinds, times, factors and counts stay under the pseudonym.
    """
    zoe = await lived(world)
    before = await all_links(world.store)
    mine = (await world.store.events("alpha", account=ZOE, limit=1_000)).items
    gone = await forget(world)
    after = await all_links(world.store)
    text = "\n".join(link.line for link in after)
    for word in (ZOE, "Zoe", "555-0199", "192.0.2.77", "198.51.100.7", zoe.secret):
        assert word not in text.replace(f'"{gone.pseudonym}"', ""), word
    assert [(link.place, link.digest) for link in after[: len(before)]] == [
        (link.place, link.digest) for link in before
    ]
    assert await verify_trail(world.store) == {}
    assert (await world.store.events("alpha", account=ZOE)).items == ()
    kept = (await world.store.events("alpha", account=gone.pseudonym, limit=1_000)).items
    assert [(event.kind, event.at, event.factor) for event in kept[1:]] == [(e.kind, e.at, e.factor) for e in mine]
    assert kept[0].kind == "account.forgotten"
    (act,) = [event for event in (await world.store.events("alpha", account="bob")).items if event.reason == "came by"]
    assert (act.actor, act.detail["asked_by"], act.network) == (gone.pseudonym, gone.pseudonym, "")
    (closing,) = (await world.store.events("alpha", kind=KIND)).items
    assert (closing.actor, closing.detail["pseudonym"]) == ("host", gone.pseudonym)
    assert closing.detail["lines"] == sum(one.line != other.line for one, other in zip(before, after, strict=False))


async def test_others_keep_their_lines(world: World) -> None:
    """A short id is no word of others.

    Only lines that name it are touched, and only the name in them.
    """
    await world.enrolled("bob")
    await world.gate.service.account_desk.act(OPERATOR, "lock", Subject("bob", "alpha").key, reason="ann said so")
    await world.enrolled("ann", "beta")
    before = await all_links(world.store), await all_links(world.store, "beta")
    await world.enrolled("ann")
    await forget(world, "ann")
    assert (await all_links(world.store))[: len(before[0])] == before[0]
    assert await all_links(world.store, "beta") == before[1]


async def test_twice_and_a_new_life_between(world: World) -> None:
    """Each life has a pseudonym of its own.

    A line with two forgotten people in it loses both.
    """
    await lived(world)
    first = await forget(world)
    await world.enrolled(ZOE)
    assert await verify_trail(world.store) == {}
    second = await forget(world)
    third = await forget(world, "bob")
    assert len({first.pseudonym, second.pseudonym, third.pseudonym}) == 3
    assert await verify_trail(world.store) == {}
    (act,) = [e for e in (await world.store.events("alpha", account=third.pseudonym)).items if e.detail.get("asked_by")]
    assert (act.actor, act.reason) == (first.pseudonym, "(erased)")
    assert await forget(world) == Forgotten(pseudonym="", ref="")
    assert await verify_trail(world.store) == {}


async def test_pruned_trails_verify(world: World) -> None:
    """The oldest erased lines go with the others, one by one, and the rest still verifies.

    It does so until nothing is left.
    """
    await lived(world)
    world.clock.advance(1_000)
    await world.enrolled("cid")
    await forget(world)
    for _ in range(60):
        assert await verify_trail(world.store) == {}
        if not await world.store.prune("alpha", before=int(world.clock.at) + 9, limit=1, now=int(world.clock.at) + 10):
            break
    assert await all_links(world.store) == []


class Torn(MemoryStore):
    """A store whose process dies in the middle of a rewriting."""

    left = 10**9

    async def rewrite(self, tenant: str, lines: Any, /) -> None:
        """Write only the newest ``left`` lines."""
        await super().rewrite(tenant, lines[max(0, len(lines) - self.left) :])
        if self.left < len(lines):
            raise RuntimeError("struck")


@pytest.mark.parametrize("left", [0, 1, 3])
async def test_a_crash_leaves_a_trail_that_verifies(left: int) -> None:
    """After a crash between event and lines, or between two lines, all verifies.

    The same call does the rest.
    """
    store = Torn()
    async with running(make_world(store=store)) as world:
        await lived(world)
        store.left = left
        with pytest.raises(RuntimeError):
            await forget(world)
        assert await verify_trail(store) == {}
        assert any(ZOE in link.line for link in await all_links(store))
        store.left = 10**9
        rest = await forget(world)
        assert (rest.ref, rest.pseudonym[:10]) == ("", "forgotten-")
        assert await verify_trail(store) == {}
        assert not any(ZOE in link.line for link in await all_links(store))


async def altered(world: World, place: int, change: Any) -> dict[str, int]:
    """Verify with one line changed by somebody who can write the store.

    Then set it right again.
    """
    link = (await all_links(world.store))[place]
    line = change(link.line)
    assert line != link.line
    await world.store.rewrite("alpha", [Rewrite(link.place, link.line, line)])
    found = await verify_trail(world.store, keys=world.gate.service.engine.trail_keys)
    await world.store.rewrite("alpha", [Rewrite(link.place, line, link.line)])
    return found


async def test_an_erased_line_cannot_be_altered(world: World) -> None:
    """Every change of every line is found, at its place or the next one of the erasure.

    It may be an erased one, one that is made to look erased, or the event.
    """
    await lived(world)
    await forget(world)
    links = await all_links(world.store)
    erased = [at for at, link in enumerate(links) if '"erased"' in link.line]
    assert len(erased) > 5

    def places(at: int) -> list[dict[str, int]]:
        following = next((place for place in erased if place > at), at)
        return [{"alpha": place} for place in (at, following)]

    for at in range(len(links)):
        assert await altered(world, at, lambda line: line.replace('"kind":"', '"kind":"x')) in places(at)
    for at in erased:
        assert await altered(world, at, lambda line: line.replace('"account":"', '"account":"x')) in places(at)
        for more in ({"erased": list[str]()}, {"erased": "x", "at": 1}):
            assert await altered(world, at, lambda line, more=more: json.dumps({**json.loads(line), **more})) in places(
                at
            )
    plain = next(at for at, link in enumerate(links) if '"erased"' not in link.line)
    last = json.loads(links[erased[-1]].line)["erased"]

    def forged(line: str, marks: object) -> str:
        return json.dumps({**json.loads(line), "reason": "forged", "was": digest_of(line), "erased": marks})

    for marks in (
        [],
        None,
        last,
        [[last[0][0], "", ""]],
        [["NOBODYSREF", "", ""]],
        [[last[0][0], last[0][1], "0" * 64]],
    ):
        found = await altered(world, plain, lambda line, marks=marks: forged(line, marks))
        assert found in places(plain), marks
    assert await verify_trail(world.store) == {}


def test_a_line_without_the_person_is_none() -> None:
    """Only lines that name the person change; a damaged line is left as it is."""
    erasure = Erasure(id="ann", pseudonym="forgotten-x", ref="R")
    other = Event(id="a", kind="k", at=1, tenant="t", account="anna", reason="ann said so")
    assert erasure.apply(event_to_json(other), "") is None
    assert erasure.apply('{"account":"ann"', "") is None
    assert erasure.apply('["ann"]', "") is None
    line = event_to_json(Event(id="a", kind="k", at=1, tenant="t", account="ann", detail={"n": 3, "label": "Ann's"}))
    made = erasure.apply(line, "p")
    assert made is not None
    assert chain("d", link_digest(made)) == chain("d", link_digest(line))
    read = event_from_json(made)
    assert (read.account, read.actor, read.detail) == ("forgotten-x", "", {"n": 3, "label": "(erased)"})
    assert event_from_trail(made, tenant="t", place="1") == read


@pytest.mark.parametrize("word", ["token:hr", "operator:eve", "mfa_gate", "TICKET-4711", "root"])
async def test_an_administrator_erases_no_word_that_is_no_person(world: World, word: str) -> None:
    """Words that are no person of this store stay in the trail.

    They are the name of an operator, of a program or of a person who acts elsewhere, and a ticket.
    """
    boss = await world.enrolled("boss", groups=["admin"])
    await world.enrolled("ann")
    moment = world.engine.moment(actor=word if ":" in word or word == "root" else "boss")
    await world.engine.record((moment.event("account.locked", Subject("ann", "alpha").key, reason="TICKET-4711"),))
    before = await all_links(world.store)
    await boss.api("POST", f"admin/accounts/{word}/forget", {"reason": "has left"})
    assert (await all_links(world.store))[: len(before)] == before


@pytest.mark.parametrize("word", ["TICKET-4711", "rootroot"])
@pytest.mark.parametrize("acts", [("ticket",), ("ticket", "lock", "unlock"), ("ticket", "reset"), ("ticket", "forget")])
async def test_a_ticket_makes_no_word_a_person(world: World, word: str, acts: tuple[str, ...]) -> None:
    """A made-up id with a ticket erases no word from the lines of others.

    The lines about the account itself lose the id.
    """
    boss = await world.enrolled("boss", groups=["admin"])
    await world.enrolled("ann")
    moment = world.engine.moment(actor=word if word == "rootroot" else "boss")
    await world.engine.record((moment.event("account.locked", Subject("ann", "alpha").key, reason="TICKET-4711"),))
    before = await all_links(world.store)
    for act in acts:
        body = {"reason": "has left", **({"ticket": "T-1"} if act == "reset" else {})}
        assert (await boss.api("POST", f"admin/accounts/{word}/{act}", body)).status in (200, 201)
    await boss.api("POST", f"admin/accounts/{word}/forget", {"reason": "has left"})
    after = await all_links(world.store)
    assert after[: len(before)] == before
    assert not [link for link in after if json.loads(link.line).get("account") == word]
    assert await verify_trail(world.store) == {}


async def test_a_person_who_only_put_it_off_is_a_person(world: World) -> None:
    """A person who was here is erased from every line, also after a reset."""
    boss = await world.enrolled("boss", groups=["admin"])
    await world.enrolled(ZOE)
    await world.engine.record(
        (world.engine.moment(actor="boss").event("account.locked", Subject("ann", "alpha").key, reason=f"by {ZOE}"),)
    )
    await boss.api("POST", f"admin/accounts/{ZOE}/reset", {"reason": "new phone", "ticket": "T-1"})
    assert (await boss.api("POST", f"admin/accounts/{ZOE}/forget", {"reason": "has left"})).status == 200
    assert not [link for link in await all_links(world.store) if ZOE in link.line]
