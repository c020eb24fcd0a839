"""One door through which bytes come in, with its promise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

FOUND = Path(__file__).parent / "found"
"""The inputs that once broke a promise, a file each, in a folder for each target."""

Check = Callable[[bytes], None]


@dataclass(frozen=True)
class Target:
    """One door.

    ``make`` builds what stands behind it, and returns the check of one input: it raises where a promise is broken.
    ``seeds`` are good inputs, from which all others are made. ``words`` are pieces that are put into inputs.
    ``fresh_every`` is the number of inputs after which everything is built anew. ``quick`` is the number of inputs in the
    default run.
    """

    name: str
    promise: str
    make: Callable[[], Check]
    seeds: Callable[[], tuple[bytes, ...]]
    words: tuple[bytes, ...] = ()
    fresh_every: int = 10_000
    quick: int = 200
    close: Callable[[], None] = field(default=lambda: None)

    @property
    def found(self) -> list[bytes]:
        """Return the inputs that once broke the promise."""
        return [path.read_bytes() for path in sorted((FOUND / self.name).glob("*.bin"))]


def told(error: Exception) -> None:
    """Require that a refusal says something."""
    assert str(error), f"{type(error).__name__} without a word"


def keep(target: Target, data: bytes) -> Path:
    """Write a found input down, and return its file."""
    import hashlib

    folder = FOUND / target.name
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{hashlib.sha256(data).hexdigest()[:12]}.bin"
    path.write_bytes(data)
    return path
