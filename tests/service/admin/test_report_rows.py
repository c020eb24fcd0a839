"""Every column of every report, with its own value: rows are read where they are made."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from mfa_gate import Contacts, Subject
from mfa_gate.core.events import Event
from mfa_gate.core.model import Acceptance, Account, Grant, Proof, SubjectKey, Ticket
from mfa_gate.core.model import Browser as Kept
from mfa_gate.core.rules import DAY, PathRule, Policy, PriceRules, Rules, SendRules, SubjectExemption, Units
from mfa_gate.service.admin.reports import REPORTS, Row
from tests.harness import AGREEMENT, FREE, START, World, make_world, running, with_rules
from tests.service.admin.people import way

HOUR = 3600
TODAY = START - START % DAY


async def rows(world: World, name: str) -> list[Row]:
    """Read the rows of a report."""
    return [row async for row in REPORTS[name].rows(world.gate.service.report_desk.sources, "alpha")]


async def put(world: World, id: str, *begun: Event, **facts: Any) -> None:
    """Write an account, with the event that began its state."""
    account = Account(key=SubjectKey("alpha", id), name=id.title(), **facts)
    assert await world.store.swap(account, world.engine.chained(begun))


def event(kind: str, id: str, *, at: int = START, **more: Any) -> Event:
    return replace(Event(id=f"{kind}-{id}", kind=kind, at=at, tenant="alpha", account=id, actor="mary"), **more)


async def lines(world: World, *found: Event) -> None:
    """Append events to the trail."""
    await world.store.append(world.engine.chained([replace(one, id=f"e{n}") for n, one in enumerate(found)]))


def grant(**more: Any) -> Grant:
    made = Grant(
        ref="G", asked_by="mary", asked_at=START - 60, reason="phone lost", ticket="T-1", life=5 * HOUR, epoch=0
    )
    return replace(made, **more)


async def test_grants(world: World) -> None:
    """An open grant ends at its end, an asked one when nobody confirms it within an hour.

    Open ones come first.
    """
    used = (("b1", START - 5), ("b2", START - 3))
    await put(world, "ann", event("break_glass.asked", "ann"), grant=grant())
    await put(
        world,
        "zoe",
        event("break_glass.granted", "zoe"),
        grant=grant(confirmed_by="paul", ends_at=START + 700, browsers=used),
    )
    both = {"asked_by": "mary", "reason": "phone lost", "ticket": "T-1", "hours": 5}
    assert await rows(world, "grants") == [
        {
            "id": "zoe",
            "name": "Zoe",
            "state": "open",
            "confirmed_by": "paul",
            "ends_at": START + 700,
            "browsers": 2,
            **both,
        },
        {
            "id": "ann",
            "name": "Ann",
            "state": "asked",
            "confirmed_by": "",
            "ends_at": START - 60 + HOUR,
            "browsers": 0,
            **both,
        },
    ]


async def test_disputes(world: World) -> None:
    """The latest event of the person says when and about what."""
    told = event("account.disputed", "ann", at=START - 50, detail={"what": "factor.enrolled"})
    await put(world, "ann", replace(told, at=START - 90, detail={"what": "proof.granted"}), frozen_until=START + 1000)
    await lines(world, told)
    assert await rows(world, "disputes") == [
        {
            "id": "ann",
            "name": "Ann",
            "said_at": START - 50,
            "about": "factor.enrolled",
            "ends_at": START + 1000,
            "ref": "e0",
        }
    ]


async def test_tickets(world: World) -> None:
    """A ticket that is over this second is none."""
    for id, ends in (("ann", START + 1), ("bob", START)):
        ticket = Ticket(digest="d", expires_at=ends, actor="mary", ref=f"R-{id}")
        await put(world, id, event("enrollment.ticket", id), ticket=ticket)
    assert await rows(world, "tickets") == [
        {"id": "ann", "name": "Ann", "given_by": "mary", "ends_at": START + 1, "ref": "R-ann"}
    ]


async def test_agreements() -> None:
    """The version that was accepted last counts, whichever stands first in the account."""

    def accepted(version: str, at: int) -> Acceptance:
        return Acceptance(agreement="terms", version=version, digest="d", at=at, network="")

    policy = with_rules(lambda rules: replace(rules, agreement=AGREEMENT))
    async with running(make_world(policy=policy)) as world:
        await put(world, "ann", acceptances=(accepted("1", 30), accepted("0", 20)))
        await put(world, "bob", acceptances=(accepted("1", 20), accepted("0", 30)))
        await put(world, "eve", authenticators=(way("totp"),))
        found = {
            row["id"]: (row["name"], row["version"], row["accepted_at"], row["state"])
            for row in await rows(world, "agreements")
        }
        assert found == {
            "ann": ("Ann", "1", 30, "current"),
            "bob": ("Bob", "0", 30, "older"),
            "eve": ("Eve", "", 0, "none"),
        }
        world.engine.use_policy(with_rules(lambda rules: rules))
        assert [row["state"] for row in await rows(world, "agreements")] == ["older", "older", "none"]


def exempting(rules: Rules) -> Rules:
    path = replace(FREE, name="feed", methods=("GET", "HEAD"), paths=(PathRule(text="=/feed"),), expires_at=START + 1)
    robots = SubjectExemption(name="robots", groups_any=("bot", "job"), reason="no person", expires_at=START)
    others = SubjectExemption(name="others", groups_any=("guest",), groups_none=("staff",), reason="guests")
    return replace(rules, exempt=(path,), exempt_subjects=(robots, others))


async def test_exemptions() -> None:
    """Each says for whom it is.

    One that ends this second is over; nobody counts people where no directory lists them.
    """
    async with running(make_world(policy=with_rules(exempting))) as world:
        assert await rows(world, "exemptions") == [
            {
                "name": "feed",
                "kind": "paths",
                "for": "GET HEAD =/feed",
                "reason": "tests",
                "state": "open",
                "ends_at": START + 1,
                "people": "",
                "last_used_at": 0,
            },
            {
                "name": "robots",
                "kind": "people",
                "for": "bot, job",
                "reason": "no person",
                "state": "over",
                "ends_at": START,
                "people": "",
                "last_used_at": 0,
            },
            {
                "name": "others",
                "kind": "people",
                "for": "guest, not staff",
                "reason": "guests",
                "state": "permanent",
                "ends_at": 0,
                "people": "",
                "last_used_at": 0,
            },
        ]


async def test_locks_of_thirty_days(world: World) -> None:
    """Each cause has its column, each day with one of them a row, the newest first.

    The thirty-first is gone.
    """
    await lines(
        world,
        event("account.locked", "ann", at=TODAY - 30 * DAY + DAY - 1, reason="attempts"),
        event("account.locked", "ann", at=TODAY - 29 * DAY, reason="rolling"),
        event("account.unlocked", "ann", at=TODAY - DAY),
        event("account.locked", "ann", at=TODAY, reason="attempts", detail={"cause": "by hand"}),
        event("account.locked", "bob", at=TODAY, reason="attempts"),
        event("account.locked", "eve", at=TODAY, reason="attempts"),
    )
    nothing = {"attempts": 0, "rolling": 0, "administrator": 0, "unlocked": 0}
    assert await rows(world, "locks") == [
        {**nothing, "day": TODAY, "attempts": 2, "administrator": 1},
        {**nothing, "day": TODAY - DAY, "unlocked": 1},
        {**nothing, "day": TODAY - 29 * DAY, "rolling": 1},
    ]


async def test_answers_of_thirty_days(world: World) -> None:
    """Each outcome has its column, of all kinds of factor together."""
    kinds = {
        "granted": "proof.granted",
        "wrong": "attempt.failed",
        "stopped": "attempt.refused",
        "denied": "challenge.denied",
    }
    for number, kind in enumerate(kinds.values(), 1):
        found = [event(kind, "ann", factor=factor) for factor in ("totp", "sms")] * number
        await world.store.append(world.engine.chained([replace(one, id=f"{kind}{n}") for n, one in enumerate(found)]))
    assert await rows(world, "challenges") == [{"day": TODAY, "granted": 2, "wrong": 4, "stopped": 6, "denied": 8}]


async def test_messages_and_their_price() -> None:
    """A row for each day and kind.

    What was sent is priced, what failed is not, and a kind of the past costs nothing.
    """
    prices = SendRules(price=PriceRules(sms=7), cap_per_day=Units(100))
    policy: Policy = with_rules(lambda rules: replace(rules, sends=prices))
    async with running(make_world(policy=policy)) as world:
        await lines(
            world,
            event("challenge.sent", "ann", factor="sms"),
            event("challenge.sent", "ann", factor="sms"),
            event("challenge.send_failed", "ann", factor="sms"),
            event("challenge.refused", "ann", factor="email"),
            event("challenge.sent", "ann", factor="pigeon"),
            event("challenge.sent", "ann", factor="totp", at=START - DAY),
            event("challenge.sent", "ann", factor="sms", at=START - 31 * DAY),
        )
        nothing = {"sent": 0, "failed": 0, "refused": 0, "cost": 0}
        assert await rows(world, "sends") == [
            {**nothing, "day": TODAY, "factor": "email", "refused": 1},
            {**nothing, "day": TODAY, "factor": "pigeon", "sent": 1},
            {**nothing, "day": TODAY, "factor": "sms", "sent": 2, "failed": 1, "cost": 14},
            {**nothing, "day": TODAY - DAY, "factor": "totp", "sent": 1},
        ]


async def test_who_confirmed_nothing_for_ninety_days(world: World) -> None:
    """Ninety days to the second; somebody without a factor is not stale."""

    def proven(at: int) -> dict[str, Any]:
        proof = Proof(factor="totp", authenticator="totp-1", at=at, network="", epoch=0)
        browser = Kept(id="b", handle="h", label="", created_at=at, proofs=(proof,))
        return {"authenticators": (way("totp", used=at),), "browsers": (browser,)}

    await put(world, "ann", **proven(START - 90 * DAY))
    await put(world, "bob", **proven(START - 90 * DAY + 1))
    await put(world, "eve")
    (row,) = await rows(world, "stale")
    assert (row["id"], row["name"], row["factors"], row["last_proof_at"]) == ("ann", "Ann", ("totp",), START - 90 * DAY)


async def test_adoption_of_nobody_and_without_a_directory(world: World) -> None:
    """A share of nobody is 0 percent.

    People who are exempt or not listed are only known to a directory.
    """
    found = await rows(world, "adoption")
    assert [row["measure"] for row in found] == [
        "known",
        "set_up",
        "missing",
        "locked",
        "recovery",
        "phishing_resistant",
        "texts_only",
    ]
    assert {(row["people"], row["percent"]) for row in found} == {(0, 0)}
    await put(world, "ann", authenticators=(way("webauthn"), way("totp")))
    await put(world, "bob", authenticators=(way("sms"),))
    await put(world, "eve")
    counts = {row["measure"]: (row["people"], row["percent"]) for row in await rows(world, "adoption")}
    assert counts == {
        "known": (3, 100),
        "set_up": (2, 67),
        "missing": (1, 33),
        "locked": (0, 0),
        "recovery": (0, 0),
        "phishing_resistant": (1, 33),
        "texts_only": (1, 33),
        "factor:sms": (1, 33),
        "factor:totp": (1, 33),
        "factor:webauthn": (1, 33),
    }
    assert [name for name in counts if str(name).startswith("factor:")] == [
        "factor:sms",
        "factor:totp",
        "factor:webauthn",
    ]


async def test_numbers_of_people_read_no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """The roster has all that they count, so a report of many people is cheap."""
    async with running(make_world()) as world:
        await put(world, "ann", authenticators=(way("totp", used=START - 200 * DAY),))
        read = list[str]()

        async def counting(key: SubjectKey) -> Account:
            read.append(key.id)
            raise AssertionError("an account was read")

        monkeypatch.setattr(world.store, "load", counting)
        assert [row["id"] for row in await rows(world, "stale")] == ["ann"]
        assert {row["measure"]: row["people"] for row in await rows(world, "adoption")}["set_up"] == 1
        assert read == []


async def test_an_exemption_of_nobody_counts_nobody() -> None:
    """A directory without such a person tells the number zero."""

    async def directory(tenant: str) -> AsyncIterator[tuple[Subject, Contacts]]:
        yield Subject("ann", tenant), Contacts()

    async with running(make_world(policy=with_rules(exempting), directory=directory)) as world:
        found = {row["name"]: row["people"] for row in await rows(world, "exemptions")}
        assert found["robots"] == "0"
