"""The common parts of processes that race: Ann, the count of comparisons, a child."""

from __future__ import annotations

import asyncio
import os
import threading
import traceback
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from mfa_gate import Subject
from mfa_gate.core.entropy import handle_digest
from mfa_gate.core.model import Caller, SubjectKey
from mfa_gate.factors.email import Email
from mfa_gate.factors.totp import Totp
from mfa_gate.storage import Store
from tests.harness import HOME, FixedClock, World, make_world

KEY = SubjectKey("alpha", "ann")
SUBJECT = Subject(id="ann", tenant="alpha", session="s")
compared = 0
_counting = threading.Lock()


def count_comparisons(marks: Path | None = None) -> None:
    """Count every comparison of an answer from now on.

    Each is marked in a file before it happens.
    """

    def counted(verify: Any) -> Any:
        def wrapper(*arguments: Any, **named: Any) -> Any:
            global compared
            with _counting:
                compared += 1
                if marks is not None:
                    with marks.open("ab") as file:
                        file.write(b"x")
            return verify(*arguments, **named)

        return wrapper

    for factor in (Totp, Email):
        factor.verify = counted(factor.verify)  # type: ignore[method-assign]


def caller(handle: str) -> Caller:
    """Ann's password, in the browser with this handle."""
    return Caller(subject=SUBJECT, handle=handle_digest(handle), network=HOME)


def world_on(store: Store | str, now: float) -> World:
    """A gate of its own on the store, at a fixed time."""
    return make_world(store=store, clock=FixedClock(now))


def child(work: Callable[[], Coroutine[Any, Any, None]]) -> int:
    """The id of a child that does this and ends, with status 0 where it went well."""
    id = os.fork()
    if not id:
        try:
            asyncio.run(work())
            os._exit(0)
        except BaseException:  # noqa: BLE001 - a child that must end here
            traceback.print_exc()
        finally:
            os._exit(7)
    return id
