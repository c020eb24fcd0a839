"""What one call is: its handler, what its body may have, and how large it may be."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..forms import MAX_BODY
from ..request import PageRequest
from ..responses import Answer

Body = dict[str, Any]
Handler = Callable[[PageRequest, Body, str], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Call:
    """One call: its handler, the members that its body may have with their types, how large the body may be, and its
    summary ("": the first line of the handler's docstring)."""

    handler: Handler
    members: Mapping[str, tuple[type, ...]]
    required: tuple[str, ...] = ()
    limit: int = MAX_BODY
    summary: str = ""


TEXT = (str,)
"""What a member that is text may be."""
