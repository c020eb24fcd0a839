"""Redis's replies are read whole, in whatever pieces they come, and what is no reply ends the connection."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from redis.exceptions import AskError, MovedError, NoScriptError, ReadOnlyError, ResponseError

from mfa_gate.stores.redis.resp import Replies

SENT = (
    b"+OK\r\n:-7\r\n$5\r\na\r\nbc\r\n$-1\r\n$0\r\n\r\n*-1\r\n*0\r\n*3\r\n$7\r\nmessage\r\n*2\r\n:1\r\n$-1\r\n-ERR no\r\n"
    b"-NOSCRIPT No matching script\r\n-MOVED 3999 127.0.0.1:6381\r\n-READONLY You can't\r\n-ASK 1 127.0.0.1:1\r\n"
)


def replies_of(sent: bytes, size: int) -> Replies:
    """Over a connection on which ``sent`` comes in pieces of ``size`` bytes, and then the end."""
    pieces = [sent[at : at + size] for at in range(0, len(sent), size)] + [b""]

    async def read(_: int) -> bytes:
        return pieces.pop(0)

    connection: Any = SimpleNamespace(_reader=SimpleNamespace(read=read))
    return Replies(connection)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 4096])
def test_in_pieces(size: int) -> None:
    """Every kind of reply comes out the same, wherever the network cut it."""

    async def read_all() -> list[Any]:
        replies = replies_of(SENT, size)
        return [await replies.next() for _ in range(12)]

    found = asyncio.run(read_all())
    assert found[:7] == [b"OK", -7, b"a\r\nbc", None, b"", None, []]
    assert found[7][:2] == [b"message", [1, None]]
    assert type(found[7][2]) is ResponseError
    assert str(found[7][2]) == "ERR no"
    assert [type(reply) for reply in found[8:]] == [NoScriptError, MovedError, ReadOnlyError, AskError]


@pytest.mark.parametrize("sent", [b"", b"$5\r\nab", b"*2\r\n:1\r\n", b"hello\r\n", b"$five\r\n", b":\r\n"])
def test_no_reply(sent: bytes) -> None:
    """A connection that ends within a reply, or speaks otherwise, is a fault and never an answer."""
    with pytest.raises(ConnectionError):
        asyncio.run(replies_of(sent, 4096).next())
