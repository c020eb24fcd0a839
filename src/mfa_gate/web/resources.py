"""The files that come with the package, also out of a zip or a frozen program."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable

__all__ = ["every_text", "folder"]

ROOM = __name__.rpartition(".")[0]


def folder(name: str) -> Traversable:
    """Return a folder of this room, e.g. ``templates``."""
    return files(ROOM).joinpath(name)


def every_text(top: Traversable, below: str = "") -> Iterator[tuple[str, str]]:
    """List every file under ``top``: its path from there, with slashes, and its text."""
    for item in top.iterdir():
        name = f"{below}{item.name}"
        if item.is_dir():
            yield from every_text(item, f"{name}/")
        else:
            yield name, item.read_text("utf-8")
