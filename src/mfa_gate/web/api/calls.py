"""The description of one call: its handler, the members of its body, its size limit."""

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
    """One call of the JSON API.

    It has its handler, and the members that its body may have, with their types. ``limit`` is the largest body in
    bytes. A ``summary`` of "" stands for the first line of the handler's docstring.
    """

    handler: Handler
    members: Mapping[str, tuple[type, ...]]
    required: tuple[str, ...] = ()
    limit: int = MAX_BODY
    summary: str = ""


TEXT = (str,)
"""Types of a member that is text."""
