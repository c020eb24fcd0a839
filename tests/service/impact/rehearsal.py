"""A rehearsal: the same week twice, in report-only and enforced, by the same people.

In the enforced week everybody answers at once what the gate asks, as it offers it first.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from mfa_gate import Contacts, Subject, require_proof
from mfa_gate.core.decision import Allow
from mfa_gate.core.model import Seconds, SubjectKey
from mfa_gate.core.rules import DAY, PathRule, Policy, Rules, StepUpRule
from mfa_gate.core.stops import stop_by
from mfa_gate.service import Judgement
from tests.harness import (
    AGREEMENT,
    FETCH,
    POLICY,
    QUIET,
    RULES,
    Browser,
    World,
    contacts_of,
    make_world,
    routes,
    secret,
)

AGENTS = (
    ("user-agent", "Mozilla/5.0 (Windows NT 10.0) Gecko/20100101 Firefox/140.0"),
    ("user-agent", "Mozilla/5.0 (Macintosh) AppleWebKit/605 Version/18.0 Safari/605"),
    ("user-agent", "Mozilla/5.0 (Linux; Android 15) Chrome/140.0 Mobile Safari/537"),
)
PLACES = (
    ("GET", "/records"),
    ("POST", "/records"),
    ("GET", "/records/7"),
    ("GET", "/vault/7"),
    ("GET", "/keys/7"),
    ("GET", "/brief"),
)
MONDAY = 1_750_032_000
ADDRESSES = ("203.0.113.7", "198.51.100.9")
Found = Counter[tuple[str, str, str, tuple[str, ...]]]


@require_proof("30m")
async def brief(request: Request) -> PlainTextResponse:
    """Answer at an endpoint with a demand of its own."""
    return PlainTextResponse("brief")


def policy_of(mode: str) -> Policy:
    """Make the policy of both weeks.

    Two tenants, an hour's step-up, a strong one, an agreement.
    """
    vault = StepUpRule(name="vault", paths=(PathRule(text="/vault/**"),), max_age=Seconds(3600))
    keys = StepUpRule(name="keys", paths=(PathRule(text="/keys/**"),), factors_any=("totp",))
    alpha = replace(RULES, mode=mode, step_up=(vault, keys))  # type: ignore[arg-type]
    factors = replace(RULES.factors, allowed=("email", "backup-code"), order=("email",))
    enrollment = replace(RULES.enrollment, first="contact")
    sealed = StepUpRule(name="sealed", paths=(PathRule(text="/keys/**"),), phishing_resistant=True)
    beta: Rules = replace(alpha, factors=factors, enrollment=enrollment, agreement=AGREEMENT, step_up=(vault, sealed))
    return replace(POLICY, digest="", base=alpha, tenants={"alpha": alpha, "beta": beta})


async def contacts(subject: Subject) -> Contacts:
    """Return the contacts on file: the last person of beta has none."""
    return Contacts() if subject.id.endswith("none") else await contacts_of(subject)


def world_of(mode: str, store: Any) -> World:
    """Make the host with the gate in one of the two modes."""
    app = Starlette(
        routes=[*routes(), *(Route(f"/{name}/{{id}}", secret) for name in ("vault", "keys")), Route("/brief", brief)]
    )
    world = make_world(store=store, app=app, contacts=contacts)
    world.engine.use_policy(policy_of(mode))  # no gate starts with a rule that nobody can meet
    return world


@dataclass
class Person:
    """One person with three browsers."""

    id: str
    tenant: str
    start: str
    secret: str = ""
    browsers: list[dict[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Asked:
    """One request of the week."""

    at: int
    person: int
    browser: int
    address: str
    method: str
    path: str


STARTS = ("nothing", "app", "email", "app old", "locked")


def people_of(count: int) -> list[Person]:
    """Make people of two tenants, each with another beginning."""
    found = []
    for number in range(count):
        tenant = "alpha" if number % 3 else "beta"
        start = STARTS[number % len(STARTS)]
        if tenant == "beta" and start.startswith("app"):
            start = "email"
        found.append(Person(f"p{number}", tenant, start))
    found[-3].tenant, found[-3].start, found[-3].id = "beta", "nothing", "p-none"
    return found


async def begin(world: World, people: list[Person]) -> None:
    """Let people begin the week as they are.

    With an app, an address, an old proof, a lock, or nothing.
    """
    for person in people:
        world.clock.at = MONDAY - (9 * DAY if person.start == "app old" else DAY)
        for number in range(len(AGENTS)):
            browser = await world.browser(person.id, person.tenant, sid=f"{person.id}-{number}", groups=["staff"])
            if number == 0 and person.start in ("app", "app old"):
                await browser.enroll()
                person.secret = browser.secret
            elif number == 0 and person.start in ("email", "locked"):
                await browser.enroll_email()
                if person.start == "locked":
                    await browser.lock_by("email")
            person.browsers.append(dict(browser.cookies))


def traffic(people: int, days: int, seed: int) -> list[Asked]:
    """Draw a week: some minutes apart, from two addresses, in three browsers."""
    drawn = random.Random(seed)
    found = []
    for day in range(days):
        for person in range(people):
            for _ in range(drawn.randint(1, 3)):
                at = MONDAY + day * DAY + 60 * drawn.randint(8 * 60, 18 * 60)
                browser, address = drawn.randrange(3), drawn.choice((*ADDRESSES, ADDRESSES[0]))
                for step in range(drawn.randint(1, 4)):
                    method, path = drawn.choice(PLACES)
                    found.append(Asked(at + 60 * step * drawn.randint(1, 25), person, browser, address, method, path))
    # No two requests come in one minute, because times are recorded to the minute.
    taken: set[int] = set()
    for number, one in enumerate(sorted(found, key=lambda one: (one.at, one.person, one.path))):
        at = one.at
        while at in taken:
            at += 60
        taken.add(at)
        found[number] = replace(one, at=at)
    return sorted(found, key=lambda one: one.at)


async def week(world: World, people: list[Person], requests: list[Asked], *, answers: bool) -> Found:
    """Let the week pass.

    Returns the stops by person, kind, reason and rules; with ``answers`` people answer them.
    """
    stops: Found = Counter()
    seen: list[Judgement] = []
    plain = world.gate.service.access.judge

    async def judge(*parts: Any, **more: Any) -> Judgement:
        made = await plain(*parts, **more)
        seen.append(made)
        return made

    world.gate.service.access.judge = judge  # type: ignore[method-assign]
    held = [[Browser(world, cookies=dict(cookies)) for cookies in person.browsers] for person in people]
    for one in requests:
        world.clock.at = one.at
        person, browser = people[one.person], held[one.person][one.browser]
        browser.address, browser.id, browser.tenant = one.address, person.id, person.tenant
        browser.secret = person.secret
        for _ in range(8):
            seen.clear()
            reply = await browser.ask(one.method, one.path, headers=(*FETCH, AGENTS[one.browser]))
            if reply.status == 200:
                break
            assert answers, (reply.status, reply.text)
            told = stop_in(seen[-1], one.at)
            done = await answer(world, browser, person, reply.json().get("methods", ()))
            if told[0] == "enroll" and not done:
                told = ("walled-out", "no_contact", told[2])
            stops[str(SubjectKey(person.tenant, person.id)), *told] += 1
            if not done:
                give_up(browser)
                break
        else:
            raise AssertionError("the gate asks without end")
    return stops


def give_up(browser: Browser) -> None:
    """Close the page of a request that nothing meets: the browser forgets that it owes it."""
    for name in [name for name in browser.cookies if name.endswith("-owed")]:
        del browser.cookies[name]


def stop_in(judgement: Judgement, now: int) -> tuple[str, str, tuple[str, ...]]:
    """Name the stop that the gate has decided on."""
    assert judgement.evidence is not None
    assert not isinstance(judgement.decision, Allow)
    stop = stop_by(judgement.decision, judgement.requirement, judgement.evidence, now)
    return stop.kind, stop.why, stop.rules


async def answer(world: World, browser: Browser, person: Person, methods: Sequence[str]) -> bool:
    """Give the answer that the gate asks for, by the way that it offers first.

    ``methods`` are those that the refusal names. Returns False where there is none.
    """
    state = await browser.state()
    match state["state"]:
        case "agreement":
            document = (await browser.api("GET", "agreement")).json()
            return (await browser.api("POST", "agreement", {"version": document["version"]})).status < 300
        case "locked":
            return False
        case "enroll":
            return await enroll(world, browser, person, state["enrollable"])
        case "challenge" | "verified":
            # A step-up of one path is judged at its own challenge page.
            mine = (await world.account(person.id, person.tenant)).authenticators
            named = [one.id for one in mine if one.factor in methods]
            chosen = named[0] if named else await offered(world, browser)
            return bool(chosen) and await prove(world, browser, person, chosen)
    raise AssertionError(state)


async def offered(world: World, browser: Browser) -> str:
    """Return the id of the authenticator that the challenge page asks for first."""
    page = await browser.page("/mfa/challenge", headers=QUIET)
    found = re.findall(r'action="[^"]*/challenge/([\w-]{16})', page.text)
    return found[0] if found else ""


async def prove(world: World, browser: Browser, person: Person, id: str) -> bool:
    """Answer with one authenticator."""
    account = await world.account(person.id, person.tenant)
    mine = account.authenticator(id)
    if mine is None:
        return False
    if mine.factor == "totp":
        done = await browser.api("POST", "verify", {"authenticator": id, "response": browser.totp()})
    else:
        made = (await browser.api("POST", "challenge", {"authenticator": id})).json()
        code = world.email.codes[-1]
        done = await browser.api("POST", "verify", {"challenge": made["challenge"], "response": code})
    assert done.status == 200, done.text
    return True


async def enroll(world: World, browser: Browser, person: Person, kinds: list[str]) -> bool:
    """Enroll the first kind that is offered.

    False where there is none, or no contact to send to.
    """
    if not kinds:
        return False
    begun = await browser.api("POST", "enroll", {"factor": kinds[0]})
    if begun.status == 403:  # who holds a factor confirms with it first
        held = (await browser.state())["authenticators"]
        if not held or not await prove(world, browser, person, held[0]["id"]):
            return False
        begun = await browser.api("POST", "enroll", {"factor": kinds[0]})
    if begun.status != 201:
        return False
    if kinds[0] == "totp":
        browser.secret = person.secret = begun.json()["secret"]
    response = browser.totp() if kinds[0] == "totp" else world.email.codes[-1]
    confirm = {"enrollment": begun.json()["enrollment"], "response": response}
    done = await browser.api("POST", "enroll/confirm", confirm)
    assert done.status == 201, done.text
    return True
