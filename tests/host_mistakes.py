"""Mistakes of a host that mypy must find. Requirement V-32.

mypy reads this with all other files, in strict mode: an ``ignore`` that ignores nothing is an error itself.
"""

from __future__ import annotations

from starlette.requests import Request

import mfa_gate
from mfa_gate import Status
from tests.typed.host import payout


async def misuse(request: Request, status: Status) -> None:
    """Another type of an argument, a word that is no state, a name that does not exist."""
    await payout(request, "three")  # type: ignore[arg-type]
    if status.state == "verifyed":  # type: ignore[comparison-overlap]
        pass
    mfa_gate.MFAGatee  # type: ignore[attr-defined]  # noqa: B018
