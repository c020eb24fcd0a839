"""The places of networks, as the host describes them."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Iterable, Mapping

from ..core.text_safety import unlinked
from ..ports import DescribeNetwork
from .effects import HostCall

log = logging.getLogger("mfa_gate")

WITHIN = 1.0
"""Seconds that the host's function has. Without an answer people read the address alone."""
KEPT_FOR, FAILED_FOR = 3600, 60
MAX_KEPT = 5_000
LONGEST = 60
"""The most characters of a place."""
THREADS = 4


class Places:
    """The host's ``describe_network``, asked once an hour for each network."""

    def __init__(self, describe: DescribeNetwork) -> None:
        self._describe = describe
        self._call = HostCall("describe_network", THREADS)
        self._kept: OrderedDict[str, tuple[float, str]] = OrderedDict()

    def close(self) -> None:
        """Let go of the threads."""
        self._call.close()

    async def of(self, network: str) -> str:
        """Return the place of a network, "" where the host knows none.

        A network that the policy names has a name already, and an unknown one has no place. A fault of the host's function
        is logged, and is no fault of the page.
        """
        if not network or network.startswith("="):
            return ""
        now = asyncio.get_running_loop().time()
        known = self._kept.get(network)
        if known is not None and now < known[0]:
            return known[1]
        kept_for, place = KEPT_FOR, ""
        try:
            said = await self._call.run(self._describe, network, within=WITHIN)
            place = unlinked(said.strip(), limit=LONGEST) if isinstance(said, str) and said.strip() else ""
        except Exception as error:
            kept_for = FAILED_FOR
            log.warning(
                "describe_network did not answer, so an address stands alone: %s: %s", type(error).__name__, error
            )
        self._kept[network] = (now + kept_for, place)
        if len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)
        return place

    async def all_of(self, networks: Iterable[str]) -> Mapping[str, str]:
        """Return the places of several networks, by network; those without one are left out."""
        asked = list(dict.fromkeys(networks))
        found = await asyncio.gather(*(self.of(network) for network in asked))
        return {network: place for network, place in zip(asked, found, strict=True) if place}
