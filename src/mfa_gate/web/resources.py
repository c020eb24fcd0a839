"""The files of the package, also out of a zip or a frozen program; folders of the host."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from ..errors import SettingsError

__all__ = ["FOLDERS", "every_text", "folder", "host_folder"]

ROOM = __name__.rpartition(".")[0]

FOLDERS = ("locale", "static", "templates")
"""The folders that pages are made of."""


def folder(name: str) -> Traversable:
    """Return a folder of this room, e.g. ``templates``.

    Raises ``SettingsError`` if it is missing, as in a frozen program that was built without our data files.
    """
    found = files(ROOM).joinpath(name)
    if not found.is_dir():
        raise SettingsError(
            f"mfa_gate was installed without its folder {ROOM.replace('.', '/')}/{name}: install the package again; a tool "
            "that freezes programs must be told to take its data files along (PyInstaller: --collect-data mfa_gate)"
        )
    return found


def every_text(top: Traversable, below: str = "") -> Iterator[tuple[str, str]]:
    """List every file under ``top``: its path from there, with slashes, and its text."""
    for item in top.iterdir():
        name = f"{below}{item.name}"
        if item.is_dir():
            yield from every_text(item, f"{name}/")
        else:
            yield name, item.read_text("utf-8")


def host_folder(argument: str, given: object, example: str) -> tuple[Path | None, list[str]]:
    """Find the folder that the host gives as ``argument``. None and "" are none.

    Returns it, and the faults of a value that is no folder. ``example`` is a name for the fault.
    """
    if given is None or given == "":
        return None, []
    if not isinstance(given, (str, os.PathLike)):
        return None, [f'{argument}={given!r}: must be the path of a folder, e.g. "{example}"']
    top = Path(given)
    if top.is_dir():
        return top, []
    what = "is a file" if top.exists() else "does not exist"
    fix = "give a folder (a relative one begins in the working directory)"
    return None, [f"{argument}={str(given)!r}: {top.absolute()} {what}; {fix}"]
