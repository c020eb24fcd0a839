"""The public API is typed precisely.

mypy checks code that a host would write, as a host's own code.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

GOOD = """

from typing import assert_type

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from mfa_gate import MFAGate, Message, Senders, Status, require_proof


@require_proof("5m")
async def payout(request: Request, amount: int) -> Response:
    return Response()


@require_proof("5m")
def plain(request: Request) -> int:
    return 1


async def use(connection: HTTPConnection, request: Request, status: Status) -> None:
    assert_type(await payout(request, 3), Response)
    assert_type(await plain(request), int)
    await require_proof("5m")(connection)
    if status.state == "verified":
        pass


class Mine:
    async def send(self, message: Message, /) -> None:
        pass


Senders(email=Mine())
"""
BAD = """
from starlette.requests import Request
from starlette.responses import Response

from mfa_gate import MFAGatee, Status, require_proof


@require_proof("5m")
async def payout(request: Request, amount: int) -> Response:
    return Response()


async def use(request: Request, status: Status) -> None:
    await payout(request, "three")
    if status.state == "verifyed":
        pass
"""


def checked(folder: Path, text: str) -> str:
    """Return the words of mypy, in strict mode, about a host's file."""
    file = folder / "host.py"
    file.write_text(text)
    options = ["--strict", "--strict-equality", "--config-file", "", "--cache-dir", str(folder / "cache")]
    ran = subprocess.run([sys.executable, "-m", "mypy", *options, str(file)], capture_output=True, text=True)
    return ran.stdout


def test_types(tmp_path: Path) -> None:
    """The decorator keeps the endpoint's arguments, and the state is a Literal.

    A sender needs ``send`` alone. Requirement V-32.
    """
    assert "Success" in checked(tmp_path, GOOD)
    wrong = checked(tmp_path, BAD)
    assert 'has incompatible type "str"; expected "int"' in wrong
    assert "Non-overlapping equality check" in wrong
    assert 'has no attribute "MFAGatee"' in wrong
