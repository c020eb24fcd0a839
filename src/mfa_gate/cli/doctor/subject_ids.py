"""Look for people in the store: nobody yet, or one person under two ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...service.maintenance.examination import check_ids
from .verdicts import Line

if TYPE_CHECKING:
    from ...gate import MFAGate

SHOWN = 5


async def people(gate: MFAGate) -> list[Line]:
    """Report if nobody was seen yet, and ids that differ by case. Raises ``StoreUnavailable``."""
    ids = await check_ids(gate.service)
    who = f"identify={gate.web.callers.identify!r}"
    if ids.is_empty:
        text = (
            f"nobody has been seen signed in yet: no account is in the store. If people use the app, {who} looks in the wrong "
            "place, and nobody is asked for a second factor"
        )
        return [Line("note", "identity", text)]
    if not ids.alike:
        return [Line("ok", "identity", f"{who} has found people, and no two ids differ by case alone")]
    more = f" and {len(ids.alike) - SHOWN} more" if len(ids.alike) > SHOWN else ""
    pairs = ", ".join(ids.alike[:SHOWN])
    text = f"ids differ by case alone: {pairs}{more}; where they are one person, fold names (fold=str.casefold)"
    return [Line("warning", "identity", text)]
