"""Make new inputs out of good ones."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

WORDS = (
    b"\0", b"\r\n", b"\n", b"\x7f", b"\x80", b"\xff", b"\xfe\xff", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xe2\x80\xae",
    "\u0661".encode(), "\uff11".encode(), b"-1", b"0", b"1e999", b"-0", b"NaN", b"Infinity", b"1" * 400,
    b"9223372036854775808", b"null", b"true", b"{}", b"[]", b'""', b'"', b"'", b"\\", b"\\u0000", b"\\ud800", b"%", b"%00",
    b"%0d%0a", b"%ff", b"..", b"../", b"//", b";", b",", b"=", b"&", b"{", b"}", b"[" * 60, b'{"a":' * 60, b"<", b"{{",
    b"a" * 300, b"\xc3\xa9" * 40, b" ", b"\t",
)  # fmt: skip
"""Pieces that readers of text stumble over."""


class Mutator:
    """A source of inputs near the seeds. ``seed`` makes it the same each time."""

    def __init__(self, seeds: Sequence[bytes], words: Sequence[bytes], seed: int | str) -> None:
        self.random = random.Random(f"{seed}")
        self.pool = list(seeds)
        self.words = (*WORDS, *words)
        self.ways: tuple[Callable[[bytearray], None], ...] = (
            self._flip, self._byte, self._word, self._word, self._cut, self._double, self._splice,
            self._swap, self._number, self._over,
        )  # fmt: skip

    def next(self) -> bytes:
        """Return one more input: a seed, changed one to six times."""
        data = bytearray(self.random.choice(self.pool))
        for _ in range(self.random.choice((1, 1, 1, 2, 2, 3, 6))):
            self.random.choice(self.ways)(data)
        return bytes(data[:70_000])

    def _at(self, data: bytearray) -> int:
        return self.random.randrange(len(data) + 1)

    def _span(self, data: bytearray) -> slice:
        start = self._at(data)
        return slice(start, start + self.random.choice((1, 1, 2, 4, 8, 16, 64)))

    def _flip(self, data: bytearray) -> None:
        if data:
            data[self.random.randrange(len(data))] ^= 1 << self.random.randrange(8)

    def _byte(self, data: bytearray) -> None:
        if data:
            data[self.random.randrange(len(data))] = self.random.randrange(256)

    def _word(self, data: bytearray) -> None:
        at = self._at(data)
        data[at:at] = self.random.choice(self.words)

    def _over(self, data: bytearray) -> None:
        """Put a piece in the place of what stands there."""
        data[self._span(data)] = self.random.choice(self.words)

    def _cut(self, data: bytearray) -> None:
        if self.random.random() < 0.2:
            del data[self._at(data) :]
        else:
            del data[self._span(data)]

    def _double(self, data: bytearray) -> None:
        piece = data[self._span(data)]
        at = self._at(data)
        data[at:at] = piece * self.random.choice((1, 2, 30))

    def _splice(self, data: bytearray) -> None:
        """Put a piece of another seed in."""
        other = self.random.choice(self.pool)
        start = self.random.randrange(len(other) + 1)
        data[self._span(data)] = other[start : start + self.random.choice((4, 16, 64, 400))]

    def _swap(self, data: bytearray) -> None:
        one, two = self._span(data), self._span(data)
        data[one], data[two] = data[two], data[one]

    def _number(self, data: bytearray) -> None:
        """Change a digit, or another byte by one."""
        places = [at for at, byte in enumerate(data) if 48 <= byte <= 57] or list(range(len(data)))
        if places:
            at = self.random.choice(places)
            data[at] = (data[at] + self.random.choice((-1, 1, 5))) % 256
