"""Alarms reach each administrator once, and nobody else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from mfa_gate import Contacts, Senders, Subject
from mfa_gate.core.model import SubjectKey
from mfa_gate.core.rules import FactorRules
from mfa_gate.errors import SendFailed
from mfa_gate.service import admin_alerts as module
from tests.harness import World, make_world, running, with_rules

PEOPLE = {
    "boss": ("admin", "boss@desk.example"),
    "copy": ("admin", "BOSS@desk.example"),
    "chief": ("security", " chief@desk.example "),
    "mute": ("admin", " "),
    "ann": ("staff", "ann@desk.example"),
}


async def directory(tenant: str) -> AsyncIterator[tuple[Subject, Contacts]]:
    """List administrators, one of them twice, and other people."""
    for id, (group, email) in PEOPLE.items():
        yield Subject(id, tenant, groups=frozenset({group})), Contacts(email=email)
    yield Subject("far", "gamma", groups=frozenset({"admin"})), Contacts(email="far@desk.example")


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A host with a directory and an owner."""
    policy = with_rules(lambda rules: replace(rules, owner="Owner@example.org"))
    async with running(make_world(policy=policy, directory=directory)) as made:
        yield made


async def test_the_administrators(world: World) -> None:
    """They are the owner and those with a right to act, each address once."""
    found = await world.gate.service.alarms.people("alpha")
    assert [(address, subject.id if subject else "") for address, subject in found.items()] == [
        ("Owner@example.org", ""),
        ("BOSS@desk.example", "copy"),
        ("chief@desk.example", "chief"),
    ]
    assert await world.gate.service.alarms.addresses("alpha") == tuple(found)


async def test_no_more_than_so_many(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of them are told."""
    monkeypatch.setattr(module, "MOST_TOLD", 2)
    assert await world.gate.service.alarms.addresses("alpha") == ("Owner@example.org", "BOSS@desk.example")


async def raised(world: World) -> None:
    """Raise an alarm, and wait for its mails."""
    event = world.engine.moment().event("challenge.denied", SubjectKey("alpha", "ann"), alarm="request denied")
    await world.gate.service.alarms.raise_for(event)
    await world.engine.effects.idle()


async def test_each_mail_has_a_key_of_its_own(world: World) -> None:
    """A provider that sees a mail twice knows it by its key.

    One address that fails stops no other.
    """
    await raised(world)
    keys = [message.key for message in world.email.messages]
    assert [message.to for message in world.email.messages] == [
        "Owner@example.org",
        "BOSS@desk.example",
        "chief@desk.example",
    ]
    assert len(set(keys)) == 3
    assert [key.rpartition("-")[2] for key in keys] == ["0", "1", "2"]
    assert all(key.startswith("alarm-") and "-challenge.denied-" in key for key in keys)


async def test_a_sender_that_fails_is_logged(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody is told, and nothing is raised."""
    world.email.failure = SendFailed("refused", transient=False)
    await raised(world)
    assert caplog.text.count("an administrator was not told") == 3


@pytest.mark.parametrize(
    ("owners", "told"),
    [
        (["a@x.example", " A@X.example", "b@x.example"], {"b@x.example"}),
        (["nobody", "", "two words@x.example"], set()),
        ([], set()),
    ],
)
async def test_owners_of_a_policy(world: World, owners: list[str], told: set[str]) -> None:
    """Each owner gets one mail; words that are no address get none."""
    event = world.engine.moment().event("policy.loosened", SubjectKey("", ""), name="p", by="start")
    await world.gate.service.alarms.tell_owners(event, owners)
    await world.engine.effects.idle()
    to = [message.to for message in world.email.messages]
    assert {address for address in to if address.casefold() != "a@x.example"} == told
    assert len(to) == len(told) + (1 if "a@x.example" in owners else 0)


async def test_without_a_sender_nobody_is_told() -> None:
    """The trail has the event; no work is left over, and no hook waits for one."""
    apps = FactorRules(allowed=("totp", "backup-code"), order=("totp",))
    policy = with_rules(lambda rules: replace(rules, owner="owner@example.org", factors=apps))
    async with running(make_world(policy=policy, senders=Senders())) as world:
        alarms = world.gate.service.alarms
        event = world.engine.moment().event("policy.loosened", SubjectKey("", ""), name="p", by="start")
        started: list[object] = []
        world.engine.effects.later = started.append  # type: ignore[method-assign, assignment]
        await alarms.tell_owners(event, ["owner@example.org"])
        await alarms.raise_for(replace(event, tenant="alpha"))
        alarms.send("alpha", lambda *_: None, at=0, key="k")  # type: ignore[arg-type]
        alarms.send_to("owner@example.org", "alpha", lambda *_: None, at=0, key="k")  # type: ignore[arg-type]
        assert started == []
        assert alarms.hooks() == []
