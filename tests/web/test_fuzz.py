"""A fuzz run over our own OpenAPI document: every answer is one of ours, and never a 5xx."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode

from mfa_gate.core.reasons import REASONS
from mfa_gate.web.openapi import document
from tests.harness import Browser, World, call, http_scope, make_world

SCHEMA = schemathesis.openapi.from_dict(document("/mfa"))
OPERATIONS: list[Any] = [found.ok() for found in SCHEMA.get_all_operations() if isinstance(found, Ok)]
STATES = ("fresh", "owes", "none")
EXAMPLES = 4
LONG = 40


async def who(world: World, state: str) -> Browser:
    """A browser in one of the states that a caller may be in."""
    if state == "none":
        return await world.browser("cat")
    browser = await world.enrolled("bob", groups=["admin"])
    return browser if state == "fresh" else await world.browser("bob", groups=["admin"])


async def send(world: World, browser: Browser, case: Any) -> None:
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


def _is_header(name: str, value: Any) -> bool:
    text = f"{name}{value}"
    return text.isascii() and text.isprintable() and name.lower() not in ("cookie", "content-type")


def fuzz(operation: Any, state: str, examples: int) -> None:
    """Many cases of one operation against one world, good ones and broken ones."""
    with asyncio.Runner() as runner:
        world = make_world()
        browser = runner.run(who(world, state))
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

            @given(case=operation.as_strategy(generation_mode=mode))
            @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), database=None)
            def run(case: Any) -> None:
                runner.run(send(world, browser, case))

            # A call without parameters cannot be asked wrongly.
            with suppress(Unsatisfiable):
                run()


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda found: found.label)
def test_fuzz(operation: Any, state: str) -> None:
    """S-80, S-104, S-105: no body, query or id makes a 500."""
    fuzz(operation, state, EXAMPLES)


@pytest.mark.long
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda found: found.label)
def test_fuzz_long(operation: Any, state: str) -> None:
    """The answers stay ours in more than 5,000 requests."""
    fuzz(operation, state, LONG)
