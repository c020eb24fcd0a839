"""A day of report-only changes nothing, and its records say what would have happened."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute

from mfa_gate import require_proof
from mfa_gate.core.model import Seconds, SubjectKey
from mfa_gate.core.policy import Facts
from mfa_gate.core.report import HOUR, Part
from mfa_gate.core.rules import DAY, PathRule, Policy, Rules, StepUpRule, SubjectExemption, TenantSettings
from mfa_gate.errors import StoreUnavailable
from mfa_gate.web import report_only as module
from mfa_gate.web.report_only import Kept
from tests.attacks.test_blame import caller_of
from tests.harness import (
    AGREEMENT,
    FETCH,
    PAGE,
    START,
    Browser,
    Reply,
    World,
    call,
    chat,
    http_scope,
    make_world,
    routes,
    running,
    secret,
    socket_scope,
    with_rules,
)

FACTS = Facts(tenant="alpha", groups=frozenset(), method="GET", path="/records")
DEEDS = (("GET", "/records"), ("POST", "/records"), ("GET", "/records/7"), ("GET", "/vault/7"), ("GET", "/brief"))
WINDOWS = ("user-agent", "Mozilla/5.0 (Windows NT 10.0) Gecko/20100101 Firefox/140.0")
KINDS = ((*PAGE, WINDOWS), FETCH, (("authorization", "Bearer x"),), (("hx-request", "true"),))


@require_proof("5m")
async def brief(request: Request) -> PlainTextResponse:
    """Answer at an endpoint with a demand of its own."""
    return PlainTextResponse("brief")


def host() -> Starlette:
    """Make the host: routes with parameters, and one that asks for a young proof."""
    return Starlette(routes=[*routes(), Route("/vault/{id:int}", secret), Route("/brief", brief)])


def rules(**more: Any) -> Callable[[Rules], Rules]:
    """Make rules that only report, with two step-up rules on one tree."""
    vault = StepUpRule(name="vault", paths=(PathRule(text="/vault/**"),), max_age=Seconds(300))
    strong = StepUpRule(name="strong", paths=(PathRule(text="/vault/**"),), factors_any=("email",))

    def made(base: Rules) -> Rules:
        freshness = replace(base.freshness, renew_early=Seconds(DAY))
        changed = {"mode": "report-only", "step_up": (vault, strong), "freshness": freshness, **more}
        return replace(base, **changed)

    return made


def world_of(policy: Policy | None = None, **more: Any) -> World:
    """Make the host and a gate that only reports."""
    return make_world(policy=policy or with_rules(rules()), app=host(), **more)


async def parts(world: World, tenant: str = "alpha") -> list[Part]:
    """Return the records, those in memory too."""
    return await world.gate.service.report.parts(tenant, since=0, until=1 << 40)


async def told(world: World, tenant: str = "alpha") -> dict[tuple[str, str, str, tuple[str, ...]], int]:
    """Count the requests by method, route, reason and rules."""
    found: dict[tuple[str, str, str, tuple[str, ...]], int] = {}
    for part in await parts(world, tenant):
        for row in part.rows:
            key = (row.place.method, row.place.route, row.stop.why, row.stop.rules)
            found[key] = found.get(key, 0) + row.count
    return found


# -- nothing changes -----------------------------------------------------------------------------------------------


async def nothing(browser: Browser) -> None:
    """Prove nothing."""


async def enrolled(browser: Browser) -> None:
    """Enroll an app, and let the proof grow old."""
    await browser.enroll()
    browser.world.clock.advance(8 * DAY)


async def renewing(browser: Browser) -> None:
    """Enroll an app; the proof ends soon."""
    await browser.enroll()
    browser.world.clock.advance(7 * DAY - 3600)


async def locked(browser: Browser) -> None:
    """Enroll an app, and lose every attempt."""
    await browser.enroll()
    browser.world.clock.advance(8 * DAY)
    await browser.lock()


def as_without(reply: Reply) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Return all that a visitor sees of an answer.

    The host's own session cookie is left out: an old Starlette sends it again with each answer.
    """
    headers = [(name, value) for name, value in reply.headers if not value.startswith(b"session=")]
    return reply.status, sorted(headers), reply.body


async def bare(browser: Browser, method: str, path: str, headers: Any) -> Reply:
    """Ask the app itself, without a gate."""
    plain = Starlette(routes=[*routes(), Route("/vault/{id:int}", secret), Route("/brief", PlainTextResponse("brief"))])
    return await call(plain, http_scope(method, path, headers=headers))


@pytest.mark.parametrize("state", [nothing, enrolled, renewing, locked])
@pytest.mark.parametrize("agreement", [None, AGREEMENT])
async def test_no_answer_changes(state: Callable[[Browser], Awaitable[None]], agreement: Any) -> None:
    """Every kind of caller gets the app's own answer, header for header.

    Nobody is told anything, and no line is written.

    The rules of the file, of single endpoints, the renewal of a proof and the agreement are all only watched.
    """
    async with running(world_of(with_rules(rules(agreement=agreement)))) as world:
        ann = await world.browser()
        await state(ann)
        mails, lines = len(world.email.messages), await trail(world)
        for method, path in DEEDS:
            for headers in KINDS:
                reply = await ann.ask(method, path, headers=headers)
                assert as_without(reply) == as_without(await bare(ann, method, path, headers)), (method, path, headers)
        spoken = await call(world.app, socket_scope("/chat", headers=[("cookie", ann.cookie_header())]))
        assert spoken.messages[0]["type"] == "websocket.accept"
        await world.engine.effects.idle()
        assert (len(world.email.messages), await trail(world)) == (mails, lines)
        assert sum((await told(world)).values()) >= len(DEEDS) * len(KINDS)


async def trail(world: World) -> list[str]:
    """List the kinds in the person's trail."""
    return [event.kind for event in (await world.store.events("alpha", account="ann", limit=200)).items]


async def test_nobody_who_cannot_be_identified_is_stopped() -> None:
    """An adapter that fails stops nobody where the policy only reports for everybody.

    The day is not lost on a typing error.
    """

    async def broken(connection: Any) -> Any:
        raise RuntimeError("the host's own fault")

    async with running(world_of(identify=broken)) as world:
        stranger = Browser(world)
        assert (await stranger.ask("GET", "/records")).status == 200
        assert (await stranger.ask("GET", "/brief")).status == 200
        assert [part.unjudged for part in await parts(world, "")] == [{"fault": 2}]
    one_enforces = with_rules(rules())
    strict = replace(one_enforces, tenants={**one_enforces.tenants, "strict": rules(mode="enforce")(one_enforces.base)})
    async with running(world_of(strict, identify=broken)) as world:
        assert (await Browser(world).ask("GET", "/records")).status == 503


async def test_one_tenant_reports_and_another_enforces() -> None:
    """The mode is a tenant's own."""
    policy = with_rules(rules())
    policy = replace(policy, tenants={**policy.tenants, "beta": rules(mode="enforce")(policy.base)})
    async with running(world_of(policy)) as world:
        assert (await (await world.browser("ann", "alpha")).ask("GET", "/brief")).status == 200
        assert (await (await world.browser("ann", "beta")).ask("GET", "/brief", headers=FETCH)).status == 403


@pytest.mark.parametrize("fault", ["away", "slow"])
async def test_a_store_that_is_away_or_slow_stops_nobody(fault: str) -> None:
    """Requests pass and are counted.

    After the first one nobody waits; the app starts without the store, too.
    """
    world = world_of()
    ann = await world.browser()
    await ann.ask("GET", "/records", headers=FETCH)
    if fault == "away":
        await world.store.aclose()
    else:

        async def never(*_: Any) -> Any:
            await asyncio.sleep(60)

        world.store.load = never  # type: ignore[method-assign]
    bob = await world.browser("bob")
    loop = asyncio.get_running_loop()
    began = loop.time()
    for browser in (ann, bob, bob, bob, bob, bob):
        for path in ("/records", "/vault/7", "/brief"):
            assert (await browser.ask("GET", path, headers=FETCH)).status == 200
    assert loop.time() - began < 10
    unjudged = [part.unjudged or {} for part in await parts_in_memory(world)]
    assert sum(sum(counts.values()) for counts in unjudged) >= 15


async def parts_in_memory(world: World) -> list[Part]:
    """Return the records that no store has."""
    return world.gate.service.recorder.unwritten("alpha")


async def test_the_app_starts_without_its_store() -> None:
    """In report-only a store that is away at the start stops no app.

    Where anything is enforced, the start fails.
    """
    for mode, starts in (("report-only", True), ("enforce", False)):
        world = world_of(with_rules(rules(mode=mode)))

        async def away(*, make: bool = True) -> None:
            raise StoreUnavailable("away")

        world.store.open = away  # type: ignore[method-assign]
        incoming: list[dict[str, Any]] = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
        sent: list[str] = []

        async def receive(incoming: list[dict[str, Any]] = incoming) -> Any:
            return incoming.pop(0)

        async def send(message: Any, sent: list[str] = sent) -> None:
            sent.append(message["type"])

        try:
            await world.app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send)
        except StoreUnavailable:
            assert not starts
        assert ("lifespan.startup.complete" in sent) is starts


async def test_open_connections_go_on() -> None:
    """A websocket goes on although the store is away, or the person has signed out."""
    app = Starlette(routes=[*routes(), WebSocketRoute("/talk", chat)])
    world = make_world(policy=with_rules(rules()), app=app)
    ann = await world.browser()
    open_ = world.gate.web.connections
    closed = asyncio.Event()
    sent: list[str] = []

    async def receive() -> dict[str, Any]:
        if not sent:
            return {"type": "websocket.connect"}
        await closed.wait()
        return {"type": "websocket.disconnect", "code": 1000}

    async def send(message: Any) -> None:
        sent.append(message["type"])

    scope = socket_scope("/chat", headers=[("cookie", ann.cookie_header())])

    async def hold() -> None:
        await world.app(scope, receive, send)

    task = asyncio.create_task(hold())
    await asyncio.sleep(0.05)
    await ann.ask("POST", "/logout")
    (held,) = open_.open
    held.judged_at = -1_000.0
    await open_.look()
    await world.store.aclose()
    held.judged_at = -1_000.0
    await open_.look()
    assert "websocket.close" not in sent
    closed.set()
    await task


# -- what is recorded ------------------------------------------------------------------------------------------------


async def test_rows_are_folded_by_route_rule_and_reason() -> None:
    """A row has the host's pattern, each rule that is not met, the reason and the minutes."""
    async with running(world_of()) as world:
        ann = await world.enrolled()
        world.clock.at = START - START % HOUR + 10 * HOUR + 125
        for _ in range(3):
            await ann.ask("GET", "/vault/7", headers=(*FETCH, WINDOWS))
            await ann.ask("GET", "/vault/8", headers=(*FETCH, WINDOWS))
            world.clock.advance(60)
        await ann.ask("GET", "/records/4711", headers=FETCH)
        await ann.ask("GET", "/nowhere/4711/x", headers=FETCH)
        await ann.ask("GET", "/records/a/../4711", headers=FETCH)
        await ann.ask("GET", "/brief", headers=FETCH)
        found = await told(world)
        vault = next(row for part in await parts(world) for row in part.rows if row.place.route == "/vault/{id}")
    assert found == {
        ("GET", "/vault/{id}", "enrollment", ("vault", "strong")): 6,
        ("GET", "/records/{id}", "verified", ()): 1,
        ("GET", "/nowhere/{value}/x", "verified", ()): 1,
        ("GET", "/records/a/../{value}", "enrollment", ("vault", "strong")): 1,
        ("GET", "/brief", "verified", ()): 1,
        ("GET", "/brief", "step_up", ("require_proof",)): 1,
    }
    assert (vault.stop.kind, vault.situation.id, vault.situation.family) == ("enroll", "ann", "Firefox on Windows")
    assert vault.moments() == [vault.first, vault.first + 55, vault.first + 120]
    assert vault.place.path == "/vault/id"


async def test_a_rule_that_only_watches_is_named_and_the_rest_is_enforced() -> None:
    """With two watched rules both names stand in the row.

    Requests that meet them are its denominator.
    """
    watched = tuple(replace(rule, report_only=True) for rule in rules()(with_rules(rules()).base).step_up)
    policy = with_rules(lambda base: replace(base, step_up=watched))
    async with running(world_of(policy)) as world:
        ann = await world.browser()
        assert (await ann.ask("GET", "/vault/7", headers=FETCH)).status == 403
        await ann.enroll_email()
        assert (await ann.ask("GET", "/vault/7", headers=FETCH)).status == 200
        world.clock.advance(301)
        assert (await ann.ask("GET", "/vault/7", headers=FETCH)).status == 200
        assert (await ann.ask("GET", "/records", headers=FETCH)).status == 200
        assert await told(world) == {
            ("GET", "/vault/{id}", "verified", ()): 1,
            ("GET", "/vault/{id}", "step_up", ("vault",)): 1,
        }
        assert "decision.report" not in {event.kind for event in (await world.store.events("alpha")).items}


async def test_remembered_requests_are_counted_without_a_look() -> None:
    """The denominator costs no look at the account and no write."""
    async with running(world_of()) as world:
        ann = await world.browser()
        await ann.ask("GET", "/records", headers=FETCH)
        loads: list[Any] = []
        plain = world.store.load

        async def load(key: SubjectKey, /) -> Any:
            loads.append(key)
            return await plain(key)

        world.store.load = load  # type: ignore[method-assign]
        for number in range(40):
            await ann.ask("GET", "/records" if number % 2 else "/records/5", headers=FETCH)
        assert not loads
        found = await told(world)
    assert found == {
        ("GET", "/records", "enrollment", ("freshness",)): 21,
        ("GET", "/records/{id}", "enrollment", ("freshness",)): 20,
    }


async def test_nobody_passes_by_a_request_that_began_before_the_policy_enforces() -> None:
    """A request that is judged while the policy is replaced opens nothing for the next ones."""
    async with running(world_of()) as world:
        ann = await world.browser()
        await ann.ask("GET", "/records", headers=FETCH)
        world.engine.forget_all()
        plain = world.store.settings

        async def settings(tenant: str, /) -> TenantSettings:
            world.engine.use_policy(with_rules(rules(mode="enforce")))
            world.store.settings = plain  # type: ignore[method-assign]
            return await plain(tenant)

        world.store.settings = settings  # type: ignore[method-assign]
        assert (await ann.ask("GET", "/records", headers=FETCH)).status == 200
        for _ in range(2):
            assert (await ann.ask("GET", "/records", headers=FETCH)).status == 403


# -- the store -------------------------------------------------------------------------------------------------------


async def writes_of(world: World) -> list[tuple[str, int]]:
    """Count the parts that are added from now on."""
    added: list[tuple[str, int]] = []
    plain = world.store.add_report_part  # type: ignore[attr-defined]

    async def add(tenant: str, hour: int, body: bytes, /) -> None:
        added.append((tenant, len(body)))
        await plain(tenant, hour, body)

    world.store.add_report_part = add  # type: ignore[attr-defined]
    return added


async def test_one_write_for_each_person_rule_and_hour_at_most() -> None:
    """An hour has at most as many small writes as people with rules that they do not meet."""
    async with running(world_of()) as world:
        world.clock.at = START - START % HOUR
        added = await writes_of(world)
        people = [await world.browser(f"p{number}") for number in range(3)]
        for minute in range(120):
            world.clock.at = START - START % HOUR + 60 * minute
            for browser in people[: 1 + minute // 20 % 3]:
                for path in ("/records", "/brief"):
                    await browser.ask("GET", path, headers=FETCH)
            await world.gate.service.recorder.flush()
        await world.gate.service.recorder.flush(all_hours=True)
        pairs = {
            (row.situation.id, rule, part.hour)
            for part in await parts(world)
            for row in part.rows
            for rule in row.stop.rules or ("",)
        }
        assert 2 <= len(added) <= len(pairs)
        assert max(size for _, size in added) < 2_000
        total = sum(row.count for part in await parts(world) for row in part.rows if not row.place.endpoint)
    assert total == 2 * sum(1 + minute // 20 % 3 for minute in range(120))


async def test_records_survive_the_worker_and_an_outage() -> None:
    """Counts wait for a store that is away.

    The end of the worker writes the rest; a second worker adds its own.
    """
    async with running(world_of()) as world:
        ann = await world.browser()
        await ann.ask("GET", "/records", headers=FETCH)
        plain = world.store.add_report_part  # type: ignore[attr-defined]

        async def away(*_: Any) -> None:
            raise StoreUnavailable("away")

        world.store.add_report_part = away  # type: ignore[attr-defined]
        await world.gate.service.recorder.flush(all_hours=True)
        world.store.add_report_part = plain  # type: ignore[attr-defined]
        await ann.ask("GET", "/records", headers=FETCH)
        other = make_world(store=world.store.another(), policy=with_rules(rules()), app=host())  # type: ignore[attr-defined]
        async with running(other):
            await (await other.browser("bob")).ask("GET", "/records", headers=FETCH)
    again = make_world(store=world.store, policy=with_rules(rules()), app=host())
    async with running(again):
        kept = await again.store.report_parts("alpha", since=0, until=1 << 40)  # type: ignore[attr-defined]
        assert len(kept) >= 2
        assert sum((await told(again)).values()) == 3


async def test_a_tenant_has_a_bound_and_what_is_dropped_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Endless paths of one person fill neither memory nor store.

    The requests without a row are counted.
    """
    monkeypatch.setattr("mfa_gate.service.report_recorder.MAX_ROWS", 10)
    async with running(world_of()) as world:
        ann, other = await world.browser(), await world.browser("bob", "beta")
        for number in range(30):
            await ann.ask("GET", f"/nowhere/{'ok' * (number % 16)}/{'in' * (number // 16)}x", headers=FETCH)
        await other.ask("GET", "/records", headers=FETCH)
        (part,) = await parts(world)
        assert (len(part.rows), part.dropped) == (10, 20)
        assert [part.dropped for part in await parts(world, "beta")] == [0]


async def test_old_records_go_after_their_grace() -> None:
    """``[report] retention`` removes old hours.

    A shorter one waits for the days of ``[change] grace``.
    """
    async with running(world_of()) as world:
        ann = await world.browser()
        await ann.ask("GET", "/records", headers=FETCH)
        await world.gate.service.recorder.flush(all_hours=True)
        report = world.gate.service.report
        world.clock.advance(30 * DAY)
        await report.prune()
        assert len(await parts(world)) == 1
        world.clock.advance(2 * HOUR)
        await report.prune()
        assert await parts(world) == []


async def test_a_forgotten_person_is_in_no_record() -> None:
    """``forget`` takes the person out of all records, written or not."""
    async with running(world_of()) as world:
        ann, bob = await world.browser(), await world.browser("bob")
        for browser in (ann, bob):
            await browser.ask("GET", "/records", headers=FETCH)
        await world.gate.service.recorder.flush(all_hours=True)
        for browser in (ann, bob):
            await browser.ask("GET", "/records/7", headers=FETCH)
        from mfa_gate import Subject

        await (await world.gate.person(Subject("ann", "alpha"))).forget()
        await world.gate.service.recorder.flush(all_hours=True)
        found = await world.store.report_parts("alpha", since=0, until=1 << 40)  # type: ignore[attr-defined]
        assert len(found) == 2
        assert {row.situation.id for part in await parts(world) for row in part.rows} == {"bob"}


async def test_where_a_result_is_kept() -> None:
    """A path that no rule names is remembered for the quick way, a named one by itself."""
    async with running(world_of()) as world:
        ann = await world.enrolled()
        access, report_only = world.gate.service.access, world.gate.web.report_only
        access._passes.clear()
        report_only._kept.clear()
        assert (await ann.ask("GET", "/records", headers=FETCH)).status == 200
        assert (len(access._passes), list(report_only._kept)) == (1, [])
        assert (await ann.ask("GET", "/vault/7", headers=FETCH)).status == 200
        assert (await ann.ask("GET", "/vault/8", headers=FETCH)).status == 200
        assert [(method, path, demands) for _, method, path, demands in report_only._kept] == [
            ("GET", "/vault/7", ()),
            ("GET", "/vault/8", ()),
        ]
        kept = next(iter(report_only._kept.values()))
        assert kept.until == world.engine.now() + 30
        assert (kept.subject.id, kept.address) == ("ann", ann.address)


async def test_a_kept_result_counts_its_like_for_its_time() -> None:
    """The same request is judged once in half a minute, and anew after a change."""
    async with running(world_of()) as world:
        ann = await world.enrolled()
        kept = world.gate.web.report_only._kept
        kept.clear()

        async def judged(**more: Any) -> Kept:
            assert (await ann.ask("GET", "/vault/7", headers=FETCH, **more)).status == 200
            return next(iter(kept.values()))

        first = await judged()
        assert await judged() is first
        world.clock.advance(29)
        assert await judged() is first
        world.clock.advance(1)
        second = await judged()
        assert second is not first
        assert await judged() is second
        elsewhere = await judged(address="203.0.113.77")
        assert elsewhere is not second
        assert elsewhere.address == "203.0.113.77"
        assert await world.store.swap(replace(await world.store.load(SubjectKey("alpha", "ann")), name="Ann B"))
        assert await judged(address="203.0.113.77") is not elsewhere
        assert sum((await told(world)).values()) == 7


async def test_kept_results_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """With one more the oldest goes; a request with very long cookies and path is not kept."""
    async with running(world_of()) as world:
        ann = await world.enrolled()
        report_only = world.gate.web.report_only
        report_only._kept.clear()
        size = len(ann.cookie_header()) + len("/vault/7")
        monkeypatch.setattr(module, "MAX_KEPT", size)
        for number in (7, 8):
            await ann.ask("GET", f"/vault/{number}", headers=FETCH)
        assert [path for _, _, path, _ in report_only._kept] == ["/vault/7", "/vault/8"]
        monkeypatch.setattr(module, "MAX_KEPT", size - 1)
        await ann.ask("GET", "/vault/9", headers=FETCH)
        assert [path for _, _, path, _ in report_only._kept] == ["/vault/7", "/vault/8"]
        first = next(iter(report_only._kept.values()))
        keys = list(report_only._kept)
        monkeypatch.setattr(module, "MAX_KEPT", 2)
        judgement = await world.gate.service.access.judge(caller_of(ann), FACTS)
        report_only._keep((b"", "GET", "x", ()), judgement, first.subject, first.address, first.spot)
        assert list(report_only._kept) == [keys[1], (b"", "GET", "x", ())]


async def test_a_person_of_whom_nothing_is_demanded_is_no_fault() -> None:
    """Somebody exempt passes, and the records have no request that nobody could look at."""
    exempt = SubjectExemption(name="robots", groups_any=("robot",), reason="tests")
    async with running(world_of(with_rules(rules(exempt_subjects=(exempt,))))) as world:
        robot = await world.browser("robot", groups=["robot"])
        assert (await robot.ask("GET", "/records", headers=FETCH)).status == 200
        assert [part.unjudged for part in await parts(world)] == []
