"""A fuzz run over our own OpenAPI document: every answer is one of ours, and never a 5xx."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any
from urllib.parse import urlencode

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode

from mfa_gate.core.reasons import REASONS
from mfa_gate.web.openapi import document
from tests.harness import Browser, Reply, World, call, http_scope, make_world

SCHEMA = schemathesis.openapi.from_dict(document("/mfa"))
OPERATIONS: list[Any] = [found.ok() for found in SCHEMA.get_all_operations() if isinstance(found, Ok)]
EXAMPLES = 4
LONG = 40


async def callers(world: World) -> dict[str, Browser]:
    """Make a browser in each of the states that a caller may be in."""
    fresh = await world.enrolled("bob", groups=["admin"])
    await fresh.enroll_email()
    await world.enrolled("eve")
    world.clock.advance(60)  # the next mail may be sent
    return {
        "fresh": fresh,
        "owes": await world.browser("bob", groups=["admin"]),
        "none": await world.browser("cat"),
    }


async def known(world: World, browser: Browser, label: str) -> tuple[dict[str, str], dict[str, str]]:
    """Find values by the parameter of a path, and by the member of a body.

    Each is there: a challenge and a draft of this very browser are begun anew where there are none.
    """
    account = await world.account(browser.id, browser.tenant)
    if not account.enrollments and not account.lock:
        await browser.api("POST", "enroll", {"factor": "totp"})
    if account.authenticators and not account.lock and not any(not c.spent_at for c in account.challenges):
        mail = next((mine.id for mine in account.authenticators if mine.factor == "email"), "")
        await browser.api("POST", "challenge", {"authenticator": mail})
    account = await world.account(browser.id, browser.tenant)
    other = await world.account("eve")
    members = {
        "authenticator": next((mine.id for mine in account.authenticators), ""),
        "challenge": next((one.id for one in account.challenges if not one.spent_at), ""),
        "enrollment": next((one.id for one in account.enrollments), ""),
        "factor": "totp",
        "reason": "called",
        "ticket": "INC-7",
        "ref": other.grant.ref if other.grant else "",
        "response": "000000",
    }
    holder = other if label.startswith(("DELETE /admin", "GET /admin")) else account
    parts = {
        "authenticators": next((mine.id for mine in holder.authenticators), ""),
        "browsers": next((one.id for one in holder.browsers), ""),
        "challenge": members["challenge"],
        "accounts": "eve",
        "reports": "people",
    }
    return parts, members


async def with_known(world: World, browser: Browser, label: str, case: Any) -> Any:
    """Put values that are there in the place of drawn ones: the case goes beyond the look-up."""
    parts, members = await known(world, browser, label)
    places = re.findall(r"/([a-z-]+)/\{(\w+)\}", case.path)
    case.path_parameters = {**(case.path_parameters or {}), **{name: parts[place] for place, name in places}}
    if isinstance(case.body, dict):
        case.body = {**case.body, **{name: value for name, value in members.items() if name in case.body}}
    case.query = {name: value for name, value in (case.query or {}).items() if name != "tenant"}
    case.headers = {**(case.headers or {}), "x-mfa-gate": "1"}
    return case


async def send(world: World, browser: Browser, case: Any) -> Reply:
    """Send one case as it is, and look at the answer."""
    headers = [
        ("accept", "application/json"),
        ("cookie", browser.cookie_header()),
        *((name, str(value)) for name, value in (case.headers or {}).items() if _is_header(name, value)),
    ]
    body = b""
    if case.method in ("POST", "PATCH"):
        headers.append(("content-type", "application/json"))
        body = json.dumps(case.body, default=str).encode("utf-8", "replace")
    query = urlencode(case.query or {}, doseq=True, errors="replace").encode()
    path = "/mfa/api" + case.formatted_path.replace("%2F", "/")
    reply = await call(world.app, http_scope(case.method, path, query=query, headers=headers), body)
    assert reply.status < 500 or reply.reason == "send_failed", (case.method, path, body[:200], reply.text)
    if reply.status >= 400:
        assert reply.header("content-type") == "application/problem+json"
        problem = reply.json()
        assert problem["reason"] in REASONS
        assert problem["status"] == reply.status
    assert "no-store" in reply.header("cache-control")
    return reply


def _is_header(name: str, value: Any) -> bool:
    text = f"{name}{value}"
    return text.isascii() and text.isprintable() and name.lower() not in ("cookie", "content-type")


def has_parameters(operation: Any) -> bool:
    """Tell if a call has anything that can be wrong: a part of its path or query, or a body."""
    return bool([*operation.path_parameters, *operation.query, *operation.body])


def fuzz(operation: Any, examples: int) -> None:
    """Many cases of one operation against one world, good and broken ones, of each caller."""
    with asyncio.Runner() as runner:
        world = make_world()
        browsers = runner.run(callers(world))
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            if mode is GenerationMode.NEGATIVE and not has_parameters(operation):
                continue  # it cannot be asked wrongly

            @given(case=operation.as_strategy(generation_mode=mode), is_known=st.booleans())
            @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), database=None)
            def run(case: Any, is_known: bool) -> None:
                for browser in browsers.values():
                    asked = runner.run(with_known(world, browser, operation.label, case)) if is_known else case
                    runner.run(send(world, browser, asked))

            run()
        runner.run(world.gate.service.engine.effects.idle())


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda found: found.label)
def test_fuzz(operation: Any) -> None:
    """S-80, S-104, S-105: no body, query or id makes a 500."""
    fuzz(operation, EXAMPLES)


@pytest.mark.long
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda found: found.label)
def test_fuzz_long(operation: Any) -> None:
    """The answers stay ours in more than 5,000 requests."""
    fuzz(operation, LONG)


BEYOND = {
    "POST /verify": "wrong_code",
    "POST /enroll/confirm": "wrong_code",
    "POST /challenge": "",
    "GET /challenge/{id}": "",
    "PATCH /authenticators/{id}": "",
    "DELETE /browsers/{id}": "",
    "GET /admin/accounts/{id}": "",
    "POST /admin/accounts/{id}/lock": "",
    "DELETE /admin/accounts/{id}/authenticators/{part}": "",
}
"""Calls that name something, with the reason of the refusal ("": they succeed) where it is there."""


@pytest.mark.parametrize("label", BEYOND)
async def test_cases_go_beyond_the_look_up(label: str) -> None:
    """A call with values that are there is judged by what it asks.

    A fuzz that only meets 404 would try nothing.
    """
    operation = next(one for one in OPERATIONS if one.label == label)
    world = make_world()
    browser = (await callers(world))["fresh"]
    drawn = {"label": "New name"} if label.startswith("PATCH") else {}
    body = drawn | dict.fromkeys(("authenticator", "challenge", "enrollment", "response", "reason"), "x")
    wanted = {name: value for name, value in body.items() if name in schema_members(operation)}
    query = {"reason": "lost"} if label.startswith("DELETE /admin") else {}
    given: dict[str, Any] = {"body": wanted} if wanted else {}
    case = operation.Case(query=query, media_type="application/json", **given)
    reply = await send(world, browser, await with_known(world, browser, label, case))
    assert (reply.reason if reply.status >= 400 else "") == BEYOND[label], reply.text


def schema_members(operation: Any) -> set[str]:
    """The members of an operation's body."""
    return {name for body in operation.body for name in body.definition["schema"].get("properties", {})}
