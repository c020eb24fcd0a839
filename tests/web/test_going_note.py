"""The note of an interrupted request.

It is as small as it may be, and enough to judge the request again.
"""

from __future__ import annotations

from typing import Any

import pytest

from mfa_gate.web.interruption import MAX_PATH, going_note, is_form
from tests.harness import http_scope

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


@pytest.mark.parametrize("kind", ["page", "htmx", "turbo", "bearer", "fetch"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT"])
def test_who_has_sent_a_form(kind: Any, method: str) -> None:
    """A page, or the scripts that send its forms, by a method that changes something."""
    expected = kind in ("page", "htmx", "turbo") and method in ("POST", "PUT")
    assert is_form(http_scope(method, "/"), kind) is expected
