"""Bounds on reports about people who are not signed in: so many a network and hour."""

from __future__ import annotations

import logging
from collections import OrderedDict

log = logging.getLogger("mfa_gate")

HOUR = 3600
PER_NETWORK = 20
PER_PROCESS = 500
"""The limit of all networks together, so that an attacker gains nothing by using many networks."""
MAX_NETWORKS = 5_000


class Strangers:
    """Counts of this process alone.

    A count in the store would itself be work that strangers cause.
    """

    def __init__(self) -> None:
        self._networks: OrderedDict[str, int] = OrderedDict()
        self._hour = -1
        self._total = 0

    def admits(self, network: str, now: int) -> bool:
        """Tell if one more request of ``network`` may be reported in this hour, and count it."""
        if now // HOUR != self._hour:
            self._networks.clear()
            self._hour, self._total = now // HOUR, 0
        count = self._networks.get(network, 0)
        if count >= PER_NETWORK or self._total >= PER_PROCESS:
            return False
        self._networks[network] = count + 1
        self._total += 1
        if len(self._networks) > MAX_NETWORKS:
            self._networks.popitem(last=False)
        if count + 1 == PER_NETWORK or self._total == PER_PROCESS:
            log.warning("refused requests without a sign-in: no more are reported in this hour (last from %s)", network)
        return True
