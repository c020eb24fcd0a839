"""Work over many tenants and people: what fails for one is logged, and the others go on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from mfa_gate import Contacts, Subject
from mfa_gate.core.model import Account, Grant, SubjectKey
from mfa_gate.service import Actor
from mfa_gate.service import directory as module
from mfa_gate.service.admin.chart import chart_of
from mfa_gate.service.admin.daily_counts import daily_of
from mfa_gate.service.directory import people_of
from mfa_gate.service.exemption_uses import ExemptionUses
from mfa_gate.stores.memory import MemoryStore
from tests.harness import START, World, make_world, running

EVE = Actor(name="operator:eve")
ANN, BOB, CAT = SubjectKey("alpha", "ann"), SubjectKey("alpha", "bob"), SubjectKey("beta", "cat")


async def contacts(subject: Subject) -> Contacts:
    """Answer for everybody but Ann."""
    if subject.id == "ann":
        raise RuntimeError("the host's record of Ann is broken")
    return Contacts(email=f"{subject.id}@{subject.tenant}.example")


async def directory(tenant: str) -> AsyncIterator[tuple[Subject, Contacts]]:
    """List the people of a tenant."""
    for key in (ANN, BOB, CAT):
        if key.tenant == tenant:
            yield Subject(key.id, tenant), Contacts(email=f"{key.id}@{tenant}.example")


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Two tenants with people whose grants are over."""
    async with running(make_world(contacts=contacts, directory=directory)) as made:
        for key in (ANN, BOB, CAT):
            over = Grant(
                ref=f"G{key.id}",
                asked_by="x",
                asked_at=START - 900,
                reason="r",
                ticket="T",
                life=600,
                epoch=0,
                ends_at=START - 300,
            )
            event = made.engine.moment(actor="x").event("break_glass.granted", key)
            assert await made.store.swap(Account(key=key, grant=over), made.engine.chained([event]))
        yield made


def break_for(patch: pytest.MonkeyPatch, world: World, call: str, doomed: object) -> None:
    """Let a call of the store fail where it is about a tenant or person."""
    real: Callable[..., Any] = getattr(world.store, call)

    async def called(first: object, /, *rest: Any, **named: Any) -> Any:
        if first == doomed:
            raise RuntimeError("this row is broken")
        return await real(first, *rest, **named)

    patch.setattr(world.store, call, called)


async def granted(world: World) -> set[str]:
    """Return the people whose record still has a grant."""
    accounts = [await MemoryStore.load(world.store, key) for key in (ANN, BOB, CAT)]  # type: ignore[arg-type]
    return {account.key.id for account in accounts if account.grant is not None}


@pytest.mark.parametrize(
    ("call", "doomed", "left", "line"),
    [
        ("events", "alpha", {"ann", "bob"}, "break-glass grants of tenant alpha could not be read"),
        ("load", ANN, {"ann"}, "break-glass grant of alpha/ann could not be ended"),
    ],
)
async def test_grants_end(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    call: str,
    doomed: object,
    left: set[str],
    line: str,
) -> None:
    """A trail or an account that cannot be read holds no other grant open."""
    with monkeypatch.context() as patch:
        break_for(patch, world, call, doomed)
        await world.gate.service.break_glass.expire()
    assert await granted(world) == left
    assert line.replace("alpha/ann", str(ANN)) in caplog.text
    await world.gate.service.break_glass.expire()
    assert await granted(world) == set()


async def test_days_are_counted(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The numbers of other tenants are kept, and those of the broken one come later."""
    daily = world.gate.service.daily
    with monkeypatch.context() as patch:
        break_for(patch, world, "trail", "alpha")
        await daily.note()
    assert (await world.store.meta(daily_of("alpha")), bool(await world.store.meta(daily_of("beta")))) == (None, True)
    assert "tenant alpha could not be counted" in caplog.text
    await daily.note()
    assert await world.store.meta(daily_of("alpha"))


async def test_the_chart_grows(world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """The chart of other tenants has its day."""
    with monkeypatch.context() as patch:
        break_for(patch, world, "meta", chart_of("alpha"))
        await world.gate.service.chart.note()
    assert await world.store.meta(chart_of("beta"))
    assert "tenant alpha could not be counted for the chart" in caplog.text


async def test_reminders_go_out(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """A person whose contacts cannot be told keeps nobody else from the mail."""
    told = await world.gate.service.tenant_messages.remind(EVE, "alpha")
    await world.engine.effects.idle()
    assert told == 2
    assert [message.to for message in world.email.messages] == ["bob@alpha.example"]
    assert "one person of tenant alpha was not sent" in caplog.text


@pytest.mark.parametrize("row", [b"{", b"[]", b"\xff", b'"x"', b"[" * 5000])
async def test_uses_that_cannot_be_read(row: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """A damaged row of uses begins anew, and says so."""
    store = MemoryStore()
    await store.open()
    await store.put_meta("exemption-uses:alpha", row)
    uses = ExemptionUses(store)
    uses.note("alpha", "free", 7)
    assert await uses.read("alpha") == {"free": 7}
    await uses.keep()
    assert "begin anew" in caplog.text
    caplog.clear()
    assert await ExemptionUses(store).read("alpha") == {"free": 7}
    assert caplog.messages == []


async def hangs(tenant: str) -> AsyncIterator[Any]:
    """Never list anybody."""
    await asyncio.sleep(3600)
    yield None


async def lists_texts(tenant: str) -> list[Any]:
    """List no people."""
    return ["ann"]


async def lists_half(tenant: str) -> list[Any]:
    """List people without contacts."""
    return [(Subject("ann", tenant), None)]


async def fails(tenant: str) -> list[Any]:
    """Fail."""
    raise RuntimeError("down")


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        (hangs, "did not answer"),
        (fails, "did not answer"),
        (lists_texts, "a value of type str"),
        (lists_half, "a value of type tuple"),
        (lambda tenant: [], "it is a plain function"),
    ],
)
async def test_a_directory_that_is_none(
    asked: Any, line: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A directory that hangs, fails or lists something else is as none, and the log says why."""
    monkeypatch.setattr(module, "DIRECTORY_TIMEOUT", 0.02)
    assert await people_of(asked, "alpha") is None
    assert line in caplog.text
    assert await people_of(None, "alpha") is None
