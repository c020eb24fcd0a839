"""The note of an interrupted request.

It is as small as it may be, and enough to judge the request again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.model import Seconds
from mfa_gate.core.rules import PathRule, StepUpRule
from mfa_gate.web.interruption import MAX_PATH, going_note, is_form
from tests.harness import FETCH, PAGE, Browser, Reply, http_scope, make_world, running, with_rules

LONG = "/" + "x" * MAX_PATH


@pytest.mark.parametrize(
    ("more", "note"),
    [
        ({}, {"to": "/to", "p": "/p", "m": "GET"}),
        ({"method": "M" * 17}, {"to": "/to", "p": "/p", "m": "M" * 16}),
        ({"clean": False}, {"to": "/to", "p": "/p", "m": "GET", "c": False}),
        ({"path": LONG}, {"to": "/to", "p": LONG[:MAX_PATH], "m": "GET", "c": False}),
        ({"path": LONG[:-1]}, {"to": "/to", "p": LONG[:-1], "m": "GET"}),
        ({"is_form": True}, {"to": "/to", "p": "/p", "m": "GET", "f": ""}),
        ({"is_form": True, "kept": "k"}, {"to": "/to", "p": "/p", "m": "GET", "f": "k"}),
        ({"kept": "k"}, {"to": "/to", "p": "/p", "m": "GET"}),
    ],
)
def test_what_it_says(more: dict[str, Any], note: dict[str, Any]) -> None:
    """A part that is as usual is left out."""
    assert going_note(**{"to": "/to", "path": "/p", "method": "GET", "clean": True, **more}) == note


class Strict(Browser):
    """A browser that drops a cookie of more than 4096 bytes, as all do (RFC 6265bis, 5.6)."""

    def take(self, reply: Reply) -> None:
        reply.headers = [h for h in reply.headers if h[0] != b"set-cookie" or len(h[1].partition(b";")[0]) <= 4096]
        super().take(reply)


@pytest.mark.parametrize("headers", [PAGE, FETCH], ids=["page", "fetch"])
@pytest.mark.parametrize("letter", ["x", '"', "é", "漢", "\U0001f600", "\x01"])
@pytest.mark.parametrize("length", [100, 500, 3000])
async def test_it_fits_into_a_cookie(letter: str, length: int, headers: Any) -> None:
    """A page with a long address opens after the fresher proof that its rule wants.

    Without its note the challenge would lead to the start page, again and again (F-31).
    """
    fresh = StepUpRule(name="files", paths=(PathRule(text="/files/**"),), max_age=Seconds(300))
    async with running(make_world(policy=with_rules(lambda rules: replace(rules, step_up=(fresh,))))) as world:
        ann = await world.enrolled()
        strict = Strict(world, cookies=ann.cookies)
        strict.id, strict.tenant, strict.secret = ann.id, ann.tenant, ann.secret
        world.clock.advance(3600)
        path = "/files/" + letter * length
        refused = await strict.ask("GET", path, headers=headers)
        place = refused.location or refused.json()["challenge_url"]
        assert (await strict.page(place)).status == 200
        assert (await strict.prove()).status == 200
        assert (await strict.ask("GET", path, headers=headers)).status == 200


@pytest.mark.parametrize("kind", ["page", "htmx", "turbo", "bearer", "fetch"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT"])
def test_who_has_sent_a_form(kind: Any, method: str) -> None:
    """A page, or the scripts that send its forms, by a method that changes something."""
    expected = kind in ("page", "htmx", "turbo") and method in ("POST", "PUT")
    assert is_form(http_scope(method, "/"), kind) is expected
