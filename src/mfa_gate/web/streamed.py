"""Make the answers that are too long to be held in memory: files to download, long lists."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import ClassVar
from urllib.parse import quote

from ..service.turns import Turns
from .responses import NO_STORE, Answer, Header
from .types import Scope, Send


class Streamed(Answer):
    """An answer whose body comes in pieces.

    The first piece is made before the head is sent, so a fault until then is answered as any other. A later one cuts
    the answer off: the caller sees that it is not whole.
    """

    __slots__ = ("pieces",)

    pauses: ClassVar[bool] = True
    """Between two pieces, other requests have their turn."""

    def __init__(self, pieces: AsyncIterator[str], *, media: str, file: str = "") -> None:
        super().__init__(200)
        self.pieces = pieces
        shown: list[Header] = []
        if file:
            disposition = f"attachment; filename*=UTF-8''{quote(file, safe='')}"
            shown = [(b"content-disposition", disposition.encode()), (b"x-content-type-options", b"nosniff")]
        self.headers = [*NO_STORE, *shown, (b"content-type", media.encode())]

    async def begin(self) -> None:
        """Make the first piece."""
        first = await anext(self.pieces, "")
        rest = self.pieces

        async def whole() -> AsyncIterator[str]:
            yield first
            async for piece in rest:
                yield piece

        self.pieces = whole()

    async def send(self, scope: Scope, send: Send) -> None:
        """Send it piece by piece; to HEAD without the body."""
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers_for(scope)})
        if scope["method"] != "HEAD":
            turns = Turns()
            async for piece in self.pieces:
                await send({"type": "http.response.body", "body": piece.encode(), "more_body": True})
                if self.pauses:
                    await turns.give()
        await send({"type": "http.response.body", "body": b""})


class StreamedPage(Streamed):
    """A page of ours whose middle comes in pieces, while the work that it tells of goes on.

    ``shell`` is the whole page without them, ``at`` the mark in it where they go. The work itself pauses for others.
    """

    __slots__ = ()

    pauses = False

    def __init__(self, shell: Answer, middle: AsyncIterator[str], *, at: str) -> None:
        head, _, tail = shell.body.decode().partition(at)

        async def whole() -> AsyncIterator[str]:
            yield head
            async for piece in middle:
                yield piece
            yield tail

        super().__init__(whole(), media="")
        self.headers = [item for item in shell.headers if item[0] != b"content-length"]
