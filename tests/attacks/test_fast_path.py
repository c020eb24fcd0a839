"""The fast path answers as a gate without any cache does.

Two gates over one store take random steps and show no difference.
"""

from __future__ import annotations

import copy
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import pytest

from mfa_gate import MFAGateMiddleware, Subject
from mfa_gate.core import changes
from mfa_gate.core.changes.bounds import tidy
from mfa_gate.core.changes.proof import grant
from mfa_gate.core.decision import Enroll, Why
from mfa_gate.core.entropy import handle_digest
from mfa_gate.core.model import Account, Authenticator, Caller, Seconds
from mfa_gate.core.networks import network_of
from mfa_gate.core.rules import (
    Exemption,
    PathRule,
    Policy,
    Rules,
    StepUpRule,
    SubjectExemption,
    TenantSettings,
    plain_path,
)
from mfa_gate.service import Actor
from mfa_gate.service.access import Pass
from mfa_gate.stores.memory import MemoryStore
from mfa_gate.web.path_rules import PathRules
from mfa_gate.web.scope import app_path
from tests.harness import (
    FETCH,
    HOME,
    PAGE,
    POLICY,
    RULES,
    START,
    App,
    FixedClock,
    Reply,
    World,
    call,
    http_scope,
    make_world,
)
from tests.web.lasting import remembered

DAY = 86_400
OPERATOR = Actor(name="operator:test")
SKIPPABLE = Enroll(why=Why(rule="enrollment"), skippable=True)
TOTP = Authenticator(id="a1", factor="totp", label="App", created_at=START)
PEOPLE = (
    ("ann", "alpha"),
    ("bob", "optional"),
    ("cid", "admin"),
    ("dora", "alpha"),
    ("eve", "strict"),
    ("fay", "soon"),
)
GROUPS: dict[str, list[str]] = {"dora": ["robots"], "eve": ["staff"]}
PATHS = (
    "/records",
    "/records/",
    "/Records",
    "//records",
    "/records/7",
    "/",
    "/export",
    "/export/",
    "/export//",
    "/Export",
    "/EXPORT/",
    "/export;x",
    "/export%2f",
    "/./export",
    "/reports",
    "/reports/a",
    "/REPORTS/x",
    "/reports/../x",
    "/open/door",
    "/open/",
    "/open",
    "/Open/door",
    "/open//door",
    "/open/../records",
    "/public",
    "/public/",
    "/Public",
    "/brief",
    "/brief/",
    "/logout",
    "/logout/",
    "/Logout",
    "/mfa",
    "/mfagic",
    "/MFA/x",
    "/mfa/api/state",
    "/off/x",
)
METHODS = ("POST", "HEAD", "get", "DELETE", "OPTIONS", "PROPFIND")
KINDS: tuple[Any, ...] = (PAGE, FETCH, (("authorization", "Bearer x"),), (("hx-request", "true"),), ())
ADDRESSES = (HOME, "198.51.100.9", f"::ffff:{HOME}", f"64:ff9b::{HOME}", "2001:db8::1", "unknown", None)


def _paths(*texts: str) -> tuple[PathRule, ...]:
    return tuple(PathRule(text=text) for text in texts)


def _rules(rules: Rules, number: int) -> Rules:
    """One of several sets of rules."""
    free = Exemption(name="free", paths=_paths("=/public", "/open/**"), reason="tests")
    brief = Exemption(name="brief", paths=_paths("=/brief"), reason="tests", expires_at=START + 5 * DAY)
    fresh = StepUpRule(name="export", paths=_paths("=/export"), max_age=Seconds(300))
    strong = StepUpRule(name="reports", paths=_paths("/reports/**"), methods=("GET",), factors_any=("webauthn",))
    watched = replace(fresh, name="watched", paths=_paths("/records/**"), report_only=True)
    robots = SubjectExemption(name="robots", groups_any=("robots",), reason="tests", expires_at=START + 6 * DAY)
    factors = replace(rules.factors, allowed=(*rules.factors.allowed, "webauthn"))
    made = replace(rules, factors=factors, exempt=(free, brief), step_up=(fresh, strong), exempt_subjects=(robots,))
    match number:
        case 1:
            return replace(made, step_up=(), exempt_subjects=(), freshness=replace(made.freshness, remember="session"))
        case 2:
            freshness = replace(made.freshness, renew_early=Seconds(DAY), max_age=Seconds(2 * DAY))
            return replace(made, step_up=(fresh, watched), freshness=freshness)
        case 3:
            compare = replace(made.freshness.ip_change, compare=replace(made.freshness.ip_change.compare, v4=24, v6=48))
            return replace(made, exempt=(free,), freshness=replace(made.freshness, ip_change=compare))
        case _:
            return made


def policy_of(number: int) -> Policy:
    """Tenants at every stage, under one set of rules."""
    rules = _rules(RULES, number)
    soon = replace(rules.enrollment, stage="optional", optional_from=START, required_from=START + 3 * DAY)
    tenants = {
        "alpha": rules,
        "optional": replace(rules, enrollment=replace(rules.enrollment, stage="optional")),
        "admin": replace(rules, enrollment=replace(rules.enrollment, stage="admin")),
        "strict": replace(rules, attempts=replace(rules.attempts, lock_ends_sessions=True)),
        "soon": replace(rules, enrollment=soon),
    }
    return replace(POLICY, digest=f"{number}" * 64, base=rules, tenants=tenants)


@dataclass(slots=True)
class Held:
    """A browser or client: its host's session, and the handle that it holds."""

    session: dict[str, Any]
    handle: str = ""
    native: bool = False


@dataclass(slots=True)
class Pair:
    """Two gates: one as it is, and one that remembers nothing.

    Changes are made through a third gate, as by another worker.
    """

    random: Random
    clock: FixedClock = field(default_factory=FixedClock)
    held: list[Held] = field(default_factory=list)
    counted: Counter[str] = field(default_factory=Counter)
    worlds: list[World] = field(init=False)

    def __post_init__(self) -> None:
        store = MemoryStore()
        self.worlds = [
            make_world(policy=policy_of(0), store=part, clock=self.clock)
            for part in (store, store.another(), store.another())
        ]

    # -- asking ----------------------------------------------------------------------------------------------------

    async def ask(self, scope: dict[str, Any]) -> tuple[Any, Any]:
        """Ask both gates, in random order, and return both answers.

        A sign-out is asked of one gate: the other would find its sign-in ended.
        """
        quick = MFAGateMiddleware(host, gate=self.worlds[0].gate)
        asked: list[tuple[int, App]] = [(0, quick), (1, self.slow)]
        if self.random.random() < 0.5:
            asked.reverse()
        if plain_path(scope["path"]).endswith("/logout"):
            self.counted["left"] += 1
            answer = told(await call(asked[0][1], copy.deepcopy(scope)))
            return answer, answer
        found = {place: told(await call(app, copy.deepcopy(scope))) for place, app in asked}
        return found[0], found[1]

    async def slow(self, scope: Any, receive: Any, send: Any) -> None:
        """The gate without its shortcut and without anything that it could remember."""
        gate = self.worlds[1].gate.web
        gate.service.engine.forget_all()
        gate.service.access._passes.clear()
        gate.latest_path_rules = PathRules(gate.service.engine.policy, prefix="/mfa", sign_out=gate.site.sign_out)
        gate.site.cookies._jars.clear()
        gate.callers.opened.clear()
        network_of.cache_clear()
        connection = await gate.judge(scope, receive, send)
        if connection is not None:
            await host(scope, connection.receive, connection.send)
            if connection.afterwards is not None:
                await connection.afterwards()

    def odd(self, usual: Any, others: Sequence[Any]) -> Any:
        """Most often the usual value."""
        return usual if self.random.random() < 0.85 else self.random.choice(others)

    def scope(self) -> dict[str, Any]:
        """Make a request for an ordinary page from a browser at home.

        Now and then it has something odd in it.
        """
        held = max(self.random.choices(self.held, k=3), key=lambda one: bool(one.handle))
        path, root = self.odd("/records", PATHS), self.odd("", ("/sub", "/sub/"))
        headers = [*self.odd(FETCH, KINDS), *self.cookies(held)]
        whole = root + path if self.random.random() < 0.9 else path
        method, address = self.odd("GET", METHODS), self.odd(HOME, ADDRESSES)
        scope = http_scope(method, whole, headers=headers, address=address, root_path=root)
        if self.random.random() < 0.02:
            scope["path"] = ""
        scope["session"] = dict(held.session) if self.random.random() < 0.97 else {}
        return scope

    def again(self, scope: dict[str, Any]) -> dict[str, Any]:
        """The request of a moment ago, as it was or with one thing changed."""
        if self.random.random() < 0.8:
            return scope
        other = self.scope()
        part = self.random.choice(("path", "headers", "client", "session", "method"))
        return {**scope, part: other[part]}

    def cookies(self, held: Held) -> list[tuple[str, str]]:
        """The cookies in one of the forms that they may come in, honest or not."""
        cookies = self.worlds[0].gate.web.site.cookies
        other = self.random.choice(self.held) if self.random.random() < 0.05 else held
        subject = Subject(other.session["user_id"], other.session["org"])
        jar = cookies.jar(subject.key, {"scheme": "http"})
        if held.native:
            return [("mfa-proof", cookies.seal_token(jar, other.handle))] if other.handle else []
        name = jar.handle.decode()
        value = cookies.seal(jar, other.handle) if other.handle else "junk.junk"
        pairs = ["theme=dark", f"{name}={value}", "session=abc"]
        match self.random.randrange(24):
            case 0:
                return [("cookie", pair) for pair in pairs]
            case 1:
                return [("cookie", "; ".join(pairs[:2])), ("cookie", pairs[2])]
            case 2:
                return [("cookie", "; ".join([*pairs, pairs[1]]))]
            case 3:
                return [("cookie", "; ".join(pairs)), ("cookie", pairs[1])]
            case 4:
                return [("cookie", "; ".join(pairs) + "x")]
            case 5:
                return [("cookie", f"{name}={cookies.seal_token(jar, other.handle or 'x')}")]
            case 6:
                return []
            case _:
                return [("cookie", "; ".join(pairs))]

    # -- what happens meanwhile ------------------------------------------------------------------------------------

    async def happen(self) -> None:
        """Let one event happen that changes the right to pass."""
        things = (
            self.sign_in,
            self.prove,
            self.prove,
            self.prove,
            self.end,
            self.desk,
            self.tick,
            self.tick,
            self.rule,
        )
        thing = self.random.choice(things)
        self.counted[thing.__name__] += 1
        await thing()

    async def sign_in(self) -> None:
        """Somebody signs in with the password, in a session that has a name or none."""
        id, tenant = self.random.choice(PEOPLE)
        sid = self.random.choice((None, f"s{self.random.randrange(1000)}"))
        session = {"user_id": id, "org": tenant, "groups": GROUPS.get(id, []), "sid": sid}
        self.held.append(Held(session=session, native=self.random.random() < 0.15))
        if len(self.held) > 12:
            self.held.pop(self.random.randrange(len(self.held)))

    async def prove(self) -> None:
        """Somebody proves a second factor, or puts it off."""
        held, engine = self.random.choice(self.held), self.worlds[2].engine
        subject = Subject(**_subject(held))
        rules = engine.rules(subject.tenant)
        address = self.odd(HOME, ADDRESSES[:5])
        kind = "client" if held.native else "browser"
        old = Caller(subject=subject, handle=handle_digest(held.handle), network=rules.network_of(address), kind=kind)
        handle, remember = self.random.randbytes(12).hex(), self.random.random() < 0.6
        moment = engine.moment(network=old.network)

        def step(account: Account) -> changes.Change[Any]:
            if subject.tenant in ("optional", "soon") and not account.authenticators and remember:
                skipped = replace(old, handle=handle_digest(handle))
                return changes.skip(account, moment, skipped, decision=SKIPPABLE)
            if account.lock is not None:
                return changes.keep(account, None)
            with_factor = replace(account, authenticators=account.authenticators or (TOTP,))
            done, _, events = grant(
                with_factor,
                moment,
                rules,
                old,
                authenticator=with_factor.authenticators[0],
                user_verified=False,
                phishing_resistant=False,
                remember=remember,
                new_handle=handle_digest(handle),
                answer=handle,
            )
            return changes.Change(account=tidy(done, max(moment.now, account.seen_at)), events=events, answer=None)

        await engine.change(subject.key, step)
        held.handle = handle

    async def end(self) -> None:
        """Something that was proven ends."""
        held, engine = self.random.choice(self.held), self.worlds[2].engine
        subject = Subject(**_subject(held))
        moment = engine.moment()
        caller = Caller(subject=subject, handle=handle_digest(held.handle), network="")
        account = await engine.store.load(subject.key)
        match self.random.randrange(3):
            case 0 if account.browsers:
                id = self.random.choice(account.browsers).id
                await engine.change(subject.key, lambda a: changes.forget_browsers(a, moment, ids=(id,)))
            case 1:
                await engine.change(subject.key, lambda a: changes.end_sign_in(a, moment, caller))
            case _:
                await engine.change(subject.key, lambda a: changes.decline_agreement(a, moment, caller))

    async def desk(self) -> None:
        """Let an administrator act."""
        held, service = self.random.choice(self.held), self.worlds[2].gate.service
        key = Subject(**_subject(held)).key
        match self.random.randrange(8):
            case 0:
                await service.account_desk.act(OPERATOR, "lock", key, reason="x")
            case 1:
                await service.account_desk.act(OPERATOR, "reset", key, ticket="T", reason="x")
            case 2:
                known = await service.engine.store.settings("admin")
                chosen = TenantSettings(tenant="admin", version=known.version, enabled_at=0 if known.enabled_at else 1)
                assert await service.engine.store.swap_settings(chosen)
            case _:
                await service.account_desk.act(OPERATOR, "unlock", key, reason="x")

    async def tick(self) -> None:
        """Time passes, or a clock is set back a little."""
        steps = (1, 1, 5, 5, 29, 31, 200, 301, 3600, 13 * 3600, DAY, -3, -40)
        self.clock.advance(self.random.choice(steps))
        if self.clock.at > START + 12 * DAY:
            self.clock.at = START + 12 * DAY

    async def rule(self) -> None:
        """Another policy is in force."""
        policy = policy_of(self.random.randrange(4))
        for world in self.worlds:
            world.engine.use_policy(policy)


def _subject(held: Held) -> dict[str, Any]:
    session = held.session
    groups = frozenset(session["groups"])
    return {"id": session["user_id"], "tenant": session["org"], "groups": groups, "session": session["sid"] or ""}


SEALED = re.compile(r"/~[^/\"]+")
"""The segment of an address that carries the note of a refused request."""


async def host(scope: Any, receive: Any, send: Any) -> None:
    """The app: says that it was reached; its sign-out empties the session."""
    if scope["path"].rstrip("/").lower().endswith("/logout"):
        scope["session"].clear()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"reached"})


def told(reply: Reply) -> Any:
    """Return an answer without the parts that are drawn anew for each.

    These are cookies, references and sealed notes.
    """
    document: Any = ""
    if reply.body and "json" in reply.header("content-type"):
        text = SEALED.sub("/~", reply.body.decode())
        document = {name: value for name, value in json.loads(text).items() if name != "ref"}
    names = ("location", "hx-redirect", "www-authenticate")
    return reply.status, reply.body == b"reached", [SEALED.sub("/~", reply.header(name)) for name in names], document


async def compare(seed: int, steps: int) -> Pair:
    """Run ``steps`` steps on a pair of gates, and return the pair.

    Raises with the first request that the two gates answer differently.
    """
    pair = Pair(random=Random(seed))
    for world in pair.worlds:
        await world.gate.web.open()
    for _ in range(6):
        await pair.sign_in()
    gate = pair.worlds[0].gate.web
    scope: dict[str, Any] = {}
    for number in range(steps):
        if pair.random.random() < 0.2:
            await pair.happen()
        scope = pair.scope() if not scope or pair.random.random() < 0.3 else pair.again(scope)
        kept = isinstance(await remembered(pair.worlds[0].gate, copy.deepcopy(scope)), Pass)
        kept = kept and gate.path_rules.way_of(scope, app_path(scope)) == "guarded"
        quick, slow = await pair.ask(scope)
        assert quick == slow, (seed, number, scope)
        pair.counted["reached" if quick[1] else "refused"] += 1
        pair.counted["remembered"] += kept and bool(scope["session"])
    for world in pair.worlds:
        await world.engine.effects.idle()
    return pair


def check(pair: Pair, steps: int) -> None:
    """The steps were worth it: each outcome often, and often by the shortcut."""
    assert pair.counted["remembered"] > steps // 25
    assert pair.counted["reached"] > steps // 10
    assert pair.counted["refused"] > steps // 10


@pytest.mark.parametrize("seed", [2, 4])
async def test_the_fast_path_changes_no_answer(seed: int) -> None:
    """A share of the steps, in every run."""
    check(await compare(seed, 700), 700)


@pytest.mark.long
async def test_the_fast_path_changes_no_answer_in_many_steps() -> None:
    """The fast path changes no answer in twenty thousand steps."""
    check(await compare(3, 20_000), 20_000)
