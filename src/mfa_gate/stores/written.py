"""A small file that is replaced in one step: whoever reads it finds the old text or the new, also after a power cut."""

from __future__ import annotations

import contextlib
import os
import secrets


def write(path: str, text: str) -> None:
    """Replace the file at ``path``, readable by its owner only. Raises ``OSError``.

    What root writes goes to whom the file belonged before, or the directory: else the service could not read it.
    """
    directory = os.path.dirname(path)
    fresh = f"{path}.{secrets.token_hex(8)}"
    try:
        descriptor = os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            if os.geteuid() == 0:
                owner = os.stat(path if os.path.exists(path) else directory)
                os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
            os.fsync(file.fileno())
        os.replace(fresh, path)
    except OSError:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(fresh)
        raise
    sync(directory)


def sync(directory: str) -> None:
    """Have a new name in ``directory`` survive a power cut."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
