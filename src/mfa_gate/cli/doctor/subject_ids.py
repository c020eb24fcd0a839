"""Look for people in the store: nobody yet, or one person under two ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.model import SubjectKey
from .verdicts import Line

if TYPE_CHECKING:
    from ...gate import MFAGate
    from ...storage import Store

MOST = 200_000
"""The most accounts that are examined."""
SHOWN = 5


async def people(gate: MFAGate, store: Store) -> list[Line]:
    """Report if nobody was seen yet, and ids that differ by case. Raises ``StoreUnavailable``."""
    seen: dict[tuple[str, str], SubjectKey] = {}
    alike: list[str] = []
    after: SubjectKey | None = None
    while len(seen) < MOST:
        keys = await store.keys(after=after)
        if not keys:
            break
        for key in keys:
            known = seen.setdefault((key.tenant, key.id.casefold()), key)
            if known != key:
                alike.append(f"{known} and {key}")
        after = keys[-1]
    who = f"identify={gate.web.callers.identify!r}"
    if not seen:
        text = (
            f"nobody has been seen signed in yet: no account is in the store. If people use the app, {who} looks in the wrong "
            "place, and nobody is asked for a second factor"
        )
        return [Line("note", "identity", text)]
    if not alike:
        return [Line("ok", "identity", f"{who} has found people, and no two ids differ by case alone")]
    more = f" and {len(alike) - SHOWN} more" if len(alike) > SHOWN else ""
    pairs = ", ".join(alike[:SHOWN])
    text = f"ids differ by case alone: {pairs}{more}; where they are one person, fold names (fold=str.casefold)"
    return [Line("warning", "identity", text)]
