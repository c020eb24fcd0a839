"""Web Push subscriptions, as a phone's browser gives them.

One function reads them, when they are kept and when they are used.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

from .web_address import WebAddress, read_address

MAX_SUBSCRIPTION = 2048

_KEY = re.compile(r"[A-Za-z0-9_-]{8,200}={0,2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """The address of one browser at its push service, and the keys ("": none given)."""

    address: WebAddress
    p256dh: str = field(repr=False)
    auth: str = field(repr=False)


def read_subscription(text: str) -> Subscription | None:
    """Read a subscription, or None for text that is none.

    The address must be ``https`` at port 443 of a host with a full name. An address of this machine is accepted too, so
    that a push service can be tried out there. A sender uses an address only if it is one of its services.
    """
    if len(text) > MAX_SUBSCRIPTION:
        return None
    try:
        found = json.loads(text)
        endpoint, keys = found["endpoint"], found.get("keys", {})
        p256dh, auth = keys.get("p256dh", ""), keys.get("auth", "")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    address = read_address(endpoint) if isinstance(endpoint, str) else None
    if address is None or not (address.is_local or _is_public(address)):
        return None
    if not all(isinstance(key, str) and (not key or _KEY.fullmatch(key)) for key in (p256dh, auth)):
        return None
    return Subscription(address=address, p256dh=p256dh, auth=auth)


def _is_public(address: WebAddress) -> bool:
    return address.scheme == "https" and address.port == 443 and address.is_named
