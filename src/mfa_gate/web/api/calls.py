"""What one call is: its handler, what its body may have, and how large it may be."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from ...core.reasons import Refusal
from ..forms import MAX_BODY
from ..members import Body, Members
from ..request import PageRequest
from ..responses import Answer

__all__ = ["Body", "Call", "Handler", "named"]

Handler = Callable[[PageRequest, Body, str], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Call:
    """One call: its handler, the members that its body may have with their types, how large the body may be, and its
    summary ("": the first line of the handler's docstring)."""

    handler: Handler
    members: Members
    required: tuple[str, ...] = ()
    limit: int = MAX_BODY
    summary: str = ""


def named(refusal: Refusal, **members: str) -> Refusal:
    """Add the member that is wrong to a refusal whose reason is one of ``members``; one that is named already stays."""
    member = members.get(refusal.reason, "")
    return replace(refusal, member=member) if member and not refusal.member else refusal
