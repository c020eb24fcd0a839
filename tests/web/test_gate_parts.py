"""The gate's own decisions beside the usual way.

They say which addresses are ours, who is let on, and who is only reported.
"""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from mfa_gate import Subject
from mfa_gate.core.model import Authenticator
from mfa_gate.core.policy import Demand
from mfa_gate.core.rules import Policy
from mfa_gate.web.pages.draft import FIRST_HOUR, _is_settled
from tests.attacks.test_blame import caller_of
from tests.harness import FETCH, POLICY, RULES, START, Browser, World, http_scope, make_world, running

ANN = Subject("ann", "alpha")


async def nothing(*_: Any) -> None:
    """Take a message, or give none."""


async def test_only_connections_are_judged(world: World) -> None:
    """Whatever a server may invent passes nobody."""
    with pytest.raises(
        RuntimeError, match="mfa_gate refuses a scope of type 'comet': it judges http and websocket only"
    ):
        await world.gate.web.judge({"type": "comet"}, nothing, nothing)


@pytest.mark.parametrize(
    ("path", "ours"),
    [("/mfa", True), ("/mfa/", True), ("/mfa/enroll", True), ("/mfax", False), ("/mf", False), ("/x/mfa", False)],
)
async def test_our_own_addresses(world: World, path: str, ours: bool) -> None:
    """The prefix ends at a slash; the app answers all others, once the person has passed."""
    ann = await world.enrolled()
    await ann.ask("GET", path, headers=FETCH)
    assert (world.reached == []) is ours


async def test_grace_is_no_way_around_a_fault(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is let on if the address cannot be told."""

    def broken(_: Any) -> str:
        raise ValueError("odd")

    asked: list[Any] = []

    def has_grace(*given: Any) -> bool:
        asked.append(given)
        return True

    monkeypatch.setattr(world.gate.service.access, "has_grace", has_grace)
    scope = http_scope("GET", "/records", headers=[("cookie", "a=b")])
    assert world.gate.web.has_grace(scope, "/records", ANN)
    assert asked == [(ANN, b"a=b", "203.0.113.7")]
    monkeypatch.setattr(world.gate.web.callers, "address", broken)
    assert world.gate.web.has_grace(scope, "/records", ANN) is False


def modes(base: str, **tenants: str) -> Policy:
    """Some tenants report, and others enforce."""
    made = {name: replace(RULES, mode=mode) for name, mode in tenants.items()}  # type: ignore[arg-type]
    return replace(POLICY, base=replace(RULES, mode=base), tenants=made)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("policy", "nobody", "ann", "zoe"),
    [
        (modes("enforce"), False, False, False),
        (modes("report-only"), True, True, True),
        (modes("report-only", beta="enforce"), False, True, False),
        (modes("enforce", alpha="report-only"), False, True, False),
    ],
)
async def test_for_whom_nothing_is_enforced(policy: Policy, nobody: bool, ann: bool, zoe: bool) -> None:
    """For a person by the tenant; for nobody only where every tenant reports."""
    async with running(make_world(policy=policy)) as world:
        enforces_nothing = world.gate.web.enforces_nothing
        assert (enforces_nothing(None), enforces_nothing(ANN), enforces_nothing(Subject("zoe", "beta"))) == (
            nobody,
            ann,
            zoe,
        )


async def test_a_demand_is_only_reported_where_all_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A person who cannot be identified is nobody; then every tenant has to report."""
    demands = (Demand(rule="require_proof", max_age=RULES.freshness.max_age),)
    scope = http_scope("GET", "/records")

    async def broken(_: Any) -> Subject:
        raise ValueError("odd")

    async def ann(_: Any) -> Subject:
        return ANN

    for policy, of_ann, of_nobody in (
        (modes("enforce"), False, False),
        (modes("report-only"), True, True),
        (modes("enforce", alpha="report-only"), True, False),
    ):
        async with running(make_world(policy=policy)) as world:
            web, counted = world.gate.web, list[Any]()

            async def let_in(scope: Any, subject: Any, path: str, **more: Any) -> None:
                counted.append((subject, path, more))  # noqa: B023 - called in this round alone

            monkeypatch.setattr(web.report_only, "let_in", let_in)
            monkeypatch.setattr(web.callers, "subject", ann)
            assert await web.only_reports(scope, demands) is of_ann
            assert counted == ([(ANN, "/records", {"is_named": True, "endpoint": demands})] if of_ann else [])
            counted.clear()
            monkeypatch.setattr(web.callers, "subject", broken)
            assert await web.only_reports(scope, demands) is of_nobody
            assert counted == []


async def test_a_quick_look_is_measured_too(world: World) -> None:
    """An observer of durations hears of a request that passed by a look, and of no other."""
    ann = await world.enrolled()
    assert await ann.is_in()
    heard: list[Any] = []
    engine, caller = world.engine, caller_of(ann)
    watch: Any = SimpleNamespace(judged=lambda began, decision: heard.append((began > 0, decision)))
    engine.effects.observer = watch
    judgement = world.gate.service.quick_look.judge(caller)
    assert judgement is not None
    assert heard == [(True, judgement.decision)]
    assert world.gate.service.quick_look.judge(replace(caller, handle="other")) is None
    assert len(heard) == 1
    engine.effects.observer = None


async def test_a_client_gets_a_handle_of_its_own(world: World) -> None:
    """One that has a handle keeps it.

    A client without a token is told apart by its sign-in, or by what it shows.
    """
    callers = world.gate.web.callers
    browser = callers.known(http_scope("GET", "/", headers=[("cookie", "a=b")]), ANN, "192.0.2.1")
    fresh = callers.with_handle(browser, http_scope("GET", "/"), "192.0.2.1")
    assert browser.handle == ""
    assert len(fresh.handle) == 48
    assert fresh.caller.handle != ""
    assert callers.with_handle(fresh, http_scope("GET", "/"), "192.0.2.1") is fresh

    def client(session: str, address: str, *headers: tuple[str, str]) -> str:
        scope = http_scope("GET", "/", headers=headers)
        found = callers.known(scope, replace(ANN, session=session), address)
        assert found.caller.kind == "client"
        made = callers.with_handle(found, scope, address)
        assert made.caller.handle == found.caller.handle
        return made.handle

    one = client("", "192.0.2.1", ("authorization", "Bearer a"))
    assert one == client("", "192.0.2.1", ("authorization", "Bearer a"), ("x-other", "b"))
    assert one != client("", "192.0.2.2", ("authorization", "Bearer a"))
    assert one != client("", "192.0.2.1", ("authorization", "Bearer b"))
    assert one != client("", "192.0.2.1", ("authorization", "Bearer a"), ("user-agent", "x"))
    assert client("s", "192.0.2.1") == client("s", "192.0.2.2", ("user-agent", "x")) != client("t", "192.0.2.1")


@pytest.mark.parametrize(
    ("offered", "note", "first", "demanded", "settled"),
    [
        (False, {}, 0, False, True),
        (False, {"to": "/"}, 0, False, False),
        (False, {"to": "/"}, FIRST_HOUR, False, True),
        (False, {"to": "/"}, FIRST_HOUR - 1, False, False),
        (True, {}, FIRST_HOUR, False, False),
        (False, {}, FIRST_HOUR, True, False),
        (False, {}, None, False, False),
    ],
)
def test_where_one_more_method_leads(
    offered: bool, note: dict[str, str], first: int | None, demanded: bool, settled: bool
) -> None:
    """The settings come next, unless a first method of just now leads on to the app."""
    ages = () if first is None else (0, first)
    others = [Authenticator(id=f"a{age}", factor="totp", label="", created_at=START - age) for age in ages]
    request: Any = SimpleNamespace(interruption=SimpleNamespace(note=note, is_offered=offered), now=START)
    assert _is_settled(request, others, is_demanded=demanded) is settled


async def test_a_stranger_is_not_asked_again(world: World) -> None:
    """The gate lets strangers through to the host's own sign-in, and keeps nothing of them."""
    reply = await Browser(world).ask("GET", "/records", headers=FETCH)
    assert (reply.status, world.reached) == (200, [("http", "GET", "/records")])
