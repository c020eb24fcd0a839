"""The ticket of a first enrollment, and what is lacking before it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from mfa_gate import Contacts, Subject
from mfa_gate.core.model import Caller, SubjectKey
from mfa_gate.core.rules import Rules
from mfa_gate.service import Actor, Done
from mfa_gate.service.enrollable import lacks
from tests.harness import World, make_world, running, with_rules

EVE = Actor(name="operator:eve")
ANN = SubjectKey("alpha", "ann")
CALLER = Caller(subject=Subject("ann", "alpha"), handle="h", network="n")


def by(first: str, *kinds: str) -> dict[str, object]:
    """Let a first enrollment need something, with these kinds."""

    def change(rules: Rules) -> Rules:
        allowed = (*kinds, "backup-code")
        factors = replace(rules.factors, allowed=allowed, order=kinds)
        return replace(rules, factors=factors, enrollment=replace(rules.enrollment, first=first))  # type: ignore[arg-type]

    return {"policy": with_rules(change)}


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A first enrollment needs a ticket."""
    async with running(make_world(**by("ticket", "totp", "email"))) as made:  # type: ignore[arg-type]
        yield made


async def test_a_ticket_in_every_spelling(world: World) -> None:
    """Blanks, hyphens and small letters are the same.

    What stands behind 64 characters does not count.
    """
    given = await world.gate.service.account_desk.act(EVE, "ticket", ANN, reason="new")
    assert isinstance(given, Done)
    text = given.ticket
    redeem = world.gate.service.leave.redeem_ticket
    wrong = await redeem(CALLER, text[:-1] + ("A" if text[-1] != "A" else "B"))
    assert wrong is not None
    assert (await world.account()).attempts.used == 0
    padded = "".join(text.split()).replace("-", "")
    for spelled in (padded.ljust(65, "X"), "X" * 64 + text):
        assert await redeem(CALLER, spelled) is not None, spelled
    assert await redeem(CALLER, f"  {text.lower().replace('-', ' - ')}\n") is None
    account = await world.account()
    assert (account.ticket, account.leave is not None and account.leave.browser) == (None, "h")
    assert await redeem(CALLER, text) is not None


@pytest.mark.parametrize(
    ("first", "kinds", "email", "reason"),
    [
        ("ticket", ("totp", "email"), "ann@x.example", "leave_required"),
        ("contact", ("totp",), "ann@x.example", "leave_required"),
        ("contact", ("totp", "email"), "ann@x.example", None),
        ("open", ("totp",), "", None),
    ],
)
async def test_what_is_lacking(first: str, kinds: tuple[str, ...], email: str, reason: str | None) -> None:
    """A kind that proves a contact by itself lacks nothing.

    Any other needs the contact or the ticket first.
    """

    async def contacts(subject: Subject) -> Contacts:
        return Contacts(email=email)

    async with running(make_world(contacts=contacts, **by(first, *kinds))) as world:  # type: ignore[arg-type]
        judgement = await world.gate.service.access.own(CALLER)
        found = lacks(judgement, world.engine.now())
        assert (found is not None) == (reason is not None)
        ann = await world.enrolled("bob") if first == "open" else None
        if ann is not None:
            bob = Caller(subject=Subject("bob", "alpha"), handle="h", network="n")
            assert lacks(await world.gate.service.access.own(bob), world.engine.now()) is None
