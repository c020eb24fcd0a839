"""Find why a change does not come from a page of ours, and name it in the log (V-8).

A wrong setting and another site look alike to a check. The words for them must differ.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Literal

from ..core.text_safety import one_line
from ..core.web_address import WebAddress, read_address
from .scope import header, origin_in
from .types import Scope

log = logging.getLogger("mfa_gate")

PAUSE = 60
"""Seconds between two lines in the log about the same kind of fault."""
MAX_ORIGIN = 100

OriginKind = Literal["unlisted", "elsewhere", "untold"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginFault:
    """A change that no page at a listed origin has sent.

    ``unlisted``: the app itself was opened at ``came``, which is not listed. ``elsewhere``: another site has sent it.
    ``untold``: the browser does not tell the origin. ``came`` is "" where nothing tells it.
    """

    kind: OriginKind
    came: str

    @property
    def is_local(self) -> bool:
        """Tell if the page was opened on a developer's own machine."""
        address = read_address(self.came)
        return address is not None and (address.is_local or address.host.endswith(".localhost"))

    @property
    def detail(self) -> str:
        """Say it to the developer of a front end, without the settings."""
        match self.kind:
            case "unlisted":
                return f'The page was opened at "{self.came}", which is not in relying_party.origins.'
            case "elsewhere":
                told = f'The browser tells the origin "{self.came}"' if self.came else "The browser tells another site"
                return f"{told}, which is neither in relying_party.origins nor, on the same site, in api_origins."
            case "untold":
                return "The browser tells no origin. A header Referrer-Policy: no-referrer makes browsers hide it."


def origin_fault(scope: Scope) -> OriginFault:
    """Return the fault of a request that ``same_origin`` has refused.

    Only words depend on it. For browsers that tell no more, it compares the host that was asked.
    """
    origin = header(scope, b"origin")
    told = origin.decode("latin-1") if origin is not None else origin_in(header(scope, b"referer") or b"")
    came = "" if told in ("null", "://") else one_line(told, limit=MAX_ORIGIN)
    site = header(scope, b"sec-fetch-site")
    if site in (b"cross-site", b"same-site"):
        return OriginFault(kind="elsewhere", came=came)
    if not came:
        return OriginFault(kind="untold", came="")
    host = (header(scope, b"host") or b"").decode("latin-1")
    is_own = site == b"same-origin" or (bool(host) and came.partition("://")[2] == host)
    return OriginFault(kind="unlisted" if is_own else "elsewhere", came=came)


@dataclass(slots=True)
class OriginLog:
    """A log of changes that came from no listed origin: one line a minute for each kind.

    ``party`` is the relying party's id, ``origins`` are its listed origins.
    """

    party: str
    origins: tuple[str, ...]
    _told: dict[OriginKind, int] = field(default_factory=dict)

    def tell(self, fault: OriginFault, *, what: str, now: int) -> None:
        """Name the origin that came, the listed ones and the fix.

        ``what`` was refused: "a form" or "a JSON call".
        """
        if abs(now - self._told.get(fault.kind, now - PAUSE)) < PAUSE:
            return
        self._told[fault.kind] = now
        log.warning("mfa_gate: %s was refused: %s", what, self.text(fault))

    def text(self, fault: OriginFault) -> str:
        """Say which origin came, which are listed, and what to do."""
        listed = f"relying_party.origins lists {', '.join(self.origins)}"
        match fault.kind:
            case "unlisted":
                return f"the app was opened at {fault.came}, and {listed}. {self._fix(fault.came)}"
            case "elsewhere":
                came = fault.came or "an origin that the browser does not tell"
                return (
                    f"another site has sent it, {came}, and {listed}. If that is a front end of yours on the same site, let it "
                    "make JSON calls, and name it in api_origins=[...]"
                )
            case "untold":
                return (
                    f"the browser tells no origin, and {listed}. Leave the header Referrer-Policy of our pages as it is: "
                    "no-referrer, set by a layer in front, makes browsers hide it"
                )

    def _fix(self, came: str) -> str:
        address = read_address(came)
        for origin in self.origins:
            mine = read_address(origin)
            if address and mine and mine.host == address.host and mine.scheme == "https" != address.scheme:
                return f"Open it at {origin}: lead http to https"
        if address is not None and self._belongs(address):
            return f'Open it at {self.origins[0]}, or list this origin as well: RelyingParty(origins=[..., "{came}"])'
        return f"Open it at {self.origins[0]}; {came} does not belong to relying_party.id={self.party!r}, so it cannot be listed"

    def _belongs(self, address: WebAddress) -> bool:
        return address.host == self.party or address.host.endswith(f".{self.party}")
