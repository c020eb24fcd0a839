"""People who hold rights are administered by the privileged only, and reset by two.

Decision 38.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from mfa_gate import Contacts, Subject
from mfa_gate.core.changes.proof import rights_seen
from mfa_gate.core.model import Account, Caller, SubjectKey
from mfa_gate.core.reasons import Refusal
from mfa_gate.core.rules import Rules
from mfa_gate.service import Actor, Done
from tests.harness import Browser, World, make_world, running, with_rules

WHY = {"reason": "phone lost"}
ACTS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("POST", "unlock", WHY),
    ("POST", "lock", WHY),
    ("POST", "reset", {**WHY, "ticket": "T-1"}),
    ("POST", "end-sessions", WHY),
    ("POST", "forget", WHY),
    ("POST", "break-glass", {**WHY, "ticket": "T-1"}),
    ("DELETE", "browsers/{browser}", {}),
    ("DELETE", "authenticators/{authenticator}", WHY),
)


async def act(world: World, actor: Browser, call: str, body: dict[str, Any], *, method: str = "POST") -> Any:
    """Do an act on Sue, whose parts the address may name."""
    sue = await world.account("sue")
    names = {"browser": sue.browsers[0].id, "authenticator": sue.authenticators[0].id} if sue.browsers else {}
    query = "?reason=lost" if method == "DELETE" and body else ""
    sent = None if method == "DELETE" else body
    return await actor.api(method, f"admin/accounts/sue/{call.format(**names)}{query}", sent)


@pytest.mark.parametrize(("method", "call", "body"), ACTS)
async def test_only_the_privileged_act_on_people_with_rights(method: str, call: str, body: dict[str, Any]) -> None:
    """An administrator without the right is refused, and the trail has it."""
    async with running(make_world()) as world:
        await world.enrolled("sue", groups=["support"])
        boss = await world.enrolled("boss", groups=["admin"])
        before = await world.account("sue")
        refused = await act(world, boss, call, body, method=method)
        assert (refused.status, refused.reason, await world.account("sue")) == (403, "not_allowed", before)
        assert [event.account for event in world.kinds("admin.denied")] == ["sue"]
        sam = await world.enrolled("sam", groups=["security"])
        assert (await act(world, sam, call, body, method=method)).status in (200, 202)


@pytest.mark.parametrize(
    ("method", "call", "body"), [row for row in ACTS if row[1].startswith(("reset", "forget", "authenticators"))]
)
async def test_factors_are_taken_by_two(method: str, call: str, body: dict[str, Any]) -> None:
    """The first of the privileged asks and changes nothing.

    The second confirms what was read, and it is done.
    """
    async with running(make_world()) as world:
        await world.enrolled("sue", groups=["support"])
        sam = await world.enrolled("sam", groups=["security"])
        asked = await act(world, sam, call, body, method=method)
        assert (asked.status, len((await world.account("sue")).authenticators)) == (202, 2)
        ref = asked.json()["asked"]["ref"]
        assert (await act(world, sam, "approve", {"ref": ref})).reason == "not_allowed"
        boss = await world.enrolled("boss", groups=["admin"])
        assert (await act(world, boss, "approve", {"ref": ref})).reason == "not_allowed"
        zoe = await world.enrolled("zoe", groups=["security"])
        assert (await act(world, zoe, "approve", {"ref": "ANOTHER"})).status == 404
        assert (await act(world, zoe, "approve", {"ref": ref})).status == 200
        assert (await world.account("sue")).authenticators == ()
        told = [event.kind for event in world.kinds("act.asked") + world.kinds("act.confirmed")]
        assert told == ["act.asked", "act.confirmed"]


async def test_the_page_says_it_and_offers_the_second_act() -> None:
    """The page offers nothing to an administrator who may not act.

    The second one finds the request and its form.
    """
    async with running(make_world()) as world:
        await world.enrolled("sue", groups=["support"])
        boss = await world.enrolled("boss", groups=["admin"])
        page = (await boss.page("/mfa/admin/accounts/sue")).text
        assert ("has administrator rights here" in page, 'name="action"' in page) == (True, False)
        sam = await world.enrolled("sam", groups=["security"])
        done = await sam.form("/mfa/admin/accounts/sue", {"action": "reset", "ticket": "T-1", **WHY})
        assert done.status == 303
        mine = (await sam.page("/mfa/admin/accounts/sue")).text
        assert ("has to confirm your request within an hour" in mine, 'value="approve"' in mine) == (True, False)
        zoe = await world.enrolled("zoe", groups=["security"])
        hers = (await zoe.page("/mfa/admin/accounts/sue")).text
        assert ("<bdi>sam</bdi> requested it: Reset" in hers, 'value="approve"' in hers, 'value="reset"' in hers) == (
            True,
            True,
            False,
        )


async def test_the_directory_names_who_holds_rights() -> None:
    """The host's directory covers people who got a right after their last proof."""

    async def directory(tenant: str) -> Iterable[tuple[Subject, Contacts]]:
        return [(Subject(id="sue", tenant="alpha", groups=frozenset({"admin"})), Contacts(email="sue@alpha.example"))]

    async with running(make_world(directory=directory)) as world:
        await world.enrolled("sue")
        await world.enrolled("ann")
        boss = await world.enrolled("boss", groups=["admin"])
        assert (await boss.api("GET", "admin/accounts/sue")).json()["holds_rights"] is True
        assert (await boss.api("POST", "admin/accounts/sue/lock", WHY)).reason == "not_allowed"
        assert (await boss.api("POST", "admin/accounts/ann/lock", WHY)).status == 200


@pytest.mark.parametrize(
    ("groups", "kind", "before", "after"),
    [
        ({"support"}, "browser", False, True),
        (set(), "browser", True, False),
        (set(), "client", True, True),
        ({"support"}, "client", False, True),
    ],
)
def test_a_client_with_fewer_groups_takes_no_mark_away(groups: set[str], kind: str, before: bool, after: bool) -> None:
    """A token that names fewer groups hides no right.

    A sign-in without the groups does.
    """
    sue = Caller(subject=Subject("sue", "alpha", groups=frozenset(groups)), handle="h", network="n", kind=kind)
    account = Account(key=sue.subject.key, holds_rights=before)
    assert rights_seen(account, sue, Rules()) is after
    acting = replace(sue, acts_as=Subject("ann", "alpha"))
    assert rights_seen(account, acting, Rules()) is before


async def test_the_operator_needs_nobody_else() -> None:
    """An operator with the store and the keys resets the last administrator alone.

    F-37.
    """
    async with running(make_world()) as world:
        await world.enrolled("sue", groups=["security"])
        done = await world.gate.service.account_desk.act(
            Actor(name="operator:ann"), "reset", SubjectKey("alpha", "sue"), reason="phone lost", ticket="T-1"
        )
        assert (isinstance(done, Done), (await world.account("sue")).authenticators) == (True, ())


async def test_nobody_is_privileged_where_the_policy_names_nobody() -> None:
    """Without a group, people with rights wait for the operator."""
    nobody = with_rules(lambda rules: replace(rules, roles=replace(rules.roles, privileged=())))
    async with running(make_world(policy=nobody)) as world:
        await world.enrolled("sue", groups=["support"])
        sam = await world.enrolled("sam", groups=["security"])
        assert (await sam.api("POST", "admin/accounts/sue/unlock", WHY)).reason == "not_allowed"


@pytest.mark.parametrize("groups", [("admin",), ("security",)])
async def test_only_an_operator_discards_a_record(groups: tuple[str, ...]) -> None:
    """A record that cannot be read may be of a person with rights.

    It cannot wait for a second administrator either."""
    async with running(make_world()) as world:
        boss = await world.enrolled("boss", groups=groups)
        browser = (await world.account("boss")).browsers[0]
        caller = Caller(
            subject=Subject("boss", "alpha", frozenset(groups), "s-boss-alpha"),
            handle=browser.handle,
            network=browser.proofs[0].network,
        )
        desk, key = world.gate.service.account_desk, SubjectKey("alpha", "sue")
        refused = await desk.discard(Actor(name="boss", caller=caller), key, ticket="T-1", reason="torn")
        assert refused is not None
        assert refused.reason == "not_allowed"
        told = await desk.discard(Actor(name="operator:eve"), key, ticket="T-1", reason="torn")
        assert told is not None
        assert told.reason == "not_found"
        assert await boss.is_in()


async def test_what_is_refused_at_once_waits_for_nobody() -> None:
    """An act that takes two is tried first.

    Without its words, or with nothing to do, nothing is asked.
    """
    async with running(make_world()) as world:
        await world.enrolled("sue", groups=["support"])
        sam = await world.enrolled("sam", groups=["security"])
        for call, body, status, reason in (
            ("reset", {"reason": "lost"}, 422, "malformed"),
            ("reset", {"reason": "", "ticket": "T"}, 422, "malformed"),
        ):
            refused = await act(world, sam, call, body)
            assert (refused.status, refused.reason) == (status, reason)
            assert (await world.account("sue")).asked is None
        none = await sam.api("DELETE", "admin/accounts/sue/authenticators/none?reason=lost")
        assert (none.status, (await world.account("sue")).asked) == (404, None)
        assert (await act(world, sam, "reset", {"reason": "lost", "ticket": "T"})).status == 202
        asked = (await world.account("sue")).asked
        assert asked is not None
        assert (asked.act, asked.asked_by, asked.reason, asked.ticket, asked.asked_at) == (
            "reset",
            "sam",
            "lost",
            "T",
            world.engine.now(),
        )


async def test_the_reason_of_a_lock_is_for_readers_of_the_trail() -> None:
    """The account's page shows it, with the newest lines, to an actor who may read them."""
    async with running(make_world()) as world:
        await world.enrolled("ann")
        desk, eve, key = world.gate.service.account_desk, Actor(name="operator:eve"), SubjectKey("alpha", "ann")
        assert isinstance(await desk.act(eve, "lock", key, reason="stolen laptop"), Done)
        for recent, reason in ((True, "stolen laptop"), (False, "")):
            document = await desk.account(eve, key, recent=recent)
            assert not isinstance(document, Refusal)
            assert document.lock_reason == reason
            assert (document.activity is not None) == recent


async def test_a_directory_that_is_away_keeps_what_it_said() -> None:
    """The people with rights of the last answer stay covered; before any answer nobody is."""
    answers, asked = [True], list[str]()

    async def directory(tenant: str) -> Iterable[tuple[Subject, Contacts]]:
        asked.append(tenant)
        if not answers[0]:
            raise OSError("away")
        return [(Subject("sue", tenant, frozenset({"support"})), Contacts()), (Subject("bob", tenant), Contacts())]

    async with running(make_world(directory=directory)) as world:
        hierarchy = world.gate.service.account_desk.hierarchy
        sue, bob = SubjectKey("alpha", "sue"), SubjectKey("alpha", "bob")
        answers[0] = False
        assert [await hierarchy.lists(key) for key in (sue, bob)] == [False, False]
        answers[0] = True
        assert [await hierarchy.lists(key) for key in (sue, bob)] == [True, False]
        answers[0] = False
        asked.clear()
        world.clock.advance(59)
        assert [await hierarchy.lists(key) for key in (sue, bob)] == [True, False]
        assert asked == []
        world.clock.advance(1)
        assert [await hierarchy.lists(key) for key in (sue, bob)] == [True, False]
        assert asked == ["alpha", "alpha"]
        world.clock.advance(-100)
        answers[0] = True
        assert await hierarchy.lists(sue)
        assert len(asked) == 3


async def test_the_directorys_answers_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers of so many tenants are kept, and all are forgotten with the next one."""
    from mfa_gate.service.admin import hierarchy as module

    async def directory(tenant: str) -> Iterable[tuple[Subject, Contacts]]:
        return []

    monkeypatch.setattr(module, "MAX_TENANTS", 2)
    async with running(make_world(directory=directory)) as world:
        hierarchy = world.gate.service.account_desk.hierarchy
        for tenant in ("alpha", "beta", "terms"):
            await hierarchy.lists(SubjectKey(tenant, "ann"))
        assert list(hierarchy._listed) == ["terms"]


@pytest.mark.parametrize(("later", "lists"), [(0, True), (59, True), (60, False), (-1, False)])
async def test_the_directory_is_remembered_for_a_minute(later: int, lists: bool) -> None:
    """A clock that was set back makes the memory no longer."""
    groups = {"admin"}

    async def directory(tenant: str) -> list[tuple[Subject, Contacts]]:
        return [(Subject("boss", tenant, frozenset(groups)), Contacts())]

    async with running(make_world(directory=directory)) as world:
        hierarchy, boss = world.gate.service.account_desk.hierarchy, SubjectKey("alpha", "boss")
        assert await hierarchy.lists(boss)
        groups.clear()
        world.clock.advance(later)
        assert await hierarchy.lists(boss) is lists
