"""The store is lost for a while, and comes back."""

from __future__ import annotations

from typing import Any

import pytest

from mfa_gate.errors import StoreUnavailable
from tests.harness import FETCH, Reply

from ..deed import GUESSES, SEATS, Deed
from ..stage import Stage

CALLS = ("load", "swap", "load_many", "changed")


def _away(*_: object, **__: object) -> Any:
    raise StoreUnavailable("away")


def no_store(life: Stage, number: int, guess: int) -> None:
    """Ask and guess while the store is away: nobody is let in by it, and nothing counts."""
    seat = life.seats[number]
    with pytest.MonkeyPatch.context() as patch:
        for store in {id(world.store): world.store for world in life.worlds}.values():
            for name in CALLS:
                if hasattr(store, name):
                    patch.setattr(store, name, _away)
        page: Reply = life.run(seat.browser.ask("GET", "/records", headers=FETCH))
        assert page.status != 200 or life.has_passed(seat), page.text
        answer = {"authenticator": "x", "response": f"{guess:06d}"}
        reply: Reply = life.run(seat.browser.api("POST", "verify", answer))
        assert reply.status in (401, 403, 503), reply.text


DEEDS = (Deed(no_store, {"number": SEATS, "guess": GUESSES}),)
