"""A looser policy waits with its changes, its first time and its text."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mfa_gate.policyfile.tools.diff import Difference
from mfa_gate.service import waiting_policies as module
from mfa_gate.service.policy_archive import Entry, PolicyArchive
from mfa_gate.service.waiting_policies import WaitingPolicies, WaitingPolicy, waiting_changes
from mfa_gate.stores.memory import MemoryStore
from tests.harness import POLICY

DAY = 86_400
NOW = 1_800_000_000


def waiting(digest: str, *, app: str = "shop", since: int = NOW, needed: int = 2) -> WaitingPolicy:
    """Make a policy that waits."""
    changes, _ = waiting_changes((Difference(tenant="", path="mode", old="a", new="b", change="looser"),))
    return WaitingPolicy(app=app, name="p", digest=digest * 8, since=since, needed=needed, changes=changes)


async def note(store: MemoryStore, one: WaitingPolicy) -> None:
    """Keep it with a text of its digest."""
    text = 'version = 1\nname = "p"\n'
    await WaitingPolicies(store).note(one, replace(POLICY, digest=one.digest, text=text))


async def until(store: MemoryStore, digest: str) -> int | None:
    """Return the end of a kept text, 0 for good, None for no text."""
    document = await PolicyArchive(store)._document(digest * 8)
    return None if document is None else int(document["until"])


async def test_it_keeps_the_time_of_its_first_refusal(store: MemoryStore) -> None:
    """A second refusal of the same file changes the number of approvals alone.

    Another file begins anew.
    """
    policies = WaitingPolicies(store)
    await note(store, waiting("a"))
    assert await policies.of("shop") == waiting("a")
    await note(store, waiting("a", since=NOW + 50))
    assert await policies.of("shop") == waiting("a")
    await note(store, waiting("a", since=NOW + 60, needed=3))
    assert await policies.of("shop") == waiting("a", needed=3)
    await note(store, waiting("b", since=NOW + 70))
    assert await policies.of("shop") == waiting("b", since=NOW + 70)
    assert await policies.all() == (waiting("b", since=NOW + 70),)
    assert await policies.of("desk") is None


async def test_the_text_stays_while_an_approval_can_count(store: MemoryStore) -> None:
    """The text of a policy that waits no more goes after thirty days."""
    policies = WaitingPolicies(store)
    await note(store, waiting("a"))
    assert await until(store, "a") == 0
    await note(store, waiting("b", since=NOW + 5))
    assert (await until(store, "a"), await until(store, "b")) == (NOW + 5 + 30 * DAY, 0)
    await note(store, waiting("b", app="desk"))
    await policies.drop("shop", now=NOW + 9)
    assert await until(store, "b") == 0
    assert [one.app for one in await policies.all()] == ["desk"]
    await policies.drop("desk", now=NOW + 10)
    assert await until(store, "b") == NOW + 10 + 30 * DAY
    await policies.drop("desk", now=NOW + 99)
    assert await until(store, "b") == NOW + 10 + 30 * DAY
    await note(store, waiting("c"))
    await PolicyArchive(store).add(Entry(at=NOW, app="shop", name="p", digest="c" * 8, by="x"))
    await policies.drop("shop", now=NOW)
    assert await until(store, "c") == 0


async def test_the_applications_are_listed_once(store: MemoryStore) -> None:
    """An application that waits again is no second one."""
    for app in ("shop", "desk", "shop"):
        await note(store, waiting("a", app=app))
    assert await WaitingPolicies(store)._apps() == ("shop", "desk")


def test_the_looser_changes_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many are kept, and the rest is counted."""
    found = tuple(
        Difference(tenant="t", path=f"{change[0]}{n}", old="1", new="2", change=change)
        for n in range(2)
        for change in ("neutral", "no request", "stricter", "looser")
    )
    kept, more = waiting_changes(found)
    assert [change.path for change in kept] == ["l0", "l1", "s0", "s1", "n0", "n1", "n0", "n1"]
    assert [change.change for change in kept[4:]] == ["no request", "no request", "neutral", "neutral"]
    assert (more, kept[0].witness, kept[0].tenant, kept[0].old, kept[0].new) == (0, "", "t", "1", "2")
    monkeypatch.setattr(module, "MOST_CHANGES", 3)
    kept, more = waiting_changes(found)
    assert ([change.path for change in kept], more) == (["l0", "l1", "s0"], 5)
