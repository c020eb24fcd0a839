"""What Redis answers, read as it comes in (RESP 2): redis-py waits once for every part of a reply, which costs more than
the reply where hundreds are read a second."""

from __future__ import annotations

import asyncio
from typing import Any

from redis.asyncio.connection import Connection
from redis.exceptions import AskError, MovedError, NoScriptError, ReadOnlyError, ResponseError

Reply = Any
_CHUNK = 65_536
_ERRORS: dict[str, type[ResponseError]] = {
    "NOSCRIPT": NoScriptError,
    "READONLY": ReadOnlyError,
    "MOVED": MovedError,
    "ASK": AskError,
}
_INCOMPLETE = -1


def fields_of(reply: Reply) -> dict[str, str]:
    """The lines of an answer to ``INFO``; none where it is no such answer."""
    if not isinstance(reply, bytes):
        return {}
    return dict(line.split(":", 1) for line in reply.decode(errors="replace").splitlines() if ":" in line)


class Replies:
    """The replies on one connection that signs in and out through redis-py, and is read by nobody else meanwhile."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._bytes = b""
        self._at = 0

    async def next(self) -> Reply:
        """The next reply; an error that Redis answers is a ``ResponseError`` as value. Raises ``ConnectionError`` at the
        end, or where what comes is no reply."""
        while True:
            try:
                reply, end = _read(self._bytes, self._at)
            except ValueError as error:
                raise ConnectionError("what Redis sent is no reply") from error
            if end != _INCOMPLETE:
                self._at = end
                return reply
            await self._more()

    async def _more(self) -> None:
        reader: asyncio.StreamReader | None = self._connection._reader
        chunk = b"" if reader is None else await reader.read(_CHUNK)
        if not chunk:
            raise ConnectionError("Redis closed the connection")
        self._bytes = self._bytes[self._at :] + chunk
        self._at = 0


def _read(text: bytes, at: int) -> tuple[Reply, int]:
    """The reply that begins at ``at`` and where it ends, which is ``_INCOMPLETE`` where more must come first."""
    end = text.find(b"\r\n", at)
    if end < 0:
        return None, _INCOMPLETE
    kind, line, at = text[at : at + 1], text[at + 1 : end], end + 2
    match kind:
        case b"$":
            end = at + int(line)
            if end < at:
                return None, at
            return text[at:end], end + 2 if end + 2 <= len(text) else _INCOMPLETE
        case b":":
            return int(line), at
        case b"+":
            return line, at
        case b"-":
            return _error(line.decode(errors="replace")), at
        case b"*":
            return _read_many(text, at, int(line))
    raise ConnectionError("what Redis sent is no reply")


def _read_many(text: bytes, at: int, count: int) -> tuple[Reply, int]:
    if count < 0:
        return None, at
    found: list[Reply] = []
    for _ in range(count):
        reply, at = _read(text, at)
        if at == _INCOMPLETE:
            return None, _INCOMPLETE
        found.append(reply)
    return found, at


def _error(text: str) -> ResponseError:
    word, _, rest = text.partition(" ")
    made = _ERRORS.get(word)
    return ResponseError(text) if made is None else made(rest)
