"""The rights of administrators: one table over actors, actions, states and tenants.

It holds by JSON, by page and by command alike.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from mfa_gate.cli import main
from mfa_gate.core.automation import Automation
from mfa_gate.core.model import Account, Attempts, Authenticator, Caller, Grant, Lock, Recovery, Subject, SubjectKey
from mfa_gate.core.reasons import Refusal
from mfa_gate.core.roles import Right
from mfa_gate.service import Actor
from mfa_gate.service.admin.rights import DENIED_PER_HOUR
from tests.harness import POLICY, START, Browser, key, make_world, running, with_rules

ROLES = ("none", "support", "admin", "security")
STATES = ("anonymous", "owes", "stale", "fresh")
TARGETS = ("self", "own", "other", "unknown")
RIGHTS: dict[str, set[str]] = {
    "none": set(),
    "support": {"look"},
    "admin": {"look", "unlock", "reset", "tenant", "audit"},
    "security": {"look", "unlock", "reset", "audit"},
}
"""What the policy gives each role."""
NEEDS = {
    "list": "look",
    "show": "look",
    "unlock": "unlock",
    "lock": "unlock",
    "reset": "reset",
    "ticket": "reset",
    "refuse": "reset",
    "break-glass": "reset",
    "confirm": "reset",
    "revoke": "reset",
    "tenant": "look",
    "set-tenant": "tenant",
    "remind": "tenant",
    "test-message": "tenant",
    "events": "audit",
}
"""Which right each action needs."""
LOOKING = {"list", "show", "tenant", "events"}
ON_TENANT = {"list", "tenant", "set-tenant", "remind", "test-message", "events"}
ON_GRANT = {"break-glass", "confirm", "revoke"}
FACTORS = ["totp", "sms", "email"]


def expected(role: str, state: str, action: str, target: str) -> str:
    """Return the word of the table: ``done``, or the reason of the refusal."""
    if state == "anonymous":
        return "signed_out"
    if not RIGHTS[role]:
        return "not_allowed"
    elsewhere = target == "other" or (target == "unknown" and action in ON_TENANT)
    if elsewhere and role != "security":
        return "not_found"
    if NEEDS[action] not in RIGHTS[role]:
        return "not_allowed"
    if target == "self" and action not in LOOKING:
        return "not_allowed"
    if state == "owes" or (state == "stale" and action not in LOOKING):
        return "proof_required"
    if target == "unknown" and action not in ON_TENANT and action != "ticket":
        return "not_found"
    return "done"


def cells() -> Iterator[tuple[str, str]]:
    """Every action with every target that it can have."""
    for action in NEEDS:
        for target in TARGETS:
            if not (action in ON_TENANT and target == "self"):
                yield action, target


@dataclass(frozen=True, slots=True)
class Got:
    """The outcome of one try: a word of the table, and the reference of the refusal."""

    word: str
    ref: str = ""


def place_of(action: str, target: str, number: int) -> SubjectKey:
    """Return the account or the tenant of a cell."""
    tenant = "beta" if target == "other" else "nowhere" if target == "unknown" and action in ON_TENANT else "alpha"
    return SubjectKey(tenant, {"self": "ann", "unknown": f"nobody{number}"}.get(target, "bob"))


async def by_json(actor: Browser, action: str, target: SubjectKey) -> Got:
    """The try over the JSON calls."""
    tail = f"?tenant={target.tenant}"
    match action:
        case "list":
            reply = await actor.api("GET", f"admin/accounts{tail}")
        case "show":
            reply = await actor.api("GET", f"admin/accounts/{target.id}{tail}")
        case "tenant":
            reply = await actor.api("GET", f"admin/tenant{tail}")
        case "events":
            reply = await actor.api("GET", f"admin/events{tail}")
        case "remind" | "test-message":
            reply = await actor.api("POST", f"admin/tenant/{action}{tail}", {})
        case "break-glass":
            why = {"reason": "phone lost", "ticket": "T-1", "hours": 4}
            reply = await actor.api("POST", f"admin/accounts/{target.id}/break-glass{tail}", why)
        case "confirm":
            reply = await actor.api("POST", f"admin/accounts/{target.id}/break-glass/confirm{tail}", {"ref": "G"})
        case "revoke":
            reply = await actor.api("POST", f"admin/accounts/{target.id}/break-glass/revoke{tail}", {"reason": "found"})
        case "set-tenant":
            body: dict[str, Any] = {"factors": FACTORS, "confirm": target.tenant}
            reply = await actor.api("PATCH", f"admin/tenant{tail}", body)
        case _:
            body = {"reason": "asked in person"} | ({"ticket": "T-1"} if action == "reset" else {})
            reply = await actor.api("POST", f"admin/accounts/{target.id}/{action}{tail}", body)
    if reply.status in (200, 201, 202):
        return Got("done")
    problem = reply.json()
    statuses = {"signed_out": 401, "not_allowed": 403, "proof_required": 403, "not_found": 404}
    assert statuses[problem["reason"]] == reply.status
    return Got(problem["reason"], problem.get("ref", ""))


async def by_page(actor: Browser, action: str, target: SubjectKey, *, token: str) -> Got:
    """The try over the pages."""
    tail = f"?tenant={target.tenant}"
    places = {"list": "accounts", "events": "audit"} | dict.fromkeys(ON_TENANT - {"list", "events"}, "tenant")
    path = f"/mfa/admin/{places.get(action, f'accounts/{target.id}')}{tail}"
    if action in LOOKING:
        reply = await actor.page(path)
    else:
        fields = {"action": action, "reason": "asked in person", "ticket": "T-1", "hours": "4", "ref": "G"}
        if action == "test-message":
            fields = {"action": "trial"}
        if action == "set-tenant":
            fields = {"action": "choose", "factors": " ".join(FACTORS), "confirm": target.tenant}
        reply = await actor.form(path, fields, token=token)
    if reply.status == 303:
        led = {"/login": "signed_out", "/mfa/challenge": "proof_required"}.get(reply.location, "")
        assert led or reply.location.startswith("/mfa/admin/")
        return Got(led or "done")
    return Got({200: "done", 403: "not_allowed", 404: "not_found"}[reply.status])


def person(where: SubjectKey, action: str, version: int, *, at: int = START) -> Account:
    """Make an account on which the action has something to do."""
    own = () if action == "ticket" else (Authenticator(id="a1", factor="totp", label="App", created_at=START),)
    grant = None
    if action in ("confirm", "revoke"):
        grant = Grant(
            ref="G",
            asked_by="first",
            asked_in=where.tenant,
            asked_at=at,
            life=3600,
            epoch=0,
            reason="phone lost",
            ticket="T-1",
        )
    return Account(
        key=where,
        version=version,
        seen_at=START,
        attempts=Attempts(used=0 if action in ON_GRANT else 7),
        lock=None if action in ON_GRANT else Lock(at=START, cause="attempts", ref="R"),
        grant=grant,
        authenticators=own,
        recovery=Recovery(ref="Q", at=START, about="lost it", network="203.0.113.9/32"),
    )


@asynccontextmanager
async def actor_in(role: str, state: str) -> Any:
    """A world with the actor in a state."""
    admin_stage = with_rules(
        lambda rules: replace(
            rules,
            factors=replace(rules.factors, choice="tenant"),
            enrollment=replace(rules.enrollment, stage="admin", checklist="advice"),
        )
    )
    async with running(make_world(policy=admin_stage)) as world:
        groups = [] if role == "none" else [role]
        actor = Browser(world)
        if state != "anonymous":
            actor = await world.enrolled(groups=groups)
        if state == "owes":
            actor = await world.browser(groups=groups)
        if state == "stale":
            world.clock.advance(301)
        yield world, actor


@pytest.mark.parametrize("way", ["json", "page"])
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("role", ROLES)
async def test_only_the_allowed_cells_succeed(role: str, state: str, way: str) -> None:
    """An action that is not allowed is refused and changes nothing.

    S-36, S-121. It stands in the trail with its reference.
    """
    wrong: list[str] = []
    async with actor_in(role, state) as (world, actor):
        token = "x" if state == "anonymous" else await actor.token("/mfa/enroll/email")
        for number, (action, target) in enumerate(cells()):
            where = place_of(action, target, number)
            if target in ("own", "other") and action not in ON_TENANT:
                version = (await world.store.load(where)).version
                assert await world.store.swap(person(where, action, version))
            before = await world.store.load(where)
            told = len(world.kinds("admin.denied"))
            got = await (by_json(actor, action, where) if way == "json" else by_page(actor, action, where, token=token))
            want = expected(role, state, action, target)
            name = f"{action} {target}: {got.word}, not {want}"
            if got.word != want:
                wrong.append(name)
            after = await world.store.load(where)
            if action not in ON_TENANT | LOOKING and (after != before) != (want == "done"):
                wrong.append(f"{name} (what became of the account)")
            denied = world.kinds("admin.denied")[told:]
            if len(denied) != int(want == "not_allowed"):
                wrong.append(f"{name} (told {len(denied)} times)")
            elif denied and ((got.ref and got.ref != denied[0].id) or denied[0].actor != "ann"):
                wrong.append(f"{name} (not by its reference)")
    assert not wrong, "\n".join(wrong)


async def test_a_link_to_another_tenant_never_acts_in_the_own() -> None:
    """S-121: bob of another tenant is not there, even where the own tenant has a bob as well."""
    async with actor_in("admin", "fresh") as (world, actor):
        mine, theirs = SubjectKey("alpha", "bob"), SubjectKey("beta", "bob")
        for where in (mine, theirs):
            assert await world.store.swap(person(where, "unlock", 0))
        token = await actor.token("/mfa")
        reply = await actor.form(
            "/mfa/admin/accounts/bob?tenant=beta", {"action": "unlock", "reason": "x"}, token=token
        )
        assert reply.status == 404
        for where in (mine, theirs):
            assert (await world.store.load(where)).lock is not None


async def test_refusals_cannot_fill_the_trail() -> None:
    """The trail keeps only a bounded number of refusals of one actor an hour.

    S-121. Further ones go to the log and the hook only. Those of another actor still stand in it.
    """
    async with actor_in("none", "fresh") as (world, actor):
        for _ in range(DENIED_PER_HOUR + 5):
            assert (await actor.api("GET", "admin/accounts")).status == 403
        assert len(world.kinds("admin.denied")) == DENIED_PER_HOUR + 5
        kept = await world.store.events("alpha", kind="admin.denied", limit=DENIED_PER_HOUR + 50)
        assert len(kept.items) == DENIED_PER_HOUR
        other = await world.enrolled("zoe")
        assert (await other.api("GET", "admin/accounts")).status == 403
        (last,) = (await world.store.events("alpha", kind="admin.denied", limit=1)).items
        assert last.actor == "zoe"


@pytest.mark.parametrize(
    "action", ["list", "show", "unlock", "lock", "reset", "ticket", "break-glass", "confirm", "revoke"]
)
@pytest.mark.parametrize("target", ["own", "other", "unknown"])
async def test_the_operator(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, action: str, target: str
) -> None:
    """An operator with the key and the store in hand needs no right.

    Every change says that an operator made it. An unknown account is reported as not found.
    """
    (tmp_path / "keys").write_text(key(1))
    (tmp_path / "policy.toml").write_text('version = 1\nname = "tests"\n')
    monkeypatch.setenv("MFA_GATE_STORE", f"sqlite:///{tmp_path}/mfa.db")
    monkeypatch.setenv("MFA_GATE_KEYS_FILE", str(tmp_path / "keys"))
    monkeypatch.setenv("MFA_GATE_POLICY", str(tmp_path / "policy.toml"))
    where = place_of(action, target, 0)
    async with running(make_world(store=f"sqlite:///{tmp_path}/mfa.db")) as world:
        if target != "unknown":
            assert await world.store.swap(person(where, action, 0, at=int(time.time())))
        words = {"break-glass": ["break-glass", "ask"]}.get(action, [action])
        words = ["break-glass", action] if action in ("confirm", "revoke") else words
        command = ["accounts", *words, *([] if action == "list" else [where.id]), "--tenant", where.tenant, "--json"]
        if action not in LOOKING:
            command += ["--actor", "eve"]
        if action not in LOOKING | {"confirm"}:
            command += ["--reason", "asked in person"]
        if action == "confirm":
            found = await world.store.load(where)
            command += ["--ref", found.grant.ref if found.grant else "none"]
        if action in ("reset", "break-glass"):
            command += ["--ticket", "T-1"]
        code = await asyncio.to_thread(main, command)
        told = json.loads(capsys.readouterr().out)
        done = target != "unknown" or action in ("list", "ticket")
        assert (code, told.get("reason")) == ((0, None) if done else (1, "not_found"))
        trail = (await world.store.events(where.tenant)).items
        assert {event.actor for event in trail} == ({"operator:eve"} if done and action not in LOOKING else set())


def test_the_table_is_the_policys() -> None:
    """The rights of this table are those of the policy under test."""
    roles = POLICY.base.roles
    for role, rights in RIGHTS.items():
        assert {right for right in NEEDS.values() if role in getattr(roles, right)} == rights


def human(*groups: str, tenant: str = "alpha") -> Actor:
    """Make an administrator of a tenant."""
    subject = Subject("boss", tenant, frozenset(groups))
    return Actor(name="boss", caller=Caller(subject=subject, handle="h", network="192.0.2.1"))


def program(*rights: Right, everywhere: bool = False) -> Actor:
    """Make a program with a token of the tenant alpha."""
    token = Automation(
        id="T",
        name="hr",
        tenant="alpha",
        rights=rights,
        everywhere=everywhere,
        digest="",
        created_at=1,
        created_by="x",
        expires_at=9,
    )
    return Actor(name="token:hr", token=token, network_now="192.0.2.9")


OPERATOR = Actor(name="operator:eve")
HOLDS: list[tuple[Actor, Right, str, bool]] = [
    (OPERATOR, "reset", "alpha", True),
    (human("support"), "look", "alpha", True),
    (human("support"), "look", "beta", False),
    (human("support"), "reset", "alpha", False),
    (human("security"), "reset", "beta", True),
    (human("security"), "tenant", "beta", False),
    (human("nurse"), "look", "alpha", False),
    (program("look"), "look", "alpha", True),
    (program("look"), "look", "beta", False),
    (program("look"), "reset", "alpha", False),
    (program("look", everywhere=True), "look", "beta", True),
    (program("look", everywhere=True), "reset", "beta", False),
]


async def test_a_right_holds_where_it_reaches() -> None:
    """Neither the right elsewhere nor the reach without the right is enough."""
    async with running(make_world()) as world:
        rights = world.gate.service.rights
        assert [rights.has(actor, right, tenant) for actor, right, tenant, _ in HOLDS] == [one[3] for one in HOLDS]


def test_the_operator_has_neither_a_session_nor_a_token() -> None:
    """Each actor is one of three: operator, person, program."""
    assert [actor.is_operator for actor in (OPERATOR, human("security"), program("look"))] == [True, False, False]
    assert [actor.tenant for actor in (OPERATOR, human("security"), program("look"))] == ["", "alpha", "alpha"]
    assert [actor.network for actor in (OPERATOR, human(), program())] == ["", "192.0.2.1", "192.0.2.9"]


async def test_a_refusal_stands_in_the_actors_own_trail() -> None:
    """Nothing about one tenant is written into the trail of another (S-121)."""
    async with running(make_world()) as world:
        no, near, far = Refusal(reason="not_allowed"), SubjectKey("alpha", "ann"), SubjectKey("beta", "ann")
        for actor, target in (
            (human(), near),
            (human(), far),
            (human(), SubjectKey("alpha", "a\tb")),
            (OPERATOR, far),
        ):
            assert (await world.gate.service.rights.deny(actor, target, no)).ref
        found = [(event.tenant, event.account) for event in world.kinds("admin.denied")]
        assert found == [("alpha", "ann"), ("alpha", ""), ("alpha", ""), ("beta", "ann")]


async def test_one_tenant_is_named_for_a_mistyped_one() -> None:
    """The nearest name is told, and no other."""
    async with running(
        make_world(policy=replace(POLICY, tenants=dict.fromkeys(("alpha", "alphb"), POLICY.base)))
    ) as world:
        refused = await world.gate.service.rights.misnamed(OPERATOR, "alphaa")
        assert refused is not None
        assert refused.detail.endswith(' Did you mean "alpha"?')
        assert "alphb" not in refused.detail
        for known in ("alpha", "alphb"):
            assert await world.gate.service.rights.misnamed(OPERATOR, known) is None
        assert await world.gate.service.rights.misnamed(human(tenant="gamma"), "gamma") is None
