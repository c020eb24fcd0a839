"""A slow line between two servers, for tests of the losses of a failover."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from collections import deque


class Link:
    """A slow line from the primary to the replica.

    The primary's words arrive so many seconds later. The words that are on their way when the primary dies
    never arrive, as in the death of a whole machine. ``slowest`` is the most seconds that words were on their
    way; on a busy machine they are more than asked for.
    """

    def __init__(self, delay: float) -> None:
        self.slowest = delay
        self._delay = delay
        self._is_cut = False
        self._arriving = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))

    def to(self, port: int) -> int:
        """Begin to carry to ``port``; the port to connect to instead."""
        threading.Thread(target=self._serve, args=(port,), daemon=True).start()
        near: int = self._listener.getsockname()[1]
        return near

    def _serve(self, port: int) -> None:
        with contextlib.suppress(OSError):
            while True:
                replica, _ = self._listener.accept()
                with contextlib.suppress(OSError):
                    primary = socket.create_connection(("127.0.0.1", port))
                    threading.Thread(target=self._carry, args=(replica, primary, 0.0), daemon=True).start()
                    threading.Thread(target=self._carry, args=(primary, replica, self._delay), daemon=True).start()
                    continue
                replica.close()

    def cut(self) -> None:
        """Let no word of the primary arrive from now on."""
        with self._arriving:
            self._is_cut = True

    def close(self) -> None:
        """Carry nothing more."""
        self._listener.close()

    def _carry(self, source: socket.socket, target: socket.socket, delay: float) -> None:
        """Carry bytes from one socket to the other, each piece ``delay`` seconds late.

        When the source ends, the pieces under way are lost.
        """
        under_way: deque[tuple[float, bytes]] = deque()
        # The thread of the other way may close both sockets at any time; ``select`` then says ValueError.
        with source, target, contextlib.suppress(OSError, ValueError):
            while True:
                waits = under_way and not (delay and self._is_cut)
                if select.select([source], [], [], max(0.0, under_way[0][0] - time.monotonic()) if waits else None)[0]:
                    piece = source.recv(65_536)
                    if not piece:
                        return
                    under_way.append((time.monotonic() + delay, piece))
                with self._arriving:
                    while under_way and under_way[0][0] <= time.monotonic() and not (delay and self._is_cut):
                        due, piece = under_way.popleft()
                        self.slowest = max(self.slowest, time.monotonic() - due + delay)
                        target.sendall(piece)
