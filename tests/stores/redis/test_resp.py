"""Redis's replies are read whole, in whatever pieces they come.

Bytes that are no reply end the connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from redis.exceptions import AskError, MovedError, NoScriptError, ReadOnlyError, ResponseError

from mfa_gate.core.model import SubjectKey
from mfa_gate.errors import StoreUnavailable
from mfa_gate.stores.redis import RedisStore, resp
from mfa_gate.stores.redis.resp import Replies, fields_of
from mfa_gate.stores.redis.timing import Timing
from mfa_gate.testing.store_suite import enrolled

from .. import servers

SENT = (
    b"+OK\r\n:-7\r\n$5\r\na\r\nbc\r\n$-1\r\n$0\r\n\r\n*-1\r\n*0\r\n*3\r\n$7\r\nmessage\r\n*2\r\n:1\r\n$-1\r\n-ERR no\r\n"
    b"-NOSCRIPT No matching script\r\n-MOVED 3999 127.0.0.1:6381\r\n-READONLY You can't\r\n-ASK 1 127.0.0.1:1\r\n"
)


def replies_of(sent: bytes, size: int) -> Replies:
    """Over a connection on which ``sent`` comes in pieces of ``size`` bytes, and then the end."""
    pieces = [sent[at : at + size] for at in range(0, len(sent), size)] + [b""]

    async def read(_: int) -> bytes:
        return pieces.pop(0)

    connection: Any = SimpleNamespace(_reader=SimpleNamespace(read=read, _buffer=b""))
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


@pytest.mark.parametrize(
    "sent",
    [
        *(b"", b"$5\r\nab", b"*2\r\n:1\r\n", b"hello\r\n", b"$five\r\n", b":\r\n"),
        *(b"*1\r\n" * 5_000 + b":1\r\n", b"*1\r\n" * 17 + b":1\r\n"),
        *(
            b"$3\r\nabcde\r\n",
            b"$-2\r\n",
            b"$1_0\r\n0123456789\r\n",
            b"$ 1\r\na\r\n",
            b":1.5\r\n",
            b":+1\r\n",
            b"*-2\r\n",
        ),
        *(b"$99999999999\r\n", b"*99999999999\r\n", b":" + b"9" * 5_000 + b"\r\n"),
        *(b">2\r\n+a\r\n+b\r\n", b"%1\r\n+a\r\n+b\r\n", b"_\r\n", b"#t\r\n", b",1.5\r\n"),
    ],
)
def test_no_reply(sent: bytes) -> None:
    """A connection that ends within a reply, or speaks another protocol, is a fault.

    It never gives an answer.
    """
    with pytest.raises(ConnectionError):
        asyncio.run(replies_of(sent, 4096).next())


@pytest.mark.parametrize("text", ["MOVED", "MOVED x", "ASK 1", "MOVED 1 one two", "MOVED 3999 :6381", "-", ""])
def test_errors_that_say_little(text: str) -> None:
    """An error that cannot be taken apart is an error all the same."""
    reply = asyncio.run(replies_of(f"-{text}\r\n".encode(), 4096).next())
    assert isinstance(reply, ResponseError)


def test_what_nobody_asked_for() -> None:
    """Bytes beyond the reply, and the end, are seen before the next question is put."""

    async def look() -> list[bool]:
        connection: Any = SimpleNamespace(_reader=asyncio.StreamReader())
        connection._reader.feed_data(b"+OK\r\n+OK\r\n")
        replies = Replies(connection)
        seen = []
        for _ in range(2):
            await replies.next()
            seen.append(replies.has_news)
        connection._reader.feed_eof()
        return [*seen, replies.has_news]

    assert asyncio.run(look()) == [True, False, True]


ODD = {
    "nested": b"*1\r\n" * 5_000 + b":1\r\n",
    "push": b">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nb\r\n",
    "one too many": b"+OK\r\n",
    "truncated": b"$100\r\nab",
    "huge": b"$999999999999\r\n",
    "noise": b"\x00\xff\r\n" * 50,
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
async def test_odd_replies_break_nothing_for_good(tmp_path: Path, odd: bytes) -> None:
    """Nobody gets another call's answer, whatever bytes come between the replies.

    S-117. The bytes come between, before or behind the replies. Later calls are answered as if nothing had
    happened.
    """
    with servers.single(tmp_path, "--appendonly", "yes") as server, Between(server.port) as between:
        store = RedisStore(f"redis://127.0.0.1:{between.port}", timing=Timing(connect_within=5.0, start_within=15.0))
        await store.open()
        keys = [SubjectKey("clinic", f"u{n}") for n in range(8)]
        for key in keys:
            assert await store.swap(enrolled(key, name=key.id))
        for _ in range(3):
            between.odd = odd
            for _ in range(4):
                found = await asyncio.gather(*(store.load(key) for key in keys), return_exceptions=True)
                for key, account in zip(keys, found, strict=True):
                    assert isinstance(account, StoreUnavailable) or getattr(account, "name", "") == key.id
                await asyncio.sleep(0.02)
            until = time.monotonic() + 5
            while True:
                found = await asyncio.gather(*(store.load(key) for key in keys), return_exceptions=True)
                if [getattr(account, "name", "") for account in found] == [key.id for key in keys]:
                    break
                assert time.monotonic() < until
                await asyncio.sleep(0.05)
        await store.aclose()


class Between:
    """A relay to the server and back that once says ``odd`` before the next reply."""

    def __init__(self, port: int) -> None:
        self.odd = b""
        self._server = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Between:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._server))
                for source, target, back in ((near, far, False), (far, near, True)):
                    threading.Thread(target=self._carry, args=(source, target, back), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, back: bool) -> None:
        with contextlib.suppress(OSError), source, target:
            while piece := source.recv(65_536):
                if back and self.odd and b"message" not in piece and b"pong" not in piece:
                    piece, self.odd = self.odd + piece, b""
                target.sendall(piece)


@pytest.mark.parametrize("reply", [None, 7, [b"a:b"], ResponseError("x")])
def test_an_answer_without_lines(reply: object) -> None:
    """It has no facts; a line without a colon is none, and a value may have one."""
    assert fields_of(reply) == {}
    assert fields_of(b"# Server\r\na:1\r\nnothing\r\nb:2:3\r\n:\xff") == {"a": "1", "b": "2:3", "": "\ufffd"}


def test_more_bytes_than_any_reply_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that sends without end fills no memory; a reply of just so many bytes is read."""
    sent = b"$20\r\n" + b"x" * 20 + b"\r\n"
    monkeypatch.setattr(resp, "_LARGEST", len(sent))
    assert asyncio.run(replies_of(sent, 3).next()) == b"x" * 20
    monkeypatch.setattr(resp, "_LARGEST", len(sent) - 1)
    with pytest.raises(ConnectionError, match="more bytes than any reply has"):
        asyncio.run(replies_of(sent, 3).next())


@pytest.mark.parametrize(("size", "is_read"), [(20, True), (21, False)])
def test_bounds_of_a_reply(monkeypatch: pytest.MonkeyPatch, size: int, is_read: bool) -> None:
    """Of a text, of a list, of a number, and of lists in lists."""
    monkeypatch.setattr(resp, "_LARGEST", 20)
    for sent in (b"$%d\r\n" % size, b"*%d\r\n" % size):
        if is_read:
            assert resp._read(sent, 0, 0) == (None, -1)
        else:
            with pytest.raises(ConnectionError, match="no reply of Redis"):
                resp._read(sent, 0, 0)
    digits, nested = b"9" * size, b"*1\r\n" * (size - 4) + b":1\r\n"
    if is_read:
        assert resp._read(b":" + digits + b"\r\n", 0, 0) == (int(digits), size + 3)
        assert resp._read(nested, 0, 0)[1] == len(nested)
    else:
        for sent in (b":" + digits + b"\r\n", nested):
            with pytest.raises(ConnectionError, match="no reply of Redis"):
                resp._read(sent, 0, 0)
