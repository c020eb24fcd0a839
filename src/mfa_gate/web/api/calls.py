"""The description of one call: its handler, the members of its body, its size limit."""

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
    """One call of the JSON API.

    It has its handler, and the members that its body may have, with their types. ``limit`` is the largest body in
    bytes. A ``summary`` of "" stands for the first line of the handler's docstring. ``part`` is the member that stands in
    the address, behind the account. A DELETE with members takes them from a body, or from the query.
    """

    handler: Handler
    members: Members
    required: tuple[str, ...] = ()
    limit: int = MAX_BODY
    summary: str = ""
    part: str = ""


def named(refusal: Refusal, **members: str) -> Refusal:
    """Add the member that is wrong to a refusal whose reason is one of ``members``.

    A member that is named already stays.
    """
    member = members.get(refusal.reason, "")
    return replace(refusal, member=member) if member and not refusal.member else refusal
