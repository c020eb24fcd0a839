"""Checks of the addresses that a sender may talk to, and of telephone numbers."""

from __future__ import annotations

import ipaddress
import re

from ..core.web_address import WebAddress, read_address
from ..errors import SettingsError

_E164 = re.compile(r"\+[1-9][0-9]{5,14}")
_HOST = re.compile(r"(?i)(https?://)([^/?#@\\]*)")


def is_loopback(host: str) -> bool:
    """Tell whether ``host`` is this machine, by its spelling alone. No name is looked up."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_number(to: str) -> bool:
    """Tell whether ``to`` is a telephone number in E.164."""
    return bool(_E164.fullmatch(to))


def private_address(url: str) -> WebAddress | None:
    """Read ``url`` if nobody can listen on the way: https, or http to this machine.

    Returns None for any other address.
    """
    address = read_address(_HOST.sub(lambda found: found[0].lower(), url, count=1))
    if address is None or not (address.scheme == "https" or address.is_local):
        return None
    return address


def provider_address(url: str, *, what: str) -> WebAddress:
    """Read ``url``. Raises ``SettingsError`` unless it is https, or http to this machine.

    It must have neither a user nor a fragment. ``what`` names the setting in the error.
    """
    address = private_address(url)
    if address is not None:
        return address
    if "@" in url or "#" in url:
        raise SettingsError(f"{what} must have neither user:password@ nor #fragment")
    raise SettingsError(f"{what} must be an https:// address (http:// only for this machine)")
