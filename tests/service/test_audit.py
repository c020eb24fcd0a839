"""Retention: lines older than the policy's age are removed, and this is recorded first.

The rest verifies from its new beginning.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from mfa_gate.core.events import Event
from mfa_gate.core.model import Seconds, SubjectKey
from mfa_gate.core.rules import DAY, AuditRules
from mfa_gate.errors import StoreUnavailable
from mfa_gate.service import Actor, Done
from mfa_gate.service import audit as module
from mfa_gate.service.trail_notes import TrailNotes
from mfa_gate.service.trail_signer import AlteredTrail
from mfa_gate.service.trail_verification import verify_trail
from tests.harness import POLICY, RULES, START, World, make_world, running

from .intruder import IntoMemory

OPERATOR = Actor(name="operator:eve")
KEPT = replace(RULES, owner="owner@example.org", audit=AuditRules(retention=Seconds(30 * DAY)))


def line(number: int, tenant: str = "alpha") -> Event:
    """A line of day ``number``."""
    return Event(id=f"{tenant}{number}", kind="attempt.failed", at=START + number * DAY, tenant=tenant, account="ann")


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Sixty days of two tenants; one keeps thirty, the other all."""
    policy = replace(POLICY, tenants={"alpha": KEPT, "beta": RULES})
    async with running(make_world(policy=policy)) as made:
        lines = [line(number, tenant) for number in range(60) for tenant in ("alpha", "beta")]
        await made.gate.service.engine.record(lines)
        made.clock.advance(60 * DAY)
        yield made


async def test_what_is_old_goes_and_it_is_told(world: World) -> None:
    """Lines older than the policy's age are removed, and lines of exactly the age stay.

    The policy of the other tenant keeps every line. A second run finds nothing to remove.
    """
    retention = world.gate.service.retention
    assert await retention.prune(actor="operator:eve") == {"alpha": 30}
    assert [event.id for event in (await world.store.trail("alpha", limit=1)).items] == ["alpha30"]
    assert len((await world.store.trail("beta")).items) == 60
    (told,) = (await world.store.events("alpha", kind="audit.pruned")).items
    assert (told.reason, told.detail["before"], told.detail["lines"]) == ("retention", START + 30 * DAY, 30)
    verdict = await retention.verify()
    assert verdict.broken == {}
    assert {name: anchor.lines for name, anchor in verdict.anchors.items()} == {"alpha": 30}
    assert await retention.prune(actor="operator:eve") == {}
    assert len(world.kinds("audit.pruned")) == 1


async def test_a_beginning_that_nobody_pruned_is_missing(world: World) -> None:
    """Removed oldest lines are found, even if the anchor was moved with them.

    S-124. No line of the trail reports the pruning.
    """
    assert await world.store.prune("beta", before=START + 10 * DAY) == 10
    assert await verify_trail(world.store, "beta") == {}
    verdict = await world.gate.service.retention.verify("beta")
    assert {name: fault.place for name, fault in verdict.broken.items()} == {"beta": 0}


async def test_a_crash_between_telling_and_pruning(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pruning that was recorded and not done is done the next time.

    The other order cannot happen.
    """

    async def gone(*_: object, **__: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(world.store, "prune", gone)
        with pytest.raises(KeyboardInterrupt):
            await world.gate.service.retention.prune(actor="operator:eve")
    assert len((await world.store.trail("alpha")).items) == 61
    assert await world.gate.service.retention.prune(actor="operator:eve") == {"alpha": 30}
    assert len((await world.store.events("alpha", kind="audit.pruned")).items) == 2


async def test_an_hourly_round_removes_what_became_old(world: World) -> None:
    """The hourly round removes the lines that became too old, and nothing else.

    It needs nobody.
    """
    retention = world.gate.service.retention
    await retention.prune(actor="operator:eve")
    world.clock.advance(2 * DAY)
    await retention.keep()
    assert [event.id for event in (await world.store.trail("alpha", limit=1)).items] == ["alpha32"]


@pytest.mark.parametrize("ahead", [8 * DAY, 31 * DAY, 400 * DAY])
@pytest.mark.parametrize("writes", [False, True])
async def test_a_clock_ahead_removes_nothing(
    world: World, caplog: pytest.LogCaptureFixture, ahead: int, writes: bool
) -> None:
    """A clock that runs ahead by more than a round removes takes no line.

    This holds also if that clock wrote the newest lines itself. The log, the trail and a mail say so once a
    day, with the way on. When the clock is right again, all goes on.
    """
    retention = world.gate.service.retention
    await retention.prune(actor="operator:eve")
    before = (await world.store.trail("alpha")).items
    world.clock.advance(ahead)
    if writes:
        await world.store.append([line(60 + ahead // DAY)])
    for _ in range(3):
        await retention.keep()
    kept = (await world.store.trail("alpha")).items
    assert kept[: len(before)] == before
    assert [event.kind for event in kept].count("audit.prune_held") == 1
    assert "mfa-gate audit prune --tenant alpha" in caplog.text
    await world.engine.effects.idle()
    assert [message.to for message in world.email.messages] == ["owner@example.org"]
    world.clock.advance(DAY - ahead)
    await retention.keep()
    assert [event.id for event in (await world.store.trail("alpha", limit=1)).items] == ["alpha31"]


async def test_lines_of_a_clock_ahead_are_judged_by_their_order(world: World) -> None:
    """A line from the future counts as old as the line behind it.

    It holds up neither the lines before it nor those behind it.
    """
    store, at = world.store, START + 60 * DAY
    await store.append([line(9_000, "gamma"), *(line(number, "gamma") for number in range(4)), line(9_001, "gamma")])
    assert await store.prune("gamma", before=START + 2 * DAY, now=at) == 3
    assert [event.id for event in (await store.trail("gamma")).items] == ["gamma2", "gamma3", "gamma9001"]
    assert await store.prune("gamma", before=START + 59 * DAY, now=at) == 2
    assert await verify_trail(store, "gamma") == {}


async def test_one_tenant_that_fails_stops_no_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault in one tenant's trail is logged, and the next tenant is pruned."""
    store, retention = world.store, world.gate.service.retention
    await retention.prune(actor="operator:eve")
    await store.append([line(0, "aaa")])
    trail, world.engine.policy = store.trail, replace(world.engine.policy, tenants={"aaa": KEPT, "alpha": KEPT})

    async def sick(tenant: str, /, *, after: str = "", limit: int = 500) -> object:
        if tenant == "aaa":
            raise StoreUnavailable("no")
        return await trail(tenant, after=after, limit=limit)

    monkeypatch.setattr(store, "trail", sick)
    world.clock.advance(DAY)
    await retention.keep()
    assert (await trail("alpha", limit=1)).items[0].id == "alpha31"


async def test_a_legal_hold_keeps_every_line(world: World) -> None:
    """Neither the hourly round nor the command removes a line, and the desk says so.

    Other tenants go on. A hold that comes between two pieces stops the rest.
    """
    retention, holds = world.gate.service.retention, world.gate.service.legal_holds
    hold = await holds.begin("alpha", by="operator:eve", reason="case 7")
    await retention.keep()
    assert await retention.prune(actor="operator:eve") == {}
    assert (await world.store.trail("alpha", limit=1)).items[0].id == "alpha0"
    boss = await world.enrolled("boss", groups=["security"])
    assert "case 7" in (await boss.page("/mfa/admin/audit")).text
    await holds.end(hold, by="operator:eve", reason="case closed")
    assert "case 7”" not in (await boss.page("/mfa/admin/audit")).text
    cut = await retention._cut("alpha")
    assert cut is not None
    await holds.begin("alpha", by="operator:eve", reason="case 8")
    assert await retention._prune("alpha", cut, actor="operator:eve") == 0


async def test_a_hold_stands_without_its_note(world: World) -> None:
    """Somebody who only writes the store ends no hold: its line keeps the trail."""
    retention, holds = world.gate.service.retention, world.gate.service.legal_holds
    hold = await holds.begin("alpha", by="operator:eve", reason="case 9")
    await world.store.put_meta("audit:holds", b"[]")
    assert await holds.all() == (hold,)
    await retention.keep()
    assert (await world.store.trail("alpha", limit=1)).items[0].id == "alpha0"
    await holds.end(hold, by="operator:eve", reason="case closed")
    assert await holds.of("alpha") == ()
    assert await retention.prune(actor="operator:eve") != {}


@pytest.mark.parametrize("change", ["kind", "text", "digest", "added"])
async def test_an_altered_line_is_never_removed(world: World, change: str) -> None:
    """An intruder who alters the line of a legal hold gets no help from retention.

    The altered line is the only trace: it stays, the administrators are told, and an operator who has looked at it lets it go.
    """
    service, into = world.gate.service, IntoMemory(world.store)  # type: ignore[arg-type]
    retention = service.retention
    await service.trail_signer.flush()
    loot = into.take()
    row = loot.trails["alpha"].rows[20]
    if change == "kind":
        row.line, row.kind = row.line.replace("attempt.failed", "attempt.refused"), "attempt.refused"
    elif change == "text":
        row.line = row.line.replace('"account":"ann"', '"account":"bob"')
        row.account = "bob"
    elif change == "digest":
        row.digest = "0" * 64
    else:
        row.line = row.line[:-1] + ',"was":"' + "0" * 64 + '"}'
    into.put(loot)
    with pytest.raises(AlteredTrail):
        await retention.prune(actor="operator:eve")
    await retention.keep()
    assert (await world.store.trail("alpha", limit=1)).items[0].id == "alpha0"
    assert world.kinds("audit.pruned") == []
    (told,) = world.kinds("audit.altered")
    assert told.detail["line"] == 21
    verdict = await retention.verify("alpha")
    await service.trail_signer.accept("alpha", verdict.broken["alpha"], actor="operator:eve", reason="case 7")
    assert (await retention.prune(actor="operator:eve"))["alpha"] == 30


async def test_lines_of_a_forgotten_person_go(world: World) -> None:
    """The event that binds an erasure stands far behind the lines that are removed."""
    service = world.gate.service
    done = await service.account_desk.act(OPERATOR, "forget", SubjectKey("alpha", "ann"), reason="left")
    assert isinstance(done, Done)
    assert done.pseudonym
    assert (await service.retention.verify("alpha")).broken == {}
    assert (await service.retention.prune(actor="operator:eve"))["alpha"] == 30
    assert (await service.retention.verify("alpha")).broken == {}


async def test_so_many_lines_go_in_a_round(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A round says how many lines it removes, and removes some pieces of them.

    It leaves the rest to the next one.
    """
    retention, store = world.gate.service.retention, world.store
    monkeypatch.setattr(module, "PIECE", 4)
    monkeypatch.setattr(module, "MAX_PIECES", 3)
    reads, trail = list[str](), store.trail

    async def counted(tenant: str, /, *, after: str = "", limit: int = 50) -> object:
        reads.append(after)
        return await trail(tenant, after=after, limit=limit)

    monkeypatch.setattr(store, "trail", counted)
    left = 30
    for gone in (12, 12, 6):
        assert await retention.prune(tenant="alpha", actor="operator:eve") == {"alpha": gone}
        left -= gone
        told = (await store.events("alpha", kind="audit.pruned", limit=1)).items[0]
        assert told.detail["lines"] == gone
        assert (await trail("alpha", limit=1)).items[0].id == f"alpha{30 - left}"
    assert len(reads) < 60


async def test_lines_that_end_with_a_piece(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """All old lines go, also if they fill the pieces to the last place."""
    monkeypatch.setattr(module, "PIECE", 10)
    monkeypatch.setattr(module, "MAX_PIECES", 30)
    asked, prune = list[int](), world.store.prune

    async def counted(tenant: str, /, **named: int) -> int:
        asked.append(named["limit"])
        return await prune(tenant, **named)

    monkeypatch.setattr(world.store, "prune", counted)
    assert await world.gate.service.retention.prune(actor="operator:eve") == {"alpha": 30}
    assert asked == [10, 10, 10]


async def test_leave_to_prune_is_signed_for_what_goes(world: World) -> None:
    """S-124: a look signs nothing, and a round signs exactly the lines that it removes."""
    retention, notes = world.gate.service.retention, world.gate.service.trail_signer.notes
    cut = await retention._cut("alpha")
    assert cut is not None
    assert (cut.first_at, cut.before, cut.retention, cut.now) == (
        START,
        START + 30 * DAY,
        30 * DAY,
        world.engine.now(),
    )
    assert await retention._permit("alpha", cut, is_dry=True) == 30
    assert await notes.pruned("alpha") == 0
    assert await retention._permit("alpha", cut) == 30
    assert await notes.pruned("alpha") == 30
    nothing = replace(cut, before=START)
    assert await retention._permit("alpha", nothing) == 0
    assert await notes.pruned("alpha") == 30


async def test_a_forged_head_stops_the_pruning(world: World) -> None:
    """The lines stay: they are the only trace of what was altered."""
    await world.gate.service.trail_signer.flush()
    into = IntoMemory(world.store)  # type: ignore[arg-type]
    loot = into.take()
    loot.notes["trail-head:alpha"] = loot.notes["trail-head:alpha"].replace(b"alpha", b"alphb")
    into.put(loot)
    with pytest.raises(AlteredTrail, match="line 1: the signed head was altered"):
        await world.gate.service.retention.prune(actor="operator:eve")
    assert len([event for event in (await world.store.trail("alpha", limit=99)).items if event.id < "b"]) >= 60


async def test_who_keeps_everything(world: World) -> None:
    """The policy may name no retention, for one trail or for all."""
    retention = world.gate.service.retention
    assert [await retention.keeps_all(name) for name in ("", "alpha", "beta")] == [False, False, True]


@pytest.mark.parametrize(
    ("kept", "age", "is_held"),
    [
        (8 * DAY, 2 * DAY, False),
        (8 * DAY, 2 * DAY + 1, True),
        (40 * DAY, 7 * DAY, False),
        (40 * DAY, 7 * DAY + 1, True),
    ],
)
async def test_the_most_that_a_round_removes(kept: int, age: int, is_held: bool) -> None:
    """It is a week of old lines, and at most a quarter of the retention."""
    rules = replace(RULES, audit=AuditRules(retention=Seconds(kept)))
    async with running(make_world()) as world:
        world.engine.use_policy(replace(POLICY, tenants={"alpha": rules}))
        await world.store.append([line(0), line(1)])
        world.clock.at = START + kept + age
        await world.gate.service.retention.keep()
        held = [event.detail for event in world.kinds("audit.prune_held")]
        assert held == ([{"before": START + age, "days": age // DAY}] if is_held else [])
        assert ("alpha0" in [event.id for event in (await world.store.trail("alpha")).items]) is is_held


@pytest.mark.parametrize(("age", "pruned"), [(0, 0), (1, 1)])
async def test_a_line_of_exactly_the_age_stays(caplog: pytest.LogCaptureFixture, age: int, pruned: int) -> None:
    """A round that has nothing to remove writes nothing, and a trail that is kept is no fault."""
    policy = replace(POLICY, tenants={"alpha": KEPT, "beta": RULES})
    async with running(make_world(policy=policy)) as world:
        await world.store.append([line(0), line(0, "beta")])
        world.clock.at = START + 30 * DAY + age
        await world.gate.service.retention.keep()
        assert len(world.kinds("audit.pruned")) == pruned
        assert "could not be removed" not in caplog.text


async def test_the_leave_to_prune_comes_behind_its_event(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An event that cannot be written leaves no signed leave behind."""

    async def away(*_: object) -> None:
        raise StoreUnavailable("the store is away")

    monkeypatch.setattr(world.engine, "record", away)
    with pytest.raises(StoreUnavailable):
        await world.gate.service.retention.prune(actor="operator:eve")
    assert await TrailNotes(world.store, world.engine.trail_keys).pruned("alpha") == 0
