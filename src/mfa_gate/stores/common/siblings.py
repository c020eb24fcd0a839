"""Notice other worker processes of the same server."""

from __future__ import annotations

import atexit
import errno
import hashlib
import os
import socket
import sys
from dataclasses import dataclass


@dataclass(slots=True)
class _Held:
    """A name that this process has, with the socket that holds it and the number of its users."""

    socket: socket.socket
    users: int = 1


_HELD: dict[bytes, _Held] = {}
"""The names that this process has. A child has another parent, and so other names."""

_MET: set[bytes] = set()
"""The names that another process had: each is told once."""


def take_name(purpose: str) -> tuple[bytes, bool]:
    """Take the name of ``purpose`` for this process, until ``give_back`` or its end.

    Returns the name, and True, once, where another worker has it already. Workers of one server have the same parent, the
    same command line and the same folder. The name is a socket's in Linux's abstract namespace: it leaves no file.
    Elsewhere the name is empty, and nothing is noticed.
    """
    if not sys.platform.startswith("linux"):
        return b"", False
    server = "\0".join([str(os.getppid()), str(os.getuid()), os.getcwd(), *sys.argv])
    name = f"\0mfa_gate-{purpose}-".encode() + hashlib.sha256(os.fsencode(server)).hexdigest()[:32].encode()
    if name in _HELD:
        _HELD[name].users += 1
        return name, False
    if name in _MET:
        return name, False
    try:
        mine = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    except OSError:
        return name, False
    try:
        mine.bind(name)
    except OSError as error:
        mine.close()
        if error.errno != errno.EADDRINUSE:  # such names are forbidden here: nothing can be said
            return name, False
        _MET.add(name)
        return name, True
    _HELD[name] = _Held(mine)
    return name, False


def give_back(name: bytes) -> None:
    """Give the name back when its last user in this process does.

    A name that this process does not have is left alone.
    """
    held = _HELD.get(name)
    if held is None:
        return
    held.users -= 1
    if held.users == 0:
        del _HELD[name]
        held.socket.close()


@atexit.register
def _give_all_back() -> None:
    """Close what stores that nobody closed still hold."""
    while _HELD:
        _HELD.popitem()[1].socket.close()
