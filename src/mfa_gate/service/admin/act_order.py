"""The acts that an administrator is offered for an account, the likely ones first.

What the account is in decides: a locked person waits to be unlocked. An act that makes no sense in the state is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ...core.roles import Right
from .actions import ACTIONS, Action
from .documents import AccountDocument

State = Callable[[AccountDocument], bool]

LIKELY: tuple[tuple[State, tuple[str, ...]], ...] = (
    (lambda found: found.asked is not None, ("approve", "withdraw")),
    (lambda found: found.grant is not None, ("confirm", "revoke")),
    (lambda found: found.lock is not None, ("unlock",)),
    (lambda found: found.recovery is not None, ("reset", "ticket", "refuse")),
    (lambda found: not found.authenticators, ("ticket",)),
)
"""The acts that somebody waits for, by the state of the account."""
ORDER = ("unlock", "reset", "end-sessions", "ticket", "lock", "break-glass", "revoke", "refuse", "forget")
"""The order of the others; a row that is not named here comes last."""
SENSELESS: Mapping[str, State] = {
    "lock": lambda found: found.lock is not None,
    "reset": lambda found: found.recovery is not None and found.recovery.is_held,
    "ticket": lambda found: found.recovery is not None and found.recovery.is_held,
}
"""States in which an act changes nothing, or is refused for sure."""


def offered(found: AccountDocument, rights: tuple[Right, ...]) -> tuple[Action, ...]:
    """List the acts that an actor with ``rights`` is offered, in the order of the page."""
    rows = [
        row
        for row in ACTIONS.values()
        if row.right in rights and row.offered(found) and not (row.name in SENSELESS and SENSELESS[row.name](found))
    ]
    wanted = [*_wanted(found), *ORDER]
    return tuple(sorted(rows, key=lambda row: wanted.index(row.name) if row.name in wanted else len(wanted)))


def foremost(found: AccountDocument, rights: tuple[Right, ...]) -> str:
    """Name the one act that matters now, or ""."""
    wanted = _wanted(found)
    return next((row.name for row in offered(found, rights) if row.name in wanted), "")


def _wanted(found: AccountDocument) -> list[str]:
    return [name for is_so, names in LIKELY if is_so(found) for name in names]
