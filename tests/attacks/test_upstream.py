"""A sign-in elsewhere under attack.

The attackers have a stolen session, a replay after its end, or claims that are no claims.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from mfa_gate import require_proof
from mfa_gate.core.changes.admin import lock, reset, unlock
from mfa_gate.core.changes.dispute import dispute
from mfa_gate.core.codec import decode, encode
from mfa_gate.core.model import MAX_BROWSERS, MAX_BYTES, Account, Browser, Grant, Seconds, Subject, Upstream
from mfa_gate.core.rules import DAY, EnrollmentRules, PathRule, RoleRules, Rules, StepUpRule
from mfa_gate.errors import StoreUnavailable
from mfa_gate.identity import SessionUser
from mfa_gate.web.request import page_request
from tests.harness import (
    AGREEMENT,
    FETCH,
    HOME,
    ORIGIN,
    START,
    World,
    call,
    log_in,
    make_world,
    running,
    socket_scope,
    with_rules,
)
from tests.harness import Browser as Visitor
from tests.web.lasting import remembered

HOTEL = "198.51.100.23"
KEYS = SessionUser("user_id", tenant="org", groups="groups", session="sid", amr="amr", acr="acr", auth_time="auth_time")
FRESH = StepUpRule(name="fresh", paths=(PathRule(text="=/files/fresh"),), max_age=Seconds(300))
STRONG = StepUpRule(name="keys", paths=(PathRule(text="=/files/strong"),), phishing_resistant=True)
CODES = StepUpRule(name="codes", paths=(PathRule(text="=/files/codes"),), factors_any=("totp", "email"))


def trusting(rules: Rules) -> Rules:
    """Change the rules so that the word "mfa" counts.

    A person without a factor may enroll at once, so that only the sign-in stands in the way.
    """
    return replace(
        rules,
        factors=replace(rules.factors, allowed=(*rules.factors.allowed, "webauthn")),
        freshness=replace(rules.freshness, trust_amr=("mfa",)),
        step_up=(FRESH, STRONG, CODES),
        enrollment=replace(rules.enrollment, first="open"),
        roles=RoleRules(look=("desk",), unlock=("desk",), reset=("desk",), audit=("desk",)),
    )


def binding(rules: Rules) -> Rules:
    """Proofs end with the host's session."""
    made = trusting(rules)
    return replace(made, freshness=replace(made.freshness, remember="session"))


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A host that signs in elsewhere."""
    async with running(make_world(policy=with_rules(trusting), identify=KEYS)) as made:
        yield made


async def signed_in(
    world: World, *, address: str = HOME, at: float | None = None, tenant: str = "alpha", **told: Any
) -> Visitor:
    """Sign Ann in by a provider that has confirmed her with a second factor.

    ``told`` is added to the session. Nothing is asked yet.
    """
    browser = Visitor(world, address=address)
    when = world.clock.now() if at is None else at
    session = {"user_id": "ann", "org": tenant, "groups": [], "sid": "s1", "auth_time": when, "amr": ["mfa"], **told}
    await browser.ask("POST", "/login", body=json.dumps(session).encode())
    browser.id, browser.tenant = "ann", tenant
    return browser


def stolen(browser: Visitor, address: str = HOTEL) -> Visitor:
    """Another browser with all cookies of this one."""
    return Visitor(browser.world, address=address, cookies=dict(browser.cookies))


async def passes(browser: Visitor, path: str = "/records") -> bool:
    """Return true if the request reaches the app."""
    before = len(browser.world.reached)
    reply = await browser.page(path)
    assert (reply.status == 200) == (len(browser.world.reached) > before)
    return reply.status == 200


async def put(world: World, account: Account) -> None:
    """Store an account as it is."""
    assert await world.store.swap(account)


# -- a stolen session --------------------------------------------------------------------------------------------------


async def test_first_seen_at_our_own_pages(world: World) -> None:
    """The first request, to our own pages too, binds the sign-in to the owner's network.

    It may be a page or a call.
    """
    for place in ("/mfa", "/mfa/api/state", "/mfa/challenge", "/mfa/recovery"):
        world.clock.advance(60)
        ann = await signed_in(world)
        await ann.page(place)
        assert not await passes(stolen(ann)), place
        assert await passes(ann)


async def test_two_first_requests_at_once(world: World) -> None:
    """Of twenty first requests at once from two networks, one network has the sign-in.

    The other never has it.
    """
    ann = await signed_in(world)
    thief = stolen(ann)
    replies = await asyncio.gather(
        *(who.ask("GET", "/records", headers=FETCH, keep=False) for who in (ann, thief) * 10)
    )
    assert {reply.status for reply in replies} == {200, 403}
    assert len({reply.status for reply in replies[::2]}) == len({reply.status for reply in replies[1::2]}) == 1
    assert len(world.kinds("proof.upstream")) == 1
    assert await passes(ann) != await passes(thief)


async def test_pushed_out_by_other_browsers(world: World) -> None:
    """A sign-in whose row was pushed out by more browsers than are kept is over.

    Nobody takes it a second time.
    """
    ann = await signed_in(world)
    assert await passes(ann)
    account = await world.account()
    made = Browser(id="b", handle="h", label="", created_at=START + 1, last_used_at=START + 1)
    crowd = tuple(replace(made, id=f"b{n}", handle=f"h{n}") for n in range(MAX_BROWSERS))
    await put(world, replace(account, browsers=crowd, seen_at=START + 1))
    for who in (stolen(ann), ann):
        assert not await passes(who)
    assert len(world.kinds("proof.upstream")) == 1


async def test_pushed_out_by_size(world: World) -> None:
    """An account that is too large loses the row of a sign-in, and never the memory of it.

    So the sign-in is known as seen.
    """
    ann = await signed_in(world)
    assert await passes(ann)
    account = await world.account()
    label = "x" * (MAX_BYTES // 4)
    made = Browser(id="b", handle="h", label=label, created_at=START + 1, last_used_at=START + 1)
    await put(world, replace(account, browsers=(*account.browsers, *(replace(made, id=f"b{n}") for n in range(4)))))
    world.clock.advance(60)
    assert await passes(await signed_in(world))
    assert not await passes(stolen(ann))
    assert not await passes(ann)


async def test_another_tenant_is_another_account(world: World) -> None:
    """A proof in one tenant is none in another."""
    ann = await signed_in(world)
    assert await passes(ann)
    assert (await world.account("ann", "beta")).logins == ()
    assert (await world.account("ann", "beta")).version == 0


# -- replays -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ahead", [0, 60])
@pytest.mark.parametrize("how", ["lock", "reset", "dispute"])
async def test_ended_sign_ins_stay_ended(world: World, how: str, ahead: int) -> None:
    """A lock, a reset and "this was not me" end a sign-in for good.

    This holds also if the provider's clock is a minute ahead of ours.
    """
    ann = await signed_in(world, at=START + ahead)
    assert await passes(ann)
    key = (await world.account()).key
    moment = world.engine.moment(actor="boss")
    match how:
        case "lock":
            await world.engine.change(key, lambda account: lock(account, moment, reason="lost"))
            await world.engine.change(key, lambda account: unlock(account, moment, reason="found"))
        case "reset":
            await world.engine.change(key, lambda account: reset(account, moment, ticket="T-1", reason="lost"))
        case "dispute":
            await world.engine.change(key, lambda account: dispute(account, moment, about="", kind=""))
    world.clock.advance(120)
    for who in (stolen(ann), ann):
        assert not await passes(who)
    assert len(world.kinds("proof.upstream")) == 1


async def test_clock_steps_back(world: World) -> None:
    """A clock that steps back revives no sign-in that was too old, or ended."""
    world.clock.advance(8 * DAY)
    ann = await signed_in(world)
    assert await passes(ann)
    world.clock.advance(7 * DAY)
    assert not await passes(ann)
    await put(world, replace(await world.account(), seen_at=int(world.clock.now())))
    world.clock.advance(-6 * DAY)
    assert not await passes(ann)


async def test_refused_under_every_cookie(world: World) -> None:
    """A sign-in that was refused as too old stays refused when the clock steps back.

    Another cookie of ours changes nothing. Requirement S-118.
    """
    ann = await signed_in(world)
    assert await passes(ann)
    world.clock.advance(7 * DAY)
    assert not await passes(ann)
    world.clock.advance(-DAY)
    before = ann.cookies.pop(ann.handle, "")
    await ann.page("/mfa/challenge")
    assert ann.cookies[ann.handle] != before
    assert not await passes(ann)


async def test_declined() -> None:
    """A person who declines the agreement has ended the sign-in with it.

    The session starts anew.
    """
    world = make_world(policy=with_rules(lambda rules: replace(trusting(rules), agreement=AGREEMENT)), identify=KEYS)
    ann = await signed_in(world)
    assert (await ann.page("/records")).location == "/mfa/agreement"
    await ann.form("/mfa/agreement", {"action": "decline"})
    assert world.kinds("agreement.declined") != []
    assert (await ann.page("/records")).location == "/mfa/challenge"
    assert (await stolen(ann).page("/records")).location == "/mfa/challenge"


async def test_bound_to_the_session() -> None:
    """A later session with the same sign-in has no proof where proofs end with the session.

    This is the case of a shared computer.
    """
    world = make_world(policy=with_rules(binding), identify=KEYS)
    ann = await signed_in(world, sid="one")
    assert await passes(ann)
    assert not await passes(await signed_in(world, sid="two"))
    assert await passes(ann)
    world.clock.advance(60)
    assert await passes(await signed_in(world, sid="two"))


# -- the same session says something else ------------------------------------------------------------------------------


class Desk:
    """A host that keeps its sessions itself.

    The cookie stays the same. The sign-in behind it does not.
    """

    def __init__(self) -> None:
        self.upstream: Upstream | None = None

    def subject_of(self, scope: Mapping[str, Any]) -> Subject | None:
        """Return Ann with the present sign-in."""
        return Subject("ann", "alpha", session="s1", upstream=self.upstream)

    async def __call__(self, connection: Any) -> Subject | None:
        """Return the same without looking at the connection."""
        return self.subject_of(connection.scope)


async def test_what_was_judged_before() -> None:
    """The memory of a browser ends with its sign-in.

    Another sign-in behind the same cookie is judged anew.
    """
    desk = Desk()
    world = make_world(policy=with_rules(trusting), identify=desk)
    ann = Visitor(world, cookies={"own": "1"})
    desk.upstream = Upstream(amr=("mfa",), auth_time=START)
    assert await passes(ann)
    assert await remembered(world.gate, socket_scope("/records") | {"type": "http", "method": "GET"}) is None
    assert await passes(ann)
    for other in (None, Upstream(amr=("pwd",), auth_time=START), Upstream(amr=("mfa",), auth_time=START - 8 * DAY)):
        desk.upstream = other
        assert not await passes(ann), other
    desk.upstream = Upstream(amr=("mfa",), auth_time=START)
    assert await passes(ann)
    assert not await passes(stolen(ann))


async def test_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    """Grace in an outage is for the sign-in that had passed.

    It is neither for a newer sign-in nor for another network.
    """
    desk = Desk()

    def lenient(rules: Rules) -> Rules:
        made = trusting(rules)
        return replace(made, freshness=replace(made.freshness, outage_grace=Seconds(600)))

    world = make_world(policy=with_rules(lenient), identify=desk)
    ann = Visitor(world, cookies={"own": "1"})
    desk.upstream = Upstream(amr=("mfa",), auth_time=START)
    assert await passes(ann)

    def gone(*_: object, **__: object) -> None:
        raise StoreUnavailable("away")

    for name in ("changed", "load", "swap", "settings"):
        monkeypatch.setattr(world.store, name, gone)
    assert (await ann.page("/records")).status == 200
    assert (await stolen(ann).page("/records")).status == 503
    desk.upstream = Upstream(amr=("mfa",), auth_time=START + 1)
    assert (await ann.page("/records")).status == 503


# -- open connections --------------------------------------------------------------------------------------------------


async def test_websocket(world: World) -> None:
    """A websocket opens with a sign-in at home, and not elsewhere.

    An open websocket ends when the sign-in is forgotten.
    """
    ann = await signed_in(world)
    assert await passes(ann)
    headers = [("cookie", ann.cookie_header()), ("origin", ORIGIN)]
    opened = await call(world.app, socket_scope("/chat", headers=headers))
    assert opened.messages[0]["type"] == "websocket.accept"
    refused = await call(world.app, socket_scope("/chat", headers=headers, address=HOTEL))
    assert refused.status == 403
    session = {"user_id": "ann", "org": "alpha", "groups": [], "sid": "s1", "auth_time": START, "amr": ["mfa"]}
    held = {**socket_scope("/chat", headers=headers), "session": session}
    judged = await world.gate.web.judge_again(held)
    assert judged is not None
    assert judged.decision.why.rule == "proof"
    id = (await ann.api("GET", "browsers")).json()["browsers"][0]["id"]
    assert (await ann.api("DELETE", f"browsers/{id}")).status == 204
    assert judged.entry is not None
    world.engine.notice()
    assert judged.entry.stale
    judged = await world.gate.web.judge_again(held)
    assert judged is not None
    assert judged.decision.why.missing == "no_proof"


# -- what it does not open ---------------------------------------------------------------------------------------------


CALLS: list[tuple[str, str, dict[str, Any] | None]] = [
    ("POST", "enroll", {"factor": "totp"}),
    ("POST", "enroll", {"factor": "email"}),
    ("POST", "enroll", {"factor": "sms", "phone": "+12025550142"}),
    ("POST", "enroll", {"factor": "backup-code"}),
    ("POST", "enroll/skip", {}),
    ("GET", "authenticators", None),
    ("POST", "backup-codes", {}),
    ("GET", "browsers", None),
    ("DELETE", "browsers/BROWSER", None),
    ("PATCH", "authenticators/a1", {"label": "x"}),
    ("DELETE", "authenticators/a1", None),
    ("POST", "recovery", {"about": "let me in"}),
    ("GET", "admin/accounts", None),
]
ACTIONS = ("start", "send", "confirm", "skip", "contact-send", "contact-verify", "ticket", "forget", "remove", "")


@pytest.mark.parametrize("tenant", ["alpha", "optional"])
@pytest.mark.parametrize("first", ["open", "contact", "ticket"])
async def test_a_stolen_session_changes_nothing(tenant: str, first: Any) -> None:
    """A stolen session on another network changes nothing, by page or call.

    A person who has only signed in elsewhere is no newcomer. The stolen session lists, sends and skips nothing, and
    uses up no attempt.
    """

    def rules(rules: Rules) -> Rules:
        return replace(trusting(rules), enrollment=EnrollmentRules(stage=rules.enrollment.stage, first=first))

    world = make_world(policy=with_rules(rules), identify=KEYS)
    ann = await signed_in(world, tenant=tenant, groups=["desk"])
    assert await passes(ann)
    thief = stolen(ann)
    thief.id, thief.tenant = ann.id, ann.tenant
    id = (await ann.api("GET", "browsers")).json()["browsers"][0]["id"]
    before = await world.account("ann", tenant)
    for method, name, body in CALLS:
        reply = await thief.api(method, name.replace("BROWSER", id), body)
        assert reply.status in (403, 404), name
    service = world.gate.service.leave
    await world.gate.web.open()
    visit = await page_request(
        world.gate.web.site,
        {**socket_scope("/mfa", address=HOTEL), "type": "http", "method": "GET"}
        | {"session": {"user_id": "ann", "org": tenant, "sid": "s1", "auth_time": START, "amr": ["mfa"]}},
        Subject("ann", tenant, frozenset(), "s1", Upstream(("mfa",), "", START)),
    )
    for kind in ("email", "sms"):
        sent = await service.send_contact(visit.caller, kind)
        assert getattr(sent, "reason", "") == "proof_required"
        said = await service.verify_contact(visit.caller, kind=kind, response="000000")
        assert said is not None
        assert said.reason == "proof_required"
    for path in ("/mfa", "/mfa/enroll", "/mfa/enroll/totp", "/mfa/enroll/email", "/mfa/backup-codes", "/mfa/admin"):
        assert (await thief.page(path)).status in (303, 403, 404), path
    assert await world.account("ann", tenant) == before
    assert world.email.messages == world.sms.messages == []


async def test_not_while_the_tenant_is_off() -> None:
    """A stolen session sees and changes nothing of the gate's own while a tenant is off."""

    def off(rules: Rules) -> Rules:
        return replace(trusting(rules), enrollment=EnrollmentRules(stage="off", first="open"))

    world = make_world(policy=with_rules(off), identify=KEYS)
    ann = await signed_in(world)
    assert await passes(ann)
    thief = stolen(ann)
    assert await passes(thief)
    assert (await thief.api("POST", "enroll", {"factor": "totp"})).reason == "proof_required"
    assert (await thief.api("GET", "browsers")).reason == "proof_required"
    assert (await thief.page("/mfa")).status == 303
    assert (await ann.api("GET", "browsers")).status == 200


async def test_old_sign_ins_change_nothing(world: World) -> None:
    """At home, too, changes of factors and administration need a sign-in of the last minutes."""
    ann = await signed_in(world, groups=["desk"])
    id = await ann.enroll()
    browser = await signed_in(world, at=START + 1, groups=["desk"])
    assert await passes(browser)
    world.clock.advance(1200)
    session = {"user_id": "bob", "org": "alpha", "sid": "s2"}
    await Visitor(world).ask("POST", "/login", body=json.dumps(session).encode())
    for method, name, body in (
        ("POST", "enroll", {"factor": "email"}),
        ("POST", "backup-codes", {}),
        ("PATCH", f"authenticators/{id}", {"label": "x"}),
        ("DELETE", f"authenticators/{id}", None),
        ("POST", "admin/accounts/bob/lock", {"reason": "x"}),
    ):
        reply = await browser.api(method, name, body)
        assert (reply.status, reply.reason) == (403, "proof_required"), name
    assert (await browser.api("GET", "admin/accounts")).status == 200
    world.clock.advance(60)
    anew = await signed_in(world, groups=["desk"])
    assert (await anew.api("PATCH", f"authenticators/{id}", {"label": "x"})).status == 200


async def test_administrators(world: World) -> None:
    """An administrator acts on a sign-in of the last minutes, at home."""
    boss = await signed_in(world, user_id="boss", groups=["desk"])
    ann = await signed_in(world)
    assert await passes(ann)
    assert (await boss.page("/mfa/admin/accounts/ann")).status == 200
    locks = {"reason": "lost"}
    assert (await stolen(boss).api("POST", "admin/accounts/ann/lock", locks)).reason == "proof_required"
    world.clock.advance(3600)
    assert (await boss.api("POST", "admin/accounts/ann/lock", locks)).reason == "proof_required"
    anew = await signed_in(world, user_id="boss", groups=["desk"])
    assert (await anew.api("POST", "admin/accounts/ann/lock", locks)).status in (200, 204)
    world.clock.advance(60)
    assert not await passes(await signed_in(world))


@pytest.mark.parametrize("address", [HOME, HOTEL])
@pytest.mark.parametrize(
    "place", ["/mfa/confirm", "/mfa/enroll", "/mfa/enroll/totp", "/files/fresh", "/files/strong", "/files/codes"]
)
async def test_no_circle(world: World, place: str, address: str) -> None:
    """A person with only an old sign-in elsewhere is asked to sign in again.

    The sign-in was an hour ago, which is too old for the place, or it was on another network. The pages do not lead
    round in a circle.
    """
    ann = await signed_in(world)
    assert await passes(ann)
    world.clock.advance(3600)
    someone = stolen(ann, address)
    seen = [place]
    reply = await someone.page(place)
    while reply.status == 303 and len(seen) < 6:
        seen.append(reply.location)
        reply = await someone.page(reply.location)
    assert (reply.status, "Sign in again" in reply.text) == (200, True), seen


async def test_grant(world: World) -> None:
    """Under a break-glass grant a stolen session still binds nothing.

    After the grant nothing is left of it.
    """
    ann = await signed_in(world)
    assert await passes(ann)
    account = await world.account()
    granted = Grant(
        ref="G",
        asked_by="a",
        asked_at=START,
        reason="lost",
        ticket="T",
        life=3600,
        epoch=account.epoch,
        confirmed_by="b",
        ends_at=START + 3600,
    )
    await put(world, replace(account, grant=granted))
    elsewhere = stolen(ann)
    assert await passes(elsewhere)
    assert (await elsewhere.api("POST", "enroll", {"factor": "totp"})).reason == "proof_required"
    assert not await passes(elsewhere, "/files/fresh")
    world.clock.advance(3600)
    assert not await passes(elsewhere)
    assert await passes(ann)


async def test_endpoints_that_ask() -> None:
    """``require_proof`` is met by a sign-in that is young enough, on its own network.

    It is never met by one if it names factors.
    """

    async def told(request: Request) -> Response:
        return PlainTextResponse("in")

    routes = [
        Route("/login", log_in, methods=["POST"]),
        Route("/young", require_proof("5m")(told)),
        Route("/strong", require_proof(phishing_resistant=True)(told)),
        Route("/named", require_proof(factors=["totp"])(told)),
    ]
    world = make_world(policy=with_rules(trusting), identify=KEYS, app=Starlette(routes=routes))
    ann = await signed_in(world)
    assert (await ann.page("/young")).status == 200
    assert (await stolen(ann).page("/young")).status == 303
    assert (await ann.page("/strong")).status == 303
    assert (await ann.page("/named")).status == 303
    world.clock.advance(301)
    assert (await ann.page("/young")).location == "/mfa/challenge"
    assert "Sign in again" in (await ann.page("/mfa/challenge")).text


async def test_report_only() -> None:
    """In report-only a stolen session passes, as all do, and binds nothing.

    The refusal that would have come is written down.
    """

    def watching(rules: Rules) -> Rules:
        return replace(trusting(rules), mode="report-only")

    world = make_world(policy=with_rules(watching), identify=KEYS)
    ann = await signed_in(world)
    assert await passes(ann)
    assert await passes(stolen(ann))
    rows = [row for part in await world.gate.service.report.parts("alpha") for row in part.rows]
    assert [row.stop.why for row in rows] == ["verified", "ip_changed"]
    assert len((await world.account()).logins) == 1


async def test_rules_that_ask_for_more(world: World) -> None:
    """It meets the age of a rule, never phishing resistance, never a list of factors."""
    ann = await signed_in(world)
    assert await passes(ann, "/files/fresh")
    assert not await passes(ann, "/files/strong")
    assert not await passes(ann, "/files/codes")
    world.clock.advance(301)
    assert not await passes(ann, "/files/fresh")
    assert await passes(ann)


async def test_no_way_around_a_factor_that_is_not_allowed_any_more(world: World) -> None:
    """A sign-in elsewhere is no way around the enrollment of another factor.

    The person comes with a factor that the policy has dropped, and enrolls another one like anybody.
    """
    first = await signed_in(world)
    assert await passes(first)
    ann = await signed_in(world)
    await ann.enroll()
    plain = await signed_in(world, amr=["pwd"])
    plain.secret = ann.secret
    plain.cookies |= {name: value for name, value in ann.cookies.items() if name.startswith("mfa-")}
    assert await passes(plain)

    def without(rules: Rules) -> Rules:
        made = trusting(rules)
        return replace(made, factors=replace(made.factors, allowed=("email", "backup-code"), order=("email",)))

    world.engine.use_policy(with_rules(without))
    assert (await plain.page("/records")).location == "/mfa/enroll"
    world.clock.advance(30)
    assert await passes(await signed_in(world))


# -- claims that are none ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "told",
    [
        {"auth_time": float("nan")},
        {"auth_time": float("inf")},
        {"auth_time": -1},
        {"auth_time": -1e308},
        {"auth_time": 10**300},
        {"auth_time": 1e308},
        {"auth_time": START + 61},
        {"auth_time": [START]},
        {"auth_time": str(START)},
        {"amr": [["mfa"], {"mfa": 1}, None, 7]},
        {"amr": {"mfa": True}},
        {"amr": [True], "acr": ["mfa"]},
        {"amr": "pwd mfa"},
        {"amr": ["MFA", " mfa", "mfa\x00"]},
        {"amr": None, "acr": ""},
    ],
    ids=str,
)
async def test_no_claims(world: World, told: dict[str, Any]) -> None:
    """Claims that are no time and no word count for nothing.

    The person is asked, nothing fails and nothing is stored.
    """
    ann = await signed_in(world, **told)
    for _ in range(2):
        assert (await ann.page("/records")).location == "/mfa/enroll"
    assert (await ann.api("GET", "state")).json()["state"] == "enroll"
    assert (await world.account()).logins == ()


@pytest.mark.parametrize("at", [10**5000, -(10**5000), 1 << 53], ids=["long", "negative", "first"])
def test_times_that_cannot_be_printed(at: int) -> None:
    """A number of five thousand digits from a host's own claims is no time."""
    assert KEYS.subject_of({"session": {"user_id": "ann", "amr": ["mfa"], "auth_time": at}}) == Subject("ann")


async def test_documents(world: World) -> None:
    """The stored part of a sign-in is read back as it was, without words or session."""
    ann = await signed_in(world, amr=["pwd", "mfa", "secret-word"])
    assert await passes(ann)
    account = await world.account()
    body = encode(account)
    assert decode(account.key, account.version, body) == account
    assert b"secret-word" not in body
    assert b"s1" not in body
