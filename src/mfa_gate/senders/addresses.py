"""Which addresses a sender may talk to, and which numbers it may be given."""

from __future__ import annotations

import ipaddress
import re

from ..core.web_address import WebAddress, read_address
from ..errors import SettingsError

_E164 = re.compile(r"\+[1-9][0-9]{5,14}")
_HOST = re.compile(r"(?i)(https?://)([^/?#@\\]*)")


def is_loopback(host: str) -> bool:
    """Whether ``host`` is this machine, by its spelling alone; no name is looked up."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_number(to: str) -> bool:
    """Whether ``to`` is a telephone number in E.164."""
    return bool(_E164.fullmatch(to))


def private_address(url: str) -> WebAddress | None:
    """Read ``url``, if what is sent there stays between the two: https, or http to this machine."""
    address = read_address(_HOST.sub(lambda found: found[0].lower(), url, count=1))
    if address is None or not (address.scheme == "https" or address.is_local):
        return None
    return address


def provider_address(url: str, *, what: str) -> WebAddress:
    """Read ``url``. Raises ``SettingsError`` unless it is https (or http to this machine) without a user or fragment."""
    address = private_address(url)
    if address is not None:
        return address
    if "@" in url or "#" in url:
        raise SettingsError(f"{what} must have neither user:password@ nor #fragment")
    raise SettingsError(f"{what} must be an https:// address (http:// only for this machine)")
