"""Replies of a Redis server, or of something else at its address."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from mfa_gate.stores.redis.resp import Replies, fields_of

from ..target import Check, Target

SENT = (
    b"+OK\r\n:-7\r\n$5\r\na\r\nbc\r\n$-1\r\n$0\r\n\r\n*-1\r\n*0\r\n*3\r\n$7\r\nmessage\r\n*2\r\n:1\r\n$-1\r\n-ERR no\r\n",
    b"-NOSCRIPT No matching script\r\n-MOVED 3999 127.0.0.1:6381\r\n-READONLY You can't\r\n-ASK 1 127.0.0.1:1\r\n",
    b"$30\r\nredis_version:7.0.15\r\nrole:x\r\n\r\n*2\r\n*2\r\n:1\r\n$1\r\na\r\n*0\r\n",
)


def made() -> Check:
    """Make the check."""

    async def read(data: bytes) -> None:
        half = len(data) // 2
        pieces = [data[:half], data[half:], b""]

        async def more(_: int) -> bytes:
            while pieces:
                if (piece := pieces.pop(0)) or not pieces:
                    return piece
            return b""

        connection: Any = SimpleNamespace(_reader=SimpleNamespace(read=more, _buffer=b""))
        replies = Replies(connection)
        try:
            while True:
                fields_of(await replies.next())
        except ConnectionError:
            pass

    return lambda data: asyncio.run(read(data))


WORDS = (
    b"*",
    b"$",
    b":",
    b"-",
    b"+",
    b"\r\n",
    b"-MOVED ",
    b"-ASK ",
    b"*1\r\n" * 20,
    b"$67108864\r\n",
    b"*67108864\r\n",
)
TARGET = Target(
    "redis-replies", "bytes are replies, or the connection is given up", made, lambda: SENT, WORDS, quick=150
)
