"""Every change that a page or a call of the gate can make, and the state that it needs.

All of them are told honestly: as our own pages would send them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from mfa_gate.core.model import Seconds, SubjectKey
from mfa_gate.core.rules import DAY, EnrollmentRules, Policy
from mfa_gate.policyfile import parse_policy
from mfa_gate.service import Actor, Done
from mfa_gate.service.waiting_policies import WaitingPolicy
from mfa_gate.stores.memory import MemoryStore
from mfa_gate.web import pages
from mfa_gate.web.api import table as api
from tests.harness import FETCH, FORM, JSON, ORIGIN, PAGE, POLICY, RULES, Browser, Headers, Reply, World, make_world

Setup = Callable[[World], Awaitable["Stage"]]


@dataclass
class Stage:
    """The browser that acts, and the names of the objects that it acts on."""

    browser: Browser
    names: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Deed:
    """One request that changes something.

    ``{name}`` in path, fields and body is filled in from the stage.
    """

    name: str
    stage: Setup
    path: str
    method: str = "POST"
    fields: dict[str, str] | None = None
    body: dict[str, Any] | None = None

    @property
    def is_form(self) -> bool:
        """Tell a page's form (true) from a call of the JSON API (false)."""
        return self.fields is not None

    def path_for(self, stage: Stage) -> str:
        """Return the address of the deed."""
        return "/mfa" + self.path.format(**stage.names)

    def fields_for(self, stage: Stage) -> dict[str, str]:
        """The form's fields without the token."""
        return {key: value.format(**stage.names) for key, value in (self.fields or {}).items()}

    def body_for(self, stage: Stage) -> dict[str, Any]:
        """Return the JSON body of the deed."""
        names = stage.names
        return {key: v.format(**names) if isinstance(v, str) else v for key, v in (self.body or {}).items()}

    async def done(self, stage: Stage, **more: Any) -> Reply:
        """The request as our own page makes it."""
        if self.is_form:
            return await stage.browser.form(self.path_for(stage), self.fields_for(stage), **more)
        body = None if self.method == "DELETE" else self.body_for(stage)
        return await stage.browser.api(self.method, self.path_for(stage).removeprefix("/mfa/api/"), body, **more)


DESK = replace(
    RULES,
    enrollment=EnrollmentRules(stage="admin", first="open", checklist="advice"),
    factors=replace(RULES.factors, choice="tenant"),
)
DEEDS_POLICY: Policy = replace(
    POLICY,
    tenants={
        **POLICY.tenants,
        "desk": DESK,
        "contact": replace(RULES, enrollment=EnrollmentRules(first="contact")),
        "ticket": replace(RULES, enrollment=EnrollmentRules(first="ticket")),
        "slow": replace(RULES, recovery=replace(RULES.recovery, self_service=Seconds(DAY))),
    },
)


def deeds_world() -> World:
    """A world in which every deed is possible."""
    return make_world(policy=DEEDS_POLICY)


async def settled(world: World) -> Stage:
    """A person with one of everything, who has just proven it."""
    ann = await world.enrolled()
    email = await ann.enroll_email()
    world.clock.advance(60)
    other = await world.browser()
    await other.prove(ann.secret)
    begun = (await ann.api("POST", "enroll", {"factor": "sms", "phone": "+12025550142"})).json()
    account = await world.account()
    gone = next(b.id for b in account.browsers if b.label == account.browsers[0].label and b is account.browsers[-1])
    names = {
        "totp": await ann.authenticator("totp"),
        "email": email,
        "browser": gone,
        "draft": begun["enrollment"],
        "sms_code": world.sms.codes[-1],
    }
    ann.backup = []
    world.clock.advance(31)
    return Stage(ann, names)


async def pending(world: World) -> Stage:
    """A person who owes the second factor, with a code on the way."""
    ann = await world.enrolled()
    email = await ann.enroll_email()
    world.clock.advance(60)
    browser = await world.browser()
    browser.secret = ann.secret
    await browser.page("/mfa/challenge", headers=(("accept", "text/html"),))
    await browser.api("POST", "challenge", {"authenticator": email})
    world.clock.advance(60)
    names = {"totp": await ann.authenticator("totp"), "email": email, "code": world.email.codes[-1]}
    return Stage(browser, {**names, "totp_code": browser.totp()})


async def newcomer(world: World, tenant: str = "alpha") -> Stage:
    """A person without a factor, with a draft under way."""
    browser = await world.browser("new", tenant)
    begun = await browser.api("POST", "enroll", {"factor": "totp"})
    if begun.status != 201:
        return Stage(browser)
    browser.secret = begun.json()["secret"]
    return Stage(browser, {"draft": begun.json()["enrollment"], "code": browser.totp()})


async def optional(world: World) -> Stage:
    """A person who may put the enrollment off."""
    return await newcomer(world, "optional")


async def contact(world: World) -> Stage:
    """Somebody whose contact on file comes first."""
    stage = await newcomer(world, "contact")
    await stage.browser.form("/mfa/enroll", {"action": "contact-send", "kind": "email"})
    world.clock.advance(60)
    return Stage(stage.browser, {"code": world.email.codes[-1]})


async def ticket(world: World) -> Stage:
    """A person who holds an enrollment ticket."""
    boss = await world.enrolled("boss", "ticket2", groups=["admin"])
    boss.tenant = "ticket"
    browser = await world.browser("new", "ticket")
    await browser.page("/mfa/enroll")
    made = await world.gate.service.account_desk.act(
        Actor(name="operator:test"), "ticket", SubjectKey("ticket", "new"), reason="lost phone"
    )
    assert isinstance(made, Done)
    return Stage(browser, {"ticket": made.ticket})


async def terms(world: World) -> Stage:
    """A person who has still to accept the agreement."""
    return Stage(await world.enrolled("ann", "terms"))


async def boss(world: World) -> Stage:
    """An administrator who has just proven it, with Bob, who asked for help."""
    await world.enrolled("bob")
    bob = await world.browser("bob")
    await bob.api("POST", "recovery", {"about": "lost my phone"})
    return Stage(await world.enrolled("boss", groups=["admin"]))


async def second_boss(world: World) -> Stage:
    """An administrator who has just proven it; another one has asked for a grant for Bob."""
    await world.enrolled("bob")
    asked = await world.gate.service.account_desk.act(
        Actor(name="operator:first"),
        "break-glass",
        SubjectKey("alpha", "bob"),
        reason="phone lost",
        ticket="T-1",
        hours=4,
    )
    assert isinstance(asked, Done)
    grant = (await world.account("bob")).grant
    assert grant is not None
    return Stage(await world.enrolled("boss", groups=["admin"]), {"grant": grant.ref})


async def asked_boss(world: World) -> Stage:
    """A privileged administrator, after another one has asked to reset Bob.

    Bob holds rights himself.
    """
    await world.enrolled("bob", groups=["support"])
    sam = await world.enrolled("sam", groups=["admin", "security"])
    asked = await sam.api("POST", "admin/accounts/bob/reset", {"reason": "phone lost", "ticket": "T-1"})
    assert asked.status == 202
    return Stage(await world.enrolled("boss", groups=["admin", "security"]), {"asked": asked.json()["asked"]["ref"]})


async def boss_with_parts(world: World) -> Stage:
    """The same administrator as ``boss``, and the ids of Bob's browser and authenticator."""
    stage = await boss(world)
    bob = await world.account("bob")
    return Stage(stage.browser, {"browser": bob.browsers[0].id, "authenticator": bob.authenticators[0].id})


async def boss_of_a_locked(world: World) -> Stage:
    """The same administrator; Bob is locked."""
    stage = await boss(world)
    bob = await world.browser("bob")
    await bob.lock()
    return stage


async def desk(world: World) -> Stage:
    """An administrator of a tenant that is off."""
    return Stage(await world.enrolled("boss", "desk", groups=["admin"]))


async def privileged_desk(world: World) -> Stage:
    """The same, who may act on people with rights as well."""
    return Stage(await world.enrolled("boss", "desk", groups=["admin", "security"]))


async def waited(world: World) -> Stage:
    """A person whose wait for a new set-up is over."""
    await (await world.enrolled("ann", "slow")).enroll_email()
    browser = await world.browser("ann", "slow")
    assert (await browser.api("POST", "recovery", {"about": "lost my phone"})).status < 300
    world.clock.advance(DAY + 60)
    await world.gate.service.slow_recovery.keep()
    return Stage(browser)


async def chief(world: World) -> Stage:
    """An administrator of every tenant, while a looser policy waits."""
    policy = parse_policy('version = 1\nname = "looser"\n', base=Path())
    waiting = WaitingPolicy(
        app=world.engine.wiring.app, name=policy.name, digest=policy.digest, since=0, needed=1, changes=()
    )
    await world.gate.service.policy_life.waiting.note(waiting, policy)
    return Stage(await world.enrolled("boss", groups=["security"]), {"digest": policy.digest})


async def boss_and_newcomer(world: World) -> Stage:
    """An administrator, and somebody in the same tenant who has nothing set up."""
    await (await world.browser("new")).page("/")
    return Stage(await world.enrolled("boss", groups=["admin"]))


_BOB = "/admin/accounts/bob"
_NEW = "/admin/accounts/new"
_WHY = {"reason": "a good reason", "ticket": "T-1"}
PAGE_DEEDS = (
    Deed("rename", settled, "", fields={"action": "rename", "authenticator": "{totp}", "label": "Other"}),
    Deed("default", settled, "", fields={"action": "default", "authenticator": "{email}"}),
    Deed("remove", settled, "", fields={"action": "remove", "authenticator": "{email}"}),
    Deed("forget", settled, "", fields={"action": "forget", "browser": "{browser}"}),
    Deed("forget others", settled, "", fields={"action": "forget-others"}),
    Deed("everywhere", settled, "", fields={"action": "everywhere"}),
    Deed("new codes", settled, "/backup-codes", fields={"action": "new"}),
    Deed("start app", settled, "/enroll/totp", fields={"action": "start"}),
    Deed("send sms", settled, "/enroll/sms", fields={"action": "send", "enrollment": "{draft}"}),
    Deed("confirm sms", settled, "/enroll/sms", fields={"enrollment": "{draft}", "code": "{sms_code}"}),
    Deed("answer", pending, "/challenge/{email}", fields={"code": "{code}"}),
    Deed("answer app", pending, "/challenge/{totp}", fields={"code": "{totp_code}"}),
    Deed("guess", pending, "/challenge/{totp}", fields={"code": "000000"}),
    Deed("send", pending, "/challenge/{email}", fields={"action": "send"}),
    Deed("choose and send", pending, "/challenge", fields={"authenticator": "{email}"}),
    Deed("ask for help", pending, "/recovery", fields={"about": "lost my phone"}),
    Deed("first app", newcomer, "/enroll/totp", fields={"enrollment": "{draft}", "code": "{code}"}),
    Deed("skip", optional, "/enroll", fields={"action": "skip"}),
    Deed("contact code", contact, "/enroll", fields={"action": "contact-verify", "kind": "email", "code": "{code}"}),
    Deed("contact send", contact, "/enroll", fields={"action": "contact-send", "kind": "email"}),
    Deed("ticket", ticket, "/enroll", fields={"action": "ticket", "ticket": "{ticket}"}),
    Deed("accept", terms, "/agreement", fields={"accept": "1", "version": "1"}),
    Deed("decline", terms, "/agreement", fields={"action": "decline"}),
    Deed("admin unlock", boss_of_a_locked, _BOB, fields={"action": "unlock", **_WHY}),
    Deed("admin lock", boss, _BOB, fields={"action": "lock", **_WHY}),
    Deed("admin reset", boss, _BOB, fields={"action": "reset", **_WHY}),
    Deed("admin refuse", boss, _BOB, fields={"action": "refuse", **_WHY}),
    Deed("admin ticket", boss, _NEW, fields={"action": "ticket", **_WHY}),
    Deed("admin break-glass", boss, _BOB, fields={"action": "break-glass", "hours": "4", **_WHY}),
    Deed("admin confirm grant", second_boss, _BOB, fields={"action": "confirm", "ref": "{grant}"}),
    Deed("admin revoke grant", second_boss, _BOB, fields={"action": "revoke", **_WHY}),
    Deed("admin end sessions", boss, _BOB, fields={"action": "end-sessions", **_WHY}),
    Deed("admin forget browser", boss_with_parts, _BOB, fields={"action": "forget-browser", "item": "{browser}"}),
    Deed("admin remove", boss_with_parts, _BOB, fields={"action": "remove", "item": "{authenticator}", **_WHY}),
    Deed("admin erase", boss, _BOB, fields={"action": "forget", **_WHY}),
    Deed("admin approve", asked_boss, _BOB, fields={"action": "approve", "ref": "{asked}"}),
    Deed("admin withdraw", asked_boss, _BOB, fields={"action": "withdraw", **_WHY}),
    Deed("turn on", desk, "/admin/tenant", fields={"action": "enable", "confirm": "desk"}),
    Deed("choose", desk, "/admin/tenant", fields={"action": "choose", "factors": "totp", "confirm": "desk"}),
    Deed(
        "let all confirm again",
        privileged_desk,
        "/admin/tenant",
        fields={"action": "end-sessions", "reason": "incident", "confirm": "desk"},
    ),
    Deed("announce", desk, "/admin/tenant", fields={"action": "announced"}),
    Deed("sign out many", boss, "/admin/many", fields={"action": "end-sessions", "ids": "bob", **_WHY}),
    Deed("remind one", boss_and_newcomer, "/admin/accounts", fields={"action": "remind", "pick-1": "new"}),
    Deed("begin anew", waited, "/recovery", fields={"action": "begin"}),
    Deed("approve policy", chief, "/admin/policy", fields={"digest": "{digest}", **_WHY}),
)
_REASON = {"reason": "a good reason"}
API_DEEDS = (
    Deed("challenge", pending, "/api/challenge", body={"authenticator": "{email}"}),
    Deed("verify", pending, "/api/verify", body={"authenticator": "{totp}", "response": "{totp_code}"}),
    Deed("guess", pending, "/api/verify", body={"authenticator": "{totp}", "response": "000000"}),
    Deed("enroll", settled, "/api/enroll", body={"factor": "totp"}),
    Deed("confirm", settled, "/api/enroll/confirm", body={"enrollment": "{draft}", "response": "{sms_code}"}),
    Deed("skip", optional, "/api/enroll/skip", body={}),
    Deed("backup codes", settled, "/api/backup-codes", body={}),
    Deed("rename", settled, "/api/authenticators/{totp}", "PATCH", body={"label": "Other"}),
    Deed("default", settled, "/api/authenticators/{email}", "PATCH", body={"default": True}),
    Deed("remove", settled, "/api/authenticators/{email}", "DELETE"),
    Deed("forget", settled, "/api/browsers/{browser}", "DELETE"),
    Deed("agree", terms, "/api/agreement", body={"version": "1"}),
    Deed("recovery", pending, "/api/recovery", body={"about": "lost my phone"}),
    Deed("begin anew", waited, "/api/recovery/begin", body={}),
    Deed("approve policy", chief, "/api/admin/policy/approve", body={"digest": "{digest}", "reason": "a good reason"}),
    Deed("admin unlock", boss_of_a_locked, f"/api{_BOB}/unlock", body=_REASON),
    Deed("admin lock", boss, f"/api{_BOB}/lock", body=_REASON),
    Deed("admin reset", boss, f"/api{_BOB}/reset", body={**_REASON, "ticket": "T-1"}),
    Deed("admin refuse", boss, f"/api{_BOB}/refuse", body=_REASON),
    Deed("admin ticket", boss, f"/api{_NEW}/ticket", body=_REASON),
    Deed("admin break-glass", boss, f"/api{_BOB}/break-glass", body={**_REASON, "ticket": "T-1", "hours": 4}),
    Deed("admin confirm grant", second_boss, f"/api{_BOB}/break-glass/confirm", body={"ref": "{grant}"}),
    Deed("admin revoke grant", second_boss, f"/api{_BOB}/break-glass/revoke", body=_REASON),
    Deed("admin end sessions", boss, f"/api{_BOB}/end-sessions", body=_REASON),
    Deed("admin forget browser", boss_with_parts, f"/api{_BOB}/browsers/{{browser}}", "DELETE"),
    Deed("admin remove", boss_with_parts, f"/api{_BOB}/authenticators/{{authenticator}}?reason=lost", "DELETE"),
    Deed("admin erase", boss, f"/api{_BOB}/forget", body=_REASON),
    Deed("admin approve", asked_boss, f"/api{_BOB}/approve", body={"ref": "{asked}"}),
    Deed("admin withdraw", asked_boss, f"/api{_BOB}/withdraw", body=_REASON),
    Deed("admin remind", desk, "/api/admin/tenant/remind", body={}),
    Deed(
        "admin end all sessions",
        privileged_desk,
        "/api/admin/tenant/end-sessions",
        body={"reason": "incident", "confirm": "desk"},
    ),
    Deed("admin test message", desk, "/api/admin/tenant/test-message", body={}),
    Deed("admin tenant", desk, "/api/admin/tenant", "PATCH", body={"enabled": True, "confirm": "desk"}),
)
DEEDS = PAGE_DEEDS + API_DEEDS


def uncovered() -> set[str]:
    """Addresses of pages and calls that change something and have no deed here."""
    wanted = {path for path, handlers in pages.PAGES.items() if "POST" in handlers}
    wanted |= {start for start, handlers in pages.ONE_OF.items() if "POST" in handlers}
    wanted |= {f"{m} /api{path}" for path, calls in api.CALLS.items() for m in calls if m != "GET"}
    wanted |= {f"{m} /api{start}" for start, calls in api.ONE_OF.items() for m in calls if m != "GET"}
    on_account = {**api.ON_ACCOUNT, **api.ON_PART}
    wanted |= {f"{m} /api{_BOB}{word}" for word, calls in on_account.items() for m in calls if m != "GET"}
    for deed in DEEDS:
        head, _, tail = deed.path.rpartition("/")
        named = deed.path if deed.is_form else f"{deed.method} {deed.path}".replace(_NEW, _BOB)
        whole = f"{head}/" if deed.is_form else f"{deed.method} {head}/"
        wanted -= {named, whole} if tail else {named}
    return wanted


def snapshot(world: World) -> tuple[Any, ...]:
    """Return all that a request could have changed: the store, the trail, counts and sends."""
    store = world.store
    assert isinstance(store, MemoryStore)
    contents = store._contents
    return (
        dict(contents.accounts),
        dict(contents.settings),
        dict(contents.claims),
        {name: list(taken) for name, (_, taken) in contents.taken.items()},
        len(contents.lines),
        len(world.email.messages),
        len(world.sms.messages),
    )


def honest(deed: Deed) -> Headers:
    """The headers of the honest request."""
    own = [("origin", ORIGIN)]
    return [*PAGE, *own, FORM] if deed.is_form else [*FETCH, *own, ("x-mfa-gate", "1"), JSON]


def encoded(fields: dict[str, str] | list[tuple[str, str]]) -> bytes:
    """Encode a form's body."""
    return urlencode(fields).encode()
