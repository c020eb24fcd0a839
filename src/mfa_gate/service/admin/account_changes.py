"""The means of acts on an account: a change that releases claims, and a fresh ticket."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ...core.changes import Change
from ...core.model import Account, SubjectKey
from ...factors.codes import ALPHABET
from ..accounts import Engine

A = TypeVar("A")

TICKET_CHARS = 26


def draw_ticket(engine: Engine, key: SubjectKey) -> tuple[str, str]:
    """Draw an enrollment ticket of 130 bits.

    Returns its text in groups of five, and its digest.
    """
    raw = engine.wiring.entropy(TICKET_CHARS)
    text = "".join(ALPHABET[byte % len(ALPHABET)] for byte in raw)
    digest = engine.keyring.digest("ticket", key.tenant, key.id, text)
    return "-".join(text[at : at + 5] for at in range(0, len(text), 5)), digest


async def change_and_release(engine: Engine, key: SubjectKey, step: Callable[[Account], Change[A]]) -> Change[A]:
    """Change an account, then release the claims of the authenticators that it no longer has.

    Returns the change that the step made. Raises as ``Engine.change``.
    """
    gone: set[str] = set()
    made: list[Change[A]] = []

    def noting(account: Account) -> Change[A]:
        change = step(account)
        gone.clear()
        gone.update(_claims(account) - _claims(change.account))
        made[:] = [change]
        return change

    await engine.change(key, noting)
    for claim in sorted(gone):
        await engine.store.release(claim, key)
    return made[0]


def _claims(account: Account) -> set[str]:
    return {str(a.data["claim"]) for a in account.authenticators if "claim" in a.data}
