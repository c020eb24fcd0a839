"""A server in this process that speaks Redis's protocol.

It gives the answers that a test wants.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

Answer = object
Answers = Callable[[list[str]], Answer]
HANG = object()
"""The answer of a server that says nothing any more."""
END = object()
"""The answer of a server that ends the connection."""


class Spoken:
    """Answers each command.

    ``heard`` has the commands, ``connections`` the number of those who came.
    """

    def __init__(self, answers: Answers) -> None:
        self.answers = answers
        self.heard: list[list[str]] = []
        self.connections = 0
        self.port = 0
        self.is_plain = False
        """The test answers to everything but the sign-in."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read a command, answer it, until the other side is gone."""
        self.connections += 1
        with contextlib.suppress(OSError, asyncio.IncompleteReadError), contextlib.closing(writer):
            while line := await reader.readline():
                words = []
                for _ in range(int(line[1:])):
                    size = int((await reader.readline())[1:])
                    words.append((await reader.readexactly(size + 2))[:-2].decode())
                self.heard.append(words)
                answer = self._usual(words)
                if answer is HANG:
                    await asyncio.sleep(60)
                if answer is END:
                    break
                writer.write(said(answer))

    def _usual(self, words: list[str]) -> Answer:
        match words:
            case ["CLIENT", *_]:
                return None
            case ["ECHO", text] if not self.is_plain:
                return text
            case ["INFO", "replication"] if not self.is_plain:
                return "role:master\r\n"
            case ["SELECT", *_] if not self.is_plain:
                return None
        return self.answers(words)

    def asked(self, name: str) -> list[list[str]]:
        """Return the commands of one name, in their order."""
        return [words for words in self.heard if words[0] == name]


def said(answer: Answer) -> bytes:
    """Write an answer: text, a number, nothing, a list, or an error."""
    match answer:
        case Exception():
            return f"-{answer}\r\n".encode()
        case None:
            return b"$-1\r\n"
        case int():
            return b":%d\r\n" % answer
        case list():
            return b"*%d\r\n" % len(answer) + b"".join(said(one) for one in answer)
    raw = str(answer).encode()
    return b"$%d\r\n%b\r\n" % (len(raw), raw)


@contextlib.asynccontextmanager
async def spoken(*answers: Answers) -> AsyncIterator[list[Spoken]]:
    """Run a server for each of ``answers``."""
    made = [Spoken(one) for one in answers]
    tasks = set[asyncio.Task[None]]()

    def accept(one: Spoken) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]:
        def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            tasks.add(asyncio.ensure_future(one.serve(reader, writer)))

        return serve

    servers = [await asyncio.start_server(accept(one), "127.0.0.1", 0) for one in made]
    for one, server in zip(made, servers, strict=True):
        one.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        for server in servers:
            server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # the loop closes what was closed
