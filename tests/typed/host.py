"""Code as a host writes it: the public API is typed precisely. Requirement V-32.

The checkers find nothing here; ``tests/host_mistakes.py`` has what they must find.
"""

from __future__ import annotations

from typing import assert_type

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from mfa_gate import Message, Senders, Status, require_proof


@require_proof("5m")
async def payout(request: Request, amount: int) -> Response:
    """The decorator keeps the endpoint's arguments."""
    return Response()


@require_proof("5m")
def plain(request: Request) -> int:
    """A plain function becomes an async one."""
    return 1


async def use(connection: HTTPConnection, request: Request, status: Status) -> None:
    """The state is one of a few words."""
    assert_type(await payout(request, 3), Response)
    assert_type(await plain(request), int)
    await require_proof("5m")(connection)
    if status.state == "verified":
        pass


class Mine:
    """A sender needs ``send`` alone."""

    async def send(self, message: Message, /) -> None:
        """Send nothing."""


Senders(email=Mine())
