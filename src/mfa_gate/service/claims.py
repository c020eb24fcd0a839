"""Changes that release names which belong to one account only (a passkey's credential id)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ..core.changes import Change
from ..core.model import Account, SubjectKey
from .accounts import Engine

A = TypeVar("A")


async def change_and_release(
    engine: Engine, key: SubjectKey, step: Callable[[Account], Change[A]]
) -> tuple[A, Account]:
    """Change an account, then release the claims of the authenticators that it no longer has.

    Returns the answer of the step, and the account as the step made it. Raises as ``Engine.change``.
    """
    gone: set[str] = set()
    after: list[Account] = []

    def noting(account: Account) -> Change[A]:
        change = step(account)
        gone.clear()
        gone.update(_claims(account) - _claims(change.account))
        after[:] = [change.account]
        return change

    answer = await engine.change(key, noting)
    for claim in sorted(gone):
        await engine.store.release(claim, key)
    return answer, after[0]


def _claims(account: Account) -> set[str]:
    return {str(a.data["claim"]) for a in account.authenticators if "claim" in a.data}
