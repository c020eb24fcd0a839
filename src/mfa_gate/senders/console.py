"""A sender for development that shows messages and sends none (D-16).

It refuses to start in production.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TextIO

from ..errors import SettingsError
from ..ports import Message

DECIDING = "MFA_GATE_ENV"
NAMES = (
    "ENV",
    "APP_ENV",
    "ENVIRONMENT",
    "APP_ENVIRONMENT",
    "PYTHON_ENV",
    "STARLETTE_ENV",
    "FASTAPI_ENV",
    "FLASK_ENV",
    "DJANGO_ENV",
    "NODE_ENV",
    "RAILS_ENV",
    "DEPLOY_ENV",
)
PRODUCTION = frozenset({"production", "prod", "live", "prd"})


def production_sign(environ: Mapping[str, str]) -> str:
    """Return the variable that says "production", as ``NAME=value``, or "".

    If ``MFA_GATE_ENV`` is set, it alone decides.
    """
    names = (DECIDING,) if environ.get(DECIDING, "").strip() else NAMES
    for name in names:
        if environ.get(name, "").strip().lower() in PRODUCTION:
            return f"{name}={environ[name]}"
    return ""


class ConsoleSender:
    """A sender that writes each message, with its code, to ``stream`` (default: stderr).

    For development only. Raises ``SettingsError`` if the environment looks like production, unless ``allow_in_production``.
    """

    def __init__(
        self,
        stream: TextIO | None = None,
        *,
        allow_in_production: bool = False,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        sign = production_sign(os.environ if environ is None else environ)
        if sign and not allow_in_production:
            raise SettingsError(
                f"ConsoleSender prints codes, and this looks like production ({sign}): configure a real sender, "
                f"set {DECIDING}=development, or pass allow_in_production=True"
            )
        self._stream = stream

    def __repr__(self) -> str:
        return "ConsoleSender()"

    async def send(self, message: Message) -> None:
        """Write the message in a frame."""
        lines = [f"── {message.channel} to {_visible(message.to)} ({_visible(message.tenant)})"]
        if message.subject:
            lines.append(f"   {_visible(message.subject)}")
        lines.extend(f"   {_visible(line)}" for line in message.text.splitlines())
        if message.callback:
            lines.append(f"   callback {_visible(message.callback)}")
        if message.code:
            lines.append(f"   code {_visible(message.code)}")
        stream = self._stream or sys.stderr
        encoding = getattr(stream, "encoding", None) or "utf-8"  # a stream in memory has no encoding
        text = "\n".join(lines) + "\n"
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()

    async def aclose(self) -> None:
        """Do nothing: no connection is held."""

    async def check(self) -> str:
        """Return "": a stream is always there."""
        return ""


def _visible(text: str) -> str:
    """Replace characters that a terminal would obey."""
    return "".join(char if char.isprintable() else "�" for char in text)
