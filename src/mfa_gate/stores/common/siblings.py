"""Notice other worker processes of the same server, where something must not be in several of them."""

from __future__ import annotations

import errno
import hashlib
import os
import socket
import sys

_HELD: dict[bytes, int] = {}
"""The names that this process has, with the descriptors that hold them until it ends.

A child has another parent, and so other names.
"""

_MET: set[bytes] = set()


def meets_sibling(purpose: str) -> bool:
    """Take the name of ``purpose`` for this process; True, once, where another worker has it already.

    Workers of one server have the same parent, the same command line and the same folder. The name is a socket's in
    Linux's abstract namespace: it leaves no file, and goes with the process. Elsewhere nothing is noticed.
    """
    if not sys.platform.startswith("linux"):
        return False
    server = "\0".join([str(os.getppid()), str(os.getuid()), os.getcwd(), *sys.argv])
    name = f"\0mfa_gate-{purpose}-".encode() + hashlib.sha256(os.fsencode(server)).hexdigest()[:32].encode()
    if name in _HELD or name in _MET:
        return False
    try:
        mine = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    except OSError:
        return False
    try:
        mine.bind(name)
    except OSError as error:
        mine.close()
        if error.errno != errno.EADDRINUSE:  # such names are forbidden here: nothing can be said
            return False
        _MET.add(name)
        return True
    _HELD[name] = mine.detach()
    return False
