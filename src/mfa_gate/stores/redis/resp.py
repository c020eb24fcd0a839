"""A reader of Redis' replies (RESP 2) that parses them as bytes arrive.

redis-py waits once for every part of a reply. With hundreds of replies a second that costs more than the replies.
"""

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
_NONE = -1
_DIGITS = 20
_DEEPEST = 16
"""The most levels of nested arrays. Our scripts answer with two."""
_LARGEST = 64 * 2**20
_NO_REPLY = "the server sent bytes that are no reply of Redis: is another service at this address?"


def fields_of(reply: Reply) -> dict[str, str]:
    """Read the lines of an answer to ``INFO``; an empty dict for any other reply."""
    if not isinstance(reply, bytes):
        return {}
    return dict(line.split(":", 1) for line in reply.decode(errors="replace").splitlines() if ":" in line)


class Replies:
    """The replies on one connection.

    The connection signs in and closes through redis-py. Nothing else may read from it.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._bytes = b""
        self._at = 0

    async def next(self) -> Reply:
        """Return the next reply. An error that Redis answers is returned as a ``ResponseError``.

        Raises ``ConnectionError`` at the end, or on bytes that are no reply. The connection must be given up then: later
        replies could not be told apart.
        """
        while True:
            reply, end = _read(self._bytes, self._at, 0)
            if end != _INCOMPLETE:
                self._at = end
                return reply
            await self._more()

    @property
    def has_news(self) -> bool:
        """Tell whether unexpected bytes have arrived, or the server has ended the connection."""
        reader: asyncio.StreamReader | None = self._connection._reader
        if reader is None:
            return self._at < len(self._bytes)
        return self._at < len(self._bytes) or bool(reader._buffer) or reader.at_eof()  # type: ignore[attr-defined]

    async def _more(self) -> None:
        reader: asyncio.StreamReader | None = self._connection._reader
        chunk = b"" if reader is None else await reader.read(_CHUNK)
        if not chunk:
            raise ConnectionError("Redis closed the connection")
        self._bytes = self._bytes[self._at :] + chunk
        self._at = 0
        if len(self._bytes) > _LARGEST:
            raise ConnectionError("Redis sent more bytes than any reply has")


def _read(text: bytes, at: int, depth: int) -> tuple[Reply, int]:
    """Read the reply that begins at ``at``. Returns it, and the place where it ends.

    The place is ``_INCOMPLETE`` if the rest of the reply has not arrived yet.
    """
    end = text.find(b"\r\n", at)
    if end < 0:
        return None, _INCOMPLETE
    kind, line, at = text[at : at + 1], text[at + 1 : end], end + 2
    match kind:
        case b"$":
            return _read_bulk(text, at, _whole(line))
        case b":":
            return _whole(line), at
        case b"+":
            return line, at
        case b"-":
            return _error(line.decode(errors="replace")), at
        case b"*" if depth < _DEEPEST:
            return _read_many(text, at, _whole(line), depth + 1)
    raise ConnectionError(_NO_REPLY)


def _read_bulk(text: bytes, at: int, size: int) -> tuple[Reply, int]:
    end = at + size
    if size == _NONE:
        return None, at
    if not 0 <= size <= _LARGEST:
        raise ConnectionError(_NO_REPLY)
    if end + 2 > len(text):
        return None, _INCOMPLETE
    if text[end : end + 2] != b"\r\n":
        raise ConnectionError(_NO_REPLY)
    return text[at:end], end + 2


def _read_many(text: bytes, at: int, count: int, depth: int) -> tuple[Reply, int]:
    if count == _NONE:
        return None, at
    if not 0 <= count <= _LARGEST:
        raise ConnectionError(_NO_REPLY)
    found: list[Reply] = []
    for _ in range(count):
        reply, at = _read(text, at, depth)
        if at == _INCOMPLETE:
            return None, _INCOMPLETE
        found.append(reply)
    return found, at


def _whole(line: bytes) -> int:
    if not line.removeprefix(b"-").isdigit() or len(line) > _DIGITS:
        raise ConnectionError(_NO_REPLY)
    return int(line)


def _error(text: str) -> ResponseError:
    word, _, rest = text.partition(" ")
    made = _ERRORS.get(word)
    try:
        return ResponseError(text) if made is None else made(rest)
    except ValueError:  # the text names no slot and server
        return ResponseError(text)
