"""The people of a tenant are counted once each.

The host's directory names them, or the accounts do.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from mfa_gate import Contacts, Subject
from mfa_gate.core.model import Account, SubjectKey
from mfa_gate.core.rules import SubjectExemption
from mfa_gate.service.admin import people as module
from mfa_gate.service.admin.people import PeopleCounts, _met
from tests.harness import World, make_world, running, with_rules
from tests.service.admin.people import way

LISTED = {
    "app": (),
    "app2": (),
    "bare": (),
    "robot": ("robot",),
    "bare-robot": ("robot",),
    "app-robot": ("robot",),
    "new": (),
    "newer": (),
}
"""The people of the directory, with their groups. Those with "app" have an app, those with "bare" an account without."""
UNLISTED = ("gone-app", "gone-bare", "gone-bare2")
POLICY = with_rules(
    lambda rules: replace(
        rules, exempt_subjects=(SubjectExemption(name="robots", groups_any=("robot",), reason="no person"),)
    )
)


async def directory(tenant: str) -> AsyncIterator[tuple[Subject, Contacts]]:
    """List the people of one tenant, and one of another, who does not count."""
    for id, groups in LISTED.items() if tenant == "alpha" else ():
        yield Subject(id, tenant, groups=frozenset(groups)), Contacts()
    yield Subject("stranger", "beta"), Contacts()


async def fill(world: World, ids: tuple[str, ...]) -> None:
    """Write the accounts."""
    for id in ids:
        ways = (way("totp"),) if "app" in id else ()
        key = SubjectKey("alpha", id)
        event = world.engine.moment().event("factor.enrolled", key)
        assert await world.store.swap(Account(key=key, authenticators=ways), world.engine.chained((event,)))


MET = ("app", "app2", "bare", "bare-robot", "app-robot", *UNLISTED)


@pytest.fixture
async def listed() -> AsyncIterator[World]:
    """A host with a directory."""
    async with running(make_world(policy=POLICY, directory=directory)) as world:
        await fill(world, MET)
        yield world


async def test_the_directory_says_who_counts(listed: World) -> None:
    """Everybody listed is set up, exempt or missing.

    Accounts beside the directory are told apart.
    """
    counts = await listed.gate.service.people.counts("alpha")
    assert counts == PeopleCounts(
        known=8,
        set_up=3,
        missing=3,
        exempt=2,
        unlisted=3,
        unlisted_missing=2,
        is_listed=True,
        states=counts.states,
        exempt_by={"robots": 3},
    )
    assert sum(counts.states.values()) == len(MET)


async def test_without_a_directory_the_accounts_count() -> None:
    """All whom the gate has met are set up or missing."""
    async with running(make_world(policy=POLICY)) as world:
        await fill(world, MET)
        counts = await world.gate.service.people.counts("alpha")
        assert counts == PeopleCounts(known=8, set_up=4, missing=4, states=counts.states, exempt_by={})


async def test_people_to_remind(listed: World) -> None:
    """People who have nothing set up get a reminder, met or not."""
    people = listed.gate.service.people

    def ids(found: tuple[SubjectKey, ...]) -> set[str]:
        return {key.id for key in found}

    assert ids(await people.missing("alpha")) == {"bare", "gone-bare", "gone-bare2", "new", "newer"}
    among = await people.missing_among("alpha", ["app", "bare", "bare-robot", "robot", "new", "nobody", "gone-bare"])
    assert ids(among) == {"bare", "new", "gone-bare"}


@pytest.mark.parametrize(
    ("most", "found"),
    [
        (2, ["bare"]),
        (3, ["bare", "gone-bare"]),
        (4, ["bare", "gone-bare", "gone-bare2"]),
        (5, ["bare", "gone-bare", "gone-bare2", "new"]),
        (6, ["bare", "gone-bare", "gone-bare2", "new", "newer"]),
    ],
)
async def test_no_more_are_reminded_than_can_be(
    listed: World, monkeypatch: pytest.MonkeyPatch, most: int, found: list[str]
) -> None:
    """The first so many are looked at, those who were met first.

    An exempt one among them takes a place.
    """
    monkeypatch.setattr(module, "MAX_REMINDED", most)
    assert [key.id for key in await listed.gate.service.people.missing("alpha")] == found


@pytest.mark.parametrize(("most", "asked"), [(7, 1), (8, 3)])
async def test_a_large_directory_is_read_once_a_minute(
    listed: World, monkeypatch: pytest.MonkeyPatch, most: int, asked: int
) -> None:
    """The count of more people than that is kept for a minute, and is made anew behind it."""
    now, reads = 100.0, 0

    async def read(tenant: str) -> AsyncIterator[tuple[Subject, Contacts]]:
        nonlocal reads
        reads += 1
        async for person in directory(tenant):
            yield person

    listed.engine.wiring = replace(listed.engine.wiring, directory=read)
    monkeypatch.setattr(module, "COUNTED_AT_ONCE", most)
    monkeypatch.setattr(module, "monotonic", lambda: now)
    people = listed.gate.service.people
    first = await people.counts("alpha")
    now += module.KEPT_FOR - 1
    assert await people.counts("alpha") == first
    assert await people.counts("alpha") == first
    assert reads == asked
    now += 1
    assert await people.counts("alpha") == first
    assert reads == asked + 1


async def test_where_everybody_is_listed_and_set_up(listed: World) -> None:
    """No account is beside the directory, and none is without a factor."""

    async def only(tenant: str) -> AsyncIterator[tuple[Subject, Contacts]]:
        for id in ("one-app", "two-app"):
            yield Subject(id, "gamma"), Contacts()

    listed.engine.wiring = replace(listed.engine.wiring, directory=only)
    for id in ("one-app", "two-app"):
        assert await listed.store.swap(Account(key=SubjectKey("gamma", id), authenticators=(way("totp"),)))
    counts = await listed.gate.service.people.counts("gamma")
    assert (counts.known, counts.set_up, counts.missing, counts.exempt) == (2, 2, 0, 0)
    assert (counts.unlisted, counts.unlisted_missing, counts.exempt_by) == (0, 0, {})


def test_where_everybody_has_something() -> None:
    """A store that knows nobody without a factor names none missing."""
    assert _met({"locked": 2}) == PeopleCounts(known=2, set_up=2, missing=0, states={"locked": 2}, exempt_by={})
    assert _met({}) == PeopleCounts(known=0, set_up=0, missing=0, states={}, exempt_by={})


READY: dict[str, tuple[tuple[str, ...], tuple[str, ...], bool]] = {
    "two apps": (("totp",), ("totp",), True),
    "an app and texts": (("totp",), ("sms",), True),
    "one has nothing": (("totp",), (), False),
    "one has backup codes alone": (("totp",), ("backup-code",), False),
    "one has a factor that is gone": (("totp",), ("carrier-pigeon",), False),
    "one has backup codes and more": (("totp",), ("backup-code", "email"), True),
    "both have backup codes alone": (("backup-code",), ("backup-code",), False),
}
"""The factors of two administrators, and if they can let each other in."""


@pytest.mark.parametrize("name", READY)
async def test_two_administrators_who_can_let_each_other_in(name: str) -> None:
    """Each needs a second step of their own; codes for an emergency are none."""
    one, other, is_ready = READY[name]
    async with running(make_world()) as world:
        for id, kinds in (("one", one), ("other", other), ("nurse", ("totp",)), ("far", ("totp",))):
            tenant = "beta" if id == "far" else "alpha"
            key = SubjectKey(tenant, id)
            assert await world.store.swap(Account(key=key, skip_count=1, authenticators=tuple(map(way, kinds))))
        admin = frozenset({"admin"})
        people = [
            (Subject("nurse", "alpha", frozenset({"support"})), Contacts()),
            (Subject("far", "beta", admin), Contacts()),
            (Subject("one", "alpha", admin), Contacts()),
            (Subject("other", "alpha", frozenset({"nurse", "security"})), Contacts()),
        ]
        two = world.gate.service.people.two_administrators
        assert await two("alpha", people) is is_ready
        assert await two("alpha", people[:3]) is False
