"""The desk's page "What would happen": it agrees with the gate, and changes nothing."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from mfa_gate import require_proof
from mfa_gate.core.evidence import NO_SESSION, SESSION_LIFE
from mfa_gate.core.model import Account, Contacts, Proof, Subject, SubjectKey
from mfa_gate.core.model import Browser as Known
from mfa_gate.core.rules import PathRule, Rules, StepUpRule
from mfa_gate.service import Actor
from mfa_gate.service.what_if import Answer, Question, _is_over
from tests import harness
from tests.harness import START, Browser, World, make_world, running, with_rules
from tests.service.admin.people import way

HERE = "/mfa/admin/what-if"
TREE = (PathRule(text="/records/**"),)


def stricter(rules: Rules) -> Rules:
    """Managers need a fresh proof for records, and an app on /both."""
    by_app = StepUpRule(name="by-app", paths=(PathRule(text="=/both"),), factors_any=("totp",))
    fresh = StepUpRule(name="fresh", paths=TREE, max_age=rules.roles.actor_max_age, groups_any=("manager",))
    return replace(rules, step_up=(fresh, by_app))


async def both(request: Request) -> PlainTextResponse:
    """Answer who has proven by mail; the policy asks for an app."""
    await require_proof(factors=["email"])(request)
    return PlainTextResponse("both")


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> None:
    """The usual app with a page whose demands exclude each other."""
    usual = harness.routes
    shown = require_proof(factors=["email"])(both)
    monkeypatch.setattr(harness, "routes", lambda *given: [Route("/both", shown), *usual(*given)])


@asynccontextmanager
async def desk(**more: Any) -> AsyncIterator[tuple[World, Browser]]:
    async with running(make_world(policy=with_rules(stricter), **more)) as world:
        await world.enrolled("ann")
        yield world, await world.enrolled("boss", groups=["security"])


async def asked(boss: Browser, query: str) -> str:
    reply = await boss.page(f"{HERE}?{query}")
    assert reply.status == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", reply.text))


ANSWERS = {
    "account=ann": "Passes.",
    "account=ann&address=203.0.113.9": "the network has changed",
    "account=ann&request=GET+/public": "nothing is asked here",
    "account=ann&request=GET+/public/%252e%252e/x": "unclear path",
    "account=ann&request=get++/records": "GET /records",
    "account=ann&request=POST+/logout": "own sign-out passes for everybody",
    "account=ann&request=GET+/mfa/challenge": "This is a page of two-step sign-in itself",
    "account=nobody": "Has to set up a sign-in method first",
    "account=ann&at=2030-01-01T00:00Z": "the proof is too old",
}


async def test_the_answer() -> None:
    """Addresses, unclean paths, sign-out and time count as at the gate."""
    async with desk() as (_, boss):
        for query, said in ANSWERS.items():
            assert said in await asked(boss, query), query


async def test_a_rule_that_is_only_tried_is_told_as_such() -> None:
    """Of the rules for a page, those in report-only mode have the word, and the others do not."""
    tried = StepUpRule(name="tried", paths=TREE, factors_any=("sms",), report_only=True)
    for rule, count in ((tried, 1), (replace(tried, report_only=False), 0)):
        only = partial(replace, step_up=(rule,))
        async with running(make_world(policy=with_rules(only))) as world:
            await world.enrolled("ann")
            boss = await world.enrolled("boss", groups=["security"])
            page = await asked(boss, "account=ann&request=GET+/records/1")
            assert (page.count("only recorded"), "tried" in page) == (count, True)


async def test_no_account_is_judged_as_of_earlier() -> None:
    """A moment before the latest change of an account is judged as that of the change."""
    later = "The time is that of the latest change of the account"
    async with desk() as (world, boss):
        assert (await world.account("ann")).seen_at == world.clock.at
        assert later not in await asked(boss, "account=ann")
        assert later in await asked(boss, "account=ann&at=2020-01-01T00:00Z")


async def test_groups_come_from_the_directory() -> None:
    """Without groups the host's directory is asked; a group that is typed counts in its place."""

    async def directory(tenant: str) -> list[tuple[Subject, Contacts]]:
        return [(Subject("ann", tenant, frozenset({"manager"})), Contacts())]

    async with desk(directory=directory) as (world, boss):
        world.clock.advance(400)
        await boss.prove()
        assert "a rule asks for more" in await asked(boss, "account=ann&request=GET+/records")
        assert "Passes." in await asked(boss, "account=ann&request=GET+/records&groups=guest")


async def test_a_page_that_nobody_can_open(app: None, caplog: pytest.LogCaptureFixture) -> None:
    """Demands of file and code that exclude each other are said in words.

    At the desk, and to the person. No proof is asked for first, because it could not help.
    """
    async with desk() as (world, boss):
        assert "no sign-in method meets all demands at once" in await asked(boss, "account=ann&request=GET+/both")
        eve = await world.enrolled("eve")
        page = (await eve.page((await eve.page("/both")).location.partition("#")[0])).text
        assert "Nobody can open this page for now" in page
        assert "Call your administrator" in page
        assert "no allowed factor meets" in caplog.text


async def test_nothing_is_changed() -> None:
    """A question writes no event and no account."""
    async with desk() as (world, boss):
        before = (await world.account(), await world.store.counts("alpha"), len(world.events))
        await asked(boss, "account=ann&request=POST+/records")
        await asked(boss, "account=nobody")
        assert (await world.account(), await world.store.counts("alpha"), len(world.events)) == before


async def test_a_question_that_cannot_be_read() -> None:
    """It is refused with the field that is wrong, and nothing is answered."""
    async with desk() as (_, boss):
        for wrong in ("request=records", "request=GET+records", "address=here", "at=soon"):
            reply = await boss.page(f"{HERE}?account=ann&{wrong}")
            assert reply.status == 422
            assert f'id="{wrong.partition("=")[0]}-error"' in reply.text
            assert "Every rule" not in reply.text


async def test_the_right_to_look() -> None:
    """A person who may not look gets no page; a tenant out of reach is unknown.

    So is an account that cannot exist.
    """
    async with desk() as (world, boss):
        nobody = await world.enrolled("bob")
        assert (await nobody.page(HERE)).status == 403
        assert (await nobody.page(f"{HERE}?account=ann")).status == 403
        helper = await world.enrolled("help", groups=["support"])
        assert (await helper.page(f"{HERE}?account=ann&tenant=beta")).status == 404
        assert (await boss.page(f"{HERE}?account=%01")).status == 404
        assert (await boss.page(f"{HERE}?account=ann&tenant=beta")).status == 200
        assert (await world.store.load(SubjectKey("beta", "ann"))).version == 0


async def test_a_tenant_that_a_closed_policy_does_not_name() -> None:
    """The gate refuses its people, so there is nothing to tell."""
    policy = replace(with_rules(stricter), tenants_are="closed")
    async with running(make_world(policy=policy)) as world:
        boss = await world.enrolled("boss", groups=["security"])
        assert (await boss.page(f"{HERE}?account=ann&tenant=zeta")).status == 404


def proof(factor: str, at: int, network: str, session: str = "") -> Proof:
    """Make a proof."""
    return Proof(factor=factor, authenticator=f"{factor}-1", at=at, network=network, epoch=0, session=session)


async def test_the_proofs_and_what_is_assumed() -> None:
    """Every proof is listed, the newest first, with its end.

    Only those of the judged browser count.
    """
    async with running(make_world()) as world:
        key, week = SubjectKey("alpha", "old"), 7 * 86_400
        browsers = (
            Known(id="B1", handle="one", label="Firefox", created_at=1, proofs=(proof("totp", START - 50, "n1", "s"),)),
            Known(id="B2", handle="two", label="Chrome", created_at=1, proofs=(proof("totp", START - 90, "n2"),)),
            Known(id="B3", handle="three", label="Safari", created_at=1),
        )
        account = Account(key=key, authenticators=(way("totp"),), browsers=browsers, seen_at=START)
        assert await world.store.swap(account)

        async def ask(**more: Any) -> Answer:
            question = Question(key=key, request="GET /records", **more)
            found = await world.gate.service.what_if.ask(Actor(name="operator:eve"), question)
            assert isinstance(found, Answer)
            return found

        newest = await ask()
        assert newest.browser is not None
        assert (newest.browser.id, newest.network, newest.is_known) == ("B1", "n1", True)
        assert [(line.browser, line.at, line.ends_at, line.network, line.counts) for line in newest.proofs] == [
            ("B1", START - 50, START - 50 + week, "n1", True),
            ("B2", START - 90, START - 90 + week, "n2", False),
        ]
        assert newest.assumed == ("groups", "session", "network")
        other = await ask(browser="B2", groups=frozenset({"staff"}))
        assert other.browser is not None
        assert (other.browser.id, other.assumed) == ("B2", ("network",))
        assert [line.counts for line in other.proofs] == [False, True]
        moved = await ask(browser="B2", address="203.0.113.9")
        assert (moved.network, moved.assumed) == ("203.0.113.9", ("groups",))
        assert not any(line.counts for line in moved.proofs)
        new = await ask(browser="new", at=START - 1)
        assert (new.browser, new.assumed) == (None, ("groups", "time"))
        assert not any(line.counts for line in new.proofs)
        with pytest.raises(ValueError, match='there is no browser "B9"; known: B1, B2, B3, and "new"'):
            await ask(browser="B9")
        for request in ("", "GET", "GET records", " /records"):
            with pytest.raises(ValueError, match="must be a method and a path"):
                await world.gate.service.what_if.ask(Actor(name="operator:eve"), Question(key=key, request=request))


@pytest.mark.parametrize(
    ("session", "age", "is_over"),
    [(NO_SESSION, SESSION_LIFE - 1, False), (NO_SESSION, SESSION_LIFE, True), ("s", SESSION_LIFE, False)],
)
def test_a_proof_of_no_sign_in_is_over_by_time(session: str, age: int, is_over: bool) -> None:
    """A proof that is bound to a sign-in ends with it.

    A proof without a sign-in ends after a while.
    """
    assert _is_over(proof("totp", START - age, "n", session), START) is is_over
