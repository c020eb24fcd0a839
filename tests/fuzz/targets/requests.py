"""Requests: the line, the headers and cookies, JSON bodies, forms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from mfa_gate.core.rules import AttemptRules, RollingRules
from mfa_gate.web.api.table import CALLS, ON_ACCOUNT, ONE_OF
from tests.harness import Browser, with_rules

from ..stage import Stage
from ..target import Check, Target

SEEDS = Path(__file__).parents[1] / "seeds"
_stages: list[Stage] = []


def heads() -> tuple[bytes, ...]:
    """Read the good requests."""
    found = (SEEDS / "headers.txt").read_bytes().split(b"|\n")
    return tuple(seed if b"\n\n" in seed else seed + b"\n" for seed in found)


def close() -> None:
    """Close what was made."""
    while _stages:
        _stages.pop().close()


def made(**more: Any) -> Check:
    """Make a stage on which ann owes a proof, bob has one, and cat has no factor."""
    stage = Stage.make(_people, **more)
    _stages.append(stage)
    return stage.check


async def _people(stage: Stage) -> None:
    world = stage.world
    world.engine.use_policy(_policy())
    bob = await world.enrolled("bob", groups=["admin"])
    await bob.enroll_email()
    ann = await world.enrolled("ann")
    ann = await _again(stage, "ann")
    cat = await world.browser("cat")
    for name, browser in (("bob", bob), ("ann", ann), ("cat", cat)):
        await browser.page("/mfa")
        await browser.page("/records")
        stage.pieces[name] = browser.cookie_header()
        for part, value in browser.cookies.items():
            stage.pieces[f"{name}-{part}"] = value
    stage.proven["bob"] = bob.cookies[bob.handle]
    stage.pieces["app"] = await bob.authenticator("totp")
    stage.pieces["mail"] = await bob.authenticator("email")
    stage.pieces["ann-app"] = await ann.authenticator("totp")
    stage.pieces["token"] = await bob.token()
    stage.pieces["ann-token"] = await ann.token()
    begun = (await cat.api("POST", "enroll", {"factor": "totp"})).json()
    stage.pieces["enrollment"] = begun["enrollment"]


async def _again(stage: Stage, id: str) -> Browser:
    return await stage.world.browser(id, sid="later")


JSON_BODIES: dict[str, tuple[str, ...]] = {
    "/challenge": ('{"authenticator": "{app}"}', '{"authenticator": "{mail}"}', '{"authenticator": "{ann-app}"}'),
    "/verify": (
        '{"authenticator": "{app}", "response": "123456", "remember": true}',
        '{"challenge": "x", "response": {"id": "AA", "rawId": "AA", "type": "public-key", "response": {}}}',
        '{"authenticator": "{ann-app}", "response": "abcd-efgh-ij"}',
    ),
    "/enroll": (
        '{"factor": "totp", "label": "mine"}',
        '{"factor": "email"}',
        '{"factor": "sms", "phone": "+1 202-555-0123"}',
    ),
    "/enroll/confirm": ('{"enrollment": "{enrollment}", "response": "123456"}',),
    "/agreement": ('{"version": "1"}',),
    "/recovery": ('{"about": "my phone is gone"}',),
    "/admin/tenant": ('{"enabled": true, "factors": ["totp"], "confirm": "alpha"}',),
    "/admin/policy/approve": ('{"digest": "00", "reason": "x"}',),
}
ON_ACCOUNT_BODY = '{"reason": "x", "ticket": "4711", "ref": "abc", "life": "2d", "hours": 2}'


def _call(method: str, place: str, body: str, who: str) -> bytes:
    head = f"{method} /mfa/api{place}\ncookie: {{{who}}}\nx-mfa-gate: 1\norigin: http://localhost:8000\n"
    return f"{head}sec-fetch-site: same-origin\naccept: application/json\ncontent-type: application/json\n\n{body}".encode()


def _json_seeds() -> tuple[bytes, ...]:
    """Return one good call for each row of the table of calls, for two people."""
    rows = [(place, method) for place, calls in CALLS.items() for method in calls]
    rows += [(f"{start}{{app}}", method) for start, calls in ONE_OF.items() for method in calls]
    rows += [(f"/admin/accounts/ann{act}", method) for act, calls in ON_ACCOUNT.items() for method in calls]
    found = []
    for place, method in rows:
        for body in JSON_BODIES.get(
            place, (ON_ACCOUNT_BODY if "/accounts/" in place else '{"label": "x", "default": true}',)
        ):
            found.append(_call(method, place, "" if method in ("GET", "DELETE") else body, "bob"))
    bodies = [body for place in ("/verify", "/challenge", "/enroll/confirm") for body in JSON_BODIES[place]]
    found += [_call("POST", "/verify", body, "ann") for body in bodies]
    found += [_call("POST", "/enroll/confirm", body, "cat") for body in bodies]
    return tuple(found)


FORMS: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("/mfa/challenge", "ann", {"code": "123456"}),
    ("/mfa/challenge/{ann-app}", "ann", {"code": "123456", "remember": "1", "action": "check"}),
    ("/mfa/challenge/help", "ann", {}),
    ("/mfa/recovery", "ann", {"about": "gone"}),
    ("/mfa/enroll/totp", "cat", {"action": "start"}),
    ("/mfa/enroll/totp", "cat", {"action": "confirm", "enrollment": "{enrollment}", "code": "123456"}),
    ("/mfa/enroll/sms", "bob", {"action": "start", "phone": "+12025550123"}),
    ("/mfa/backup-codes", "bob", {"action": "new"}),
    ("/mfa", "bob", {"action": "rename", "authenticator": "{app}", "label": "x"}),
    ("/mfa/confirm", "bob", {"next": "/records"}),
    ("/mfa/locked", "ann", {}),
    ("/mfa/approve", "bob", {"number": "12"}),
    ("/mfa/dispute/abc.def", "bob", {"action": "lock"}),
    ("/mfa/admin/accounts/ann", "bob", {"action": "unlock", "reason": "x", "ticket": "1"}),
    ("/mfa/admin/tenant", "bob", {"action": "on", "confirm": "alpha"}),
    ("/mfa/admin/policy", "bob", {"digest": "0", "reason": "x"}),
    ("/mfa/admin/what-if", "bob", {"account": "ann", "path": "/records"}),
)


def _form(place: str, who: str, fields: dict[str, str]) -> bytes:
    token = "{token}" if who == "bob" else "{ann-token}"
    head = f"POST {place}\ncookie: {{{who}}}\norigin: http://localhost:8000\nsec-fetch-site: same-origin\naccept: text/html\n"
    body = urlencode({"csrf_token": token, **fields}, safe="{}-")
    return f"{head}content-type: application/x-www-form-urlencoded\n\n{body}".encode()


def _policy() -> Any:
    """Never lock: an account that is locked reads no more answers.

    No gate starts with such a policy; it is put in force afterwards.
    """
    never = AttemptRules(max=10**6, rolling=RollingRules(max=10**6))
    return with_rules(lambda rules: replace(rules, attempts=never))


def _target(name: str, promise: str, seeds: Callable[[], tuple[bytes, ...]], make: Callable[[], Check]) -> Target:
    words = (
        b"{bob}",
        b"{ann}",
        b"{app}",
        b"{bob-session}",
        b"{ann-session}",
        b"cookie: ",
        b"; ",
        b"session=",
        b"/public",
        b"/open/",
        b"/mfa/api/",
    )
    return Target(name, promise, make, seeds, words=words, fresh_every=1500, quick=125, close=close)


HEADERS = _target(
    "headers",
    "no header, cookie or path passes without a proof, or breaks the gate",
    heads,
    made,
)
BODIES = _target("json", "every JSON call answers in the gate's own words", _json_seeds, made)
PAGES = _target("forms", "every form is answered by a page", lambda: tuple(_form(*row) for row in FORMS), made)
